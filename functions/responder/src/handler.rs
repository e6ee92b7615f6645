//! One invocation: a delivery in, notices out.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, SystemTime};

use eks_access::delivery::{self, DeliveryError, Limits, Payload};
use eks_access::facts::{Facts, Unknown};
use eks_access::incident::{Answers, Counts, Digest, Outcome, Settings};
use eks_access::notice::Notice;
use eks_access::symptom::{Kind, Symptom};
use eks_access_aws::emf::{self, Metric};
use eks_access_aws::facts::Gatherer;
use eks_access_aws::log::{self, Entry, Level};
use eks_access_aws::sns::{PublishError, Topic};
use eks_access_aws::{aws, vars};
use futures_util::{FutureExt, StreamExt, stream};
use lambda_runtime::{Context, LambdaEvent};
use tokio::time::{Instant, timeout_at};

use crate::event::RawEvent;
use crate::fault::Fault;

/// Messages that are on their way to SNS at a time.
const AT_ONCE: usize = 8;
/// What is left of an invocation's time for telling how it went.
const RESERVE: Duration = Duration::from_millis(500);
/// What finding out facts may take, at most; and of what is left of an invocation's time, at most a third.
const FACTS_BUDGET: Duration = Duration::from_secs(5);

/// Everything that outlives an invocation.
pub(crate) struct Responder {
    vars: vars::Responder,
    settings: Settings,
    topic: Topic,
    /// `None` when facts are switched off.
    facts: Option<Gatherer>,
}

impl Responder {
    pub(crate) async fn new(vars: vars::Responder) -> Self {
        let config = aws::config(vars.region.as_str()).await;
        let of_topic = aws::in_region(&config, vars.topic.region().as_str());
        let topic = Topic::new(&of_topic, vars.topic.clone());
        let facts = vars
            .asks_for_facts
            .then(|| Gatherer::new(&aws::for_questions(&config)));
        let mut settings = Settings {
            own_accounts: vars.own_accounts.clone(),
            ..Settings::default()
        };
        settings.cluster.region = Some(vars.region.clone());
        Self {
            vars,
            settings,
            topic,
            facts,
        }
    }

    /// Answers an event. `Err` makes Lambda try it again, so only what a second try can help is one: a notice that was
    /// not published. The others were published all the same, and come twice: notices are sent at least once.
    pub(crate) async fn handle(&self, event: LambdaEvent<RawEvent>) -> Result<(), Fault> {
        let until = Instant::now() + time_left(event.context.deadline(), SystemTime::now());
        let answer = self.respond(event.payload, &event.context, until);
        AssertUnwindSafe(answer)
            .catch_unwind()
            .await
            .unwrap_or(Err(Fault::Panicked))
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
        let Outcome {
            mut notices,
            counts,
        } = digest.finish_with(&answers);
        tally.count(&counts);
        tally.add(
            Metric::NoticesHeldBack,
            notices.len().saturating_sub(self.vars.max_notices),
        );
        notices.truncate(self.vars.max_notices);
        let delivered = self.deliver(notices, request_id, until).await;
        tally.add(Metric::Notices, delivered.published);
        tally.add(
            Metric::DeliveryFailures,
            delivered.failed + delivered.unsent,
        );
        tally.write(
            &self.vars.namespace,
            &context.env_config.function_name,
            request_id,
        );
        delivered.result()
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

    /// Publishes every notice; one that fails does not stop the others.
    async fn deliver(&self, notices: Vec<Notice>, request_id: &str, until: Instant) -> Delivered {
        let all = notices.len();
        let mut delivered = Delivered::default();
        let mut answers = stream::iter(notices)
            .map(|notice| async move {
                let answer = self.topic.publish(notice.sns()).await;
                (notice, answer)
            })
            .buffer_unordered(AT_ONCE);
        while let Ok(Some((notice, answer))) = timeout_at(until, answers.next()).await {
            match answer {
                Ok(()) => delivered.published += 1,
                Err(error) => {
                    Entry::new(Level::Error, "a notice was not published")
                        .with("request_id", request_id)
                        .with("cluster", notice.cluster.title())
                        .with("cause", notice.cause.id)
                        .with("reason", error.code.as_str())
                        .with("detail", error.message.as_str())
                        .write();
                    delivered.failed += 1;
                    delivered.last = Some(error);
                }
            }
        }
        delivered.unsent = all - delivered.published - delivered.failed;
        delivered
    }
}

/// The time until the deadline, less what it takes to tell how it went.
fn time_left(deadline: SystemTime, now: SystemTime) -> Duration {
    deadline
        .duration_since(now)
        .unwrap_or_default()
        .saturating_sub(RESERVE)
}

#[derive(Debug, Default)]
struct Delivered {
    published: usize,
    failed: usize,
    last: Option<PublishError>,
    unsent: usize,
}

impl Delivered {
    fn result(self) -> Result<(), Fault> {
        let published = self.published;
        match self.last {
            _ if self.unsent > 0 => Err(Fault::OutOfTime {
                unsent: self.unsent + self.failed,
                published,
            }),
            Some(last) => Err(Fault::NotPublished {
                failed: self.failed,
                published,
                last,
            }),
            None => Ok(()),
        }
    }
}

/// What an invocation counted.
#[derive(Debug, Default)]
struct Tally {
    totals: BTreeMap<Metric, u64>,
    by_symptom: BTreeMap<Symptom, u64>,
}

impl Tally {
    fn add(&mut self, metric: Metric, count: usize) {
        self.add_lines(metric, u64::try_from(count).unwrap_or(u64::MAX));
    }

