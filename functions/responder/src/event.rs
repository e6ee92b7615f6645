//! The event as it came.

use eks_access::timestamp;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// No event of `EventBridge` is longer; a delivery of this size is read as well as any.
const MAX_TICK: usize = 4096;

/// An event of `EventBridge`, as far as it tells a tick from anything else.
#[derive(Deserialize)]
struct Scheduled<'a> {
    source: &'a str,
    #[serde(rename = "detail-type")]
    detail_type: &'a str,
    time: &'a str,
}

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
        let bytes = self.bytes();
        if bytes.len() > MAX_TICK {
            return None;
        }
        let event: Scheduled<'_> = serde_json::from_slice(bytes).ok()?;
        let is_tick = event.source == "aws.events" && event.detail_type == "Scheduled Event";
        is_tick.then(|| timestamp::parse(event.time))?
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

    #[test]
    fn a_tick_is_told_from_everything_else() {
        let tick = |text: &str| serde_json::from_str::<RawEvent>(text).unwrap().tick();
        let scheduled = r#"{"version":"0","id":"53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa","detail-type":"Scheduled Event",
            "source":"aws.events","account":"111122223333","time":"2026-03-01T10:00:00Z","region":"eu-west-1",
            "resources":["arn:aws:events:eu-west-1:111122223333:rule/tick"],"detail":{}}"#;
        assert_eq!(tick(scheduled), Some(1_772_359_200_000));
        assert_eq!(tick(&scheduled.replace("aws.events", "aws.ec2")), None);
        assert_eq!(tick(&scheduled.replace("T10", "")), None);
        assert_eq!(tick(r#"{"awslogs":{"data":"x"}}"#), None);
    }
}
