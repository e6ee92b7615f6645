//! Access entries of ours: making them, looking at them, taking them away. Nobody else's is ever changed.

use std::fmt;

use aws_config::SdkConfig;
use aws_sdk_eks::Client;
use aws_sdk_eks::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_eks::operation::RequestId as _;
use aws_sdk_eks::types::{AccessScope, AccessScopeType};
use eks_access::access::ours::{Ownership, tags};
use eks_access::access::{Request, RequestId};
use eks_access::cluster::ClusterName;
use eks_access::policy::Terms;
use eks_access::principal::Principal;

/// The code of what is not there.
const NOT_FOUND: &str = "ResourceNotFoundException";
/// The code of what is there already.
const IN_USE: &str = "ResourceInUseException";
/// Entries that are listed at most: a cluster's quota (EKS service quotas, L-C56B9FC3).
const MOST: usize = 3000;

/// Why EKS did not do as it was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryError {
    /// AWS' error code, or `Timeout` or `Unreachable`.
    pub code: String,
    /// What AWS or the connection said.
    pub message: String,
}

impl EntryError {
    /// Whether no trying again can help: EKS understood, and refused.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(
            self.code.as_str(),
            "InvalidParameterException"
                | "InvalidRequestException"
                | "ResourceLimitExceededException"
                | "ResourceNotFoundException"
                | "AccessDeniedException"
                | "BadRequestException"
                | "NotFoundException"
        )
    }
}

impl fmt::Display for EntryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for EntryError {}

impl<E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static> From<SdkError<E>>
    for EntryError
{
    fn from(error: SdkError<E>) -> Self {
        let (code, message) = crate::aws::told(&error, "EKS");
        let message = message
            .chars()
            .filter(|c| !c.is_control())
            .take(400)
            .collect();
        Self { code, message }
    }
}

/// An entry as EKS has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What its tags say.
    pub ownership: Ownership,
    /// Its ARN.
    pub arn: String,
    /// Whether it is of type `STANDARD`.
    pub is_standard: bool,
    /// Whether it is a bare one of that type, as ours are made.
    pub is_bare: bool,
}

/// What became of making an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Made {
    /// It is made; EKS' id of the request.
    Yes(Option<String>),
    /// There is one for that principal already.
    InUse,
}

/// EKS, as far as it is about access entries.
#[derive(Debug, Clone)]
pub struct Entries {
    client: Client,
}

impl Entries {
    /// With a client of its own.
    #[must_use]
    pub fn new(config: &SdkConfig) -> Self {
        Self {
            client: Client::new(config),
        }
    }

