use super::{
    Around, Check, Described, Examined, Expected, Filter, Finding, FunctionDay, Gap, Level,
    LogGroup, Topic, around, examine,
};
use crate::cluster::AuthenticationMode;
use crate::facts::{
    AccessEntry, AssociatedPolicy, ClusterFacts, Endpoint, EntryType, Fact, IamPrincipal,
    Permission, Status, Trust, Unknown,
};
use crate::text::LogText;

const RESPONDER: &str = "arn:aws:lambda:eu-west-1:111122223333:function:responder";

fn facts(mode: AuthenticationMode) -> ClusterFacts {
    ClusterFacts {
        account: "111122223333".parse().ok(),
        mode,
        status: Status::Active,
        logs_authenticator: true,
        endpoint: Endpoint {
            is_public: true,
            is_private: true,
            is_open_to_all: false,
        },
        created: None,
        role: None,
        auto_mode_node_role: None,
        has_auto_mode: false,
        has_hybrid_nodes: false,
    }
}

/// A role with an entry, both as they should be.
fn entry(name: &str, policies: &[&str]) -> Described {
    let principal: crate::principal::Principal = format!("arn:aws:iam::111122223333:role/{name}")
        .parse()
        .unwrap();
    let policy = |name: &&str| AssociatedPolicy {
        arn: LogText::new(format!("arn:aws:eks::aws:cluster-access-policy/{name}")),
        namespaces: Vec::new(),
    };
    Described {
        principal: principal.clone(),
        entry: Fact::Known(Some(AccessEntry {
            principal: principal.clone(),
            kind: EntryType::Standard,
            username: LogText::new("u"),
            groups: Vec::new(),
            created: 2000,
            policies: Fact::Known(policies.iter().map(policy).collect()),
        })),
        iam: Fact::Known(Some(IamPrincipal {
            principal,
            unique_id: "AROA1234567890EXAMPLE".to_owned(),
            created: 1000,
            trust: None,
        })),
    }
}

const EC2: &str = r#"{"Statement":{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"}}}"#;
const ADMIN: &str = "AmazonEKSClusterAdminPolicy";

/// A cluster with which nothing is wrong.
fn healthy() -> Examined {
    Examined {
        name: "prod".parse().unwrap(),
        region: "eu-west-1".parse().unwrap(),
        cluster: Fact::Known(facts(AuthenticationMode::Api)),
        group: Ok(Some(LogGroup {
            class: LogText::new("STANDARD"),
        })),
        filters: Ok(Some(vec![filter("stack", RESPONDER)])),
        entries: Fact::Known(vec![entry("A", &[ADMIN]), entry("B", &[ADMIN])]),
    }
}

fn filter(name: &str, destination: &str) -> Filter {
    Filter {
        name: LogText::new(name),
        destination: LogText::new(destination),
    }
}

fn of(findings: &[Finding], check: Check) -> Finding {
    let found: Vec<&Finding> = findings.iter().filter(|one| one.check == check).collect();
    assert_eq!(found.len(), 1, "{}", check.slug());
    found[0].clone()
}

/// What a change to the healthy cluster makes of a check.
fn changed(check: Check, change: impl FnOnce(&mut Examined)) -> Finding {
    let mut cluster = healthy();
    change(&mut cluster);
    of(&examine(&cluster, &Expected::default()), check)
}

fn with_facts(check: Check, change: impl FnOnce(&mut ClusterFacts)) -> Finding {
    changed(check, |cluster| {
        let mut known = facts(AuthenticationMode::Api);
        change(&mut known);
        cluster.cluster = Fact::Known(known);
    })
}

fn with_entries(check: Check, entries: Vec<Described>) -> Finding {
    changed(check, |cluster| cluster.entries = Fact::Known(entries))
}

#[test]
fn a_healthy_cluster_has_every_check_and_no_complaint() {
    let findings = examine(&healthy(), &Expected::default());
    assert!(
        findings.iter().all(|one| one.level == Level::Ok),
        "{findings:#?}"
    );
    let checks: Vec<Check> = findings.iter().map(|one| one.check).collect();
    let all = Check::ALL.iter().copied();
    let expected: Vec<Check> = all
        .filter(|check| !matches!(check, Check::Topic | Check::Function))
        .collect();
    assert_eq!(checks, expected);
}

