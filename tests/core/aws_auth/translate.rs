//! What becomes of rows as access entries, in every tool.

use std::io::Write as _;
use std::process::{Command, Stdio};

use eks_access::aws_auth::AwsAuth;
use eks_access::aws_auth::translate::{
    EntryType, Format, Plan, Target, existing_entries, plan, render, summary,
};
use proptest::prelude::*;

use crate::{manifest, roles, section};

const FORMATS: [Format; 4] = [
    Format::AwsCli,
    Format::Eksctl,
    Format::Terraform,
    Format::CloudFormation,
];

fn target() -> Target {
    Target {
        cluster: "prod".parse().unwrap(),
        region: "eu-west-1".parse().unwrap(),
        account: Some("111122223333".parse().unwrap()),
    }
}

fn planned(auth: &AwsAuth, existing: &str) -> Plan {
    let existing = existing_entries(existing).unwrap();
    plan(auth, &target(), &existing)
}

fn rows(rows: &str) -> Plan {
    planned(&roles(rows), "[]")
}

/// What stays behind when something is made, line by line: without comments.
fn live(text: &str) -> String {
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'));
    lines.collect::<Vec<_>>().join("\n")
}

/// What eksctl makes of a row: `doBuildNodeRoleAccessEntry`, `doBuildAccessEntry` and `doFilterAccessEntries` of
/// `pkg/actions/accessentry/migrator.go`, as `eks-api.md` 2.2 has them.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Eksctl {
    Node(EntryType),
    Administrator,
    Groups,
    Skipped,
}

/// Where ours is the same, and where it is meant to differ: with the reason.
#[test]
fn rows_become_what_eksctl_makes_of_them_but_for_the_differences_that_are_meant() {
    use Eksctl::{Administrator, Groups, Node, Skipped};
    use EntryType::{Ec2Linux, Ec2Windows, FargateLinux, Standard};
    let node = "system:node:{{EC2PrivateDNSName}}";
    for (name, username, groups, eksctl, ours, differs) in [
        (
            "N",
            node,
            "system:bootstrappers, system:nodes",
            Node(Ec2Linux),
            Some(Ec2Linux),
            "",
        ),
        (
            "N",
            node,
            "system:bootstrappers, system:nodes, \"eks:kube-proxy-windows\"",
            Node(Ec2Windows),
            Some(Ec2Windows),
            "",
        ),
        (
            "A",
            "admin",
            "system:masters",
            Administrator,
            Some(Standard),
            "views some namespaces; the rest is a comment",
        ),
        ("D", "dev", "devs, ops", Groups, Some(Standard), ""),
        ("S", "sys", "system:authenticated", Skipped, None, ""),
        (
            "S",
            "sys",
            "devs, system:aggregate-to-view",
            Skipped,
            None,
            "",
        ),
        (
            "M",
            "m",
            "my-system-team",
            Skipped,
            Some(Standard),
            "eksctl looks for `system` anywhere in a name",
        ),
        (
            "F",
            "system:node:{{SessionName}}",
            "system:bootstrappers, system:nodes, system:node-proxier",
            Node(Ec2Linux),
            Some(FargateLinux),
            "EKS' type for Fargate",
        ),
        ("AWSServiceRoleForX", "x", "devs", Skipped, None, ""),
    ] {
        let plan = rows(&format!(
            "- rolearn: arn:aws:iam::111122223333:role/{name}\n  username: \"{username}\"\n  groups: [{groups}]"
        ));
        assert_eq!(plan.moves.first().map(|m| m.entry_type), ours, "{groups}");
        assert_eq!(plan.moves.len() + plan.stays.len(), 1);
        let like_eksctl = match eksctl {
            Node(kind) => ours == Some(kind),
            Administrator => false,
            Groups => ours == Some(Standard) && !plan.moves[0].groups.is_empty(),
            Skipped => ours.is_none(),
        };
        assert_eq!(like_eksctl, differs.is_empty(), "{groups}: {differs}");
    }
    let accounts =
        AwsAuth::parse(&manifest(&section("mapAccounts", "- \"111122223333\""))).unwrap();
    assert_eq!(
        (
            planned(&accounts, "[]").moves.len(),
            planned(&accounts, "[]").stays.len()
        ),
        (0, 1)
    );
}

