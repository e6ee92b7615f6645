//! What a digest is told beforehand.

use std::collections::BTreeSet;

use crate::cluster::{Cluster, ClusterName};
use crate::principal::{AccountId, Principal};

/// What a digest is told.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// What is known of the cluster when no log group says it.
    pub cluster: Cluster,
    /// Accounts that are ours besides the cluster's own.
    pub own_accounts: BTreeSet<AccountId>,
    /// Whether to tell denials that an access entry has overtaken: they are no news, but an answer to who asks.
    pub tells_overtaken: bool,
}

impl Settings {
    /// The cluster a delivery comes from: its log group and owner, the rest as told.
    #[must_use]
    pub fn cluster_of(&self, log_group: &str, owner: &str) -> Cluster {
        Cluster {
            name: ClusterName::from_log_group(log_group).or_else(|| self.cluster.name.clone()),
            account: owner.parse().ok().or_else(|| self.cluster.account.clone()),
            region: self.cluster.region.clone(),
            mode: self.cluster.mode,
        }
    }

    /// The cluster as a case sees it: a principal of any account of ours counts as the cluster's own.
    pub(super) fn judged_cluster(
        &self,
        cluster: &Cluster,
        principal: Option<&Principal>,
    ) -> Cluster {
        let own = principal
            .map(Principal::account)
            .filter(|account| self.own_accounts.contains(account));
        Cluster {
            account: own.or(cluster.account.as_ref()).cloned(),
            ..cluster.clone()
        }
    }
}
