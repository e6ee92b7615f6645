//! `doctor`: what is right and wrong with clusters' logins and with what watches them.

use fakes::directory::Principal;
use fakes::eks::{Cluster, Entry};
use fakes::logs::LogGroup;
use fakes::record::{Answer, Asked};
use serde_json::Value;

use crate::world::{World, flat};

const ADMIN: &str = "AmazonEKSClusterAdminPolicy";
const RESPONDER: &str = "arn:aws:lambda:eu-west-1:111122223333:function:responder";

/// A cluster with which nothing is wrong.
fn add(world: &World, name: &str) {
    let cluster = Cluster::new(name).mode("API").logging(&["authenticator"]);
    world
        .eks
        .cluster(cluster.endpoint(true, true, &["203.0.113.0/24"]));
    for name_of in ["One", "Two"] {
        let arn = format!("arn:aws:iam::111122223333:role/team/{name_of}");
        let entry = Entry::new(&arn).created_at("2026-01-11T00:00:00Z");
        world.eks.entry(name, entry.policy(ADMIN));
    }
    let group = LogGroup::new(&format!("/aws/eks/{name}/cluster"));
    world.logs.group(group.filter("stack", "", RESPONDER));
}

fn world() -> World {
    let mut world = World::new();
    let asker = world.directory.role("/", "Auditor").arn;
    world.sign_in("AKIAAUDITOR000000000", &asker);
    world.set("AWS_REGION", "eu-west-1");
    for name in ["One", "Two"] {
        let role = Principal::role("/team/", name).created_at("2026-01-10T00:00:00Z");
        world.directory.add(role);
    }
    add(&world, "prod");
    world
}

/// The level of each check of the first cluster.
fn level(report: &Value, check: &str) -> String {
    let findings = report["clusters"][0]["findings"].as_array().unwrap();
    let notices = report["notices"].as_array().unwrap();
    let found = findings
        .iter()
        .chain(notices)
        .find(|finding| finding["check"] == check);
    found
        .map_or("none", |finding| finding["level"].as_str().unwrap())
        .to_owned()
}

fn held_to_the_schema(report: &Value) {
    let text = include_str!("../../docs/schemas/doctor.v1.json");
    let schema: Value = serde_json::from_str(text).unwrap();
    let errors: Vec<String> = jsonschema::validator_for(&schema)
        .unwrap()
        .iter_errors(report)
        .map(|error| error.to_string())
        .collect();
    assert_eq!(errors, Vec::<String>::new());
}

#[test]
fn a_healthy_cluster_is_well_and_the_schema_holds() {
    let world = world();
    world.sns.subscribe("email", "oncall@example.com");
    let now = yesterday_at_noon();
    let of = [("FunctionName", "responder")];
    world
        .cloudwatch
        .metric("AWS/Lambda", "Invocations", &of, &[(&now, 9.0)]);
    world
        .cloudwatch
        .metric("AWS/Lambda", "Errors", &of, &[(&now, 0.0)]);
    let topic = world.topic.clone();
    let arguments = [
        "doctor",
        "--cluster",
        "prod",
        "--stack",
        "stack",
        "--topic",
        topic.as_str(),
        "--strict",
    ];
    let (code, report) = world.json(&arguments);
    assert_eq!(
        (code, report["worst"].as_str()),
        (0, Some("ok")),
        "{report:#}"
    );
    held_to_the_schema(&report);
    let ran = world.run(&arguments);
    assert!(
        ran.stdout.ends_with("0 error, 0 warn, 0 unknown, 14 ok.\n"),
        "{}",
        ran.stdout
    );
    let schema = world.run(&["doctor", "--format", "schema"]);
    assert_eq!(
        schema.stdout,
        include_str!("../../docs/schemas/doctor.v1.json")
    );
}

/// A little more than an hour ago, so that it is in the last 24 hours whatever the time is.
fn yesterday_at_noon() -> String {
    let now = std::time::SystemTime::now();
    let since = now.duration_since(std::time::UNIX_EPOCH).unwrap();
    eks_access::timestamp::rfc3339(i64::try_from(since.as_millis()).unwrap() - 4_000_000)
}

#[test]
fn what_is_wrong_is_told_with_the_commands_that_mend_it() {
    let world = world();
    world.eks.change("prod", |cluster| {
        cluster.logging(&[]).endpoint(true, true, &["0.0.0.0/0"])
    });
    world
        .logs
        .group(LogGroup::new("/aws/eks/prod/cluster").class("INFREQUENT_ACCESS"));
    world
        .directory
        .delete("arn:aws:iam::111122223333:role/team/One");
    let two = "arn:aws:iam::111122223333:role/team/Two";
    world.directory.recreate(two, "2026-02-01T00:00:00Z");
    let nodes = Principal::role("/", "Workers").trusting_service("ec2.amazonaws.com");
    let nodes = world
        .directory
        .add(nodes.created_at("2026-01-01T00:00:00Z"))
        .arn;
    world.eks.entry(
        "prod",
        Entry::new(&nodes).created_at("2026-01-11T00:00:00Z"),
    );
    let ran = world.run(&["doctor", "--cluster", "prod"]);
    assert_eq!(ran.code(), 1);
    let told = flat(&ran.stdout);
    for part in [
        "ERROR the authenticator's log is off",
        "aws eks update-cluster-config --name prod --region eu-west-1",
        "ERROR the log group is of class INFREQUENT_ACCESS",
        "ERROR no subscription leads to any Lambda function (there is none at all; 2 of 2 subscriptions left)",
        "WARN the API can be reached from every address",
        "WARN entries whose role or user IAM has no more: arn:aws:iam::111122223333:role/team/One",
        "ERROR entries that do not count, for their role or user was made anew since",
        "WARN entries with neither access policy nor group, which let in and allow nothing: arn:aws:iam::111122223333:role/Workers",
        "WARN roles that EC2 or Fargate assumes have an entry of type STANDARD",
        "ERROR nobody administers the cluster; everybody with AmazonEKSClusterAdminPolicy is gone",
    ] {
        assert!(told.contains(part), "no `{part}` in\n{}", ran.stdout);
    }
}

