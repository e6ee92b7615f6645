//! Points in time as milliseconds since 1970, and RFC 3339.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Milliseconds of a minute.
pub const MINUTE: i64 = 60 * 1000;
/// Milliseconds of an hour.
pub const HOUR: i64 = 60 * MINUTE;
/// Milliseconds of a day.
pub const DAY: i64 = 24 * HOUR;

/// Reads RFC 3339; fractions beyond milliseconds are dropped.
#[must_use]
pub fn parse(text: &str) -> Option<i64> {
    let time = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    i64::try_from(time.unix_timestamp_nanos() / 1_000_000).ok()
}

/// Writes RFC 3339 in UTC, to the second: `2026-11-21T22:50:01Z`.
#[must_use]
pub fn rfc3339(milliseconds: i64) -> String {
    OffsetDateTime::from_unix_timestamp(milliseconds.div_euclid(1000))
        .ok()
        .and_then(|time| time.format(&Rfc3339).ok())
        .unwrap_or_else(|| "unknown time".to_owned())
}

/// `2 d 3 h`, `2 h 10 min`, `10 min`, `40 s`: two units at most.
#[must_use]
pub fn duration(milliseconds: i64) -> String {
    let seconds = milliseconds.max(0) / 1000;
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min"),
        (0, _, _) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn durations_have_two_units_at_most() {
        let told = [-5, 40_000, 600_000, 7_800_000, 200_000_000].map(super::duration);
        assert_eq!(told, ["0 s", "40 s", "10 min", "2 h 10 min", "2 d 7 h"]);
    }

    #[test]
    fn times_round_trip() {
        let time = super::parse("2026-11-21T23:50:01.250+01:00").unwrap();
        assert_eq!(super::rfc3339(time), "2026-11-21T22:50:01Z");
        assert_eq!(super::parse("yesterday"), None);
        assert_eq!(super::rfc3339(i64::MAX), "unknown time");
    }
}
