//! The role that the control plane works with.

use crate::catalogue::Case;
use crate::remedy::{Command, Remedy, Tool};
use crate::symptom::Actor;

use super::cluster::{eks_named, kubeconfig_aside, partition};

/// The cluster's role, as far as EKS told.
pub(crate) struct ClusterRole {
    name: String,
    path: String,
    has_auto_mode: bool,
}

impl ClusterRole {
    /// The role of the case's cluster; where EKS did not tell, words to replace.
    pub(crate) fn of(case: &Case<'_>) -> Self {
        let cluster = case.facts.cluster.known();
        let role = cluster.and_then(|cluster| cluster.role.as_ref());
        let path = role.and_then(|role| {
            let resource = role.resource();
            let path = resource.strip_prefix("role")?.strip_suffix(role.name())?;
            Some(path.to_owned())
        });
        Self {
            name: role.map_or_else(
                || "CLUSTER_ROLE_NAME".to_owned(),
                |role| role.name().to_owned(),
            ),
            path: path.unwrap_or_else(|| "/".to_owned()),
            has_auto_mode: cluster.is_some_and(|cluster| cluster.has_auto_mode),
        }
    }

    /// Its name, without path.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Its path.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// The trust policy that EKS needs (EKS user guide, "Amazon EKS cluster IAM role"; for Auto Mode, "Amazon EKS Auto Mode
    /// cluster IAM role").
    pub(crate) fn trust_policy(&self) -> &'static str {
        if self.has_auto_mode {
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"eks.amazonaws.com"},"Action":["sts:AssumeRole","sts:TagSession"]}]}"#
        } else {
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"eks.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#
        }
    }

    /// Shows the role, its policies and who may assume it; nothing is changed.
    pub(crate) fn look(&self, case: &Case<'_>) -> Remedy {
        Remedy::new(
            Actor::IamAdministrator,
            "Look at the cluster's role, its policies and who may assume it",
        )
        .aws(
            eks_named("aws eks describe-cluster", case)
                .option("--query", "cluster.roleArn")
                .then("--output text"),
        )
        .aws(Command::new("aws iam list-attached-role-policies").option("--role-name", &self.name))
        .aws(
            Command::new("aws iam get-role")
                .option("--role-name", &self.name)
                .then("--query Role.AssumeRolePolicyDocument"),
        )
    }

    /// Attaches the policies of AWS that a cluster's role has.
    pub(crate) fn attach_policies(&self, remedy: Remedy, case: &Case<'_>) -> Remedy {
        const AUTO_MODE: [&str; 4] = [
            "AmazonEKSComputePolicy",
            "AmazonEKSBlockStoragePolicy",
            "AmazonEKSLoadBalancingPolicy",
            "AmazonEKSNetworkingPolicy",
        ];
        let more = AUTO_MODE.iter().filter(|_| self.has_auto_mode);
        std::iter::once(&"AmazonEKSClusterPolicy")
            .chain(more)
            .fold(remedy, |remedy, policy| {
                let arn = format!("arn:{}:iam::aws:policy/{policy}", partition(case));
                remedy.aws(
                    Command::new("aws iam attach-role-policy")
                        .option("--role-name", &self.name)
                        .option("--policy-arn", &arn),
                )
            })
    }
}

/// How an administrator sees that nodes join again.
pub(crate) fn nodes_come_back(case: &Case<'_>) -> Remedy {
    Remedy::new(
        Actor::ClusterAdministrator,
        "Wait some minutes, then see the nodes turn Ready; leave their own role and mapping as they are",
    )
    .aws(kubeconfig_aside(case))
    .command(Tool::Kubectl, Command::new("kubectl get nodes"))
}
