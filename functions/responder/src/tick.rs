//! Every minute: sends what people are owed still, decides what nobody has decided yet, and looks whether who was refused
//! gets in by now.

use std::time::Duration;

use eks_access::incident::Subject;
use eks_access::memory::{Turn, after_telling, can_be_resolved, decide, next_look};
use eks_access::notice::{Notice, Standing};
use eks_access::timestamp::DAY;
use eks_access_aws::clock;
use eks_access_aws::courier::Owes;
use eks_access_aws::emf::Metric;
use eks_access_aws::log::{Entry, Level};
use eks_access_aws::logins::{Found, Logins};
use eks_access_aws::store::{Due, IncidentRow, Looked, OwedStorm, Settled, Store, StoreError};
use futures_util::{StreamExt, stream};
use tokio::time::{Instant, timeout_at};

use crate::run::Run;
use crate::tally::Tally;
use crate::teller::{Sending, Teller, Was, counts, report_table};

/// What is done of what is due at a time.
const AT_ONCE: usize = 4;
/// Rows that are asked for at once.
const PAGE: i32 = 25;
/// Pages of a tick: the next tick is a minute away.
const PAGES: usize = 8;
/// What is left of a tick's time when no further page is begun.
const ENOUGH: Duration = Duration::from_secs(16);

/// After so long nobody is owed a notice any more.
const GIVEN_UP_AFTER: i64 = DAY;

/// Does what is due.
pub(crate) struct Ticker {
    store: Store,
    /// `None` when it is not to be looked.
    logins: Option<Logins>,
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
    pub(crate) async fn tick(&self, teller: &Teller, run: Run<'_>, tally: &mut Tally) {
        let mut failed = None;
        for _ in 0..PAGES {
            let due = match self.store.due(run.now, PAGE).await {
                Ok(due) => due,
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            };
            let is_last = due.len() < usize::try_from(PAGE).unwrap_or(usize::MAX);
            failed = self.page(teller, due, run, tally).await;
            let left = run.until.saturating_duration_since(Instant::now());
            if is_last || failed.is_some() || left < ENOUGH {
                break;
            }
        }
        if let Some(error) = &failed {
            report_table(error, run.id);
        }
        tally.add(Metric::TableFailures, usize::from(failed.is_some()));
    }

    /// What of this failed first.
    async fn page(
        &self,
        teller: &Teller,
        due: Vec<Due>,
        run: Run<'_>,
        tally: &mut Tally,
    ) -> Option<StoreError> {
        let mut failed = None;
        let mut answers = stream::iter(due)
            .map(|due| async move { self.one(teller, &due, run).await })
            .buffer_unordered(AT_ONCE);
        while let Ok(Some(answer)) = timeout_at(run.until, answers.next()).await {
            let done = answer.unwrap_or_else(|error| {
                failed.get_or_insert(error);
                Done::default()
            });
            for (metric, count) in done.counts {
                tally.add_lines(metric, count);
            }
            if let Some(seconds) = done.owed_for {
                tally.add(Metric::Owed, 1);
                tally.most(Metric::OldestOwed, seconds);
            }
        }
        failed
    }

    async fn one(&self, teller: &Teller, due: &Due, run: Run<'_>) -> Result<Done, StoreError> {
        if !run.has_time() {
            return Ok(Done::default());
        }
        if let Some(incident) = self.store.owed_incident(due).await? {
            if incident.owes_sns || incident.owes_slack {
                return self.owed(teller, due, run).await;
            }
            if !self.store.begin_look(due, run.now).await? {
                return Ok(Done::default());
            }
            return if incident.is_overheard {
                self.overheard(teller, due, &incident, run).await
            } else {
                self.look(teller, due, &incident, run).await
            };
        }
        if let Some(storm) = self.store.owed_storm(due).await? {
            return self.storm(teller, due, &storm, run).await;
        }
        self.unreadable(due, run).await
    }

    /// A row of another release, or one that somebody edited. It is not looked at again.
    async fn unreadable(&self, due: &Due, run: Run<'_>) -> Result<Done, StoreError> {
        Entry::new(
            Level::Error,
            "what is owed could not be read; report this as a bug",
        )
        .with("request_id", run.id)
        .write();
        self.store.drop_owed(due).await?;
        Ok(Done {
            counts: vec![(Metric::GivenUp, 1)],
            owed_for: None,
        })
    }

