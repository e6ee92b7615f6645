//! The table in which incidents are remembered: one table of Amazon `DynamoDB`, keys `pk` and `sk`.
//!
//! | pk | sk | what | written |
//! |---|---|---|---|
//! | `incident#ID` | `state` | counts, when people were told, what is owed to them | once for each incident in a delivery |
//! | `incident#ID` | `parcel#CLAIM` | what to send, as it was when people were to be told | when people are told |
//! | `cluster#ACCOUNT/REGION/NAME` | `state` | new incidents of this hour, when `aws-auth` broke | with each new incident |
//! | `digest#ACCOUNT/REGION/NAME` | a quarter of an hour | counts of what is not told one by one | once for each delivery in a storm |
//!
//! What is owed is found through the sparse index `owed` (`owed`, `due_at`), which holds keys only, so that counting
//! does not write to it. Every write of a change is conditional where two could make it. Times are milliseconds since 1970,
//! but for `expires_at`, the time to live, which is in seconds.

use std::fmt;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};
use eks_access::cluster::Cluster;
use eks_access::memory::{Arrival, Broken, IncidentId, Remembered};
use eks_access::notice::Notice;
use eks_access::timestamp::HOUR;

mod digest;
mod list;
mod owed;
mod row;

pub use digest::Quarter;
pub use owed::{Claim, Due, IncidentRow, Looked, OwedStorm, Settled};

use row::{Change, Row};

/// The index of what is owed.
const OWED: &str = "owed";
/// The one key of that index.
const YES: &str = "1";
const STATE: &str = "state";
/// How long a row outlives its last change.
const KEPT: Duration = Duration::from_hours(30 * 24);

/// Why the table did not do as it was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreError {
    /// AWS' error code, or `Timeout` or `Unreachable`.
    pub code: String,
    /// What AWS or the connection said.
    pub message: String,
}

impl StoreError {
    /// Whether the table was asked too often.
    #[must_use]
    pub fn is_throttling(&self) -> bool {
        matches!(
            self.code.as_str(),
            "ProvisionedThroughputExceededException"
                | "ThrottlingException"
                | "RequestLimitExceeded"
        )
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for StoreError {}

impl<E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static> From<SdkError<E>>
    for StoreError
{
    fn from(error: SdkError<E>) -> Self {
        let (code, message) = crate::aws::told(&error, "DynamoDB");
        Self { code, message }
    }
}

/// The table.
#[derive(Debug, Clone)]
pub struct Store {
    client: Client,
    table: String,
}

/// What a change came to.
enum Changed {
    /// It was made; the row as it was before, if there was one.
    Yes(Option<Row>),
    /// Its condition did not hold; the row as it is, if there is one.
    No(Option<Row>),
}

/// What was remembered of a cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OfCluster {
    /// When its `aws-auth` was last said to be broken.
    pub broken: Option<Broken>,
}

/// An incident as it was before an arrival.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrived {
    /// What was remembered.
    pub before: Option<Remembered>,
    /// Whether these very lines had been counted before.
    pub is_twice: bool,
    /// Where its card stands.
    pub place: Option<crate::slack::Place>,
}

impl Store {
    /// The table with this name.
    #[must_use]
    pub fn new(config: &SdkConfig, table: &str) -> Self {
        Self {
            client: Client::new(config),
            table: table.to_owned(),
        }
    }

    /// What is remembered of an incident.
    ///
    /// # Errors
    /// When the table can't be read.
    pub async fn recall(&self, id: &IncidentId) -> Result<Option<Remembered>, StoreError> {
        let row = self.read(&incident(id), STATE, false).await?;
        Ok(row.as_ref().map(remembered))
    }

    /// Counts an arrival, unless these very lines were among the last that were counted, and says what was remembered
    /// before.
    ///
    /// # Errors
    /// When the table can't be written.
    pub async fn arrive(
        &self,
        id: &IncidentId,
        notice: &Notice,
        arrival: &Arrival,
        now: i64,
    ) -> Result<Arrived, StoreError> {
        let change = Change::new()
            .set_once("first_seen", arrival.first_seen)
            .set_once("episode", 1_u64)
            .set_once("subject", notice.subject.slug().as_str())
            .set_once("symptom", notice.symptom.slug())
            .of_cluster(&notice.cluster);
        self.count(id, notice, arrival, now, change).await
    }

