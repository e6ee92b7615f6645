//! A message to people about an incident, and its renderings. Every rendering is a pure function.
//!
//! Text from a log is shown only through [`LogText::shown`], only where it is literal, and never in the chat body.

use std::collections::BTreeSet;

use crate::catalogue::{Case, Cause, Detail, Possibility, find};
use crate::cluster::{Cluster, Region};
use crate::facts::{Facts, NO_FACTS};
use crate::incident::Subject;
use crate::memory::Remembered;
use crate::principal::{AccountId, Principal};
use crate::remedy::Remedy;
use crate::symptom::{Severity, Symptom};
use crate::text::LogText;
use crate::timestamp;

pub mod access;
pub mod chat;
pub mod digest;
pub mod email;
pub mod learned;
pub mod machine;
pub mod slack;
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

/// Why a notice comes: where it stands in the life of its incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is new.
    First,
    /// It goes on, with so many lines since people were told last.
    Repeat {
        /// Lines, at least.
        new: u64,
    },
    /// The cause is known better than before.
    Learned,
    /// The principal got in, and is refused again.
    Relapsed,
    /// The principal gets in.
    Resolved {
        /// The first login that was granted, in milliseconds since 1970.
        at: i64,
    },
}

impl Standing {
    /// Every kind of it, by its stable name.
    pub const SLUGS: [&str; 5] = ["first", "repeat", "learned", "relapsed", "resolved"];

    /// The stable name in machine output and SNS attributes.
    #[must_use]
    pub fn slug(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Repeat { .. } => "repeat",
            Self::Learned => "learned",
            Self::Relapsed => "relapsed",
            Self::Resolved { .. } => "resolved",
        }
    }

    /// When the principal was seen to get in, in milliseconds since 1970.
    #[must_use]
    pub fn resolved_at(self) -> Option<i64> {
        match self {
            Self::Resolved { at } => Some(at),
            _ => None,
        }
    }

    /// The beginning of a headline, where there is more to say than that something was refused.
    fn words(self) -> &'static str {
        match self {
            Self::First => "",
            Self::Repeat { .. } => "still: ",
            Self::Learned => "now known: ",
            Self::Relapsed => "again: ",
            Self::Resolved { .. } => "resolved: ",
        }
    }
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
    /// Why it comes.
    pub standing: Standing,
}

impl Notice {
    /// The same for the same incident, for ever: of closed sets only, never of free text. The symptom stands for the
    /// cause in it, because what is known of the cause may change while the incident stays the same.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let account = self.cluster.account.as_ref().map_or("-", AccountId::as_str);
        let region = self.cluster.region.as_ref().map_or("-", Region::as_str);
        format!(
            "2|{account}|{region}|{}|{}|{}",
            self.cluster.title(),
            self.subject.slug(),
            self.symptom.slug()
        )
    }

    /// A notice from what is remembered of an incident, without its lines. `None` if its cause is none of this release.
    #[must_use]
    pub fn remembered(
        cluster: Cluster,
        subject: Subject,
        symptom: Symptom,
        remembered: &Remembered,
        standing: Standing,
    ) -> Option<Self> {
        let cause = find(&remembered.told_cause)?;
        let severity = match standing {
            Standing::Resolved { .. } => Severity::Info,
            _ => cause.severity,
        };
        let principals = match &subject {
            Subject::Principal(principal) => vec![principal.clone()],
            Subject::ForeignAccounts | Subject::Nobody => Vec::new(),
        };
        Some(Self {
            severity,
            cluster,
            subject,
            symptom,
            detail: Detail::None,
            cause,
            perhaps: cause
                .perhaps
                .iter()
                .filter_map(|id| {
                    Some(Possibility {
                        cause: find(id)?,
                        fact: None,
                    })
                })
                .collect(),
            is_grantable: false,
            count: remembered.count,
            principals,
            sessions: Vec::new(),
            first_seen: Some(remembered.first_seen),
            last_seen: Some(remembered.last_seen),
            evidence: Evidence::default(),
            learned: None,
            standing,
        })
    }

    /// The address of the one person who was refused, if the session's name is one in these mail domains (in lower case).
    /// Callers choose their sessions' names, so it is read by a narrow form, and only of principals of our accounts.
    #[must_use]
    pub fn address_in(&self, domains: &BTreeSet<String>) -> Option<String> {
        let (Subject::Principal(_), [session]) = (&self.subject, self.sessions.as_slice()) else {
            return None;
        };
        let (local, domain) = session.raw().split_once('@')?;
        let is_fit = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'+');
        let is_local = (1..=64).contains(&local.len()) && local.bytes().all(is_fit);
        let domain = domain.to_ascii_lowercase();
        (is_local && domains.contains(&domain)).then(|| format!("{local}@{domain}"))
    }

    /// What was learned besides the lines.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        self.learned.as_deref().unwrap_or(&NO_FACTS)
    }

    /// What to do, the least first. Only what can work in this cluster's authentication mode; nothing once it is resolved.
    #[must_use]
    pub fn remedies(&self) -> Vec<Remedy> {
        if self.standing.resolved_at().is_some() || self.cluster.is_self_test() {
            return Vec::new();
        }
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
        if self.cluster.is_self_test() {
            return "self-test: nothing is wrong".to_owned();
        }
        format!(
            "{}: {}{}",
            self.cluster.title(),
            self.standing.words(),
            self.cause.title
        )
    }

    /// One sentence, without log text: what is wrong, or that it no longer is.
    #[must_use]
    pub fn summary(&self) -> String {
        if self.cluster.is_self_test() {
            return "Somebody ran `eks-access self-test`: notices go out. There is nothing to do."
                .to_owned();
        }
        let Standing::Resolved { at } = self.standing else {
            return self.cause.summary.to_owned();
        };
        let took = self.first_seen.map_or_else(String::new, |first| {
            format!(
                ", {} after it was first refused",
                timestamp::duration(at.saturating_sub(first))
            )
        });
        format!(
            "A login of this principal was granted at {}{took}. There is nothing left to do.",
            timestamp::rfc3339(at)
        )
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
