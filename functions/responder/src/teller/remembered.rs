//! With a table: what is remembered of an incident decides what people are told.

use std::sync::PoisonError;

use eks_access::cluster::Cluster;
use eks_access::incident::Subject;
use eks_access::memory::{
    Arrival, Broken, IncidentId, Remembered, Silence, Turn, Why, after_telling, can_be_resolved,
    decide, first_look, retry_pause,
};
use eks_access::notice::Notice;
use eks_access::notice::slack::recounted;
use eks_access::symptom::Symptom;
use eks_access::timestamp::HOUR;
use eks_access_aws::courier::{Owes, Sent};
use eks_access_aws::emf::Metric;
use eks_access_aws::parcel::Parcel;
use eks_access_aws::slack::Place;
use eks_access_aws::store::{Arrived, Due, OfCluster, Settled, Store, StoreError};

use serde_json::Value;

use super::report::{counts, report};
use super::{Teller, Told, unmoded};
use crate::run::Run;

/// An incident as it was when it was decided what to do.
#[derive(Clone, Copy)]
pub(crate) struct Was<'a> {
    /// What was remembered.
    pub(crate) state: Option<&'a Remembered>,
    /// Where its card stands.
    pub(crate) place: Option<&'a Place>,
    /// The card as it was sent last, for a notice that has no lines at hand.
    pub(crate) card: Option<&'a Value>,
}

/// Something to send, and what is known of where it goes.
pub(crate) struct Sending<'a> {
    pub(crate) due: &'a Due,
    pub(crate) parcel: &'a Parcel,
    pub(crate) owes: Owes,
    /// Where the card stands, if there is one.
    pub(crate) place: Option<&'a Place>,
    /// How often it was tried before.
    pub(crate) attempts: u64,
    /// When to look whether it is resolved, once it was sent.
    pub(crate) look: Option<i64>,
    pub(crate) cluster: &'a str,
    pub(crate) cause: &'a str,
}

impl Teller {
    /// With a table: what is remembered of the incident decides.
    pub(super) async fn remembered(
        &self,
        store: &Store,
        notice: Notice,
        run: Run<'_>,
    ) -> Result<Told, StoreError> {
        let Some(arrival) = notice.arrival() else {
            return Ok(self.forgotten(&notice, run).await);
        };
        let id = notice.id();
        // Only principals can be many: whoever has none cannot crowd out those who have one.
        let is_one_of_many = matches!(notice.subject, Subject::Principal(_));
        let is_storming = is_one_of_many && self.is_storming(&notice.cluster, run.now);
        if is_storming && store.recall(&id).await?.is_none_or(|known| known.told == 0) {
            return Ok(Told::untold(notice));
        }
        if let Some(broken) = explanation(store, &notice, is_storming).await? {
            return part_of(store, &broken.id, &notice, &arrival, run).await;
        }
        let arrived = store.arrive(&id, &notice, &arrival, run.now).await?;
        if notice.symptom == Symptom::AwsAuthMalformed {
            let at = arrival.last_seen;
            let broken = Broken { at, id: id.clone() };
            store.broke(&notice.cluster, &broken, run.now).await?;
        }
        let counted = counted(&arrived, &arrival);
        let before = arrived.before.as_ref();
        let was = Was {
            state: before,
            place: arrived.place.as_ref(),
            card: None,
        };
        match decide(before, &arrival, run.now) {
            Turn::Silent(Silence::Muted) => Ok(Told::suppressed()),
            Turn::Silent(Silence::Told) => {
                let asked = self.ask_again(store, &notice, was, run).await;
                Ok(Told::suppressed().and(asked))
            }
            Turn::Silent(Silence::Claimed) => {
                let ends = before.and_then(|before| before.lease_until);
                let at = ends.unwrap_or(run.now);
                store.overhear(&Due::of(&id), at).await?;
                Ok(Told::suppressed())
            }
            Turn::Edit => {
                let asked = self.ask_again(store, &notice, was, run).await;
                let told = self.edit(store, notice, was, &counted, run).await?;
                Ok(told.and(asked))
            }
            Turn::Speak(Why::First)
                if is_one_of_many && !self.may_be_new(store, &notice.cluster, run.now).await? =>
            {
                Ok(Told::untold(notice))
            }
            Turn::Speak(why) => {
                let told = after_telling(&counted, &arrival, why);
                self.speak(store, notice, was, (&told, why), run).await
            }
        }
    }

