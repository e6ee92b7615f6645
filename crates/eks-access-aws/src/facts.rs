//! Gathers facts from EKS and IAM: read-only, few calls, and never an error. What can't be found out is unknown, and says
//! why.

use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use eks_access::cluster::{AuthenticationMode, ClusterName, Region};
use eks_access::facts::{
    AccessEntry, ClusterFacts, Fact, Facts, IamPrincipal, Near, NearMiss, Unknown, near_misses,
};
use eks_access::incident::{Answers, Question};
use eks_access::principal::{AccountId, Principal};
use eks_access::symptom::Symptom;
use futures_util::{StreamExt, stream};
use tokio::time::Instant;

mod administrators;
mod cache;
pub mod eks;
pub mod iam;
mod unknown;

use cache::Cache;

/// Questions that are being answered at a time.
const AT_ONCE: usize = 16;
/// Endings of a permission set that are looked up.
const MAX_ENDINGS: usize = 5;
/// Users whose entries are looked up when one was renamed.
const MAX_RENAMED: usize = 10;

/// EKS and IAM, and what they said lately.
#[derive(Debug)]
pub struct Gatherer {
    eks: aws_sdk_eks::Client,
    iam: aws_sdk_iam::Client,
    clusters: Cache<ClusterName, Arc<ClusterFacts>>,
    lists: Cache<(ClusterName, Option<String>), Arc<Vec<Principal>>>,
    entries: Cache<(ClusterName, Principal), Option<AccessEntry>>,
    principals: Cache<Principal, Option<IamPrincipal>>,
}

/// What one cluster's questions have in common.
struct Scope<'a> {
    name: &'a ClusterName,
    /// The account of the cluster: as EKS has it, else as the question has it.
    account: Option<AccountId>,
    partition: &'a str,
    mode: Option<AuthenticationMode>,
    /// Why the cluster is not known, if it is not.
    unknown: Option<Unknown>,
    until: Instant,
}

impl Gatherer {
    /// Clients for the Region of `config`, which is that of the clusters, with its time-outs.
    #[must_use]
    pub fn new(config: &SdkConfig) -> Self {
        Self {
            eks: aws_sdk_eks::Client::new(config),
            iam: aws_sdk_iam::Client::new(config),
            clusters: Cache::default(),
            lists: Cache::default(),
            entries: Cache::default(),
            principals: Cache::default(),
        }
    }

    /// Answers every question as well as it can be done within `budget`.
    pub async fn gather(&self, questions: Vec<Question>, budget: Duration) -> Answers {
        let until = Instant::now() + budget;
        stream::iter(questions)
            .map(|question| async move {
                let facts = self.answer(&question, until).await;
                (question, facts)
            })
            .buffer_unordered(AT_ONCE)
            .collect()
            .await
    }

    async fn answer(&self, question: &Question, until: Instant) -> Facts {
        let Some(name) = &question.cluster.name else {
            return Facts::none();
        };
        let cluster = self.cluster(name, until).await;
        let known = cluster.known();
        let own = known.and_then(|known| known.account.clone());
        // EKS tells of the reader's own account: it may have another cluster of the same name.
        if let (Some(own), Some(asked)) = (&own, &question.cluster.account)
            && own != asked
        {
            return Facts {
                cluster: Fact::Unknown(Unknown::AnotherAnswered),
                ..Facts::none()
            };
        }
        let scope = Scope {
            name,
            account: own.or_else(|| question.cluster.account.clone()),
            partition: question
                .cluster
                .region
                .as_ref()
                .map_or("aws", Region::partition),
            mode: known.map(|known| known.mode),
            unknown: cluster.unknown(),
            until,
        };
        let mut facts = Facts {
            cluster: cluster.map(Arc::unwrap_or_clone),
            ..Facts::none()
        };
        match (question.symptom, &question.principal) {
            (Symptom::NotMapped | Symptom::NotMappedNode, Some(principal)) => {
                self.mapping(&scope, principal, &mut facts).await;
                self.who_administers(&scope, &mut facts).await;
            }
            (Symptom::PrincipalIdMismatch, Some(principal)) => {
                facts.iam = self.in_iam(&scope, principal).await;
                facts.near = self.renamed(&scope, principal).await;
            }
            (Symptom::ReservedUsername | Symptom::NodeSessionNotInstance, Some(principal)) => {
                facts.iam = self.in_iam(&scope, principal).await;
                facts.entry = self.own_entry(&scope, principal, &facts.iam).await;
            }
            (Symptom::NodeDnsLookupDenied, _) => {
                facts.cluster_role = self.cluster_role(&scope, &facts.cluster).await;
            }
            (Symptom::ClientCreatorDeleted, _) => {
                self.who_administers(&scope, &mut facts).await;
            }
            _ => {}
        }
        facts
    }

    /// All there is about a principal that nothing maps.
    async fn mapping(&self, scope: &Scope<'_>, principal: &Principal, facts: &mut Facts) {
        if !(principal.is_role() || principal.is_user()) {
            return;
        }
        facts.iam = self.in_iam(scope, principal).await;
        facts.entry = self.own_entry(scope, principal, &facts.iam).await;
        if facts.entry != Fact::Known(None) {
            facts.near = facts
                .entry
                .unknown()
                .map_or_else(Fact::default, Fact::Unknown);
            return;
        }
        let full = facts
            .iam_principal()
            .map_or(principal, |known| &known.principal);
        let near = self.entries(scope, None).await;
        let mut near = near.map(|entries| near_misses(full, entries.iter()));
        if let Fact::Known(misses) = &mut near {
            self.check_existence(scope, misses).await;
        }
        facts.near = near;
    }

