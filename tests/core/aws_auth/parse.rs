//! What is read, and what the authenticator has of it. The rules are those of kubernetes-sigs/aws-iam-authenticator,
//! `pkg/mapper/configmap` (`ParseMap`, and its own `yaml_test.go`) and `pkg/config`.

use eks_access::aws_auth::{
    AwsAuth, AwsAuthError, Breakage, FlawKind, MAX_LENGTH, Row, Section, Standing,
};
use eks_access::text::LogText;

use crate::{manifest, roles, section};

const DEV: &str =
    "- rolearn: arn:aws:iam::111122223333:role/Dev\n  username: dev\n  groups: [devs]";
const USER: &str =
    "- userarn: arn:aws:iam::111122223333:user/jo\n  username: jo\n  groups:\n  - devs";

fn parse(text: &str) -> AwsAuth {
    AwsAuth::parse(text).unwrap()
}

fn raw(texts: &[LogText]) -> Vec<&str> {
    texts.iter().map(LogText::raw).collect()
}

fn one(rows: &str) -> Row {
    let auth = roles(rows);
    assert_eq!(auth.rows().len(), 1, "{rows}");
    auth.rows()[0].clone()
}

fn standings(auth: &AwsAuth) -> Vec<Standing> {
    auth.rows().iter().map(|row| row.standing).collect()
}

#[test]
fn every_form_that_people_have_is_read_and_every_row_knows_its_line() {
    let json = r#"{
  "apiVersion": "v1",
  "data": {
    "mapRoles": "- rolearn: arn:aws:iam::111122223333:role/Dev\n  username: dev\n  groups: [devs]\n"
  },
  "kind": "ConfigMap",
  "metadata": {"name": "aws-auth", "namespace": "kube-system"}
}"#;
    let list = "apiVersion: v1\nkind: List\nitems:\n- data: {x: y}\n  metadata: {name: other}\n- data:\n    mapRoles: |\n      - rolearn: arn:aws:iam::111122223333:role/Dev\n        username: dev\n        groups: [devs]\n  metadata: {name: aws-auth}\n";
    let bare = format!("mapRoles: |\n  {}", DEV.replace('\n', "\n  "));
    let data = format!("data:\n{}", section("mapRoles", DEV));
    let second = format!(
        "kind: Namespace\n---\n{}",
        manifest(&section("mapRoles", DEV))
    );
    let blank = format!(
        "data:\n  mapRoles: |\n\n\n    {}\n",
        DEV.replace('\n', "\n    ")
    );
    // As `kubectl -o yaml` writes text with blanks at the ends of lines.
    let quoted = "data:\n  mapRoles: \"- rolearn: arn:aws:iam::111122223333:role/Dev\\n  username:\n    dev\\n  groups: [devs]\\n\"\n";
    let windows = manifest(&section("mapRoles", DEV)).replace('\n', "\r\n");
    for (form, text, line) in [
        ("manifest", manifest(&section("mapRoles", DEV)).as_str(), 8),
        ("json", json, 4),
        ("list", list, 8),
        ("bare", &bare, 2),
        ("data", &data, 3),
        ("second document", &second, 10),
        ("blank lines", &blank, 5),
        ("quoted", quoted, 2),
        ("windows", &windows, 8),
    ] {
        let auth = parse(text);
        assert!(!auth.is_broken(), "{form}: {:?}", auth.errors());
        assert_eq!(auth.rows().len(), 1, "{form}");
        let row = &auth.rows()[0];
        assert_eq!(
            row.arn.raw(),
            "arn:aws:iam::111122223333:role/Dev",
            "{form}"
        );
        assert_eq!(row.username.as_ref().unwrap().raw(), "dev", "{form}");
        assert_eq!(raw(&row.groups), ["devs"], "{form}");
        assert_eq!(
            (row.section, row.index, row.line),
            (Section::Roles, 1, line),
            "{form}"
        );
        assert_eq!(row.standing, Standing::Counts, "{form}");
    }
}

