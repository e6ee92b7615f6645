//! Tells people of incidents: at once, again, only in a count, or not at all, as is remembered of each.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;

use eks_access::cluster::Cluster;
use eks_access::memory::folded;
use eks_access::notice::digest::Storm;
use eks_access::notice::{Notice, Standing};
use eks_access::route::{Destination, Routes};
use eks_access::symptom::Severity;
use eks_access_aws::courier::{Courier, Owes};
use eks_access_aws::emf::Metric;
use eks_access_aws::parcel::{Parcel, To};
use eks_access_aws::sns::PublishError;
use eks_access_aws::store::{Store, StoreError};
use eks_access_aws::vars;
use futures_util::{StreamExt, stream};
use tokio::time::timeout_at;

use crate::asker::Asker;
use crate::fault::Fault;
use crate::run::Run;
use crate::tally::Tally;

mod remembered;
mod report;

pub(crate) use remembered::{Sending, Was};
use report::report;
pub(crate) use report::{counts, report_table};

/// Notices that are on their way at a time.
const AT_ONCE: usize = 8;

/// Who tells people.
pub(crate) struct Teller {
    courier: Courier,
    store: Option<Store>,
    /// `None` where nothing is offered.
    asker: Option<Asker>,
    slack: Option<vars::ToSlack>,
    max_notices: usize,
    max_new: u64,
    watches_logins: bool,
    /// Clusters whose new incidents of an hour are used up, with that hour, so that a storm costs one write a delivery.
    storms: Mutex<HashMap<Cluster, i64>>,
}

/// What became of one notice.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) counts: Vec<(Metric, u64)>,
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

    /// People know, or do not want to.
    fn suppressed() -> Self {
        Self::with([(Metric::Suppressed, 1)])
    }

    fn and(mut self, counts: impl IntoIterator<Item = (Metric, u64)>) -> Self {
        self.counts.extend(counts);
        self
    }

    fn untold(notice: Notice) -> Self {
        Self {
            untold: Some(notice),
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
    pub(crate) fn new(
        courier: Courier,
        store: Option<Store>,
        asker: Option<Asker>,
        vars: &vars::Responder,
    ) -> Self {
        Self {
            courier,
            store,
            asker,
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

    pub(crate) fn watches_logins(&self) -> bool {
        self.watches_logins
    }

    /// Tells of every notice of a delivery; one that fails does not stop the others.
    pub(crate) async fn tell(
        &self,
        notices: Vec<Notice>,
        run: Run<'_>,
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
        let untold = self.tell_each(notices, run, tally, &mut ended).await;
        // Lambda gives what failed once more, and the digest would count it twice.
        let has_failed = ended.table.is_some() || ended.unsent > 0;
        if let Some(store) = self.store.as_ref().filter(|_| !has_failed) {
            let storms = storms(untold.into_iter().chain(beyond));
            for storm in storms.into_values() {
                tally.add_lines(Metric::Digested, storm.count());
                let has_slack = self.slack.is_some();
                if let Err(error) = store.add(&storm, has_slack, run.now).await {
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
        run: Run<'_>,
        tally: &mut Tally,
        ended: &mut Ended,
    ) -> Vec<Notice> {
        let mut left = notices.len();
        let mut untold = Vec::new();
        let mut answers = stream::iter(notices)
            .map(|notice| async move {
                match &self.store {
                    Some(store) => self.remembered(store, notice, run).await,
                    None => Ok(self.forgotten(&notice, run).await),
                }
            })
            .buffer_unordered(AT_ONCE);
        while let Ok(Some(answer)) = timeout_at(run.until, answers.next()).await {
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
                    report_table(&error, run.id);
                    ended.table.get_or_insert(error);
                }
            }
        }
        ended.unsent = left;
        untold
    }

    /// Without a table: every notice is sent, and SNS that does not take one is why Lambda tries again.
    async fn forgotten(&self, notice: &Notice, run: Run<'_>) -> Told {
        let parcel = self.parcel(notice);
        let owes = Owes {
            sns: true,
            slack: parcel.slack.is_some(),
        };
        let mut sent = self.courier.publish(&parcel, owes).await;
        self.courier.post(&parcel, owes, None, &mut sent).await;
        report(&sent, notice.cluster.title(), notice.cause.id, run.id);
        Told {
            counts: counts(&sent),
            unpublished: sent.sns.and_then(Result::err),
            untold: None,
        }
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

    fn destination(&self, notice: &Notice) -> Option<To> {
        self.routed(|routes| routes.of(notice))
    }

    /// What is sent of a digest.
    pub(crate) fn storm_parcel(&self, storm: &Storm) -> Parcel {
        let severity = storm.severity().max(Severity::Medium);
        let to = self.routed(|routes| routes.find(&storm.cluster, severity, ""));
        Parcel::of_storm(storm, to)
    }

    /// Where Slack is to hear of something; the webhook has one channel only.
    fn routed(&self, find: impl FnOnce(&Routes) -> Option<Destination>) -> Option<To> {
        match &self.slack.as_ref()?.routes {
            None => Some(To::Webhook),
            Some(routes) => find(routes).map(To::Channel),
        }
    }
}

/// The cluster without its mode, which is not always known.
fn unmoded(cluster: &Cluster) -> Cluster {
    Cluster {
        mode: None,
        ..cluster.clone()
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