    /// Nobody is told again; but access may be asked for again.
    async fn ask_again(
        &self,
        store: &Store,
        notice: &Notice,
        was: Was<'_>,
        run: Run<'_>,
    ) -> Vec<(Metric, u64)> {
        // A line from before the login that was granted comes late: there is nothing to ask for.
        let is_resolved = was.state.is_some_and(|state| state.resolved_at.is_some());
        let Some(asker) = self.asker.as_ref().filter(|_| !is_resolved) else {
            return Vec::new();
        };
        let post = (
            self.parcel(notice).slack.and_then(|slack| slack.channel),
            was.place.map(|place| place.ts.clone()),
        );
        asker.ask_again(store, notice, post, run).await
    }

    /// Tells people of an incident: claims it, sends, and crosses out what was sent.
    pub(crate) async fn speak(
        &self,
        store: &Store,
        notice: Notice,
        was: Was<'_>,
        (told, why): (&Remembered, Why),
        run: Run<'_>,
    ) -> Result<Told, StoreError> {
        let id = notice.id();
        let notice = notice.told_as(told, was.state, why);
        let parcel = self.parcel_from(&notice, was.card);
        let is_watched = self.watches_logins
            && can_be_resolved(&notice.cluster, &notice.subject, notice.symptom);
        let look = is_watched.then(|| first_look(told, why, run.now)).flatten();
        let claimed = store.claim(&id, was.state, told, &parcel, look, run.claim());
        if !claimed.await? {
            // Somebody else was faster; what this says is decided after that.
            store.overhear(&Due::of(&id), run.claim().ends()).await?;
            return Ok(Told::suppressed());
        }
        let sending = Sending {
            due: &Due::of(&id),
            parcel: &parcel,
            owes: Owes {
                sns: true,
                slack: parcel.slack.is_some(),
            },
            // A new incident has a card of its own.
            place: was.place.filter(|_| why != Why::First),
            attempts: 0,
            look,
            cluster: notice.cluster.title(),
            cause: notice.cause.id,
        };
        let (settled, sent) = self.send(store, &sending, run).await?;
        let mut told = Told::with(counts(&sent));
        if let Some(asker) = &self.asker {
            let channel = parcel
                .slack
                .as_ref()
                .and_then(|slack| slack.channel.clone());
            let thread = settled.place.map(|place| place.ts);
            let counts = asker.ask(store, &notice, (channel, thread), run).await;
            told = told.and(counts);
        }
        Ok(told)
    }

    /// What is sent of a notice; with the card that was sent before, if the notice is from memory.
    fn parcel_from(&self, notice: &Notice, card: Option<&Value>) -> Parcel {
        let mut parcel = self.parcel(notice);
        if let (Some(slack), Some(card)) = (&mut parcel.slack, card) {
            slack.card = recounted(card, notice);
        }
        parcel
    }

    /// Sends what is claimed: SNS first, which is crossed out at once, then Slack. Without the time for it, it is left to a
    /// tick.
    pub(crate) async fn send(
        &self,
        store: &Store,
        sending: &Sending<'_>,
        run: Run<'_>,
    ) -> Result<(Settled, Sent), StoreError> {
        let mut sent = Sent::default();
        if !run.has_time() {
            let settled = Settled {
                owes_sns: sending.owes.sns,
                owes_slack: sending.owes.slack,
                attempts: sending.attempts,
                place: sending.place.cloned(),
                due_at: Some(run.now),
            };
            store.settle(sending.due, &settled, run.claim()).await?;
            return Ok((settled, sent));
        }
        if sending.owes.sns {
            sent = self.courier.publish(sending.parcel, sending.owes).await;
        }
        if sending.owes.slack {
            let is_told = matches!(sent.sns, Some(Ok(())));
            if is_told && !store.published(sending.due, run.claim()).await? {
                // Somebody took it over: the rest is theirs.
                return Ok((Settled::default(), sent));
            }
            self.courier
                .post(sending.parcel, sending.owes, sending.place, &mut sent)
                .await;
        }
        report(&sent, sending.cluster, sending.cause, run.id);
        let settled = settled(&sent, sending, run.now);
        store.settle(sending.due, &settled, run.claim()).await?;
        Ok((settled, sent))
    }

