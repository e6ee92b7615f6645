//! A scenario for every cause that the responder tells by facts: a world in EKS and IAM, a delivery in, the right cause
//! and the right command out. Names, accounts and partitions are none of the examples in the catalogue.

use std::collections::BTreeSet;

use eks_access::example::worlds;
use fakes::delivery::Delivery;
use fakes::directory::Principal;
use fakes::eks::{Cluster, Entry};
use fakes::lines;
use serde_json::json;

use crate::facts::{all_commands, logged};
use crate::facts_world::{Aws, FactsWorld};

/// A world, and what must come out of it.
struct Scenario {
    cause: &'static str,
    partition: &'static str,
    region: &'static str,
    mode: &'static str,
    /// Builds the world, and gives the lines of the delivery.
    build: fn(&Aws) -> Vec<String>,
    /// What the commands must hold.
    commands: &'static [&'static str],
}

const CLUSTER: &str = "pay-7_B";

fn refused(arn: &str) -> Vec<String> {
    vec![lines::not_mapped(&logged(arn), 4100)]
}

/// The refusal of a session of an instance.
fn node(role: &Principal, session: &str) -> Vec<String> {
    vec![
        lines::sts_response_of(&role.arn, &role.id, session, 4100),
        lines::not_mapped(&logged(&role.arn), 4100),
    ]
}

fn failed(arn: &str, error: &str) -> Vec<String> {
    vec![lines::mapping_failed(&logged(arn), error, 4100)]
}

fn set(aws: &Aws, suffix: &str) -> String {
    let name = format!("AWSReservedSSO_Billing-Ops_{suffix}");
    aws.role(
        Principal::role("/aws-reserved/sso.amazonaws.com/us-gov-west-1/", &name)
            .created_at("2026-02-20T00:00:00Z"),
    )
}

const OLD: &str = "2026-01-05T00:00:00Z";

