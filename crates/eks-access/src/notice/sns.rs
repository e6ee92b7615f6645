//! The notice as one SNS publish that serves people, chat and machines (`MessageStructure=json`).

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Notice, chat, email, machine};

/// What to publish.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnsMessage {
    /// At most 99 ASCII characters.
    pub subject: String,
    /// A JSON object of texts by protocol; `default` is always there.
    pub message: String,
    /// Message attributes, for filter policies: name and text.
    pub attributes: Vec<(Cow<'static, str>, String)>,
}

/// Renders a notice.
#[must_use]
pub fn render(notice: &Notice) -> SnsMessage {
    let machine = machine::render(notice).to_string();
    let email = email::render(notice);
    let document: Value = json!({
        // Protocols without a text of their own (sqs, lambda, http, …) get this one.
        "default": machine,
        "email": email,
        "https": chat::render(notice).to_string(),
    });
    SnsMessage {
        subject: email::subject(notice),
        message: document.to_string(),
        attributes: attributes(notice),
    }
}

/// Of closed sets only. SNS refuses an empty value, so what is not known is `unknown`.
fn attributes(notice: &Notice) -> Vec<(Cow<'static, str>, String)> {
    let account = notice
        .cluster
        .account
        .as_ref()
        .map_or_else(|| "unknown".to_owned(), ToString::to_string);
    let cluster = notice
        .cluster
        .name
        .as_ref()
        .map_or_else(|| "unknown".to_owned(), ToString::to_string);
    named([
        ("kind", notice.standing.slug().to_owned()),
        ("severity", notice.severity.slug().to_owned()),
        ("cluster", cluster),
        ("account", account),
        ("symptom", notice.symptom.slug().to_owned()),
        ("cause", notice.cause.id.to_owned()),
        ("actor", notice.cause.actor.slug().to_owned()),
    ])
}

/// Attributes of these names.
pub(super) fn named<const N: usize>(
    all: [(&'static str, String); N],
) -> Vec<(Cow<'static, str>, String)> {
    all.into_iter()
        .map(|(name, value)| (Cow::Borrowed(name), value))
        .collect()
}

impl Notice {
    /// The notice as one SNS publish.
    #[must_use]
    pub fn sns(&self) -> SnsMessage {
        render(self)
    }
}
