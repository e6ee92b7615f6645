//! Whether a cluster lets an identity in.

use crate::cluster::AuthenticationMode;
use crate::facts::{AccessEntry, EntryType, Fact, Facts, NearMiss, Unknown};
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
            Self::Recreated | Self::ForNodes(_) | Self::NotMapped(_) | Self::NoEntryPossible
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
            Self::NotMapped(_) => "not-mapped",
            Self::AwsAuthDecides(..) => "aws-auth-decides",
            Self::NoEntryPossible => "no-entry-possible",
            Self::Unknown(_) => "unknown",
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
    let mode = match &learned.cluster {
        Fact::Known(cluster) => cluster.mode,
        Fact::Unknown(why) => return Verdict::Unknown(*why),
    };
    if mode == AuthenticationMode::ConfigMap {
        return Verdict::AwsAuthDecides(mode, Vec::new());
    }
    if mode == AuthenticationMode::Api && (principal.is_root() || principal.is_federated_user()) {
        return Verdict::NoEntryPossible;
    }
    match &learned.entry {
        Fact::Unknown(why) => Verdict::Unknown(*why),
        Fact::Known(Some(entry)) => of_entry(entry, learned),
        Fact::Known(None) => {
            let near = learned.near.known().cloned().unwrap_or_default();
            if mode == AuthenticationMode::Api {
                Verdict::NotMapped(near)
            } else {
                Verdict::AwsAuthDecides(mode, near)
            }
        }
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