    async fn owed(&self, teller: &Teller, due: &Due, run: Run<'_>) -> Result<Done, StoreError> {
        if !self.store.take_over(due, run.claim()).await? {
            return Ok(Done::default());
        }
        // As it is now that nobody else speaks.
        let Some(incident) = self.store.owed_incident(due).await? else {
            return Ok(Done::default());
        };
        let Some(parcel) = self.store.parcel(&incident).await? else {
            return self.unreadable(due, run).await;
        };
        let sending = Sending {
            due,
            parcel: &parcel,
            owes: Owes {
                sns: incident.owes_sns,
                slack: incident.owes_slack,
            },
            place: incident.place.as_ref(),
            attempts: incident.attempts,
            look: later(teller, &incident, run),
            cluster: incident.cluster.title(),
            cause: &incident.state.told_cause,
        };
        let since = incident.owed_since.unwrap_or(run.now);
        self.send(teller, &sending, since, run).await
    }

    async fn storm(
        &self,
        teller: &Teller,
        due: &Due,
        storm: &OwedStorm,
        run: Run<'_>,
    ) -> Result<Done, StoreError> {
        if !self.store.take_over(due, run.claim()).await? {
            return Ok(Done::default());
        }
        let sending = Sending {
            due,
            parcel: &teller.storm_parcel(&storm.storm),
            owes: Owes {
                sns: storm.owes_sns,
                slack: storm.owes_slack,
            },
            place: None,
            attempts: storm.attempts,
            look: None,
            cluster: storm.storm.cluster.title(),
            cause: "digest",
        };
        self.send(teller, &sending, storm.owed_since, run).await
    }

    /// Sends what is owed, and gives it up after a day.
    async fn send(
        &self,
        teller: &Teller,
        sending: &Sending<'_>,
        since: i64,
        run: Run<'_>,
    ) -> Result<Done, StoreError> {
        // By the clock, and not by the tick: whoever may send ticks can't make it late.
        if clock::now().saturating_sub(since) > GIVEN_UP_AFTER {
            Entry::new(Level::Error, "a notice was owed for a day and is given up")
                .with("request_id", run.id)
                .with("cluster", sending.cluster)
                .with("cause", sending.cause)
                .write();
            let settled = Settled {
                place: sending.place.cloned(),
                due_at: sending.look,
                ..Settled::default()
            };
            self.store
                .settle(sending.due, &settled, run.claim())
                .await?;
            return Ok(Done {
                counts: vec![(Metric::GivenUp, 1)],
                owed_for: None,
            });
        }
        let (settled, sent) = teller.send(&self.store, sending, run).await?;
        let age = u64::try_from(run.now.saturating_sub(since) / 1000).unwrap_or(0);
        Ok(Done {
            counts: counts(&sent),
            owed_for: (settled.owes_sns || settled.owes_slack).then_some(age),
        })
    }

    /// Decides about what came while somebody was speaking of the incident, or came as part of it.
    async fn overheard(
        &self,
        teller: &Teller,
        due: &Due,
        incident: &IncidentRow,
        run: Run<'_>,
    ) -> Result<Done, StoreError> {
        let state = &incident.state;
        let notice = remembered(incident, Standing::First);
        let (Some(arrival), Some(notice)) = (state.since_told(), notice) else {
            return self.unreadable(due, run).await;
        };
        let turn = decide(Some(state), &arrival, run.now);
        if !matches!(turn, Turn::Speak(_)) {
            self.put_back(teller, due, incident, run).await?;
        }
        let parcel = self.store.parcel(incident).await?;
        let was = Was {
            state: Some(state),
            place: incident.place.as_ref(),
            card: parcel
                .as_ref()
                .and_then(|parcel| Some(&parcel.slack.as_ref()?.card)),
        };
        let told = match turn {
            Turn::Speak(why) => {
                let told = after_telling(state, &arrival, why);
                teller
                    .speak(&self.store, notice, was, (&told, why), run)
                    .await?
            }
            Turn::Edit => teller.edit(&self.store, notice, was, state, run).await?,
            Turn::Silent(_) => return Ok(Done::default()),
        };
        Ok(Done {
            counts: told.counts,
            owed_for: None,
        })
    }

