//! Clusters, their access entries and whom IAM still has, asked one by one.

use aws_config::SdkConfig;
use eks_access::cluster::ClusterName;
use eks_access::facts::{AccessEntry, ClusterFacts, Fact, IamPrincipal};
use eks_access::principal::Principal;

use crate::facts::{eks, iam};

/// Clients for one Region.
#[derive(Debug, Clone)]
pub struct Clusters {
    eks: aws_sdk_eks::Client,
    iam: aws_sdk_iam::Client,
}

impl Clusters {
    /// Clients for the Region of `config`.
    #[must_use]
    pub fn new(config: &SdkConfig) -> Self {
        Self {
            eks: aws_sdk_eks::Client::new(config),
            iam: aws_sdk_iam::Client::new(config),
        }
    }

    /// `eks:DescribeCluster`.
    pub async fn cluster(&self, name: &ClusterName) -> Fact<ClusterFacts> {
        eks::cluster(&self.eks, name).await
    }

    /// `eks:ListAccessEntries`: whoever has an entry, or one with this policy.
    pub async fn entries(&self, name: &ClusterName, policy: Option<&str>) -> Fact<Vec<Principal>> {
        eks::entries(&self.eks, name, policy).await
    }

    /// `eks:DescribeAccessEntry` and `eks:ListAssociatedAccessPolicies`.
    pub async fn entry(&self, name: &ClusterName, of: &Principal) -> Fact<Option<AccessEntry>> {
        eks::entry(&self.eks, name, of).await
    }

    /// `iam:GetRole` or `iam:GetUser`, of the caller's own account.
    pub async fn principal(&self, principal: &Principal) -> Fact<Option<IamPrincipal>> {
        iam::principal(&self.iam, principal).await
    }
}
