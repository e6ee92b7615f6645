//! What is right and wrong with a cluster's logins and with what watches them: findings from facts.

use crate::cluster::{AuthenticationMode, ClusterName, Region};
use crate::facts::{AccessEntry, ClusterFacts, Fact, IamPrincipal, Status, Unknown};
use crate::principal::Principal;
use crate::remedy::Command;
use crate::text::LogText;

mod around;
mod entries;
mod log;

pub use around::{Around, FunctionDay, Topic, around};

/// How bad a finding is, the worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// As it should be.
    Ok,
    /// It can't be told.
    Unknown,
    /// Somebody should look.
    Warn,
    /// Something does not work.
    Error,
}

impl Level {
    /// The stable name in machine output.
    #[must_use]
    pub fn slug(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Unknown => "unknown",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at: a stable name.
    pub check: Check,
    /// How it is.
    pub level: Level,
    /// What was found, fit to be shown: a sentence without a full stop.
    pub what: String,
    /// The permission that would tell, where that is what is missing.
    pub permission: Option<&'static str>,
    /// Commands that mend it, in order.
    pub fix: Vec<Command>,
}

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Check {
    /// The cluster's status.
    Status,
    /// Whether the authenticator logs.
    AuthenticatorLog,
    /// The log group and its class.
    LogGroup,
    /// Whether the log leads to the function.
    Subscription,
    /// The authentication mode.
    Mode,
    /// From where the API can be reached.
    Endpoint,
    /// How many access entries there may still be.
    EntryQuota,
    /// Entries whose principal is gone.
    PrincipalsGone,
    /// Entries older than their principal.
    PrincipalsRecreated,
    /// Entries that give nothing.
    EntriesWithoutRights,
    /// Nodes' roles with an entry for people.
    NodesAsPeople,
    /// Who could mend the rest.
    Administrators,
    /// The topic of the notices.
    Topic,
    /// The responder.
    Function,
}

impl Check {
    /// Every check, in the order of the report.
    pub const ALL: &'static [Self] = &[
        Self::Status,
        Self::AuthenticatorLog,
        Self::LogGroup,
        Self::Subscription,
        Self::Mode,
        Self::Endpoint,
        Self::EntryQuota,
        Self::PrincipalsGone,
        Self::PrincipalsRecreated,
        Self::EntriesWithoutRights,
        Self::NodesAsPeople,
        Self::Administrators,
        Self::Topic,
        Self::Function,
    ];

    /// The stable name in machine output.
    #[must_use]
    pub fn slug(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::AuthenticatorLog => "authenticator-log",
            Self::LogGroup => "log-group",
            Self::Subscription => "subscription",
            Self::Mode => "mode",
            Self::Endpoint => "endpoint",
            Self::EntryQuota => "entry-quota",
            Self::PrincipalsGone => "principals-gone",
            Self::PrincipalsRecreated => "principals-recreated",
            Self::EntriesWithoutRights => "entries-without-rights",
            Self::NodesAsPeople => "nodes-as-people",
            Self::Administrators => "administrators",
            Self::Topic => "topic",
            Self::Function => "function",
        }
    }
}

/// Why something is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// In words, fit to be shown.
    pub why: String,
    /// The permission that would tell.
    pub permission: Option<&'static str>,
}

impl From<Unknown> for Gap {
    fn from(why: Unknown) -> Self {
        Self {
            why: why.reason(),
            permission: why.permission().map(crate::facts::Permission::action),
        }
    }
}

/// A log group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogGroup {
    /// `STANDARD`, `INFREQUENT_ACCESS`, ….
    pub class: LogText,
}

/// A subscription filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// Its name: that of the stack, if the stack of this product made it.
    pub name: LogText,
    /// The ARN it leads to.
    pub destination: LogText,
}

impl Filter {
    /// The Lambda function's name, if it leads to one.
    #[must_use]
    pub fn function(&self) -> Option<&str> {
        let mut parts = self.destination.raw().split(':').skip(5);
        if parts.next() != Some("function") {
            return None;
        }
        parts.next()
    }
}

/// What the person who asks says should be there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expected {
    /// The function's name.
    pub function: Option<String>,
    /// The stack's name.
    pub stack: Option<String>,
}

/// An entry, and what became of its principal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// Whom it is for.
    pub principal: Principal,
    /// The entry; `None` if it went away meanwhile.
    pub entry: Fact<Option<AccessEntry>>,
    /// The principal in IAM.
    pub iam: Fact<Option<IamPrincipal>>,
}

