//! Giving a grant more time: first by its tags, which count if the table is lost, then in the table.

use eks_access::access::{Request, State};
use eks_access_aws::clock;
use eks_access_aws::entries::{Entries, Found};
use eks_access_aws::recheck::Changed;
use eks_access_aws::requests::Saved;

use crate::fault::Fault;
use crate::grant::{Ended, TRIES, Work};

impl Work<'_> {
    /// Gives the grant that the instruction names more time.
    pub(crate) async fn extend(&self) -> Result<Ended, Fault> {
        let Some(grant) = &self.instruction.order.extends else {
            self.stopped("it names no grant");
            return Ok(Ended::Stopped);
        };
        for _ in 0..TRIES {
            let now = clock::now();
            let (extension, grant) = (
                self.requests.get(self.id()).await?,
                self.requests.get(grant).await?,
            );
            let (Some(mut extension), Some(mut grant)) = (extension, grant) else {
                self.stopped("there is no such request in the table");
                return Ok(Ended::Stopped);
            };
            if extension.state != State::Pending {
                return Ok(Ended::Done(Some(Box::new(extension))));
            }
            let accepted = extension.accepts(self.guardrails, self.instruction);
            let accepted = accepted.and_then(|_| extension.is_fresh(self.instruction, now));
            if let Err(stop) = accepted {
                return self.refuse(&stop, false).await;
            }
            let versions = (extension.version, grant.version);
            let record = match grant.extend(&mut extension, self.instruction, now) {
                Ok(record) => record,
                Err(stop) => return self.refuse(&stop, false).await,
            };
            let found = match self.extendable(&grant).await? {
                Ok(found) => found,
                Err(why) => return self.failed(&why, false).await,
            };
            let ends = grant.ends.unwrap_or(0);
            match self.entries.retag(&found.arn, &grant.id, ends).await {
                Ok(()) => {}
                Err(error) if error.is_final() => {
                    let why = format!("EKS did not change the entry's tags: {error}");
                    return self.failed(&why, false).await;
                }
                Err(error) => return Err(error.into()),
            }
            let saved = self
                .requests
                .save_both(
                    (&mut grant, versions.1),
                    (&mut extension, versions.0),
                    &record,
                    None,
                )
                .await?;
            if saved == Saved::Yes {
                return Ok(Ended::Granted(vec![grant, extension]));
            }
        }
        Err(Fault::Crowded)
    }

    /// The grant's entry, if it is as it was made, and the world is as it was. The inner error is what is not.
    async fn extendable(&self, grant: &Request) -> Result<Result<Found, String>, Fault> {
        match self.world.check(&self.instruction.order).await {
            Ok(_) => {}
            Err(Changed::Final(why)) => return Ok(Err(why)),
            Err(Changed::Passing(why)) => return Err(Fault::NotGranted(why)),
        }
        let (cluster, principal) = (&grant.cluster, &grant.principal);
        let found = self.entries.find(cluster, principal).await?;
        let Some(found) = found.filter(|found| found.ownership.is_of(&grant.id)) else {
            return Ok(Err("the access entry is not ours any more".to_owned()));
        };
        let policies = self.entries.policies(cluster, principal).await?;
        if found.is_bare && policies == Entries::policies_of(principal, self.terms()) {
            Ok(Ok(found))
        } else {
            Ok(Err(
                "somebody changed what the access entry gives: it gets no more time".to_owned(),
            ))
        }
    }
}
