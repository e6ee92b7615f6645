//! JSON Lines: one object per line, with the log's line inside.

use std::borrow::Cow;

use eks_access::timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::{Each, Format, Item, documents, stream_by_name};
use crate::output::Error;
use eks_access::text::lossy;

/// The members that are looked at, under every name the AWS CLI, Logs Insights and our own tools give them.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Members<'a> {
    #[serde(borrow, alias = "line", alias = "@message", alias = "Message")]
    pub(crate) message: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) stream: Option<Cow<'a, str>>,
    #[serde(
        borrow,
        alias = "logStreamName",
        alias = "@logStream",
        alias = "log_stream"
    )]
    #[serde(rename = "logStream")]
    pub(crate) log_stream: Option<Cow<'a, str>>,
    #[serde(borrow, alias = "logGroupName", alias = "@log", alias = "log_group")]
    #[serde(rename = "logGroup")]
    pub(crate) log_group: Option<Cow<'a, str>>,
    #[serde(borrow, alias = "eventId", alias = "@ptr")]
    pub(crate) id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) owner: Option<Cow<'a, str>>,
    #[serde(alias = "@timestamp", alias = "time")]
    pub(crate) timestamp: Option<Value>,
}

impl Members<'_> {
    /// The line these members describe.
    pub(crate) fn item(&self) -> Item<'_> {
        // `@log` is `ACCOUNT:/aws/eks/NAME/cluster`.
        let log = self.log_group.as_deref().unwrap_or_default();
        let (owner, log_group) = log
            .split_once(':')
            .unwrap_or((self.owner.as_deref().unwrap_or_default(), log));
        let log_stream = self.log_stream.as_deref().unwrap_or_default();
        let stream = self
            .stream
            .as_deref()
            .and_then(stream_by_name)
            .or_else(|| stream_by_name(log_stream));
        Item {
            text: self.message.as_deref().unwrap_or_default(),
            is_cut: false,
            stream,
            log_group,
            owner,
            log_stream,
            event_id: self.id.as_deref().unwrap_or_default(),
            timestamp: self.timestamp.as_ref().and_then(milliseconds),
        }
    }
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
    let object: serde_json::Map<String, Value> = serde_json::from_str(first_line).ok()?;
    let has = |key: &str| object.contains_key(key);
    if documents::KEYS.iter().any(|key| has(key)) {
        return Some(Format::Documents);
    }
    let is_record = has("msg") && has("level");
    let is_wrapped = ["message", "line", "@message"]
        .iter()
        .any(|key| object.get(*key).is_some_and(Value::is_string));
    Some(if is_wrapped && !is_record {
        Format::JsonLines
    } else {
        Format::Lines
    })
}

/// Reads one line. One that is no such object is handed over as it is: one bad line never costs the others.
pub(crate) fn read(line: &[u8], is_cut: bool, each: &mut Each<'_>) -> Result<(), Error> {
    let text = lossy(line);
    match serde_json::from_str::<Members<'_>>(&text) {
        Ok(members) if members.message.is_some() => each(Item {
            is_cut,
            ..members.item()
        }),
        _ => each(Item {
            text: &text,
            is_cut,
            ..Item::default()
        }),
    }
}
