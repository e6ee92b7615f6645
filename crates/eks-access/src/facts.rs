//! What was learned besides the lines: of the cluster from EKS, of the principal from IAM.
//!
//! Every fact may be unknown, and then says why. The core never asks for one: the shell gathers them.

use crate::aws_auth::{AwsAuth, Lookup, Section, Standing, WhyNot};
use crate::cluster::{AuthenticationMode, Cluster};
use crate::principal::{AccountId, Principal};
use crate::text::LogText;

mod near;
mod trust;

pub use near::{Near, NearMiss, near_misses};
pub use trust::{Pipeline, Trust};

/// Something that was learned, or the reason why it was not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact<T> {
    /// What is the case.
    Known(T),
    /// Why nobody knows.
    Unknown(Unknown),
}

impl<T> Fact<T> {
    /// What is the case, if it is known.
    pub const fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Unknown(_) => None,
        }
    }

    /// Why it is not known.
    pub const fn unknown(&self) -> Option<Unknown> {
        match self {
            Self::Known(_) => None,
            Self::Unknown(why) => Some(*why),
        }
    }

    /// The same fact about something else.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Fact<U> {
        match self {
            Self::Known(value) => Fact::Known(change(value)),
            Self::Unknown(why) => Fact::Unknown(why),
        }
    }
}

impl<T> Default for Fact<T> {
    fn default() -> Self {
        Self::Unknown(Unknown::NotAsked)
    }
}

/// Why a fact is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Unknown {
    /// Nobody asked: the case does not turn on it, or asking is switched off.
    NotAsked,
    /// AWS did not allow the question.
    Denied(Permission),
    /// AWS had too many questions at once.
    Throttled,
    /// The answer did not come in time.
    OutOfTime,
    /// IAM tells of its own account only.
    OtherAccount,
    /// The cluster or principal that AWS told of is one of the same name in another account than the case is about.
    AnotherAnswered,
    /// EKS has no cluster of that name in the Region and account that were asked.
    NoSuchCluster,
    /// There were more of them than are asked for at once.
    TooMany,
    /// AWS gave an answer that is none.
    Failed,
}

impl Unknown {
    /// The reason as the rest of a sentence.
    #[must_use]
    pub fn reason(self) -> String {
        match self {
            Self::NotAsked => "nobody asked".to_owned(),
            Self::Denied(permission) => format!("AWS did not allow {}", permission.action()),
            Self::Throttled => "AWS had too many questions at once".to_owned(),
            Self::OutOfTime => "the answer did not come in time".to_owned(),
            Self::OtherAccount => "IAM tells of its own account only".to_owned(),
            Self::AnotherAnswered => {
                "another account answered, which has one of the same name".to_owned()
            }
            Self::NoSuchCluster => {
                "EKS knows no such cluster in this Region and account".to_owned()
            }
            Self::TooMany => "there were too many to ask for".to_owned(),
            Self::Failed => "AWS could not answer".to_owned(),
        }
    }

    /// The stable name in machine output.
    #[must_use]
    pub fn slug(self) -> &'static str {
        match self {
            Self::NotAsked => "not-asked",
            Self::Denied(_) => "denied",
            Self::Throttled => "throttled",
            Self::OutOfTime => "out-of-time",
            Self::OtherAccount | Self::AnotherAnswered => "other-account",
            Self::NoSuchCluster => "no-such-cluster",
            Self::TooMany => "too-many",
            Self::Failed => "failed",
        }
    }

    /// The permission that would allow the question.
    #[must_use]
    pub fn permission(self) -> Option<Permission> {
        match self {
            Self::Denied(permission) => Some(permission),
            _ => None,
        }
    }
}

/// The permissions that facts take: all of them read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Permission {
    /// `eks:DescribeCluster`, on the cluster.
    DescribeCluster,
    /// `eks:DescribeAccessEntry`, on the access entry.
    DescribeAccessEntry,
    /// `eks:ListAccessEntries`, on the cluster.
    ListAccessEntries,
    /// `eks:ListAssociatedAccessPolicies`, on the access entry.
    ListAssociatedAccessPolicies,
    /// `iam:GetRole`, on the role.
    GetRole,
    /// `iam:GetUser`, on the user.
    GetUser,
}

