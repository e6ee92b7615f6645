//! Tells people of incidents: at once, again, only in a count, or not at all, as is remembered of each.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use eks_access::cluster::Cluster;
use eks_access::incident::Subject;
use eks_access::memory::{
    Arrival, Broken, Remembered, Silence, Turn, Why, after_telling, decide, folded,
};
use eks_access::notice::digest::Storm;
use eks_access::notice::{Notice, Standing};
use eks_access::route::{Channel, Mention};
use eks_access::symptom::{Severity, Symptom};
use eks_access_aws::courier::{Courier, Owes, Sent};
use eks_access_aws::emf::Metric;
use eks_access_aws::log::{Entry, Level};
use eks_access_aws::parcel::Parcel;
use eks_access_aws::slack::{Place, SlackError};
use eks_access_aws::sns::PublishError;
use eks_access_aws::store::{Arrived, Due, OfCluster, Settled, Store, StoreError};
use eks_access_aws::vars;
use futures_util::{StreamExt, stream};
use tokio::time::{Instant, timeout_at};

use crate::fault::Fault;
use crate::tally::Tally;

/// Notices that are on their way at a time.
const AT_ONCE: usize = 8;
const HOUR: i64 = 60 * 60 * 1000;

/// Who tells people.
pub(crate) struct Teller {
    courier: Courier,
    store: Option<Store>,
    slack: Option<vars::ToSlack>,
    max_notices: usize,
    max_new: u64,
    watches_logins: bool,
    /// Clusters whose new incidents of an hour are used up, with that hour, so that a storm costs one write a delivery.
    storms: Mutex<HashMap<Cluster, i64>>,
}

/// What became of one notice.
#[derive(Default)]
struct Told {
    counts: Vec<(Metric, u64)>,
    /// It is part of a digest.
    untold: Option<Notice>,
    unpublished: Option<PublishError>,
}

impl Told {
    fn with(counts: impl IntoIterator<Item = (Metric, u64)>) -> Self {
        Self {
            counts: counts.into_iter().collect(),
            ..Self::default()
        }
    }
}

/// What telling all notices came to.
#[derive(Debug, Default)]
pub(crate) struct Ended {
    pub(crate) published: usize,
    pub(crate) failed: usize,
    pub(crate) last: Option<PublishError>,
    pub(crate) unsent: usize,
    pub(crate) table: Option<StoreError>,
}

impl Ended {
    pub(crate) fn result(self) -> Result<(), Fault> {
        let published = self.published;
        match (self.table, self.last) {
            (Some(last), _) => Err(Fault::NotRemembered { last }),
            _ if self.unsent > 0 => Err(Fault::OutOfTime {
                unsent: self.unsent + self.failed,
                published,
            }),
            (None, Some(last)) => Err(Fault::NotPublished {
                failed: self.failed,
                published,
                last,
            }),
            (None, None) => Ok(()),
        }
    }
}

impl Teller {
    pub(crate) fn new(courier: Courier, store: Option<Store>, vars: &vars::Responder) -> Self {
        Self {
            courier,
            store,
            slack: vars.slack.clone(),
            max_notices: vars.max_notices,
            max_new: vars
                .memory
                .as_ref()
                .map_or(0, |memory| memory.max_new_per_hour),
            watches_logins: vars
                .memory
                .as_ref()
                .is_some_and(|memory| memory.watches_logins),
            storms: Mutex::default(),
        }
    }

    pub(crate) fn courier(&self) -> &Courier {
        &self.courier
    }

    pub(crate) fn watches_logins(&self) -> bool {
        self.watches_logins
    }

    /// Tells of every notice of a delivery; one that fails does not stop the others.
    pub(crate) async fn tell(
        &self,
        notices: Vec<Notice>,
        request_id: &str,
        until: Instant,
        tally: &mut Tally,
    ) -> Result<(), Fault> {
        let mut notices = if self.store.is_some() {
            folded(notices)
        } else {
            notices
        };
        let beyond = notices.split_off(notices.len().min(self.max_notices));
        tally.add(Metric::NoticesHeldBack, beyond.len());
        let mut ended = Ended::default();
        let untold = self
            .tell_each(notices, request_id, until, tally, &mut ended)
            .await;
        if let Some(store) = &self.store {
            let storms = storms(untold.into_iter().chain(beyond));
            for storm in storms.into_values() {
                tally.add_lines(Metric::Digested, storm.count());
                let has_slack = self.slack.is_some();
                if let Err(error) = store.add(&storm, has_slack, now()).await {
                    ended.table.get_or_insert(error);
                }
            }
        }
        tally.add(Metric::Notices, ended.published);
        tally.add(Metric::DeliveryFailures, ended.failed + ended.unsent);
        tally.add(Metric::TableFailures, usize::from(ended.table.is_some()));
        ended.result()
    }

