//! Facts: the responder's real binary between a strict EKS, IAM and SNS on loopback. A delivery goes in; the right cause
//! and the right command come out.
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::facts_world::{ACCOUNT, Aws, FactsWorld};
use fakes::delivery::Delivery;
use fakes::directory::Principal;
use fakes::eks::{Cluster, Entry};
use fakes::lines;
use fakes::record::Answer;

const REFUSED: &str = "2026-03-01T10:00:00Z";

/// The ARN as the log has it: of a role without its path.
pub(crate) fn logged(arn: &str) -> String {
    match arn.split_once(":role/") {
        Some((before, path)) => {
            let name = path.rsplit('/').next().unwrap_or(path);
            format!("{before}:role/{name}")
        }
        None => arn.to_owned(),
    }
}

fn denied(cluster: &str, arn: &str) -> Delivery {
    Delivery::of(cluster).line(lines::not_mapped(&logged(arn), 4000))
}

pub(crate) fn all_commands(notice: &fakes::sns::Published) -> String {
    let machine = notice.machine();
    let remedies = machine["remedies"].as_array().cloned().unwrap_or_default();
    remedies
        .iter()
        .flat_map(|remedy| remedy["steps"].as_array().cloned().unwrap_or_default())
        .filter_map(|step| step["text"].as_str().map(str::to_owned))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn a_role_that_was_made_again_is_told_from_one_that_was_never_let_in() {
    let aws = Aws::new("aws", "eu-west-1");
    aws.eks.cluster(Cluster::new("prod-eu").mode("API"));
    let role =
        aws.role(Principal::role("/team/pay/", "Deployer").created_at("2026-01-10T00:00:00Z"));
    aws.eks.entry(
        "prod-eu",
        Entry::new(&role)
            .created_at("2026-01-11T00:00:00Z")
            .policy_in("AmazonEKSEditPolicy", &["pay"]),
    );
    aws.directory.recreate(&role, "2026-02-20T00:00:00Z");
    let world = FactsWorld::start(aws);
    world.handles(&denied("prod-eu", &role));
    let after = world.end();
    let notice = after.notice();
    assert_eq!(notice.attributes["cause"], "entry-outlived-its-role");
    let commands = all_commands(notice);
    for needed in [
        format!("aws eks delete-access-entry --cluster-name prod-eu --region eu-west-1 --principal-arn {role}"),
        format!("aws eks create-access-entry --cluster-name prod-eu --region eu-west-1 --principal-arn {role} --type STANDARD"),
        "--policy-arn arn:aws:eks::aws:cluster-access-policy/AmazonEKSEditPolicy --access-scope 'type=namespace,namespaces=pay'".to_owned(),
        format!("id = \"prod-eu:{role}\""),
    ] {
        assert!(commands.contains(&needed), "{needed} is not in\n{commands}");
    }
    assert_eq!(notice.machine()["mode"], "API");
    assert_eq!(notice.machine()["grantable"], false);
    assert_eq!(
        after.actions,
        BTreeSet::from([
            "eks:DescribeAccessEntry".to_owned(),
            "eks:DescribeCluster".to_owned(),
            "eks:ListAccessEntries".to_owned(),
            "eks:ListAssociatedAccessPolicies".to_owned(),
            "iam:GetRole".to_owned(),
        ])
    );
}

#[test]
fn in_config_map_mode_nothing_is_asked_of_access_entries() {
    for cluster in [
        Cluster::new("old").mode("CONFIG_MAP"),
        Cluster::new("old").without_access_config(),
    ] {
        let aws = Aws::new("aws", "eu-west-1");
        aws.eks.cluster(cluster);
        let role = aws.role(Principal::role("/", "Deployer"));
        let world = FactsWorld::start(aws);
        world.handles(&denied("old", &role));
        let after = world.end();
        assert_eq!(after.notice().machine()["mode"], "CONFIG_MAP");
        let asked = ["eks:DescribeCluster", "iam:GetRole"].map(str::to_owned);
        assert_eq!(after.actions, BTreeSet::from(asked));
    }
}

#[test]
fn denials_that_an_entry_has_overtaken_are_counted_and_not_told() {
    for (created, told) in [
        // Right after the denial, and up to a minute before it.
        ("2026-03-01T10:00:05Z", 0),
        ("2026-03-01T09:59:01Z", 0),
        ("2026-03-01T09:58:59Z", 1),
    ] {
        let aws = Aws::new("aws", "eu-west-1");
        aws.eks.cluster(Cluster::new("prod-eu").mode("API"));
        let role = aws.role(Principal::role("/", "Deployer").created_at("2026-01-10T00:00:00Z"));
        aws.eks
            .entry("prod-eu", Entry::new(&role).created_at(created));
        let world = FactsWorld::start(aws);
        world.handles(&denied("prod-eu", &role));
        let after = world.end();
        assert_eq!(after.published.len(), told, "{created} against {REFUSED}");
        assert_eq!(after.metric("Overtaken"), 1 - told as u64);
    }
}

#[test]
fn without_permissions_the_notice_is_as_good_as_the_line_and_says_what_is_missing() {
    for operation in [
        "",
        "DescribeCluster",
        "DescribeAccessEntry",
        "ListAccessEntries",
        "GetRole",
    ] {
        let aws = Aws::new("aws", "eu-west-1");
        aws.eks.cluster(Cluster::new("prod-eu").mode("API"));
        let role = aws.role(Principal::role("/team/", "Deployer"));
        let plan = move |asked: &fakes::record::Asked| {
            if operation.is_empty() || asked.operation == operation {
                Answer::Denied
            } else {
                Answer::Normal
            }
        };
        aws.eks.plan(plan);
        aws.iam.plan(plan);
        let world = FactsWorld::start(aws);
        world.handles(&denied("prod-eu", &role));
        let after = world.end();
        let notice = after.notice();
        let missing = if operation.is_empty() {
            "DescribeCluster"
        } else {
            operation
        };
        assert!(
            notice.bodies["email"].contains(&format!(":{missing}")),
            "{operation}: {}",
            notice.bodies["email"]
        );
        let machine = notice.machine();
        let permissions: Vec<&str> = machine["facts"]["unknown"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|unknown| unknown["permission"].as_str())
            .collect();
        assert!(
            permissions.iter().any(|action| action.ends_with(missing)),
            "{permissions:?}"
        );
        assert!(after.metric("FactsUnknown") > 0);
        assert!(
            all_commands(notice).contains("create-access-entry"),
            "{operation}"
        );
        assert!(after.log.contains("facts stay unknown"));
    }
}

#[test]
fn whatever_eks_and_iam_do_the_notice_comes_in_time() {
    for answer in [
        Answer::Throttled,
        Answer::Failure,
        Answer::Silence,
        Answer::Slow(Duration::from_secs(20)),
        Answer::Error(
            404,
            "ResourceNotFoundException",
            "No cluster found for name: prod-eu.".to_owned(),
        ),
        Answer::Error(200, "Nonsense", "<html>".to_owned()),
    ] {
        let aws = Aws::new("aws", "eu-west-1");
        aws.eks.cluster(Cluster::new("prod-eu").mode("API"));
        let role = aws.role(Principal::role("/team/", "Deployer"));
        let (for_eks, for_iam) = (answer.clone(), answer.clone());
        aws.eks.plan(move |_| for_eks.clone());
        aws.iam.plan(move |_| for_iam.clone());
        let world = FactsWorld::start(aws);
        let started = Instant::now();
        world.handles(&denied("prod-eu", &role));
        assert!(
            started.elapsed() < Duration::from_secs(12),
            "{answer:?}: {:?}",
            started.elapsed()
        );
        let after = world.end();
        assert_eq!(
            after.notice().attributes["cause"],
            "principal-not-mapped",
            "{answer:?}"
        );
    }
}

#[test]
fn an_unknown_cluster_is_no_error() {
    let aws = Aws::new("aws", "eu-west-1");
    let role = aws.role(Principal::role("/", "Deployer"));
    let world = FactsWorld::start(aws);
    world.handles(&denied("gone", &role));
    let after = world.end();
    assert!(after.notice().bodies["email"].contains("EKS knows no such cluster"));
}

#[test]
fn fifty_principals_are_looked_up_at_once_and_each_only_once() {
    let aws = Aws::new("aws", "eu-west-1");
    aws.eks.cluster(Cluster::new("prod-eu").mode("API"));
    let mut delivery = Delivery::of("prod-eu");
    for number in 0..50 {
        let role = aws.role(Principal::role("/team/", &format!("Role{number}")));
        for _ in 0..3 {
            delivery = delivery.line(lines::not_mapped(&logged(&role), 4000 + number));
        }
    }
    aws.eks.plan(|_| Answer::Slow(Duration::from_millis(60)));
    aws.iam.plan(|_| Answer::Slow(Duration::from_millis(60)));
    let world = FactsWorld::start(aws);
    let started = Instant::now();
    world.handles(&delivery);
    let took = started.elapsed();
    assert!(took < Duration::from_secs(3), "{took:?}");
    let (eks, iam) = world.records();
    assert_eq!(iam.count("GetRole"), 50);
    assert_eq!(eks.count("DescribeAccessEntry"), 50);
    assert_eq!(eks.count("DescribeCluster"), 1);
    // Once all of them, once the administrators.
    assert_eq!(eks.count("ListAccessEntries"), 2);
    assert!(iam.most_at_once() > 4, "{}", iam.most_at_once());
    // A second delivery within the minute asks nothing.
    world.handles(&delivery);
    assert_eq!(world.records().1.count("GetRole"), 50);
    let after = world.end();
    assert_eq!(after.published.len(), 100);
}

#[test]
fn strangers_cost_no_call_of_their_own_and_are_told_apart_only_when_the_cluster_knows_them() {
    let aws = Aws::new("aws", "eu-west-1");
    aws.eks.cluster(Cluster::new("prod-eu").mode("API"));
    let partner = "arn:aws:iam::444455556666:role/ops/Partner";
    aws.directory
        .add(Principal::role("/ops/", "Partner").in_account("444455556666"));
    aws.eks.entry(
        "prod-eu",
        Entry::new(partner).created_at("2026-01-11T00:00:00Z"),
    );
    let mut delivery = denied("prod-eu", partner);
    for number in 0..20 {
        let stranger = format!("arn:aws:iam::777788889999:role/Scan{number}");
        delivery = delivery.line(lines::not_mapped(&stranger, 5000 + number));
    }
    let world = FactsWorld::start(aws);
    world.handles(&delivery);
    let (eks, iam) = world.records();
    assert_eq!(iam.asked().len(), 0);
    assert_eq!(eks.count("DescribeAccessEntry"), 1);
    let after = world.end();
    let mut causes = after.causes();
    causes.sort_unstable();
    assert_eq!(causes.len(), 2, "{causes:?}");
    assert_eq!(causes[0], "foreign-account-principal");
    let known = after
        .published
        .iter()
        .find(|notice| notice.attributes["cause"] != causes[0]);
    assert_eq!(
        known.map(|notice| notice.machine()["principal"].clone()),
        Some(logged(partner).into())
    );
}

#[test]
fn an_administrator_in_one_namespace_is_none_and_a_group_may_make_one() {
    let old = "2026-01-05T00:00:00Z";
    let made = "2026-01-06T00:00:00Z";
    let admin = "AmazonEKSClusterAdminPolicy";
    let run = |groups: bool, namespaced: bool, is_there: bool| {
        let aws = Aws::new("aws", "eu-west-1");
        aws.eks.cluster(Cluster::new("prod-eu").mode("API"));
        let boss = aws.role(Principal::role("/", "Boss").created_at(old));
        let entry = Entry::new(&boss).created_at(made);
        let entry = if namespaced {
            entry.policy_in(admin, &["pay"])
        } else {
            entry.policy(admin)
        };
        aws.eks.entry("prod-eu", entry);
        if !is_there {
            aws.directory.delete(&boss);
        }
        if groups {
            let other = aws.role(Principal::role("/", "Platform").created_at(old));
            let entry = Entry::new(&other).created_at(made).groups(&["platform"]);
            aws.eks.entry("prod-eu", entry);
        }
        let role = aws.role(Principal::role("/", "Successor").created_at(old));
        let world = FactsWorld::start(aws);
        world.handles(&denied("prod-eu", &role));
        let after = world.end();
        let notice = after.notice();
        assert!(!(namespaced && notice.bodies["email"].contains("role/Boss")));
        notice.attributes["cause"].clone()
    };
    assert_eq!(run(false, false, false), "no-administrator-left");
    assert_eq!(run(true, false, false), "principal-never-mapped");
    assert_eq!(run(false, true, false), "principal-never-mapped");
    assert_eq!(run(false, true, true), "principal-never-mapped");
}

#[test]
fn nothing_is_asked_when_facts_are_off() {
    let aws = Aws::new("aws", "eu-west-1");
    aws.eks.cluster(Cluster::new("prod-eu").mode("API"));
    let role = aws.role(Principal::role("/", "Deployer"));
    let world = FactsWorld::with(aws, &[("FACTS", "off")]);
    world.handles(&denied("prod-eu", &role));
    let after = world.end();
    assert_eq!(after.actions, BTreeSet::new());
    assert_eq!(after.notice().attributes["cause"], "principal-not-mapped");
    assert_eq!(after.notice().machine()["mode"], serde_json::Value::Null);
    assert!(logged(&role).contains(ACCOUNT));
}
