//! Where decisions are taken, by whichever door they came: read, decide, write if nobody was faster, tell.

use std::time::Duration;

use eks_access::access::life::{No, Yes};
use eks_access::access::order::Instruction;
use eks_access::access::{Kind, Place, Record, Request, RequestId, SealKey, State};
use eks_access::cluster::{ClusterName, Region};
use eks_access::notice::access::object;
use eks_access::policy::{Approver, Guardrails, Terms};
use eks_access::principal::{AccountId, Principal};
use eks_access_aws::emf::Metric;
use eks_access_aws::granter::Granter;
use eks_access_aws::herald::Herald;
use eks_access_aws::log::{Entry, Level};
use eks_access_aws::requests::{NEW, Requests, Saved};
use eks_access_aws::secret::PlainSecret;
use eks_access_aws::tally::Tally;
use eks_access_aws::{aws, clock, random, vars};
use serde_json::Value;
use tokio::time::timeout;

/// How often a decision is tried when others change the same request.
const TRIES: usize = 12;
/// What telling people may take before Slack, or whoever asked, gets an answer; the rest is the revoker's.
const TO_TELL: Duration = Duration::from_millis(1500);

/// One request to the function.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call<'a> {
    /// The invocation.
    pub(crate) invocation: &'a str,
    /// What it counts.
    pub(crate) tally: &'a Tally,
}

/// Why a decision came to nothing.
#[derive(Debug)]
pub(crate) enum Stopped {
    /// There is no such request.
    NotFound,
    /// It may not be.
    No(No),
    /// Something of ours or of AWS failed: trying again may help.
    Fault(String),
}

impl From<No> for Stopped {
    fn from(no: No) -> Self {
        Self::No(no)
    }
}

/// A yes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Saying<'a> {
    /// To what.
    pub(crate) terms: &'a Terms,
    /// Why.
    pub(crate) reason: &'a str,
    /// What stands for the request as they saw it; none if they do not say.
    pub(crate) seen: Option<&'a str>,
}

/// What a decision came to.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) request: Request,
    /// In a sentence.
    pub(crate) message: String,
    /// Whether the granter was told.
    pub(crate) is_under_way: bool,
}

pub(crate) struct Desk {
    pub(crate) guardrails: Guardrails,
    pub(crate) requests: Requests,
    pub(crate) herald: Herald,
    granter: Granter,
    key: PlainSecret,
    region: Region,
    channel: Option<String>,
}

impl Desk {
    pub(crate) async fn new(vars: &vars::Approver) -> Self {
        let common = &vars.common;
        let config = aws::config(common.region.as_str()).await;
        let questions = aws::for_questions(&config);
        Self {
            guardrails: common.requests.guardrails.clone(),
            requests: Requests::new(&questions, &common.requests.table),
            herald: Herald::of(common, &config),
            granter: Granter::new(&questions, &vars.granter),
            key: PlainSecret::new(&questions, &vars.key),
            region: common.region.clone(),
            channel: vars.channel.clone(),
        }
    }

    /// The request with this id.
    pub(crate) async fn get(&self, id: &RequestId) -> Result<Request, Stopped> {
        let found = self.requests.get(id).await.map_err(|error| fault(&error))?;
        found.ok_or(Stopped::NotFound)
    }

    /// Somebody says yes to what they saw.
    pub(crate) async fn approve(
        &self,
        id: &RequestId,
        by: &Approver,
        Saying {
            terms,
            reason,
            seen,
        }: Saying<'_>,
        call: Call<'_>,
    ) -> Result<Done, Stopped> {
        let key = self.seal_key().await?;
        let now = clock::now();
        let (request, yes) = self
            .change(id, call, |request| {
                // What was decided already is told as that.
                let is_open = request.state == State::Pending;
                if is_open && seen.is_some_and(|seen| seen != request.seen()) {
                    return Err(No::NotWhatWasSeen);
                }
                request.approve(&self.guardrails, &key, by, (terms, reason), now)
            })
            .await?;
        call.tally.add(Metric::Approvals, 1);
        match yes {
            Yes::Enough(instruction) => {
                self.grant(&instruction).await?;
                Ok(Done {
                    message: format!(
                        "{} is being granted; whoever asked can try again in a minute",
                        terms.words()
                    ),
                    request,
                    is_under_way: true,
                })
            }
            Yes::More(more) => {
                self.tell(&request, call).await;
                Ok(Done {
                    message: No::AlreadyApproved(more)
                        .to_string()
                        .replace("you said yes already; ", "your yes counts; "),
                    request,
                    is_under_way: false,
                })
            }
        }
    }