#[test]
fn what_is_no_aws_auth_is_told_apart_from_what_is_broken() {
    for text in [
        "",
        "x: y",
        "- a\n- b\n",
        "just words",
        "kind: Pod\nmetadata: {name: x}",
    ] {
        assert_eq!(
            AwsAuth::parse(text),
            Err(AwsAuthError::NotAwsAuth),
            "{text}"
        );
    }
    let broken = manifest("  mapRoles: |\n    - rolearn: x\n   - rolearn: y\n");
    let Err(AwsAuthError::Yaml { line, .. }) = AwsAuth::parse(&broken) else {
        panic!("not broken");
    };
    assert_eq!(line, 9);
    let large = "#".repeat(MAX_LENGTH + 1);
    assert_eq!(AwsAuth::parse(&large), Err(AwsAuthError::TooLarge));
    let empty = parse(&manifest("  mapRoles: \"\"\n  mapUsers:\n"));
    assert!(empty.rows().is_empty() && !empty.is_broken());
    let without_data = "kind: ConfigMap\nmetadata: {name: aws-auth}\n";
    assert!(parse(without_data).rows().is_empty());
}

/// `yaml_test.go`: `aws-auth-lower-case-top-keys.yaml`, `aws-auth-crazy-case-top-keys.yaml`.
#[test]
fn the_names_of_the_sections_are_read_in_one_case_only() {
    for key in ["maproles", "MapRoles", "MAPROLES", "map_roles"] {
        let auth = parse(&manifest(&section(key, DEV)));
        assert_eq!(standings(&auth), [Standing::WrongSectionKey], "{key}");
        assert_eq!(auth.other_keys()[0].like, Some(Section::Roles), "{key}");
        assert!(!auth.is_broken(), "{key}");
    }
}

/// `yaml_test.go`: `aws-auth-crazy-case-keys.yaml`, `aws-auth-open-source-case-keys.yaml`.
#[test]
fn the_keys_of_a_row_are_read_in_any_case() {
    let row =
        one("- RoLeArN: arn:aws:iam::111122223333:role/Dev\n  USERNAME: dev\n  Groups:\n  - devs");
    assert_eq!(row.standing, Standing::Counts);
    assert_eq!(raw(&row.groups), ["devs"]);
    // Of the same key in two cases the one that Go's JSON meets last counts: capitals come first.
    let row = one(
        "- rolearn: arn:aws:iam::111122223333:role/B\n  roleARN: arn:aws:iam::111122223333:role/A",
    );
    assert_eq!(row.arn.raw(), "arn:aws:iam::111122223333:role/B");
}

/// `yaml_test.go`: `aws-auth-space-out-of-place.yaml`.
#[test]
fn a_dash_out_of_place_glues_two_groups_together() {
    let row = one(
        "- rolearn: arn:aws:iam::111122223333:role/N\n  groups:\n  - system:bootstrappers\n   - system:nodes",
    );
    assert_eq!(raw(&row.groups), ["system:bootstrappers - system:nodes"]);
    assert!(!row.has_group("system:nodes"));
}

/// `yaml_test.go`: `aws-auth-missing-bar.yaml`.
#[test]
fn without_the_bar_the_section_is_no_text() {
    let auth = parse(&manifest(&format!(
        "  mapRoles:\n    {}",
        DEV.replace('\n', "\n    ")
    )));
    assert_eq!(auth.errors()[0].breakage, Breakage::NotText);
    assert_eq!(standings(&auth), [Standing::BrokenSection]);
}

