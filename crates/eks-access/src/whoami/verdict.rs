//! Whether a cluster lets an identity in.

use crate::cluster::AuthenticationMode;
use crate::facts::{AccessEntry, AwsAuthRow, EntryType, Fact, Facts, NearMiss, Trust, Unknown};
use crate::principal::Principal;

/// Whether the cluster lets the principal in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It has an access entry that gives it rights, or groups that may.
    LetIn,
    /// It has an entry without policies and groups: it is let in and may do nothing.
    Powerless,
    /// Its entry was made before the principal was: it is for one that is gone, and does not count.
    Recreated,
    /// Its entry is for nodes.
    ForNodes(EntryType),
    /// A row of aws-auth lets in instances that have it, and nobody else.
    RowForNodes,
    /// It is a role of nodes, and its entry or row lets them in.
    NodesLetIn,
    /// It is a role of nodes, and its entry is one that no node can join with.
    NodesNotLetIn,
    /// A row of aws-auth, or its account there, maps it.
    MappedInAwsAuth,
    /// IAM has it no more.
    Gone,
    /// It has no entry, and nothing else counts.
    NotMapped(Vec<NearMiss>),
    /// It has no entry that counts; aws-auth, which nobody read here, may map it.
    AwsAuthDecides(AuthenticationMode, Vec<NearMiss>),
    /// Root and federated users: nothing but aws-auth can map them, and none should be.
    NoEntryPossible,
    /// It can't be told, and why.
    Unknown(Unknown),
}

impl Verdict {
    /// Whether the cluster refuses the principal for all that is known.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        matches!(
            self,
            Self::Recreated
                | Self::ForNodes(_)
                | Self::RowForNodes
                | Self::NodesNotLetIn
                | Self::Gone
                | Self::NotMapped(_)
                | Self::NoEntryPossible
        )
    }

    /// The stable name in machine output.
    #[must_use]
    pub fn slug(&self) -> &'static str {
        match self {
            Self::LetIn => "let-in",
            Self::Powerless => "let-in-without-rights",
            Self::Recreated => "entry-outlived-its-principal",
            Self::ForNodes(_) => "entry-is-for-nodes",
            Self::RowForNodes => "row-is-for-nodes",
            Self::NodesLetIn => "nodes-let-in",
            Self::NodesNotLetIn => "entry-is-not-for-nodes",
            Self::MappedInAwsAuth => "mapped-in-aws-auth",
            Self::Gone => "gone",
            Self::NotMapped(_) => "not-mapped",
            Self::AwsAuthDecides(..) => "aws-auth-decides",
            Self::NoEntryPossible => "no-entry-possible",
            Self::Unknown(_) => "unknown",
        }
    }

    /// Whether the cluster lets it in, where that is known.
    #[must_use]
    pub fn is_let_in(&self) -> Option<bool> {
        match self {
            Self::LetIn | Self::Powerless | Self::MappedInAwsAuth | Self::NodesLetIn => Some(true),
            Self::AwsAuthDecides(..) | Self::Unknown(_) => None,
            _ => Some(false),
        }
    }

    /// One sentence about it, without a full stop.
    #[must_use]
    pub fn sentence(&self, learned: &Facts) -> String {
        let entry = learned.own_entry();
        match self {
            Self::LetIn => format!(
                "The cluster lets it in: {}{}",
                entry.map_or_else(|| "by an access entry".to_owned(), rights),
                if learned.trust().is_some_and(Trust::is_of_ec2) {
                    ". That is for programs on instances; no node can join with an entry of type STANDARD"
                } else {
                    ""
                }
            ),
            Self::Powerless => "The cluster lets it in by an access entry that has neither access policies nor \
                groups, so it may do nothing (Forbidden, not Unauthorized)".to_owned(),
            Self::Recreated => "The cluster does not let it in: its access entry was made before the role or user \
                was, so it is for one of the same name that is gone; delete the entry and make it anew".to_owned(),
            Self::ForNodes(kind) => format!(
                "The cluster does not let it in as a person: its access entry is of type {}, for nodes",
                kind.as_str()
            ),
            Self::RowForNodes => "The cluster does not let it in as a person: the user name in its row of aws-auth is \
                made from an EC2 instance's DNS name, which only sessions of instances have".to_owned(),
            Self::NodesLetIn => entry.map_or_else(
                || "The cluster lets nodes with this role join, by a row of aws-auth; a person can't use that".to_owned(),
                |entry| format!(
                    "The cluster lets nodes with this role join, by an access entry of type {}; a person can't use that",
                    entry.kind.as_str()
                ),
            ),
            Self::NodesNotLetIn => "No node can join with this role: its access entry is of type STANDARD, which counts \
                before any row of aws-auth and makes no node's user name; delete it once nobody else needs it, and create \
                one of the nodes' type".to_owned(),
            Self::MappedInAwsAuth => "The cluster lets it in, by aws-auth".to_owned(),
            Self::Gone if learned.iam_principal().is_some() => "The cluster does not let it in: the credentials are of a \
                role or user that was deleted, and IAM has another one of the same name since; sign in anew".to_owned(),
            Self::Gone => "Nobody can call as it: IAM has no such role or user".to_owned(),
            Self::NotMapped(_) if learned.aws_auth.known().is_some() => {
                "The cluster does not let it in: neither an access entry nor a row of aws-auth is for it".to_owned()
            }
            Self::NotMapped(_) => "The cluster does not let it in: it has no access entry, and in authentication \
                mode API nothing else counts".to_owned(),
            Self::AwsAuthDecides(AuthenticationMode::ConfigMap, _) => "Whether the cluster lets it in stands in \
                aws-auth alone (authentication mode CONFIG_MAP), which was not read here; whoever created the cluster \
                gets in without standing there".to_owned(),
            Self::AwsAuthDecides(..) => "The cluster has no access entry for it. It gets in only if aws-auth maps \
                it, which was not read here".to_owned(),
            Self::NoEntryPossible => "The cluster does not let it in: root and federated users can have no access \
                entry; use a role".to_owned(),
            Self::Unknown(Unknown::NotAsked) => "Whether the cluster lets it in is not known: name the cluster and \
                its Region (--cluster, --region)".to_owned(),
            Self::Unknown(why) => {
                let permission = why.permission().map_or_else(String::new, |permission| {
                    format!("; {} would tell", permission.action())
                });
                format!("Whether the cluster lets it in is not known: {}{permission}", why.reason())
            }
        }
    }

    /// Entries that look like the principal's.
    #[must_use]
    pub fn near(&self) -> &[NearMiss] {
        match self {
            Self::NotMapped(near) | Self::AwsAuthDecides(_, near) => near,
            _ => &[],
        }
    }
}

