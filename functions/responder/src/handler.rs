//! One invocation: a delivery in, notices out.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use eks_access::delivery::{self, DeliveryError, Limits, Payload};
use eks_access::facts::{Facts, Unknown};
use eks_access::incident::{Answers, Digest, Outcome, Settings};
use eks_access_aws::courier::Courier;
use eks_access_aws::emf::Metric;
use eks_access_aws::facts::Gatherer;
use eks_access_aws::herald::Herald;
use eks_access_aws::log::{Entry, Level};
use eks_access_aws::logins::Logins;
use eks_access_aws::requests::Requests;
use eks_access_aws::secret::Secret;
use eks_access_aws::slack::Slack;
use eks_access_aws::sns::Topic;
use eks_access_aws::store::Store;
use eks_access_aws::{aws, clock, tick, vars};
use futures_util::FutureExt;
use lambda_runtime::{Context, LambdaEvent};
use tokio::time::Instant;

use crate::asker::Asker;
use crate::event::RawEvent;
use crate::fault::Fault;
use crate::run::Run;
use crate::tally::{Origin, Tally};
use crate::teller::Teller;
use crate::tick::Ticker;

/// What is left of an invocation's time for telling how it went.
const RESERVE: Duration = Duration::from_millis(500);
/// What finding out facts may take, at most; and of what is left of an invocation's time, at most a third.
const FACTS_BUDGET: Duration = Duration::from_secs(5);

/// Everything that outlives an invocation.
pub(crate) struct Responder {
    vars: vars::Responder,
    settings: Settings,
    teller: Teller,
    /// `None` without a table: then nothing is ever owed.
    ticker: Option<Ticker>,
    /// `None` when facts are switched off.
    facts: Option<Gatherer>,
}

impl Responder {
    pub(crate) async fn new(vars: vars::Responder) -> Self {
        let config = aws::config(vars.region.as_str()).await;
        let of_topic = aws::in_region(&config, vars.topic.region().as_str());
        let topic = Topic::new(&of_topic, vars.topic.clone());
        let questions = aws::for_questions(&config);
        let facts = vars.asks_for_facts.then(|| Gatherer::new(&questions));
        let slack = vars.slack.as_ref().and_then(|slack| {
            Slack::new(slack.url.clone(), Secret::new(&questions, &slack.secret)).map(Arc::new)
        });
        let mut settings = Settings {
            own_accounts: vars.own_accounts.clone(),
            ..Settings::default()
        };
        settings.cluster.region = Some(vars.region.clone());
        let store = vars
            .memory
            .as_ref()
            .map(|memory| Store::new(&config, &memory.table));
        let logins = vars.memory.as_ref().filter(|memory| memory.watches_logins);
        let logins = logins.map(|_| Logins::new(&questions));
        let asker = vars.requests.clone().map(|asking| {
            let requests = Requests::new(&config, &asking.table);
            let herald = Herald::new(topic.clone(), slack.clone());
            Asker::new(asking.guardrails, requests, herald)
        });
        let courier = Courier::new(topic, slack);
        let teller = Teller::new(courier, store.clone(), asker, &vars);
        Self {
            ticker: store.map(|store| Ticker::new(store, logins)),
            vars,
            settings,
            teller,
            facts,
        }
    }

    /// Answers an event. `Err` makes Lambda try it again, so only what a second try can help is one: without a table, a
    /// notice that was not published (the others were, and come twice); with one, a table that does not answer.
    pub(crate) async fn handle(&self, event: LambdaEvent<RawEvent>) -> Result<(), Fault> {
        let until = Instant::now() + time_left(event.context.deadline(), SystemTime::now());
        let LambdaEvent { payload, context } = event;
        let answer = async {
            match payload.tick() {
                Some(now) => self.tick(now, &context, until).await,
                None => self.respond(payload, &context, until).await,
            }
        };
        AssertUnwindSafe(answer)
            .catch_unwind()
            .await
            .unwrap_or(Err(Fault::Panicked))
    }

    async fn tick(&self, now: i64, context: &Context, until: Instant) -> Result<(), Fault> {
        let Some(ticker) = &self.ticker else {
            return Ok(());
        };
        let mut tally = Tally::default();
        // A tick that waited in Lambda's queue is older than the leases that were taken meanwhile.
        let now = tick::believed(now);
        let id = &context.request_id;
        ticker
            .tick(&self.teller, Run { id, until, now }, &mut tally)
            .await;
        let metrics = Metric::of_a_tick(self.vars.slack.is_some());
        tally.write(&metrics, self.origin(context));
        Ok(())
    }

