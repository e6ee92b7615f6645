//! What is remembered of an incident between deliveries, and what follows: whether to speak, and when again.
//!
//! Two clocks. When something happened is the log's own time, so that a delivery that comes late or twice is judged as
//! if it had come in time. Leases and mutes are of the clock of whoever asks. All are milliseconds since 1970.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use crate::catalogue::{Cause, Tier, find};
use crate::cluster::{AuthenticationMode, Cluster};
use crate::incident::{AWS_AUTH_SHADOW, Subject};
use crate::notice::{Notice, Standing};
use crate::symptom::Symptom;
use crate::timestamp::{DAY, HOUR, MINUTE};

/// After so long a silence an incident is over; the next denial begins another episode of it.
const QUIET: i64 = DAY;
/// A card's counts are brought up to date at most so often.
const EDIT_PAUSE: i64 = 10 * MINUTE;
/// What may be said at once in place of the next repetition, at the earliest so long after what was said last.
const LEARNED_PAUSE: i64 = 5 * MINUTE;

/// Stands for an incident wherever it is stored or named: 32 hexadecimal digits of the SHA-256 of its fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IncidentId(String);

impl IncidentId {
    /// The id of the incident with this fingerprint.
    #[must_use]
    pub fn of(fingerprint: &str) -> Self {
        let hash = Sha256::digest(fingerprint.as_bytes());
        let half = hash.iter().take(16);
        let number = half.fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
        Self(format!("{number:032x}"))
    }

    /// All of it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first eight digits, which people are shown.
    #[must_use]
    pub fn short(&self) -> &str {
        self.0.get(..8).unwrap_or(&self.0)
    }
}

impl std::str::FromStr for IncidentId {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_digit = |b: u8| b.is_ascii_digit() || matches!(b, b'a'..=b'f');
        if text.len() == 32 && text.bytes().all(is_digit) {
            Ok(Self(text.to_owned()))
        } else {
            Err("an incident's id has 32 hexadecimal digits")
        }
    }
}

/// An incident as it is remembered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remembered {
    /// Lines of this episode, at least.
    pub count: u64,
    /// Lines that had been counted when people were told last.
    pub told_count: u64,
    /// The first line of this episode.
    pub first_seen: i64,
    /// The last line.
    pub last_seen: i64,
    /// 1 for the first episode.
    pub episode: u64,
    /// How often people were told in this episode.
    pub told: u64,
    /// When people were told last, by the time of the line that made it so.
    pub told_at: i64,
    /// The id of the cause that people were told last.
    pub told_cause: String,
    /// From when on a line is told again.
    pub next_at: i64,
    /// Until when somebody is about to tell people, by their own clock.
    pub lease_until: Option<i64>,
    /// Until when nobody wants to hear of it.
    pub muted_until: Option<i64>,
    /// When the principal was seen to get in again.
    pub resolved_at: Option<i64>,
    /// When the card's counts were last brought up to date, by the time of the line that made it so.
    pub edited_at: Option<i64>,
    /// Whether there is a card that can be edited.
    pub has_card: bool,
}

/// What a delivery brought of an incident.
#[derive(Debug, Clone, Copy)]
pub struct Arrival {
    /// Lines, at least one.
    pub count: u64,
    /// The first of them.
    pub first_seen: i64,
    /// The last of them.
    pub last_seen: i64,
    /// Why, as far as is known now.
    pub cause: &'static Cause,
}

/// What to do about an arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Tell people.
    Speak(Why),
    /// Bring the card's counts up to date, and say nothing.
    Edit,
    /// Only count.
    Silent(Silence),
}

/// Why people are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It is new, or was over.
    First,
    /// It goes on, and it was long enough since people were told.
    Repeat,
    /// The cause is known better than when people were told.
    Learned,
    /// It was resolved, and is not.
    Relapsed,
}

/// Why people are not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Silence {
    /// They were, lately.
    Told,
    /// They do not want to be.
    Muted,
    /// Somebody else is just telling them something; what this says is to be looked at after that.
    Claimed,
}

impl Remembered {
    /// Whether people were told the one cause that facts show.
    #[must_use]
    pub fn is_sure(&self) -> bool {
        find(&self.told_cause).is_some_and(|cause| cause.tier == Tier::Specific)
    }

    /// What the row alone says has come since people were told last; `None` if its cause is none of this release.
    #[must_use]
    pub fn since_told(&self) -> Option<Arrival> {
        Some(Arrival {
            count: self.count.saturating_sub(self.told_count).max(1),
            first_seen: self.last_seen,
            last_seen: self.last_seen,
            cause: find(&self.told_cause)?,
        })
    }

