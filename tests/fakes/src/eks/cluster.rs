//! A cluster as `DescribeCluster` answers it.

use serde_json::{Map, Value, json};

use crate::wire::{epoch, instant};

/// A cluster. Unless said otherwise: `ACTIVE`, mode `API_AND_CONFIG_MAP`, public endpoint, authenticator logging on.
#[derive(Debug, Clone)]
pub struct Cluster {
    pub(crate) name: String,
    pub(crate) mode: Option<String>,
    pub(crate) status: String,
    pub(crate) nodegroups: Vec<(String, String)>,
    fields: Map<String, Value>,
}

impl Cluster {
    /// A cluster of this name.
    pub fn new(name: &str) -> Self {
        let cluster = Self {
            name: name.to_owned(),
            mode: Some("API_AND_CONFIG_MAP".to_owned()),
            status: "ACTIVE".to_owned(),
            nodegroups: Vec::new(),
            fields: Map::new(),
        };
        cluster
            .created_at("2026-01-01T00:00:00Z")
            .version("1.33", "eks.10")
            .creator_is_admin(true)
            .endpoint(true, false, &["0.0.0.0/0"])
            .logging(&["authenticator"])
            .field("certificateAuthority", json!({"data": "LS0tLS1CRUdJTg=="}))
            .field("tags", json!({}))
            .field("health", json!({"issues": []}))
    }

    /// `CONFIG_MAP`, `API_AND_CONFIG_MAP` or `API`.
    #[must_use]
    pub fn mode(mut self, mode: &str) -> Self {
        self.mode = Some(mode.to_owned());
        self
    }

    /// Without `accessConfig`, as clusters from before access entries were answered: `CONFIG_MAP` in effect.
    #[must_use]
    pub fn without_access_config(mut self) -> Self {
        self.mode = None;
        self
    }

    /// `bootstrapClusterCreatorAdminPermissions`.
    #[must_use]
    pub fn creator_is_admin(self, is: bool) -> Self {
        self.field("bootstrapClusterCreatorAdminPermissions", json!(is))
    }

    /// `CREATING`, `ACTIVE`, `DELETING`, `FAILED`, `UPDATING` or `PENDING`.
    #[must_use]
    pub fn status(mut self, status: &str) -> Self {
        status.clone_into(&mut self.status);
        self
    }

    /// Created at a time like `2026-03-01T10:00:00Z`.
    #[must_use]
    pub fn created_at(self, time: &str) -> Self {
        self.field("createdAt", epoch(instant(time)))
    }

    /// The cluster's own role; `eks-cluster` of its account if nothing is said.
    #[must_use]
    pub fn role_arn(self, arn: &str) -> Self {
        self.field("roleArn", json!(arn))
    }

    /// Kubernetes' version and the platform's.
    #[must_use]
    pub fn version(self, kubernetes: &str, platform: &str) -> Self {
        self.field("version", json!(kubernetes))
            .field("platformVersion", json!(platform))
    }

    /// The types of control plane logs that are on; the others stand in a second element that is off.
    #[must_use]
    pub fn logging(self, types: &[&str]) -> Self {
        let all = [
            "api",
            "audit",
            "authenticator",
            "controllerManager",
            "scheduler",
        ];
        let off: Vec<_> = all.iter().filter(|kind| !types.contains(kind)).collect();
        let mut elements = Vec::new();
        for (types, enabled) in [(json!(types), true), (json!(off), false)] {
            if types.as_array().is_some_and(|types| !types.is_empty()) {
                elements.push(json!({"types": types, "enabled": enabled}));
            }
        }
        self.field("logging", json!({"clusterLogging": elements}))
    }

    /// Which endpoints are open, and to which addresses the public one is.
    #[must_use]
    pub fn endpoint(self, public: bool, private: bool, cidrs: &[&str]) -> Self {
        let config = json!({
            "subnetIds": ["subnet-0a1b2c3d4e5f60718"],
            "securityGroupIds": [],
            "clusterSecurityGroupId": "sg-0a1b2c3d4e5f60718",
            "vpcId": "vpc-0a1b2c3d4e5f60718",
            "endpointPublicAccess": public,
            "endpointPrivateAccess": private,
            "publicAccessCidrs": cidrs,
        });
        self.field("resourcesVpcConfig", config)
    }

    /// Auto Mode, with its node pools and the role of its nodes.
    #[must_use]
    pub fn auto_mode(self, node_pools: &[&str], node_role_arn: &str) -> Self {
        let config =
            json!({"enabled": true, "nodePools": node_pools, "nodeRoleArn": node_role_arn});
        self.field("computeConfig", config)
    }

    /// A managed node group and the role of its nodes.
    #[must_use]
    pub fn nodegroup(mut self, name: &str, node_role_arn: &str) -> Self {
        self.nodegroups
            .push((name.to_owned(), node_role_arn.to_owned()));
        self
    }

    /// Any other field of `DescribeCluster`'s answer.
    #[must_use]
    pub fn field(mut self, name: &str, value: Value) -> Self {
        self.fields.insert(name.to_owned(), value);
        self
    }

    /// The mode that is in effect: a cluster without `accessConfig` knows no access entries.
    pub(crate) fn knows_entries(&self) -> bool {
        matches!(self.mode.as_deref(), Some("API" | "API_AND_CONFIG_MAP"))
    }

    pub(crate) fn described(&self, partition: &str, region: &str, account: &str) -> Value {
        let mut fields = self.fields.clone();
        let creator = fields.remove("bootstrapClusterCreatorAdminPermissions");
        if let Some(mode) = &self.mode {
            let config = json!({
                "authenticationMode": mode,
                "bootstrapClusterCreatorAdminPermissions": creator,
            });
            fields.insert("accessConfig".to_owned(), config);
        }
        fields
            .entry("roleArn")
            .or_insert_with(|| json!(format!("arn:{partition}:iam::{account}:role/eks-cluster")));
        if self.status != "CREATING" && self.status != "PENDING" {
            let host = format!(
                "https://{}.gr7.{region}.eks.amazonaws.com",
                "0A1B2C3D".repeat(4)
            );
            fields.entry("endpoint").or_insert_with(|| json!(host));
        }
        fields.insert("name".to_owned(), json!(self.name));
        fields.insert("status".to_owned(), json!(self.status));
        fields.insert(
            "arn".to_owned(),
            json!(format!(
                "arn:{partition}:eks:{region}:{account}:cluster/{}",
                self.name
            )),
        );
        Value::Object(fields)
    }
}