    /// Somebody says no.
    pub(crate) async fn deny(
        &self,
        id: &RequestId,
        by: &Approver,
        reason: &str,
        call: Call<'_>,
    ) -> Result<Done, Stopped> {
        let now = clock::now();
        let change = |request: &mut Request| request.deny(&self.guardrails, by, reason, now);
        self.simply(id, call, "nothing is changed", change).await
    }

    /// Somebody ends a grant early.
    pub(crate) async fn end(
        &self,
        id: &RequestId,
        by: &Approver,
        reason: &str,
        call: Call<'_>,
    ) -> Result<Done, Stopped> {
        let now = clock::now();
        let change = |request: &mut Request| request.end(&self.guardrails, by, reason, now);
        self.simply(id, call, "the access entry goes within a minute", change)
            .await
    }

    /// Somebody looked at a break-glass.
    pub(crate) async fn review(
        &self,
        id: &RequestId,
        by: &Approver,
        reason: &str,
        call: Call<'_>,
    ) -> Result<Done, Stopped> {
        let now = clock::now();
        let change = |request: &mut Request| request.review(&self.guardrails, by, reason, now);
        self.simply(id, call, "the review is in the audit", change)
            .await
    }

    /// Somebody asks for more time.
    pub(crate) async fn extend(
        &self,
        id: &RequestId,
        by: &Approver,
        (seconds, reason): (u64, &str),
        call: Call<'_>,
    ) -> Result<Done, Stopped> {
        let requests = self
            .requests
            .signed(&self.guardrails.version, call.invocation);
        for _ in 0..TRIES {
            let mut grant = self.get(id).await?;
            let now = clock::now();
            self.asked_once(&grant, now).await?;
            let random =
                random::random().ok_or_else(|| Stopped::Fault("no random bytes".to_owned()))?;
            let before = grant.version;
            let (mut request, record) =
                grant.extension(&self.guardrails, by, (seconds, reason), random, now)?;
            let saved = requests
                .save_both((&mut request, NEW), (&mut grant, before), &record, None)
                .await;
            if saved.map_err(|error| fault(&error))? == Saved::Yes {
                self.tell(&request, call).await;
                return Ok(Done {
                    message: format!(
                        "request {} waits for an approver other than you",
                        request.id
                    ),
                    request,
                    is_under_way: false,
                });
            }
        }
        Err(crowded())
    }

    /// More time is asked for once, until somebody answers.
    async fn asked_once(&self, grant: &Request, now: i64) -> Result<(), Stopped> {
        let Some(id) = &grant.extension else {
            return Ok(());
        };
        let earlier = self.requests.get(id).await.map_err(|error| fault(&error))?;
        match earlier {
            Some(earlier) if earlier.state == State::Pending && now < earlier.expires => {
                let how = format!("more time was asked for already, by request {id}");
                Err(No::AlreadyDecided(how).into())
            }
            _ => Ok(()),
        }
    }

    /// Somebody breaks the glass.
    pub(crate) async fn break_glass(
        &self,
        (cluster, account, principal): (ClusterName, AccountId, Principal),
        by: &Approver,
        (terms, reason): (&Terms, &str),
        call: Call<'_>,
    ) -> Result<Done, Stopped> {
        let key = self.seal_key().await?;
        let random =
            random::random().ok_or_else(|| Stopped::Fault("no random bytes".to_owned()))?;
        let place = Place {
            cluster,
            account,
            region: self.region.clone(),
        };
        let now = clock::now();
        let request = Request::new(random.id(), Kind::BreakGlass, &place, principal, now)
            .posted_in(self.channel.clone(), None);
        let (mut request, instruction, record) =
            Request::break_glass(&self.guardrails, &key, by, (request, terms, reason), now)?;
        self.add(&mut request, &record, call).await?;
        call.tally.add(Metric::Approvals, 1);
        if let Err(stopped) = self.grant(&instruction).await {
            return Err(self.not_broken(&request.id, stopped, call).await);
        }
        self.tell(&request, call).await;
        Ok(Done {
            message: format!(
                "{} is being granted; everybody is told, and somebody else has to review it. Where the cluster uses aws-auth \
                 too, a row for the same principal does not count while the entry is there",
                terms.words()
            ),
            request,
            is_under_way: true,
        })
    }

    /// Nobody says yes again to a break-glass: what the granter was not told of comes to nothing.
    async fn not_broken(&self, id: &RequestId, stopped: Stopped, call: Call<'_>) -> Stopped {
        let now = clock::now();
        let fail = |request: &mut Request| match request.state {
            State::Pending => {
                let why = "the granter could not be told";
                Ok(((), Some(request.fail(why, false, "approver", now))))
            }
            _ => Ok(((), None)),
        };
        match self.change(id, call, fail).await {
            Ok((request, ())) if request.state == State::Failed => {
                self.tell(&request, call).await;
                Stopped::Fault("the granter could not be told, and nobody is let in".to_owned())
            }
            // It was told after all, or nothing can be written: the granter, or the revoker, says what became of it.
            _ => stopped,
        }
    }