#[test]
fn who_gets_in_today_moves_and_nobody_else() {
    let dev = "username: dev\n  groups: [devs]";
    for arn in [
        "arn:aws:iam::111122223333:role/team/Dev",
        "arn:aws:sts::111122223333:assumed-role/Dev/jo",
        "arn:aws:iam::111122223333:instance-profile/Dev",
        "arn:aws:iam::111122223333:role/*",
        "arn:aws:iam::111122223333:root",
        "arn:aws:sts::111122223333:federated-user/jo",
        "arn:aws:iam::111122223333:role/aws-service-role/AWSServiceRoleForX",
        "words",
    ] {
        let plan = rows(&format!("- rolearn: {arn}\n  {dev}"));
        assert!(
            plan.moves.is_empty() && plan.stays.len() == 1,
            "{arn}: {plan:?}"
        );
        for format in FORMATS {
            assert!(
                !live(&render(&plan, &target(), format)).contains("Dev"),
                "{arn}"
            );
        }
    }
    let twice = rows(&format!(
        "- rolearn: arn:aws:iam::111122223333:role/Dev\n- rolearn: arn:aws:iam::111122223333:role/Dev\n  {dev}"
    ));
    assert_eq!(
        (twice.moves.len(), twice.moves[0].line, twice.stays.len()),
        (1, 9, 1)
    );
}

#[test]
fn nodes_of_another_account_stay_behind_and_people_move() {
    let foreign = |groups: &str| {
        rows(&format!(
            "- rolearn: arn:aws:iam::222233334444:role/X\n  username: x\n  groups: [{groups}]"
        ))
    };
    assert!(foreign("system:nodes").moves.is_empty());
    let people = foreign("devs");
    assert!(people.moves[0].is_foreign);
    assert!(!render(&people, &target(), Format::AwsCli).contains("get-role"));
}

#[test]
fn user_names_move_where_eks_takes_them() {
    for (username, moves) in [
        ("dev", true),
        ("dev:{{SessionName}}", true),
        ("a:b-{{SessionNameRaw}}", true),
        ("{{SessionName}}", false),
        ("dev-{{SessionName}}", false),
        ("x:{{AccountID}}", false),
        ("system:admin", false),
        ("EKS:x", false),
        ("file:///etc/passwd", false),
        ("--help", false),
        ("{{resolve:ssm:x}}", false),
        ("a\\nb", false),
        (" a", false),
    ] {
        let plan = rows(&format!(
            "- rolearn: arn:aws:iam::111122223333:role/Dev\n  username: \"{username}\"\n  groups: [devs]"
        ));
        assert_eq!(plan.moves[0].username.is_some(), moves, "{username}");
        assert_eq!(plan.moves[0].notes.is_empty(), moves, "{username}");
    }
}

/// Reference: denials.md, 7.5.
#[test]
fn what_must_never_be_suggested_is_in_a_comment_at_most() {
    let auth = roles(
        "- rolearn: arn:aws:iam::111122223333:role/Admin\n  username: a\n  groups: [system:masters, devs]\n- rolearn: arn:aws:sts::111122223333:assumed-role/Dev/jo\n- rolearn: arn:aws:iam::111122223333:role/Node\n  username: system:node:{{EC2PrivateDNSName}}\n  groups: [system:nodes, system:masters]",
    );
    for existing in ["[]", r#"["arn:aws:iam::111122223333:role/x/Admin"]"#] {
        for format in FORMATS {
            let text = render(&planned(&auth, existing), &target(), format);
            for never in [
                "system:masters",
                "ClusterAdmin",
                "AdminPolicy",
                "assumed-role",
                "type=cluster",
                "Type: cluster",
                "kubectl",
                "delete",
                "update-cluster-config",
            ] {
                assert!(!live(&text).contains(never), "{format:?}: {never}\n{text}");
            }
            let said = text.find("Not recommended: the literal translation");
            let literal = text.find("AmazonEKSClusterAdminPolicy");
            assert_eq!(said.is_some(), literal.is_some(), "{text}");
            assert!(said <= literal);
            assert!(text.contains("EKS makes these entries itself"), "{text}");
        }
    }
}

