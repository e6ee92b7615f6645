//! The event as it came.

use eks_access_aws::tick;
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

impl RawEvent {
    /// When it is, if the event is a tick (`EventBridge` user guide, "Scheduled Event"), in milliseconds since 1970.
    pub(crate) fn tick(&self) -> Option<i64> {
        tick::at(self.bytes())
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
