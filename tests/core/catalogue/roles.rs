//! Causes about what a role is for, about the cluster's own role, and about where its endpoint leads.

use eks_access::catalogue::{CAUSES, Case, Claim, Detail, Tier, judge};
use eks_access::cluster::{AuthenticationMode, Cluster};
use eks_access::example::{World, worlds};
use eks_access::facts::{EntryType, Fact, Facts, Permission, Trust, Unknown};
use eks_access::principal::Principal;
use eks_access::symptom::Symptom;

use crate::remedies::all_texts;
use crate::worlds::cluster_of;

const MODES: [AuthenticationMode; 3] = [
    AuthenticationMode::ConfigMap,
    AuthenticationMode::ApiAndConfigMap,
    AuthenticationMode::Api,
];

const DENIED: Unknown = Unknown::Denied(Permission::GetRole);

fn world(cause: &str) -> World {
    let world = worlds().into_iter().find(|world| world.cause == cause);
    world.unwrap()
}

/// A role that nothing names, in a partition and mode, with this trust policy.
fn unmapped(
    partition: &str,
    name: &str,
    symptom: Symptom,
    mode: AuthenticationMode,
    trust: Option<&str>,
) -> World {
    let mut world = world("ec2-instance-role-not-mapped");
    world.symptom = symptom;
    let arn = format!("arn:{partition}:iam::111122223333:role/{name}");
    let principal: Principal = arn.parse().unwrap();
    if let Fact::Known(cluster) = &mut world.facts.cluster {
        cluster.mode = mode;
    }
    if !mode.has_access_entries() {
        world.facts.entry = Fact::default();
        world.facts.near = Fact::default();
    }
    if let Fact::Known(Some(iam)) = &mut world.facts.iam {
        iam.principal = principal.clone();
        iam.trust = trust.map(|principals| {
            Trust::parse(&format!(
                r#"{{"Statement":{{"Effect":"Allow","Principal":{principals}}}}}"#
            ))
            .unwrap()
        });
    }
    world.principal = Some(principal);
    world
}

fn judged(world: &World) -> &'static str {
    let cluster = cluster_of(world);
    let case = world.case(&cluster);
    let claiming: Vec<&str> = CAUSES
        .iter()
        .filter(|cause| cause.tier == Tier::Specific && cause.symptoms.contains(&case.symptom))
        .filter(|cause| (cause.claim)(&case) == Claim::Yes)
        .map(|cause| cause.id)
        .collect();
    assert!(claiming.len() <= 1, "{claiming:?}");
    judge(&case).cause.unwrap().id
}

fn remedies(world: &World) -> String {
    let cluster = cluster_of(world);
    let case = world.case(&cluster);
    let remedies = judge(&case).cause.unwrap().remedies_for(&case);
    let titles: Vec<&str> = remedies
        .iter()
        .map(|remedy| remedy.title.as_str())
        .collect();
    format!("{}\n{}", titles.join("\n"), all_texts(&remedies))
}