#[test]
fn one_mistake_drops_every_role_and_no_user() {
    let node = "- rolearn: arn:aws:iam::111122223333:role/Node\n  groups: [system:nodes]";
    for (mistake, line) in [
        (format!("{node}\n{DEV}\n  bad: [x"), 6),
        (format!("{node}\n- rolearn: x\n username: y"), 4),
        (format!("{node}\n\t- rolearn: x"), 3),
        (format!("{node}\n-\trolearn: x"), 3),
        (
            format!("{node}\n- rolearn: x\n  username: {{{{SessionName}}}}"),
            4,
        ),
        (format!("{node}\n- rolearn: x\n  username: a: b"), 4),
        (format!("{node}\n- rolearn: x\n  username: @x"), 4),
    ] {
        let text = manifest(&format!(
            "{}{}",
            section("mapRoles", &mistake),
            section("mapUsers", USER)
        ));
        let auth = parse(&text);
        let error = auth
            .error_in(Section::Roles)
            .unwrap_or_else(|| panic!("{mistake}"));
        assert_eq!(error.inner_line, line, "{mistake}\n{error:?}");
        assert_eq!(error.line, line + 7, "{mistake}");
        assert!(auth.error_in(Section::Users).is_none());
        let first = &auth.rows()[0];
        assert_eq!(first.standing, Standing::BrokenSection, "{mistake}");
        assert_eq!(first.arn.raw(), "arn:aws:iam::111122223333:role/Node");
        let user = auth.rows().last().unwrap();
        assert_eq!(
            (user.section, user.standing),
            (Section::Users, Standing::Counts)
        );
    }
    let unquoted = roles("- rolearn: x\n  username: {{SessionName}}");
    assert_eq!(unquoted.errors()[0].breakage, Breakage::UnquotedBraces);
    let mapping = roles("rolearn: x\nusername: y");
    assert_eq!(mapping.errors()[0].breakage, Breakage::NotAList);
}

/// Go's `json.Unmarshal` leaves out a value of the wrong kind, goes on, and reports it at the end.
#[test]
fn a_value_of_the_wrong_kind_is_left_out_and_its_row_stays() {
    let arn = "- rolearn: arn:aws:iam::111122223333:role/Dev";
    let kinds = |row: &Row| {
        row.flaws
            .iter()
            .map(|flaw| flaw.kind.clone())
            .collect::<Vec<_>>()
    };
    let row = one(&format!("{arn}\n  username: dev\n  groups: devs"));
    assert_eq!(
        (kinds(&row), row.groups.len()),
        (vec![FlawKind::GroupsNotAList], 0)
    );
    assert_eq!(row.standing, Standing::Counts);
    for username in ["12", "true", "yes", "1.5", "0x1f", "[a]", "{a: b}"] {
        let row = one(&format!("{arn}\n  username: {username}"));
        assert_eq!(kinds(&row), [FlawKind::UsernameNotText], "{username}");
        assert_eq!(row.username, None);
    }
    for username in [
        "\"12\"",
        "!!str 12",
        "2024-01-01",
        "a-1",
        "1a",
        "system:node:{{EC2PrivateDNSName}}",
        "yEs",
    ] {
        let row = one(&format!("{arn}\n  username: {username}"));
        assert_eq!(kinds(&row), [], "{username}");
        assert!(row.username.is_some(), "{username}");
    }
    let row = one(&format!("{arn}\n  groups: [a, 1, ~]"));
    assert_eq!(raw(&row.groups), ["a", "", ""]);
    assert_eq!(kinds(&row), [FlawKind::GroupNotText]);
    let row = one(&format!("{arn}\n  group: devs"));
    assert_eq!(kinds(&row), [FlawKind::UnknownKey(LogText::new("group"))]);
}

#[test]
fn a_row_without_an_arn_is_skipped_and_the_rest_is_kept() {
    let auth = roles(&format!(
        "- username: x\n- userarn: arn:aws:iam::111122223333:user/jo\n- words\n- rolearn: 12\n{DEV}"
    ));
    let skipped = Standing::NoArn;
    assert_eq!(
        standings(&auth),
        [skipped, skipped, skipped, skipped, Standing::Counts]
    );
}