impl Permission {
    /// Every permission.
    pub const ALL: &'static [Self] = &[
        Self::DescribeCluster,
        Self::DescribeAccessEntry,
        Self::ListAccessEntries,
        Self::ListAssociatedAccessPolicies,
        Self::GetRole,
        Self::GetUser,
    ];

    /// The action's name in an IAM policy.
    #[must_use]
    pub fn action(self) -> &'static str {
        match self {
            Self::DescribeCluster => "eks:DescribeCluster",
            Self::DescribeAccessEntry => "eks:DescribeAccessEntry",
            Self::ListAccessEntries => "eks:ListAccessEntries",
            Self::ListAssociatedAccessPolicies => "eks:ListAssociatedAccessPolicies",
            Self::GetRole => "iam:GetRole",
            Self::GetUser => "iam:GetUser",
        }
    }
}

/// `eks:DescribeCluster`, as far as a diagnosis needs it. Times are milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterFacts {
    /// The cluster's account.
    pub account: Option<AccountId>,
    /// How it maps principals. An old cluster's answer without a mode means `CONFIG_MAP`.
    pub mode: AuthenticationMode,
    /// What it is about.
    pub status: Status,
    /// Whether the authenticator's log is on.
    pub logs_authenticator: bool,
    /// From where its API can be reached.
    pub endpoint: Endpoint,
    /// When it was created.
    pub created: Option<i64>,
    /// The role the control plane works with.
    pub role: Option<Principal>,
    /// The role of Auto Mode's built-in node pools.
    pub auto_mode_node_role: Option<Principal>,
    /// Whether Auto Mode is on.
    pub has_auto_mode: bool,
    /// Whether it was created for hybrid nodes (`remoteNetworkConfig`).
    pub has_hybrid_nodes: bool,
}

/// A cluster's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// It works.
    Active,
    /// It is being changed, and works.
    Updating,
    /// It is being made.
    Creating,
    /// It is being deleted.
    Deleting,
    /// It does not work.
    Failed,
    /// Another one.
    Other,
}

/// From where a cluster's API can be reached: `resourcesVpcConfig`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// Whether the address leads in from the internet.
    pub is_public: bool,
    /// Whether it leads in from the VPC.
    pub is_private: bool,
    /// Whether the public one is open to every address (`0.0.0.0/0`).
    pub is_open_to_all: bool,
}

/// A role or user as IAM knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IamPrincipal {
    /// With its path.
    pub principal: Principal,
    /// `AROA…` or `AIDA…`: another one for whoever is made anew under the same name.
    pub unique_id: String,
    /// When it was made, in milliseconds since 1970.
    pub created: i64,
    /// Who may assume the role; `None` for users, and where the policy can't be read.
    pub trust: Option<Trust>,
}

/// An access entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessEntry {
    /// Whom it lets in, with the path.
    pub principal: Principal,
    /// For whom it is made.
    pub kind: EntryType,
    /// The Kubernetes user, or the template of its name.
    pub username: LogText,
    /// Its Kubernetes groups.
    pub groups: Vec<LogText>,
    /// When it was made, in milliseconds since 1970.
    pub created: i64,
    /// The access policies that hang on it.
    pub policies: Fact<Vec<AssociatedPolicy>>,
}

/// An access policy that hangs on an entry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AssociatedPolicy {
    /// Its ARN.
    pub arn: LogText,
    /// The namespaces it reaches; empty for the whole cluster.
    pub namespaces: Vec<LogText>,
}

impl AssociatedPolicy {
    /// The last part of its ARN, such as `AmazonEKSViewPolicy`.
    #[must_use]
    pub fn name(&self) -> LogText {
        let arn = self.arn.raw();
        LogText::new(arn.rsplit_once('/').map_or(arn, |(_, name)| name))
    }
}

/// The type of an access entry (EKS API reference, `CreateAccessEntry`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EntryType {
    /// A person or program.
    Standard,
    /// Linux nodes on EC2.
    Ec2Linux,
    /// Windows nodes on EC2.
    Ec2Windows,
    /// Fargate.
    FargateLinux,
    /// Auto Mode's nodes.
    Ec2,
    /// Hybrid nodes.
    HybridLinux,
    /// Nodes of `SageMaker` `HyperPod`.
    HyperpodLinux,
    /// One that came after this list.
    Other,
}

