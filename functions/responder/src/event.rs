//! The event as it came.

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// The bytes of an event. Reading them as JSON can't fail: the runtime would report the failure as ours and Lambda
/// would try again, twice, what no trying can help.
#[derive(Debug)]
pub(crate) struct RawEvent(Option<Box<RawValue>>);

impl RawEvent {
    /// The JSON text; empty if it was none.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.as_ref().map_or(&[], |json| json.get().as_bytes())
    }
}

impl<'de> Deserialize<'de> for RawEvent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Box::<RawValue>::deserialize(deserializer).ok()))
    }
}

#[cfg(test)]
mod tests {
    use super::RawEvent;

    #[test]
    fn no_event_fails_to_be_read() {
        for bytes in [
            &b""[..],
            b"garbage",
            b"{\"awslogs\":",
            b"\xFF\xFE",
            b"{\"a\":\"\xFF\"}",
            b"{\"a\":1}",
        ] {
            let event: Result<RawEvent, _> =
                serde::Deserialize::deserialize(&mut serde_json::Deserializer::from_slice(bytes));
            let expected: &[u8] = if bytes == b"{\"a\":1}" { bytes } else { b"" };
            assert_eq!(event.unwrap().bytes(), expected);
        }
    }
}
