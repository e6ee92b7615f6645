//! What is said of mistakes: the rule, how bad it is, and the line.

use eks_access::aws_auth::lint::{Finding, Level, lint, unreadable};
use eks_access::aws_auth::{AwsAuth, AwsAuthError};

use crate::{manifest, roles, section};

const NODE: &str = "- rolearn: arn:aws:iam::111122223333:role/Node\n  username: system:node:{{EC2PrivateDNSName}}\n  groups: [system:bootstrappers, system:nodes]\n";

/// What is found in these rows of `mapRoles`, which begin in line 11, after a row for nodes.
fn found(rows: &str) -> Vec<Finding> {
    lint(&roles(&format!("{NODE}{rows}")))
}

fn rules(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|finding| finding.rule).collect()
}

#[test]
fn in_a_sound_file_nothing_is_found() {
    assert_eq!(
        found(
            "- rolearn: arn:aws:iam::111122223333:role/Dev\n  username: dev:{{SessionName}}\n  groups: [devs]"
        ),
        []
    );
}

#[test]
fn every_mistake_in_a_row_has_a_rule_and_its_line() {
    let row = |arn: &str, username: &str, groups: &str| {
        format!("- rolearn: {arn}\n  username: {username}\n  groups: {groups}")
    };
    let arn = |text: &str| row(text, "x", "[x]");
    let dev = "arn:aws:iam::111122223333:role/Dev";
    for (rows, rule, level) in [
        (
            arn("arn:aws:iam::111122223333:role/team/Dev"),
            "arn-path",
            Level::Error,
        ),
        (
            arn("arn:aws:sts::111122223333:assumed-role/Dev/jo"),
            "arn-assumed-role",
            Level::Error,
        ),
        (
            arn("arn:aws:iam::111122223333:instance-profile/Dev"),
            "arn-instance-profile",
            Level::Error,
        ),
        (
            arn("arn:aws:iam::111122223333:role/*"),
            "arn-wildcard",
            Level::Error,
        ),
        (
            arn("arn:aws:iam::111122223333:role /Dev"),
            "arn-whitespace",
            Level::Error,
        ),
        (
            arn("arn:aws:iam::111122223333:group/devs"),
            "arn-group",
            Level::Error,
        ),
        (arn("Dev"), "arn-unknown", Level::Error),
        (
            arn("arn:aws:iam::111122223333:root"),
            "arn-root",
            Level::Warning,
        ),
        (
            arn("arn:aws:sts::111122223333:federated-user/jo"),
            "arn-federated",
            Level::Info,
        ),
        (
            arn("arn:aws:iam::111122223333:user/jo"),
            "arn-other-section",
            Level::Info,
        ),
        (arn("12"), "arn-not-text", Level::Error),
        (row(dev, "~", "[x]"), "username-missing", Level::Warning),
        (row(dev, "12", "[x]"), "username-not-text", Level::Error),
        (
            row(dev, "\"x:{{sessionName}}\"", "[x]"),
            "unknown-template",
            Level::Warning,
        ),
        (
            row(dev, "\"{{EC2PrivateDNSName}}\"", "[x]"),
            "node-template",
            Level::Warning,
        ),
        (
            row(dev, "system:admin", "[x]"),
            "system-username",
            Level::Warning,
        ),
        (row(dev, "x", "x"), "groups-not-a-list", Level::Error),
        (row(dev, "x", "[1]"), "group-not-text", Level::Warning),
        (row(dev, "x", "[]"), "no-groups", Level::Info),
        (row(dev, "x", "[\"a,b\"]"), "groups-glued", Level::Error),
        (row(dev, "x", "[system:masters]"), "masters", Level::Warning),
        (
            format!("- userarn: {dev}\n  username: x\n  groups: [x]"),
            "arn-under-other-key",
            Level::Error,
        ),
        (
            "- username: x\n  groups: [x]".to_owned(),
            "arn-missing",
            Level::Error,
        ),
        ("- words".to_owned(), "row-not-a-mapping", Level::Error),
        (
            format!("{}\n  group: x", arn(dev)),
            "unknown-row-key",
            Level::Warning,
        ),
        (
            "- sso: {permissionSetName: A, accountID: \"111122223333\"}".to_owned(),
            "sso-row",
            Level::Error,
        ),
        (row(dev, "x", "[system:nodes]"), "node-groups", Level::Error),
    ] {
        let findings = found(&rows);
        let finding = findings.iter().find(|finding| finding.rule == rule);
        let finding = finding.unwrap_or_else(|| panic!("{rule} in\n{rows}\n{findings:?}"));
        assert_eq!(finding.level, level, "{rule}");
        assert!(
            (11..=14).contains(&finding.line),
            "{rule}: {}",
            finding.line
        );
        assert!(!finding.consequence.is_empty() && !finding.fix.is_empty());
    }
}

/// The authenticator's own `aws-auth-space-out-of-place.yaml`.
#[test]
fn groups_that_a_dash_out_of_place_glued_lock_nodes_out() {
    let glued = roles(
        "- rolearn: arn:aws:iam::111122223333:role/N\n  username: system:node:{{EC2PrivateDNSName}}\n  groups:\n  - system:bootstrappers\n   - system:nodes",
    );
    let findings = lint(&glued);
    assert_eq!(
        rules(&findings),
        ["groups-glued", "node-groups", "node-groups"]
    );
}

#[test]
fn of_duplicates_it_is_said_which_counts() {
    let row = "- rolearn: arn:aws:iam::111122223333:role/Dev\n  username: x\n  groups: [x]\n";
    let findings = found(&format!("{row}{row}"));
    assert_eq!(rules(&findings), ["duplicate"]);
    assert_eq!(findings[0].line, 11);
    assert!(
        findings[0].what.ends_with("mapped again in line 14"),
        "{findings:?}"
    );
}

