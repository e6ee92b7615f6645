//! The event of a scheduled rule (`EventBridge` user guide, "Scheduled Event").

use eks_access::timestamp::{self, DAY};
use serde::Deserialize;

use crate::clock;

/// No event of `EventBridge` is longer; a delivery of this size is read as well as any.
const LONGEST: usize = 4096;
/// Whoever may send ticks can't put the time further off.
const FURTHEST: i64 = 3 * DAY;

/// As far as it tells a tick from anything else.
#[derive(Deserialize)]
struct Scheduled<'a> {
    source: &'a str,
    #[serde(rename = "detail-type")]
    detail_type: &'a str,
    time: &'a str,
}

/// When it is, if the event is a tick, in milliseconds since 1970.
#[must_use]
pub fn at(event: &[u8]) -> Option<i64> {
    if event.len() > LONGEST {
        return None;
    }
    let event: Scheduled<'_> = serde_json::from_slice(event).ok()?;
    let is_tick = event.source == "aws.events" && event.detail_type == "Scheduled Event";
    is_tick.then(|| timestamp::parse(event.time))?
}

/// The time that a tick is taken to be: not before now, for it may have waited, and not much later.
#[must_use]
pub fn believed(at: i64) -> i64 {
    let now = clock::now();
    at.clamp(now, now.saturating_add(FURTHEST))
}

#[cfg(test)]
mod tests {
    use super::at;

    #[test]
    fn a_tick_is_told_from_everything_else() {
        let scheduled = r#"{"version":"0","id":"53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa","detail-type":"Scheduled Event",
            "source":"aws.events","account":"111122223333","time":"2026-03-01T10:00:00Z","region":"eu-west-1",
            "resources":["arn:aws:events:eu-west-1:111122223333:rule/tick"],"detail":{}}"#;
        let tick = |text: &str| at(text.as_bytes());
        assert_eq!(tick(scheduled), Some(1_772_359_200_000));
        assert_eq!(tick(&scheduled.replace("aws.events", "aws.ec2")), None);
        assert_eq!(tick(&scheduled.replace("T10", "")), None);
        assert_eq!(tick(r#"{"awslogs":{"data":"x"}}"#), None);
    }
}