impl EntryType {
    /// Every type that is known.
    pub const ALL: &'static [Self] = &[
        Self::Standard,
        Self::Ec2Linux,
        Self::Ec2Windows,
        Self::FargateLinux,
        Self::Ec2,
        Self::HybridLinux,
        Self::HyperpodLinux,
    ];

    /// As the EKS API spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "STANDARD",
            Self::Ec2Linux => "EC2_LINUX",
            Self::Ec2Windows => "EC2_WINDOWS",
            Self::FargateLinux => "FARGATE_LINUX",
            Self::Ec2 => "EC2",
            Self::HybridLinux => "HYBRID_LINUX",
            Self::HyperpodLinux => "HYPERPOD_LINUX",
            Self::Other => "another type",
        }
    }

    /// The type that EKS spells so.
    #[must_use]
    pub fn named(text: &str) -> Self {
        let known = Self::ALL.iter().find(|kind| kind.as_str() == text);
        known.copied().unwrap_or(Self::Other)
    }

    /// Whether its user name is made from the instance's DNS name, which only sessions of EC2 instances have.
    #[must_use]
    pub fn is_of_ec2_nodes(self) -> bool {
        matches!(self, Self::Ec2Linux | Self::Ec2Windows | Self::Ec2)
    }
}

/// A principal whose entry carries `AmazonEKSClusterAdminPolicy`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Administrator {
    /// Who.
    pub principal: Principal,
    /// Whether IAM still has it, as old as the entry knows it or older.
    pub exists: Fact<bool>,
}

/// What `aws-auth` has for a principal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AwsAuthRow {
    /// A row, or the whole account, lets it in.
    Fits,
    /// A row lets in EC2 instances that have it, and nobody else: its user name is made from the instance's.
    FitsNodes,
    /// The section that would hold its row can't be read.
    Broken,
    /// A row that looks like it does not match.
    Near(RowFault, LogText),
    /// Nothing that looks like it.
    None,
}

impl AwsAuthRow {
    /// What a `ConfigMap` has for a principal.
    #[must_use]
    pub fn of(aws_auth: &AwsAuth, principal: &Principal) -> Self {
        let section = if principal.is_user() {
            Section::Users
        } else {
            Section::Roles
        };
        let near = match aws_auth.lookup(&principal.canonical()) {
            Lookup::Mapped(row) if row.renders_for_instances_only() => return Self::FitsNodes,
            Lookup::Mapped(_) | Lookup::Account => return Self::Fits,
            Lookup::NotMapped { near } => near,
        };
        // Where rows can be told in what is lost, those that name somebody else lock nobody else out.
        let are_rows_told = aws_auth
            .rows()
            .iter()
            .any(|row| row.section == section && row.standing == Standing::BrokenSection);
        if aws_auth.error_in(section).is_some() && !are_rows_told {
            return Self::Broken;
        }
        near.first().map_or(Self::None, |near| {
            let fault = match near.why {
                WhyNot::LostInBrokenSection => return Self::Broken,
                WhyNot::KeepsPath => RowFault::KeepsPath,
                WhyNot::OtherSuffix => RowFault::OtherSuffix,
                WhyNot::OtherAccount => RowFault::OtherAccount,
                WhyNot::OtherKind => RowFault::OtherKind,
                WhyNot::WrongSectionKey
                | WhyNot::NamesSession
                | WhyNot::NamesInstanceProfile
                | WhyNot::Whitespace
                | WhyNot::Wildcard
                | WhyNot::OtherPath => RowFault::MatchesNobody,
            };
            Self::Near(fault, near.row.arn.clone())
        })
    }
}

/// Why a row of `aws-auth` does not match the principal it seems to mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RowFault {
    /// The row has the role's path.
    KeepsPath,
    /// The row can match nobody: a session, an instance profile, a wildcard, a typing error, a key that is not read.
    MatchesNobody,
    /// The same permission set with another ending.
    OtherSuffix,
    /// The same name in another account.
    OtherAccount,
    /// A user's row for a role, or the other way round.
    OtherKind,
}