const SCENARIOS: &[Scenario] = &[
    Scenario {
        cause: "principal-never-mapped",
        partition: "aws-cn",
        region: "cn-north-1",
        mode: "API",
        build: |aws| refused(&aws.role(Principal::role("/apps/a=b/", "Report+Reader"))),
        commands: &[
            "--principal-arn 'arn:aws-cn:iam::111122223333:role/apps/a=b/Report+Reader' --type STANDARD",
            "arn:aws-cn:eks::aws:cluster-access-policy/AmazonEKSViewPolicy",
            "aws eks create-access-entry --cluster-name pay-7_B --region cn-north-1",
        ],
    },
    Scenario {
        cause: "sso-role-reprovisioned",
        partition: "aws-us-gov",
        region: "us-gov-west-1",
        mode: "API_AND_CONFIG_MAP",
        build: |aws| {
            let old = set(aws, "1111222233334444");
            aws.eks
                .entry(CLUSTER, Entry::new(&old).created_at("2026-02-21T00:00:00Z"));
            aws.directory.delete(&old);
            refused(&set(aws, "aaaabbbbccccdddd"))
        },
        commands: &[
            "role/aws-reserved/sso.amazonaws.com/us-gov-west-1/AWSReservedSSO_Billing-Ops_1111222233334444",
            "role/aws-reserved/sso.amazonaws.com/us-gov-west-1/AWSReservedSSO_Billing-Ops_aaaabbbbccccdddd",
        ],
    },
    Scenario {
        cause: "entry-outlived-its-role",
        partition: "aws",
        region: "ap-southeast-4",
        mode: "API",
        build: |aws| {
            let user = aws
                .directory
                .add(Principal::user("/people/", "noor").created_at(OLD))
                .arn;
            aws.eks.entry(
                CLUSTER,
                Entry::new(&user).created_at("2026-01-06T00:00:00Z"),
            );
            aws.directory.recreate(&user, "2026-02-01T00:00:00Z");
            refused(&user)
        },
        commands: &[
            "aws eks delete-access-entry --cluster-name pay-7_B --region ap-southeast-4 --principal-arn arn:aws:iam::111122223333:user/people/noor",
        ],
    },
    Scenario {
        cause: "mapping-without-effect",
        partition: "aws",
        region: "eu-north-1",
        mode: "API",
        build: |aws| {
            let role = aws.role(Principal::role("/x/", "Auditor").created_at(OLD));
            aws.eks.entry(
                CLUSTER,
                Entry::new(&role).created_at("2026-01-06T00:00:00Z"),
            );
            refused(&role)
        },
        commands: &["aws eks describe-access-entry --cluster-name pay-7_B"],
    },
    Scenario {
        cause: "access-entry-has-another-path",
        partition: "aws",
        region: "eu-north-1",
        mode: "API",
        build: |aws| {
            let old = aws.role(Principal::role("/old/", "Auditor").created_at(OLD));
            aws.eks
                .entry(CLUSTER, Entry::new(&old).created_at("2026-01-06T00:00:00Z"));
            aws.directory.delete(&old);
            refused(
                &aws.role(Principal::role("/new/", "Auditor").created_at("2026-02-01T00:00:00Z")),
            )
        },
        commands: &["role/old/Auditor", "role/new/Auditor"],
    },
    Scenario {
        cause: "mapped-under-a-lookalike",
        partition: "aws",
        region: "eu-north-1",
        mode: "API",
        build: |aws| {
            let user = aws
                .directory
                .add(Principal::user("/", "ci-bot").created_at(OLD))
                .arn;
            aws.eks.entry(
                CLUSTER,
                Entry::new(&user).created_at("2026-01-06T00:00:00Z"),
            );
            refused(&aws.role(Principal::role("/", "ci-bot").created_at(OLD)))
        },
        commands: &["--cluster-name pay-7_B"],
    },
    Scenario {
        cause: "mapped-in-another-account",
        partition: "aws",
        region: "eu-north-1",
        mode: "API",
        build: |aws| {
            let other = aws.role(
                Principal::role("/", "Release")
                    .in_account("999900001111")
                    .created_at(OLD),
            );
            aws.eks.entry(
                CLUSTER,
                Entry::new(&other).created_at("2026-01-06T00:00:00Z"),
            );
            refused(&aws.role(Principal::role("/", "Release").created_at(OLD)))
        },
        commands: &["--cluster-name pay-7_B"],
    },
    Scenario {
        cause: "principal-no-longer-exists",
        partition: "aws",
        region: "eu-north-1",
        mode: "API",
        build: |aws| {
            let role = aws.role(Principal::role("/", "Temp"));
            aws.directory.delete(&role);
            refused(&role)
        },
        commands: &[],
    },
    Scenario {
        cause: "no-administrator-left",
        partition: "aws",
        region: "eu-north-1",
        mode: "API",
        build: |aws| {
            let admin = aws.role(Principal::role("/", "Founder").created_at(OLD));
            aws.eks.entry(
                CLUSTER,
                Entry::new(&admin)
                    .created_at("2026-01-06T00:00:00Z")
                    .policy("AmazonEKSClusterAdminPolicy"),
            );
            aws.directory.delete(&admin);
            refused(&aws.role(Principal::role("/", "Successor").created_at(OLD)))
        },
        commands: &["CreateCluster"],
    },
    Scenario {
        cause: "not-in-aws-auth",
        partition: "aws",
        region: "sa-east-1",
        mode: "CONFIG_MAP",
        build: |aws| refused(&aws.role(Principal::role("/team/", "Ops"))),
        commands: &[
            "eksctl create iamidentitymapping --cluster pay-7_B --region sa-east-1 --arn arn:aws:iam::111122223333:role/Ops",
        ],
    },
    Scenario {
        cause: "fargate-role-not-mapped",
        partition: "aws",
        region: "eu-north-1",
        mode: "API",
        build: |aws| {
            refused(&aws.role(
                Principal::role("/", "fp-exec").trusting_service("eks-fargate-pods.amazonaws.com"),
            ))
        },
        commands: &["FARGATE_LINUX"],
    },
    Scenario {
        cause: "hybrid-node-role-not-mapped",
        partition: "aws",
        region: "eu-north-1",
        mode: "API",
        build: |aws| {
            node(
                &aws.directory
                    .add(Principal::role("/", "rack").trusting_service("ssm.amazonaws.com")),
                "mi-0123456789abcdef0",
            )
        },
        commands: &["HYBRID_LINUX", "arn:aws:iam::111122223333:role/rack"],
    },
    Scenario {
        cause: "auto-mode-node-role-not-mapped",
        partition: "aws",
        region: "eu-north-1",
        mode: "API",
        build: |aws| {
            let role = aws
                .directory
                .add(Principal::role("/", "auto").trusting_service("ec2.amazonaws.com"));
            let arn = role.arn.clone();
            aws.eks.change(CLUSTER, |cluster| {
                cluster.auto_mode(&["general-purpose"], &arn)
            });
            node(&role, "i-0abc1234def567890")
        },
        commands: &["AmazonEKSAutoNodePolicy"],
    },
    Scenario {
        cause: "karpenter-node-role-not-mapped",
        partition: "aws-cn",
        region: "cn-northwest-1",
        mode: "API_AND_CONFIG_MAP",
        build: |aws| {
            let role = Principal::role("/", "KarpenterNodeRole-pay-7_B")
                .trusting_service("ec2.amazonaws.com.cn");
            node(&aws.directory.add(role), "i-0abc1234def567890")
        },
        commands: &[
            "EC2_LINUX",
            "arn:aws-cn:iam::111122223333:role/KarpenterNodeRole-pay-7_B",
        ],
    },
    Scenario {
        cause: "ec2-instance-role-not-mapped",
        partition: "aws",
        region: "eu-north-1",
        mode: "API",
        build: |aws| {
            node(
                &aws.directory
                    .add(Principal::role("/ng/", "batch").trusting_service("ec2.amazonaws.com")),
                "i-0abc1234def567890",
            )
        },
        commands: &["EC2_LINUX", "arn:aws:iam::111122223333:role/ng/batch"],
    },
    Scenario {
        cause: "irsa-role-not-mapped",
        partition: "aws",
        region: "eu-north-1",
        mode: "API",
        build: |aws| {
            refused(
                &aws.role(Principal::role("/", "s3-reader").trusting_provider(
                    "oidc.eks.eu-north-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF",
                    "system:serviceaccount:data:loader",
                )),
            )
        },
        commands: &[],
    },
    Scenario {
        cause: "pod-identity-role-not-mapped",
        partition: "aws",
        region: "eu-north-1",
        mode: "API",
        build: |aws| {
            refused(&aws.role(
                Principal::role("/", "queue-worker").trusting_service("pods.eks.amazonaws.com"),
            ))
        },
        commands: &[],
    },
    Scenario {
        cause: "pipeline-role-not-mapped",
        partition: "aws",
        region: "eu-north-1",
        mode: "API",
        build: |aws| {
            refused(
                &aws.role(Principal::role("/ci/", "ship-it").trusting_provider(
                    "token.actions.githubusercontent.com",
                    "repo:acme/shop:ref:refs/heads/main",
                )),
            )
        },
        commands: &["arn:aws:iam::111122223333:role/ci/ship-it"],
    },
    Scenario {
        cause: "access-entry-of-a-node-type",
        partition: "aws",
        region: "eu-north-1",
        mode: "API",
        build: |aws| {
            let role = aws.role(Principal::role("/", "workers-2").created_at(OLD));
            aws.eks.entry(
                CLUSTER,
                Entry::new(&role)
                    .of_type("EC2_LINUX")
                    .created_at("2026-01-06T00:00:00Z"),
            );
            failed(
                &role,
                "mapper DynamicFile renderTemplates error: error rendering username template \"system:node:{{EC2PrivateDNSName}}\": SessionName did not contain an instance id",
            )
        },
        commands: &[],
    },
    Scenario {
        cause: "cluster-role-deleted",
        partition: "aws",
        region: "eu-north-1",
        mode: "API",
        build: |aws| {
            let role = aws.role(Principal::role("/", "pay-control-plane"));
            aws.eks.change(CLUSTER, |cluster| cluster.role_arn(&role));
            aws.directory.delete(&role);
            let node = aws.role(Principal::role("/", "workers-3"));
            failed(&node, NOT_ALLOWED)
        },
        commands: &["pay-control-plane"],
    },
    Scenario {
        cause: "cluster-role-does-not-trust-eks",
        partition: "aws",
        region: "eu-north-1",
        mode: "API",
        build: |aws| {
            let role = aws.role(
                Principal::role("/", "pay-control-plane")
                    .trust(json!({"Version": "2012-10-17", "Statement": []})),
            );
            aws.eks.change(CLUSTER, |cluster| cluster.role_arn(&role));
            let node = aws.role(Principal::role("/", "workers-3"));
            failed(&node, NOT_ALLOWED)
        },
        commands: &["pay-control-plane"],
    },
];