    /// What is remembered with this arrival's lines in it, before anybody is told.
    #[must_use]
    pub fn with(before: Option<&Self>, arrival: &Arrival) -> Self {
        let Some(before) = before else {
            return Self {
                count: arrival.count,
                first_seen: arrival.first_seen,
                last_seen: arrival.last_seen,
                episode: 1,
                ..Self::default()
            };
        };
        Self {
            count: before.count.saturating_add(arrival.count),
            first_seen: before.first_seen.min(arrival.first_seen),
            last_seen: before.last_seen.max(arrival.last_seen),
            ..before.clone()
        }
    }
}

/// What follows from an arrival, given what was remembered before it. `now` is the clock of whoever asks.
#[must_use]
pub fn decide(before: Option<&Remembered>, arrival: &Arrival, now: i64) -> Turn {
    let Some(before) = before else {
        return Turn::Speak(Why::First);
    };
    if before.muted_until.is_some_and(|until| now < until) {
        return Turn::Silent(Silence::Muted);
    }
    let is_leased = before.lease_until.is_some_and(|until| now < until);
    match turn(before, arrival) {
        Turn::Speak(_) if is_leased => Turn::Silent(Silence::Claimed),
        Turn::Edit if is_leased => Turn::Silent(Silence::Told),
        turn => turn,
    }
}

/// The same, whoever else is about to speak.
fn turn(before: &Remembered, arrival: &Arrival) -> Turn {
    let since_last = arrival.first_seen.saturating_sub(before.last_seen);
    let since_told = arrival.last_seen.saturating_sub(before.told_at);
    let since_heard = since_told.min(
        arrival
            .last_seen
            .saturating_sub(before.muted_until.unwrap_or(i64::MIN)),
    );
    // Whoever goes on is told of once a day: nothing said for two days means that it was quiet in between.
    if before.told == 0 || since_last > QUIET || since_heard > 2 * DAY {
        return Turn::Speak(Why::First);
    }
    if let Some(at) = before.resolved_at {
        // What was refused before the login that was granted comes late.
        return if arrival.last_seen > at {
            Turn::Speak(Why::Relapsed)
        } else {
            Turn::Silent(Silence::Told)
        };
    }
    if arrival.last_seen >= before.next_at {
        return Turn::Speak(Why::Repeat);
    }
    if arrival.cause.tier == Tier::Specific && !before.is_sure() && since_told >= LEARNED_PAUSE {
        return Turn::Speak(Why::Learned);
    }
    let edited = before.edited_at.unwrap_or(before.told_at);
    if before.has_card && arrival.last_seen.saturating_sub(edited) >= EDIT_PAUSE {
        return Turn::Edit;
    }
    Turn::Silent(Silence::Told)
}

/// What is remembered once people have been told of an arrival. `counted` is what was remembered with the arrival's
/// lines in it.
#[must_use]
pub fn after_telling(counted: &Remembered, arrival: &Arrival, why: Why) -> Remembered {
    let told = match why {
        Why::First => 1,
        // What was learned comes in between, and moves no repetition.
        Why::Learned => counted.told,
        Why::Repeat | Why::Relapsed => counted.told + 1,
    };
    let next_at = match why {
        Why::Learned => counted.next_at,
        _ => arrival.last_seen.saturating_add(pause(told)),
    };
    let is_new_episode = why == Why::First && counted.told > 0;
    let (count, first_seen) = if is_new_episode {
        (arrival.count, arrival.first_seen)
    } else {
        (counted.count, counted.first_seen)
    };
    // Facts that were not to be had this time make nothing less certain.
    let is_known_better =
        why != Why::First && counted.is_sure() && arrival.cause.tier == Tier::General;
    let told_cause = if is_known_better {
        counted.told_cause.clone()
    } else {
        arrival.cause.id.to_owned()
    };
    Remembered {
        count,
        told_count: count,
        first_seen,
        episode: counted.episode + u64::from(is_new_episode),
        told,
        told_at: arrival.last_seen,
        told_cause,
        next_at,
        resolved_at: None,
        edited_at: None,
        ..counted.clone()
    }
}

/// How long people are left in peace after they were told so many times: 1, 4 and 16 hours, then a day.
#[must_use]
pub fn pause(told: u64) -> i64 {
    let doublings = u32::try_from(told.saturating_sub(1).min(8)).unwrap_or(8) * 2;
    (HOUR << doublings).min(DAY)
}

