//! JSON Lines: one object per line, with the log's line inside.

use eks_access::text::lossy;
use eks_access::timestamp;
use serde_json::{Map, Value};

use super::{Each, Format, Item, documents, stream_by_name};
use crate::output::Error;

/// The names of each member, in the order in which they are believed: the AWS CLI's, Logs Insights' and our own.
const MESSAGE: [&str; 4] = ["message", "line", "@message", "Message"];
const LOG_STREAM: [&str; 4] = ["logStream", "logStreamName", "@logStream", "log_stream"];
const LOG_GROUP: [&str; 4] = ["logGroup", "logGroupName", "@log", "log_group"];
const ID: [&str; 3] = ["id", "eventId", "@ptr"];
const TIMESTAMP: [&str; 3] = ["timestamp", "@timestamp", "time"];

/// The line that an object describes; `None` if it has no line.
pub(crate) fn item(object: &Map<String, Value>) -> Option<Item<'_>> {
    let text = |names: &[&str]| names.iter().find_map(|name| object.get(*name)?.as_str());
    // `@log` is `ACCOUNT:/aws/eks/NAME/cluster`.
    let log = text(&LOG_GROUP).unwrap_or_default();
    let (owner, log_group) = log
        .split_once(':')
        .unwrap_or((text(&["owner"]).unwrap_or_default(), log));
    let log_stream = text(&LOG_STREAM).unwrap_or_default();
    Some(Item {
        text: text(&MESSAGE)?,
        is_granted: false,
        is_cut: false,
        stream: text(&["stream"])
            .and_then(stream_by_name)
            .or_else(|| stream_by_name(log_stream)),
        log_group,
        owner,
        log_stream,
        event_id: text(&ID).unwrap_or_default(),
        timestamp: TIMESTAMP
            .iter()
            .find_map(|name| milliseconds(object.get(*name)?)),
    })
}

/// A time as the AWS CLI writes it: milliseconds, RFC 3339, or Logs Insights' `2026-11-21 22:50:01.000`.
pub(crate) fn milliseconds(value: &Value) -> Option<i64> {
    if let Some(number) = value.as_i64() {
        return Some(number);
    }
    let text = value.as_str()?;
    text.parse()
        .ok()
        .or_else(|| timestamp::parse(text))
        .or_else(|| timestamp::parse(&format!("{}Z", text.replace(' ', "T"))))
}

/// The format of an input whose first line is an object; `None` if that line is no whole object.
pub(crate) fn kind(first_line: &str) -> Option<Format> {
    let object: Map<String, Value> = serde_json::from_str(first_line).ok()?;
    let has = |key: &str| object.contains_key(key);
    if documents::KEYS.iter().any(|key| has(key)) {
        return Some(Format::Documents);
    }
    let is_record = has("msg") && has("level");
    Some(if item(&object).is_some() && !is_record {
        Format::JsonLines
    } else {
        Format::Lines
    })
}

/// Reads one line. One that is no such object is handed over as it is: one bad line never costs the others.
pub(crate) fn read(line: &[u8], is_cut: bool, each: &mut Each<'_>) -> Result<(), Error> {
    let text = lossy(line);
    let object: Option<Map<String, Value>> = serde_json::from_str(&text).ok();
    match object.as_ref().and_then(item) {
        Some(item) => each(Item { is_cut, ..item }),
        None => each(Item {
            text: &text,
            is_cut,
            ..Item::default()
        }),
    }
}
