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
use eks_access_aws::requests::{Requests, Saved};
use eks_access_aws::store::StoreError;
use eks_access_aws::tally::Tally;
use eks_access_aws::{aws, tick, vars};
use futures_util::{FutureExt, StreamExt, stream};
use lambda_runtime::{Diagnostic, LambdaEvent};
use serde_json::value::RawValue;
use tokio::time::{Instant, timeout_at};

/// Requests that are looked at at a time.
const AT_ONCE: usize = 4;
/// Requests of a tick.
const MOST: i32 = 200;
/// Steps of one request in a tick: one leads to another, as from over to being taken away to gone.
const STEPS: usize = 4;
/// How often grants are compared with EKS.
const RECONCILE_EVERY: i64 = HOUR;
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
        let due = match tick.requests.due(tick.now, MOST).await {
            Ok(due) => due,
            Err(error) => return failed(&error, tick),
        };
        let mut looks = stream::iter(due)
            .map(|id| async move {
                if let Err(error) = self.look(&id, tick).await {
                    failed(&error, tick);
                }
            })
            .buffer_unordered(AT_ONCE);
        while let Ok(Some(())) = timeout_at(tick.until, looks.next()).await {}
        drop(looks);
        if let Err(error) = self.maybe_reconcile(tick).await {
            failed(&error, tick);
        }
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
                tick.requests.forget_reconciling().await?;
            }
            Ok(Ok(false)) | Err(_) => tick.requests.forget_reconciling().await?,
        }
        Ok(())
    }

    /// Does what is due of one request, step by step until nothing is, and tells what is owed.
    pub(crate) async fn look(&self, id: &RequestId, tick: Tick<'_>) -> Result<(), StoreError> {
        self.look_and_tell(id, false, tick).await
    }

    /// The same; `has_news` if this tick has made news already.
    pub(crate) async fn look_and_tell(
        &self,
        id: &RequestId,
        mut has_news: bool,
        tick: Tick<'_>,
    ) -> Result<(), StoreError> {
        for _ in 0..STEPS {
            let Some(request) = tick.requests.get(id).await? else {
                unreadable(id, tick);
                return Ok(());
            };
            if !self.step(request, tick).await? {
                break;
            }
            has_news = true;
        }
        let Some(request) = tick.requests.get(id).await? else {
            return Ok(());
        };
        if request.overdue(tick.now) > OVERDUE_AFTER {
            tick.tally.add(Metric::Overdue, 1);
        }
        // Whoever else made news is about to tell them, for a while.
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

fn failed(error: &StoreError, tick: Tick<'_>) {
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
