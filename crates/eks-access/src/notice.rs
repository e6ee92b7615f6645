//! A message to people about an incident, and its renderings. Every rendering is a pure function.
//!
//! Text from a log is shown only through [`LogText::shown`], only where it is literal, and never in the chat body.

use crate::catalogue::{Case, Cause, Detail, Possibility};
use crate::cluster::Cluster;
use crate::facts::{Facts, NO_FACTS};
use crate::incident::Subject;
use crate::principal::Principal;
use crate::remedy::Remedy;
use crate::symptom::{Severity, Symptom};
use crate::text::LogText;
use crate::timestamp;

pub mod chat;
pub mod email;
pub mod learned;
pub mod machine;
pub mod sns;
pub mod terminal;

/// Characters of an error that people are shown.
const SHOWN_ERROR: usize = 300;
/// Characters of a session's name that people are shown.
const SHOWN_SESSION: usize = 64;
/// Principals that are named when an incident has many.
const NAMED_PRINCIPALS: usize = 5;
/// Where the pages of the catalogue are, below the project's home page.
const PAGES: &str = "docs/causes";

/// Where the first line of an incident stands.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// The log group.
    pub log_group: String,
    /// The log stream.
    pub log_stream: String,
    /// `CloudWatch`'s id of the event.
    pub event_id: String,
    /// When, in milliseconds since 1970.
    pub timestamp: Option<i64>,
    /// The error, or the message of a fault.
    pub text: Option<LogText>,
}

/// A message to people about an incident.
#[derive(Debug, Clone)]
pub struct Notice {
    /// How much it matters.
    pub severity: Severity,
    /// The cluster.
    pub cluster: Cluster,
    /// Whom it is about.
    pub subject: Subject,
    /// What the lines said.
    pub symptom: Symptom,
    /// What they showed beyond that.
    pub detail: Detail,
    /// Why.
    pub cause: &'static Cause,
    /// What looks the same from outside.
    pub perhaps: Vec<Possibility>,
    /// Whether an access entry could be offered, as far as lines alone can show.
    pub is_grantable: bool,
    /// How many lines, at least: deliveries may come twice, and the filter may leave lines out.
    pub count: u64,
    /// The principals that were refused, in order, up to a bound.
    pub principals: Vec<Principal>,
    /// Session names that may tell who called.
    pub sessions: Vec<LogText>,
    /// The first line, in milliseconds since 1970.
    pub first_seen: Option<i64>,
    /// The last line, in milliseconds since 1970.
    pub last_seen: Option<i64>,
    /// Where the first line stands.
    pub evidence: Evidence,
    /// What was learned besides the lines, if anybody asked.
    pub learned: Option<Box<Facts>>,
}

impl Notice {
    /// The same for the same incident, for ever: of closed sets only, never of free text.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let account = self
            .cluster
            .account
            .as_ref()
            .map_or("-", |account| account.as_str());
        format!(
            "1|{account}|{}|{}|{}",
            self.cluster.title(),
            self.subject.slug(),
            self.cause.id
        )
    }

    /// What was learned besides the lines.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        self.learned.as_deref().unwrap_or(&NO_FACTS)
    }

    /// What to do, the least first. Only what can work in this cluster's authentication mode.
    #[must_use]
    pub fn remedies(&self) -> Vec<Remedy> {
        let principal = match &self.subject {
            Subject::Principal(principal) => Some(principal),
            // Faults have no principal of their own; foreign ones are never named in a command.
            Subject::ForeignAccounts | Subject::Nobody => None,
        };
        let case = Case {
            symptom: self.symptom,
            principal,
            aws_internal_session: false,
            detail: self.detail,
            cluster: &self.cluster,
            facts: self.facts(),
        };
        self.cause.remedies_for(&case)
    }

    /// Takes another notice about the same cluster, subject and cause in.
    pub(crate) fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.first_seen = self.first_seen.into_iter().chain(other.first_seen).min();
        self.last_seen = self.last_seen.into_iter().chain(other.last_seen).max();
        for session in other.sessions {
            if !self.sessions.contains(&session) {
                self.sessions.push(session);
            }
        }
        for principal in other.principals {
            if !self.principals.contains(&principal) {
                self.principals.push(principal);
            }
        }
    }

    /// One line without log text: what, where, who.
    #[must_use]
    pub fn headline(&self) -> String {
        format!("{}: {}", self.cluster.title(), self.cause.title)
    }

    /// Who was refused, without log text.
    #[must_use]
    pub fn who(&self) -> String {
        match (&self.subject, self.principals.len()) {
            (Subject::Principal(principal), _) => principal.to_string(),
            (Subject::ForeignAccounts, count) => format!(
                "{count} {} of other AWS accounts",
                plural(count, "principal")
            ),
            (Subject::Nobody, _) if self.symptom.is_client() => {
                "whoever ran the command".to_owned()
            }
            (Subject::Nobody, 0) => "the lines name nobody".to_owned(),
            (Subject::Nobody, count) => {
                format!("{count} {} of this account", plural(count, "principal"))
            }
        }
    }

    /// `3 lines, 2026-… to 2026-…`.
    #[must_use]
    pub fn when(&self) -> String {
        let count = format!(
            "{} {}",
            self.count,
            plural(usize::try_from(self.count).unwrap_or(usize::MAX), "line")
        );
        match (self.first_seen, self.last_seen) {
            (Some(first), Some(last)) if first / 1000 != last / 1000 => {
                format!(
                    "{count}, {} to {}",
                    timestamp::rfc3339(first),
                    timestamp::rfc3339(last)
                )
            }
            (Some(first), _) => format!("{count}, {}", timestamp::rfc3339(first)),
            _ => count,
        }
    }

    /// The path of the cause's page in the project.
    #[must_use]
    pub fn page(&self) -> String {
        format!("{PAGES}/{}.md", self.cause.id)
    }

    /// The error as people may see it, in literal text only.
    #[must_use]
    pub fn shown_error(&self) -> Option<String> {
        self.evidence
            .text
            .as_ref()
            .map(|text| text.shown(SHOWN_ERROR))
    }

    /// The session names as people may see them, in literal text only.
    #[must_use]
    pub fn shown_sessions(&self) -> Vec<String> {
        self.sessions
            .iter()
            .map(|session| session.shown(SHOWN_SESSION))
            .collect()
    }

    /// The principals that are named when there are many.
    #[must_use]
    pub fn named_principals(&self) -> &[Principal] {
        let count = self.principals.len().min(NAMED_PRINCIPALS);
        self.principals.get(..count).unwrap_or_default()
    }
}

/// `1 line`, `2 lines`.
fn plural(count: usize, noun: &str) -> String {
    if count == 1 {
        noun.to_owned()
    } else {
        format!("{noun}s")
    }
}
