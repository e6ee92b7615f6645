//! Takes an access entry away, if it is the one of this grant, and makes sure that it is gone.

use std::time::Duration;

use eks_access::access::ours::Ownership;
use eks_access::access::{Record, Request, RequestId, State};
use eks_access::cluster::ClusterName;
use eks_access::principal::Principal;
use eks_access_aws::emf::Metric;
use eks_access_aws::entries::Found;
use eks_access_aws::log::{Entry, Level};
use eks_access_aws::requests::Saved;
use eks_access_aws::store::StoreError;

use tokio::time::sleep;

use crate::handler::{Revoker, Tick};

/// So often and so long apart it is looked at whether EKS still shows what was taken away.
const LOOKS: [Duration; 4] = [
    Duration::ZERO,
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
];

/// What became of taking an entry away.
pub(crate) enum Came {
    /// It is gone: EKS' id of the request.
    Gone(Option<String>),
    /// There was none.
    Absent,
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
        let note = self.extras(&request).await;
        let came = self
            .take_away(&request.cluster, &request.principal, &request.id)
            .await;
        let (record, eks, metric) = match came {
            Came::Gone(eks) => (Some(request.gone(&note, tick.now)), eks, Metric::Revoked),
            Came::Absent if request.may_come_yet(tick.now) => {
                request.wait_for_granter(tick.now);
                tick.requests.save(&mut request, before, None, None).await?;
                return Ok(true);
            }
            Came::Absent => {
                // What a comparison took away is told by its own record.
                let is_first = request.state == State::Revoking
                    && request.attempts == 0
                    && request.outcome.is_none();
                let how = if is_first {
                    "the entry was gone already"
                } else {
                    ""
                };
                (Some(request.gone(how, tick.now)), None, Metric::Revoked)
            }
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
                (Some(request.gone(&how, tick.now)), None, Metric::Revoked)
            }
            Came::Foreign(how) => (Some(request.drifted(&how, tick.now)), None, Metric::Drifted),
        };
        let record = record.as_ref().map(|record| (record, eks.as_deref()));
        self.write(&mut request, before, record, metric, tick).await
    }

    async fn write(
        &self,
        request: &mut Request,
        before: u64,
        record: Option<(&Record, Option<&str>)>,
        metric: Metric,
        tick: Tick<'_>,
    ) -> Result<bool, StoreError> {
        let saved = tick.requests.save(request, before, record, None).await?;
        // Whoever changed it meanwhile did not bring the entry back: the next look finds it gone.
        if saved == Saved::Yes {
            tick.tally.add(metric, 1);
        }
        Ok(true)
    }

    /// Takes an entry away, if it is of this request, and looks whether it is gone.
    pub(crate) async fn take_away(
        &self,
        cluster: &ClusterName,
        principal: &Principal,
        id: &RequestId,
    ) -> Came {
        let found = match self.entries.find(cluster, principal).await {
            Ok(Some(found)) => found,
            Ok(None) => return Came::Absent,
            Err(error) => return Came::Stays(error.to_string()),
        };
        if !found.ownership.is_of(id) {
            return Came::Foreign(foreign(&found));
        }
        if !found.is_standard {
            return Came::Foreign(
                "the entry bears our tags and is none that we make (its type is not STANDARD): it is left alone".to_owned(),
            );
        }
        let eks = match self.entries.delete(cluster, principal).await {
            Ok(eks) => eks,
            Err(error) => return Came::Stays(error.to_string()),
        };
        for pause in LOOKS {
            sleep(pause).await;
            match self.entries.find(cluster, principal).await {
                Ok(Some(found)) if found.ownership.is_of(id) => {}
                Ok(_) => return Came::Gone(eks),
                Err(error) => return Came::Stays(error.to_string()),
            }
        }
        Came::Stays("EKS still shows the entry after it was taken away".to_owned())
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
