//! The few blocks of Block Kit that cards are made of.

use serde_json::{Value, json};

use crate::text::shorten;

/// Characters of a header (`@slack/types` 3.2: 150).
const HEADER: usize = 120;
/// Characters of a section's text (`@slack/types` 3.2: 3,000).
const SECTION: usize = 2500;

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

fn block(kind: &str, name: &str, value: Value) -> Value {
    let fields = [("type".to_owned(), kind.into()), (name.to_owned(), value)];
    Value::Object(fields.into_iter().collect())
}

pub(crate) fn header(text: &str) -> Value {
    json!({"type": "header", "text": plain(text, HEADER)})
}

pub(crate) fn section(text: Value) -> Value {
    block("section", "text", text)
}

/// Two columns of texts with markup, each of at most 2,000 characters (`@slack/types` 3.2). They are not cut here: a cut
/// could fall into a code span.
pub(crate) fn fields(texts: &[String]) -> Value {
    let fields: Vec<Value> = texts.iter().map(|text| marked(text)).collect();
    json!({"type": "section", "fields": fields})
}

pub(crate) fn context(text: &str) -> Value {
    json!({"type": "context", "elements": [plain(text, SECTION)]})
}

pub(crate) fn rich(elements: Vec<Value>) -> Value {
    block("rich_text", "elements", Value::Array(elements))
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

/// Slack's three escapes, for text that is markup whether we like it or not. Cut to `limit` characters, never within an
/// escape.
pub(crate) fn escaped(text: &str, limit: usize) -> String {
    let escape = |c: char| match c {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        c => c.to_string(),
    };
    let pieces: Vec<String> = text.chars().map(escape).collect();
    let length: usize = pieces.iter().map(|piece| piece.chars().count()).sum();
    if length <= limit {
        return pieces.concat();
    }
    let mut room = limit.saturating_sub(1);
    let mut fits = |piece: &&String| {
        let length = piece.chars().count();
        let fits = length <= room;
        room = room.saturating_sub(length);
        fits
    };
    let mut short: String = pieces
        .iter()
        .take_while(|piece| fits(piece))
        .map(String::as_str)
        .collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn an_escape_is_whole_or_not_there() {
        assert_eq!(escaped("a<b>&", 99), "a&lt;b&gt;&amp;");
        assert_eq!(escaped("ab&&", 8), "ab&amp;…");
        assert_eq!(escaped("ab&&", 7), "ab…");
        assert_eq!(escaped("abc", 3), "abc");
    }
}
