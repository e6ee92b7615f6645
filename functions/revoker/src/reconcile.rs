//! Once an hour: what EKS has is compared with what the table has, so that neither a lost row nor a changed entry stays
//! unseen.

use std::collections::BTreeSet;

use eks_access::access::ours::Ownership;
use eks_access::access::{Action, Actor, Kind, Place, Record, Request, RequestId, State};
use eks_access::cluster::ClusterName;
use eks_access::principal::Principal;
use eks_access_aws::emf::Metric;
use eks_access_aws::entries::Found;
use eks_access_aws::log::{Entry, Level};
use eks_access_aws::requests::Saved;
use eks_access_aws::store::StoreError;
use futures_util::{StreamExt, stream};

use crate::handler::{OVERDUE_AFTER, Revoker, Tick};

/// Entries that are looked at at a time.
const AT_ONCE: usize = 8;

impl Revoker {
    /// Compares everything; `false` if EKS did not answer for all of it.
    pub(crate) async fn reconcile(&self, tick: Tick<'_>) -> Result<bool, StoreError> {
        let open = tick.requests.open().await?;
        let held: Vec<&Request> = open
            .iter()
            .filter(|request| request.state.has_entry() && request.kind != Kind::Extension)
            .collect();
        let of_rules = self.guardrails.clusters().into_iter();
        let clusters: BTreeSet<&ClusterName> = of_rules
            .chain(held.iter().map(|request| &request.cluster))
            .collect();
        let mut is_whole = true;
        for cluster in clusters {
            let principals = match self.entries.principals(cluster).await {
                Ok(principals) => principals,
                Err(error) if error.code == "ResourceNotFoundException" => Vec::new(),
                Err(error) => {
                    unanswered(cluster, &error.to_string(), tick);
                    is_whole = false;
                    continue;
                }
            };
            is_whole &= self.of_entries(cluster, &principals, tick).await?;
            for request in held.iter().filter(|request| request.cluster == *cluster) {
                if !principals.contains(&request.principal) {
                    self.missing(&request.id, tick).await?;
                }
            }
        }
        Ok(is_whole)
    }

    /// Looks at every entry of a cluster.
    async fn of_entries(
        &self,
        cluster: &ClusterName,
        principals: &[Principal],
        tick: Tick<'_>,
    ) -> Result<bool, StoreError> {
        let mut looks = stream::iter(principals)
            .map(
                |principal| async move { (principal, self.entries.find(cluster, principal).await) },
            )
            .buffer_unordered(AT_ONCE);
        let mut is_whole = true;
        while let Some((principal, found)) = looks.next().await {
            match found {
                Ok(Some(found)) => self.of_entry(cluster, principal, &found, tick).await?,
                Ok(None) => {}
                Err(error) => {
                    unanswered(cluster, &error.to_string(), tick);
                    is_whole = false;
                }
            }
        }
        Ok(is_whole)
    }

    async fn of_entry(
        &self,
        cluster: &ClusterName,
        principal: &Principal,
        found: &Found,
        tick: Tick<'_>,
    ) -> Result<(), StoreError> {
        match &found.ownership {
            Ownership::Foreign => Ok(()),
            Ownership::Unreadable => {
                tick.tally.add(Metric::UnreadableEntries, 1);
                Entry::new(Level::Error, "an access entry bears our tag and its other tags can't be read; it is left alone")
                    .with("request_id", tick.invocation)
                    .with("cluster", cluster.as_str())
                    .with("principal", principal.to_string())
                    .write();
                Ok(())
            }
            Ownership::Ours { request, ends } => {
                let Some(row) = tick.requests.get(request).await? else {
                    return self
                        .adopt(cluster, (principal, found), (request, *ends), tick)
                        .await;
                };
                if row.principal != *principal || row.cluster != *cluster {
                    unanswered(
                        cluster,
                        "an entry names a request that is about somebody else",
                        tick,
                    );
                    tick.tally.add(Metric::UnreadableEntries, 1);
                    return Ok(());
                }
                let is_over = tick.now.saturating_sub(*ends) > OVERDUE_AFTER;
                match row.state {
                    _ if is_over => self.overdue(row, *ends, tick).await,
                    State::Active if row.ends.is_some_and(|row| row / 1000 > *ends / 1000) => {
                        self.overdue(row, *ends, tick).await
                    }
                    State::Active => self.compare(row, found, tick).await,
                    state if state.has_entry() || state == State::Drifted => Ok(()),
                    _ => self.survived(row, tick).await,
                }
            }
        }
    }

