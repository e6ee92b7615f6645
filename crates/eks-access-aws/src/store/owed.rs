//! What people are owed: it is written down before it is sent, and crossed out when it was.

use std::io::{Read, Write};

use aws_sdk_dynamodb::types::AttributeValue;
use eks_access::cluster::Cluster;
use eks_access::incident::Subject;
use eks_access::memory::{IncidentId, Remembered};
use eks_access::notice::digest::Storm;
use eks_access::symptom::Symptom;
use eks_access::text::LogText;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

use super::row::{Change, Row};
use super::{
    Changed, OWED, PARCEL, STATE, Store, StoreError, YES, digest, expiry, incident, remembered,
};
use crate::parcel::Parcel;
use crate::slack::Place;

/// How long somebody who is about to tell people has for it: longer than an invocation may take.
const LEASE: i64 = 40 * 1000;
/// A parcel that unfolds to more is none of ours.
const MAX_PARCEL: u64 = 1 << 20;

/// Something whose time has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    pub(super) pk: String,
    pub(super) sk: String,
}

/// An incident as its row has it.
#[derive(Debug, Clone)]
pub struct IncidentRow {
    /// Its id.
    pub id: IncidentId,
    /// What is remembered of it.
    pub state: Remembered,
    /// The cluster.
    pub cluster: Cluster,
    /// Whom it is about.
    pub subject: Subject,
    /// What its lines said.
    pub symptom: Symptom,
    /// SNS is owed a notice.
    pub owes_sns: bool,
    /// Slack is owed a message.
    pub owes_slack: bool,
    /// When people were first to be told, by the clock of whoever was to.
    pub owed_since: Option<i64>,
    /// How often it was tried to send what is owed.
    pub attempts: u64,
    /// How often it was looked whether it is resolved.
    pub looks: u64,
    /// Where its card stands.
    pub place: Option<Place>,
    /// Who muted it last: text of others.
    pub muted_by: Option<String>,
}

/// A digest whose time has come.
#[derive(Debug, Clone)]
pub struct OwedStorm {
    /// What is to be told.
    pub storm: Storm,
    /// SNS is owed it.
    pub owes_sns: bool,
    /// Slack is owed it.
    pub owes_slack: bool,
    /// When people were first to be told.
    pub owed_since: i64,
    /// How often it was tried.
    pub attempts: u64,
}

/// What became of sending.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settled {
    /// SNS is still owed it.
    pub owes_sns: bool,
    /// Slack is still owed it.
    pub owes_slack: bool,
    /// How often it was tried by now.
    pub attempts: u64,
    /// Where the card stands.
    pub place: Option<Place>,
    /// When to come back to it.
    pub due_at: Option<i64>,
}

impl Store {
    /// Takes it upon us to tell people of an incident: writes down what, and until when nobody else should. `before` is
    /// what the decision was based on; if that is no longer so, somebody else was faster: `false`.
    ///
    /// # Errors
    /// When the table can't be written.
    pub async fn claim(
        &self,
        id: &IncidentId,
        before: Option<&Remembered>,
        told: &Remembered,
        parcel: &Parcel,
        now: i64,
    ) -> Result<bool, StoreError> {
        self.put_parcel(id, parcel, now).await?;
        let is_new_episode = before.is_some_and(|before| before.episode != told.episode);
        let mut change = Change::new()
            .set("told", told.told)
            .set("told_at", told.told_at)
            .set("told_cause", told.told_cause.as_str())
            .set("told_count", told.count)
            .set("next_at", told.next_at)
            .set("episode", told.episode)
            .set("looks", 0_u64)
            .set_or_remove("resolved_at", told.resolved_at)
            .remove("edited_at");
        if is_new_episode {
            // A new episode has a card of its own, and counts of its own.
            change = change
                .set("count", told.count)
                .set("first_seen", told.first_seen)
                .remove("channel")
                .remove("ts");
        }
        let change = leased(change, now)
            .set("owes_sns", true)
            .set("owes_slack", parcel.slack.is_some())
            .set("owed_since", now)
            .set("attempts", 0_u64)
            .only_if_none_or("told_at", "=", before.map_or(0, |before| before.told_at))
            .only_if_none_or("lease_until", "<=", now);
        let changed = self.change(&incident(id), STATE, change).await?;
        Ok(matches!(changed, Changed::Yes(_)))
    }

