//! Access entries in CloudFormation, for those who keep theirs in templates.

use crate::catalogue::Case;

use super::cluster::access_policy;
use super::grantee::Grantee;
use super::node::NodeType;
use crate::escape::yaml;

/// A `STANDARD` entry that may read one namespace; only where the whole ARN is known.
pub(super) fn standard_resource(grantee: &Grantee, case: &Case<'_>) -> Option<String> {
    let arn = grantee.full_arn.as_ref()?;
    Some(format!(
        "DeniedPrincipal:
  Type: AWS::EKS::AccessEntry
  Properties:
    ClusterName: {}
    PrincipalArn: {}
    Type: STANDARD
    AccessPolicies:
      - PolicyArn: {}
        AccessScope:
          Type: namespace
          Namespaces: [NAMESPACE]",
        yaml(case.cluster.name_or_placeholder()),
        yaml(arn),
        yaml(&access_policy(case, "AmazonEKSViewPolicy")),
    ))
}

/// An entry for the role of nodes; only where the whole ARN is known.
pub(super) fn node_resource(role: &Grantee, case: &Case<'_>, kind: NodeType) -> Option<String> {
    let arn = role.full_arn.as_ref()?;
    let entry = format!(
        "NodesRole:
  Type: AWS::EKS::AccessEntry
  Properties:
    ClusterName: {}
    PrincipalArn: {}
    Type: {}",
        yaml(case.cluster.name_or_placeholder()),
        yaml(arn),
        kind.name(),
    );
    Some(match kind.policy() {
        None => entry,
        Some(policy) => format!(
            "{entry}
    AccessPolicies:
      - PolicyArn: {}
        AccessScope:
          Type: cluster",
            yaml(&access_policy(case, policy)),
        ),
    })
}
