//! Whether the world is still as it was when somebody said yes.

use aws_config::SdkConfig;
use eks_access::access::{Kind, Order, Request};
use eks_access::cluster::AuthenticationMode;
use eks_access::facts::{ClusterFacts, Fact, IamPrincipal, Status, Trust, Unknown};
use eks_access::principal::Principal;

use crate::facts::{eks, iam};

/// Why nothing is to be granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Changed {
    /// For good.
    Final(String),
    /// Now; trying again may help.
    Passing(String),
}

/// What was seen of the world, where nothing speaks against it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looked {
    /// What people should know.
    pub hint: Option<&'static str>,
    /// IAM's unique id of the principal.
    pub unique_id: String,
}

impl Looked {
    /// Keeps with a request what it did not have yet.
    pub fn note_on(&self, request: &mut Request) {
        let is_known = |hint: &&str| request.hints.iter().any(|known| known == hint);
        if let Some(hint) = self.hint.filter(|hint| !is_known(hint)) {
            request.hints.push(hint.to_owned());
        }
        // Who broke the glass did not look it up.
        if request.unique_id.is_empty() {
            request.unique_id.clone_from(&self.unique_id);
        }
    }
}

/// Nobody here can read aws-auth (EKS user guide, "Create access entries": an entry comes before a row).
const OVERRIDES: &str = "the cluster also uses aws-auth, which was not read: while the entry is there, a row for the same \
                         principal does not count, whatever it gives";

/// EKS and IAM, asked anew and never from memory.
#[derive(Debug)]
pub struct World {
    eks: aws_sdk_eks::Client,
    iam: aws_sdk_iam::Client,
    own_roles: Vec<Principal>,
}

impl World {
    /// With clients of its own. `own_roles` are this product's.
    #[must_use]
    pub fn new(config: &SdkConfig, own_roles: Vec<Principal>) -> Self {
        Self {
            eks: aws_sdk_eks::Client::new(config),
            iam: aws_sdk_iam::Client::new(config),
            own_roles,
        }
    }

    /// Whether the cluster can be granted access to, and the principal is who it was.
    ///
    /// # Errors
    /// When not.
    pub async fn check(&self, order: &Order) -> Result<Looked, Changed> {
        let is_own = self
            .own_roles
            .iter()
            .any(|role| role.is_of_the_same_name(&order.principal));
        if is_own {
            return Err(Changed::Final("it is a role of this product".to_owned()));
        }
        let cluster = known(eks::cluster(&self.eks, &order.cluster).await, "the cluster")?;
        of_cluster(&cluster, order)?;
        let found = known(
            iam::principal(&self.iam, &order.principal).await,
            "the principal in IAM",
        )?;
        let found =
            found.ok_or_else(|| Changed::Final("the principal is gone from IAM".to_owned()))?;
        of_principal(&found, order)?;
        let has_rows = cluster.mode == AuthenticationMode::ApiAndConfigMap;
        Ok(Looked {
            hint: has_rows.then_some(OVERRIDES),
            unique_id: found.unique_id,
        })
    }
}

fn known<T>(fact: Fact<T>, what: &str) -> Result<T, Changed> {
    match fact {
        Fact::Known(value) => Ok(value),
        Fact::Unknown(why @ (Unknown::Denied(_) | Unknown::NoSuchCluster)) => Err(Changed::Final(
            format!("{what} can't be looked at: {}", why.reason()),
        )),
        Fact::Unknown(why) => Err(Changed::Passing(format!(
            "{what} could not be looked at: {}",
            why.reason()
        ))),
    }
}

fn of_cluster(cluster: &ClusterFacts, order: &Order) -> Result<(), Changed> {
    if cluster
        .account
        .as_ref()
        .is_some_and(|account| *account != order.account)
    {
        return Err(Changed::Final(
            "the cluster is another account's".to_owned(),
        ));
    }
    if !cluster.mode.has_access_entries() {
        let mode = cluster.mode.as_str();
        return Err(Changed::Final(format!(
            "the cluster's authentication mode is {mode}, which knows no access entries"
        )));
    }
    match cluster.status {
        Status::Active => {}
        Status::Updating | Status::Creating => {
            return Err(Changed::Passing("the cluster is being changed".to_owned()));
        }
        Status::Deleting | Status::Failed | Status::Other => {
            return Err(Changed::Final("the cluster is not active".to_owned()));
        }
    }
    let infrastructure = [&cluster.role, &cluster.auto_mode_node_role];
    let is_infrastructure = infrastructure
        .into_iter()
        .flatten()
        .any(|role| role.is_of_the_same_name(&order.principal));
    if is_infrastructure {
        return Err(Changed::Final(
            "it is a role of the cluster itself or of its nodes".to_owned(),
        ));
    }
    Ok(())
}

fn of_principal(found: &IamPrincipal, order: &Order) -> Result<(), Changed> {
    if found.principal != order.principal {
        return Err(Changed::Final(format!(
            "IAM has it as {} by now",
            found.principal
        )));
    }
    // Who broke the glass did not look it up before.
    let is_known = order.kind != Kind::BreakGlass || !order.unique_id.is_empty();
    if is_known && found.unique_id != order.unique_id {
        return Err(Changed::Final(
            "it was deleted and made anew since it was asked: whoever has it now is not who was approved".to_owned(),
        ));
    }
    match &found.trust {
        None if found.principal.is_role() => Err(Changed::Final(
            "the role's trust policy can't be read".to_owned(),
        )),
        Some(trust) if Trust::is_open_to_everybody(trust) => Err(Changed::Final(
            "anybody may assume the role by now".to_owned(),
        )),
        Some(trust) if trust.may_be_of_nodes() => {
            Err(Changed::Final("nodes may have the role".to_owned()))
        }
        _ => Ok(()),
    }
}
