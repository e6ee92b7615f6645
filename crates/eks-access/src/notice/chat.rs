//! The notice for Amazon Q Developer in chat applications (formerly AWS Chatbot): a custom notification.
//!
//! Its text is the target platform's markdown, with mentions and links alive and no way to switch them off. So it
//! carries only facts from closed sets: names and ARNs that were parsed, counts, and sentences of ours. No log text.

use serde_json::{Value, json};

use super::slack::blocks::code;
use super::{Notice, learned};
use crate::incident::Subject;
use crate::text::shorten;

/// The limits of the user guide's schema, in characters.
pub(super) const MAX_TITLE: usize = 250;
pub(super) const MAX_DESCRIPTION: usize = 8000;
const MAX_NEXT_STEP: usize = 350;
const MAX_NEXT_STEPS: usize = 6;
/// Similar access entries that are named.
const NAMED_ENTRIES: usize = 3;

/// Renders a notice as a custom notification, version 1.0.
#[must_use]
pub fn render(notice: &Notice) -> Value {
    let next_steps: Vec<String> = notice
        .remedies()
        .iter()
        .take(MAX_NEXT_STEPS)
        .map(|remedy| {
            shorten(
                &format!("{} ({})", remedy.title, remedy.actor.title()),
                MAX_NEXT_STEP,
            )
        })
        .collect();
    json!({
        "version": "1.0",
        "source": "custom",
        "content": {
            "textType": "client-markdown",
            "title": shorten(&format!("EKS {}", notice.headline()), MAX_TITLE),
            "description": shorten(&description(notice), MAX_DESCRIPTION),
            "nextSteps": next_steps,
            "keywords": [notice.cause.id, notice.severity.slug()],
        },
        "metadata": {
            "threadId": shorten(&thread(notice), MAX_TITLE),
            "summary": shorten(&notice.headline(), MAX_TITLE),
            "eventType": notice.cause.id,
            "enableCustomActions": false,
        },
    })
}

fn description(notice: &Notice) -> String {
    let mut lines = vec![notice.summary(), String::new()];
    lines.push(format!("*Who:* {}", code(&notice.who())));
    if !matches!(notice.subject, Subject::Principal(_)) {
        lines.extend(
            notice
                .named_principals()
                .iter()
                .map(|principal| format!("• {}", code(&principal.to_string()))),
        );
    }
    let known = |text: Option<String>| text.unwrap_or_else(|| "unknown".to_owned());
    lines.push(format!(
        "*Cluster:* {} in account {}, {}",
        code(notice.cluster.title()),
        known(notice.cluster.account.as_ref().map(ToString::to_string)),
        known(notice.cluster.region.as_ref().map(ToString::to_string)),
    ));
    let near = notice.facts().near.known().map_or(&[][..], Vec::as_slice);
    lines.extend(near.iter().take(NAMED_ENTRIES).map(|miss| {
        format!(
            "*Has an entry:* {} ({})",
            code(&miss.entry.to_string()),
            miss.near.words()
        )
    }));
    lines.extend(
        learned::unanswered(notice.facts())
            .into_iter()
            .map(|unknown| format!("*Unknown:* {unknown}")),
    );
    lines.push(format!("*Seen:* at least {}", notice.when()));
    lines.push(format!(
        "*Severity:* {}; *for:* {}",
        notice.severity.slug(),
        notice.cause.actor.title()
    ));
    lines.push(format!("*More:* `eks-access cause {}`", notice.cause.id));
    lines.join("\n")
}

/// One thread per incident: of closed sets only.
fn thread(notice: &Notice) -> String {
    format!(
        "{}/{}/{}",
        notice.cluster.title(),
        notice.symptom.slug(),
        notice.subject.slug()
    )
}