#[test]
fn several_clusters_are_asked_at_once_and_each_principal_once() {
    let world = world();
    let names: Vec<String> = (0..20).map(|number| format!("c{number}")).collect();
    for name in &names {
        add(&world, name);
    }
    let slow = std::time::Duration::from_millis(20);
    world.eks.plan(move |_| Answer::Slow(slow));
    let (code, report) = world.json(&["doctor", "--cluster", &names.join(",")]);
    assert_eq!(code, 0, "{report:#}");
    assert_eq!(report["clusters"].as_array().unwrap().len(), 20);
    assert_eq!(world.record.count("GetRole"), 2);
    let most = world.record.most_at_once();
    assert!((2..=8).contains(&most), "{most}");
}

#[test]
fn what_is_not_allowed_is_unknown_with_the_permission() {
    for (operation, check, permission) in [
        ("DescribeCluster", "status", "eks:DescribeCluster"),
        ("ListAccessEntries", "entry-quota", "eks:ListAccessEntries"),
        (
            "DescribeAccessEntry",
            "entries-without-rights",
            "eks:DescribeAccessEntry",
        ),
        (
            "ListAssociatedAccessPolicies",
            "entries-without-rights",
            "eks:ListAssociatedAccessPolicies",
        ),
        ("GetRole", "principals-gone", "iam:GetRole"),
        ("DescribeLogGroups", "log-group", "logs:DescribeLogGroups"),
        (
            "DescribeSubscriptionFilters",
            "subscription",
            "logs:DescribeSubscriptionFilters",
        ),
        ("GetMetricData", "function", "cloudwatch:GetMetricData"),
    ] {
        let world = world();
        let plan = move |asked: &Asked| {
            if asked.operation == operation {
                Answer::Denied
            } else {
                Answer::Normal
            }
        };
        world.eks.plan(plan);
        world.iam.plan(plan);
        world.logs.plan(plan);
        world.cloudwatch.plan(plan);
        let arguments = ["doctor", "--cluster", "prod", "--function", "responder"];
        let (_, report) = world.json(&arguments);
        held_to_the_schema(&report);
        assert_eq!(level(&report, check), "unknown", "{operation}: {report:#}");
        assert!(
            report
                .to_string()
                .contains(&format!("\"permission\":\"{permission}\"")),
            "{report:#}"
        );
        let strict = world.run(&[&arguments[..], &["--strict"]].concat());
        assert_eq!(strict.code(), 1);
    }
}

#[test]
fn a_topic_without_subscribers_or_that_may_not_be_read_is_told() {
    let world = world();
    let topic = world.topic.clone();
    let arguments = ["doctor", "--cluster", "prod", "--topic", topic.as_str()];
    assert_eq!(level(&world.json(&arguments).1, "topic"), "error");
    let missing = topic.replace("notices", "none");
    let arguments = ["doctor", "--cluster", "prod", "--topic", missing.as_str()];
    assert_eq!(level(&world.json(&arguments).1, "topic"), "error");
    let ran = world.run(&["doctor", "--cluster", "prod", "--topic", "notices"]);
    assert_eq!(ran.code(), 2);
}

#[test]
fn throttled_questions_are_asked_again() {
    let world = world();
    let count = std::sync::atomic::AtomicU32::new(0);
    world.eks.plan(move |_| {
        let number = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        if number.is_multiple_of(3) {
            Answer::Throttled
        } else {
            Answer::Normal
        }
    });
    let (code, report) = world.json(&["doctor", "--cluster", "prod", "--strict"]);
    assert_eq!(code, 0, "{report:#}");
}

#[test]
fn config_map_asks_nothing_about_entries() {
    let world = world();
    world
        .eks
        .change("prod", |cluster| cluster.mode("CONFIG_MAP"));
    let (code, report) = world.json(&["doctor", "--cluster", "prod"]);
    assert_eq!(
        (
            code,
            level(&report, "mode"),
            level(&report, "administrators")
        ),
        (1, "warn".to_owned(), "unknown".to_owned())
    );
    assert_eq!(world.record.count("ListAccessEntries"), 0);
}

#[test]
fn wrong_clusters_and_missing_credentials_are_wrong_usage() {
    let mut world = world();
    let ran = world.run(&["doctor", "--cluster", "typo"]);
    assert_eq!(ran.code(), 2);
    assert!(
        ran.stderr.contains("EKS has no cluster `typo`"),
        "{}",
        ran.stderr
    );
    let (code, report) = world.json(&["doctor", "--cluster", "prod,typo"]);
    assert_eq!((code, report["clusters"].as_array().unwrap().len()), (1, 2));
    assert_eq!(world.run(&["doctor"]).code(), 2);
    world
        .set("AWS_ACCESS_KEY_ID", "")
        .set("AWS_SECRET_ACCESS_KEY", "");
    let ran = world.run(&["doctor", "--cluster", "prod"]);
    assert_eq!(ran.code(), 2);
    assert!(
        ran.stderr.contains("no good AWS credentials were found;"),
        "{}",
        ran.stderr
    );
}
