//! What is to be done about access entries and rows of `aws-auth` that do not let somebody in.

use std::collections::BTreeSet;

use eks_access::catalogue::{Case, find};
use eks_access::example::{World, worlds};
use eks_access::facts::{
    AccessEntry, Administrator, AwsAuthRow, EntryType, Fact, Facts, RowFault, Unknown,
};
use eks_access::symptom::Symptom;
use eks_access::text::LogText;

use crate::cases::{describe, plain};
use crate::facts::CLAIMED;
use crate::remedies::{all_texts, is_grant};
use crate::worlds::cluster_of;

fn world(cause: &str) -> World {
    worlds()
        .into_iter()
        .find(|world| world.cause == cause)
        .unwrap()
}

/// The steps that can work in the world's mode, as one text.
fn steps(world: &World) -> String {
    let cluster = cluster_of(world);
    let case = world.case(&cluster);
    all_texts(&find(world.cause).unwrap().remedies_for(&case))
}

/// Claimed by the causes of these ids, with their remedies.
fn claimed(ids: &'static [&'static str]) -> impl Iterator<Item = (&'static Case<'static>, String)> {
    CLAIMED
        .iter()
        .filter(move |(cause, _)| ids.contains(&cause.id))
        .map(|(cause, case)| {
            let text = all_texts(&cause.remedies_for(case));
            (case, text)
        })
}

#[test]
fn the_facts_of_the_tests_reach_every_cause_of_entries_and_rows() {
    let seen: BTreeSet<&str> = CLAIMED.iter().map(|(cause, _)| cause.id).collect();
    for world in worlds() {
        let is_refused = matches!(world.symptom, Symptom::NotMapped);
        let is_auto_mode = world.cause.starts_with("auto-mode");
        if is_refused && !is_auto_mode {
            assert!(seen.contains(world.cause), "{}", world.cause);
        }
    }
}

#[test]
fn where_a_mapping_is_there_or_nobody_is_nothing_is_granted() {
    let causes = &[
        "mapping-without-effect",
        "access-entry-not-yet-effective",
        "principal-no-longer-exists",
    ];
    assert!(claimed(causes).count() > 20);
    for (case, text) in claimed(causes) {
        assert!(!is_grant(&text), "{case:?}\n{text}");
    }
}

#[test]
fn a_stale_entry_is_named_and_deleted_only_after_the_new_one_is_made() {
    for (cause, old, new) in [
        (
            "sso-role-reprovisioned",
            "role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Developer_fedcba9876543210",
            "role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Developer_0123456789abcdef",
        ),
        (
            "access-entry-has-another-path",
            "role/DevRole",
            "role/team/dev/DevRole",
        ),
    ] {
        let text = steps(&world(cause));
        let arn = |resource: &str| format!("--principal-arn arn:aws:iam::111122223333:{resource}");
        let at = |command: &str, resource: &str| {
            let line = text
                .lines()
                .position(|line| line.starts_with(command) && line.contains(&arn(resource)));
            line.unwrap_or_else(|| panic!("{cause}: {command} {resource}\n{text}"))
        };
        let noted = at("aws eks list-associated-access-policies", old);
        let made = at("aws eks create-access-entry", new);
        let deleted = at("aws eks delete-access-entry", old);
        assert!(noted < made && made < deleted, "{cause}\n{text}");
        assert_eq!(text.matches("delete-access-entry").count(), 1, "{text}");
    }
}

#[test]
fn terraform_finds_the_one_role_of_a_permission_set() {
    let mut sso = world("sso-role-reprovisioned");
    let text = steps(&sso);
    for expected in [
        "name_regex  = \"^AWSReservedSSO_Developer_[0-9a-f]{16}$\"",
        "path_prefix = \"/aws-reserved/sso.amazonaws.com/\"",
        "principal_arn = one(data.aws_iam_roles.denied.arns)",
    ] {
        assert!(text.contains(expected), "{expected}\n{text}");
    }
    // As strange as a permission set's name may be: none of it is a pattern.
    let arn = "arn:aws:iam::111122223333:role/AWSReservedSSO_a+b.c=@,-_0123456789abcdef";
    sso.principal = arn.parse().ok();
    assert!(steps(&sso).contains("\"^AWSReservedSSO_a[+]b[.]c=@,-_[0-9a-f]{16}$\""));
}

