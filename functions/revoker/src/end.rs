//! Takes an access entry away, if it is the one of this grant, and makes sure that it is gone.

use eks_access::access::ours::Ownership;
use eks_access::access::{Record, Request, State};
use eks_access_aws::emf::Metric;
use eks_access_aws::entries::Found;
use eks_access_aws::log::{Entry, Level};
use eks_access_aws::requests::Saved;
use eks_access_aws::store::StoreError;

use crate::handler::{Revoker, Tick};

/// What became of taking an entry away.
enum Came {
    /// It is gone: how, where there is more to say, and EKS' id of the request.
    Gone(String, Option<String>),
    /// It is there still: why.
    Stays(String),
    /// It is not ours: how it came to that.
    Foreign(String),
}

impl Revoker {
    /// Ends one grant. Always a step, whatever came of it.
    pub(crate) async fn end(
        &self,
        mut request: Request,
        tick: Tick<'_>,
    ) -> Result<bool, StoreError> {
        let before = request.version;
        let came = self.take_away(&request).await;
        let (record, eks, metric) = match came {
            Came::Gone(how, eks) => (request.gone(&how, tick.now), eks, Metric::Revoked),
            Came::Stays(why) => {
                report(&request, &why, tick);
                (
                    request.not_gone(&why, tick.now),
                    None,
                    Metric::RevokeFailures,
                )
            }
            // Nothing of ours was made, and somebody else has made an entry meanwhile.
            Came::Foreign(how) if request.state == State::Cleanup => {
                (request.gone(&how, tick.now), None, Metric::Revoked)
            }
            Came::Foreign(how) => (request.drifted(&how, tick.now), None, Metric::Drifted),
        };
        self.write(
            &mut request,
            before,
            (&record, eks.as_deref()),
            metric,
            tick,
        )
        .await
    }

    async fn write(
        &self,
        request: &mut Request,
        before: u64,
        record: (&Record, Option<&str>),
        metric: Metric,
        tick: Tick<'_>,
    ) -> Result<bool, StoreError> {
        let saved = tick
            .requests
            .save(request, before, Some(record), None)
            .await?;
        // Whoever changed it meanwhile did not bring the entry back: the next look finds it gone.
        if saved == Saved::Yes {
            tick.tally.add(metric, 1);
        }
        Ok(true)
    }

    async fn take_away(&self, request: &Request) -> Came {
        let (cluster, principal) = (&request.cluster, &request.principal);
        let found = match self.entries.find(cluster, principal).await {
            Ok(Some(found)) => found,
            Ok(None) if request.attempts == 0 => {
                return Came::Gone("the entry was gone already".to_owned(), None);
            }
            Ok(None) => return Came::Gone(String::new(), None),
            Err(error) => return Came::Stays(error.to_string()),
        };
        if !found.ownership.is_of(&request.id) {
            return Came::Foreign(foreign(&found));
        }
        let note = self.extras(request).await;
        let eks = match self.entries.delete(cluster, principal).await {
            Ok(eks) => eks,
            Err(error) => return Came::Stays(error.to_string()),
        };
        match self.entries.find(cluster, principal).await {
            Ok(Some(found)) if found.ownership.is_of(&request.id) => {
                Came::Stays("EKS still shows the entry after it was taken away".to_owned())
            }
            Ok(_) => Came::Gone(note, eks),
            Err(error) => Came::Stays(error.to_string()),
        }
    }

    /// What somebody else had added to our entry, and goes with it.
    async fn extras(&self, request: &Request) -> String {
        let Ok(policies) = self
            .entries
            .policies(&request.cluster, &request.principal)
            .await
        else {
            return String::new();
        };
        let granted = request
            .terms
            .as_ref()
            .map(|terms| terms.policy.arn(request.principal.partition()));
        let extras: Vec<String> = policies
            .into_iter()
            .map(|(arn, _)| arn)
            .filter(|arn| Some(arn) != granted.as_ref())
            .collect();
        if extras.is_empty() {
            return String::new();
        }
        format!(
            "with it went what somebody had added: {}",
            extras.join(", ")
        )
    }
}

pub(crate) fn foreign(found: &Found) -> String {
    match &found.ownership {
        Ownership::Foreign => {
            "the entry does not bear our tags any more: it is left alone".to_owned()
        }
        Ownership::Unreadable => {
            "the entry's tags can't be read any more: it is left alone".to_owned()
        }
        Ownership::Ours { request, .. } => {
            format!("the entry is of another request ({request}): it is left alone")
        }
    }
}

fn report(request: &Request, why: &str, tick: Tick<'_>) {
    Entry::new(Level::Error, "an access entry could not be taken away")
        .with("request_id", tick.invocation)
        .with("request", request.id.as_str())
        .with("cluster", request.cluster.as_str())
        .with("count", request.attempts + 1)
        .with("detail", why)
        .write();
}