    async fn respond(
        &self,
        event: RawEvent,
        context: &Context,
        until: Instant,
    ) -> Result<(), Fault> {
        let request_id = context.request_id.as_str();
        let mut tally = Tally::default();
        let digest = self.read(event, request_id, &mut tally);
        let answers = self.find_out(&digest, request_id, until, &mut tally).await;
        let Outcome { notices, counts } = digest.finish_with(&answers);
        tally.count(&counts);
        let run = Run {
            id: request_id,
            until,
            now: clock::now(),
        };
        let ended = self.teller.tell(notices, run, &mut tally).await;
        let has_table = self.ticker.is_some();
        let mut metrics = Metric::of_a_delivery(has_table, self.vars.slack.is_some());
        metrics.extend(self.vars.requests.as_ref().map(|_| Metric::Requested));
        if has_table {
            tally.write_without_zeros(&metrics, self.origin(context));
        } else {
            tally.write(&metrics, self.origin(context));
        }
        ended
    }

    fn origin<'a>(&'a self, context: &'a Context) -> Origin<'a> {
        Origin {
            namespace: &self.vars.namespace,
            function: &context.env_config.function_name,
            request_id: &context.request_id,
        }
    }

    /// Bytes to lines to denials to incidents. A payload that can't be read costs only itself.
    fn read(&self, event: RawEvent, request_id: &str, tally: &mut Tally) -> Digest {
        let payloads = delivery::payloads(event.bytes());
        // The event holds the same bytes as the payloads, a third larger.
        drop(event);
        let mut digest = Digest::new(self.settings.clone());
        let mut rejected = Vec::new();
        match payloads.as_deref() {
            Ok([payload]) => match self.digest(payload, &mut digest) {
                Ok(()) => {}
                Err(error) => {
                    // The checksum stands at the end: what was collected before an error is worth nothing.
                    digest = Digest::new(self.settings.clone());
                    rejected.push(error);
                }
            },
            // Several share a digest, so each is verified before any of its lines is believed.
            Ok(several) => rejected.extend(several.iter().filter_map(|payload| {
                let verified = payload.verify(&self.limits());
                verified
                    .and_then(|()| self.digest(payload, &mut digest))
                    .err()
            })),
            Err(error) => rejected.push(error.clone()),
        }
        for error in rejected {
            tally.add(Metric::PayloadsRejected, 1);
            Entry::new(Level::Warn, "a log payload was rejected")
                .with("request_id", request_id)
                .with("reason", error.slug())
                .with("detail", error.to_string())
                .write();
        }
        digest
    }

    /// Asks EKS and IAM about the incidents. Whatever goes wrong there, the notices are sent.
    async fn find_out(
        &self,
        digest: &Digest,
        request_id: &str,
        until: Instant,
        tally: &mut Tally,
    ) -> Answers {
        let Some(facts) = &self.facts else {
            return Answers::new();
        };
        let questions = digest.questions(self.vars.max_notices);
        let left = until.saturating_duration_since(Instant::now());
        let answers = facts.gather(questions, FACTS_BUDGET.min(left / 3)).await;
        let unknown: BTreeMap<(&str, Unknown), usize> = answers
            .values()
            .flat_map(Facts::unanswered)
            // IAM never tells of other accounts; nothing is amiss.
            .filter(|(_, why)| *why != Unknown::OtherAccount)
            .fold(BTreeMap::new(), |mut counts, key| {
                *counts.entry(key).or_default() += 1;
                counts
            });
        for ((what, why), count) in unknown {
            tally.add(Metric::FactsUnknown, count);
            Entry::new(Level::Warn, "facts stay unknown")
                .with("request_id", request_id)
                .with("reason", why.slug())
                .with("detail", format!("{what}: {}", why.reason()))
                .with("count", count)
                .write();
        }
        answers
    }

    fn digest(&self, payload: &Payload, digest: &mut Digest) -> Result<(), DeliveryError> {
        payload
            .read(&self.limits(), |header, event| digest.event(header, &event))
            .map(|_| ())
    }

    fn limits(&self) -> Limits {
        Limits {
            decoded_bytes: self.vars.max_decoded_bytes,
            ..Limits::default()
        }
    }
}

/// The time until the deadline, less what it takes to tell how it went.
fn time_left(deadline: SystemTime, now: SystemTime) -> Duration {
    deadline
        .duration_since(now)
        .unwrap_or_default()
        .saturating_sub(RESERVE)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::time_left;

    #[test]
    fn some_time_is_kept_for_telling_how_it_went() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(100);
        assert_eq!(
            time_left(now + Duration::from_secs(3), now),
            Duration::from_millis(2500)
        );
        assert_eq!(
            time_left(now + Duration::from_millis(300), now),
            Duration::ZERO
        );
        assert_eq!(time_left(SystemTime::UNIX_EPOCH, now), Duration::ZERO);
    }
}