    /// The notices that are to be part of a digest.
    async fn tell_each(
        &self,
        notices: Vec<Notice>,
        request_id: &str,
        until: Instant,
        tally: &mut Tally,
        ended: &mut Ended,
    ) -> Vec<Notice> {
        let mut left = notices.len();
        let mut untold = Vec::new();
        let mut answers = stream::iter(notices)
            .map(|notice| async move {
                match &self.store {
                    Some(store) => self.remembered(store, notice, request_id).await,
                    None => Ok(self.forgotten(&notice, request_id).await),
                }
            })
            .buffer_unordered(AT_ONCE);
        while let Ok(Some(answer)) = timeout_at(until, answers.next()).await {
            left -= 1;
            match answer {
                Ok(told) => {
                    for (metric, count) in told.counts {
                        match metric {
                            Metric::Notices => ended.published += 1,
                            Metric::DeliveryFailures => ended.failed += 1,
                            _ => tally.add_lines(metric, count),
                        }
                    }
                    untold.extend(told.untold);
                    if let Some(error) = told.unpublished {
                        ended.last = Some(error);
                    }
                }
                Err(error) => {
                    report_table(&error, request_id);
                    ended.table.get_or_insert(error);
                }
            }
        }
        ended.unsent = left;
        untold
    }

    /// Without a table: every notice is sent, and SNS that does not take one is why Lambda tries again.
    async fn forgotten(&self, notice: &Notice, request_id: &str) -> Told {
        let parcel = self.parcel(notice);
        let owes = Owes {
            sns: true,
            slack: parcel.slack.is_some(),
        };
        let sent = self.courier.send(&parcel, owes, None).await;
        report(&sent, notice.cluster.title(), notice.cause.id, request_id);
        Told {
            counts: counts(&sent),
            unpublished: sent.sns.and_then(Result::err),
            untold: None,
        }
    }

