//! Once an hour: what EKS has is compared with what the table has, so that neither a lost row nor a changed entry stays
//! unseen.

use std::collections::BTreeSet;

use eks_access::access::ours::Ownership;
use eks_access::access::{Action, Actor, Kind, News, Place, Record, Request, RequestId, State};
use eks_access::cluster::ClusterName;
use eks_access::policy::AccessPolicy;
use eks_access::principal::Principal;
use eks_access::timestamp::{HOUR, MINUTE};
use eks_access_aws::emf::Metric;
use eks_access_aws::entries::{Entries, Found};
use eks_access_aws::log::{Entry, Level};
use eks_access_aws::requests::{LookUp, NEW, Saved, UNREADABLE};
use eks_access_aws::store::StoreError;
use futures_util::{StreamExt, stream};

use crate::end::Came;
use crate::handler::{OVERDUE_AFTER, Revoker, Tick, failed};

/// Entries that are looked at at a time.
const AT_ONCE: usize = 8;
/// No grant of ours is longer: the guardrails allow no more.
const LONGEST: i64 = 12 * HOUR + MINUTE;
/// EKS shows an entry in its lists by then.
const SHOWN_AFTER: i64 = 5 * MINUTE;

/// Somebody's entry, as the comparison found it.
#[derive(Clone, Copy)]
struct Seen<'a> {
    cluster: &'a ClusterName,
    principal: &'a Principal,
    found: &'a Found,
    /// The request that its tags name.
    id: &'a RequestId,
    /// When its tags end it.
    ends: i64,
}

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
            is_whole &= self.of_entries(cluster, &principals, tick).await;
            for request in held.iter().filter(|request| request.cluster == *cluster) {
                if !principals.contains(&request.principal) {
                    is_whole &= or_failed(self.missing(&request.id, tick).await, tick);
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
    ) -> bool {
        let mut looks = stream::iter(principals)
            .map(
                |principal| async move { (principal, self.entries.find(cluster, principal).await) },
            )
            .buffer_unordered(AT_ONCE);
        let mut is_whole = true;
        while let Some((principal, found)) = looks.next().await {
            match found {
                Ok(Some(found)) => {
                    let looked = Box::pin(self.of_entry((cluster, principal), &found, tick)).await;
                    is_whole &= or_failed(looked, tick);
                }
                Ok(None) => {}
                Err(error) => {
                    unanswered(cluster, &error.to_string(), tick);
                    is_whole = false;
                }
            }
        }
        is_whole
    }

    async fn of_entry(
        &self,
        (cluster, principal): (&ClusterName, &Principal),
        found: &Found,
        tick: Tick<'_>,
    ) -> Result<bool, StoreError> {
        match &found.ownership {
            Ownership::Foreign => Ok(true),
            Ownership::Unreadable => {
                left_alone("its other tags can't be read", cluster, principal, tick);
                Ok(true)
            }
            Ownership::Ours { request, ends } => {
                let seen = Seen {
                    cluster,
                    principal,
                    found,
                    id: request,
                    ends: *ends,
                };
                if tick.now.saturating_sub(seen.ends) > OVERDUE_AFTER {
                    Box::pin(self.overdue(seen, tick)).await
                } else {
                    Box::pin(self.with_its_row(seen, tick)).await
                }
            }
        }
    }

    /// An entry whose time is not over: whether its row says the same.
    async fn with_its_row(&self, seen: Seen<'_>, tick: Tick<'_>) -> Result<bool, StoreError> {
        let row = match tick.requests.look_up(seen.id).await? {
            LookUp::Is(row) => *row,
            LookUp::Missing => return self.adopt(seen, NEW, tick).await,
            LookUp::Unreadable => return self.adopt(seen, UNREADABLE, tick).await,
        };
        if !is_about(&row, seen) {
            left_alone(
                "it names a request about somebody else",
                seen.cluster,
                seen.principal,
                tick,
            );
            return Ok(true);
        }
        match row.state {
            State::Active if says_more(&row, seen.ends) => {
                Box::pin(self.look_twice(row, seen, tick)).await
            }
            State::Active => self.compare(row, seen.found, tick).await,
            state if state.has_entry() || state == State::Drifted => Ok(true),
            _ => {
                let mut row = row;
                let before = row.version;
                let record = row.still_there(tick.now);
                let record = (&record, None);
                self.put(&mut row, before, record, Metric::Drifted, tick)
                    .await
            }
        }
    }

    /// A row that says more than the tags did: maybe the grant was given more time since they were looked at.
    async fn look_twice(
        &self,
        row: Request,
        seen: Seen<'_>,
        tick: Tick<'_>,
    ) -> Result<bool, StoreError> {
        let found = self.entries.find(seen.cluster, seen.principal).await;
        let Ok(Some(found)) = found else {
            return Ok(false);
        };
        match found.ownership {
            Ownership::Ours { request, ends } if request == *seen.id && says_more(&row, ends) => {
                self.shorten(row, ends, None, tick).await
            }
            _ => Ok(true),
        }
    }

    /// An entry that its own tags end. It goes first, whatever its row says: the tags are written before the row, so a row
    /// that says more was not written by us.
    async fn overdue(&self, seen: Seen<'_>, tick: Tick<'_>) -> Result<bool, StoreError> {
        let eks = match self.take_away(seen.cluster, seen.principal, seen.id).await {
            Came::Gone(eks) => eks,
            Came::Absent => None,
            Came::Foreign(why) => {
                left_alone(&why, seen.cluster, seen.principal, tick);
                return Ok(true);
            }
            Came::Stays(why) => {
                unanswered(seen.cluster, &why, tick);
                None
            }
        };
        let known = tick.requests.look_up(seen.id).await?;
        // Whose row is right is counted where its steps are done.
        if !matches!(&known, LookUp::Is(row) if is_right(row, seen.ends)) {
            tick.tally.add(Metric::Overdue, 1);
        }
        match known {
            LookUp::Is(row) if !is_about(&row, seen) => {
                let why = "it was over, and named a request about somebody else: it is taken away";
                unanswered(seen.cluster, why, tick);
                Ok(true)
            }
            LookUp::Is(row) => self.shorten(*row, seen.ends, eks, tick).await,
            LookUp::Missing => self.anew(seen, NEW, eks, tick).await,
            LookUp::Unreadable => self.anew(seen, UNREADABLE, eks, tick).await,
        }
    }

    /// Lets a row say what the tags say, and does what follows. `eks` is the request by which the entry was taken away.
    async fn shorten(
        &self,
        mut row: Request,
        ends: i64,
        eks: Option<String>,
        tick: Tick<'_>,
    ) -> Result<bool, StoreError> {
        if is_right(&row, ends) {
            self.look(&row.id, tick).await?;
            return Ok(true);
        }
        let before = row.version;
        let record = row.ends_by_its_tags(ends, tick.now);
        let record = (&record, eks.as_deref());
        self.put(&mut row, before, record, Metric::Drifted, tick)
            .await
    }

    /// An entry of ours without a row. What its tags say is believed of one that is as we make them, and ends when ours do.
    async fn adopt(&self, seen: Seen<'_>, before: u64, tick: Tick<'_>) -> Result<bool, StoreError> {
        let Ok(policies) = self.entries.policies(seen.cluster, seen.principal).await else {
            return Ok(false);
        };
        let partition = seen.principal.partition();
        let is_usual = |(arn, namespaces): &(String, Vec<String>)| {
            let usual = [AccessPolicy::View, AccessPolicy::Edit];
            !namespaces.is_empty() && usual.iter().any(|policy| policy.arn(partition) == *arn)
        };
        let is_ours = seen.found.is_bare
            && policies.iter().all(is_usual)
            && seen.ends <= tick.now.saturating_add(LONGEST);
        if !is_ours {
            left_alone(
                "it has no row, and is none that we make",
                seen.cluster,
                seen.principal,
                tick,
            );
            return Ok(true);
        }
        self.anew(seen, before, None, tick).await
    }

    /// Makes a row anew from the tags. The next look at it ends the grant, if it is over.
    async fn anew(
        &self,
        seen: Seen<'_>,
        before: u64,
        eks: Option<String>,
        tick: Tick<'_>,
    ) -> Result<bool, StoreError> {
        const HOW: &str = "its row was lost; it was made anew from the entry's tags";
        let mut parts = seen.found.arn.split(':').skip(3);
        let (region, account) = (parts.next(), parts.next());
        let place = region
            .and_then(|region| region.parse().ok())
            .zip(account.and_then(|account| account.parse().ok()));
        let Some((region, account)) = place else {
            return Ok(false);
        };
        let place = Place {
            cluster: seen.cluster.clone(),
            account,
            region,
        };
        let principal = seen.principal.clone();
        let mut row = Request::new(seen.id.clone(), Kind::Access, &place, principal, tick.now);
        row.state = State::Active;
        // No record of the audit that is there is written over.
        row.version = u64::try_from(tick.now).unwrap_or(1);
        row.starts = Some(tick.now);
        row.ends = Some(seen.ends);
        row.outcome = Some(HOW.to_owned());
        row.news.push(News::Drift);
        let actor = Actor::product("revoker");
        let record = Record::new(Action::Drifted, &row, actor, "compared with EKS", tick.now)
            .with_result(HOW);
        let record = (&record, eks.as_deref());
        self.put(&mut row, before, record, Metric::Drifted, tick)
            .await
    }

    /// Writes a row, and does what follows. `false` if somebody else was faster: the next comparison sees what they wrote.
    async fn put(
        &self,
        row: &mut Request,
        before: u64,
        record: (&Record, Option<&str>),
        metric: Metric,
        tick: Tick<'_>,
    ) -> Result<bool, StoreError> {
        let saved = tick.requests.save(row, before, Some(record), None).await?;
        if saved != Saved::Yes {
            return Ok(false);
        }
        tick.tally.add(metric, 1);
        self.look(&row.id, tick).await?;
        Ok(true)
    }

    /// Whether an active grant's entry is as it was made.
    async fn compare(
        &self,
        mut row: Request,
        found: &Found,
        tick: Tick<'_>,
    ) -> Result<bool, StoreError> {
        let policies = self.entries.policies(&row.cluster, &row.principal).await;
        let Ok(policies) = policies else {
            return Ok(false);
        };
        let terms = row.terms.as_ref();
        let wanted = terms.map(|terms| Entries::policies_of(&row.principal, terms));
        let how = match wanted {
            _ if !found.is_bare => "somebody gave our entry groups or a user name",
            Some(wanted) if wanted != policies => {
                "somebody changed the access policies of our entry"
            }
            _ => return Ok(true),
        };
        let before = row.version;
        let Some(record) = row.changed(how, tick.now) else {
            return Ok(true);
        };
        self.put(&mut row, before, (&record, None), Metric::Drifted, tick)
            .await
    }

    /// A grant whose entry is not in the list of EKS: it is looked at by itself, for lists lag behind.
    async fn missing(&self, id: &RequestId, tick: Tick<'_>) -> Result<bool, StoreError> {
        let LookUp::Is(mut row) = tick.requests.look_up(id).await? else {
            return Ok(true);
        };
        let is_new = row
            .starts
            .is_some_and(|starts| tick.now.saturating_sub(starts) < SHOWN_AFTER);
        if row.state != State::Active || is_new {
            return Ok(true);
        }
        match self.entries.find(&row.cluster, &row.principal).await {
            Ok(None) => {}
            Ok(Some(_)) => return Ok(true),
            Err(_) => return Ok(false),
        }
        let before = row.version;
        let record = row.gone("somebody else had removed the entry", tick.now);
        self.put(&mut row, before, (&record, None), Metric::Revoked, tick)
            .await
    }
}