#[test]
fn each_setting_of_the_cluster_is_judged() {
    type Change = fn(&mut ClusterFacts);
    let cases: [(Check, Change, Level, &str); 6] = [
        (
            Check::Status,
            |facts| facts.status = Status::Deleting,
            Level::Warn,
            "",
        ),
        (
            Check::Status,
            |facts| facts.status = Status::Failed,
            Level::Error,
            "",
        ),
        (
            Check::AuthenticatorLog,
            |facts| facts.logs_authenticator = false,
            Level::Error,
            "aws eks update-cluster-config --name prod --region eu-west-1 --logging",
        ),
        (
            Check::Mode,
            |facts| facts.mode = AuthenticationMode::ConfigMap,
            Level::Warn,
            "authenticationMode=API_AND_CONFIG_MAP",
        ),
        (
            Check::Endpoint,
            |facts| facts.endpoint.is_open_to_all = true,
            Level::Warn,
            "publicAccessCidrs=CIDR",
        ),
        (
            Check::Endpoint,
            |facts| facts.endpoint.is_public = false,
            Level::Ok,
            "",
        ),
    ];
    for (check, change, level, fix) in cases {
        let finding = with_facts(check, change);
        assert_eq!(finding.level, level, "{finding:?}");
        let commands: Vec<String> = finding
            .fix
            .iter()
            .map(crate::remedy::Command::line)
            .collect();
        assert!(commands.concat().contains(fix), "{commands:?}");
    }
    let mode = with_facts(Check::Mode, |facts| {
        facts.mode = AuthenticationMode::ConfigMap;
    });
    assert!(mode.what.contains("can't be taken back"));
}

#[test]
fn a_log_that_can_t_be_subscribed_to_is_an_error() {
    let class = |class: &str| {
        changed(Check::LogGroup, |cluster| {
            cluster.group = Ok(Some(LogGroup {
                class: LogText::new(class),
            }));
        })
    };
    assert_eq!(class("INFREQUENT_ACCESS").level, Level::Error);
    assert_eq!(class("DELIVERY").level, Level::Error);
    assert_eq!(
        changed(Check::LogGroup, |cluster| cluster.group = Ok(None)).level,
        Level::Warn
    );
    let denied = Gap {
        why: "AWS did not allow logs:DescribeLogGroups".to_owned(),
        permission: Some("logs:DescribeLogGroups"),
    };
    let finding = changed(Check::LogGroup, |cluster| cluster.group = Err(denied));
    assert_eq!(
        (finding.level, finding.permission),
        (Level::Unknown, Some("logs:DescribeLogGroups"))
    );
}

#[test]
fn a_subscription_must_be_the_one_that_was_meant() {
    let expected = |function: Option<&str>, stack: Option<&str>| Expected {
        function: function.map(str::to_owned),
        stack: stack.map(str::to_owned),
    };
    let level = |filters: &[Filter], expected: &Expected| {
        let mut cluster = healthy();
        cluster.filters = Ok(Some(filters.to_vec()));
        let finding = of(&examine(&cluster, expected), Check::Subscription);
        (finding.level, finding.what)
    };
    let ours = filter("stack", RESPONDER);
    let other = filter(
        "siem",
        "arn:aws:firehose:eu-west-1:111122223333:deliverystream/siem",
    );
    for (function, stack, good) in [
        (None, None, true),
        (Some("responder"), None, true),
        (None, Some("stack"), true),
        (Some("responder"), Some("stack"), true),
        (Some("another"), None, false),
        (None, Some("another"), false),
    ] {
        let (level, what) = level(std::slice::from_ref(&ours), &expected(function, stack));
        assert_eq!(level == Level::Ok, good, "{function:?} {stack:?}: {what}");
        assert!(what.contains("1 of 2 subscriptions left"), "{what}");
    }
    let (level_of_full, what) = level(&[other.clone(), other.clone()], &Expected::default());
    assert_eq!(level_of_full, Level::Error);
    assert!(what.contains("has to go first"), "{what}");
    assert_eq!(level(&[other], &Expected::default()).0, Level::Error);
}

#[test]
fn entries_of_those_who_are_gone_and_of_those_made_anew_are_told_apart() {
    let mut gone = entry("Gone", &[]);
    gone.iam = Fact::Known(None);
    let finding = with_entries(Check::PrincipalsGone, vec![gone.clone()]);
    assert_eq!(finding.level, Level::Warn);
    assert!(
        finding.fix[0]
            .line()
            .contains("aws eks delete-access-entry --cluster-name prod")
    );
    let mut anew = entry("Anew", &[ADMIN, "AmazonEKSViewPolicy"]);
    if let Fact::Known(Some(iam)) = &mut anew.iam {
        iam.created = 3000;
    }
    let finding = with_entries(Check::PrincipalsRecreated, vec![anew.clone()]);
    assert_eq!(finding.level, Level::Error);
    let commands: Vec<String> = finding
        .fix
        .iter()
        .map(crate::remedy::Command::line)
        .collect();
    assert_eq!(commands.len(), 3, "{commands:?}");
    assert!(commands[2].contains("AmazonEKSViewPolicy") && !commands.concat().contains(ADMIN));
    assert_eq!(
        with_entries(Check::PrincipalsGone, vec![anew]).level,
        Level::Ok
    );
}

