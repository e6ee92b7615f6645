//! One world for each finding: the facts that show it, with invented names. The pages of the catalogue take their commands
//! from it, and the tests hold each against its cause.

use crate::catalogue::{Case, Cause, Detail};
use crate::cluster::{AuthenticationMode, Cluster};
use crate::facts::{
    AccessEntry, Administrator, AwsAuthRow, ClusterFacts, Endpoint, EntryType, Fact, Facts,
    IamPrincipal, Near, NearMiss, RowFault, Status, Trust,
};
use crate::incident::{Answers, Digest, Place, Settings};
use crate::line::read_pasted;
use crate::notice::Notice;
use crate::principal::Principal;
use crate::symptom::Symptom;
use crate::text::LogText;

/// 2026-01-01T00:00:00Z, in milliseconds since 1970.
const NEW_YEAR: i64 = 1_767_225_600_000;
/// A day, in milliseconds.
const DAY: i64 = 86_400_000;

const ACCOUNT: &str = "arn:aws:iam::111122223333";

/// A case with its facts, and the cause that claims it.
#[derive(Debug, Clone)]
pub struct World {
    /// The id of the cause.
    pub cause: &'static str,
    /// What the line says.
    pub symptom: Symptom,
    /// Who was refused.
    pub principal: Option<Principal>,
    /// What was learned.
    pub facts: Facts,
}

impl World {
    /// The case that the world shows.
    #[must_use]
    pub fn case<'a>(&'a self, cluster: &'a Cluster) -> Case<'a> {
        Case {
            symptom: self.symptom,
            principal: self.principal.as_ref(),
            aws_internal_session: false,
            detail: Detail::None,
            cluster,
            facts: &self.facts,
        }
    }
}

/// A world for every cause that needs facts.
#[must_use]
pub fn worlds() -> Vec<World> {
    let mut worlds = of_entries();
    worlds.extend(of_near_misses());
    worlds.extend(of_aws_auth());
    worlds.extend(of_roles());
    worlds.extend(of_clusters());
    worlds.into_iter().flatten().collect()
}

/// The notices that a cause's examples make in this cluster, each line met twice, with the facts of the cause's world if it
/// needs any.
#[must_use]
pub fn notices_of(cause: &Cause, cluster: &Cluster) -> Vec<Notice> {
    let world = worlds().into_iter().find(|world| world.cause == cause.id);
    let mut notices = Vec::new();
    for example in cause.examples {
        let mut digest = Digest::new(Settings::default());
        let cluster = digest.cluster_id(cluster.clone());
        for _ in 0..2 {
            digest.line(read_pasted(example.line, None), cluster, Place::default());
        }
        let answers: Answers = digest
            .questions(50)
            .into_iter()
            .filter_map(|question| Some((question, world.as_ref()?.facts.clone())))
            .collect();
        notices.extend(digest.finish_with(&answers).notices);
    }
    notices
}

/// The role that most worlds are about, as the log has it and as IAM knows it.
const DEV: &str = "role/DevRole";
const DEV_IN_IAM: &str = "role/team/dev/DevRole";

fn of_entries() -> Vec<Option<World>> {
    use AuthenticationMode::Api;
    let too_new = with_entry("access-entry-not-yet-effective", 30);
    vec![
        world("principal-never-mapped", Api, DEV, DEV_IN_IAM),
        with_entry("entry-outlived-its-role", -30),
        with_entry("mapping-without-effect", 30),
        with(too_new, |facts| {
            facts.last_denied = Some(NEW_YEAR + 30 * DAY + 20_000);
        }),
        with(
            world("principal-no-longer-exists", Api, DEV, DEV),
            |facts| {
                facts.iam = Fact::Known(None);
            },
        ),
        with(world("no-administrator-left", Api, DEV, DEV), |facts| {
            facts.administrators = administrators(false);
            facts.groups_left = Fact::Known(false);
        }),
    ]
}

/// A role with an entry of its own that was made so many days after it.
fn with_entry(cause: &'static str, days_after_role: i64) -> Option<World> {
    let world = world(cause, AuthenticationMode::Api, DEV, DEV_IN_IAM);
    with(world, |facts| {
        let entry = facts.iam_principal().map(|iam| {
            let created = iam.created + days_after_role * DAY;
            entry(&iam.principal, EntryType::Standard, created)
        });
        facts.entry = Fact::Known(entry);
        facts.near = Fact::default();
    })
}

