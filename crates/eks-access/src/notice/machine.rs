//! The notice for machines: JSON, with a versioned schema in `docs/schemas/notice.v1.json`.

use serde_json::{Value, json};

use super::{Notice, learned};
use crate::catalogue::Possibility;
use crate::cluster::AuthenticationMode;
use crate::incident::Subject;
use crate::remedy::{Remedy, Step};
use crate::timestamp;

/// The version of the schema: a member may be added in a minor release, none changes its meaning.
pub const SCHEMA: &str = "eks-access-responder/1";

/// The JSON Schema of [`render`], draft 2020-12.
pub const JSON_SCHEMA: &str = include_str!("../../../../docs/schemas/notice.v1.json");

/// Remedies that one document carries, so that it stays far below SNS' limit.
const MAX_REMEDIES: usize = 16;

/// Renders a notice.
#[must_use]
pub fn render(notice: &Notice) -> Value {
    let principal = match &notice.subject {
        Subject::Principal(principal) => Some(principal.to_string()),
        Subject::ForeignAccounts | Subject::Nobody => None,
    };
    json!({
        "schema": SCHEMA,
        "kind": notice.standing.slug(),
        "fingerprint": notice.fingerprint(),
        "severity": notice.severity.slug(),
        "cluster": notice.cluster.name.as_ref().map(ToString::to_string),
        "account": notice.cluster.account.as_ref().map(ToString::to_string),
        "region": notice.cluster.region.as_ref().map(ToString::to_string),
        "symptom": notice.symptom.slug(),
        "cause": notice.cause.id,
        "title": notice.cause.title,
        "summary": notice.summary(),
        "actor": notice.cause.actor.slug(),
        "page": notice.page(),
        "principal": principal,
        "principals": notice.named_principals().iter().map(ToString::to_string).collect::<Vec<_>>(),
        "principal_count": notice.principals.len(),
        "sessions": notice.shown_sessions(),
        "count": notice.count,
        "first_seen": notice.first_seen.map(timestamp::rfc3339),
        "last_seen": notice.last_seen.map(timestamp::rfc3339),
        "resolved_at": notice.standing.resolved_at().map(timestamp::rfc3339),
        "incident": notice.id().as_str(),
        "grantable": notice.is_grantable,
        "perhaps": perhaps(&notice.perhaps),
        "remedies": remedies(&notice.remedies()),
        "mode": notice.cluster.mode.map(AuthenticationMode::as_str),
        "facts": learned::machine(notice.facts()),
        "evidence": {
            "log_group": none_if_empty(&notice.evidence.log_group),
            "log_stream": none_if_empty(&notice.evidence.log_stream),
            "event_id": none_if_empty(&notice.evidence.event_id),
            "timestamp": notice.evidence.timestamp.map(timestamp::rfc3339),
            "text": notice.shown_error(),
        },
    })
}

fn none_if_empty(text: &str) -> Option<String> {
    let text = crate::text::LogText::new(text).shown(512);
    (!text.is_empty()).then_some(text)
}

/// Renders what the case could also be.
#[must_use]
pub fn perhaps(perhaps: &[Possibility]) -> Value {
    perhaps
        .iter()
        .map(|possibility| json!({"cause": possibility.cause.id, "fact": possibility.fact}))
        .collect()
}

/// Renders remedies.
#[must_use]
pub fn remedies(remedies: &[Remedy]) -> Value {
    remedies.iter().take(MAX_REMEDIES).map(remedy).collect()
}

fn remedy(remedy: &Remedy) -> Value {
    let step = |step: &Step| json!({"tool": step.tool().slug(), "text": step.text()});
    json!({
        "title": remedy.title,
        "actor": remedy.actor.slug(),
        "modes": remedy.modes.list().iter().map(|mode| mode.as_str()).collect::<Vec<_>>(),
        "steps": remedy.steps.iter().map(step).collect::<Vec<_>>(),
    })
}
