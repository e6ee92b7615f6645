//! Every minute: sends what people are owed still, and looks whether who was refused gets in by now.

use std::time::Duration;

use eks_access::incident::Subject;
use eks_access::memory::next_look;
use eks_access::notice::Notice;
use eks_access_aws::courier::Owes;
use eks_access_aws::emf::Metric;
use eks_access_aws::log::{Entry, Level};
use eks_access_aws::logins::Logins;
use eks_access_aws::parcel::Parcel;
use eks_access_aws::slack::Place;
use eks_access_aws::store::{Due, IncidentRow, OwedStorm, Settled, Store, StoreError};
use futures_util::{StreamExt, stream};
use tokio::time::{Instant, timeout_at};

use crate::tally::Tally;
use crate::teller::{Teller, counts, report, report_table, settled};

/// What is done of what is due at a time.
const AT_ONCE: usize = 4;
/// Rows that are asked for at once.
const PAGE: i32 = 25;
/// Pages of a tick: the next tick is a minute away.
const PAGES: usize = 8;
/// What is left of a tick's time when no further page is begun.
const ENOUGH: Duration = Duration::from_secs(10);
/// After so long nobody is owed a notice any more.
const DAY: i64 = 24 * 60 * 60 * 1000;

/// Does what is due.
pub(crate) struct Ticker {
    store: Store,
    /// `None` when it is not to be looked.
    logins: Option<Logins>,
}

/// Somebody who is owed something, in the words that both kinds share.
struct Owed<'a> {
    due: &'a Due,
    owes: Owes,
    since: i64,
    attempts: u64,
    place: Option<&'a Place>,
    cluster: &'a str,
    cause: &'a str,
}

/// What became of something due.
#[derive(Default)]
struct Done {
    counts: Vec<(Metric, u64)>,
    /// For how many seconds it has been owed, if it is still.
    owed_for: Option<u64>,
}

impl Ticker {
    pub(crate) fn new(store: Store, logins: Option<Logins>) -> Self {
        Self { store, logins }
    }

