//! JSON documents that hold many lines: what the AWS CLI prints, and subscription payloads.

use std::fmt;
use std::io::{BufReader, Read};
use std::path::Path;

use eks_access::delivery::{self, Limits, Payload};
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::{Bounded, Each, Item, MAX_EVENT, json_line};
use crate::output::Error;

/// The members by which a document is known.
pub(crate) const KEYS: [&str; 10] = [
    "awslogs",
    "Records",
    "records",
    "messageType",
    "logEvents",
    "events",
    "results",
    "searchedLogStreams",
    "nextForwardToken",
    "statistics",
];

/// Decoded bytes of one payload that are read on a laptop, which has more room than a Lambda.
const LIMITS: Limits = Limits {
    decoded_bytes: 4 << 30,
    message_bytes: 1 << 20,
};

/// Reads documents one after the other; memory stays flat, for their events are read one by one.
pub(crate) fn read(name: &Path, stream: impl Read, each: &mut Each<'_>) -> Result<(), Error> {
    let (stream, left) = Bounded::new(stream);
    let mut stream = BufReader::with_capacity(1 << 20, stream);
    let each: &mut Each<'_> = &mut |item| {
        left.set(MAX_EVENT);
        each(item)
    };
    skip_byte_order_mark(&mut stream).map_err(|error| Error::Input(name.to_owned(), error))?;
    let mut failed = None;
    let mut deserializer = serde_json::Deserializer::from_reader(stream);
    while !is_at_end(&mut deserializer) {
        let document = Document {
            each: &mut *each,
            failed: &mut failed,
        };
        let result = document.deserialize(&mut deserializer);
        if let Some(error) = failed.take() {
            return Err(match error {
                Error::Format(_, what) => Error::Format(name.to_owned(), what),
                other => other,
            });
        }
        result.map_err(|error| Error::Format(name.to_owned(), error.to_string()))?;
    }
    Ok(())
}

fn skip_byte_order_mark(stream: &mut impl std::io::BufRead) -> std::io::Result<()> {
    let mark = "\u{FEFF}".as_bytes();
    if stream.fill_buf()?.starts_with(mark) {
        stream.consume(mark.len());
    }
    Ok(())
}

fn is_at_end<R: Read>(
    deserializer: &mut serde_json::Deserializer<serde_json::de::IoRead<R>>,
) -> bool {
    deserializer.end().is_ok()
}

/// One document: an object with one of [`KEYS`], or an array of objects (a Logs Insights export).
struct Document<'a, 'e> {
    each: &'a mut Each<'e>,
    failed: &'a mut Option<Error>,
}

impl Document<'_, '_> {
    /// Keeps the error and stops the parser.
    fn check<E: serde::de::Error>(
        failed: &mut Option<Error>,
        result: Result<(), Error>,
    ) -> Result<(), E> {
        result.map_err(|error| {
            *failed = Some(error);
            E::custom("stopped")
        })
    }
}

impl<'de> DeserializeSeed<'de> for Document<'_, '_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Document<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a document of the AWS CLI or a subscription payload")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut about = About::default();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "awslogs" | "Records" | "records" => {
                    let value: Box<RawValue> = map.next_value()?;
                    let event = format!("{{\"{key}\":{}}}", value.get());
                    Self::check(self.failed, read_event(event.as_bytes(), self.each))?;
                }
                "messageType" => about.is_control = map.next_value::<Value>()? == "CONTROL_MESSAGE",
                "owner" => about.owner = text(map.next_value()?),
                "logGroup" => about.log_group = text(map.next_value()?),
                "logStream" => about.log_stream = text(map.next_value()?),
                "logEvents" | "events" | "results" => {
                    map.next_value_seed(Events {
                        about: &about,
                        each: &mut *self.each,
                        failed: &mut *self.failed,
                    })?;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let about = About::default();
        while let Some(event) = seq.next_element::<Value>()? {
            Self::check(self.failed, read_object(&event, &about, self.each))?;
        }
        Ok(())
    }
}

/// A member that should be a text; another value costs only itself.
fn text(value: Value) -> Option<String> {
    if let Value::String(text) = value {
        Some(text)
    } else {
        None
    }
}

/// What a payload says of all its events.
#[derive(Debug, Default)]
struct About {
    is_control: bool,
    owner: Option<String>,
    log_group: Option<String>,
    log_stream: Option<String>,
}

/// The array of events in a document.
struct Events<'a, 'e> {
    about: &'a About,
    each: &'a mut Each<'e>,
    failed: &'a mut Option<Error>,
}

impl<'de> DeserializeSeed<'de> for Events<'_, '_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Events<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of log events")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(event) = seq.next_element::<Value>()? {
            if !self.about.is_control {
                Document::check(self.failed, read_object(&event, self.about, self.each))?;
            }
        }
        Ok(())
    }
}

/// One event: an object, or a row of Logs Insights, `[{"field":"@message","value":"…"}, …]`.
fn read_object(event: &Value, about: &About, each: &mut Each<'_>) -> Result<(), Error> {
    let row: Option<Map<String, Value>> = event
        .as_array()
        .map(|cells| cells.iter().filter_map(cell).collect());
    // What has no message is handed over as it is, to be counted as what it is.
    let text = event.to_string();
    let item = row
        .as_ref()
        .or(event.as_object())
        .and_then(json_line::item)
        .unwrap_or(Item {
            text: &text,
            ..Item::default()
        });
    let or = |own: &'_ str, all: &Option<String>| {
        if own.is_empty() {
            all.clone().unwrap_or_default()
        } else {
            own.to_owned()
        }
    };
    let (log_group, owner, log_stream) = (
        or(item.log_group, &about.log_group),
        or(item.owner, &about.owner),
        or(item.log_stream, &about.log_stream),
    );
    each(Item {
        stream: item.stream.or_else(|| super::stream_by_name(&log_stream)),
        log_group: &log_group,
        owner: &owner,
        log_stream: &log_stream,
        ..item
    })
}

fn cell(cell: &Value) -> Option<(String, Value)> {
    Some((
        cell.get("field")?.as_str()?.to_owned(),
        cell.get("value")?.clone(),
    ))
}

/// A Lambda event with compressed payloads.
fn read_event(event: &[u8], each: &mut Each<'_>) -> Result<(), Error> {
    let broken = |error: delivery::DeliveryError| {
        Error::Format(std::path::PathBuf::new(), error.to_string())
    };
    for payload in delivery::payloads(event).map_err(broken)? {
        read_payload(&payload, each).map_err(broken)??;
    }
    Ok(())
}

fn read_payload(
    payload: &Payload,
    each: &mut Each<'_>,
) -> Result<Result<(), Error>, delivery::DeliveryError> {
    let mut result = Ok(());
    payload.read(&LIMITS, |header, event| {
        if result.is_ok() {
            result = each(Item {
                text: event.message,
                is_granted: false,
                is_cut: event.is_cut,
                stream: super::stream_by_name(&header.log_stream),
                log_group: &header.log_group,
                owner: &header.owner,
                log_stream: &header.log_stream,
                event_id: event.id,
                timestamp: event.timestamp,
            });
        }
    })?;
    Ok(result)
}
