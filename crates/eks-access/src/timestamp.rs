//! Points in time as milliseconds since 1970, and RFC 3339.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

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

#[cfg(test)]
mod tests {
    #[test]
    fn times_round_trip() {
        let time = super::parse("2026-11-21T23:50:01.250+01:00").unwrap();
        assert_eq!(super::rfc3339(time), "2026-11-21T22:50:01Z");
        assert_eq!(super::parse("yesterday"), None);
        assert_eq!(super::rfc3339(i64::MAX), "unknown time");
    }
}