    /// An entry that its own tags end, whatever its row says: the tags are written first, so a row that says more was not
    /// written by us.
    async fn overdue(
        &self,
        mut request: Request,
        ends: i64,
        tick: Tick<'_>,
    ) -> Result<(), StoreError> {
        let before = request.version;
        let record = request.ends_by_its_tags(ends, tick.now);
        let saved = tick
            .requests
            .save(&mut request, before, Some((&record, None)), None)
            .await?;
        if saved == Saved::Yes {
            tick.tally.add(Metric::Drifted, 1);
            self.look_and_tell(&request.id, true, tick).await?;
        }
        Ok(())
    }

    /// An entry of ours without a row: the tags say what there is to know, and the row is made anew from them. The next
    /// look at it ends the grant, if it is over.
    async fn adopt(
        &self,
        cluster: &ClusterName,
        (principal, found): (&Principal, &Found),
        (id, ends): (&RequestId, i64),
        tick: Tick<'_>,
    ) -> Result<(), StoreError> {
        let mut parts = found.arn.split(':').skip(3);
        let (region, account) = (parts.next(), parts.next());
        let place = region
            .and_then(|region| region.parse().ok())
            .zip(account.and_then(|account| account.parse().ok()));
        let Some((region, account)) = place else {
            return Ok(());
        };
        let place = Place {
            cluster: cluster.clone(),
            account,
            region,
        };
        let mut request = Request::new(
            id.clone(),
            Kind::Access,
            &place,
            principal.clone(),
            tick.now,
        );
        request.state = State::Active;
        request.version = 1;
        request.starts = Some(tick.now);
        request.ends = Some(ends);
        request.outcome =
            Some("its row was lost; it was made anew from the entry's tags".to_owned());
        let record = Record::new(
            Action::Drifted,
            &request,
            Actor::product("revoker"),
            "compared with EKS",
            tick.now,
        )
        .with_result("the row was lost; it was made anew from the entry's tags");
        let saved = tick
            .requests
            .save(&mut request, 0, Some((&record, None)), None)
            .await?;
        if saved == Saved::Yes {
            tick.tally.add(Metric::Drifted, 1);
            self.look_and_tell(id, true, tick).await?;
        }
        Ok(())
    }

    /// Whether an active grant's entry is as it was made.
    async fn compare(
        &self,
        mut request: Request,
        found: &Found,
        tick: Tick<'_>,
    ) -> Result<(), StoreError> {
        let Ok(policies) = self
            .entries
            .policies(&request.cluster, &request.principal)
            .await
        else {
            return Ok(());
        };
        let wanted: Option<Vec<_>> = request.terms.as_ref().map(|terms| {
            let names = terms.namespaces.iter().map(ToString::to_string).collect();
            vec![(terms.policy.arn(request.principal.partition()), names)]
        });
        let how = match wanted {
            _ if !found.is_bare => "somebody gave our entry groups or a user name",
            Some(wanted) if wanted != policies => {
                "somebody changed the access policies of our entry"
            }
            _ => return Ok(()),
        };
        let before = request.version;
        let Some(record) = request.changed(how, tick.now) else {
            return Ok(());
        };
        let saved = tick
            .requests
            .save(&mut request, before, Some((&record, None)), None)
            .await?;
        if saved == Saved::Yes {
            tick.tally.add(Metric::Drifted, 1);
            self.look_and_tell(&request.id, true, tick).await?;
        }
        Ok(())
    }

    /// A grant whose entry is not in the list of EKS: it is looked at by itself, for lists lag behind.
    async fn missing(&self, id: &RequestId, tick: Tick<'_>) -> Result<(), StoreError> {
        let Some(mut request) = tick.requests.get(id).await? else {
            return Ok(());
        };
        let is_gone = matches!(
            self.entries
                .find(&request.cluster, &request.principal)
                .await,
            Ok(None)
        );
        if request.state != State::Active || !is_gone {
            return Ok(());
        }
        let before = request.version;
        let record = request.gone("somebody else had removed the entry", tick.now);
        let saved = tick
            .requests
            .save(&mut request, before, Some((&record, None)), None)
            .await?;
        if saved == Saved::Yes {
            tick.tally.add(Metric::Revoked, 1);
            self.look_and_tell(&request.id, true, tick).await?;
        }
        Ok(())
    }

    /// An entry of ours whose grant is done with: it should be gone.
    async fn survived(&self, mut request: Request, tick: Tick<'_>) -> Result<(), StoreError> {
        let before = request.version;
        let record = request.fail("its entry was still there", true, "revoker", tick.now);
        let saved = tick
            .requests
            .save(&mut request, before, Some((&record, None)), None)
            .await?;
        if saved == Saved::Yes {
            self.look_and_tell(&request.id, true, tick).await?;
        }
        Ok(())
    }
}

fn unanswered(cluster: &ClusterName, why: &str, tick: Tick<'_>) {
    Entry::new(
        Level::Warn,
        "a cluster's access entries could not be compared",
    )
    .with("request_id", tick.invocation)
    .with("cluster", cluster.as_str())
    .with("detail", why)
    .write();
}