fn of_near_misses() -> Vec<Option<World>> {
    use AuthenticationMode::{Api, ApiAndConfigMap};
    let set = |path: &str, suffix: &str| format!("role/{path}AWSReservedSSO_Developer_{suffix}");
    let path = "aws-reserved/sso.amazonaws.com/eu-west-1/";
    let (new, old) = ("0123456789abcdef", "fedcba9876543210");
    let near = |world: Option<World>, entry: &str, near: Near, exists: Fact<bool>| {
        let entry = entry.parse().ok()?;
        with(world, |facts| {
            facts.near = Fact::Known(vec![NearMiss {
                entry,
                near,
                exists,
            }]);
        })
    };
    let reprovisioned = world(
        "sso-role-reprovisioned",
        ApiAndConfigMap,
        &set("", new),
        &set(path, new),
    );
    let gone = Fact::Known(false);
    vec![
        near(
            reprovisioned,
            &format!("{ACCOUNT}:{}", set(path, old)),
            Near::OtherSuffix,
            gone,
        ),
        near(
            world("access-entry-has-another-path", Api, DEV, DEV_IN_IAM),
            &format!("{ACCOUNT}:{DEV}"),
            Near::OtherPath,
            Fact::default(),
        ),
        near(
            world("mapped-under-a-lookalike", Api, "role/dana", "role/dana"),
            &format!("{ACCOUNT}:user/dana"),
            Near::OtherKind,
            Fact::default(),
        ),
        near(
            world("mapped-in-another-account", Api, DEV, DEV),
            "arn:aws:iam::444455556666:role/DevRole",
            Near::OtherAccount,
            Fact::default(),
        ),
    ]
}

fn of_aws_auth() -> Vec<Option<World>> {
    use AuthenticationMode::{Api, ConfigMap};
    let role = "role/team/dev/DevRole";
    let row = |id, mode, row: AwsAuthRow| {
        with(world(id, mode, "role/DevRole", role), |facts| {
            facts.aws_auth = Fact::Known(row);
        })
    };
    let near =
        |fault, text: &str| AwsAuthRow::Near(fault, LogText::new(format!("{ACCOUNT}:{text}")));
    vec![
        world("not-in-aws-auth", ConfigMap, "role/DevRole", role),
        row(
            "aws-auth-row-keeps-path",
            ConfigMap,
            near(RowFault::KeepsPath, role),
        ),
        row(
            "aws-auth-row-matches-nobody",
            ConfigMap,
            near(RowFault::MatchesNobody, "instance-profile/DevRole"),
        ),
        row("mapped-only-in-aws-auth", Api, AwsAuthRow::Fits),
        row(
            "mapping-lost-in-broken-aws-auth",
            ConfigMap,
            AwsAuthRow::Broken,
        ),
    ]
}