#[test]
fn what_exists_is_not_made_anew() {
    let auth = roles(
        "- rolearn: arn:aws:iam::111122223333:role/Dev\n  username: dev\n  groups: [devs]\n- rolearn: arn:aws:iam::111122223333:role/Node\n  username: system:node:{{EC2PrivateDNSName}}\n  groups: [system:bootstrappers, system:nodes]",
    );
    let existing = r#"{"accessEntries": ["arn:aws:iam::111122223333:role/team/Dev", "arn:aws:iam::111122223333:role/Node", "what else"]}"#;
    let plan = planned(&auth, existing);
    let terraform = render(&plan, &target(), Format::Terraform);
    assert!(
        terraform.contains("id = \"prod:arn:aws:iam::111122223333:role/team/Dev\""),
        "{terraform}"
    );
    assert!(!live(&terraform).contains("Node"), "{terraform}");
    for format in [Format::AwsCli, Format::Eksctl] {
        let script = live(&render(&plan, &target(), format));
        assert!(
            !script.contains("create") && script.contains("describe-access-entry"),
            "{script}"
        );
    }
    assert!(!live(&render(&plan, &target(), Format::CloudFormation)).contains("AWS::EKS"));
    assert!(summary(&plan).contains("has an entry already"));
    assert_eq!(existing_entries("{}"), None);
}

#[test]
fn two_principals_of_one_name_have_two_names_in_a_file() {
    let plan = rows(
        "- rolearn: arn:aws:iam::111122223333:role/a-b\n- rolearn: arn:aws:iam::111122223333:role/a.b\n- rolearn: arn:aws:iam::111122223333:role/A_B2",
    );
    let terraform = render(&plan, &target(), Format::Terraform);
    for label in ["role_a_b", "role_a_b_2", "role_a_b2"] {
        assert_eq!(
            terraform
                .matches(&format!("\"aws_eks_access_entry\" \"{label}\""))
                .count(),
            1,
            "{terraform}"
        );
    }
}

/// Runs a script with programs that print their words, one a line, between marks.
fn run(script: &str) -> String {
    let programs = "aws() { if [ \"$1\" = iam ]; then printf '%s\\n' \"arn:aws:iam::111122223333:role/path/$4\"; else printf '<%s>\\n' \"$@\"; fi; }; eksctl() { printf '<%s>\\n' \"$@\"; }\n";
    let mut child = Command::new("sh")
        .env("NAMESPACES", "a,b")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin
        .write_all(format!("{programs}{script}").as_bytes())
        .unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "{script}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_script_gives_the_tools_the_names_as_they_are_and_the_arn_with_its_path() {
    let strange = r#"it's $(id) `id` "q" \\ ; & | > x # !"#;
    let yaml = serde_json::to_string(strange).unwrap();
    let plan = rows(&format!(
        "- rolearn: arn:aws:iam::111122223333:role/Dev=a,b@c\n  username: {yaml}\n  groups: [{yaml}, two, system:masters]"
    ));
    assert_eq!(plan.moves[0].username.as_deref(), Some(strange));
    for format in [Format::AwsCli, Format::Eksctl] {
        let printed = run(&render(&plan, &target(), format));
        assert!(printed.contains(&format!("<{strange}>")), "{printed}");
        assert!(
            printed.contains("<arn:aws:iam::111122223333:role/path/Dev=a,b@c>"),
            "{printed}"
        );
        assert!(
            printed.contains("<type=namespace,namespaces=a,b>"),
            "{printed}"
        );
    }
}