    /// Takes it upon us to send what is owed already; `false` if somebody else does.
    ///
    /// # Errors
    /// When the table can't be written.
    pub async fn take_over(&self, due: &Due, now: i64) -> Result<bool, StoreError> {
        let change = leased(Change::new(), now).only_if_none_or("lease_until", "<=", now);
        let changed = self
            .change(&due.pk, &due.sk, change.only_if_there())
            .await?;
        Ok(matches!(changed, Changed::Yes(_)))
    }

    /// Crosses out what was sent.
    ///
    /// # Errors
    /// When the table can't be written: what was sent will then be sent again.
    pub async fn settle(&self, due: &Due, settled: &Settled) -> Result<(), StoreError> {
        let mut change = Change::new()
            .set("owes_sns", settled.owes_sns)
            .set("owes_slack", settled.owes_slack)
            .set("attempts", settled.attempts)
            .remove("lease_until")
            .set_or_remove(OWED, settled.due_at.map(|_| YES))
            .set_or_remove("due_at", settled.due_at);
        if let Some(place) = &settled.place {
            change = change
                .set("channel", place.channel.as_str())
                .set("ts", place.ts.as_str());
        }
        self.change(&due.pk, &due.sk, change).await.map(drop)
    }

    /// Notes that it was looked whether an incident is resolved, and when to look again.
    ///
    /// # Errors
    /// When the table can't be written.
    pub async fn looked(&self, due: &Due, looks: u64, next: Option<i64>) -> Result<(), StoreError> {
        let change = Change::new()
            .set("looks", looks)
            .remove("lease_until")
            .set_or_remove(OWED, next.map(|_| YES))
            .set_or_remove("due_at", next);
        self.change(&due.pk, &due.sk, change).await.map(drop)
    }

    /// Notes that an incident was resolved, and what people are to be told of that. `false` if its principal was refused
    /// again in the meantime.
    ///
    /// # Errors
    /// When the table can't be written.
    pub async fn resolve(
        &self,
        row: &IncidentRow,
        at: i64,
        parcel: &Parcel,
        now: i64,
    ) -> Result<bool, StoreError> {
        self.put_parcel(&row.id, parcel, now).await?;
        let change = leased(Change::new(), now)
            .set("resolved_at", at)
            .set("owes_sns", true)
            .set("owes_slack", parcel.slack.is_some())
            .set("owed_since", now)
            .set("attempts", 0_u64)
            .only_if("last_seen", "<=", at);
        let changed = self.change(&incident(&row.id), STATE, change).await?;
        Ok(matches!(changed, Changed::Yes(_)))
    }

    /// What was to be sent of an incident.
    ///
    /// # Errors
    /// When the table can't be read.
    pub async fn parcel(&self, id: &IncidentId) -> Result<Option<Parcel>, StoreError> {
        let row = self.read(&incident(id), PARCEL, true).await?;
        Ok(row.as_ref().and_then(|row| unpacked(row.bytes("parcel")?)))
    }

    /// Whatever is due by now, the oldest first, at most so many.
    ///
    /// # Errors
    /// When the table can't be read.
    pub async fn due(&self, now: i64, most: i32) -> Result<Vec<Due>, StoreError> {
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(OWED)
            .key_condition_expression("#owed = :yes AND #due <= :now")
            .expression_attribute_names("#owed", OWED)
            .expression_attribute_names("#due", "due_at")
            .expression_attribute_values(":yes", AttributeValue::S(YES.to_owned()))
            .expression_attribute_values(":now", AttributeValue::N(now.to_string()))
            .limit(most)
            .send()
            .await?;
        let rows = answer.items.unwrap_or_default().into_iter().map(Row);
        let due = rows.filter_map(|row| {
            Some(Due {
                pk: row.text("pk")?.to_owned(),
                sk: row.text("sk")?.to_owned(),
            })
        });
        Ok(due.collect())
    }

