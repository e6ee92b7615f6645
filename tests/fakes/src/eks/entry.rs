//! Access entries and their policies.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::wire::{epoch, instant};

/// An access entry that a test puts into a cluster, by whatever way it came there: no rule is checked.
#[derive(Debug, Clone)]
pub struct Entry {
    pub(crate) principal: String,
    pub(crate) kind: String,
    pub(crate) username: Option<String>,
    pub(crate) groups: Vec<String>,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) created_at: i64,
    pub(crate) modified_at: i64,
    pub(crate) unique_id: Option<String>,
    pub(crate) policies: Vec<Association>,
}

impl Entry {
    /// An entry of type `STANDARD` of the year 2026, without policies and groups.
    pub fn new(principal_arn: &str) -> Self {
        Self {
            principal: principal_arn.to_owned(),
            kind: "STANDARD".to_owned(),
            username: None,
            groups: Vec::new(),
            tags: BTreeMap::new(),
            created_at: instant("2026-01-15T00:00:00Z"),
            modified_at: instant("2026-01-15T00:00:00Z"),
            unique_id: None,
            policies: Vec::new(),
        }
    }

    /// Of another type: `EC2_LINUX`, ….
    #[must_use]
    pub fn of_type(mut self, kind: &str) -> Self {
        kind.clone_into(&mut self.kind);
        self
    }

    /// With a username of one's own.
    #[must_use]
    pub fn username(mut self, username: &str) -> Self {
        self.username = Some(username.to_owned());
        self
    }

    /// With these Kubernetes groups.
    #[must_use]
    pub fn groups(mut self, groups: &[&str]) -> Self {
        self.groups = groups.iter().map(|group| (*group).to_owned()).collect();
        self
    }

    /// With a tag.
    #[must_use]
    pub fn tagged(mut self, key: &str, value: &str) -> Self {
        self.tags.insert(key.to_owned(), value.to_owned());
        self
    }

    /// Created, and last modified, at a time like `2026-03-01T10:00:00Z`.
    #[must_use]
    pub fn created_at(mut self, time: &str) -> Self {
        self.created_at = instant(time);
        self.modified_at = self.created_at;
        self
    }

    /// Last modified at this time.
    #[must_use]
    pub fn modified_at(mut self, time: &str) -> Self {
        self.modified_at = instant(time);
        self
    }

    /// Made for a principal with this unique id, whoever bears the ARN now.
    #[must_use]
    pub fn unique_id(mut self, id: &str) -> Self {
        self.unique_id = Some(id.to_owned());
        self
    }

    /// With a policy for the whole cluster: `AmazonEKSViewPolicy`, or a whole ARN.
    #[must_use]
    pub fn policy(self, policy: &str) -> Self {
        self.associated(policy, None)
    }

    /// With a policy in these namespaces.
    #[must_use]
    pub fn policy_in(self, policy: &str, namespaces: &[&str]) -> Self {
        self.associated(policy, Some(namespaces))
    }

    fn associated(mut self, policy: &str, namespaces: Option<&[&str]>) -> Self {
        self.policies.push(Association {
            policy: policy.to_owned(),
            namespaces: namespaces.map(|names| names.iter().map(|n| (*n).to_owned()).collect()),
            associated_at: self.created_at,
            modified_at: self.created_at,
        });
        self
    }
}

/// A policy that is associated with an entry.
#[derive(Debug, Clone)]
pub(crate) struct Association {
    pub(crate) policy: String,
    /// `None` for the whole cluster.
    pub(crate) namespaces: Option<Vec<String>>,
    pub(crate) associated_at: i64,
    pub(crate) modified_at: i64,
}

impl Association {
    pub(crate) fn described(&self) -> Value {
        let scope = match &self.namespaces {
            None => json!({"type": "cluster", "namespaces": []}),
            Some(names) => json!({"type": "namespace", "namespaces": names}),
        };
        json!({
            "policyArn": self.policy,
            "accessScope": scope,
            "associatedAt": epoch(self.associated_at),
            "modifiedAt": epoch(self.modified_at),
        })
    }
}

/// An entry as the fake keeps it.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub(crate) entry: Entry,
    pub(crate) arn: String,
    pub(crate) username: String,
    pub(crate) groups: Vec<String>,
    /// Reads and logins find it from then on: milliseconds since 1970.
    pub(crate) visible_at: i64,
}

impl Kept {
    pub(crate) fn described(&self, cluster: &str) -> Value {
        json!({
            "clusterName": cluster,
            "principalArn": self.entry.principal,
            "kubernetesGroups": self.groups,
            "accessEntryArn": self.arn,
            "createdAt": epoch(self.entry.created_at),
            "modifiedAt": epoch(self.entry.modified_at),
            "tags": self.entry.tags,
            "username": self.username,
            "type": self.entry.kind,
        })
    }
}

/// The username that EKS gives when none is asked for (user guide, "Create access entries").
pub(crate) fn default_username(kind: &str, principal: &str) -> String {
    match kind {
        "EC2_LINUX" | "EC2_WINDOWS" | "EC2" => "system:node:{{EC2PrivateDNSName}}".to_owned(),
        "FARGATE_LINUX" | "HYBRID_LINUX" | "HYPERPOD_LINUX" => {
            "system:node:{{SessionName}}".to_owned()
        }
        _ => {
            let parts: Vec<_> = principal.splitn(6, ':').collect();
            match parts.as_slice() {
                [arn, partition, _, region, account, resource] if resource.starts_with("role/") => {
                    let name = resource.rsplit('/').next().unwrap_or("");
                    format!(
                        "{arn}:{partition}:sts:{region}:{account}:assumed-role/{name}/{{{{SessionName}}}}"
                    )
                }
                _ => principal.to_owned(),
            }
        }
    }
}

/// The groups that EKS gives to nodes; nobody else may ask for names that start with `system:`. That Windows nodes get
/// the second one is in the user guide; that the other types get just `system:nodes` is what `eksctl get accessentry`
/// shows for `EC2_LINUX`.
pub(crate) fn default_groups(kind: &str) -> Vec<String> {
    match kind {
        "STANDARD" => Vec::new(),
        "EC2_WINDOWS" => vec![
            "eks:kube-proxy-windows".to_owned(),
            "system:nodes".to_owned(),
        ],
        _ => vec!["system:nodes".to_owned()],
    }
}