#[test]
fn of_rows_with_one_arn_the_last_counts_and_roles_come_before_users() {
    let shout = DEV.to_uppercase().replace("ROLEARN", "rolearn");
    let auth = roles(&format!("{DEV}\n{shout}"));
    assert_eq!(
        standings(&auth),
        [Standing::Overridden { by: 11 }, Standing::Counts]
    );
    let both = format!(
        "{}{}",
        section("mapUsers", "- userarn: arn:aws:iam::111122223333:role/Dev"),
        section("mapRoles", DEV)
    );
    let auth = parse(&manifest(&both));
    assert_eq!(
        standings(&auth),
        [Standing::Overridden { by: 10 }, Standing::Counts]
    );
}

#[test]
fn a_row_for_a_permission_set_matches_nothing_on_eks() {
    let row =
        one("- sso:\n    permissionSetName: Admin\n    accountID: \"111122223333\"\n  username: x");
    assert_eq!(row.standing, Standing::PermissionSet);
}

#[test]
fn accounts_are_read_with_and_without_quotes() {
    let auth = parse(&manifest(&section(
        "mapAccounts",
        "- \"111122223333\"\n- 012345678901",
    )));
    let ids: Vec<_> = auth
        .accounts()
        .iter()
        .map(|a| (a.id.raw(), a.line, a.counts))
        .collect();
    assert_eq!(ids, [("111122223333", 8, true), ("012345678901", 9, true)]);
}

#[test]
fn another_configmap_and_another_namespace_are_noticed() {
    let other = manifest(&section("mapRoles", DEV)).replace("kube-system", "default");
    let (what, line) = (
        parse(&other).elsewhere().unwrap().0.raw().to_owned(),
        parse(&other).elsewhere().unwrap().1,
    );
    assert_eq!((what.as_str(), line), ("namespace default", 5));
    assert!(parse(&manifest("")).elsewhere().is_none());
}

#[test]
fn a_tab_is_a_mistake_only_where_a_key_may_begin() {
    // As libyaml reads them; tried with its 0.2.5.
    for (rows, is_read) in [
        (
            "- rolearn:\tarn:aws:iam::1:role/a\n  username:\tadmin",
            true,
        ),
        ("- rolearn: a\n  groups: [\n\tb, c\n  ]", true),
        ("- rolearn: a\n  groups: {b:\t1,\tc: 2}", true),
        (
            "- rolearn: a\n  username: |\n    x\n    \ty\n  groups: [b]",
            true,
        ),
        ("- rolearn: a\n  username: 'x\n\ty'", true),
        ("- rolearn: a\n  username: foo\n      \tbar", true),
        ("- rolearn: a\t# why\n  username: b", true),
        ("- rolearn\t: a\n  \"username\"\t:\tb", true),
        ("- rolearn: a\n  groups:\t\n  - b", true),
        ("- rolearn: a\n  groups: [a,\n\tb\n  ]", true),
        ("- rolearn: a\n  groups: [a,\n  b\n\t]", false),
        ("- rolearn: a\n\t# why\n  username: b", false),
        ("- rolearn: a\n  groups: [a,\n\tb\n  ]", true),
        ("- rolearn: a\n  groups: [a,\n  b\n\t]", false),
        ("- rolearn: a\n\t# why\n  username: b", false),
        ("-\trolearn: a", false),
        ("- \trolearn: a", false),
        ("- rolearn: a\n\tusername: b", false),
        ("- rolearn: a\n  \tusername: b", false),
        ("- rolearn: a\n\t username: b", false),
        ("- rolearn: a\n  groups:\n\t- b", false),
        ("- rolearn: a\n  username: |\n\tx", false),
        ("- rolearn: a\n  username: foo\n\tbar", false),
    ] {
        let json = serde_json::json!({"data": {"mapRoles": rows}}).to_string();
        let auth = parse(&json);
        assert_eq!(auth.is_broken(), !is_read, "{rows:?} {:?}", auth.errors());
    }
    // Around the sections as well.
    let file = manifest(&section("mapRoles", DEV)).replace("name: ", "name:\t");
    assert_eq!(parse(&file).rows().len(), 1);
    assert_eq!(
        one("- rolearn: x\n  username:\ta b")
            .username
            .unwrap()
            .raw(),
        "a b"
    );
}
