//! The few blocks of Block Kit that cards are made of.

use serde_json::{Value, json};

use crate::text::shorten;

/// Characters of a header (`@slack/types` 3.2: 150).
const HEADER: usize = 120;
/// Characters of a section's text (`@slack/types` 3.2: 3,000).
const SECTION: usize = 2500;
/// Characters of one field (`@slack/types` 3.2: 2,000).
const FIELD: usize = 600;

fn plain(text: &str, limit: usize) -> Value {
    json!({"type": "plain_text", "text": shorten(text, limit), "emoji": false})
}

/// Text without markup.
pub(crate) fn paragraph(text: &str) -> Value {
    plain(text, SECTION)
}

/// Text with markup: words of ours, numbers, and what went through [`code`].
pub(crate) fn marked(text: &str) -> Value {
    json!({"type": "mrkdwn", "text": text, "verbatim": true})
}

pub(crate) fn header(text: &str) -> Value {
    json!({"type": "header", "text": plain(text, HEADER)})
}

pub(crate) fn section(text: Value) -> Value {
    json!({"type": "section", "text": text})
}

/// Two columns of texts with markup.
pub(crate) fn fields(texts: &[String]) -> Value {
    let fields: Vec<Value> = texts
        .iter()
        .map(|text| marked(&shorten(text, FIELD)))
        .collect();
    json!({"type": "section", "fields": fields})
}

pub(crate) fn context(text: &str) -> Value {
    json!({"type": "context", "elements": [plain(text, SECTION)]})
}

pub(crate) fn rich(elements: Vec<Value>) -> Value {
    json!({"type": "rich_text", "elements": elements})
}

/// A line of literal text.
pub(crate) fn line(text: &str) -> Value {
    json!({"type": "rich_text_section", "elements": [{"type": "text", "text": text}]})
}

/// A box of literal text.
pub(crate) fn preformatted(text: &str) -> Value {
    json!({"type": "rich_text_preformatted", "elements": [{"type": "text", "text": text}]})
}

/// A code span. Names of IAM and EKS have no back-quote and no angle bracket; should that ever change, they are gone here.
pub(crate) fn code(text: &str) -> String {
    let safe: String = text
        .chars()
        .filter(|c| !matches!(c, '`' | '<' | '>' | '&'))
        .collect();
    format!("`{safe}`")
}

/// Slack's three escapes, for text that is markup whether we like it or not.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