fn is_about(row: &Request, seen: Seen<'_>) -> bool {
    row.principal == *seen.principal && row.cluster == *seen.cluster
}

/// Whether a row ends the grant as its tags do, so that its own steps are enough.
fn is_right(row: &Request, ends: i64) -> bool {
    matches!(row.state, State::Active | State::Revoking | State::Cleanup)
        && row.ends.is_some_and(|row| row / 1000 <= ends / 1000)
}

/// Whether a row says that the grant goes on longer than its tags do.
fn says_more(row: &Request, ends: i64) -> bool {
    row.ends.is_some_and(|row| row / 1000 > ends / 1000)
}

/// What fails with one entry costs no other.
fn or_failed(looked: Result<bool, StoreError>, tick: Tick<'_>) -> bool {
    looked.unwrap_or_else(|error| {
        failed(&error, tick);
        false
    })
}

fn left_alone(why: &str, cluster: &ClusterName, principal: &Principal, tick: Tick<'_>) {
    tick.tally.add(Metric::UnreadableEntries, 1);
    Entry::new(
        Level::Error,
        "an access entry bears our tag and is left alone",
    )
    .with("request_id", tick.invocation)
    .with("cluster", cluster.as_str())
    .with("principal", principal.to_string())
    .with("detail", why)
    .write();
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
