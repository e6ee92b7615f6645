//! Access entries in HCL, for those who keep theirs in Terraform.

use crate::catalogue::Case;
use crate::escape::hcl;

use super::cluster::access_policy;
use super::grantee::Grantee;
use super::node::NodeType;

impl Grantee {
    /// How Terraform finds the ARN, and the expression that stands for it.
    fn terraform_arn(&self) -> (String, String) {
        if let Some(arn) = &self.full_arn {
            return (String::new(), hcl(arn));
        }
        let condition = self
            .arn_beginning
            .as_ref()
            .map_or_else(String::new, |beginning| {
                format!(
                    "

  lifecycle {{
    postcondition {{
      condition     = startswith(self.arn, {})
      error_message = \"The role is not of the denied account.\"
    }}
  }}",
                    hcl(beginning)
                )
            });
        let data = format!(
            "data \"aws_iam_role\" \"denied\" {{\n  name = {}{condition}\n}}\n\n",
            hcl(&self.name)
        );
        (data, "data.aws_iam_role.denied.arn".to_owned())
    }
}

/// A `STANDARD` entry that may read one namespace.
pub(super) fn standard_entry(grantee: &Grantee, case: &Case<'_>) -> String {
    let (data, arn) = grantee.terraform_arn();
    let cluster = hcl(case.cluster.name_or_placeholder());
    let policy = hcl(&access_policy(case, "AmazonEKSViewPolicy"));
    format!(
        "{data}resource \"aws_eks_access_entry\" \"denied\" {{
  cluster_name  = {cluster}
  principal_arn = {arn}
  type          = \"STANDARD\"
}}

resource \"aws_eks_access_policy_association\" \"denied\" {{
  cluster_name  = aws_eks_access_entry.denied.cluster_name
  principal_arn = aws_eks_access_entry.denied.principal_arn
  policy_arn    = {policy}

  access_scope {{
    type       = \"namespace\"
    namespaces = [\"NAMESPACE\"]
  }}
}}"
    )
}

/// An entry for the role of nodes.
pub(super) fn node_entry(role: &Grantee, case: &Case<'_>, kind: NodeType) -> String {
    let (data, arn) = role.terraform_arn();
    let entry = format!(
        "{data}resource \"aws_eks_access_entry\" \"nodes\" {{
  cluster_name  = {}
  principal_arn = {arn}
  type          = {}
}}",
        hcl(case.cluster.name_or_placeholder()),
        hcl(kind.name()),
    );
    let Some(policy) = kind.policy() else {
        return entry;
    };
    format!(
        "{entry}

resource \"aws_eks_access_policy_association\" \"nodes\" {{
  cluster_name  = aws_eks_access_entry.nodes.cluster_name
  principal_arn = aws_eks_access_entry.nodes.principal_arn
  policy_arn    = {}

  access_scope {{
    type = \"cluster\"
  }}
}}",
        hcl(&access_policy(case, policy)),
    )
}

/// Takes an entry that is there into Terraform's state, so that `apply` does not fail on it (AWS provider,
/// `aws_eks_access_entry`: the id is `CLUSTER:PRINCIPAL_ARN`).
pub(crate) fn import_entry(case: &Case<'_>, principal_arn: &str) -> String {
    let id = format!("{}:{principal_arn}", case.cluster.name_or_placeholder());
    format!(
        "import {{
  to = aws_eks_access_entry.denied
  id = {}
}}",
        hcl(&id)
    )
}