fn of_roles() -> Vec<Option<World>> {
    use AuthenticationMode::Api;
    let trusted = |id, symptom, name: &str, principal: &str| {
        let policy = format!(r#"{{"Statement":{{"Effect":"Allow","Principal":{{{principal}}}}}}}"#);
        let world = with(world(id, Api, name, name), |facts| trust(facts, &policy))?;
        Some(World { symptom, ..world })
    };
    let provider = |host: &str| format!(r#""Federated":"{ACCOUNT}:oidc-provider/{host}""#);
    let cluster = "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B716D3041E";
    let node = Symptom::NotMappedNode;
    let ec2 = r#""Service":"ec2.amazonaws.com""#;
    vec![
        trusted(
            "fargate-role-not-mapped",
            node,
            "role/AmazonEKSFargatePodExecutionRole",
            r#""Service":"eks-fargate-pods.amazonaws.com""#,
        ),
        trusted(
            "hybrid-node-role-not-mapped",
            node,
            "role/AmazonEKSHybridNodesRole",
            r#""Service":"ssm.amazonaws.com""#,
        )
        .map(|mut world| {
            if let Fact::Known(cluster) = &mut world.facts.cluster {
                cluster.has_hybrid_nodes = true;
            }
            world
        }),
        trusted(
            "karpenter-node-role-not-mapped",
            node,
            "role/KarpenterNodeRole-prod-eu",
            ec2,
        ),
        trusted("ec2-instance-role-not-mapped", node, "role/workers", ec2),
        with(
            trusted(
                "auto-mode-node-role-not-mapped",
                node,
                "role/AmazonEKSAutoNodeRole",
                ec2,
            ),
            |facts| {
                let role = format!("{ACCOUNT}:role/AmazonEKSAutoNodeRole").parse().ok();
                if let Fact::Known(cluster) = &mut facts.cluster {
                    cluster.has_auto_mode = true;
                    cluster.auto_mode_node_role = role;
                }
            },
        ),
        trusted(
            "irsa-role-not-mapped",
            Symptom::NotMapped,
            "role/shop-web",
            &provider(cluster),
        ),
        trusted(
            "pod-identity-role-not-mapped",
            Symptom::NotMapped,
            "role/shop-web",
            r#""Service":"pods.eks.amazonaws.com""#,
        ),
        trusted(
            "pipeline-role-not-mapped",
            Symptom::NotMapped,
            "role/deploy",
            &provider("token.actions.githubusercontent.com"),
        ),
    ]
}

fn of_clusters() -> Vec<Option<World>> {
    use AuthenticationMode::{Api, ApiAndConfigMap};
    let about_role = |id, role: Option<IamPrincipal>| {
        let node = "role/workers";
        let world = with(world(id, ApiAndConfigMap, node, node), |facts| {
            facts.cluster_role = Fact::Known(role);
        })?;
        Some(World {
            symptom: Symptom::NodeDnsLookupDenied,
            ..world
        })
    };
    let without_trust = in_iam("role/prod-eu-cluster").map(|role| IamPrincipal {
        trust: Trust::parse(r#"{"Statement":[]}"#),
        ..role
    });
    let of_nodes = with(
        world(
            "access-entry-of-a-node-type",
            Api,
            "role/DevRole",
            "role/DevRole",
        ),
        |facts| {
            let iam = facts.iam_principal();
            let kind = EntryType::Ec2Linux;
            facts.entry =
                Fact::Known(iam.map(|iam| entry(&iam.principal, kind, iam.created + DAY)));
        },
    );
    let private = with(
        world("endpoint-private-only", Api, "role/DevRole", "role/DevRole"),
        |facts| {
            if let Fact::Known(cluster) = &mut facts.cluster {
                cluster.endpoint.is_public = false;
            }
        },
    );
    vec![
        about_role("cluster-role-deleted", None),
        about_role("cluster-role-does-not-trust-eks", without_trust),
        of_nodes.map(|world| World {
            symptom: Symptom::NodeSessionNotInstance,
            ..world
        }),
        private.map(|world| World {
            symptom: Symptom::ClientTimeout,
            principal: None,
            ..world
        }),
    ]
}

/// A principal that is in IAM and that nothing names.
fn world(
    cause: &'static str,
    mode: AuthenticationMode,
    logged: &str,
    in_iam_as: &str,
) -> Option<World> {
    let has_entries = mode.has_access_entries();
    let facts = Facts {
        cluster: Fact::Known(cluster(mode)),
        iam: Fact::Known(in_iam(in_iam_as)),
        entry: if has_entries {
            Fact::Known(None)
        } else {
            Fact::default()
        },
        near: if has_entries {
            Fact::Known(Vec::new())
        } else {
            Fact::default()
        },
        administrators: if has_entries {
            administrators(true)
        } else {
            Fact::default()
        },
        last_denied: Some(NEW_YEAR + 60 * DAY),
        ..Facts::none()
    };
    Some(World {
        cause,
        symptom: Symptom::NotMapped,
        principal: Some(format!("{ACCOUNT}:{logged}").parse().ok()?),
        facts,
    })
}

fn with(world: Option<World>, change: impl FnOnce(&mut Facts)) -> Option<World> {
    let mut world = world?;
    change(&mut world.facts);
    Some(world)
}

fn trust(facts: &mut Facts, policy: &str) {
    if let Fact::Known(Some(iam)) = &mut facts.iam {
        iam.trust = Trust::parse(policy);
    }
}

fn in_iam(resource: &str) -> Option<IamPrincipal> {
    Some(IamPrincipal {
        principal: format!("{ACCOUNT}:{resource}").parse().ok()?,
        unique_id: "AROAIOSFODNN7EXAMPLE".to_owned(),
        created: NEW_YEAR,
        trust: None,
    })
}

fn entry(principal: &Principal, kind: EntryType, created: i64) -> AccessEntry {
    AccessEntry {
        principal: principal.clone(),
        kind,
        username: LogText::new(""),
        groups: Vec::new(),
        created,
        policies: Fact::Known(Vec::new()),
    }
}

fn administrators(exists: bool) -> Fact<Vec<Administrator>> {
    let principal = format!("{ACCOUNT}:role/PlatformAdmin").parse();
    Fact::Known(Vec::from_iter(principal.ok().map(|principal| {
        Administrator {
            principal,
            exists: Fact::Known(exists),
        }
    })))
}

fn cluster(mode: AuthenticationMode) -> ClusterFacts {
    ClusterFacts {
        account: "111122223333".parse().ok(),
        mode,
        status: Status::Active,
        logs_authenticator: true,
        endpoint: Endpoint {
            is_public: true,
            is_private: true,
            is_open_to_all: true,
        },
        created: Some(NEW_YEAR - 300 * DAY),
        role: format!("{ACCOUNT}:role/prod-eu-cluster").parse().ok(),
        auto_mode_node_role: None,
        has_auto_mode: false,
        has_hybrid_nodes: false,
    }
}
