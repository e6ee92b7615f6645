//! Granting, step by step. Lambda may end the function after any of them and call it again: each step finds what the ones
//! before have left.
//!
//! 1. The end is written down, and the principal's slot taken, in one transaction.
//! 2. The world is looked at once more.
//! 3. The entry is made, with our tags; one that is there and not of this request is never touched.
//! 4. The access policy is associated.
//! 5. What EKS has is read back.
//! 6. The grant is written down as active.
//!
//! More time is given by [`Work::extend`].
//!
//! What fails for good after the entry was made is left to the revoker, which alone may take an entry away.

use std::time::Duration;

use eks_access::access::life::{Begun, Stop};
use eks_access::access::order::Instruction;
use eks_access::access::ours::Ownership;
use eks_access::access::{Request, RequestId, State};
use eks_access::policy::{Guardrails, Terms};
use eks_access_aws::clock;
use eks_access_aws::entries::{Entries, EntryError, Made};
use eks_access_aws::log::{Entry, Level};
use eks_access_aws::recheck::{Changed, Looked, World};
use eks_access_aws::requests::{Requests, Saved, Slot, Take};
use tokio::time::sleep;

use crate::fault::Fault;

/// How often a change is tried when others change the same request.
pub(crate) const TRIES: usize = 8;
/// EKS shows what it made after "several seconds" (EKS user guide); so often and so long apart it is looked at.
const LOOKS: [Duration; 6] = [
    Duration::ZERO,
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
];

/// What became of an instruction.
pub(crate) enum Ended {
    /// It is done, now.
    Granted(Vec<Request>),
    /// It came to nothing, and people are to be told.
    Failed(Box<Request>),
    /// It was done before, or is somebody else's to do.
    Done(Option<Box<Request>>),
    /// It is not to be done.
    Stopped,
}

/// One instruction and everything that it takes.
pub(crate) struct Work<'a> {
    pub(crate) guardrails: &'a Guardrails,
    pub(crate) requests: &'a Requests,
    pub(crate) entries: &'a Entries,
    pub(crate) world: &'a World,
    pub(crate) instruction: &'a Instruction,
    pub(crate) invocation: &'a str,
}

/// What the beginning came to.
enum Start {
    Go {
        request: Box<Request>,
        is_resumed: bool,
    },
    End(Ended),
}

