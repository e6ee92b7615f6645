//! What was learned besides the lines, in words, and what could not be found out.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::facts::{AccessEntry, Administrator, AwsAuthRow, Fact, Facts, IamPrincipal, Near};
use crate::text::LogText;
use crate::timestamp;

/// Characters of a name that EKS keeps: a group, a namespace, a policy.
const SHOWN: usize = 64;
/// Names that are told of a list.
const NAMED: usize = 4;

/// What was learned: a label of at most nine characters, and what there is.
#[must_use]
pub fn learned(facts: &Facts) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    match &facts.iam {
        Fact::Known(Some(found)) => lines.push(("in IAM", in_iam(found))),
        Fact::Known(None) => lines.push((
            "in IAM",
            "there is no such role or user any more".to_owned(),
        )),
        Fact::Unknown(_) => {}
    }
    match &facts.entry {
        Fact::Known(Some(found)) => lines.push(("entry", entry(found))),
        Fact::Known(None) if has_entries(facts) => {
            lines.push(("entry", "it has no access entry".to_owned()));
        }
        Fact::Known(None) | Fact::Unknown(_) => {}
    }
    let near = facts.near.known().map_or(&[][..], Vec::as_slice);
    lines.extend(near.iter().take(NAMED).map(|miss| {
        let gone = match (miss.near, &miss.exists) {
            (Near::OtherSuffix, Fact::Known(false)) => "; IAM has that role no more",
            _ => "",
        };
        (
            "similar",
            format!("{} has an entry: {}{gone}", miss.entry, miss.near.words()),
        )
    }));
    if let Some(AwsAuthRow::Near(_, row)) = facts.aws_auth.known() {
        lines.push(("row", format!("aws-auth has {}", row.shown(256))));
    }
    if let Some(all) = facts.administrators.known().filter(|_| has_entries(facts)) {
        lines.push(("admins", administrators(all)));
    }
    lines
}

fn has_entries(facts: &Facts) -> bool {
    facts
        .cluster
        .known()
        .is_some_and(|cluster| cluster.mode.has_access_entries())
}

fn in_iam(found: &IamPrincipal) -> String {
    format!(
        "{}, made {}",
        found.principal,
        timestamp::rfc3339(found.created)
    )
}

fn entry(entry: &AccessEntry) -> String {
    let mut text = format!(
        "type {}, made {}",
        entry.kind.as_str(),
        timestamp::rfc3339(entry.created)
    );
    if !entry.groups.is_empty() {
        text.push_str(", groups ");
        text.push_str(&names(&entry.groups));
    }
    match &entry.policies {
        Fact::Known(policies) if policies.is_empty() && entry.groups.is_empty() => {
            text.push_str(", without groups and access policies");
        }
        Fact::Known(policies) => {
            for policy in policies.iter().take(NAMED) {
                let reach = if policy.namespaces.is_empty() {
                    "everywhere".to_owned()
                } else {
                    format!("in {}", names(&policy.namespaces))
                };
                let _ = write!(text, ", {} {reach}", policy.name().shown(SHOWN));
            }
        }
        Fact::Unknown(_) => {}
    }
    text
}

fn names(all: &[LogText]) -> String {
    let shown: Vec<String> = all
        .iter()
        .take(NAMED)
        .map(|name| name.shown(SHOWN))
        .collect();
    let more = if all.len() > NAMED { " and more" } else { "" };
    format!("{}{more}", shown.join(", "))
}

/// Who can let anybody in: those whose entry has the administrator's access policy.
fn administrators(all: &[Administrator]) -> String {
    let working: Vec<String> = all
        .iter()
        .filter(|administrator| administrator.exists != Fact::Known(false))
        .map(|administrator| administrator.principal.to_string())
        .collect();
    let gone = all.len() - working.len();
    let mut text = match working.len() {
        0 => "nobody has the administrator's access policy".to_owned(),
        count => {
            let more = if count > NAMED { " and more" } else { "" };
            format!(
                "{}{more}",
                working
                    .get(..NAMED.min(count))
                    .unwrap_or_default()
                    .join(", ")
            )
        }
    };
    if gone > 0 {
        let _ = write!(
            text,
            "; {gone} whose role or user is gone or was made again"
        );
    }
    text
}

/// What could not be found out, as sentences without a full stop.
#[must_use]
pub fn unanswered(facts: &Facts) -> Vec<String> {
    facts
        .unanswered()
        .into_iter()
        .map(|(what, why)| format!("{what}: {}", why.reason()))
        .collect()
}

/// The same for machines.
#[must_use]
pub fn machine(facts: &Facts) -> Value {
    let learned: Vec<Value> = learned(facts)
        .into_iter()
        .map(|(about, text)| json!({"about": about, "text": text}))
        .collect();
    let unknown: Vec<Value> = facts
        .unanswered()
        .into_iter()
        .map(|(about, why)| {
            json!({
                "about": about,
                "reason": why.slug(),
                "permission": why.permission().map(crate::facts::Permission::action),
            })
        })
        .collect();
    json!({"learned": learned, "unknown": unknown})
}
