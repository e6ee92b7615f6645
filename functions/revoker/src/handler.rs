//! One tick: what is due is done, each for itself; once an hour all of it is compared with EKS.
//!
//! Nothing that fails makes the invocation fail: the next tick is a minute away. What stands still is seen by the alarms.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use eks_access::access::life::Next;
use eks_access::access::{News, Request, RequestId, State};
use eks_access::policy::Guardrails;
use eks_access::timestamp::{HOUR, MINUTE};
use eks_access_aws::emf::Metric;
use eks_access_aws::entries::Entries;
use eks_access_aws::herald::Herald;
use eks_access_aws::log::{Entry, Level};
use eks_access_aws::requests::{LookUp, Requests, Saved};
use eks_access_aws::store::StoreError;
use eks_access_aws::tally::Tally;
use eks_access_aws::{aws, tick, vars};
use futures_util::{FutureExt, StreamExt, stream};
use lambda_runtime::{Diagnostic, LambdaEvent};
use serde_json::value::RawValue;
use tokio::time::{Instant, timeout_at};

/// Requests that are looked at at a time.
const AT_ONCE: usize = 4;
/// Steps of one request in a tick: one leads to another, as from over to being taken away to gone.
const STEPS: usize = 4;
/// How often grants are compared with EKS.
const RECONCILE_EVERY: i64 = HOUR;
/// How soon again, where EKS or the table did not answer for all of it.
const RECONCILE_AGAIN: i64 = 10 * MINUTE;
/// So long nobody looks again at a row that can't be read.
const PUT_OFF: i64 = HOUR;
/// A grant that is past its end by more is overdue.
pub(crate) const OVERDUE_AFTER: i64 = 2 * MINUTE;
/// What is left of a tick's time for telling how it went.
const RESERVE: Duration = Duration::from_secs(2);

/// Everything that outlives a tick.
pub(crate) struct Revoker {
    vars: vars::Revoker,
    pub(crate) guardrails: Guardrails,
    requests: Requests,
    pub(crate) entries: Entries,
    herald: Herald,
}

/// A request of which nothing more is due, but maybe to be told.
struct Stepped {
    request: Request,
    /// Whether this tick has made news.
    has_news: bool,
}

/// One tick.
#[derive(Clone, Copy)]
pub(crate) struct Tick<'a> {
    /// What time it is, in milliseconds since 1970.
    pub(crate) now: i64,
    /// When it has to be done.
    pub(crate) until: Instant,
    /// The invocation.
    pub(crate) invocation: &'a str,
    /// The table, for this invocation.
    pub(crate) requests: &'a Requests,
    /// What it counts.
    pub(crate) tally: &'a Tally,
}

impl Revoker {
    pub(crate) async fn new(vars: vars::Revoker) -> Self {
        let common = &vars.common;
        let config = aws::config(common.region.as_str()).await;
        Self {
            guardrails: common.requests.guardrails.clone(),
            requests: Requests::new(&config, &common.requests.table),
            entries: Entries::new(&config),
            herald: Herald::of(common, &config),
            vars,
        }
    }

    /// Answers a tick; whatever else comes is ignored.
    pub(crate) async fn handle(&self, event: LambdaEvent<Box<RawValue>>) -> Result<(), Diagnostic> {
        let LambdaEvent { payload, context } = event;
        let Some(at) = tick::at(payload.get().as_bytes()) else {
            return Ok(());
        };
        let tally = Tally::default();
        let left = context
            .deadline()
            .duration_since(std::time::SystemTime::now())
            .unwrap_or_default();
        let tick = Tick {
            now: tick::believed(at),
            until: Instant::now() + left.saturating_sub(RESERVE),
            invocation: &context.request_id,
            requests: &self
                .requests
                .signed(&self.guardrails.version, &context.request_id),
            tally: &tally,
        };
        let done = AssertUnwindSafe(self.tick(tick)).catch_unwind().await;
        let function = &context.env_config.function_name;
        tally.write(
            Metric::OF_THE_REVOKER,
            &self.vars.common.namespace,
            function,
            &context.request_id,
        );
        done.map_err(|_| Diagnostic {
            error_type: "Panicked".to_owned(),
            error_message: "the function panicked; its log says where, report it as a bug"
                .to_owned(),
        })
    }

    async fn tick(&self, tick: Tick<'_>) {
        let due = match tick.requests.due(tick.now).await {
            Ok(due) => due,
            Err(error) => return failed(&error, tick),
        };
        // What is to end comes before what is to be told: Slack may be slow, and grants are many.
        let steps = due.iter().map(|id| self.advance(id, tick));
        let stepped: Vec<Stepped> = all(steps, tick).await.into_iter().flatten().collect();
        let overdue = stepped
            .iter()
            .filter(|stepped| stepped.request.overdue(tick.now) > OVERDUE_AFTER)
            .count();
        tick.tally.add(Metric::Overdue, overdue as u64);
        if let Err(error) = self.maybe_reconcile(tick).await {
            failed(&error, tick);
        }
        let telling = stepped.into_iter().map(|stepped| self.tell(stepped, tick));
        all(telling, tick).await;
        tick.tally.add(Metric::Ticks, 1);
    }