/// Judges what was learned. `principal` is as STS names it: a role without its path.
#[must_use]
pub fn verdict(principal: &Principal, learned: &Facts) -> Verdict {
    let verdict = of_name(principal, learned);
    let is_another = learned
        .iam_principal()
        .zip(learned.caller_id.as_ref())
        .is_some_and(|(iam, caller)| iam.unique_id != *caller);
    // Whatever is mapped is another one of the same name.
    if is_another && verdict.is_let_in() == Some(true) {
        Verdict::Gone
    } else {
        verdict
    }
}

fn of_name(principal: &Principal, learned: &Facts) -> Verdict {
    let mode = match &learned.cluster {
        Fact::Known(cluster) => cluster.mode,
        Fact::Unknown(why) => return Verdict::Unknown(*why),
    };
    if learned.iam == Fact::Known(None) {
        return Verdict::Gone;
    }
    if mode == AuthenticationMode::ConfigMap {
        return by_aws_auth(mode, learned);
    }
    if principal.is_root() || principal.is_federated_user() {
        return match mode {
            AuthenticationMode::Api => Verdict::NoEntryPossible,
            _ => by_aws_auth(mode, learned),
        };
    }
    match &learned.entry {
        Fact::Unknown(why) => Verdict::Unknown(*why),
        Fact::Known(Some(entry)) => of_entry(entry, learned),
        Fact::Known(None) => {
            if mode == AuthenticationMode::Api {
                Verdict::NotMapped(learned.near.known().cloned().unwrap_or_default())
            } else {
                by_aws_auth(mode, learned)
            }
        }
    }
}

/// What the rows of `aws-auth` decide, where somebody has read them.
fn by_aws_auth(mode: AuthenticationMode, learned: &Facts) -> Verdict {
    let near = match mode {
        AuthenticationMode::ConfigMap => Vec::new(),
        _ => learned.near.known().cloned().unwrap_or_default(),
    };
    match &learned.aws_auth {
        Fact::Known(AwsAuthRow::Fits) => Verdict::MappedInAwsAuth,
        Fact::Known(AwsAuthRow::FitsNodes) => Verdict::RowForNodes,
        Fact::Known(_) => Verdict::NotMapped(near),
        Fact::Unknown(_) => Verdict::AwsAuthDecides(mode, near),
    }
}

/// EKS keeps the unique id of the principal with the entry, so one that was made anew has none (EKS user guide, "Create
/// access entries").
fn of_entry(entry: &AccessEntry, learned: &Facts) -> Verdict {
    if learned
        .iam_principal()
        .is_some_and(|iam| iam.created > entry.created)
    {
        Verdict::Recreated
    } else if entry.kind != EntryType::Standard {
        Verdict::ForNodes(entry.kind)
    } else if entry.groups.is_empty() && entry.policies.known().is_some_and(Vec::is_empty) {
        Verdict::Powerless
    } else {
        Verdict::LetIn
    }
}