    /// Brings the card's counts up to date. A card that can't be edited now is edited another time.
    pub(crate) async fn edit(
        &self,
        store: &Store,
        notice: Notice,
        was: Was<'_>,
        counted: &Remembered,
        run: Run<'_>,
    ) -> Result<Told, StoreError> {
        let (Some(state), Some(place)) = (was.state, was.place) else {
            return Ok(Told::suppressed());
        };
        // A card that says more than is known this time stays as it is.
        let is_worse = state.is_sure() && notice.cause.id != state.told_cause;
        let edited = notice.told_as(counted, was.state, Why::First);
        let slack = self.parcel_from(&edited, was.card).slack;
        let Some(slack) = slack.filter(|_| !is_worse && run.has_time()) else {
            return Ok(Told::suppressed());
        };
        let id = edited.id();
        let begun = store.begin_edit(&id, state, counted.last_seen, run.claim());
        if !begun.await? {
            return Ok(Told::suppressed());
        }
        let sent = Sent {
            slack: Some(self.courier.edit(place, &slack.card).await.map(|()| None)),
            ..Sent::default()
        };
        store.end_edit(&id, run.claim()).await?;
        report(&sent, edited.cluster.title(), edited.cause.id, run.id);
        // A card that is brought up to date is none that people were told by.
        let failures = counts(&sent)
            .into_iter()
            .filter(|(metric, _)| *metric != Metric::Cards);
        Ok(Told::suppressed().and(failures))
    }

    fn is_storming(&self, cluster: &Cluster, now: i64) -> bool {
        let storms = self.storms.lock().unwrap_or_else(PoisonError::into_inner);
        storms.get(&unmoded(cluster)) == Some(&now.div_euclid(HOUR))
    }

    /// Whether a cluster may have another new incident in this hour.
    async fn may_be_new(
        &self,
        store: &Store,
        cluster: &Cluster,
        now: i64,
    ) -> Result<bool, StoreError> {
        let may_be = store.take(cluster, self.max_new, now).await?;
        if !may_be {
            let mut storms = self.storms.lock().unwrap_or_else(PoisonError::into_inner);
            storms.insert(unmoded(cluster), now.div_euclid(HOUR));
        }
        Ok(may_be)
    }
}

/// The broken `aws-auth` of an earlier delivery that this notice only tells again.
async fn explanation(
    store: &Store,
    notice: &Notice,
    is_storming: bool,
) -> Result<Option<Broken>, StoreError> {
    let can_be = matches!(notice.symptom, Symptom::NotMapped | Symptom::NotMappedNode);
    if !can_be || is_storming {
        return Ok(None);
    }
    let OfCluster { broken } = store.cluster(&notice.cluster).await?;
    Ok(broken.filter(|broken| broken.explains(notice)))
}

/// Counts a denial as part of the incident that explains it. What follows for that incident is a tick's to decide.
async fn part_of(
    store: &Store,
    id: &IncidentId,
    notice: &Notice,
    arrival: &Arrival,
    run: Run<'_>,
) -> Result<Told, StoreError> {
    let arrived = store.add_to(id, notice, arrival, run.now).await?;
    let since = arrived.before.as_ref().and_then(|before| {
        let counted = Remembered::with(Some(before), arrival);
        Some(decide(Some(before), &counted.since_told()?, run.now))
    });
    if matches!(
        since,
        Some(Turn::Speak(_) | Turn::Edit | Turn::Silent(Silence::Claimed))
    ) {
        store.overhear(&Due::of(id), run.now).await?;
    }
    Ok(Told::suppressed())
}

/// What is written down after sending.
fn settled(sent: &Sent, sending: &Sending<'_>, now: i64) -> Settled {
    let owes = sent.owes();
    let attempts = sending.attempts + 1;
    let stands = match &sent.slack {
        Some(Ok(stands)) => stands.clone(),
        _ => None,
    };
    let due_at = if owes.sns || owes.slack {
        Some(now.saturating_add(retry_pause(attempts)))
    } else {
        sending.look
    };
    Settled {
        owes_sns: owes.sns,
        owes_slack: owes.slack,
        attempts,
        place: stands.or_else(|| sending.place.cloned()),
        due_at,
    }
}

/// What is remembered with this arrival in it. Lines that came twice are counted once.
fn counted(arrived: &Arrived, arrival: &Arrival) -> Remembered {
    match &arrived.before {
        Some(before) if arrived.is_twice => before.clone(),
        before => Remembered::with(before.as_ref(), arrival),
    }
}