    async fn maybe_reconcile(&self, tick: Tick<'_>) -> Result<(), StoreError> {
        if !tick
            .requests
            .take_reconciling(tick.now, RECONCILE_EVERY)
            .await?
        {
            return Ok(());
        }
        let is_whole = timeout_at(tick.until, self.reconcile(tick)).await;
        match is_whole {
            Ok(Ok(true)) => tick.tally.add(Metric::Reconciled, 1),
            Ok(Err(error)) => {
                failed(&error, tick);
                self.reconcile_again(tick).await?;
            }
            Ok(Ok(false)) | Err(_) => self.reconcile_again(tick).await?,
        }
        Ok(())
    }

    async fn reconcile_again(&self, tick: Tick<'_>) -> Result<(), StoreError> {
        let at = tick.now.saturating_add(RECONCILE_AGAIN);
        tick.requests.reconcile_again(at, RECONCILE_EVERY).await
    }

    /// Does what is due of one request and tells people, after this tick has changed it.
    pub(crate) async fn look(&self, id: &RequestId, tick: Tick<'_>) -> Result<(), StoreError> {
        if let Some(stepped) = self.advance(id, tick).await? {
            let stepped = Stepped {
                has_news: true,
                ..stepped
            };
            self.tell(stepped, tick).await?;
        }
        Ok(())
    }

    /// Does what is due of one request, step by step until nothing is. `None` if there is no such request to be read.
    async fn advance(&self, id: &RequestId, tick: Tick<'_>) -> Result<Option<Stepped>, StoreError> {
        let mut steps = 0;
        let mut owed = None;
        let request = loop {
            let Some(request) = self.readable(id, tick).await? else {
                return Ok(None);
            };
            owed.get_or_insert((request.news.len(), request.audits.len()));
            if steps == STEPS || !self.step(request.clone(), tick).await? {
                break request;
            }
            steps += 1;
        };
        let has_news = owed != Some((request.news.len(), request.audits.len()));
        Ok(Some(Stepped { request, has_news }))
    }

    /// The request. One that can't be read is put off, so that it does not stand before others.
    async fn readable(
        &self,
        id: &RequestId,
        tick: Tick<'_>,
    ) -> Result<Option<Request>, StoreError> {
        match tick.requests.look_up(id).await? {
            LookUp::Is(request) => Ok(Some(*request)),
            LookUp::Missing => Ok(None),
            LookUp::Unreadable => {
                unreadable(id, tick);
                let until = tick.now.saturating_add(PUT_OFF);
                tick.requests.put_off(id, until).await?;
                Ok(None)
            }
        }
    }

    /// Tells what is owed. Whoever else made news is about to tell them, for a while.
    async fn tell(&self, stepped: Stepped, tick: Tick<'_>) -> Result<(), StoreError> {
        let Stepped { request, has_news } = stepped;
        if has_news || request.news_at.is_none_or(|at| at <= tick.now) {
            let heard = self.herald.tell(tick.requests, request, tick.now).await?;
            let has_failed = heard.has_sns_failed || heard.has_slack_failed;
            tick.tally.add(Metric::NewsFailures, u64::from(has_failed));
        }
        Ok(())
    }

    /// One step; `false` when there is none to do now.
    async fn step(&self, mut request: Request, tick: Tick<'_>) -> Result<bool, StoreError> {
        let before = request.version;
        let now = tick.now;
        let record = match request.next(now) {
            Next::Wait => return Ok(false),
            Next::Expire => Some(request.expire(now)),
            Next::Remind => {
                request.reminded(News::Reminder, now);
                None
            }
            Next::Warn => {
                request.reminded(News::Ending, now);
                None
            }
            Next::RemindOfReview => {
                request.reminded(News::ReviewDue, now);
                None
            }
            Next::End if request.state == State::Active => {
                request.revoking(now);
                None
            }
            Next::Clean if request.state == State::Granting => {
                Some(request.fail("the granter did not come to an end", true, "revoker", now))
            }
            Next::End | Next::Clean => return self.end(request, tick).await,
        };
        let record = record.as_ref().map(|record| (record, None));
        let saved = tick
            .requests
            .save(&mut request, before, record, None)
            .await?;
        Ok(saved == Saved::Yes)
    }
}

/// Some at a time, as long as there is time; what fails costs nothing else.
async fn all<T>(
    futures: impl Iterator<Item = impl Future<Output = Result<T, StoreError>>>,
    tick: Tick<'_>,
) -> Vec<T> {
    let mut running = stream::iter(futures).buffer_unordered(AT_ONCE);
    let mut done = Vec::new();
    while let Ok(Some(result)) = timeout_at(tick.until, running.next()).await {
        match result {
            Ok(value) => done.push(value),
            Err(error) => failed(&error, tick),
        }
    }
    done
}

fn unreadable(id: &RequestId, tick: Tick<'_>) {
    tick.tally.add(Metric::UnreadableEntries, 1);
    Entry::new(
        Level::Error,
        "a row of the table of requests can't be read: somebody changed it",
    )
    .with("request_id", tick.invocation)
    .with("request", id.as_str())
    .write();
}

pub(crate) fn failed(error: &StoreError, tick: Tick<'_>) {
    tick.tally.add(Metric::TableFailures, 1);
    Entry::new(
        Level::Error,
        "the table of requests did not answer as it should",
    )
    .with("request_id", tick.invocation)
    .with("reason", error.code.as_str())
    .with("detail", error.message.as_str())
    .write();
}