#[test]
fn a_section_that_is_lost_says_that_nodes_are_out() {
    for (rows, rule) in [
        ("- rolearn: [x", "section-yaml"),
        ("- rolearn: x\n\tusername: y", "section-yaml"),
        (
            "- rolearn: x\n  username: {{SessionName}}",
            "unquoted-template",
        ),
        ("rolearn: x", "section-not-a-list"),
    ] {
        let findings = found(rows);
        // A mapping after the nodes' row is no YAML at all.
        let rule = if rows == "rolearn: x" {
            "section-yaml"
        } else {
            rule
        };
        assert_eq!(rules(&findings), [rule], "{rows}");
        assert!(findings[0].consequence.contains("nodes"), "{findings:?}");
        assert_eq!(findings[0].level, Level::Error);
    }
    assert_eq!(lint(&roles("rolearn: x"))[0].rule, "section-not-a-list");
    let without_bar = AwsAuth::parse("mapRoles:\n  - rolearn: x\n").unwrap();
    assert_eq!(lint(&without_bar)[0].rule, "section-not-text");
}

#[test]
fn keys_accounts_and_other_configmaps_are_told() {
    let auth = |text: &str| AwsAuth::parse(text).unwrap();
    let all = |text: &str| rules(&lint(&auth(text))).join(" ");
    assert_eq!(all(&manifest(&section("mapRoles", NODE))), "");
    assert_eq!(
        all(&manifest(&section("maproles", NODE))),
        "no-node-rows section-key-case"
    );
    assert_eq!(
        all(&manifest(&section("mapRoles", NODE)).replace("data:\n", "data:\n  x: y\n")),
        "unknown-key"
    );
    assert_eq!(
        all(&manifest(&section("mapRoles", NODE)).replace("name: aws-auth", "name: aws-iam")),
        "other-configmap"
    );
    assert_eq!(
        all(&manifest(&section(
            "mapAccounts",
            "- \"111122223333\"\n- x"
        ))),
        "no-node-rows account-mapped account-form"
    );
    assert_eq!(all("mapRoles: \"\"\n"), "no-node-rows");
}

#[test]
fn a_file_that_is_no_yaml_is_a_finding_and_another_file_is_none() {
    let error = AwsAuth::parse("data:\n\tmapRoles: x\n").unwrap_err();
    assert_eq!(unreadable(&error).unwrap().line, 2);
    assert_eq!(unreadable(&AwsAuthError::NotAwsAuth), None);
}

#[test]
fn what_the_file_says_is_never_shown_raw() {
    let hostile = "\"\\e[31m\\u202e\\nAKIAIOSFODNN7EXAMPLE\"";
    let findings = found(&format!(
        "- rolearn: {hostile}\n  {hostile}: x\n  username: \"{{{{\\e}}}}\"\n  groups: [\"a,\\e\"]"
    ));
    assert!(findings.len() > 2);
    for finding in findings {
        let text = format!("{}{}{}", finding.what, finding.consequence, finding.fix);
        assert!(
            !text.contains(|c: char| c.is_control() || c == '\u{202e}'),
            "{text:?}"
        );
        assert!(!text.contains("IOSFODNN7"), "{text}");
    }
}

#[test]
fn rows_that_a_missing_dash_makes_one_are_not_dropped_in_silence() {
    let dev = "rolearn: arn:aws:iam::111122223333:role/Dev\n  username: dev\n  groups: [devs]";
    let ops = dev.replace("Dev", "Ops");
    let findings = found(&format!("- {dev}\n  {ops}"));
    assert_eq!(rules(&findings), ["key-twice"; 3]);
    let lines: Vec<usize> = findings.iter().map(|finding| finding.line).collect();
    assert_eq!(lines, [11, 12, 13]);
    assert!(findings[0].what.contains("`rolearn` again in line 14"));
    assert!(findings.iter().all(|finding| finding.level == Level::Error));
    // What is taken over from elsewhere gives way, as it should.
    let merged = found(&format!(
        "- &dev\n  {dev}\n- <<: *dev\n  rolearn: arn:aws:iam::111122223333:role/Ops"
    ));
    assert_eq!(merged, []);
}

#[test]
fn what_looks_like_one_group_and_a_partition_that_is_none_are_told() {
    let of = |account: &str, groups: &str| {
        let row = format!("- rolearn: {account}:role/Dev\n  username: dev\n  groups: {groups}");
        let findings = found(&row);
        findings.first().map(|finding| finding.rule)
    };
    let own = "arn:aws:iam::111122223333";
    assert_eq!(of(own, "[devs]"), None);
    assert_eq!(of(own, "[a- b]"), Some("groups-glued"));
    assert_eq!(of(own, "[a;b]"), Some("groups-glued"));
    assert_eq!(of(own, "[a b]"), Some("group-whitespace"));
    assert_eq!(
        of("arn:aws-china:iam::111122223333", "[a]"),
        Some("arn-partition")
    );
    assert_eq!(of("arn:aws-cn:iam::111122223333", "[a]"), None);
}

#[test]
fn rows_behind_three_dashes_and_a_configmap_without_data_are_told() {
    let dev = "- rolearn: arn:aws:iam::111122223333:role/Dev\n  username: dev\n  groups: [devs]";
    let findings = found(&format!("---\n{dev}"));
    assert_eq!(rules(&findings), ["section-second-document"]);
    assert_eq!(findings[0].line, 12);
    let empty = lint(&AwsAuth::parse(&manifest("").replace("\ndata:\n", "\n")).unwrap());
    assert!(rules(&empty).contains(&"no-data"), "{empty:?}");
    assert!(!rules(&empty).contains(&"unknown-key"), "{empty:?}");
}
