//! What EKS tells of a cluster and its access entries. Reads only.

use aws_sdk_eks::Client;
use aws_sdk_eks::types;
use eks_access::cluster::{AuthenticationMode, ClusterName};
use eks_access::facts::{
    AccessEntry, AssociatedPolicy, ClusterFacts, Endpoint, EntryType, Fact, Permission, Status,
    Unknown,
};
use eks_access::principal::{AccountId, Principal};
use eks_access::text::LogText;

use super::unknown::{code, unknown};

/// Access entries that are listed at most: a cluster's quota (EKS service quotas, L-C56B9FC3).
const MAX_ENTRIES: usize = 3000;
/// The code of what is not there.
const NOT_FOUND: &str = "ResourceNotFoundException";

/// `eks:DescribeCluster`.
pub async fn cluster(client: &Client, name: &ClusterName) -> Fact<ClusterFacts> {
    let answer = client.describe_cluster().name(name.as_str()).send().await;
    match answer {
        Ok(answer) => answer
            .cluster()
            .and_then(cluster_facts)
            .map_or(Fact::Unknown(Unknown::Failed), Fact::Known),
        Err(error) if code(&error) == NOT_FOUND => Fact::Unknown(Unknown::NoSuchCluster),
        Err(error) => Fact::Unknown(unknown(&error, Permission::DescribeCluster)),
    }
}

/// `None` where the mode is one that came after this list: what it lets count is not known.
fn cluster_facts(cluster: &types::Cluster) -> Option<ClusterFacts> {
    // `arn:aws:eks:REGION:ACCOUNT:cluster/NAME`.
    let account = cluster.arn().and_then(|arn| arn.split(':').nth(4));
    let compute = cluster.compute_config();
    Some(ClusterFacts {
        account: account.and_then(|account| account.parse::<AccountId>().ok()),
        mode: mode(cluster)?,
        status: status(cluster.status()),
        logs_authenticator: logs_authenticator(cluster),
        endpoint: endpoint(cluster),
        created: cluster.created_at().and_then(|at| at.to_millis().ok()),
        role: cluster.role_arn().and_then(|arn| arn.parse().ok()),
        auto_mode_node_role: compute
            .and_then(types::ComputeConfigResponse::node_role_arn)
            .and_then(|arn| arn.parse().ok()),
        has_auto_mode: compute.and_then(types::ComputeConfigResponse::enabled) == Some(true),
        has_hybrid_nodes: cluster.remote_network_config().is_some(),
    })
}

/// A cluster from before access entries has no mode in the answer, and works as `CONFIG_MAP`.
fn mode(cluster: &types::Cluster) -> Option<AuthenticationMode> {
    let mode = cluster
        .access_config()
        .and_then(types::AccessConfigResponse::authentication_mode);
    mode.map_or(Some(AuthenticationMode::ConfigMap), |mode| {
        mode.as_str().parse().ok()
    })
}

fn status(status: Option<&types::ClusterStatus>) -> Status {
    match status.map(types::ClusterStatus::as_str) {
        Some("ACTIVE") => Status::Active,
        Some("UPDATING") => Status::Updating,
        Some("CREATING" | "PENDING") => Status::Creating,
        Some("DELETING") => Status::Deleting,
        Some("FAILED") => Status::Failed,
        _ => Status::Other,
    }
}

/// There is one element for what is on and another for what is off.
fn logs_authenticator(cluster: &types::Cluster) -> bool {
    let setups = cluster
        .logging()
        .map_or(&[][..], types::Logging::cluster_logging);
    setups.iter().any(|setup| {
        setup.enabled() == Some(true) && setup.types().contains(&types::LogType::Authenticator)
    })
}

fn endpoint(cluster: &types::Cluster) -> Endpoint {
    let Some(vpc) = cluster.resources_vpc_config() else {
        return Endpoint {
            is_public: true,
            is_private: false,
            is_open_to_all: true,
        };
    };
    let ranges = vpc.public_access_cidrs();
    Endpoint {
        is_public: vpc.endpoint_public_access(),
        is_private: vpc.endpoint_private_access(),
        is_open_to_all: ranges.is_empty() || ranges.iter().any(|range| range == "0.0.0.0/0"),
    }
}

/// `eks:ListAccessEntries`, all pages: the principals that have one, or of those the ones with this access policy.
/// Sorted, so that the same entries give the same answer.
pub async fn entries(
    client: &Client,
    name: &ClusterName,
    policy: Option<&str>,
) -> Fact<Vec<Principal>> {
    let mut pages = client
        .list_access_entries()
        .cluster_name(name.as_str())
        .set_associated_policy_arn(policy.map(str::to_owned))
        .into_paginator()
        .items()
        .send();
    let mut principals = Vec::new();
    while let Some(item) = pages.next().await {
        match item {
            Ok(arn) => principals.extend(arn.parse::<Principal>().ok()),
            Err(error) => return Fact::Unknown(unknown(&error, Permission::ListAccessEntries)),
        }
        if principals.len() > MAX_ENTRIES {
            return Fact::Unknown(Unknown::TooMany);
        }
    }
    principals.sort_unstable();
    Fact::Known(principals)
}

/// `eks:DescribeAccessEntry` and `eks:ListAssociatedAccessPolicies`: the entry for exactly this ARN, if there is one.
pub async fn entry(
    client: &Client,
    name: &ClusterName,
    principal: &Principal,
) -> Fact<Option<AccessEntry>> {
    let arn = principal.to_string();
    let answer = client
        .describe_access_entry()
        .cluster_name(name.as_str())
        .principal_arn(&arn)
        .send()
        .await;
    let entry = match answer {
        Ok(answer) => answer.access_entry,
        Err(error) if code(&error) == NOT_FOUND => return Fact::Known(None),
        Err(error) => return Fact::Unknown(unknown(&error, Permission::DescribeAccessEntry)),
    };
    let Some((entry, created)) = entry.and_then(|entry| {
        let created = entry.created_at()?.to_millis().ok()?;
        Some((entry, created))
    }) else {
        return Fact::Unknown(Unknown::Failed);
    };
    let texts = |texts: &[String]| texts.iter().map(LogText::new).collect();
    Fact::Known(Some(AccessEntry {
        principal: principal.clone(),
        kind: EntryType::named(entry.r#type().unwrap_or_default()),
        username: LogText::new(entry.username().unwrap_or_default()),
        groups: texts(entry.kubernetes_groups()),
        created,
        policies: policies(client, name, &arn).await,
    }))
}

async fn policies(
    client: &Client,
    name: &ClusterName,
    principal_arn: &str,
) -> Fact<Vec<AssociatedPolicy>> {
    let mut pages = client
        .list_associated_access_policies()
        .cluster_name(name.as_str())
        .principal_arn(principal_arn)
        .into_paginator()
        .items()
        .send();
    let mut policies = Vec::new();
    while let Some(item) = pages.next().await {
        match item {
            Ok(policy) => policies.push(AssociatedPolicy {
                arn: LogText::new(policy.policy_arn().unwrap_or_default()),
                namespaces: policy
                    .access_scope()
                    .map_or(&[][..], types::AccessScope::namespaces)
                    .iter()
                    .map(LogText::new)
                    .collect(),
            }),
            Err(error) => {
                let why = unknown(&error, Permission::ListAssociatedAccessPolicies);
                return Fact::Unknown(why);
            }
        }
    }
    policies.sort_unstable();
    Fact::Known(policies)
}