    /// The incident that is due; `None` if it is none, or is gone.
    ///
    /// # Errors
    /// When the table can't be read.
    pub async fn owed_incident(&self, due: &Due) -> Result<Option<IncidentRow>, StoreError> {
        if due.id().is_none() {
            return Ok(None);
        }
        let row = self.read(&due.pk, &due.sk, true).await?;
        Ok(row.and_then(|row| incident_row(due, &row)))
    }

    /// The digest that is due; `None` if it is none, or is gone.
    ///
    /// # Errors
    /// When the table can't be read.
    pub async fn owed_storm(&self, due: &Due) -> Result<Option<OwedStorm>, StoreError> {
        if !due.pk.starts_with("digest#") {
            return Ok(None);
        }
        let row = self.read(&due.pk, &due.sk, true).await?;
        Ok(row.and_then(|row| {
            Some(OwedStorm {
                storm: digest::storm(&row)?,
                owes_sns: row.flag("owes_sns"),
                owes_slack: row.flag("owes_slack"),
                owed_since: row.number("owed_since").unwrap_or(0),
                attempts: row.count("attempts"),
            })
        }))
    }

    async fn put_parcel(
        &self,
        id: &IncidentId,
        parcel: &Parcel,
        now: i64,
    ) -> Result<(), StoreError> {
        let change = Change::new()
            .set("parcel", packed(parcel))
            .set("expires_at", expiry(now));
        self.change(&incident(id), PARCEL, change).await.map(drop)
    }
}

impl Due {
    /// An incident's own.
    #[must_use]
    pub fn of(id: &IncidentId) -> Self {
        Self {
            pk: incident(id),
            sk: STATE.to_owned(),
        }
    }

    fn id(&self) -> Option<IncidentId> {
        self.pk.strip_prefix("incident#")?.parse().ok()
    }
}

/// Whoever crashes leaves what is owed to be found when the lease is over.
fn leased(change: Change, now: i64) -> Change {
    let until = now.saturating_add(LEASE);
    change
        .set("lease_until", until)
        .set(OWED, YES)
        .set("due_at", until)
}

pub(super) fn place(row: &Row) -> Option<Place> {
    Some(Place {
        channel: row.text("channel")?.to_owned(),
        ts: row.text("ts")?.to_owned(),
    })
}

pub(super) fn incident_row(due: &Due, row: &Row) -> Option<IncidentRow> {
    Some(IncidentRow {
        id: due.id()?,
        state: remembered(row),
        cluster: row.cluster()?,
        subject: row.text("subject")?.parse().ok()?,
        symptom: row.text("symptom")?.parse().ok()?,
        owes_sns: row.flag("owes_sns"),
        owes_slack: row.flag("owes_slack"),
        owed_since: row.number("owed_since"),
        attempts: row.count("attempts"),
        looks: row.count("looks"),
        place: place(row),
        muted_by: row.text("muted_by").map(|by| LogText::new(by).shown(300)),
    })
}

fn packed(parcel: &Parcel) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::default());
    let text = parcel.to_json();
    // Writing into memory does not fail.
    packer.write_all(text.as_bytes()).ok();
    packer.finish().unwrap_or_default()
}

fn unpacked(bytes: &[u8]) -> Option<Parcel> {
    let mut text = String::new();
    GzDecoder::new(bytes)
        .take(MAX_PARCEL)
        .read_to_string(&mut text)
        .ok()?;
    Parcel::from_json(&text)
}