#[test]
fn entries_that_give_nothing_and_roles_of_nodes_are_warned_of() {
    let finding = with_entries(Check::EntriesWithoutRights, vec![entry("Empty", &[])]);
    assert_eq!(finding.level, Level::Warn);
    assert!(finding.fix[0].line().contains("namespaces=NAMESPACE"));
    let trusted = |service: &str| {
        let mut role = entry("Workers", &["AmazonEKSViewPolicy"]);
        if let Fact::Known(Some(iam)) = &mut role.iam {
            iam.trust = Trust::parse(&format!(
                r#"{{"Statement":{{"Effect":"Allow","Principal":{{"Service":"{service}"}}}}}}"#
            ));
        }
        with_entries(Check::NodesAsPeople, vec![role]).level
    };
    assert_eq!(trusted("ec2.amazonaws.com"), Level::Warn);
    assert_eq!(trusted("eks-fargate-pods.amazonaws.com"), Level::Warn);
    let mut nodes = entry("Workers", &[]);
    if let Fact::Known(Some(iam)) = &mut nodes.iam {
        iam.trust = Trust::parse(EC2);
    }
    let finding = with_entries(Check::EntriesWithoutRights, vec![nodes.clone()]);
    assert_eq!(
        (finding.level, finding.fix.len()),
        (Level::Warn, 0),
        "nodes get no policy of people"
    );
    if let Fact::Known(Some(entry)) = &mut nodes.entry {
        entry.kind = EntryType::Ec2Linux;
    }
    nodes.iam = Fact::Known(None);
    let finding = with_entries(Check::PrincipalsGone, vec![nodes]);
    assert_eq!(
        (finding.level, finding.fix.len()),
        (Level::Warn, 0),
        "EKS makes nodes' entries"
    );
    assert_eq!(trusted("codebuild.amazonaws.com"), Level::Ok);
}

#[test]
fn the_last_administrator_is_warned_of_and_none_is_an_error() {
    let administrators =
        |entries: Vec<Described>| with_entries(Check::Administrators, entries).level;
    assert_eq!(administrators(vec![entry("A", &[ADMIN])]), Level::Warn);
    assert_eq!(
        administrators(vec![entry("A", &["AmazonEKSViewPolicy"])]),
        Level::Error
    );
    let mut gone = entry("A", &[ADMIN]);
    gone.iam = Fact::Known(None);
    assert_eq!(administrators(vec![gone.clone()]), Level::Error);
    assert_eq!(
        administrators(vec![gone, entry("B", &[ADMIN])]),
        Level::Warn
    );
    let mut member = entry("C", &[]);
    if let Fact::Known(Some(entry)) = &mut member.entry {
        entry.groups.push(LogText::new("admins"));
    }
    assert_eq!(administrators(vec![member]), Level::Warn);
    let both = changed(Check::Administrators, |cluster| {
        cluster.cluster = Fact::Known(facts(AuthenticationMode::ApiAndConfigMap));
        cluster.entries = Fact::Known(Vec::new());
    });
    assert_eq!(both.level, Level::Warn);
    assert!(
        both.what.contains("unless aws-auth has one"),
        "{}",
        both.what
    );
}

#[test]
fn what_nobody_may_know_is_unknown_with_its_permission() {
    let denied = Unknown::Denied(Permission::GetRole);
    let mut role = entry("A", &["AmazonEKSViewPolicy"]);
    role.iam = Fact::Unknown(denied);
    for check in [
        Check::PrincipalsGone,
        Check::PrincipalsRecreated,
        Check::NodesAsPeople,
    ] {
        let finding = with_entries(check, vec![role.clone()]);
        assert_eq!(
            (finding.level, finding.permission),
            (Level::Unknown, Some("iam:GetRole"))
        );
    }
    role.iam = Fact::Unknown(Unknown::OtherAccount);
    assert_eq!(
        with_entries(Check::PrincipalsGone, vec![role]).level,
        Level::Ok
    );
    let mut all = healthy();
    all.cluster = Fact::Unknown(Unknown::Denied(Permission::DescribeCluster));
    let findings = examine(&all, &Expected::default());
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].permission, Some("eks:DescribeCluster"));
}

#[test]
fn the_quota_is_three_thousand() {
    let level =
        |count: usize| with_entries(Check::EntryQuota, vec![entry("A", &[ADMIN]); count]).level;
    assert_eq!(
        (level(2399), level(2400), level(3000)),
        (Level::Ok, Level::Warn, Level::Error)
    );
}

#[test]
fn a_topic_that_nobody_confirmed_and_a_function_that_fails_are_errors() {
    let topic = |confirmed, pending| {
        let topic = Topic {
            arn: LogText::new("arn:aws:sns:eu-west-1:111122223333:t"),
            confirmed,
            pending,
        };
        let learned = Around {
            topic: Some(Ok(Some(topic))),
            function: None,
        };
        around(&learned, &Expected::default())[0].level
    };
    assert_eq!((topic(1, 1), topic(0, 1)), (Level::Ok, Level::Error));
    let function = |invocations, errors| {
        let day = FunctionDay {
            name: LogText::new("responder"),
            invocations,
            errors,
            throttles: 0,
        };
        let learned = Around {
            topic: None,
            function: Some(Ok(day)),
        };
        around(&learned, &Expected::default())[0].level
    };
    assert_eq!(
        (function(9, 0), function(9, 1), function(0, 0)),
        (Level::Ok, Level::Error, Level::Warn)
    );
    assert_eq!(around(&Around::default(), &Expected::default()), []);
}