    /// The principal's entry; `None` if there is none.
    ///
    /// # Errors
    /// When EKS did not say.
    pub async fn find(
        &self,
        cluster: &ClusterName,
        principal: &Principal,
    ) -> Result<Option<Found>, EntryError> {
        let answer = self
            .client
            .describe_access_entry()
            .cluster_name(cluster.as_str())
            .principal_arn(principal.to_string())
            .send()
            .await;
        let entry = match answer {
            Ok(answer) => answer.access_entry,
            // Where the cluster is gone, its entries are as well.
            Err(error) if error.code() == Some(NOT_FOUND) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        Ok(entry.map(|entry| {
            let tags = entry.tags();
            let tags = tags.into_iter().flatten();
            // A user name that nobody asked for is made from the principal's own ARN (EKS user guide).
            let is_named = entry
                .username()
                .is_some_and(|name| !name.is_empty() && !name.starts_with("arn:"));
            Found {
                ownership: Ownership::of(tags.map(|(key, value)| (key.as_str(), value.as_str()))),
                arn: entry.access_entry_arn().unwrap_or_default().to_owned(),
                is_standard: entry.r#type() == Some("STANDARD"),
                is_bare: entry.r#type() == Some("STANDARD")
                    && entry.kubernetes_groups().is_empty()
                    && !is_named,
            }
        }))
    }

    /// Makes a bare entry of type `STANDARD`, with our tags.
    ///
    /// # Errors
    /// When EKS did not make it, or did not say whether it did.
    pub async fn create(&self, request: &Request, ends: i64) -> Result<Made, EntryError> {
        let create = tags(&request.id, ends).into_iter().fold(
            self.client
                .create_access_entry()
                .cluster_name(request.cluster.as_str())
                .principal_arn(request.principal.to_string())
                .r#type("STANDARD")
                .client_request_token(request.id.as_str()),
            |create, (key, value)| create.tags(key, value),
        );
        match create.send().await {
            Ok(made) => Ok(Made::Yes(made.request_id().map(str::to_owned))),
            Err(error) if error.code() == Some(IN_USE) => Ok(Made::InUse),
            Err(error) => Err(error.into()),
        }
    }

    /// Associates the access policy with it, in the namespaces. To do it twice does no harm.
    ///
    /// # Errors
    /// When EKS did not do it.
    pub async fn associate(&self, request: &Request, terms: &Terms) -> Result<(), EntryError> {
        let namespaces = terms.namespaces.iter().map(ToString::to_string).collect();
        let scope = AccessScope::builder()
            .r#type(AccessScopeType::Namespace)
            .set_namespaces(Some(namespaces))
            .build();
        self.client
            .associate_access_policy()
            .cluster_name(request.cluster.as_str())
            .principal_arn(request.principal.to_string())
            .policy_arn(terms.policy.arn(request.principal.partition()))
            .access_scope(scope)
            .send()
            .await?;
        Ok(())
    }

    /// What [`Entries::policies`] gives of an entry with these terms and nothing else.
    #[must_use]
    pub fn policies_of(principal: &Principal, terms: &Terms) -> Vec<(String, Vec<String>)> {
        let names = terms.namespaces.iter().map(ToString::to_string).collect();
        vec![(terms.policy.arn(principal.partition()), names)]
    }

    /// The policies that hang on it: ARNs, and the namespaces; none for the whole cluster.
    ///
    /// # Errors
    /// When EKS did not say.
    pub async fn policies(
        &self,
        cluster: &ClusterName,
        principal: &Principal,
    ) -> Result<Vec<(String, Vec<String>)>, EntryError> {
        let mut pages = self
            .client
            .list_associated_access_policies()
            .cluster_name(cluster.as_str())
            .principal_arn(principal.to_string())
            .into_paginator()
            .items()
            .send();
        let mut all = Vec::new();
        while let Some(policy) = pages.next().await {
            let policy = policy?;
            let scope = policy.access_scope();
            let mut namespaces: Vec<String> = scope
                .map(|scope| scope.namespaces().to_vec())
                .unwrap_or_default();
            namespaces.sort();
            all.push((
                policy.policy_arn().unwrap_or_default().to_owned(),
                namespaces,
            ));
        }
        all.sort();
        Ok(all)
    }

    /// Writes another end into an entry's tags.
    ///
    /// # Errors
    /// When EKS did not do it.
    pub async fn retag(&self, arn: &str, id: &RequestId, ends: i64) -> Result<(), EntryError> {
        let retag = tags(id, ends).into_iter().fold(
            self.client.tag_resource().resource_arn(arn),
            |retag, (key, value)| retag.tags(key, value),
        );
        retag.send().await?;
        Ok(())
    }

    /// Takes an entry away, with what hangs on it. One that is not there is as good as taken away. EKS' id of the request.
    ///
    /// # Errors
    /// When EKS did not do it, or did not say whether it did.
    pub async fn delete(
        &self,
        cluster: &ClusterName,
        principal: &Principal,
    ) -> Result<Option<String>, EntryError> {
        let deleted = self
            .client
            .delete_access_entry()
            .cluster_name(cluster.as_str())
            .principal_arn(principal.to_string())
            .send()
            .await;
        match deleted {
            Ok(done) => Ok(done.request_id().map(str::to_owned)),
            Err(error) if error.code() == Some(NOT_FOUND) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Everybody who has an entry.
    ///
    /// # Errors
    /// When EKS did not say.
    pub async fn principals(&self, cluster: &ClusterName) -> Result<Vec<Principal>, EntryError> {
        let mut pages = self
            .client
            .list_access_entries()
            .cluster_name(cluster.as_str())
            .into_paginator()
            .items()
            .send();
        let mut all = Vec::new();
        while let Some(arn) = pages.next().await {
            all.extend(arn?.parse::<Principal>().ok());
            if all.len() == MOST {
                break;
            }
        }
        Ok(all)
    }
}