    /// Adds a denial to the incident of the broken `aws-auth` that explains it.
    ///
    /// # Errors
    /// When the table can't be written.
    pub async fn add_to(
        &self,
        id: &IncidentId,
        notice: &Notice,
        arrival: &Arrival,
        now: i64,
    ) -> Result<Arrived, StoreError> {
        let change = Change::new().only_if_there();
        self.count(id, notice, arrival, now, change).await
    }

    async fn count(
        &self,
        id: &IncidentId,
        notice: &Notice,
        arrival: &Arrival,
        now: i64,
        more: Change,
    ) -> Result<Arrived, StoreError> {
        let pk = incident(id);
        let lines = &lines_of(notice, arrival);
        let newest = counting(more, lines, arrival, now)
            .set("last_seen", arrival.last_seen)
            .only_if_none_or("last_seen", "<=", arrival.last_seen);
        let changed = match self.change(&pk, STATE, newest).await? {
            // They came late: the last line stays the last.
            Changed::No(Some(row)) if !LINES.iter().any(|name| row.text(name) == Some(lines)) => {
                let late = counting(Change::new(), lines, arrival, now).only_if_there();
                self.change(&pk, STATE, late).await?
            }
            changed => changed,
        };
        let (row, is_twice) = match changed {
            Changed::Yes(row) => (row, false),
            Changed::No(row) => (row, true),
        };
        Ok(Arrived {
            before: row.as_ref().map(remembered),
            place: row.as_ref().and_then(owed::place),
            is_twice,
        })
    }

    /// Takes it upon us to bring a card up to date; `false` if somebody else did, or is about to say something.
    ///
    /// # Errors
    /// When the table can't be written.
    pub async fn begin_edit(
        &self,
        id: &IncidentId,
        before: &Remembered,
        at: i64,
        claim: Claim<'_>,
    ) -> Result<bool, StoreError> {
        let change = Change::new()
            .set("edited_at", at)
            .set("lease_until", claim.ends())
            .set("claim", claim.by)
            .only_if_none_or("lease_until", "<=", claim.now)
            .only_if_none_or("edited_at", "=", before.edited_at.unwrap_or(-1))
            .only_if("told_at", "=", before.told_at);
        let changed = self.change(&incident(id), STATE, change).await?;
        Ok(matches!(changed, Changed::Yes(_)))
    }

    /// Lets others speak again.
    ///
    /// # Errors
    /// When the table can't be written.
    pub async fn end_edit(&self, id: &IncidentId, claim: Claim<'_>) -> Result<(), StoreError> {
        let change = Change::new()
            .remove("lease_until")
            .remove("claim")
            .only_if("claim", "=", claim.by);
        self.change(&incident(id), STATE, change).await.map(drop)
    }

    /// Silences an incident until then; `None` ends the silence. `false` if there is no such incident.
    ///
    /// # Errors
    /// When the table can't be written.
    pub async fn mute(
        &self,
        id: &IncidentId,
        until: Option<i64>,
        by: &str,
        now: i64,
    ) -> Result<bool, StoreError> {
        let change = Change::new()
            .set_or_remove("muted_until", until)
            .set("muted_by", by)
            .set("expires_at", expiry(until.unwrap_or(now)))
            .only_if_there();
        let changed = self.change(&incident(id), STATE, change).await?;
        Ok(matches!(changed, Changed::Yes(_)))
    }

    /// What is remembered of a cluster.
    ///
    /// # Errors
    /// When the table can't be read.
    pub async fn cluster(&self, cluster: &Cluster) -> Result<OfCluster, StoreError> {
        let row = self
            .read(&of_cluster("cluster", cluster), STATE, false)
            .await?;
        let broken = row.and_then(|row| {
            Some(Broken {
                at: row.number("broken_at")?,
                id: row.text("broken_by")?.parse().ok()?,
            })
        });
        Ok(OfCluster { broken })
    }

    /// Notes that a cluster's `aws-auth` is broken.
    ///
    /// # Errors
    /// When the table can't be written.
    pub async fn broke(
        &self,
        cluster: &Cluster,
        broken: &Broken,
        now: i64,
    ) -> Result<(), StoreError> {
        let change = Change::new()
            .set("broken_at", broken.at)
            .set("broken_by", broken.id.as_str())
            .set("expires_at", expiry(now))
            .only_if_none_or("broken_at", "<=", broken.at);
        self.change(&of_cluster("cluster", cluster), STATE, change)
            .await
            .map(drop)
    }