    fn add_lines(&mut self, metric: Metric, count: u64) {
        *self.totals.entry(metric).or_default() += count;
    }

    fn count(&mut self, counts: &Counts) {
        self.add_lines(Metric::Lines, counts.lines);
        self.add_lines(Metric::Denials, counts.problems());
        self.add_lines(Metric::Unrecognised, counts.of(Symptom::UnknownDenial));
        self.add_lines(Metric::Unreadable, counts.of_kind(Kind::Unreadable));
        self.add_lines(Metric::Ignored, counts.ignored);
        self.add_lines(Metric::Overtaken, counts.overtaken);
        for (symptom, count) in counts
            .by_symptom
            .iter()
            .filter(|(symptom, _)| symptom.kind().is_problem())
        {
            *self.by_symptom.entry(*symptom).or_default() += count;
        }
    }

    fn write(&self, namespace: &emf::Namespace, function: &str, request_id: &str) {
        let totals: Vec<_> = Metric::ALL
            .iter()
            .map(|metric| {
                (
                    *metric,
                    self.totals.get(metric).copied().unwrap_or_default(),
                )
            })
            .collect();
        let by_symptom: Vec<_> = self
            .by_symptom
            .iter()
            .map(|(symptom, count)| (*symptom, *count))
            .collect();
        let at = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default()
            .as_millis();
        let at = u64::try_from(at).unwrap_or(u64::MAX);
        let origin = emf::Origin {
            namespace,
            function,
            request_id,
            at,
        };
        for document in emf::documents(origin, &totals, &by_symptom) {
            log::write_line(&document);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::{Delivered, time_left};
    use crate::fault::Fault;

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

    #[test]
    fn an_invocation_that_ran_out_of_time_fails_even_if_nothing_was_refused() {
        let delivered = Delivered {
            published: 1,
            unsent: 2,
            ..Delivered::default()
        };
        assert_eq!(
            delivered.result(),
            Err(Fault::OutOfTime {
                unsent: 2,
                published: 1
            })
        );
        assert_eq!(
            Delivered {
                published: 3,
                ..Delivered::default()
            }
            .result(),
            Ok(())
        );
    }
}
