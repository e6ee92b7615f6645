//! logrus' JSON form.

use super::{MAX_LINE_BYTES, NotARecord, Record, Value};

/// Reads the JSON form (`--log-format json`): one object with `level` and `msg`.
///
/// # Errors
/// [`NotARecord`] when the line is not such an object, or has a key twice.
pub fn parse_json(line: &str) -> Result<Record<'_>, NotARecord> {
    if line.len() > MAX_LINE_BYTES {
        return Err(NotARecord::Malformed);
    }
    let fields: JsonFields = serde_json::from_str(line).map_err(|error| {
        if error.is_eof() {
            NotARecord::CutAtEnd
        } else {
            NotARecord::Malformed
        }
    })?;
    let mut record = Record::default();
    for (key, value) in fields.0 {
        let text = match value {
            serde_json::Value::String(text) => text,
            serde_json::Value::Array(items) => format!("[{}]", joined(&items)),
            other => other.to_string(),
        };
        if let Some(known) = JSON_KEYS.iter().find(|known| **known == key) {
            record.push(known, Value::Owned(text))?;
        }
    }
    let is_record = record.get("msg").is_some() && record.get("level").is_some();
    if is_record {
        Ok(record)
    } else {
        Err(NotARecord::Malformed)
    }
}

/// The keys that mean something; the JSON form's others are left out.
const JSON_KEYS: [&str; 13] = [
    "time",
    "level",
    "msg",
    "arn",
    "client",
    "error",
    "method",
    "path",
    "session",
    "accountid",
    "userid",
    "username",
    "stsendpoint",
];

/// An array as the text form prints it, Go's `%v` of a slice.
fn joined(items: &[serde_json::Value]) -> String {
    let texts = items.iter().map(|item| {
        item.as_str()
            .map_or_else(|| item.to_string(), str::to_owned)
    });
    texts.collect::<Vec<_>>().join(" ")
}

/// A JSON object's members in order, twice-given keys included, so that they can be refused.
struct JsonFields(Vec<(String, serde_json::Value)>);

impl<'de> serde::Deserialize<'de> for JsonFields {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> serde::de::Visitor<'de> for Members {
            type Value = JsonFields;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<JsonFields, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(JsonFields(members))
            }
        }
        deserializer.deserialize_map(Members)
    }
}
