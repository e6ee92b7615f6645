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
