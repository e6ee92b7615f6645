//! With a table: what is remembered of an incident decides what people are told.

use std::sync::PoisonError;

use eks_access::cluster::Cluster;
use eks_access::incident::Subject;
use eks_access::memory::{
    Arrival, Broken, Remembered, Silence, Turn, Why, after_telling, decide, next_look, retry_pause,
};
use eks_access::notice::{Notice, Standing};
use eks_access::symptom::Symptom;
use eks_access_aws::courier::{Owes, Sent};
use eks_access_aws::emf::Metric;
use eks_access_aws::slack::Place;
use eks_access_aws::store::{Arrived, Due, OfCluster, Settled, Store, StoreError};

use super::report::{counts, report, report_slack};
use super::{Teller, Told, now, unmoded};

const HOUR: i64 = 60 * 60 * 1000;

impl Teller {
    /// With a table: what is remembered of the incident decides.
    pub(super) async fn remembered(
        &self,
        store: &Store,
        notice: Notice,
        request_id: &str,
    ) -> Result<Told, StoreError> {
        let Some(arrival) = notice.arrival() else {
            return Ok(self.forgotten(&notice, request_id).await);
        };
        let now = now();
        let id = notice.id();
        // Only principals can be many: whoever has none cannot crowd out those who have one.
        let is_one_of_many = matches!(notice.subject, Subject::Principal(_));
        let is_storming = is_one_of_many && self.is_storming(&notice.cluster, now);
        if is_storming && store.recall(&id).await?.is_none() {
            return Ok(untold(notice));
        }
        if let Some(broken) = self.explanation(store, &notice, is_storming).await? {
            store.count(&broken.id, &arrival, now).await?;
            return Ok(Told::with([(Metric::Suppressed, 1)]));
        }
        let arrived = store.arrive(&id, &notice, &arrival, now).await?;
        if notice.symptom == Symptom::AwsAuthMalformed {
            let broken = Broken {
                at: arrival.last_seen,
                id,
            };
            store.broke(&notice.cluster, &broken, now).await?;
        }
        let counted = counted(&arrived, &arrival);
        match decide(arrived.before.as_ref(), &arrival, now) {
            Turn::Silent(Silence::Told | Silence::Muted | Silence::Claimed) => {
                Ok(Told::with([(Metric::Suppressed, 1)]))
            }
            Turn::Edit => {
                self.edit(store, notice, &arrived, &counted, request_id)
                    .await
            }
            Turn::Speak(Why::First)
                if is_one_of_many && !self.may_be_new(store, &notice.cluster, now).await? =>
            {
                Ok(untold(notice))
            }
            Turn::Speak(why) => {
                let told = after_telling(&counted, &arrival, why);
                self.speak(store, notice, &arrived, &told, why, request_id)
                    .await
            }
        }
    }

    /// The broken `aws-auth` of an earlier delivery that this notice only tells again.
    async fn explanation(
        &self,
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

    async fn speak(
        &self,
        store: &Store,
        notice: Notice,
        arrived: &Arrived,
        told: &Remembered,
        why: Why,
        request_id: &str,
    ) -> Result<Told, StoreError> {
        let before = arrived.before.as_ref();
        let id = notice.id();
        let notice = notice.told_as(told, before, why);
        let parcel = self.parcel(&notice);
        if !store.claim(&id, before, told, &parcel, now()).await? {
            return Ok(Told::with([(Metric::Suppressed, 1)]));
        }
        let is_new = matches!(why, Why::First | Why::Relapsed);
        let place = arrived.place.as_ref().filter(|_| !is_new);
        let owes = Owes {
            sns: true,
            slack: parcel.slack.is_some(),
        };
        let sent = self.courier.send(&parcel, owes, place).await;
        report(&sent, notice.cluster.title(), notice.cause.id, request_id);
        let settled = self.settled(&sent, place, 1, now(), told.last_seen, &notice);
        store.settle(&Due::of(&id), &settled).await?;
        Ok(Told::with(counts(&sent)))
    }

    /// What is written down after sending.
    fn settled(
        &self,
        sent: &Sent,
        place: Option<&Place>,
        attempts: u64,
        now: i64,
        last_seen: i64,
        notice: &Notice,
    ) -> Settled {
        let has_principal =
            matches!(notice.subject, Subject::Principal(_)) && !notice.cluster.is_self_test();
        let look = || {
            let is_watched =
                self.watches_logins && has_principal && notice.standing.resolved_at().is_none();
            is_watched.then(|| next_look(0, last_seen, now)).flatten()
        };
        settled(sent, place, attempts, now, look)
    }

    /// Brings the card's counts up to date. A card that can't be edited now is edited another time.
    async fn edit(
        &self,
        store: &Store,
        notice: Notice,
        arrived: &Arrived,
        counted: &Remembered,
        request_id: &str,
    ) -> Result<Told, StoreError> {
        let mut edited = notice.told_as(counted, arrived.before.as_ref(), Why::First);
        edited.standing = Standing::First;
        let parcel = self.parcel(&edited);
        if let (Some(place), Some(slack)) = (&arrived.place, &parcel.slack) {
            match self.courier.edit(place, &slack.card).await {
                Ok(()) => store.edited(&edited.id(), counted.last_seen).await?,
                Err(error) => {
                    report_slack(&error, edited.cluster.title(), edited.cause.id, request_id);
                    return Ok(Told::with([
                        (Metric::Suppressed, 1),
                        (Metric::SlackFailures, 1),
                    ]));
                }
            }
        }
        Ok(Told::with([(Metric::Suppressed, 1)]))
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

/// What is written down after sending; `look` says when to look whether it is resolved.
pub(crate) fn settled(
    sent: &Sent,
    place: Option<&Place>,
    attempts: u64,
    now: i64,
    look: impl FnOnce() -> Option<i64>,
) -> Settled {
    let owes = sent.owes();
    let stands = match &sent.slack {
        Some(Ok(stands)) => stands.clone(),
        _ => None,
    };
    let due_at = if owes.sns || owes.slack {
        Some(now.saturating_add(retry_pause(attempts)))
    } else {
        look()
    };
    Settled {
        owes_sns: owes.sns,
        owes_slack: owes.slack,
        attempts,
        place: stands.or_else(|| place.cloned()),
        due_at,
    }
}

fn untold(notice: Notice) -> Told {
    Told {
        untold: Some(notice),
        ..Told::default()
    }
}

/// What is remembered with this arrival in it. Lines that came twice are counted once.
fn counted(arrived: &Arrived, arrival: &Arrival) -> Remembered {
    match &arrived.before {
        Some(before) if arrived.is_twice => before.clone(),
        before => Remembered::with(before.as_ref(), arrival),
    }
}
