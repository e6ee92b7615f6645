//! Makes a request of a denial that an access entry would mend, where the guardrails offer one. Nothing is granted here:
//! the responder has no rights to.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use eks_access::access::life::stands_in_the_way;
use eks_access::access::offer::offer;
use eks_access::memory::IncidentId;
use eks_access::notice::Notice;
use eks_access::policy::Guardrails;
use eks_access_aws::emf::Metric;
use eks_access_aws::herald::Herald;
use eks_access_aws::log::{Entry, Level};
use eks_access_aws::random::random;
use eks_access_aws::requests::{NEW, Requests, Saved, Slot, Take};
use eks_access_aws::store::{Store, StoreError};

use crate::run::Run;

/// How long a denial that nobody is told of is not looked at again.
const AGAIN: Duration = Duration::from_mins(10);
/// Incidents that are remembered for that; of more, only those that are told are looked at.
const MOST_LOOKED: usize = 1000;

/// Who asks.
pub(crate) struct Asker {
    guardrails: Guardrails,
    requests: Requests,
    herald: Herald,
    /// When a denial that nobody is told of was last looked at here, by its incident.
    looked: Mutex<HashMap<IncidentId, Instant>>,
}

impl Asker {
    pub(crate) fn new(guardrails: Guardrails, requests: Requests, herald: Herald) -> Self {
        Self {
            guardrails,
            requests,
            herald,
            looked: Mutex::default(),
        }
    }

    /// The same for a denial that comes again and of which nobody is told again, so that whoever was answered with no, or not
    /// at all, is not left waiting for the next notice. Once in a while for each incident.
    pub(crate) async fn ask_again(
        &self,
        store: &Store,
        notice: &Notice,
        post: (Option<String>, Option<String>),
        run: Run<'_>,
    ) -> Vec<(Metric, u64)> {
        if !notice.is_grantable || self.has_looked_at(notice.id()) {
            return Vec::new();
        }
        self.ask(store, notice, post, run).await
    }

    fn has_looked_at(&self, incident: IncidentId) -> bool {
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        looked.retain(|_, at| at.elapsed() < AGAIN);
        if looked.contains_key(&incident) || looked.len() >= MOST_LOOKED {
            return true;
        }
        looked.insert(incident, Instant::now());
        false
    }

    /// Makes a request, if everything that has to hold does now, and nobody has asked for the same already. A table of
    /// requests that does not answer costs the request and not the notice: the next one about the principal asks again.
    pub(crate) async fn ask(
        &self,
        store: &Store,
        notice: &Notice,
        post: (Option<String>, Option<String>),
        run: Run<'_>,
    ) -> Vec<(Metric, u64)> {
        self.try_to_ask(store, notice, post, run)
            .await
            .unwrap_or_else(|error| {
                Entry::new(Level::Error, "no request could be made of a denial")
                    .with("request_id", run.id)
                    .with("cluster", notice.cluster.title())
                    .with("reason", error.code.as_str())
                    .with("detail", error.message.as_str())
                    .write();
                vec![(Metric::TableFailures, 1)]
            })
    }

    async fn try_to_ask(
        &self,
        store: &Store,
        notice: &Notice,
        (channel, thread): (Option<String>, Option<String>),
        run: Run<'_>,
    ) -> Result<Vec<(Metric, u64)>, StoreError> {
        let Some(random) = random().filter(|_| notice.is_grantable && run.has_time()) else {
            return Ok(Vec::new());
        };
        let broken = store.cluster(&notice.cluster).await?.broken;
        let broke_at = broken.map(|broken| broken.at);
        let request = match offer(notice, &self.guardrails, broke_at, run.now, random) {
            Ok(request) => request,
            Err(withheld) => {
                Entry::new(Level::Info, "no access is offered")
                    .with("request_id", run.id)
                    .with("cluster", notice.cluster.title())
                    .with("detail", withheld.to_string())
                    .write();
                return Ok(Vec::new());
            }
        };
        let mut request = request.posted_in(channel, thread);
        let from = self.requests.holder(&request, Slot::Asked).await?;
        if let Some(holder) = &from {
            let earlier = self.requests.get(holder).await?;
            if earlier.is_some_and(|earlier| stands_in_the_way(&earlier, run.now)) {
                return Ok(Vec::new());
            }
        }
        let take = Take {
            slot: Slot::Asked,
            from,
        };
        let record = request.requested(run.now);
        let requests = self.requests.signed(&self.guardrails.version, run.id);
        let saved = requests
            .save(&mut request, NEW, Some((&record, None)), Some(&take))
            .await?;
        if saved != Saved::Yes {
            return Ok(Vec::new());
        }
        // What can't be told now is told by the revoker.
        let heard = self.herald.tell(&requests, request, run.now).await?;
        Ok(vec![
            (Metric::Requested, 1),
            (Metric::SlackFailures, u64::from(heard.has_slack_failed)),
        ])
    }
}