    /// With a table: what is remembered of the incident decides.
    async fn remembered(
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
        let has_principal = matches!(notice.subject, Subject::Principal(_));
        let look = || {
            let is_watched =
                self.watches_logins && has_principal && notice.standing.resolved_at().is_none();
            is_watched
                .then(|| eks_access::memory::next_look(0, last_seen, now))
                .flatten()
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

    /// What is sent of a notice.
    pub(crate) fn parcel(&self, notice: &Notice) -> Parcel {
        let parcel = Parcel::of(notice, self.destination(notice));
        let people = self.slack.as_ref().map(|slack| &slack.people);
        let is_new = notice.standing == Standing::First;
        let email = people
            .filter(|_| is_new)
            .and_then(|people| notice.address_in(people));
        parcel.with_person(notice, email)
    }

    fn destination(&self, notice: &Notice) -> Option<(Option<Channel>, Vec<Mention>)> {
        match &self.slack.as_ref()?.routes {
            None => Some((None, Vec::new())),
            Some(routes) => {
                let found = routes.of(notice)?;
                Some((Some(found.channel), found.mentions))
            }
        }
    }

    /// What is sent of a digest.
    pub(crate) fn storm_parcel(&self, storm: &Storm) -> Parcel {
        let to = self.slack.as_ref().and_then(|slack| match &slack.routes {
            None => Some(None),
            Some(routes) => {
                let severity = storm.severity().max(Severity::Medium);
                routes
                    .find(&storm.cluster, severity, "")
                    .map(|found| Some(found.channel))
            }
        });
        Parcel::of_storm(storm, to)
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
        Some(now.saturating_add(eks_access::memory::retry_pause(attempts)))
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

/// The cluster without its mode, which is not always known.
fn unmoded(cluster: &Cluster) -> Cluster {
    Cluster {
        mode: None,
        ..cluster.clone()
    }
}

/// What is remembered with this arrival in it. Lines that came twice are counted once.
fn counted(arrived: &Arrived, arrival: &Arrival) -> Remembered {
    match &arrived.before {
        Some(before) if arrived.is_twice => before.clone(),
        before => Remembered::with(before.as_ref(), arrival),
    }
}

/// One digest for each cluster.
fn storms(notices: impl Iterator<Item = Notice>) -> BTreeMap<Cluster, Storm> {
    let mut storms: BTreeMap<Cluster, Storm> = BTreeMap::new();
    for notice in notices {
        let Some(arrival) = notice.arrival() else {
            continue;
        };
        let cluster = unmoded(&notice.cluster);
        let storm = storms.entry(cluster.clone()).or_insert_with(|| Storm {
            cluster,
            first_seen: arrival.first_seen,
            last_seen: arrival.last_seen,
            ..Storm::default()
        });
        storm.first_seen = storm.first_seen.min(arrival.first_seen);
        storm.last_seen = storm.last_seen.max(arrival.last_seen);
        *storm
            .by_cause
            .entry(notice.cause.id.to_owned())
            .or_default() += arrival.count;
        storm.named.extend(notice.principals.into_iter().take(1));
    }
    storms
}

/// What sending counts as.
pub(crate) fn counts(sent: &Sent) -> Vec<(Metric, u64)> {
    let of_sns = sent.sns.as_ref().map(|answer| match answer {
        Ok(()) => Metric::Notices,
        Err(_) => Metric::DeliveryFailures,
    });
    let of_slack = sent.slack.as_ref().map(|answer| match answer {
        Ok(_) => Metric::Cards,
        Err(SlackError::Refused(_)) => Metric::SlackRefused,
        Err(_) => Metric::SlackFailures,
    });
    let of_blocks = sent.blocks.as_ref().map(|_| Metric::SlackFailures);
    let metrics = [of_sns, of_slack, of_blocks].into_iter().flatten();
    metrics.map(|metric| (metric, 1)).collect()
}

/// Says what did not go as it should.
pub(crate) fn report(sent: &Sent, cluster: &str, cause: &str, request_id: &str) {
    if let Some(Err(error)) = &sent.sns {
        Entry::new(Level::Error, "a notice was not published")
            .with("request_id", request_id)
            .with("cluster", cluster)
            .with("cause", cause)
            .with("reason", error.code.as_str())
            .with("detail", error.message.as_str())
            .write();
    }
    if let Some(Err(error)) = &sent.slack {
        report_slack(error, cluster, cause, request_id);
    }
    if let Some(why) = &sent.blocks {
        Entry::new(
            Level::Error,
            "Slack did not take a card, and got plain text; report this as a bug",
        )
        .with("request_id", request_id)
        .with("cluster", cluster)
        .with("cause", cause)
        .with("detail", why.as_str())
        .write();
    }
    if let Some(error) = &sent.person {
        Entry::new(Level::Warn, "the person who was refused was not told")
            .with("request_id", request_id)
            .with("cluster", cluster)
            .with("cause", cause)
            .with("detail", error.to_string())
            .write();
    }
}

fn report_slack(error: &SlackError, cluster: &str, cause: &str, request_id: &str) {
    let (level, message) = match error {
        SlackError::Refused(_) => (
            Level::Error,
            "Slack takes no message before somebody mends something",
        ),
        _ => (Level::Warn, "Slack did not take a message"),
    };
    Entry::new(level, message)
        .with("request_id", request_id)
        .with("cluster", cluster)
        .with("cause", cause)
        .with("detail", error.to_string())
        .write();
}

pub(crate) fn report_table(error: &StoreError, request_id: &str) {
    Entry::new(
        Level::Error,
        "the table of incidents did not answer as it should",
    )
    .with("request_id", request_id)
    .with("reason", error.code.as_str())
    .with("detail", error.message.as_str())
    .write();
}

/// By the clock of this machine, in milliseconds since 1970.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use eks_access_aws::store::StoreError;

    use super::Ended;
    use crate::fault::Fault;

    #[test]
    fn an_invocation_that_ran_out_of_time_fails_even_if_nothing_was_refused() {
        let ended = Ended {
            published: 1,
            unsent: 2,
            ..Ended::default()
        };
        assert_eq!(
            ended.result(),
            Err(Fault::OutOfTime {
                unsent: 2,
                published: 1
            })
        );
        let all_sent = Ended {
            published: 3,
            ..Ended::default()
        };
        assert_eq!(all_sent.result(), Ok(()));
    }

    #[test]
    fn a_table_that_does_not_answer_is_why_lambda_tries_again() {
        let last = StoreError {
            code: "Timeout".to_owned(),
            message: "late".to_owned(),
        };
        let ended = Ended {
            unsent: 2,
            table: Some(last.clone()),
            ..Ended::default()
        };
        assert_eq!(ended.result(), Err(Fault::NotRemembered { last }));
    }
}
