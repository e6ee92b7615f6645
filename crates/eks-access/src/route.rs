//! Which channel of Slack hears of which notice, and whom it calls.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

use crate::catalogue::find;
use crate::cluster::Cluster;
use crate::notice::Notice;
use crate::principal::AccountId;
use crate::symptom::Severity;

/// The id of a channel: `C…` or `G…`. A name may be taken over by another channel, an id may not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Channel(String);

impl Channel {
    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Channel {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if is_id(text, &['C', 'G']) {
            Ok(Self(text.to_owned()))
        } else {
            Err(
                "it is a channel's id, such as C0123456789 (in Slack: the channel's details, at the end)",
            )
        }
    }
}

fn is_id(text: &str, kinds: &[char]) -> bool {
    let is_digit = |b: u8| b.is_ascii_digit() || b.is_ascii_uppercase();
    text.starts_with(kinds) && (9..=24).contains(&text.len()) && text.bytes().all(is_digit)
}

/// Somebody whom a card calls.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mention {
    /// A person: `U…` or `W…`.
    User(String),
    /// A user group: `S…`.
    Group(String),
    /// Whoever is active in the channel.
    Here,
}

impl Mention {
    /// As Slack's markup has it.
    #[must_use]
    pub fn markup(&self) -> String {
        match self {
            Self::User(id) => format!("<@{id}>"),
            Self::Group(id) => format!("<!subteam^{id}>"),
            Self::Here => "<!here>".to_owned(),
        }
    }
}

impl FromStr for Mention {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "here" => Ok(Self::Here),
            user if is_id(user, &['U', 'W']) => Ok(Self::User(user.to_owned())),
            group if is_id(group, &['S']) => Ok(Self::Group(group.to_owned())),
            _ => Err(
                "it is `here` or the id of a user (U0123456789) or of a user group (S0123456789)",
            ),
        }
    }
}

/// Where a notice goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// The channel.
    pub channel: Channel,
    /// Whom the card calls.
    pub mentions: Vec<Mention>,
}

/// The routes: the first whose conditions all hold decides; if none does, the usual channel hears of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Routes {
    rules: Vec<Rule>,
    usual: Option<Channel>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    clusters: Vec<String>,
    accounts: BTreeSet<AccountId>,
    least: Severity,
    causes: Vec<String>,
    /// `None` is silence.
    channel: Option<Channel>,
    mentions: Vec<Mention>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    cluster: Vec<String>,
    #[serde(default)]
    account: Vec<String>,
    #[serde(default)]
    severity: Option<String>,
    #[serde(default)]
    cause: Vec<String>,
    channel: String,
    #[serde(default)]
    mention: Vec<String>,
}

impl Routes {
    /// No rules: the usual channel hears of everything.
    #[must_use]
    pub fn all_to(usual: Option<Channel>) -> Self {
        Self {
            rules: Vec::new(),
            usual,
        }
    }

    /// The same rules with this channel for what none decides.
    #[must_use]
    pub fn usually(self, usual: Option<Channel>) -> Self {
        Self { usual, ..self }
    }

    /// Where this notice goes; `None` if a rule says nowhere, or there is no usual channel.
    #[must_use]
    pub fn of(&self, notice: &Notice) -> Option<Destination> {
        self.find(&notice.cluster, notice.severity, notice.cause.id)
    }

    /// The same for a severity and a cause.
    #[must_use]
    pub fn find(&self, cluster: &Cluster, severity: Severity, cause: &str) -> Option<Destination> {
        match self
            .rules
            .iter()
            .find(|rule| rule.holds(cluster, severity, cause))
        {
            Some(rule) => rule.channel.clone().map(|channel| Destination {
                channel,
                mentions: rule.mentions.clone(),
            }),
            None => self.usual.clone().map(|channel| Destination {
                channel,
                mentions: Vec::new(),
            }),
        }
    }
}

impl Rule {
    fn holds(&self, cluster: &Cluster, severity: Severity, cause: &str) -> bool {
        let is_cluster = self.clusters.is_empty()
            || cluster.name.as_ref().is_some_and(|name| {
                let name = name.as_str();
                self.clusters.iter().any(|pattern| matches(pattern, name))
            });
        let is_account = self.accounts.is_empty()
            || cluster
                .account
                .as_ref()
                .is_some_and(|account| self.accounts.contains(account));
        let is_cause = self.causes.is_empty() || self.causes.iter().any(|id| id == cause);
        is_cluster && is_account && is_cause && severity >= self.least
    }
}

/// A name, or the beginning of names with `*` at its end.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == pattern,
    }
}

impl FromStr for Routes {
    type Err = String;

