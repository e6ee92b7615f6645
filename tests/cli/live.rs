//! `explain --live` and `why`: the real command between fakes of AWS.

use fakes::aws::Aws;
use fakes::directory::Principal;
use fakes::eks::{Cluster, Entry};
use fakes::process::{Ran, run};
use fakes::record::Answer;
use serde_json::Value;

const LINE: &str = "time=\"2026-03-01T10:00:00Z\" level=warning msg=\"access denied\" arn=\"arn:aws:iam::111122223333:role/Deployer\" \
                    client=\"127.0.0.1:4000\" error=\"identity is not mapped\" method=POST path=/authenticate\n";

fn ask(aws: &Aws, arguments: &[&str], input: &str) -> Ran {
    let variables = aws.variables();
    run(
        env!("CARGO_BIN_EXE_eks-access"),
        arguments,
        variables,
        input.as_bytes(),
    )
}

fn world(mode: &str) -> (Aws, String) {
    let aws = Aws::start("eu-west-1", "111122223333");
    aws.eks.cluster(Cluster::new("prod").mode(mode));
    let asker = aws.directory.add(Principal::role("/", "Platform")).arn;
    aws.directory
        .signs_with(fakes::aws::ACCESS_KEY, &asker, "jane");
    let role = Principal::role("/team/", "Deployer").created_at("2026-01-10T00:00:00Z");
    let role = aws.directory.add(role).arn;
    (aws, role)
}

fn object(ran: &Ran) -> Value {
    serde_json::from_str(ran.stdout.lines().next().unwrap()).unwrap()
}

#[test]
fn explain_live_tells_the_cause_that_a_line_alone_can_not() {
    let (aws, role) = world("API");
    aws.eks
        .entry("prod", Entry::new(&role).created_at("2026-01-11T00:00:00Z"));
    aws.directory.recreate(&role, "2026-02-20T00:00:00Z");
    let alone = run(
        env!("CARGO_BIN_EXE_eks-access"),
        &["explain", "--cluster", "prod", "--format", "json"],
        aws.variables(),
        LINE.as_bytes(),
    );
    assert_eq!(object(&alone)["cause"], "principal-not-mapped");
    assert_eq!(aws.record.asked().len(), 0);
    let ran = ask(
        &aws,
        &["explain", "--live", "--cluster", "prod", "--format", "json"],
        LINE,
    );
    assert_eq!(
        object(&ran)["cause"],
        "entry-outlived-its-role",
        "{}",
        ran.stderr
    );
    assert!(object(&ran)["facts"]["learned"].is_array());
    let text = ask(&aws, &["explain", "--live", "--cluster", "prod"], LINE);
    assert_eq!(text.code(), 1);
    let command = format!("--principal-arn {role}");
    assert!(text.stdout.contains(&command), "{}", text.stdout);
    assert!(
        text.stdout.contains("--region eu-west-1"),
        "{}",
        text.stdout
    );
    assert_eq!(aws.complaints(), Vec::<String>::new());
}

#[test]
fn why_says_who_would_get_in_and_who_would_not() {
    let (aws, role) = world("API");
    let why = |principal: &str| {
        let ran = ask(
            &aws,
            &["why", principal, "--cluster", "prod", "--format", "json"],
            "",
        );
        (
            ran.code(),
            object(&ran)["verdict"].as_str().unwrap().to_owned(),
        )
    };
    assert_eq!(why(&role), (1, "not-mapped".to_owned()));
    aws.eks.entry(
        "prod",
        Entry::new(&role)
            .created_at("2026-01-11T00:00:00Z")
            .policy("AmazonEKSViewPolicy"),
    );
    assert_eq!(why(&role), (0, "let-in".to_owned()));
    let session = "arn:aws:sts::111122223333:assumed-role/Deployer/jane";
    assert_eq!(why(session), (0, "let-in".to_owned()));
    assert_eq!(
        why("arn:aws:iam::111122223333:role/Nobody"),
        (1, "gone".to_owned())
    );
    assert_eq!(aws.complaints(), Vec::<String>::new());
}