    /// Looks whether the principal gets in by now.
    async fn look(
        &self,
        teller: &Teller,
        due: &Due,
        incident: &IncidentRow,
        run: Run<'_>,
    ) -> Result<Done, StoreError> {
        let is_muted = incident
            .state
            .muted_until
            .is_some_and(|until| run.now < until);
        let found = if is_muted {
            Found::default()
        } else {
            self.search(incident, run).await
        };
        if let Some(at) = found.granted {
            return self.resolved(teller, due, incident, at, run).await;
        }
        self.looked(teller, due, incident, found, run).await?;
        Ok(Done::default())
    }

    /// What the cluster's log says of the principal's logins.
    async fn search(&self, incident: &IncidentRow, run: Run<'_>) -> Found {
        let (Some(logins), Subject::Principal(principal), Some(cluster)) =
            (&self.logins, &incident.subject, &incident.cluster.name)
        else {
            return Found::default();
        };
        let since = incident.state.last_seen;
        let found = logins
            .granted_since(cluster, principal, since, incident.looked_until)
            .await;
        found.unwrap_or_else(|code| {
            Entry::new(Level::Warn, "the cluster's log could not be searched")
                .with("request_id", run.id)
                .with("cluster", cluster.as_str())
                .with("reason", code)
                .write();
            Found {
                granted: None,
                until: incident.looked_until,
            }
        })
    }

    /// Notes that the log was searched.
    async fn looked(
        &self,
        teller: &Teller,
        due: &Due,
        incident: &IncidentRow,
        found: Found,
        run: Run<'_>,
    ) -> Result<(), StoreError> {
        let looks = incident.looks + 1;
        let next = watched(teller, incident)
            .then(|| next_look(looks, incident.state.last_seen, run.now))
            .flatten();
        let looked = Looked {
            looks,
            until: found.until,
            next,
        };
        self.store.looked(due, &looked, run.now).await
    }

    /// Notes that nothing was to be said, and leaves the next search where it was.
    async fn put_back(
        &self,
        teller: &Teller,
        due: &Due,
        incident: &IncidentRow,
        run: Run<'_>,
    ) -> Result<(), StoreError> {
        let looked = Looked {
            looks: incident.looks,
            until: incident.looked_until,
            next: later(teller, incident, run),
        };
        self.store.looked(due, &looked, run.now).await
    }

    /// Tells people that the principal gets in.
    async fn resolved(
        &self,
        teller: &Teller,
        due: &Due,
        incident: &IncidentRow,
        at: i64,
        run: Run<'_>,
    ) -> Result<Done, StoreError> {
        let Some(notice) = remembered(incident, Standing::Resolved { at }) else {
            return self.unreadable(due, run).await;
        };
        let parcel = teller.parcel(&notice);
        if !self
            .store
            .resolve(incident, at, &parcel, run.claim())
            .await?
        {
            self.put_back(teller, due, incident, run).await?;
            return Ok(Done::default());
        }
        let sending = Sending {
            due,
            parcel: &parcel,
            owes: Owes {
                sns: true,
                slack: parcel.slack.is_some(),
            },
            place: incident.place.as_ref(),
            attempts: 0,
            look: None,
            cluster: incident.cluster.title(),
            cause: &incident.state.told_cause,
        };
        let mut done = self.send(teller, &sending, run.now, run).await?;
        done.counts.push((Metric::Resolved, 1));
        Ok(done)
    }
}

/// Whether it is to be looked for logins of an incident's principal.
fn watched(teller: &Teller, incident: &IncidentRow) -> bool {
    teller.watches_logins()
        && incident.state.resolved_at.is_none()
        && can_be_resolved(&incident.cluster, &incident.subject, incident.symptom)
}

/// When to search next, as was said when people were told.
fn later(teller: &Teller, incident: &IncidentRow, run: Run<'_>) -> Option<i64> {
    let look_at = incident.look_at.filter(|_| watched(teller, incident))?;
    Some(look_at.max(run.now.saturating_add(1)))
}

/// A notice of what the row alone says.
fn remembered(incident: &IncidentRow, standing: Standing) -> Option<Notice> {
    Notice::remembered(
        incident.cluster.clone(),
        incident.subject.clone(),
        incident.symptom,
        &incident.state,
        standing,
    )
}