fn provider(host: &str) -> String {
    format!(r#"{{"Federated":"arn:aws:iam::111122223333:oidc-provider/{host}"}}"#)
}

fn service(name: &str) -> String {
    format!(r#"{{"Service":"{name}"}}"#)
}

#[test]
fn the_trust_policy_tells_what_a_role_is_for_in_every_mode_and_partition() {
    use Symptom::{NotMapped, NotMappedNode};
    let cluster = "id/EXAMPLED539D4633E53DE1B716D3041E";
    for (partition, suffix, region) in [
        ("aws", "amazonaws.com", "eu-west-1"),
        ("aws-cn", "amazonaws.com.cn", "cn-north-1"),
        ("aws-us-gov", "amazonaws.com", "us-gov-west-1"),
    ] {
        let eks = format!("oidc.eks.{region}.{suffix}/{cluster}");
        let table: [(&str, String, &[Symptom], &str); 9] = [
            (
                "anything",
                service("eks-fargate-pods.amazonaws.com"),
                &[NotMapped, NotMappedNode],
                "fargate-role-not-mapped",
            ),
            (
                "anything",
                service(&format!("ec2.{suffix}")),
                &[NotMapped, NotMappedNode],
                "ec2-instance-role-not-mapped",
            ),
            (
                "KarpenterNodeRole-a",
                service(&format!("ec2.{suffix}")),
                &[NotMapped, NotMappedNode],
                "karpenter-node-role-not-mapped",
            ),
            (
                "anything",
                service(&format!("ssm.{suffix}")),
                &[NotMappedNode],
                "hybrid-node-role-not-mapped",
            ),
            (
                "anything",
                service(&format!("rolesanywhere.{suffix}")),
                &[NotMappedNode],
                "hybrid-node-role-not-mapped",
            ),
            (
                "anything",
                service("pods.eks.amazonaws.com"),
                &[NotMapped, NotMappedNode],
                "pod-identity-role-not-mapped",
            ),
            (
                "anything",
                provider(&eks),
                &[NotMapped, NotMappedNode],
                "irsa-role-not-mapped",
            ),
            (
                "anything",
                provider("token.actions.githubusercontent.com"),
                &[NotMapped, NotMappedNode],
                "pipeline-role-not-mapped",
            ),
            (
                "anything",
                service(&format!("codebuild.{suffix}")),
                &[NotMapped, NotMappedNode],
                "pipeline-role-not-mapped",
            ),
        ];
        for (name, trust, symptoms, expected) in &table {
            for &symptom in *symptoms {
                for mode in MODES {
                    let world = unmapped(partition, name, symptom, mode, Some(trust));
                    assert_eq!(
                        judged(&world),
                        *expected,
                        "{partition} {name} {symptom} {mode:?} {trust}"
                    );
                    let text = remedies(&world);
                    for other in ["arn:aws:", "arn:aws-cn:", "arn:aws-us-gov:"] {
                        let is_own = other == format!("arn:{partition}:");
                        assert!(is_own || !text.contains(other), "{other} in {text}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_name_or_a_session_alone_proves_no_purpose() {
    for name in [
        "KarpenterNodeRole-prod",
        "AmazonEKSFargatePodExecutionRole",
        "AmazonEKSHybridNodesRole",
        "AmazonEKSAutoNodeRole",
        "github-deploy",
        "shop-irsa",
    ] {
        for mode in MODES {
            for (symptom, general) in [
                (Symptom::NotMapped, "principal-not-mapped"),
                (Symptom::NotMappedNode, "node-not-mapped"),
            ] {
                let mut world = unmapped("aws", name, symptom, mode, None);
                world.facts.iam = Fact::Unknown(DENIED);
                world.facts.aws_auth = Fact::default();
                let cause = judged(&world);
                assert!(
                    !cause.ends_with("role-not-mapped") && cause != "fargate-role-not-mapped",
                    "{name} {cause}"
                );
                if mode == AuthenticationMode::ApiAndConfigMap {
                    assert_eq!(cause, general, "{name}");
                }
            }
        }
    }
}

#[test]
fn what_others_may_assume_too_is_not_called_by_one_purpose() {
    let others = [
        r#""AWS":"arn:aws:iam::111122223333:root""#,
        r#""AWS":"444455556666""#,
        r#""Federated":"arn:aws:iam::111122223333:saml-provider/okta""#,
    ];
    let services = [
        "ec2.amazonaws.com",
        "eks-fargate-pods.amazonaws.com",
        "ssm.amazonaws.com",
        "codebuild.amazonaws.com",
        "pods.eks.amazonaws.com",
    ];
    for other in others {
        for service in services {
            let trust = format!(r#"{{"Service":"{service}",{other}}}"#);
            for mode in MODES {
                for symptom in [Symptom::NotMapped, Symptom::NotMappedNode] {
                    let world = unmapped("aws", "anything", symptom, mode, Some(&trust));
                    let cause = judged(&world);
                    assert!(!cause.ends_with("role-not-mapped"), "{trust} {cause}");
                    let may_be_a_node = services[..3].contains(&service);
                    if symptom == Symptom::NotMappedNode && may_be_a_node {
                        assert_eq!(cause, "node-not-mapped", "{trust}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_role_that_nodes_may_have_is_never_given_a_standard_entry() {
    for trust in [
        service("ec2.amazonaws.com"),
        service("ec2.amazonaws.com.cn"),
        service("eks-fargate-pods.amazonaws.com"),
        r#"{"Service":["ec2.amazonaws.com","codebuild.amazonaws.com"]}"#.to_owned(),
        r#"{"Service":"ec2.amazonaws.com","AWS":"arn:aws:iam::111122223333:root"}"#.to_owned(),
    ] {
        for mode in MODES {
            for symptom in [Symptom::NotMapped, Symptom::NotMappedNode] {
                let text = remedies(&unmapped("aws", "anything", symptom, mode, Some(&trust)));
                assert!(!text.contains("STANDARD"), "{trust}\n{text}");
            }
        }
    }
}

#[test]
fn each_kind_of_node_gets_its_type_and_its_row() {
    use AuthenticationMode::{Api, ConfigMap};
    let in_mode = |cause: &str, mode: AuthenticationMode| {
        let mut world = world(cause);
        if let Fact::Known(cluster) = &mut world.facts.cluster {
            cluster.mode = mode;
        }
        remedies(&world)
    };
    for (cause, of_type) in [
        ("fargate-role-not-mapped", "FARGATE_LINUX"),
        ("hybrid-node-role-not-mapped", "HYBRID_LINUX"),
        ("auto-mode-node-role-not-mapped", "EC2"),
        ("karpenter-node-role-not-mapped", "EC2_LINUX"),
        ("ec2-instance-role-not-mapped", "EC2_LINUX"),
    ] {
        let text = in_mode(cause, Api);
        let name = world(cause).principal.unwrap().to_string();
        for expected in [
            format!("--principal-arn {name} --type {of_type}\n"),
            format!("type          = \"{of_type}\""),
            format!("PrincipalArn: \"{name}\"\n    Type: {of_type}"),
        ] {
            assert!(text.contains(&expected), "{cause}: {expected}\n{text}");
        }
        assert!(!text.contains("iamidentitymapping"), "{cause}");
        let has_policy = text.contains("AmazonEKSAutoNodePolicy");
        assert_eq!(has_policy, of_type == "EC2", "{cause}");
    }
    for (cause, username, groups) in [
        (
            "fargate-role-not-mapped",
            "'system:node:{{SessionName}}'",
            "--group system:bootstrappers --group system:nodes --group system:node-proxier",
        ),
        (
            "karpenter-node-role-not-mapped",
            "'system:node:{{EC2PrivateDNSName}}'",
            "--group system:bootstrappers --group system:nodes --no-duplicate-arns",
        ),
        (
            "ec2-instance-role-not-mapped",
            "'system:node:{{EC2PrivateDNSName}}'",
            "--group system:bootstrappers --group system:nodes --no-duplicate-arns",
        ),
    ] {
        let text = in_mode(cause, ConfigMap);
        assert!(
            text.contains(username) && text.contains(groups),
            "{cause}\n{text}"
        );
        assert!(!text.contains("create-access-entry"), "{cause}");
    }
    // Neither can join a cluster that has `aws-auth` only.
    let hybrid = in_mode("hybrid-node-role-not-mapped", ConfigMap);
    assert!(hybrid.contains("one-way") && hybrid.contains("API_AND_CONFIG_MAP"));
    assert!(!hybrid.contains("iamidentitymapping"));
    assert!(!in_mode("hybrid-node-role-not-mapped", Api).contains("one-way"));
}

#[test]
fn a_full_arn_keeps_its_path_in_an_entry_and_loses_it_in_aws_auth() {
    let codebuild = service("codebuild.amazonaws.com");
    let of = |mode| {
        let mut world = unmapped("aws", "shop", Symptom::NotMapped, mode, Some(&codebuild));
        if let Fact::Known(Some(iam)) = &mut world.facts.iam {
            iam.principal = "arn:aws:iam::111122223333:role/service-role/shop"
                .parse()
                .unwrap();
        }
        remedies(&world)
    };
    let entry = of(AuthenticationMode::Api);
    assert!(
        entry.contains("--principal-arn arn:aws:iam::111122223333:role/service-role/shop --type")
    );
    let row = of(AuthenticationMode::ConfigMap);
    assert!(row.contains("--arn arn:aws:iam::111122223333:role/shop --username"));
    assert!(!row.contains("role/service-role/shop"), "{row}");
}

#[test]
fn a_pipeline_is_called_by_its_name() {
    for (trust, name) in [
        (
            provider("token.actions.githubusercontent.com"),
            "GitHub Actions",
        ),
        (provider("gitlab.com"), "GitLab"),
        (
            provider("api.bitbucket.org/2.0/workspaces/example/pipelines-config/identity/oidc"),
            "Bitbucket Pipelines",
        ),
        (provider("oidc.circleci.com/org/example"), "CircleCI"),
        (provider("app.terraform.io"), "Terraform Cloud"),
        (service("codebuild.amazonaws.com"), "AWS CodeBuild"),
    ] {
        let mode = AuthenticationMode::Api;
        let world = unmapped("aws", "deploy", Symptom::NotMapped, mode, Some(&trust));
        assert!(remedies(&world).contains(name), "{name}");
    }
}

#[test]
fn the_role_of_the_built_in_node_pools_is_known_by_eks_and_not_by_its_name() {
    let mut world = world("auto-mode-node-role-not-mapped");
    let rename = |world: &mut World, account: &str| {
        let arn = format!("arn:aws:iam::{account}:role/whatever");
        if let Fact::Known(cluster) = &mut world.facts.cluster {
            cluster.auto_mode_node_role = arn.parse().ok();
        }
    };
    rename(&mut world, "111122223333");
    world.principal = "arn:aws:iam::111122223333:role/whatever".parse().ok();
    // Even where IAM does not tell.
    world.facts.iam = Fact::Unknown(DENIED);
    assert_eq!(judged(&world), "auto-mode-node-role-not-mapped");
    rename(&mut world, "444455556666");
    assert_eq!(judged(&world), "node-not-mapped");
}

#[test]
fn an_entry_that_is_there_says_more_than_what_the_role_is_for() {
    for world in worlds() {
        if !world.cause.ends_with("role-not-mapped") {
            continue;
        }
        let mut world = world;
        world.facts.entry = Fact::Unknown(Unknown::Denied(Permission::DescribeAccessEntry));
        world.facts.near = Fact::default();
        let cluster = cluster_of(&world);
        let judgement = judge(&world.case(&cluster));
        assert_eq!(
            judgement.cause.unwrap().tier,
            Tier::General,
            "{}",
            world.cause
        );
        assert!(
            judgement.perhaps.iter().any(|possibility| {
                possibility.cause.id == world.cause
                    && possibility.fact == Some("the access entries of the cluster")
            }),
            "{}",
            world.cause
        );
    }
}

#[test]
fn a_nodes_entry_is_told_from_other_entries_by_its_type() {
    let plain = world("access-entry-of-a-node-type");
    let of = |kind: EntryType, trust: Option<&str>| {
        let mut world = plain.clone();
        if let Fact::Known(Some(entry)) = &mut world.facts.entry {
            entry.kind = kind;
        }
        if let (Fact::Known(Some(iam)), Some(service)) = (&mut world.facts.iam, trust) {
            let policy = format!(
                r#"{{"Statement":{{"Effect":"Allow","Principal":{{"Service":"{service}"}}}}}}"#
            );
            iam.trust = Trust::parse(&policy);
        }
        world
    };
    let (own, general) = ("access-entry-of-a-node-type", "node-session-is-no-instance");
    for (kind, expected) in [
        (EntryType::Ec2Linux, own),
        (EntryType::Ec2Windows, own),
        (EntryType::Ec2, own),
        (EntryType::Standard, general),
        (EntryType::FargateLinux, general),
        (EntryType::HybridLinux, general),
        (EntryType::Other, general),
    ] {
        assert_eq!(judged(&of(kind, None)), expected, "{kind:?}");
    }
    // Hybrid nodes with an entry for instances.
    let hybrid = of(EntryType::Ec2Linux, Some("ssm.amazonaws.com"));
    assert_eq!(judged(&hybrid), general);
    assert!(remedies(&hybrid).contains("--type HYBRID_LINUX"));
    // The nodes' entry stays; one that no node can use is replaced.
    for (trust, is_replaced) in [
        (None, false),
        (Some("ec2.amazonaws.com"), false),
        (Some("ec2.amazonaws.com.cn"), false),
        (Some("lambda.amazonaws.com"), true),
    ] {
        let text = remedies(&of(EntryType::Ec2Linux, trust));
        assert_eq!(
            text.contains("delete-access-entry"),
            is_replaced,
            "{trust:?}"
        );
    }
    let mut unknown = plain.clone();
    unknown.facts.entry = Fact::Unknown(DENIED);
    assert_eq!(judged(&unknown), general);
}

#[test]
fn the_clusters_role_is_gone_or_untrusted_only_where_iam_says_so() {
    let gone = world("cluster-role-deleted");
    let untrusted = world("cluster-role-does-not-trust-eks");
    let general = "cluster-role-may-not-look-up-nodes";
    let trusting = |service: &str| {
        let mut world = untrusted.clone();
        if let Fact::Known(Some(role)) = &mut world.facts.cluster_role {
            let policy = format!(
                r#"{{"Statement":{{"Effect":"Allow","Principal":{{"Service":"{service}"}}}}}}"#
            );
            role.trust = Trust::parse(&policy);
        }
        judged(&world)
    };
    assert_eq!(judged(&gone), "cluster-role-deleted");
    assert_eq!(
        trusting("ec2.amazonaws.com"),
        "cluster-role-does-not-trust-eks"
    );
    assert_eq!(trusting("eks.amazonaws.com"), general);
    assert_eq!(trusting("eks.amazonaws.com.cn"), general);
    let mut unread = untrusted.clone();
    if let Fact::Known(Some(role)) = &mut unread.facts.cluster_role {
        role.trust = None;
    }
    assert_eq!(judged(&unread), general);
    let mut denied = gone.clone();
    denied.facts.cluster_role = Fact::Unknown(DENIED);
    assert_eq!(judged(&denied), general);
    for world in [&gone, &untrusted, &denied] {
        let text = remedies(world);
        assert!(text.contains("--role-name prod-eu-cluster"), "{text}");
        assert!(!text.contains("CLUSTER_ROLE"), "{text}");
    }
}

#[test]
fn a_clusters_role_comes_back_with_its_path_and_what_auto_mode_needs() {
    let mut world = world("cluster-role-deleted");
    let text = remedies(&world);
    assert!(
        text.contains("--role-name prod-eu-cluster --path / "),
        "{text}"
    );
    assert!(!text.contains("sts:TagSession"));
    if let Fact::Known(cluster) = &mut world.facts.cluster {
        cluster.has_auto_mode = true;
        cluster.role = "arn:aws-cn:iam::111122223333:role/eks/clusters/a"
            .parse()
            .ok();
    }
    world.principal = "arn:aws-cn:iam::111122223333:role/workers".parse().ok();
    let text = remedies(&world);
    for expected in [
        "--role-name a --path /eks/clusters/ ",
        "sts:TagSession",
        "arn:aws-cn:iam::aws:policy/AmazonEKSClusterPolicy",
        "arn:aws-cn:iam::aws:policy/AmazonEKSComputePolicy",
    ] {
        assert!(text.contains(expected), "{expected}\n{text}");
    }
}

#[test]
fn a_timeout_is_laid_to_a_private_endpoint_only_where_eks_says_that_it_is_private() {
    let of = |is_public: Option<bool>| {
        let mut facts = Facts::none();
        if let Some(is_public) = is_public {
            facts = world("endpoint-private-only").facts;
            if let Fact::Known(cluster) = &mut facts.cluster {
                cluster.endpoint.is_public = is_public;
            }
        }
        let cluster = Cluster::default();
        let case = Case {
            symptom: Symptom::ClientTimeout,
            principal: None,
            aws_internal_session: false,
            detail: Detail::None,
            cluster: &cluster,
            facts: &facts,
        };
        judge(&case).cause.unwrap().id
    };
    assert_eq!(of(Some(false)), "endpoint-private-only");
    assert_eq!(of(Some(true)), "endpoint-unreachable");
    assert_eq!(of(None), "endpoint-unreachable");
}

#[test]
fn nobody_is_told_to_open_an_endpoint_that_is_open() {
    let of = |is_open_to_all: bool| {
        let mut world = world("endpoint-private-only");
        if let Fact::Known(cluster) = &mut world.facts.cluster {
            cluster.endpoint.is_public = true;
            cluster.endpoint.is_open_to_all = is_open_to_all;
        }
        remedies(&world).contains("publicAccessCidrs=")
    };
    assert!(!of(true));
    assert!(of(false));
}

#[test]
fn what_other_services_may_assume_too_is_not_called_by_one_purpose() {
    let cluster = "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B716D3041E";
    let oidc = format!("arn:aws:iam::111122223333:oidc-provider/{cluster}");
    for (trust, perhaps) in [
        (
            r#"{"Service":["ec2.amazonaws.com","lambda.amazonaws.com"]}"#.to_owned(),
            "ec2-instance-role-not-mapped",
        ),
        (
            r#"{"Service":["codebuild.amazonaws.com","lambda.amazonaws.com"]}"#.to_owned(),
            "pipeline-role-not-mapped",
        ),
        (
            format!(r#"{{"Service":"lambda.amazonaws.com","Federated":"{oidc}"}}"#),
            "irsa-role-not-mapped",
        ),
        (
            r#"{"Service":["pods.eks.amazonaws.com","ecs-tasks.amazonaws.com"]}"#.to_owned(),
            "pod-identity-role-not-mapped",
        ),
    ] {
        let world = unmapped(
            "aws",
            "anything",
            Symptom::NotMapped,
            AuthenticationMode::Api,
            Some(&trust),
        );
        let cause = judged(&world);
        assert!(!cause.ends_with("role-not-mapped"), "{trust} {cause}");
        let cluster = cluster_of(&world);
        let judgement = judge(&world.case(&cluster));
        let named = judgement
            .perhaps
            .iter()
            .find(|possibility| possibility.cause.id == perhaps);
        assert!(named.is_some_and(|it| it.fact.is_some()), "{trust}");
    }
}

#[test]
fn nobody_is_a_node_whom_iam_knows_to_be_none() {
    let node = Symptom::NotMappedNode;
    let set = "AWSReservedSSO_eks-noderole-admin_0011223344556677";
    for (name, trust) in [
        (set, None),
        (
            set,
            Some(r#"{"Federated":"arn:aws:iam::111122223333:saml-provider/AWSSSO"}"#),
        ),
        (
            "team-noderole-debug",
            Some(r#"{"AWS":"arn:aws:iam::111122223333:root"}"#),
        ),
        ("worker", Some(r#"{"Service":"lambda.amazonaws.com"}"#)),
    ] {
        let world = unmapped("aws", name, node, AuthenticationMode::Api, trust);
        assert_eq!(judged(&world), "principal-never-mapped", "{name}");
        let text = remedies(&world);
        assert!(!text.contains("EC2_LINUX"), "{name}\n{text}");
        assert!(text.contains("--type STANDARD"), "{name}\n{text}");
    }
    for trust in [
        service("ec2.amazonaws.com"),
        service("sagemaker.amazonaws.com"),
    ] {
        let world = unmapped("aws", "x", node, AuthenticationMode::Api, Some(&trust));
        assert_ne!(judged(&world), "principal-never-mapped", "{trust}");
    }
}

#[test]
fn without_iam_nobody_is_known_never_to_have_been_mapped() {
    let mut world = unmapped(
        "aws",
        "prod-workers",
        Symptom::NotMapped,
        AuthenticationMode::Api,
        None,
    );
    assert_eq!(judged(&world), "principal-never-mapped");
    world.facts.iam = Fact::Unknown(DENIED);
    assert_eq!(judged(&world), "principal-not-mapped");
    let cluster = cluster_of(&world);
    let perhaps = judge(&world.case(&cluster)).perhaps;
    for cause in [
        "principal-never-mapped",
        "ec2-instance-role-not-mapped",
        "principal-no-longer-exists",
    ] {
        let named = perhaps.iter().find(|it| it.cause.id == cause);
        assert!(named.is_some_and(|it| it.fact.is_some()), "{cause}");
    }
}

#[test]
fn the_clusters_own_role_is_never_given_a_standard_entry() {
    let eks = service("eks.amazonaws.com");
    for (name, trust) in [("prod-eu-cluster", None), ("other", Some(eks.as_str()))] {
        let world = unmapped(
            "aws",
            name,
            Symptom::NotMapped,
            AuthenticationMode::Api,
            trust,
        );
        let text = remedies(&world);
        assert!(!text.contains("STANDARD"), "{name}\n{text}");
    }
}
