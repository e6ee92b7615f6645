//! The notice of a storm: incidents that are too many to be told one by one.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::machine::SCHEMA;
use super::slack::Card;
use super::slack::blocks::{
    context, fields, header, marked, paragraph, preformatted, rich, section,
};
use super::sns::{SnsMessage, named};
use super::{chat, email, plural};
use crate::catalogue::{Cause, find};
use crate::cluster::Cluster;
use crate::principal::Principal;
use crate::symptom::Severity;
use crate::text::shorten;
use crate::timestamp;

/// Causes that are told with their counts.
const CAUSES: usize = 10;
/// Principals that are named.
pub const NAMED: usize = 5;

/// What was counted of a cluster's incidents that were not told one by one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Storm {
    /// The cluster.
    pub cluster: Cluster,
    /// Lines, at least, by the id of their cause.
    pub by_cause: BTreeMap<String, u64>,
    /// Some of the principals that were refused.
    pub named: Vec<Principal>,
    /// The first line, in milliseconds since 1970.
    pub first_seen: i64,
    /// The last line.
    pub last_seen: i64,
}

impl Storm {
    /// Lines, at least.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.by_cause.values().sum()
    }

    /// How much the gravest of its causes matters.
    #[must_use]
    pub fn severity(&self) -> Severity {
        let known = self.causes().into_iter().map(|(cause, _)| cause.severity);
        known
            .max()
            .unwrap_or(Severity::Medium)
            .max(Severity::Medium)
    }

    /// The causes, the most frequent first.
    fn causes(&self) -> Vec<(&'static Cause, u64)> {
        let mut causes: Vec<_> = self
            .by_cause
            .iter()
            .filter_map(|(id, count)| Some((find(id)?, *count)))
            .collect();
        causes.sort_by_key(|(cause, count)| (std::cmp::Reverse(*count), cause.id));
        causes
    }

    fn headline(&self) -> String {
        format!("{}: many incidents at once", self.cluster.title())
    }

    fn summary(&self) -> String {
        let count = usize::try_from(self.count()).unwrap_or(usize::MAX);
        format!(
            "More new incidents than are told one by one in an hour. At least {} {} of others {} only counted, from {} to {}.",
            self.count(),
            plural(count, "line"),
            if count == 1 { "was" } else { "were" },
            timestamp::rfc3339(self.first_seen),
            timestamp::rfc3339(self.last_seen),
        )
    }

    const ADVICE: &str = "Look for one thing behind it: a broken aws-auth, a role that many use, or somebody who tries names. \
                          The log has every line: eks-access explain reads it.";

    fn counted(&self) -> Vec<String> {
        let causes = self.causes();
        let more = causes.len().saturating_sub(CAUSES);
        let mut lines: Vec<String> = causes
            .iter()
            .take(CAUSES)
            .map(|(cause, count)| format!("{count:>8}  {} ({})", cause.title, cause.id))
            .collect();
        if more > 0 {
            lines.push(format!("{more:>8}  more causes"));
        }
        lines
    }

    /// The digest as one SNS publish.
    #[must_use]
    pub fn sns(&self) -> SnsMessage {
        let cluster = self.cluster.name.as_ref().map(ToString::to_string);
        let account = self.cluster.account.as_ref().map(ToString::to_string);
        let unknown = || "unknown".to_owned();
        let document = json!({
            "default": self.machine().to_string(),
            "email": self.email(),
            "https": self.chat().to_string(),
        });
        SnsMessage {
            subject: email::ascii_subject(&format!("[EKS] {}", self.headline())),
            message: document.to_string(),
            attributes: named([
                ("kind", "digest".to_owned()),
                ("severity", self.severity().slug().to_owned()),
                ("cluster", cluster.unwrap_or_else(unknown)),
                ("account", account.unwrap_or_else(unknown)),
            ]),
        }
    }

    fn machine(&self) -> Value {
        json!({
            "schema": SCHEMA,
            "kind": "digest",
            "severity": self.severity().slug(),
            "cluster": self.cluster.name.as_ref().map(ToString::to_string),
            "account": self.cluster.account.as_ref().map(ToString::to_string),
            "region": self.cluster.region.as_ref().map(ToString::to_string),
            "title": "many incidents at once",
            "summary": self.summary(),
            "count": self.count(),
            "by_cause": self.by_cause,
            "principals": self.named.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "first_seen": timestamp::rfc3339(self.first_seen),
            "last_seen": timestamp::rfc3339(self.last_seen),
        })
    }

    fn email(&self) -> String {
        let mut lines = vec![
            self.headline(),
            String::new(),
            self.summary(),
            String::new(),
        ];
        lines.extend(
            self.counted()
                .iter()
                .map(|line| format!("  {}", line.trim_start())),
        );
        if !self.named.is_empty() {
            lines.extend([String::new(), "Among others:".to_owned()]);
            lines.extend(self.named.iter().map(|principal| format!("  {principal}")));
        }
        lines.extend([String::new(), Self::ADVICE.to_owned(), String::new()]);
        email::signed(&email::wrapped(&lines))
    }

    fn chat(&self) -> Value {
        let causes = self.counted().join("\n");
        json!({
            "version": "1.0",
            "source": "custom",
            "content": {
                "textType": "client-markdown",
                "title": shorten(&format!("EKS {}", self.headline()), chat::MAX_TITLE),
                "description": format!("{}\n{causes}", self.summary()),
                "nextSteps": [Self::ADVICE],
                "keywords": ["digest", self.severity().slug()],
            },
            "metadata": {
                "threadId": shorten(&format!("{}/digest", self.cluster.title()), chat::MAX_TITLE),
                "summary": shorten(&self.headline(), chat::MAX_TITLE),
                "eventType": "digest",
                "enableCustomActions": false,
            },
        })
    }

    /// The digest as a card in Slack.
    #[must_use]
    pub fn card(&self) -> Card {
        let headline = format!("\u{1F300} {}", self.headline());
        let mut literal = self.counted();
        literal.extend(
            self.named
                .iter()
                .map(|principal| shorten(&principal.to_string(), 300)),
        );
        let known = |text: Option<String>| text.unwrap_or_else(|| "unknown".to_owned());
        let place = format!(
            "*Cluster*\n{}, account {}, {}",
            super::slack::blocks::code(self.cluster.title()),
            known(self.cluster.account.as_ref().map(ToString::to_string)),
            known(self.cluster.region.as_ref().map(ToString::to_string)),
        );
        let blocks = vec![
            header(&headline),
            section(paragraph(&self.summary())),
            fields(&[place, format!("*Severity*\n{}", self.severity().slug())]),
            rich(vec![preformatted(&literal.join("\n"))]),
            section(marked("*What to do*")),
            section(paragraph(Self::ADVICE)),
            context("Sent at most once in fifteen minutes for each cluster"),
        ];
        Card::new(&headline, blocks)
    }

    /// What the message says when Slack takes none of its blocks.
    #[must_use]
    pub fn words(&self) -> String {
        format!(
            "{}\n{}\n{}",
            self.headline(),
            self.summary(),
            self.counted().join("\n")
        )
    }
}