const NOT_ALLOWED: &str = "mapper DynamicFile renderTemplates error: error rendering username template \
    \"system:node:{{EC2PrivateDNSName}}\": failed querying private DNS from EC2 API for node i-0abc1234def567890: operation \
    error EC2: DescribeInstances, https response error StatusCode: 403, RequestID: 1, api error UnauthorizedOperation: You are not \
    authorized to perform this operation. ";

/// Causes by facts that no delivery shows: their fact is in a copy of `aws-auth` or their symptom is a terminal's, which
/// only the command reads; or there is nothing to tell.
const NOT_THE_RESPONDERS: &[&str] = &[
    "access-entry-not-yet-effective",
    "aws-auth-row-keeps-path",
    "aws-auth-row-matches-nobody",
    "mapped-only-in-aws-auth",
    "mapping-lost-in-broken-aws-auth",
    "endpoint-private-only",
];

#[test]
fn each_cause_comes_out_of_a_world_of_its_own_with_the_commands_of_that_world() {
    let wrong: Vec<String> = SCENARIOS.iter().filter_map(mistake).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// What is wrong with what came out of a scenario.
fn mistake(scenario: &Scenario) -> Option<String> {
    let aws = Aws::new(scenario.partition, scenario.region);
    aws.eks.cluster(Cluster::new(CLUSTER).mode(scenario.mode));
    let lines = (scenario.build)(&aws);
    let world = FactsWorld::start(aws);
    world.handles(&Delivery::of(CLUSTER).lines(lines));
    let after = world.end();
    if after.causes() != [scenario.cause] {
        return Some(format!("{}: {:?} came out", scenario.cause, after.causes()));
    }
    let commands = all_commands(after.notice());
    let missing = scenario
        .commands
        .iter()
        .find(|needed| !commands.contains(**needed))?;
    Some(format!(
        "{}: {missing} is not in\n{commands}",
        scenario.cause
    ))
}

#[test]
fn no_cause_by_facts_is_without_a_scenario() {
    let shown: BTreeSet<&str> = SCENARIOS.iter().map(|scenario| scenario.cause).collect();
    for world in worlds() {
        assert!(
            shown.contains(world.cause) || NOT_THE_RESPONDERS.contains(&world.cause),
            "{} has no scenario",
            world.cause
        );
    }
}
