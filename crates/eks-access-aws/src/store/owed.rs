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
use super::{Changed, OWED, STATE, Store, StoreError, YES, digest, incident, remembered};
use crate::parcel::Parcel;
use crate::slack::Place;

/// How long somebody who is about to tell people has for it: longer than an invocation may take.
const LEASE: i64 = 40 * 1000;
/// A parcel that unfolds to more is none of ours.
const MAX_PARCEL: u64 = 1 << 20;

/// Messages are kept so long, in seconds: longer than anybody is owed one.
const PARCELS_KEPT: i64 = 3 * 24 * 60 * 60;

/// Who takes something upon themselves, and when.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// The invocation.
    pub by: &'a str,
    /// By its clock, in milliseconds since 1970.
    pub now: i64,
}

impl Claim<'_> {
    /// When others may take over.
    #[must_use]
    pub fn ends(self) -> i64 {
        self.now.saturating_add(LEASE)
    }
}

/// What became of looking after an incident.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Looked {
    /// How often its log was searched by now.
    pub looks: u64,
    /// How far.
    pub until: Option<i64>,
    /// When to look again.
    pub next: Option<i64>,
}

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
    /// Whether something came that nobody has decided about.
    pub is_overheard: bool,
    /// How far its log was searched.
    pub looked_until: Option<i64>,
    /// When to search it next.
    pub look_at: Option<i64>,
    /// The name of the message that is owed.
    parcel: String,
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
    /// what the decision was based on; if that is no longer so, somebody else was faster: `false`. The message is written
    /// first, under the name of the claim, so that a claim that holds always has its own.
    ///
    /// # Errors
    /// When the table can't be written.
    pub async fn claim(
        &self,
        id: &IncidentId,
        before: Option<&Remembered>,
        told: &Remembered,
        parcel: &Parcel,
        look_at: Option<i64>,
        claim: Claim<'_>,
    ) -> Result<bool, StoreError> {
        self.put_parcel(id, parcel, claim).await?;
        let is_new_episode = before.is_some_and(|before| before.episode != told.episode);
        let mut change = Change::new()
            .set("told", told.told)
            .set("told_at", told.told_at)
            .set("told_cause", told.told_cause.as_str())
            .set("told_count", told.count)
            .set("next_at", told.next_at)
            .set("episode", told.episode)
            .set("looks", 0_u64)
            .set_or_remove("look_at", look_at)
            .set_or_remove("resolved_at", told.resolved_at)
            .remove("overheard")
            .remove("looked_until")
            .remove("edited_at");
        if is_new_episode {
            // A new episode has a card of its own, and counts of its own.
            change = change
                .set("count", told.count)
                .set("first_seen", told.first_seen)
                .remove("channel")
                .remove("ts");
        }
        let told_at = before.map_or(0, |before| before.told_at);
        let change = owing(change, parcel, claim).only_if_none_or("told_at", "=", told_at);
        let changed = self.change(&incident(id), STATE, change).await?;
        Ok(matches!(changed, Changed::Yes(_)))
    }

    /// Takes it upon us to send what is owed already; `false` if somebody else does.
    ///
    /// # Errors
    /// When the table can't be written.
    pub async fn take_over(&self, due: &Due, claim: Claim<'_>) -> Result<bool, StoreError> {
        let change = leased(Change::new(), claim).only_if("due_at", "<=", claim.now);
        let changed = self.change(&due.pk, &due.sk, change).await?;
        Ok(matches!(changed, Changed::Yes(_)))
    }

    /// Crosses out what SNS was owed, before Slack is asked; `false` if the claim is lost.
    ///
    /// # Errors
    /// When the table can't be written: SNS may get it again.
    pub async fn published(&self, due: &Due, claim: Claim<'_>) -> Result<bool, StoreError> {
        let change = Change::new()
            .set("owes_sns", false)
            .only_if("claim", "=", claim.by);
        let changed = self.change(&due.pk, &due.sk, change).await?;
        Ok(matches!(changed, Changed::Yes(_)))
    }

    /// Crosses out what was sent. Whoever has lost the claim meanwhile changes nothing.
    ///
    /// # Errors
    /// When the table can't be written: what was sent will then be sent again.
    pub async fn settle(
        &self,
        due: &Due,
        settled: &Settled,
        claim: Claim<'_>,
    ) -> Result<(), StoreError> {
        let is_owed = settled.owes_sns || settled.owes_slack;
        // Something that came while we were speaking waits for what is owed, but for nothing else.
        let quiet = settling(settled, settled.due_at, claim);
        let quiet = if is_owed {
            quiet
        } else {
            quiet.only_if_none("overheard")
        };
        match self.change(&due.pk, &due.sk, quiet).await? {
            Changed::No(Some(row)) if row.flag("overheard") => {
                let soon = Some(claim.now.saturating_add(1));
                let change = settling(settled, soon, claim);
                self.change(&due.pk, &due.sk, change).await.map(drop)
            }
            Changed::Yes(_) | Changed::No(_) => Ok(()),
        }
    }

    /// Crosses out everything of a row that nobody can make anything of.
    ///
    /// # Errors
    /// When the table can't be written.
    pub async fn drop_owed(&self, due: &Due) -> Result<(), StoreError> {
        let names = [
            OWED,
            "due_at",
            "overheard",
            "lease_until",
            "claim",
            "owes_sns",
            "owes_slack",
        ];
        let change = names.into_iter().fold(Change::new(), Change::remove);
        self.change(&due.pk, &due.sk, change.only_if_there())
            .await
            .map(drop)
    }

    /// Notes that something is to be decided about an incident, at this time at the earliest: by the next tick.
    ///
    /// # Errors
    /// When the table can't be written.
    pub async fn overhear(&self, due: &Due, at: i64) -> Result<(), StoreError> {
        let change = Change::new()
            .set("overheard", true)
            .set(OWED, YES)
            .set("due_at", at)
            .only_if_there();
        self.change(&due.pk, &due.sk, change).await.map(drop)
    }

    /// Takes it upon us to look after an incident without telling anybody: whoever has something to say may say it.
    /// `false` if somebody else does.
    ///
    /// # Errors
    /// When the table can't be written.
    pub async fn begin_look(&self, due: &Due, now: i64) -> Result<bool, StoreError> {
        let change = Change::new()
            .set("due_at", now.saturating_add(LEASE))
            .only_if("due_at", "<=", now);
        let changed = self.change(&due.pk, &due.sk, change).await?;
        Ok(matches!(changed, Changed::Yes(_)))
    }

    /// Notes that it was looked after an incident, how far its log was searched, and when to look again. Whoever spoke
    /// meanwhile has said when.
    ///
    /// # Errors
    /// When the table can't be written.
    pub async fn looked(&self, due: &Due, looked: &Looked, began: i64) -> Result<(), StoreError> {
        let change = Change::new()
            .set("looks", looked.looks)
            .set_or_remove("looked_until", looked.until)
            .remove("overheard")
            .set_or_remove("look_at", looked.next)
            .set_or_remove(OWED, looked.next.map(|_| YES))
            .set_or_remove("due_at", looked.next)
            .only_if("due_at", "=", began.saturating_add(LEASE));
        self.change(&due.pk, &due.sk, change).await.map(drop)
    }

    /// Notes that an incident was resolved, and what people are to be told of that. `false` if its principal was refused
    /// again in the meantime, or somebody else is speaking.
    ///
    /// # Errors
    /// When the table can't be written.
    pub async fn resolve(
        &self,
        row: &IncidentRow,
        at: i64,
        parcel: &Parcel,
        claim: Claim<'_>,
    ) -> Result<bool, StoreError> {
        self.put_parcel(&row.id, parcel, claim).await?;
        let change = Change::new()
            .set("resolved_at", at)
            .only_if("last_seen", "<=", at);
        let change = owing(change, parcel, claim);
        let changed = self.change(&incident(&row.id), STATE, change).await?;
        Ok(matches!(changed, Changed::Yes(_)))
    }

    /// What was to be sent of an incident.
    ///
    /// # Errors
    /// When the table can't be read.
    pub async fn parcel(&self, row: &IncidentRow) -> Result<Option<Parcel>, StoreError> {
        let sk = parcel_of(&row.parcel);
        let found = self.read(&incident(&row.id), &sk, true).await?;
        Ok(found
            .as_ref()
            .and_then(|row| unpacked(row.bytes("parcel")?)))
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
        claim: Claim<'_>,
    ) -> Result<(), StoreError> {
        let change = Change::new()
            .set("parcel", packed(parcel))
            .set("expires_at", claim.now / 1000 + PARCELS_KEPT);
        self.change(&incident(id), &parcel_of(claim.by), change)
            .await
            .map(drop)
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

fn settling(settled: &Settled, due_at: Option<i64>, claim: Claim<'_>) -> Change {
    let change = Change::new()
        .set("owes_sns", settled.owes_sns)
        .set("owes_slack", settled.owes_slack)
        .set("attempts", settled.attempts)
        .remove("lease_until")
        .remove("claim")
        .set_or_remove(OWED, due_at.map(|_| YES))
        .set_or_remove("due_at", due_at)
        .only_if("claim", "=", claim.by);
    match &settled.place {
        Some(place) => change
            .set("channel", place.channel.as_str())
            .set("ts", place.ts.as_str()),
        None => change,
    }
}

fn parcel_of(claim: &str) -> String {
    format!("parcel#{claim}")
}

/// Whoever crashes leaves what is owed to be found when the lease is over.
fn leased(change: Change, claim: Claim<'_>) -> Change {
    let until = claim.now.saturating_add(LEASE);
    change
        .set("lease_until", until)
        .set("claim", claim.by)
        .set(OWED, YES)
        .set("due_at", until)
        .only_if_none_or("lease_until", "<=", claim.now)
}

/// The same with a new message, for everybody who is to hear of it.
fn owing(change: Change, parcel: &Parcel, claim: Claim<'_>) -> Change {
    leased(change, claim)
        .set("owes_sns", true)
        .set("owes_slack", parcel.slack.is_some())
        .set("owed_since", claim.now)
        .set("attempts", 0_u64)
        .set("parcel", claim.by)
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
        is_overheard: row.flag("overheard"),
        looked_until: row.number("looked_until"),
        look_at: row.number("look_at"),
        parcel: row.text("parcel").unwrap_or_default().to_owned(),
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