/// What an entry gives.
fn rights(entry: &AccessEntry) -> String {
    let mut parts = vec!["access entry".to_owned()];
    match entry.policies.known() {
        Some(policies) => parts.extend(policies.iter().map(|policy| {
            let spaces: Vec<String> = policy.namespaces.iter().map(|one| one.shown(63)).collect();
            let scope = if spaces.is_empty() {
                "the whole cluster".to_owned()
            } else {
                format!("namespaces {}", spaces.join(", "))
            };
            format!("{} in {scope}", policy.name().shown(80))
        })),
        None => parts.push("access policies not known".to_owned()),
    }
    if !entry.groups.is_empty() {
        let groups: Vec<String> = entry.groups.iter().map(|group| group.shown(80)).collect();
        parts.push(format!("groups {}", groups.join(", ")));
    }
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use super::{Verdict, verdict};
    use crate::cluster::AuthenticationMode;
    use crate::facts::{
        AccessEntry, AssociatedPolicy, ClusterFacts, Endpoint, EntryType, Fact, Facts,
        IamPrincipal, Near, NearMiss, Permission, Status, Unknown,
    };
    use crate::text::LogText;

    const DEV: &str = "arn:aws:iam::111122223333:role/team/Dev";

    fn cluster(mode: AuthenticationMode) -> Fact<ClusterFacts> {
        Fact::Known(ClusterFacts {
            account: "111122223333".parse().ok(),
            mode,
            status: Status::Active,
            logs_authenticator: true,
            endpoint: Endpoint {
                is_public: true,
                is_private: true,
                is_open_to_all: true,
            },
            created: None,
            role: None,
            auto_mode_node_role: None,
            has_auto_mode: false,
            has_hybrid_nodes: false,
        })
    }

    fn entry(kind: EntryType, created: i64, policies: &[&str]) -> AccessEntry {
        let policy = |name: &&str| AssociatedPolicy {
            arn: LogText::new(*name),
            namespaces: Vec::new(),
        };
        AccessEntry {
            principal: DEV.parse().unwrap(),
            kind,
            username: LogText::new("dev"),
            groups: Vec::new(),
            created,
            policies: Fact::Known(policies.iter().map(policy).collect()),
        }
    }

    fn told(learned: &Facts) -> Verdict {
        verdict(
            &"arn:aws:sts::111122223333:assumed-role/Dev/jo"
                .parse()
                .unwrap(),
            learned,
        )
    }

    fn learned(mode: AuthenticationMode, entry: Option<AccessEntry>) -> Facts {
        Facts {
            cluster: cluster(mode),
            iam: Fact::Known(Some(IamPrincipal {
                principal: DEV.parse().unwrap(),
                unique_id: "AROA1234567890EXAMPLE".to_owned(),
                created: 1000,
                trust: None,
            })),
            entry: Fact::Known(entry),
            near: Fact::Known(vec![NearMiss {
                entry: "arn:aws:iam::111122223333:role/Dev".parse().unwrap(),
                near: Near::OtherPath,
                exists: Fact::default(),
            }]),
            ..Facts::none()
        }
    }

    #[test]
    fn an_entry_counts_by_its_age_type_and_rights() {
        let api = AuthenticationMode::Api;
        let of = |entry| told(&learned(api, Some(entry)));
        assert_eq!(
            of(entry(EntryType::Standard, 2000, &["view"])),
            Verdict::LetIn
        );
        assert_eq!(
            of(entry(EntryType::Standard, 2000, &[])),
            Verdict::Powerless
        );
        assert_eq!(
            of(entry(EntryType::Standard, 999, &["view"])),
            Verdict::Recreated
        );
        assert_eq!(
            of(entry(EntryType::Ec2Linux, 2000, &[])),
            Verdict::ForNodes(EntryType::Ec2Linux)
        );
    }

    #[test]
    fn without_an_entry_the_mode_decides_what_can_be_said() {
        let api = told(&learned(AuthenticationMode::Api, None));
        assert!(api.is_refused());
        assert_eq!(api.near()[0].near, Near::OtherPath);
        let both = told(&learned(AuthenticationMode::ApiAndConfigMap, None));
        assert!(!both.is_refused());
        assert_eq!(both.near().len(), 1);
        let old = told(&learned(AuthenticationMode::ConfigMap, None));
        assert_eq!(
            old,
            Verdict::AwsAuthDecides(AuthenticationMode::ConfigMap, Vec::new())
        );
    }

    #[test]
    fn what_nobody_may_know_is_said_with_its_permission() {
        let denied = Unknown::Denied(Permission::DescribeCluster);
        let mut none = learned(AuthenticationMode::Api, None);
        none.cluster = Fact::Unknown(denied);
        assert_eq!(told(&none), Verdict::Unknown(denied));
        assert_eq!(told(&Facts::none()), Verdict::Unknown(Unknown::NotAsked));
    }

    #[test]
    fn root_has_no_entry() {
        let root = "arn:aws:iam::111122223333:root".parse().unwrap();
        let learned = learned(AuthenticationMode::Api, None);
        assert_eq!(verdict(&root, &learned), Verdict::NoEntryPossible);
    }
}
