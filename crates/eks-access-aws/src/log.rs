//! Structured logs: one JSON object a line, on standard output.
//!
//! Names of fields, everywhere the same: `request_id` (of the invocation), `reason` (a stable slug or an AWS error
//! code), `detail` (a sentence of ours or of AWS), `cluster`, `cause`, `count`, `location` (in our source). Text of a
//! log line that was delivered to us is none of them.

use std::io::Write;

use serde_json::{Map, Value};

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Worth knowing.
    Info,
    /// Something was left out, and the rest went on.
    Warn,
    /// Something we ought to have done was not done.
    Error,
}

impl Level {
    fn slug(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// One line of our log.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry(Map<String, Value>);

impl Entry {
    /// A line with a sentence of ours.
    #[must_use]
    pub fn new(level: Level, message: &'static str) -> Self {
        let mut fields = Map::new();
        fields.insert("level".to_owned(), level.slug().into());
        fields.insert("message".to_owned(), message.into());
        Self(fields)
    }

    /// With one more field.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// Writes it.
    pub fn write(self) {
        write_line(&Value::Object(self.0).to_string());
    }
}

/// Writes a record of the audit, as one line of our log.
pub fn write_audit(record: &Value) {
    Entry::new(Level::Info, "audit")
        .with("audit", record.clone())
        .write();
}

/// Writes one line that is a JSON object. A standard output that can't be written leaves nowhere to say so.
pub fn write_line(line: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("{line}\n").as_bytes()).ok();
    out.flush().ok();
}

#[cfg(test)]
mod tests {
    use super::{Entry, Level};

    #[test]
    fn an_entry_is_one_json_object_on_one_line() {
        let entry = Entry::new(Level::Warn, "a payload was rejected")
            .with("detail", "two\nlines")
            .with("count", 3);
        let line = serde_json::Value::Object(entry.0).to_string();
        assert_eq!(
            line,
            r#"{"count":3,"detail":"two\nlines","level":"warn","message":"a payload was rejected"}"#
        );
    }
}
