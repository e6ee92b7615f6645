//! What `admins` says.

use std::fmt::Write as _;
use std::time::Duration;

use eks_access::admins::{Creator, Login};
use eks_access::cluster::{AuthenticationMode, ClusterName, Region};
use eks_access::facts::{ClusterFacts, Fact, Unknown};
use eks_access::remedy::Command;
use eks_access::timestamp;
use eks_access_aws::laptop::{Kind, Refused};
use serde_json::{Value, json};

use super::{Holder, Queried, place};
use crate::live::wrapped;

/// Everything that was found out.
pub(super) struct Report<'a> {
    pub(super) name: &'a ClusterName,
    pub(super) region: &'a Region,
    pub(super) since: Duration,
    pub(super) cluster: Fact<ClusterFacts>,
    pub(super) creator: Result<(Option<Creator>, bool), Refused>,
    pub(super) holders: Fact<Vec<Holder>>,
    pub(super) logins: Option<Result<Queried, Refused>>,
}

/// `1234567` as `1.2 MB`.
pub(super) fn bytes(count: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1000, "kB")];
    let unit = UNITS.iter().find(|(size, _)| count >= *size);
    unit.map_or_else(
        || format!("{count} bytes"),
        |(size, name)| format!("{}.{} {name}", count / size, count % size * 10 / size),
    )
}

/// The same of what the API gives as a floating-point number.
pub(super) fn scanned(count: f64) -> String {
    bytes(format!("{:.0}", count.max(0.0)).parse().unwrap_or(0))
}

impl Report<'_> {
    /// Whether anybody is known to administer the cluster, or may do so for all that is known.
    pub(super) fn has_anybody(&self) -> bool {
        let by_entry = match &self.holders {
            Fact::Known(holders) => holders
                .iter()
                .any(|holder| holder.works != Fact::Known(false)),
            Fact::Unknown(_) => true,
        };
        by_entry
            || self
                .queried()
                .is_none_or(|queried| !queried.logins.is_empty())
    }

    /// Whether no question was answered.
    pub(super) fn is_nothing_known(&self) -> bool {
        self.holders.unknown().is_some() && self.creator.is_err() && self.queried().is_none()
    }

    fn queried(&self) -> Option<&Queried> {
        self.logins.as_ref()?.as_ref().ok()
    }

    pub(super) fn text(&self, columns: usize) -> String {
        let mut out = format!("{} ({})\n", self.name, place(self.region, &self.cluster));
        let mut section = |title: &str, lines: Vec<String>| {
            let _ = writeln!(out, "\n{title}");
            for line in lines {
                out.push_str(&wrapped(&line, columns, "  "));
            }
        };
        section("Created by", vec![self.creator_line()]);
        section("Access entries of administrators", self.holder_lines());
        let days = self.since.as_secs() / 86_400;
        let title =
            format!("Logged in as kubernetes-admin or with system:masters in the last {days} days");
        section(&title, self.login_lines());
        if !self.has_anybody() && !self.is_nothing_known() {
            section("Next", self.lockout_lines());
        }
        out
    }

    fn creator_line(&self) -> String {
        let created = self.cluster.known().and_then(|cluster| cluster.created);
        let when = created.map_or_else(
            || "when the cluster was created is not known".to_owned(),
            |at| format!("the cluster was created on {}", timestamp::rfc3339(at)),
        );
        match &self.creator {
            Ok((Some(creator), _)) => {
                let who = creator
                    .principal
                    .as_ref()
                    .map_or_else(|| creator.arn.shown(300), ToString::to_string);
                format!(
                    "{who} on {} (CloudTrail; {})",
                    creator.at.shown(40),
                    creator.arn.shown(300)
                )
            }
            Ok((None, true)) => format!(
                "not known: {when}, and CloudTrail's event history has no CreateCluster of it (it keeps 90 days, in the \
                 cluster's Region); a trail of yours in S3 may have it"
            ),
            Ok((None, false)) => {
                "not known: there are more CreateCluster events than are looked through here"
                    .to_owned()
            }
            Err(refused) => format!("not known: {refused}"),
        }
    }

    fn holder_lines(&self) -> Vec<String> {
        let is_config_map =
            self.cluster.known().map(|cluster| cluster.mode) == Some(AuthenticationMode::ConfigMap);
        match &self.holders {
            Fact::Unknown(why) => vec![not_known(*why)],
            Fact::Known(_) if is_config_map => {
                vec![
                    "none: in authentication mode CONFIG_MAP only aws-auth and the creator count"
                        .to_owned(),
                ]
            }
            Fact::Known(holders) if holders.is_empty() => vec!["none".to_owned()],
            Fact::Known(holders) => holders.iter().map(holder_line).collect(),
        }
    }

    fn login_lines(&self) -> Vec<String> {
        let queried = match &self.logins {
            None => return vec!["not asked (--no-logs)".to_owned()],
            Some(Err(refused)) if refused.kind == Kind::NotFound => {
                return vec![
                    "not known: there is no such log group; is the authenticator's log on, and in this Region? `eks-access \
                     doctor` tells"
                        .to_owned(),
                ];
            }
            Some(Err(refused)) => return vec![format!("not known: {refused}")],
            Some(Ok(queried)) => queried,
        };
        let mut lines: Vec<String> = queried.logins.iter().map(login_line).collect();
        if lines.is_empty() {
            lines.push("nobody".to_owned());
        }
        if queried.left_out > 0 {
            lines.push(format!(
                "left out, for the line says something else than the fields: {}",
                queried.left_out
            ));
        }
        lines.push(format!(
            "({} read by the query)",
            scanned(queried.bytes_scanned)
        ));
        lines
    }

    fn lockout_lines(&self) -> Vec<String> {
        let mode = self.cluster.known().map(|cluster| cluster.mode);
        if mode == Some(AuthenticationMode::ConfigMap) {
            return vec![
                "Nobody is known to administer this cluster. In authentication mode CONFIG_MAP the creator always gets in: \
                 log in as that role or user."
                    .to_owned(),
            ];
        }
        let command = Command::new("aws eks create-access-entry")
            .option("--cluster-name", self.name.as_str())
            .option("--region", self.region.as_str())
            .option("--principal-arn", "ARN");
        vec![
            "Nobody is known to administer this cluster. Whoever may call eks:CreateAccessEntry and \
             eks:AssociateAccessPolicy can make an administrator; ARN is a role of yours:"
                .to_owned(),
            command.line(),
        ]
    }

    pub(super) fn json(&self) -> Value {
        let refused = |refused: &Refused| json!({"error": refused.to_string(), "permission": permission(refused)});
        json!({
            "cluster": self.name.as_str(),
            "region": self.region.as_str(),
            "mode": self.cluster.known().map(|cluster| cluster.mode.as_str()),
            "created": self.cluster.known().and_then(|cluster| cluster.created).map(timestamp::rfc3339),
            "creator": match &self.creator {
                Ok((Some(creator), _)) => json!({
                    "principal": creator.principal.as_ref().map(ToString::to_string),
                    "arn": creator.arn.shown(2048),
                    "at": creator.at.shown(40),
                }),
                Ok((None, _)) => Value::Null,
                Err(why) => refused(why),
            },
            "entries": match &self.holders {
                Fact::Known(holders) => json!(holders.iter().map(|holder| json!({
                    "principal": holder.principal.to_string(),
                    "policy": holder.policy,
                    "works": holder.works.known(),
                    "unknown": holder.works.unknown().map(Unknown::slug),
                })).collect::<Vec<_>>()),
                Fact::Unknown(why) => json!({
                    "error": why.reason(),
                    "permission": why.permission().map(eks_access::facts::Permission::action),
                }),
            },
            "logins": match &self.logins {
                None => Value::Null,
                Some(Err(why)) => refused(why),
                Some(Ok(queried)) => json!(queried.logins.iter().map(|login| json!({
                    "principal": login.principal.to_string(),
                    "username": login.username.shown(200),
                    "count": login.count,
                    "first": login.first.shown(40),
                    "last": login.last.shown(40),
                })).collect::<Vec<_>>()),
            },
            "bytes_scanned": self.queried().map(|queried| queried.bytes_scanned),
        })
    }
}