/// What was learned for one case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The cluster.
    pub cluster: Fact<ClusterFacts>,
    /// The principal in IAM; `None` when IAM has it no more.
    pub iam: Fact<Option<IamPrincipal>>,
    /// The principal's own access entry.
    pub entry: Fact<Option<AccessEntry>>,
    /// Access entries that look like the principal's, the likeliest first. Known only where it has none of its own.
    pub near: Fact<Vec<NearMiss>>,
    /// Who may do everything in the cluster by an access entry.
    pub administrators: Fact<Vec<Administrator>>,
    /// Whether an entry of none of those has groups, by which somebody may administer the cluster all the same. Asked only
    /// where all of those are gone.
    pub groups_left: Fact<bool>,
    /// The cluster's own role in IAM.
    pub cluster_role: Fact<Option<IamPrincipal>>,
    /// What `aws-auth` has for the principal.
    pub aws_auth: Fact<AwsAuthRow>,
    /// The unique id that STS gave for the caller, where the line could be joined.
    pub caller_id: Option<String>,
    /// When the last denial was, in milliseconds since 1970.
    pub last_denied: Option<i64>,
}

/// Nothing was asked.
pub static NO_FACTS: Facts = Facts::none();

impl Facts {
    /// Nothing was asked.
    #[must_use]
    pub const fn none() -> Self {
        Self::unknown(Unknown::NotAsked)
    }

    /// Nothing is known, for one reason.
    #[must_use]
    pub const fn unknown(why: Unknown) -> Self {
        Self {
            cluster: Fact::Unknown(why),
            iam: Fact::Unknown(why),
            entry: Fact::Unknown(why),
            near: Fact::Unknown(why),
            administrators: Fact::Unknown(why),
            groups_left: Fact::Unknown(Unknown::NotAsked),
            cluster_role: Fact::Unknown(why),
            aws_auth: Fact::Unknown(Unknown::NotAsked),
            caller_id: None,
            last_denied: None,
        }
    }

    /// The principal in IAM, if it is there.
    #[must_use]
    pub fn iam_principal(&self) -> Option<&IamPrincipal> {
        self.iam.known()?.as_ref()
    }

    /// The principal's own access entry, if it has one.
    #[must_use]
    pub fn own_entry(&self) -> Option<&AccessEntry> {
        self.entry.known()?.as_ref()
    }

    /// What the role's trust policy says, if it could be read.
    #[must_use]
    pub fn trust(&self) -> Option<&Trust> {
        self.iam_principal()?.trust.as_ref()
    }

    /// Whether everybody who had the administrator's policy is known to be gone, and no other entry has groups. (Where
    /// nobody ever had it, somebody may administer the cluster by a Kubernetes group.)
    #[must_use]
    pub fn is_without_administrator(&self) -> bool {
        self.has_lost_its_administrators() && self.groups_left == Fact::Known(false)
    }

    /// Whether everybody who had the administrator's policy is known to be gone, whatever groups let others do.
    #[must_use]
    pub fn has_lost_its_administrators(&self) -> bool {
        self.administrators.known().is_some_and(|all| {
            !all.is_empty()
                && all
                    .iter()
                    .all(|administrator| administrator.exists == Fact::Known(false))
        })
    }

    /// The cluster with what EKS said of it.
    #[must_use]
    pub fn cluster_as_known(&self, cluster: &Cluster) -> Cluster {
        let known = self.cluster.known();
        Cluster {
            mode: known.map(|known| known.mode).or(cluster.mode),
            account: cluster.account.clone().or_else(|| known?.account.clone()),
            ..cluster.clone()
        }
    }

    /// What could not be found out, with the reason; what nobody asked for is left out.
    #[must_use]
    pub fn unanswered(&self) -> Vec<(&'static str, Unknown)> {
        let policies = self.own_entry().and_then(|entry| entry.policies.unknown());
        [
            ("the cluster", self.cluster.unknown()),
            ("the principal in IAM", self.iam.unknown()),
            ("its access entry", self.entry.unknown()),
            ("the policies of its access entry", policies),
            ("other access entries", self.near.unknown()),
            ("who administers the cluster", self.administrators.unknown()),
            ("the cluster's role in IAM", self.cluster_role.unknown()),
        ]
        .into_iter()
        .filter_map(|(what, why)| Some((what, why?)))
        .filter(|(_, why)| *why != Unknown::NotAsked)
        .collect()
    }
}

impl Default for Facts {
    fn default() -> Self {
        Self::none()
    }
}