    /// Takes one of the new incidents that a cluster may have in this hour; `false` if they are used up.
    ///
    /// # Errors
    /// When the table can't be written.
    pub async fn take(&self, cluster: &Cluster, most: u64, now: i64) -> Result<bool, StoreError> {
        let hour = now.div_euclid(HOUR);
        let key = of_cluster("cluster", cluster);
        // Another may begin the same hour at the same time; then the first change holds.
        for _ in 0..2 {
            let more = Change::new()
                .add("incidents", 1)
                .only_if("hour", "=", hour)
                .only_if("incidents", "<", most);
            match self.change(&key, STATE, more).await? {
                Changed::Yes(_) => return Ok(true),
                Changed::No(Some(row)) if row.number("hour") == Some(hour) => return Ok(false),
                Changed::No(_) => {}
            }
            let first = Change::new()
                .set("hour", hour)
                .set("incidents", 1_u64)
                .set("expires_at", expiry(now))
                .only_if_none_or("hour", "<>", hour);
            if let Changed::Yes(_) = self.change(&key, STATE, first).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn change(&self, pk: &str, sk: &str, change: Change) -> Result<Changed, StoreError> {
        let request = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", AttributeValue::S(pk.to_owned()))
            .key("sk", AttributeValue::S(sk.to_owned()))
            .return_values(ReturnValue::AllOld)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match change.into(request).send().await {
            Ok(done) => Ok(Changed::Yes(done.attributes.map(Row))),
            Err(error) => {
                let failed = error
                    .as_service_error()
                    .and_then(|error| match error {
                        aws_sdk_dynamodb::operation::update_item::UpdateItemError::ConditionalCheckFailedException(failed) => {
                            Some(failed.item.clone().map(Row))
                        }
                        _ => None,
                    });
                match failed {
                    Some(row) => Ok(Changed::No(row)),
                    None => Err(error.into()),
                }
            }
        }
    }

    async fn read(&self, pk: &str, sk: &str, is_exact: bool) -> Result<Option<Row>, StoreError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.table)
            .key("pk", AttributeValue::S(pk.to_owned()))
            .key("sk", AttributeValue::S(sk.to_owned()))
            .consistent_read(is_exact)
            .send()
            .await?;
        Ok(answer.item.map(Row))
    }
}

/// The lines that were counted last, the newest first. `CloudWatch` Logs delivers at least once, and Lambda tries again.
const LINES: [&str; 3] = ["lines_1", "lines_2", "lines_3"];

/// Stands for the lines of an arrival: ids of `CloudWatch` Logs are unique, and the first line's stands for all.
fn lines_of(notice: &Notice, arrival: &Arrival) -> String {
    let lines = format!(
        "{}/{}/{}/{}",
        notice.evidence.event_id,
        notice.subject.slug(),
        arrival.count,
        arrival.last_seen
    );
    let id = IncidentId::of(&lines);
    id.as_str().get(..16).unwrap_or_default().to_owned()
}

fn counting(change: Change, lines: &str, arrival: &Arrival, now: i64) -> Change {
    let [first, second, third] = LINES;
    let change = change
        .add("count", arrival.count)
        .set("expires_at", expiry(now))
        .set(first, lines)
        .set_from(second, first, "-")
        .set_from(third, second, "-");
    LINES.iter().fold(change, |change, name| {
        change.only_if_none_or(name, "<>", lines)
    })
}

fn incident(id: &IncidentId) -> String {
    format!("incident#{}", id.as_str())
}

fn of_cluster(kind: &str, cluster: &Cluster) -> String {
    format!("{kind}#{}", row::place(cluster).join("/"))
}

fn expiry(now: i64) -> i64 {
    now / 1000 + i64::try_from(KEPT.as_secs()).unwrap_or(i64::MAX)
}

fn remembered(row: &Row) -> Remembered {
    let number = |name: &str| row.number(name).unwrap_or(0);
    Remembered {
        count: row.count("count"),
        told_count: row.count("told_count"),
        first_seen: number("first_seen"),
        last_seen: number("last_seen"),
        episode: row.count("episode"),
        told: row.count("told"),
        told_at: number("told_at"),
        told_cause: row.text("told_cause").unwrap_or("").to_owned(),
        next_at: number("next_at"),
        lease_until: row.number("lease_until"),
        muted_until: row.number("muted_until"),
        resolved_at: row.number("resolved_at"),
        edited_at: row.number("edited_at"),
        has_card: owed::place(row).is_some(),
    }
}