fn permission(refused: &Refused) -> Option<&'static str> {
    (refused.kind == Kind::Denied).then_some(refused.action)
}

fn not_known(why: Unknown) -> String {
    format!("not known: {}", why.reason())
}

fn holder_line(holder: &Holder) -> String {
    let state = match holder.works {
        Fact::Known(true) => String::new(),
        Fact::Known(false) => {
            "; does not count: IAM has it no more, or has made it anew since".to_owned()
        }
        Fact::Unknown(Unknown::OtherAccount) => {
            "; of another account, so whether it still exists is not known".to_owned()
        }
        Fact::Unknown(why) => format!("; whether it still exists is not known: {}", why.reason()),
    };
    let entry = holder.entry.known().and_then(Option::as_ref);
    let policies = entry
        .and_then(|entry| entry.policies.known())
        .into_iter()
        .flatten();
    let scope = policies
        .filter(|policy| policy.name().raw() == holder.policy && !policy.namespaces.is_empty())
        .map(|policy| {
            let names: Vec<String> = policy
                .namespaces
                .iter()
                .map(|name| name.shown(63))
                .collect();
            format!(" in {}", names.join(", "))
        })
        .next();
    let scope = scope.unwrap_or_else(|| " in the whole cluster".to_owned());
    format!("{}: {}{scope}{state}", holder.principal, holder.policy)
}

fn login_line(login: &Login) -> String {
    let times = if login.count == 1 { "once" } else { "times" };
    let count = if login.count == 1 {
        String::new()
    } else {
        format!("{} ", login.count)
    };
    format!(
        "{} as {}: {count}{times}, first {}, last {}",
        login.principal,
        login.username.shown(200),
        login.first.shown(40),
        login.last.shown(40)
    )
}
