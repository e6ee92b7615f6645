//! What is counted and not told one by one: a row for each cluster and quarter of an hour.

use std::collections::BTreeMap;

use eks_access::notice::digest::{NAMED, Storm};

use super::row::{Change, Row};
use super::{OWED, Store, StoreError, YES, expiry, of_cluster};

/// A quarter of an hour, and a minute for those who are late.
const WINDOW: i64 = 15 * 60 * 1000;
const GRACE: i64 = 60 * 1000;
/// Attributes with counts by cause begin so; the catalogue's ids follow, which are a closed list.
const CAUSE: &str = "cause#";

/// The quarter of an hour in which something is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quarter(i64);

impl Quarter {
    /// The one that this time is in.
    #[must_use]
    pub fn of(now: i64) -> Self {
        Self(now.div_euclid(WINDOW) * WINDOW)
    }

    /// When people are told.
    fn due(self) -> i64 {
        self.0 + WINDOW + GRACE
    }
}

impl Store {
    /// Counts what is not told one by one.
    ///
    /// # Errors
    /// When the table can't be written.
    pub async fn add(&self, storm: &Storm, has_slack: bool, now: i64) -> Result<(), StoreError> {
        let quarter = Quarter::of(now);
        let cluster = &storm.cluster;
        let names: Vec<String> = storm
            .named
            .iter()
            .take(NAMED)
            .map(ToString::to_string)
            .collect();
        let mut change = Change::new()
            .of_cluster(cluster)
            .set_once("named", names)
            .set_once("first_seen", storm.first_seen)
            .set("last_seen", storm.last_seen)
            .set_once("owes_sns", true)
            .set_once("owes_slack", has_slack)
            .set_once("owed_since", quarter.due())
            .set_once(OWED, YES)
            .set_once("due_at", quarter.due())
            .set_once("expires_at", expiry(now));
        for (cause, count) in &storm.by_cause {
            change = change.add(&format!("{CAUSE}{cause}"), *count);
        }
        let window = quarter.0.to_string();
        self.change(&of_cluster("digest", cluster), &window, change)
            .await
            .map(drop)
    }
}

/// The digest in a row.
pub(super) fn storm(row: &Row) -> Option<Storm> {
    let by_cause: BTreeMap<String, u64> = row
        .0
        .keys()
        .filter_map(|name| Some((name.strip_prefix(CAUSE)?.to_owned(), row.count(name))))
        .collect();
    Some(Storm {
        cluster: row.cluster()?,
        by_cause,
        named: row
            .texts("named")
            .into_iter()
            .filter_map(|arn| arn.parse().ok())
            .collect(),
        first_seen: row.number("first_seen")?,
        last_seen: row.number("last_seen")?,
    })
}
