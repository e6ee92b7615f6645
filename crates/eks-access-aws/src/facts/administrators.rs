//! Who administers a cluster, as far as its access entries tell.

use eks_access::facts::{AccessEntry, Administrator, EntryType, Fact, Facts, Unknown};
use eks_access::principal::Principal;

use super::{Gatherer, Scope};

/// The access policy that makes an administrator.
const POLICY: &str = "AmazonEKSClusterAdminPolicy";
/// Administrators of a cluster that are looked up.
const MAX_ADMINISTRATORS: usize = 5;
/// Other entries that are looked up where no administrator is left.
const MAX_OTHERS: usize = 20;

impl Gatherer {
    /// Who may do everything in the cluster by an access entry. Where nobody of them is left: whether another entry has
    /// groups, by which somebody may administer it all the same.
    pub(super) async fn who_administers(&self, scope: &Scope<'_>, facts: &mut Facts) {
        facts.administrators = self.administrators(scope).await;
        let is_anybody_left = |all: &Vec<Administrator>| {
            all.is_empty() || all.iter().any(|one| one.exists != Fact::Known(false))
        };
        if let Fact::Known(all) = &facts.administrators
            && !is_anybody_left(all)
        {
            facts.groups_left = self.groups_left(scope, all).await;
        }
    }

    /// Everybody with the administrator's access policy on the whole cluster, and whether each still exists.
    async fn administrators(&self, scope: &Scope<'_>) -> Fact<Vec<Administrator>> {
        let policy = format!(
            "arn:{}:eks::aws:cluster-access-policy/{POLICY}",
            scope.partition
        );
        let principals = match self.entries(scope, Some(policy)).await {
            Fact::Known(principals) => principals,
            Fact::Unknown(why) => return Fact::Unknown(why),
        };
        let mut administrators = Vec::new();
        for (at, principal) in principals.iter().enumerate() {
            if at >= MAX_ADMINISTRATORS {
                administrators.push(Administrator {
                    principal: principal.clone(),
                    exists: Fact::Unknown(Unknown::TooMany),
                });
                continue;
            }
            let entry = self.entry(scope, principal).await;
            let reach = entry
                .known()
                .and_then(Option::as_ref)
                .map(is_of_whole_cluster);
            let exists = match reach {
                // In some namespaces only: no administrator of the cluster, dead or alive.
                Some(Fact::Known(false)) => continue,
                Some(Fact::Unknown(why)) => Fact::Unknown(why),
                Some(Fact::Known(true)) | None => self.still_works(scope, principal, entry).await,
            };
            administrators.push(Administrator {
                principal: principal.clone(),
                exists,
            });
        }
        Fact::Known(administrators)
    }

    /// Whether an entry of none of the administrators has groups, and may be of somebody who is still there.
    async fn groups_left(&self, scope: &Scope<'_>, all: &[Administrator]) -> Fact<bool> {
        let principals = match self.entries(scope, None).await {
            Fact::Known(principals) => principals,
            Fact::Unknown(why) => return Fact::Unknown(why),
        };
        let others = principals
            .iter()
            .filter(|principal| all.iter().all(|one| one.principal != **principal));
        let mut unknown = None;
        for (at, principal) in others.enumerate() {
            if at >= MAX_OTHERS {
                unknown = Some(Unknown::TooMany);
                break;
            }
            let entry = self.entry(scope, principal).await;
            match &entry {
                Fact::Unknown(why) => unknown = Some(*why),
                Fact::Known(Some(found)) if has_groups(found) => {
                    if self.still_works(scope, principal, entry).await != Fact::Known(false) {
                        return Fact::Known(true);
                    }
                }
                Fact::Known(_) => {}
            }
        }
        unknown.map_or(Fact::Known(false), Fact::Unknown)
    }

    /// Whether IAM has the principal, and has had it since before its entry was made.
    async fn still_works(
        &self,
        scope: &Scope<'_>,
        principal: &Principal,
        entry: Fact<Option<AccessEntry>>,
    ) -> Fact<bool> {
        match self.in_iam(scope, principal).await {
            Fact::Unknown(why) => Fact::Unknown(why),
            Fact::Known(None) => Fact::Known(false),
            Fact::Known(Some(found)) => entry.map(|entry| {
                entry.is_some_and(|entry| found.created <= entry.created)
                    && found.principal == *principal
            }),
        }
    }
}

fn is_of_whole_cluster(entry: &AccessEntry) -> Fact<bool> {
    entry.policies.clone().map(|policies| {
        policies
            .iter()
            .any(|policy| policy.name().raw() == POLICY && policy.namespaces.is_empty())
    })
}

fn has_groups(entry: &AccessEntry) -> bool {
    entry.kind == EntryType::Standard && !entry.groups.is_empty()
}