#[test]
fn a_row_gets_the_one_edit_under_the_right_key() {
    let of = |fault, row: &str, principal: &str| {
        let mut world = world("aws-auth-row-matches-nobody");
        world.principal = principal.parse().ok();
        world.facts.iam = Fact::Unknown(Unknown::Throttled);
        world.facts.aws_auth = Fact::Known(AwsAuthRow::Near(fault, LogText::new(row)));
        let cluster = cluster_of(&world);
        let case = world.case(&cluster);
        let cause = eks_access::catalogue::judge(&case).cause.unwrap();
        (cause.id, all_texts(&cause.remedies_for(&case)))
    };
    let role = "arn:aws:iam::111122223333:role/DevRole";
    let user = "arn:aws:iam::111122223333:user/team/dana";
    let set = "arn:aws:iam::111122223333:role/AWSReservedSSO_Ops_0123456789abcdef";
    for (fault, row, principal, cause, key) in [
        (
            RowFault::KeepsPath,
            "arn:aws:iam::111122223333:role/team/dev/DevRole",
            role,
            "aws-auth-row-keeps-path",
            "mapRoles",
        ),
        (
            RowFault::MatchesNobody,
            "arn:aws:sts::111122223333:assumed-role/DevRole/dana",
            role,
            "aws-auth-row-matches-nobody",
            "mapRoles",
        ),
        (
            RowFault::MatchesNobody,
            "arn:aws:iam::111122223333:user/dana",
            user,
            "aws-auth-row-matches-nobody",
            "mapUsers",
        ),
        (
            RowFault::OtherSuffix,
            "arn:aws:iam::111122223333:role/AWSReservedSSO_Ops_fedcba9876543210",
            set,
            "sso-role-reprovisioned",
            "mapRoles",
        ),
        (
            RowFault::OtherKind,
            "arn:aws:iam::111122223333:user/DevRole",
            role,
            "mapped-under-a-lookalike",
            "mapRoles",
        ),
        (
            RowFault::OtherAccount,
            "arn:aws:iam::444455556666:role/DevRole",
            role,
            "mapped-in-another-account",
            "mapRoles",
        ),
    ] {
        let (id, text) = of(fault, row, principal);
        assert_eq!(id, cause);
        let field = if key == "mapUsers" {
            "userarn"
        } else {
            "rolearn"
        };
        for expected in [
            format!("# under `{key}: |`, in the row whose ARN now reads\n#   \"{row}\"\n"),
            format!("- {field}: \"{principal}\""),
            format!("jsonpath={{.data.{key}}}"),
        ] {
            assert!(text.contains(&expected), "{cause}: {expected}\n{text}");
        }
    }
    // Whatever stands in a row, it stays in its comment.
    let (_, text) = of(
        RowFault::MatchesNobody,
        "x\n- rolearn: evil\u{2028}\"",
        role,
    );
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("- ")).collect();
    assert_eq!(rows, [format!("- rolearn: \"{role}\"")]);
}

#[test]
fn an_entry_that_is_made_again_keeps_what_it_had_and_gets_nothing_that_eks_refuses() {
    let of = |change: fn(&mut AccessEntry)| {
        let mut world = world("entry-outlived-its-role");
        if let Fact::Known(Some(entry)) = &mut world.facts.entry {
            entry.groups = vec![LogText::new("viewers"), LogText::new("of shop")];
            entry.username = LogText::new("dev:{{SessionName}}");
            change(entry);
        }
        steps(&world)
    };
    let standard = of(|_| ());
    for kept in [
        "--type STANDARD",
        "--kubernetes-groups viewers 'of shop'",
        "--username 'dev:{{SessionName}}'",
    ] {
        assert!(standard.contains(kept), "{kept}\n{standard}");
    }
    let by_default = of(|entry| {
        entry.username =
            LogText::new("arn:aws:sts::111122223333:assumed-role/DevRole/{{SessionName}}");
    });
    assert!(!by_default.contains("--username"), "{by_default}");
    // EKS gives nodes their own.
    let nodes = of(|entry| entry.kind = EntryType::Ec2Linux);
    assert!(nodes.contains("--type EC2_LINUX"), "{nodes}");
    assert!(!nodes.contains("--kubernetes-groups") && !nodes.contains("--username"));
    let other = of(|entry| entry.kind = EntryType::Other);
    assert!(!other.contains("delete-access-entry"), "{other}");
}