#[test]
fn a_copy_of_aws_auth_decides_where_entries_do_not() {
    let (aws, role) = world("CONFIG_MAP");
    let map = |arn: &str| {
        format!(
            "data:\n  mapRoles: |\n    - rolearn: {arn}\n      username: dev\n      groups: [dev]\n"
        )
    };
    let why = |input: &str| {
        let arguments = [
            "why",
            role.as_str(),
            "--cluster",
            "prod",
            "--aws-auth",
            "-",
            "--format",
            "json",
        ];
        let ran = ask(&aws, &arguments, input);
        (
            ran.code(),
            object(&ran)["verdict"].as_str().unwrap().to_owned(),
        )
    };
    assert_eq!(
        why(&map("arn:aws:iam::111122223333:role/Deployer")),
        (0, "mapped-in-aws-auth".to_owned())
    );
    assert_eq!(why(&map(&role)), (1, "not-mapped".to_owned()));
    let unread = ask(
        &aws,
        &["why", &role, "--cluster", "prod", "--format", "json"],
        "",
    );
    assert_eq!(
        (unread.code(), object(&unread)["let_in"].clone()),
        (0, Value::Null)
    );
}

#[test]
fn what_aws_does_not_allow_is_said_and_costs_nothing_else() {
    let (aws, role) = world("API");
    aws.iam.plan(|_| Answer::Denied);
    let ran = ask(&aws, &["why", &role, "--cluster", "prod"], "");
    assert_eq!(ran.code(), 1, "{}", ran.stderr);
    assert!(ran.stdout.contains("iam:GetRole"), "{}", ran.stdout);
    aws.eks.plan(|_| Answer::Denied);
    let ran = ask(&aws, &["why", &role, "--cluster", "prod"], "");
    assert_eq!(ran.code(), 2);
    assert!(ran.stderr.contains("eks:DescribeCluster"), "{}", ran.stderr);
}

