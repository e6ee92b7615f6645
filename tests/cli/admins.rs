//! `admins`: who created a cluster, who logged in as administrator, and who has an entry that makes one.

use fakes::directory::Principal;
use fakes::eks::{Cluster, Entry};
use fakes::logs::{Ending, LogGroup};
use fakes::record::Answer;

use crate::world::{ACCOUNT, World, flat};

fn line(arn: &str, said: &str) -> String {
    format!(
        "time=\"2026-03-01T10:00:00Z\" level=info msg=\"access {said}\" arn=\"{arn}\" client=\"127.0.0.1:41003\" \
         groups=\"[system:masters]\" method=POST path=/authenticate stsendpoint=sts.eu-west-1.amazonaws.com \
         uid=\"aws-iam-authenticator:{ACCOUNT}:AROA1\" username=kubernetes-admin"
    )
}

fn row(arn: &str, line: &str) -> Vec<(String, String)> {
    [
        ("arn", arn),
        ("username", "kubernetes-admin"),
        ("logins", "12"),
        ("first", "1772359200000"),
        ("last", "1772359260000"),
        ("line", line),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

const OPS: &str = "arn:aws:iam::111122223333:role/Ops";

/// A cluster with one administrator that works, and one whose role is gone.
fn world() -> World {
    let mut world = World::new();
    let asker = world.directory.role("/", "Auditor").arn;
    world.sign_in("AKIAAUDITOR000000000", &asker);
    world.set("AWS_REGION", "eu-west-1");
    world.eks.cluster(Cluster::new("prod").mode("API"));
    for name in ["Platform", "Former"] {
        let role = Principal::role("/team/", name).created_at("2026-01-10T00:00:00Z");
        let role = world.directory.add(role).arn;
        let entry = Entry::new(&role).created_at("2026-01-11T00:00:00Z");
        let entry = entry.policy("AmazonEKSClusterAdminPolicy");
        world.eks.entry("prod", entry);
    }
    world
        .directory
        .delete("arn:aws:iam::111122223333:role/team/Former");
    world
        .logs
        .group(LogGroup::new("/aws/eks/prod/cluster").retention(90));
    world
}

/// A time that is not long ago, as the event history keeps 90 days by this machine's clock.
fn yesterday() -> String {
    let now = std::time::SystemTime::now();
    let since = now.duration_since(std::time::UNIX_EPOCH).unwrap();
    let at = i64::try_from(since.as_millis()).unwrap() - 24 * 3600 * 1000;
    eks_access::timestamp::rfc3339(at)
}

#[test]
fn everybody_who_administers_a_cluster_is_named() {
    let world = world();
    let creator = "arn:aws:sts::111122223333:assumed-role/Maker/jo";
    world.cloudtrail.created_cluster(
        "other",
        "arn:aws:iam::111122223333:user/eve",
        &yesterday(),
        None,
    );
    world
        .cloudtrail
        .created_cluster("prod", creator, &yesterday(), None);
    world.cloudtrail.page(1);
    world.logs.results(|_| {
        let forged = "arn:aws:iam::111122223333:role/Forged";
        Ending::Complete(vec![
            row(OPS, &line(OPS, "granted")),
            row(forged, &line(OPS, "granted")),
            row(forged, &line(forged, "denied")),
        ])
    });
    world.logs.polls(3);
    let ran = world.run(&["admins", "--cluster", "prod"]);
    assert_eq!(ran.code(), 0, "{}", ran.stderr);
    let told = flat(&ran.stdout);
    for part in [
        "prod (eu-west-1, account 111122223333, authentication mode API)",
        "arn:aws:iam::111122223333:role/Maker on ",
        "arn:aws:iam::111122223333:role/team/Platform: AmazonEKSClusterAdminPolicy in the whole cluster",
        "role/team/Former: AmazonEKSClusterAdminPolicy in the whole cluster; does not count: IAM has it no more",
        "role/Ops as kubernetes-admin: 12 times, first 2026-03-01T10:00:00Z, last 2026-03-01T10:01:00Z",
        "left out, for the line says something else than the fields: 2",
        "1.0 MB read by the query",
    ] {
        assert!(told.contains(part), "no `{part}` in\n{}", ran.stdout);
    }
    assert!(!told.contains("Forged"), "{}", ran.stdout);
    assert!(
        ran.stderr.contains("charges for the bytes"),
        "{}",
        ran.stderr
    );
    assert_eq!(world.logs.left_running(), Vec::<String>::new());
    let query = &world.logs.queries()[0];
    assert_eq!(query.groups, ["/aws/eks/prod/cluster"]);
    assert_eq!(query.until - query.from, 90 * 24 * 3600);
}

#[test]
fn nobody_known_is_a_lockout_with_a_way_back() {
    let world = world();
    world
        .eks
        .remove_entry("prod", "arn:aws:iam::111122223333:role/team/Platform");
    let ran = world.run(&["admins", "--cluster", "prod", "--since", "7d"]);
    assert_eq!(ran.code(), 1);
    assert!(
        ran.stdout.contains("aws eks create-access-entry"),
        "{}",
        ran.stdout
    );
    let query = &world.logs.queries()[0];
    assert_eq!(query.until - query.from, 7 * 24 * 3600);
}

#[test]
fn what_is_not_allowed_is_said_with_its_permission_and_the_rest_is_told() {
    for (operation, permission) in [
        ("LookupEvents", "cloudtrail:LookupEvents"),
        ("StartQuery", "logs:StartQuery"),
        ("GetQueryResults", "logs:GetQueryResults"),
        ("ListAccessEntries", "eks:ListAccessEntries"),
        ("GetRole", "iam:GetRole"),
    ] {
        let world = world();
        let plan = move |asked: &fakes::record::Asked| {
            if asked.operation == operation {
                Answer::Denied
            } else {
                Answer::Normal
            }
        };
        world.cloudtrail.plan(plan);
        world.logs.plan(plan);
        world.eks.plan(plan);
        world.iam.plan(plan);
        let ran = world.run(&["admins", "--cluster", "prod"]);
        assert_eq!(ran.code(), 0, "{operation}\n{}\n{}", ran.stdout, ran.stderr);
        assert!(
            flat(&ran.stdout).contains(&format!("AWS did not allow {permission}")),
            "{}",
            ran.stdout
        );
        if operation == "GetQueryResults" {
            assert_eq!(world.logs.left_running(), Vec::<String>::new());
        }
    }
}

#[test]
fn without_anything_allowed_it_fails() {
    let world = world();
    world.cloudtrail.plan(|_| Answer::Denied);
    world.logs.plan(|_| Answer::Denied);
    world.eks.plan(|_| Answer::Denied);
    let ran = world.run(&["admins", "--cluster", "prod"]);
    assert_eq!(ran.code(), 2);
    assert!(
        ran.stderr.contains("nothing could be found out"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_query_that_fails_a_missing_group_and_no_query_at_all_are_told_apart() {
    let world = world();
    world.logs.results(|_| Ending::Other("Failed"));
    let (code, report) = world.json(&["admins", "--cluster", "prod"]);
    assert_eq!(code, 0);
    assert!(
        report["logins"]["error"]
            .as_str()
            .unwrap()
            .contains("Failed"),
        "{report}"
    );
    let (_, report) = world.json(&["admins", "--cluster", "prod", "--log-group", "/none"]);
    assert!(report["logins"]["error"].is_string(), "{report}");
    world.record.forget();
    let (_, report) = world.json(&["admins", "--cluster", "prod", "--no-logs"]);
    assert!(report["logins"].is_null());
    assert_eq!(world.record.count("StartQuery"), 0);
}

#[test]
fn throttled_questions_are_asked_again() {
    let world = world();
    let count = std::sync::atomic::AtomicU32::new(0);
    world.logs.plan(move |_| {
        let number = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        if number.is_multiple_of(2) {
            Answer::Throttled
        } else {
            Answer::Normal
        }
    });
    let (code, report) = world.json(&["admins", "--cluster", "prod"]);
    assert_eq!((code, report["logins"].is_array()), (0, true), "{report}");
}

#[test]
fn a_wrong_cluster_and_missing_credentials_are_wrong_usage() {
    let mut world = world();
    let ran = world.run(&["admins", "--cluster", "typo"]);
    assert_eq!(ran.code(), 2);
    assert!(
        ran.stderr
            .contains("EKS has no cluster `typo` in eu-west-1 of account 111122223333"),
        "{}",
        ran.stderr
    );
    world
        .set("AWS_ACCESS_KEY_ID", "")
        .set("AWS_SECRET_ACCESS_KEY", "");
    let ran = world.run(&["admins", "--cluster", "prod"]);
    assert_eq!(ran.code(), 2);
    assert!(
        ran.stderr.contains("no good AWS credentials were found;"),
        "{}",
        ran.stderr
    );
    let ran = world.run(&["admins", "--cluster", "prod", "--since", "soon"]);
    assert_eq!(ran.code(), 2);
}

#[cfg(unix)]
#[test]
fn ctrl_c_stops_the_query() {
    let world = world();
    world.logs.results(|_| Ending::Never);
    let mut child = world.spawn(&["admins", "--cluster", "prod"]);
    let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while world.record.count("GetQueryResults") == 0 {
        assert!(std::time::Instant::now() < until, "no query was looked at");
        std::thread::yield_now();
    }
    let killed = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(killed.unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(2));
    assert_eq!(world.logs.left_running(), Vec::<String>::new());
}