#[test]
fn a_script_stops_before_it_lets_in_a_role_of_another_account() {
    let plan =
        rows("- rolearn: arn:aws:iam::111122223333:role/Dev\n  username: dev\n  groups: [devs]");
    let script = render(&plan, &target(), Format::AwsCli);
    let wrong = "aws() { if [ \"$1\" = iam ]; then echo arn:aws:iam::999988887777:role/Dev; else echo ran; fi; }\n";
    let output = Command::new("sh")
        .arg("-c")
        .arg(format!("{wrong}{script}"))
        .output()
        .unwrap();
    assert!(!output.status.success());
    assert!(output.stdout.is_empty(), "{:?}", output.stdout);
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("no role of that name in that account")
    );
}

/// Words that break out of somebody's quotes.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("'"),
        Just("\""),
        Just("\\"),
        Just("$(touch x)"),
        Just("`id`"),
        Just("${x}"),
        Just("%{if}"),
        Just("\n"),
        Just("# "),
        Just(": "),
        Just("- "),
        Just("{{"),
        Just("}}"),
        Just("\u{2028}"),
        Just("\u{85}"),
        Just("é"),
        Just(" "),
        Just("devs"),
        Just(","),
        Just("${file(\"/etc/passwd\")}"),
        Just("{{SessionName}}"),
        Just("]"),
        Just("\r"),
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn nothing_panics_whatever_the_file_says(text in "(data:|mapRoles: \\||  - |rolearn|username|: |\\n|\\t|[\\[\\]{}&*!|>'\"%@`#-]|\\PC){0,40}") {
        if let Ok(auth) = AwsAuth::parse(&text) {
            let plan = planned(&auth, "[]");
            for format in FORMATS {
                let _ = render(&plan, &target(), format);
            }
            let _ = eks_access::aws_auth::lint::lint(&auth);
        }
    }

    #[test]
    fn no_name_breaks_out_of_a_script(username in hostile(), group in hostile(), key in hostile()) {
        let quoted = |text: &str| serde_json::to_string(text).unwrap();
        let plan = rows(&format!(
            "- rolearn: arn:aws:iam::111122223333:role/Dev\n  username: {}\n  groups: [{}, devs]\n- rolearn: {}\n  {}: x",
            quoted(&username), quoted(&group), quoted(&group), quoted(&key)
        ));
        for format in FORMATS {
            let text = render(&plan, &target(), format);
            // Outside comments only the words of the row's names may come from the file, and no line begins in one.
            prop_assert!(text.chars().all(|c| c == '\n' || !(c.is_control() || c == '\u{2028}')), "{}", text);
        }
        let script = render(&plan, &target(), Format::AwsCli);
        let words = shlex::split(&live(&script).replace("|| true)", "").replace("\\\n", " ")).unwrap();
        if let Some(entry) = plan.moves.first() {
            for name in entry.groups.iter().chain(&entry.username) {
                prop_assert!(words.contains(name), "{name:?} in {script}");
            }
        }
        let terraform = live(&render(&plan, &target(), Format::Terraform));
        prop_assert!(!terraform.replace("$${", "").contains("${"), "{}", terraform);
        prop_assert!(!terraform.replace("%%{", "").contains("%{"), "{}", terraform);
        let template = live(&render(&plan, &target(), Format::CloudFormation));
        prop_assert!(!template.contains("{{resolve"));
    }
}

#[test]
fn a_row_of_another_partition_than_the_regions_stays_behind() {
    let auth =
        roles("- rolearn: arn:aws:iam::111122223333:role/Dev\n  username: dev\n  groups: [devs]");
    let of = |region: &str| {
        let target = Target {
            region: region.parse().unwrap(),
            ..target()
        };
        let plan = plan(&auth, &target, &[]);
        (plan.moves.len(), plan.stays.len())
    };
    assert_eq!(of("eu-west-1"), (1, 0));
    assert_eq!(of("cn-north-1"), (0, 1));
}