#[test]
fn without_credentials_or_a_region_nothing_is_guessed() {
    let home = [
        ("HOME", "/nonexistent"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ];
    let program = env!("CARGO_BIN_EXE_eks-access");
    let asked = ["explain", "--live", "--cluster", "prod"];
    for (more, words) in [
        (
            &[][..],
            "no Region is known; name the cluster's with --region",
        ),
        (
            &["--region", "eu-west-1"],
            "no good AWS credentials were found; name a profile",
        ),
        (
            &["--region", "eu-west-1", "--profile", "nosuch"],
            "no good AWS credentials were found (",
        ),
    ] {
        let ran = run(program, &[&asked[..], more].concat(), home, LINE.as_bytes());
        assert_eq!(ran.code(), 2);
        assert!(ran.stderr.contains(words), "{}", ran.stderr);
        assert_eq!(ran.stdout, "");
    }
}

#[test]
fn an_account_with_a_cluster_of_the_same_name_does_not_answer_for_another() {
    let line = LINE.replace("111122223333", "777788889999");
    let options = ["--cluster", "prod", "--format", "json"];
    for has_role in [false, true] {
        let aws = Aws::start("eu-west-1", "111122223333");
        aws.eks.cluster(Cluster::new("prod").mode("API"));
        let asker = aws.directory.add(Principal::role("/", "Platform")).arn;
        aws.directory
            .signs_with(fakes::aws::ACCESS_KEY, &asker, "jane");
        if has_role {
            aws.directory.add(Principal::role("/ours/", "Deployer"));
        }
        for cluster in ["prod", "nowhere"] {
            let arguments = ["explain", "--live", "--account", "777788889999"];
            let mut arguments = [&arguments[..], &options].concat();
            arguments[5] = cluster;
            let ran = ask(&aws, &arguments, &line);
            let answer = object(&ran);
            assert_eq!(answer["cause"], "principal-not-mapped", "{answer}");
            assert!(!answer.to_string().contains("/ours/"), "{answer}");
        }
        assert_eq!(aws.complaints(), Vec::<String>::new());
    }
}

#[test]
fn why_knows_nodes_from_people() {
    let aws = Aws::start("eu-west-1", "111122223333");
    aws.eks.cluster(Cluster::new("prod").mode("API"));
    let asker = aws.directory.add(Principal::role("/", "Platform")).arn;
    aws.directory
        .signs_with(fakes::aws::ACCESS_KEY, &asker, "jane");
    let old = "2026-01-10T00:00:00Z";
    let why = |name: &str, service: Option<&str>, kind: &str| {
        let role = Principal::role("/", name).created_at(old);
        let role = match service {
            Some(service) => role.trusting_service(service),
            None => role,
        };
        let role = aws.directory.add(role).arn;
        let entry = Entry::new(&role).created_at("2026-01-11T00:00:00Z");
        let entry = if kind == "STANDARD" {
            entry.policy("AmazonEKSViewPolicy")
        } else {
            entry.of_type(kind)
        };
        aws.eks.entry("prod", entry);
        let command = ["why", role.as_str(), "--cluster", "prod"];
        let text = ask(&aws, &command, "");
        let ran = ask(&aws, &[&command[..], &["--format", "json"]].concat(), "");
        let answer = object(&ran);
        assert_eq!(text.code(), ran.code());
        (
            ran.code(),
            answer["verdict"].as_str().unwrap().to_owned(),
            answer["let_in"].clone(),
            text.stdout,
        )
    };
    let ec2 = Some("ec2.amazonaws.com");
    for kind in ["EC2_LINUX", "EC2"] {
        let (code, verdict, let_in, text) = why(&format!("workers-{kind}"), ec2, kind);
        assert_eq!(
            (code, verdict.as_str(), let_in),
            (0, "nodes-let-in", true.into())
        );
        assert!(text.contains(&format!("of type {kind}")), "{text}");
    }
    let person = why("person", None, "EC2_LINUX");
    assert_eq!((person.0, person.1.as_str()), (1, "entry-is-for-nodes"));
    let node = why("prod-NodeInstanceRole-1", ec2, "STANDARD");
    assert_eq!((node.0, node.1.as_str()), (1, "entry-is-not-for-nodes"));
    let bastion = why("bastion", ec2, "STANDARD");
    assert_eq!((bastion.0, bastion.1.as_str()), (0, "let-in"));
    assert!(bastion.3.contains("no node can join"), "{}", bastion.3);
}

#[test]
fn a_row_whose_user_name_only_instances_can_have_lets_no_person_in() {
    let (aws, role) = world("CONFIG_MAP");
    let nodes = Principal::role("/", "workers").trusting_service("ec2.amazonaws.com");
    let nodes = aws.directory.add(nodes).arn;
    let map = |name: &str| {
        format!(
            "data:\n  mapRoles: |\n    - rolearn: arn:aws:iam::111122223333:role/{name}\n      \
             username: system:node:{{{{EC2PrivateDNSName}}}}\n      groups: [system:nodes]\n"
        )
    };
    let why = |role: &str, map: &str| {
        let arguments = ["why", role, "--cluster", "prod", "--aws-auth", "-"];
        let ran = ask(&aws, &[&arguments[..], &["--format", "json"]].concat(), map);
        (
            ran.code(),
            object(&ran)["verdict"].as_str().unwrap().to_owned(),
        )
    };
    assert_eq!(
        why(&role, &map("Deployer")),
        (1, "row-is-for-nodes".to_owned())
    );
    assert_eq!(why(&nodes, &map("workers")), (0, "nodes-let-in".to_owned()));
}

#[test]
fn who_pastes_a_line_is_told_that_its_entry_was_on_its_way() {
    for (created, expected) in [
        ("2026-03-01T09:59:10Z", "access entry not yet in effect"),
        ("2026-03-01T10:00:20Z", "access entry not yet in effect"),
        ("2026-03-05T10:00:00Z", "principal not mapped"),
    ] {
        let (aws, role) = world("API");
        aws.eks.entry("prod", Entry::new(&role).created_at(created));
        let ran = ask(&aws, &["explain", "--live", "--cluster", "prod"], LINE);
        assert!(ran.stdout.contains(expected), "{created}\n{}", ran.stdout);
        assert!(
            !ran.stdout.contains("create-access-entry"),
            "{}",
            ran.stdout
        );
    }
}

#[test]
fn a_row_of_a_permission_set_whose_role_is_there_was_meant_for_that_role() {
    let (aws, _) = world("CONFIG_MAP");
    let set = |suffix: &str| {
        let path = "/aws-reserved/sso.amazonaws.com/";
        let role = Principal::role(path, &format!("AWSReservedSSO_Dev_{suffix}"));
        aws.directory.add(role).arn
    };
    let (new, old) = (set("0123456789abcdef"), set("fedcba9876543210"));
    let map = "data:\n  mapRoles: |\n    - rolearn: arn:aws:iam::111122223333:role/AWSReservedSSO_Dev_fedcba9876543210\n      \
               username: dev\n      groups: [dev]\n";
    let cause = || {
        let arguments = ["why", new.as_str(), "--cluster", "prod", "--aws-auth", "-"];
        let ran = ask(&aws, &[&arguments[..], &["--format", "json"]].concat(), map);
        object(&ran)["cause"].as_str().unwrap().to_owned()
    };
    assert_eq!(cause(), "not-in-aws-auth");
    aws.directory.delete(&old);
    assert_eq!(cause(), "sso-role-reprovisioned");
    assert_eq!(aws.complaints(), Vec::<String>::new());
}