    /// Does what is due. What fails is counted and not tried again by Lambda: the next tick is a minute away.
    pub(crate) async fn tick(
        &self,
        teller: &Teller,
        now: i64,
        request_id: &str,
        until: Instant,
        tally: &mut Tally,
    ) {
        // A tick that waited in Lambda's queue is older than the leases that were taken meanwhile.
        let now = now.max(crate::teller::now());
        let mut failed = None;
        for _ in 0..PAGES {
            let due = match self.store.due(now, PAGE).await {
                Ok(due) => due,
                Err(error) => {
                    report_table(&error, request_id);
                    failed = Some(error);
                    break;
                }
            };
            let is_last = due.len() < usize::try_from(PAGE).unwrap_or(usize::MAX);
            self.page(teller, due, now, request_id, until, tally, &mut failed)
                .await;
            let left = until.saturating_duration_since(Instant::now());
            if is_last || failed.is_some() || left < ENOUGH {
                break;
            }
        }
        tally.add(Metric::TableFailures, usize::from(failed.is_some()));
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "what an invocation has, and nothing else"
    )]
    async fn page(
        &self,
        teller: &Teller,
        due: Vec<Due>,
        now: i64,
        request_id: &str,
        until: Instant,
        tally: &mut Tally,
        failed: &mut Option<StoreError>,
    ) {
        let mut answers = stream::iter(due)
            .map(|due| async move { self.one(teller, &due, now, request_id).await })
            .buffer_unordered(AT_ONCE);
        while let Ok(Some(answer)) = timeout_at(until, answers.next()).await {
            match answer {
                Ok(done) => {
                    for (metric, count) in done.counts {
                        tally.add_lines(metric, count);
                    }
                    if let Some(seconds) = done.owed_for {
                        tally.add(Metric::Owed, 1);
                        tally.most(Metric::OldestOwed, seconds);
                    }
                }
                Err(error) => {
                    report_table(&error, request_id);
                    failed.get_or_insert(error);
                }
            }
        }
    }

    async fn one(
        &self,
        teller: &Teller,
        due: &Due,
        now: i64,
        request_id: &str,
    ) -> Result<Done, StoreError> {
        if !self.store.take_over(due, now).await? {
            return Ok(Done::default());
        }
        if let Some(incident) = self.store.owed_incident(due).await? {
            return self.incident(teller, due, &incident, now, request_id).await;
        }
        if let Some(storm) = self.store.owed_storm(due).await? {
            return self.storm(teller, due, &storm, now, request_id).await;
        }
        // A row of another release, or one that somebody edited. It is not looked at again.
        Entry::new(
            Level::Error,
            "what is owed could not be read; report this as a bug",
        )
        .with("request_id", request_id)
        .write();
        self.store.settle(due, &Settled::default()).await?;
        Ok(Done {
            counts: vec![(Metric::GivenUp, 1)],
            owed_for: None,
        })
    }

    async fn incident(
        &self,
        teller: &Teller,
        due: &Due,
        incident: &IncidentRow,
        now: i64,
        request_id: &str,
    ) -> Result<Done, StoreError> {
        if !incident.owes_sns && !incident.owes_slack {
            return self.look(teller, due, incident, now, request_id).await;
        }
        let Some(parcel) = self.store.parcel(&incident.id).await? else {
            self.store.settle(due, &Settled::default()).await?;
            return Ok(Done::default());
        };
        let owed = Owed {
            due,
            owes: Owes {
                sns: incident.owes_sns,
                slack: incident.owes_slack,
            },
            since: incident.owed_since.unwrap_or(now),
            attempts: incident.attempts,
            place: incident.place.as_ref(),
            cluster: incident.cluster.title(),
            cause: &incident.state.told_cause,
        };
        let is_watched = teller.watches_logins()
            && incident.state.resolved_at.is_none()
            && matches!(incident.subject, Subject::Principal(_));
        let look = || {
            is_watched
                .then(|| next_look(0, incident.state.last_seen, now))
                .flatten()
        };
        self.send(teller, &owed, &parcel, now, request_id, look)
            .await
    }

    async fn storm(
        &self,
        teller: &Teller,
        due: &Due,
        storm: &OwedStorm,
        now: i64,
        request_id: &str,
    ) -> Result<Done, StoreError> {
        let parcel = teller.storm_parcel(&storm.storm);
        let owed = Owed {
            due,
            owes: Owes {
                sns: storm.owes_sns,
                slack: storm.owes_slack,
            },
            since: storm.owed_since,
            attempts: storm.attempts,
            place: None,
            cluster: storm.storm.cluster.title(),
            cause: "digest",
        };
        self.send(teller, &owed, &parcel, now, request_id, || None)
            .await
    }

    /// Sends what is owed, and crosses out what was sent.
    async fn send(
        &self,
        teller: &Teller,
        owed: &Owed<'_>,
        parcel: &Parcel,
        now: i64,
        request_id: &str,
        look: impl FnOnce() -> Option<i64>,
    ) -> Result<Done, StoreError> {
        let sent = teller.courier().send(parcel, owed.owes, owed.place).await;
        report(&sent, owed.cluster, owed.cause, request_id);
        let mut settled = settled(&sent, owed.place, owed.attempts + 1, now, look);
        let mut done = Done {
            counts: counts(&sent),
            owed_for: None,
        };
        if settled.owes_sns || settled.owes_slack {
            let age = now.saturating_sub(owed.since);
            if age > DAY {
                Entry::new(Level::Error, "a notice was owed for a day and is given up")
                    .with("request_id", request_id)
                    .with("cluster", owed.cluster)
                    .with("cause", owed.cause)
                    .write();
                done.counts.push((Metric::GivenUp, 1));
                settled = Settled {
                    place: settled.place,
                    ..Settled::default()
                };
            } else {
                done.owed_for = Some(u64::try_from(age / 1000).unwrap_or(0));
            }
        }
        self.store.settle(owed.due, &settled).await?;
        Ok(done)
    }

    /// Looks whether the principal gets in by now.
    async fn look(
        &self,
        teller: &Teller,
        due: &Due,
        incident: &IncidentRow,
        now: i64,
        request_id: &str,
    ) -> Result<Done, StoreError> {
        let state = &incident.state;
        let (Some(logins), Subject::Principal(principal), Some(cluster)) =
            (&self.logins, &incident.subject, &incident.cluster.name)
        else {
            self.store.settle(due, &Settled::default()).await?;
            return Ok(Done::default());
        };
        let granted = logins
            .granted_since(cluster, principal, state.last_seen + 1)
            .await;
        let granted = granted.unwrap_or_else(|code| {
            Entry::new(Level::Warn, "the cluster's log could not be searched")
                .with("request_id", request_id)
                .with("cluster", cluster.as_str())
                .with("reason", code)
                .write();
            None
        });
        let resolved = granted.and_then(|at| {
            let notice = Notice::resolved(
                incident.cluster.clone(),
                incident.subject.clone(),
                incident.symptom,
                state,
                at,
            )?;
            Some((at, teller.parcel(&notice)))
        });
        let next = next_look(incident.looks + 1, state.last_seen, now);
        let Some((at, parcel)) = resolved else {
            self.store.looked(due, incident.looks + 1, next).await?;
            return Ok(Done::default());
        };
        if !self.store.resolve(incident, at, &parcel, now).await? {
            self.store.looked(due, incident.looks + 1, next).await?;
            return Ok(Done::default());
        }
        let owed = Owed {
            due,
            owes: Owes {
                sns: true,
                slack: parcel.slack.is_some(),
            },
            since: now,
            attempts: 0,
            place: incident.place.as_ref(),
            cluster: cluster.as_str(),
            cause: &state.told_cause,
        };
        let mut done = self
            .send(teller, &owed, &parcel, now, request_id, || None)
            .await?;
        done.counts.push((Metric::Resolved, 1));
        Ok(done)
    }
}