    /// What somebody else than the approver may see of a request.
    pub(crate) fn shown(&self, request: &Request) -> Value {
        let mut shown = object(request);
        let offers = self.guardrails.offers(&request.ask()).unwrap_or_default();
        let offers: Vec<Value> = offers
            .iter()
            .map(|offer| {
                serde_json::json!({
                    "rule": offer.rule,
                    "policies": offer.policies,
                    "namespaces": offer.namespaces,
                    "max_seconds": offer.most_seconds,
                    "usual_seconds": offer.usual_seconds,
                    "needed": offer.needed,
                })
            })
            .collect();
        if let Some(fields) = shown.as_object_mut() {
            fields.insert("offers".to_owned(), offers.into());
        }
        shown
    }

    /// A change after which people are told, and nothing more.
    async fn simply(
        &self,
        id: &RequestId,
        call: Call<'_>,
        message: &str,
        change: impl Fn(&mut Request) -> Result<Record, No>,
    ) -> Result<Done, Stopped> {
        let change = |request: &mut Request| Ok(((), Some(change(request)?)));
        let (request, ()) = self.change(id, call, change).await?;
        self.tell(&request, call).await;
        Ok(Done {
            request,
            message: message.to_owned(),
            is_under_way: false,
        })
    }

    /// Reads, changes and writes; again, when somebody else was faster.
    async fn change<T>(
        &self,
        id: &RequestId,
        call: Call<'_>,
        change: impl Fn(&mut Request) -> Result<(T, Option<Record>), No>,
    ) -> Result<(Request, T), Stopped> {
        let requests = self
            .requests
            .signed(&self.guardrails.version, call.invocation);
        for _ in 0..TRIES {
            let mut request = self.get(id).await?;
            let before = request.version;
            let (result, record) = change(&mut request)?;
            let Some(record) = record else {
                return Ok((request, result));
            };
            let saved = requests
                .save(&mut request, before, Some((&record, None)), None)
                .await;
            if saved.map_err(|error| fault(&error))? == Saved::Yes {
                return Ok((request, result));
            }
        }
        Err(crowded())
    }

    /// Writes a request that is new.
    async fn add(
        &self,
        request: &mut Request,
        record: &Record,
        call: Call<'_>,
    ) -> Result<(), Stopped> {
        let requests = self
            .requests
            .signed(&self.guardrails.version, call.invocation);
        let saved = requests
            .save(request, NEW, Some((record, None)), None)
            .await;
        match saved.map_err(|error| fault(&error))? {
            Saved::Yes => Ok(()),
            Saved::Behind | Saved::Taken => {
                Err(Stopped::Fault("the request's id is taken".to_owned()))
            }
        }
    }

    async fn grant(&self, instruction: &Instruction) -> Result<(), Stopped> {
        self.granter.tell(instruction).await.map_err(|why| {
            Entry::new(Level::Error, "the granter could not be told")
                .with("request", instruction.order.request.as_str())
                .with("detail", why)
                .write();
            Stopped::Fault("the granter could not be told; say yes again".to_owned())
        })
    }

    /// What is not told in time is told by the revoker.
    async fn tell(&self, request: &Request, call: Call<'_>) {
        let telling = self
            .herald
            .tell(&self.requests, request.clone(), clock::now());
        let heard = timeout(TO_TELL, telling).await;
        let has_failed = match heard {
            Ok(Ok(heard)) => heard.has_sns_failed || heard.has_slack_failed,
            Ok(Err(_)) | Err(_) => true,
        };
        call.tally.add(Metric::NewsFailures, u64::from(has_failed));
    }

    async fn seal_key(&self) -> Result<SealKey, Stopped> {
        let text = self.key.get().await.map_err(|error| {
            Entry::new(Level::Error, "the key of the seals could not be read")
                .with("detail", error.to_string())
                .write();
            Stopped::Fault("the key of the seals could not be read".to_owned())
        })?;
        SealKey::new(&text)
            .ok_or_else(|| Stopped::Fault("the key of the seals is too short".to_owned()))
    }
}

fn crowded() -> Stopped {
    Stopped::Fault("too many decide about this at the same time".to_owned())
}

fn fault(error: &eks_access_aws::store::StoreError) -> Stopped {
    Entry::new(
        Level::Error,
        "the table of requests did not answer as it should",
    )
    .with("reason", error.code.as_str())
    .with("detail", error.message.as_str())
    .write();
    Stopped::Fault("the table of requests did not answer".to_owned())
}