/// How long after its last line, or the last look, to look again whether a principal gets in by now; `None` when it is
/// no longer worth it.
#[must_use]
pub fn next_look(looks: u64, last_seen: i64, now: i64) -> Option<i64> {
    const FIRST: i64 = 2 * MINUTE;
    if now.saturating_sub(last_seen) > DAY {
        return None;
    }
    let doublings = u32::try_from(looks.min(5)).unwrap_or(5);
    Some(now.saturating_add(FIRST << doublings))
}

/// When to look for the first time after people were told. Whoever is refused and let in by turns is looked for less and
/// less often, so that it is not said every time.
#[must_use]
pub fn first_look(told: &Remembered, why: Why, now: i64) -> Option<i64> {
    match why {
        Why::Relapsed => Some(now.saturating_add(pause(told.told))),
        _ => next_look(0, told.last_seen, now),
    }
}

/// Whether a login that is granted shows that an incident is over: it must be about all logins of a principal, and not
/// about some of its sessions.
#[must_use]
pub fn can_be_resolved(cluster: &Cluster, subject: &Subject, symptom: Symptom) -> bool {
    let is_of_all_logins = matches!(
        symptom,
        Symptom::NotMapped | Symptom::NotMappedNode | Symptom::PrincipalIdMismatch
    );
    is_of_all_logins && matches!(subject, Subject::Principal(_)) && !cluster.is_self_test()
}

/// How long to wait before what could not be sent is tried again, after so many attempts: 1, 2, 4 … 30 minutes.
#[must_use]
pub fn retry_pause(attempts: u64) -> i64 {
    let doublings = u32::try_from(attempts.saturating_sub(1).min(5)).unwrap_or(5);
    (MINUTE << doublings).min(30 * MINUTE)
}

impl Notice {
    /// What this delivery brought; `None` if its lines have no times, which no delivery's have.
    #[must_use]
    pub fn arrival(&self) -> Option<Arrival> {
        let last_seen = self.last_seen.or(self.evidence.timestamp)?;
        Some(Arrival {
            count: self.count,
            first_seen: self.first_seen.unwrap_or(last_seen),
            last_seen,
            cause: self.cause,
        })
    }

    /// The id under which this incident is remembered.
    #[must_use]
    pub fn id(&self) -> IncidentId {
        IncidentId::of(&self.fingerprint())
    }

    /// The notice as it is told: with what was counted before this delivery, and why it comes.
    #[must_use]
    pub fn told_as(mut self, told: &Remembered, before: Option<&Remembered>, why: Why) -> Self {
        let new = told.count - before.map_or(0, |before| before.told_count.min(told.count));
        self.count = told.count;
        self.first_seen = Some(told.first_seen);
        self.last_seen = Some(told.last_seen);
        self.standing = match why {
            Why::First => Standing::First,
            Why::Repeat => Standing::Repeat { new },
            Why::Learned => Standing::Learned,
            Why::Relapsed => Standing::Relapsed,
        };
        self
    }
}

/// When a cluster's `aws-auth` was last said to be broken, and by which incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The last line that said so.
    pub at: i64,
    /// The incident that people were told.
    pub id: IncidentId,
}

impl Broken {
    /// Whether this notice only tells what people know already: a denial, right after `aws-auth` broke in an earlier
    /// delivery, of a principal that a row may have let in.
    #[must_use]
    pub fn explains(&self, notice: &Notice) -> bool {
        let can_be = matches!(notice.symptom, Symptom::NotMapped | Symptom::NotMappedNode)
            && matches!(notice.subject, Subject::Principal(_))
            && notice.cause.tier == Tier::General
            && notice.cluster.mode != Some(AuthenticationMode::Api);
        let since = notice.first_seen.map(|first| first.saturating_sub(self.at));
        can_be && since.is_some_and(|since| (0..=AWS_AUTH_SHADOW).contains(&since))
    }
}

/// Puts notices of the same incident together, so that each is remembered once in a delivery. The gravest stands for
/// them; the order stays.
#[must_use]
pub fn folded(notices: Vec<Notice>) -> Vec<Notice> {
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut folded: Vec<Notice> = Vec::new();
    for notice in notices {
        let place = *places.entry(notice.fingerprint()).or_insert(folded.len());
        match folded.get_mut(place) {
            Some(first) => first.merge(notice),
            None => folded.push(notice),
        }
    }
    folded
}

#[cfg(test)]
mod tests;