/// What was learned of one cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    /// Its name.
    pub name: ClusterName,
    /// Where it is.
    pub region: Region,
    /// What EKS says.
    pub cluster: Fact<ClusterFacts>,
    /// The group of its log; `None` if there is none.
    pub group: Result<Option<LogGroup>, Gap>,
    /// The group's filters; `None` if there is no group.
    pub filters: Result<Option<Vec<Filter>>, Gap>,
    /// Its access entries.
    pub entries: Fact<Vec<Described>>,
}

/// The findings about one cluster, in the order of [`Check::ALL`].
#[must_use]
pub fn examine(cluster: &Examined, expected: &Expected) -> Vec<Finding> {
    let facts = match &cluster.cluster {
        Fact::Unknown(Unknown::NoSuchCluster) => {
            let what = format!(
                "EKS has no cluster of this name in {} of this account",
                cluster.region
            );
            return vec![found(Check::Status, Level::Error, what)];
        }
        Fact::Unknown(why) => return vec![unknown(Check::Status, &(*why).into(), "the cluster")],
        Fact::Known(facts) => facts,
    };
    let mut findings = vec![status(facts)];
    findings.extend(log::findings(cluster, facts, expected));
    findings.push(mode(cluster, facts));
    findings.push(endpoint(cluster, facts));
    findings.extend(entries::findings(cluster, facts));
    findings
}

fn found(check: Check, level: Level, what: impl Into<String>) -> Finding {
    Finding {
        check,
        level,
        what: what.into(),
        permission: None,
        fix: Vec::new(),
    }
}

fn unknown(check: Check, gap: &Gap, what: &str) -> Finding {
    Finding {
        permission: gap.permission,
        ..found(
            check,
            Level::Unknown,
            format!("{what}: not known, for {}", gap.why),
        )
    }
}

impl Finding {
    fn mended_by(mut self, command: Command) -> Self {
        self.fix.push(command);
        self
    }
}

impl Examined {
    /// A command of `aws eks` that names the cluster with `--name`.
    fn named(&self, constant: &'static str) -> Command {
        Command::new(constant)
            .option("--name", self.name.as_str())
            .option("--region", self.region.as_str())
    }

    /// A command of `aws eks` about access entries.
    fn eks(&self, constant: &'static str, principal: &Principal) -> Command {
        Command::new(constant)
            .option("--cluster-name", self.name.as_str())
            .option("--region", self.region.as_str())
            .option("--principal-arn", &principal.to_string())
    }

    /// The log group's name.
    #[must_use]
    pub fn log_group(&self) -> String {
        format!("/aws/eks/{}/cluster", self.name)
    }
}

fn status(facts: &ClusterFacts) -> Finding {
    let (level, what) = match facts.status {
        Status::Active => (Level::Ok, "the cluster is active"),
        Status::Updating => (Level::Ok, "the cluster is being changed, and works"),
        Status::Creating => (Level::Warn, "the cluster is still being made"),
        Status::Deleting => (Level::Warn, "the cluster is being deleted"),
        Status::Failed => (
            Level::Error,
            "the cluster has failed; see its health in the console of EKS",
        ),
        Status::Other => (
            Level::Unknown,
            "the cluster has a status that is not known here",
        ),
    };
    found(Check::Status, level, what)
}

fn mode(cluster: &Examined, facts: &ClusterFacts) -> Finding {
    match facts.mode {
        AuthenticationMode::Api => found(Check::Mode, Level::Ok, "authentication mode API: access entries decide"),
        AuthenticationMode::ApiAndConfigMap => found(
            Check::Mode,
            Level::Ok,
            "authentication mode API_AND_CONFIG_MAP: access entries first, then aws-auth",
        ),
        AuthenticationMode::ConfigMap => found(
            Check::Mode,
            Level::Warn,
            "authentication mode CONFIG_MAP: access entries do not work, and one mistake in aws-auth locks everybody out; \
             the change to API_AND_CONFIG_MAP can't be taken back",
        )
        .mended_by(
            cluster
                .named("aws eks update-cluster-config")
                .option("--access-config", "authenticationMode=API_AND_CONFIG_MAP"),
        ),
    }
}

fn endpoint(cluster: &Examined, facts: &ClusterFacts) -> Finding {
    let endpoint = facts.endpoint;
    if !endpoint.is_public {
        return found(
            Check::Endpoint,
            Level::Ok,
            "the API is private: from outside the VPC kubectl times out, which is no matter of access",
        );
    }
    if endpoint.is_open_to_all {
        return found(
            Check::Endpoint,
            Level::Warn,
            "the API can be reached from every address of the internet, so anybody can write refused logins into its log",
        )
        .mended_by(
            cluster
                .named("aws eks update-cluster-config")
                .option("--resources-vpc-config", "publicAccessCidrs=CIDR"),
        );
    }
    found(
        Check::Endpoint,
        Level::Ok,
        "the API is public, from chosen addresses",
    )
}

#[cfg(test)]
mod tests;