    /// Whether the roles that a permission set had before are still there.
    async fn check_existence(&self, scope: &Scope<'_>, misses: &mut [NearMiss]) {
        for miss in misses
            .iter_mut()
            .filter(|miss| miss.near == Near::OtherSuffix)
            .take(MAX_ENDINGS)
        {
            let found = self.in_iam(scope, &miss.entry).await;
            miss.exists = found.map(|found| found.is_some());
        }
    }

    /// The principal's own access entry: by its whole ARN where IAM tells it; else by its name, for a log has no path.
    async fn own_entry(
        &self,
        scope: &Scope<'_>,
        principal: &Principal,
        iam: &Fact<Option<IamPrincipal>>,
    ) -> Fact<Option<AccessEntry>> {
        if let Some(known) = iam.known().and_then(Option::as_ref) {
            return self.entry(scope, &known.principal).await;
        }
        if principal.is_user() {
            return self.entry(scope, principal).await;
        }
        let is_same = |entry: &&Principal| {
            entry.is_role()
                && entry.account() == principal.account()
                && entry.name() == principal.name()
        };
        match self.entries(scope, None).await {
            Fact::Unknown(why) => Fact::Unknown(why),
            Fact::Known(entries) => match entries.iter().find(is_same) {
                None => Fact::Known(None),
                Some(entry) => self.entry(scope, entry).await,
            },
        }
    }

    /// Entries of users that IAM has no more, one of which was the renamed user's.
    async fn renamed(&self, scope: &Scope<'_>, principal: &Principal) -> Fact<Vec<NearMiss>> {
        if !principal.is_user() {
            return Fact::default();
        }
        let entries = match self.entries(scope, None).await {
            Fact::Known(entries) => entries,
            Fact::Unknown(why) => return Fact::Unknown(why),
        };
        let users: Vec<&Principal> = entries
            .iter()
            .filter(|entry| entry.is_user() && entry.account() == principal.account())
            .collect();
        if users.len() > MAX_RENAMED {
            return Fact::Unknown(Unknown::TooMany);
        }
        let mut former = Vec::new();
        for user in users {
            match self.in_iam(scope, user).await {
                // IAM looks users up by name: one that was moved is found under another path.
                Fact::Known(Some(found)) if found.principal == *user => {}
                Fact::Known(_) => former.push(NearMiss {
                    entry: user.clone(),
                    near: Near::Former,
                    exists: Fact::Known(false),
                }),
                Fact::Unknown(why) => return Fact::Unknown(why),
            }
        }
        Fact::Known(former)
    }

    async fn cluster_role(
        &self,
        scope: &Scope<'_>,
        cluster: &Fact<ClusterFacts>,
    ) -> Fact<Option<IamPrincipal>> {
        match cluster {
            Fact::Unknown(why) => Fact::Unknown(*why),
            Fact::Known(cluster) => match &cluster.role {
                Some(role) => self.in_iam(scope, role).await,
                None => Fact::default(),
            },
        }
    }

    async fn cluster(&self, name: &ClusterName, until: Instant) -> Fact<Arc<ClusterFacts>> {
        let ask = Box::pin(async { eks::cluster(&self.eks, name).await.map(Arc::new) });
        self.clusters.get(name.clone(), until, ask).await
    }

    /// The principals with an entry. In `CONFIG_MAP` there are none, and asking for them fails.
    async fn entries(
        &self,
        scope: &Scope<'_>,
        policy: Option<String>,
    ) -> Fact<Arc<Vec<Principal>>> {
        if let Some(answer) = scope.without_asking() {
            return answer;
        }
        let key = (scope.name.clone(), policy.clone());
        let ask = Box::pin(async {
            let entries = eks::entries(&self.eks, scope.name, policy.as_deref()).await;
            entries.map(Arc::new)
        });
        self.lists.get(key, scope.until, ask).await
    }

    async fn entry(&self, scope: &Scope<'_>, principal: &Principal) -> Fact<Option<AccessEntry>> {
        if let Some(answer) = scope.without_asking() {
            return answer;
        }
        let key = (scope.name.clone(), principal.clone());
        let ask = Box::pin(eks::entry(&self.eks, scope.name, principal));
        self.entries.get(key, scope.until, ask).await
    }

    async fn in_iam(&self, scope: &Scope<'_>, principal: &Principal) -> Fact<Option<IamPrincipal>> {
        if scope.account.as_ref() != Some(principal.account()) {
            return Fact::Unknown(Unknown::OtherAccount);
        }
        let ask = Box::pin(iam::principal(&self.iam, principal));
        let found = self
            .principals
            .get(principal.clone(), scope.until, ask)
            .await;
        match (&found, scope.unknown) {
            // IAM does not say in which account there is none: only the cluster, once it is found, tells.
            (Fact::Known(None), Some(why)) => Fact::Unknown(why),
            (Fact::Known(Some(known)), _) if !known.principal.is_of_the_same_name(principal) => {
                Fact::Unknown(Unknown::AnotherAnswered)
            }
            _ => found,
        }
    }
}

impl Scope<'_> {
    /// The answer of every question about access entries that need not be asked.
    fn without_asking<T: Default>(&self) -> Option<Fact<T>> {
        match (self.mode, self.unknown) {
            (Some(AuthenticationMode::ConfigMap), _) => Some(Fact::Known(T::default())),
            (None, why) => Some(Fact::Unknown(why.unwrap_or(Unknown::NotAsked))),
            (Some(_), _) => None,
        }
    }
}