impl Work<'_> {
    pub(crate) fn id(&self) -> &RequestId {
        &self.instruction.order.request
    }

    pub(crate) fn terms(&self) -> &Terms {
        &self.instruction.order.terms
    }

    /// Lets the principal in.
    pub(crate) async fn grant(&self) -> Result<Ended, Fault> {
        let (request, is_resumed) = match self.start().await? {
            Start::Go {
                request,
                is_resumed,
            } => (*request, is_resumed),
            Start::End(ended) => return Ok(ended),
        };
        if request.is_too_late_to_grant(clock::now()) {
            return self.failed("it took too long", is_resumed).await;
        }
        let looked = match self.world.check(&self.instruction.order).await {
            Ok(looked) => looked,
            Err(Changed::Final(why)) => return self.failed(&why, is_resumed).await,
            Err(Changed::Passing(why)) => return Err(Fault::NotGranted(why)),
        };
        // To look at the world takes its time.
        if request.is_too_late_to_grant(clock::now()) {
            return self.failed("it took too long", is_resumed).await;
        }
        let eks_request_id = match self.entry(&request).await? {
            Ok(id) => id,
            Err((why, was_asked)) => return self.failed(&why, is_resumed || was_asked).await,
        };
        match self.entries.associate(&request, self.terms()).await {
            Ok(()) => {}
            // IAM looks at the tags that the entry was made with, and may not see them at once.
            Err(error) if error.is_final() && error.code != "AccessDeniedException" => {
                return self
                    .failed(&format!("EKS did not associate the policy: {error}"), true)
                    .await;
            }
            Err(error) => return Err(error.into()),
        }
        match self.read_back(&request).await? {
            Ok(()) => self.activate(&looked, eks_request_id.as_deref()).await,
            Err(why) => self.failed(&why, true).await,
        }
    }

    /// Writes the end down before anything is asked of EKS, or finds that this was done.
    async fn start(&self) -> Result<Start, Fault> {
        for _ in 0..TRIES {
            let Some(mut request) = self.requests.get(self.id()).await? else {
                self.stopped("there is no such request in the table");
                return Ok(Start::End(Ended::Stopped));
            };
            let before = request.version;
            let record = match request.begin(
                self.guardrails,
                self.instruction,
                self.invocation,
                clock::now(),
            ) {
                Ok(Begun::Begin(record)) => record,
                Ok(Begun::Resume) => {
                    let request = Box::new(request);
                    return Ok(Start::Go {
                        request,
                        is_resumed: true,
                    });
                }
                Ok(Begun::Done) | Err(Stop::State(_)) => {
                    return Ok(Start::End(Ended::Done(Some(Box::new(request)))));
                }
                Err(stop) => {
                    let is_left = request.state == State::Granting;
                    return Ok(Start::End(self.refuse(&stop, is_left).await?));
                }
            };
            let take = match self.slot(&request).await? {
                Ok(take) => take,
                Err(holder) => {
                    let why = format!(
                        "the principal has a grant in this cluster already, or one that is not gone yet: {holder}; end it, or \
                         give it more time"
                    );
                    return Ok(Start::End(self.failed(&why, false).await?));
                }
            };
            let saved =
                self.requests
                    .save(&mut request, before, Some((&record, None)), Some(&take));
            if saved.await? == Saved::Yes {
                let request = Box::new(request);
                return Ok(Start::Go {
                    request,
                    is_resumed: false,
                });
            }
        }
        Err(Fault::Crowded)
    }

    /// The principal's slot, if nobody has it, or whoever had it is done. The inner error is who has it.
    async fn slot(&self, request: &Request) -> Result<Result<Take, RequestId>, Fault> {
        let slot = Slot::Granted;
        let from = self.requests.holder(request, slot).await?;
        if let Some(holder) = from.as_ref().filter(|holder| **holder != request.id) {
            let held = self.requests.get(holder).await?;
            if held.is_some_and(|held| held.state.has_entry()) {
                return Ok(Err(holder.clone()));
            }
        }
        Ok(Ok(Take { slot, from }))
    }

    /// Makes the entry, or finds the one that was made by an earlier try. The inner error is why nothing more is done, and
    /// whether EKS was asked to make it.
    async fn entry(
        &self,
        request: &Request,
    ) -> Result<Result<Option<String>, (String, bool)>, Fault> {
        let ends = request.ends.unwrap_or(0);
        for _ in 0..2 {
            match self
                .entries
                .find(&request.cluster, &request.principal)
                .await
            {
                Ok(Some(found)) if found.ownership.is_of(&request.id) => return Ok(Ok(None)),
                Ok(Some(found)) => return Ok(Err((foreign(&found.ownership), false))),
                Ok(None) => {}
                Err(error) => {
                    let what = "EKS did not say whether there is an entry";
                    return unless_final(error, what, false);
                }
            }
            match self.entries.create(request, ends).await {
                Ok(Made::Yes(id)) => return Ok(Ok(id)),
                // Of this request by an earlier try, or of somebody who was faster.
                Ok(Made::InUse) => {}
                Err(error) => return unless_final(error, "EKS did not make the entry", true),
            }
        }
        // In use, and not shown yet: the next try sees it.
        Err(Fault::NotGranted(
            "the entry is there and EKS does not show it yet".to_owned(),
        ))
    }

    /// Compares what EKS has with what was approved. The inner error is what differs.
    async fn read_back(&self, request: &Request) -> Result<Result<(), String>, Fault> {
        let wanted = Entries::policies_of(&request.principal, self.terms());
        for pause in LOOKS {
            sleep(pause).await;
            let found = self
                .entries
                .find(&request.cluster, &request.principal)
                .await;
            let found = match found {
                Ok(Some(found)) => found,
                Ok(None) => continue,
                Err(error) => return Err(error.into()),
            };
            if !found.ownership.is_of(&request.id) || !found.is_bare {
                return Ok(Err("the entry is not the one that was made".to_owned()));
            }
            match self
                .entries
                .policies(&request.cluster, &request.principal)
                .await
            {
                Ok(policies) if policies == wanted => return Ok(Ok(())),
                Ok(policies) if policies.is_empty() => {}
                Ok(_) => {
                    return Ok(Err(
                        "the entry has other access policies than were approved".to_owned(),
                    ));
                }
                Err(error) => return Err(error.into()),
            }
        }
        // What nobody has seen is not announced.
        Err(Fault::NotGranted(
            "EKS does not show what was made yet".to_owned(),
        ))
    }

    async fn activate(
        &self,
        looked: &Looked,
        eks_request_id: Option<&str>,
    ) -> Result<Ended, Fault> {
        for _ in 0..TRIES {
            let Some(mut request) = self.requests.get(self.id()).await? else {
                // Somebody deleted the row: the tags end the grant.
                self.stopped("the request is gone from the table");
                return Ok(Ended::Stopped);
            };
            let before = request.version;
            let now = clock::now();
            looked.note_on(&mut request);
            let record = match request.state {
                State::Granting => request.granted("ok", now),
                State::Active => return Ok(Ended::Done(Some(Box::new(request)))),
                // The revoker has given up on us, and may have looked before the entry was there.
                _ => request.fail("the granter came too late", true, "granter", now),
            };
            let is_granted = request.state == State::Active;
            let saved =
                self.requests
                    .save(&mut request, before, Some((&record, eks_request_id)), None);
            if saved.await? == Saved::Yes {
                return Ok(if is_granted {
                    Ended::Granted(vec![request])
                } else {
                    Ended::Failed(Box::new(request))
                });
            }
        }
        Err(Fault::Crowded)
    }

    /// Writes down that nothing comes of it. `is_left` where an entry may be there.
    pub(crate) async fn failed(&self, why: &str, is_left: bool) -> Result<Ended, Fault> {
        for _ in 0..TRIES {
            let Some(mut request) = self.requests.get(self.id()).await? else {
                return Ok(Ended::Stopped);
            };
            if !matches!(request.state, State::Pending | State::Granting) {
                return Ok(Ended::Done(Some(Box::new(request))));
            }
            let before = request.version;
            // Another that had begun may have made something.
            let is_anothers = request.state == State::Granting
                && request.granter.as_deref() != Some(self.invocation);
            let is_left = is_left || is_anothers;
            let record = request.fail(why, is_left, "granter", clock::now());
            let saved = self
                .requests
                .save(&mut request, before, Some((&record, None)), None);
            if saved.await? == Saved::Yes {
                return Ok(Ended::Failed(Box::new(request)));
            }
        }
        Err(Fault::Crowded)
    }

    /// An instruction that the guardrails, or the table, speak against.
    pub(crate) async fn refuse(&self, stop: &Stop, is_left: bool) -> Result<Ended, Fault> {
        let why = stop.to_string();
        Entry::new(Level::Error, "an instruction is not carried out")
            .with("request_id", self.invocation)
            .with("request", self.id().as_str())
            .with("detail", why.as_str())
            .write();
        self.failed(&why, is_left).await
    }

    pub(crate) fn stopped(&self, why: &'static str) {
        Entry::new(Level::Error, "an instruction is not carried out")
            .with("request_id", self.invocation)
            .with("request", self.id().as_str())
            .with("detail", why)
            .write();
    }
}

fn foreign(ownership: &Ownership) -> String {
    match ownership {
        Ownership::Ours { request, .. } => {
            format!("the entry of another grant of ours is still there ({request})")
        }
        Ownership::Foreign => {
            "the principal has an access entry by now, which is not ours: it is left alone"
                .to_owned()
        }
        Ownership::Unreadable => {
            "the principal has an access entry whose tags can't be read: it is left alone"
                .to_owned()
        }
    }
}

/// What EKS refused is told; what it did not answer is tried again.
fn unless_final<T>(
    error: EntryError,
    what: &str,
    was_asked: bool,
) -> Result<Result<T, (String, bool)>, Fault> {
    if error.is_final() {
        Ok(Err((format!("{what}: {error}"), was_asked)))
    } else {
        Err(error.into())
    }
}