    /// Reads a JSON list of rules; the error says which rule is wrong, and how.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let written: Vec<Written> = serde_json::from_str(text).map_err(|error| {
            format!("it is a JSON list of objects with `channel` and any of `cluster`, `account`, `severity`, `cause`, `mention` ({error})")
        })?;
        let rules = written.into_iter().enumerate().map(|(index, rule)| {
            rule.parsed()
                .map_err(|why| format!("rule {}: {why}", index + 1))
        });
        Ok(Self {
            rules: rules.collect::<Result<_, _>>()?,
            usual: None,
        })
    }
}

impl Written {
    fn parsed(self) -> Result<Rule, String> {
        const SEVERITIES: [Severity; 5] = [
            Severity::Info,
            Severity::Low,
            Severity::Medium,
            Severity::High,
            Severity::Critical,
        ];
        let least = match self.severity.as_deref() {
            None => Severity::Info,
            Some(text) => SEVERITIES
                .into_iter()
                .find(|severity| severity.slug() == text)
                .ok_or_else(|| {
                    format!("severity `{text}`; it is info, low, medium, high or critical")
                })?,
        };
        if let Some(id) = self.cause.iter().find(|id| find(id).is_none()) {
            return Err(format!(
                "cause `{id}` is none; `eks-access causes` lists them"
            ));
        }
        let stars = |pattern: &&String| pattern.trim_end_matches('*').contains('*');
        if let Some(pattern) = self.cluster.iter().find(stars) {
            return Err(format!("cluster `{pattern}`; a `*` stands at the end only"));
        }
        let channel = match self.channel.as_str() {
            "none" => None,
            id => Some(
                id.parse()
                    .map_err(|why| format!("channel `{id}`; {why}, or `none`"))?,
            ),
        };
        let account = |text: &String| {
            text.parse()
                .map_err(|_| format!("account `{text}`; it has 12 digits"))
        };
        let mention = |text: &String| {
            text.parse()
                .map_err(|why| format!("mention `{text}`; {why}"))
        };
        Ok(Rule {
            accounts: self.account.iter().map(account).collect::<Result<_, _>>()?,
            mentions: self.mention.iter().map(mention).collect::<Result<_, _>>()?,
            clusters: self.cluster,
            least,
            causes: self.cause,
            channel,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Channel, Mention, Routes};
    use crate::cluster::Cluster;
    use crate::symptom::Severity;

    fn cluster(name: &str) -> Cluster {
        Cluster {
            name: name.parse().ok(),
            account: "111122223333".parse().ok(),
            ..Cluster::default()
        }
    }

    #[test]
    fn the_first_rule_that_holds_decides() {
        let rules = r#"[
            {"cluster": ["prod-*"], "severity": "high", "channel": "C0000000001", "mention": ["S0000000001", "here"]},
            {"cause": ["foreign-account-principal"], "channel": "none"},
            {"account": ["111122223333"], "cluster": ["dev"], "channel": "C0000000002"}
        ]"#;
        let usual: Channel = "C0000000003".parse().unwrap();
        let routes = rules.parse::<Routes>().unwrap().usually(Some(usual));
        let channel = |cluster, severity, cause| {
            routes
                .find(&cluster, severity, cause)
                .map(|found| found.channel.to_string())
        };
        let node = "node-not-mapped";
        assert_eq!(
            channel(cluster("prod-eu"), Severity::Critical, node).as_deref(),
            Some("C0000000001")
        );
        assert_eq!(
            channel(cluster("prod-eu"), Severity::Medium, node).as_deref(),
            Some("C0000000003")
        );
        assert_eq!(
            channel(cluster("dev"), Severity::Low, node).as_deref(),
            Some("C0000000002")
        );
        assert_eq!(
            channel(cluster("dev"), Severity::Low, "foreign-account-principal"),
            None
        );
        let called = routes
            .find(&cluster("prod-eu"), Severity::High, node)
            .unwrap()
            .mentions;
        assert_eq!(
            called,
            [Mention::Group("S0000000001".to_owned()), Mention::Here]
        );
    }

    #[test]
    fn a_rule_that_can_t_hold_is_a_mistake() {
        for (rule, why) in [
            (r#"{"channel": "general"}"#, "channel `general`"),
            (
                r#"{"channel": "C0000000001", "severity": "bad"}"#,
                "severity `bad`",
            ),
            (r#"{"channel": "C0000000001", "cause": ["x"]}"#, "cause `x`"),
            (
                r#"{"channel": "C0000000001", "cluster": ["a*b"]}"#,
                "cluster `a*b`",
            ),
            (
                r#"{"channel": "C0000000001", "account": ["1"]}"#,
                "account `1`",
            ),
            (
                r#"{"channel": "C0000000001", "mention": ["<!channel>"]}"#,
                "mention `<!channel>`",
            ),
            (r#"{"channel": "C0000000001", "to": "x"}"#, "JSON list"),
        ] {
            let told = format!("[{rule}]").parse::<Routes>().unwrap_err();
            assert!(told.contains(why), "{told}");
        }
    }
}