#[test]
fn an_entry_with_names_that_tools_misread_gets_no_command_to_make_it_again() {
    use eks_access::facts::AssociatedPolicy;
    let policy = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy";
    let of = |group: &str, username: &str, policy: &str, namespace: &str| {
        let mut world = world("entry-outlived-its-role");
        if let Fact::Known(Some(entry)) = &mut world.facts.entry {
            entry.groups = vec![LogText::new(group)];
            entry.username = LogText::new(username);
            entry.policies = Fact::Known(vec![AssociatedPolicy {
                arn: LogText::new(policy),
                namespaces: vec![LogText::new(namespace)],
            }]);
        }
        let text = steps(&world);
        let is_made = text.contains("aws eks create-access-entry");
        assert_eq!(
            text.contains("aws eks delete-access-entry"),
            is_made,
            "{text}"
        );
        is_made
    };
    assert!(of("viewers", "dev", policy, "team-*"));
    let long = "g".repeat(400);
    for group in [
        "-x",
        "--type",
        "[a]",
        "file:///x",
        "a\u{202e}b",
        long.as_str(),
    ] {
        assert!(!of(group, "dev", policy, "shop"), "{group}");
    }
    assert!(!of("viewers", "--type", policy, "shop"));
    assert!(!of("viewers", "dev", policy, "a,type=cluster"));
    assert!(!of("viewers", "dev", policy, "-a"));
    assert!(!of("viewers", "dev", "--access-scope", "shop"));
}

#[test]
fn the_only_entry_of_a_user_that_is_gone_is_the_renamed_users() {
    use eks_access::facts::{Near, NearMiss};
    let principal = "arn:aws:iam::111122223333:user/dana.smith".parse().unwrap();
    let cluster = cluster_of(&world("principal-never-mapped"));
    let text = |former: &[&str]| {
        let near = former.iter().map(|name| NearMiss {
            entry: format!("arn:aws:iam::111122223333:user/{name}")
                .parse()
                .unwrap(),
            near: Near::Former,
            exists: Fact::Known(false),
        });
        let facts = Facts {
            near: Fact::Known(near.collect()),
            ..Facts::none()
        };
        let mut case = plain(Symptom::PrincipalIdMismatch, Some(&principal), &cluster);
        case.facts = &facts;
        let cause = find("access-entry-names-another-principal").unwrap();
        all_texts(&cause.remedies_for(&case))
    };
    let delete =
        "aws eks delete-access-entry --cluster-name prod-eu --region eu-west-1 --principal-arn ";
    let one = text(&["dana"]);
    assert!(one.contains(&format!("{delete}arn:aws:iam::111122223333:user/dana\n")));
    assert!(!one.contains("OLD_ENTRY_ARN"));
    let several = text(&["dana", "erin"]);
    assert!(several.contains(&format!("{delete}OLD_ENTRY_ARN\n")));
    for name in ["dana", "erin"] {
        let look = format!("--principal-arn arn:aws:iam::111122223333:user/{name}\n");
        assert!(several.contains(&look), "{several}");
    }
}

#[test]
fn a_lockout_is_told_with_every_mapping_and_administrators_are_named_where_there_are_some() {
    let warning = "Mend the lockout as well";
    for (cause, case) in &*CLAIMED {
        let with_entries = case
            .cluster
            .mode
            .is_some_and(eks_access::cluster::AuthenticationMode::has_access_entries);
        let is_ours = worlds()
            .iter()
            .any(|world| world.cause == cause.id && !cause.id.ends_with("role-not-mapped"))
            || cause.id == "principal-not-mapped";
        let is_exempt = [
            "no-administrator-left",
            "access-entry-not-yet-effective",
            "mapping-lost-in-broken-aws-auth",
        ]
        .contains(&cause.id);
        if !is_ours || is_exempt || !with_entries || case.foreign_principal().is_some() {
            continue;
        }
        let remedies = cause.remedies_for(case);
        let warns = remedies
            .iter()
            .any(|remedy| remedy.title.starts_with(warning));
        let is_locked = case.facts.is_without_administrator();
        assert_eq!(warns, is_locked, "{}", describe(cause, case));
    }
    let cluster = cluster_of(&world("principal-never-mapped"));
    let first = |exists: Option<bool>| {
        let mut facts = Facts::none();
        if let Some(exists) = exists {
            facts.administrators = Fact::Known(vec![Administrator {
                principal: "arn:aws:iam::111122223333:role/PlatformAdmin"
                    .parse()
                    .unwrap(),
                exists: Fact::Known(exists),
            }]);
        }
        let mut case = plain(Symptom::ClientCreatorDeleted, None, &cluster);
        case.facts = &facts;
        let remedies = find("cluster-creator-deleted").unwrap().remedies_for(&case);
        remedies.first().unwrap().title.clone()
    };
    assert!(first(Some(true)).contains("the role PlatformAdmin of account 111122223333"));
    assert!(!first(Some(false)).contains("PlatformAdmin"));
    assert!(!first(None).contains("PlatformAdmin"));
}
