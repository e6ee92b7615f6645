//! Entries and rows that look like the principal's, and are not.

use crate::catalogue::Case;
use crate::cluster::AuthenticationMode;
use crate::escape::{hcl, yaml};
use crate::principal::Principal;
use crate::remedy::{Modes, Remedy, Tool};
use crate::symptom::Actor;
use crate::text::LogText;

use super::access_entry::associate_view;
use super::aws_auth::edit_aws_auth;
use super::cluster::{access_policy, eks};
use super::grantee::Grantee;
use super::node::{node_remedies, prove_node_role};

/// Characters of a row's ARN: no ARN of IAM is longer.
const SHOWN: usize = 640;

/// Shows all there is of an access entry; nothing is changed.
pub(crate) fn look_at_entry(
    title: impl Into<String>,
    case: &Case<'_>,
    principal: &Principal,
) -> Remedy {
    let arn = principal.to_string();
    Remedy::new(Actor::ClusterAdministrator, title)
        .modes(Modes::AccessEntries)
        .aws(eks("aws eks describe-access-entry", case).option("--principal-arn", &arn))
        .aws(eks("aws eks list-associated-access-policies", case).option("--principal-arn", &arn))
}

/// Creates the entry that the principal of the case lacks: a person's or program's, or that of nodes.
pub(crate) fn create_instead(title: &'static str, case: &Case<'_>) -> Vec<Remedy> {
    if let Some(grantee) = Grantee::person(case) {
        let remedy = Remedy::new(Actor::ClusterAdministrator, title).modes(Modes::AccessEntries);
        let create = grantee
            .principal_arn(eks("aws eks create-access-entry", case))
            .option("--type", "STANDARD");
        let remedy = grantee.find_arn(remedy).aws(create);
        return vec![associate_view(remedy, &grantee, case)];
    }
    let Some(role) = Grantee::role(case) else {
        return Vec::new();
    };
    let mut remedies = vec![prove_node_role(&role)];
    remedies.extend(node_remedies(&role, case));
    remedies
}

/// Deletes an entry that lets nobody in any more. Nothing is deleted where the present ARN is not found.
pub(crate) fn delete_stale(
    title: &'static str,
    case: &Case<'_>,
    stale: &Principal,
) -> Option<Remedy> {
    let grantee = Grantee::of(case)?;
    let remedy = Remedy::new(Actor::ClusterAdministrator, title).modes(Modes::AccessEntries);
    let delete = grantee.delete_old_entry(case, &stale.to_string());
    Some(grantee.find_arn(remedy).aws(delete))
}

/// The one edit in a row of aws-auth: its ARN.
pub(crate) fn mend_row(title: &'static str, case: &Case<'_>, row: &LogText) -> Option<Remedy> {
    let grantee = Grantee::of(case)?;
    let (section, key) = if grantee.is_user {
        ("mapUsers", "userarn")
    } else {
        ("mapRoles", "rolearn")
    };
    let text = format!(
        "# under `{section}: |`, in the row whose ARN now reads
#   {}
# leave its user name, its groups and every other row as they are
- {key}: {}",
        yaml(&row.shown(SHOWN)),
        yaml(&grantee.arn),
    );
    let modes = match case.cluster.mode {
        Some(AuthenticationMode::ApiAndConfigMap) => Modes::Any,
        _ => Modes::AwsAuth,
    };
    Some(
        edit_aws_auth(title, case)
            .modes(modes)
            .snippet(Tool::Kubectl, text),
    )
}

/// An entry in HCL that follows the role of a permission set when it is provisioned anew (AWS provider, data source
/// `aws_iam_roles`). `one` fails where there are several.
pub(crate) fn terraform_permission_set(case: &Case<'_>) -> Option<Remedy> {
    let principal = case.principal.filter(|_| Grantee::person(case).is_some())?;
    let set = principal.permission_set()?.name;
    let cluster = hcl(case.cluster.name_or_placeholder());
    let policy = hcl(&access_policy(case, "AmazonEKSViewPolicy"));
    let regex = hcl(&format!(
        "^AWSReservedSSO_{}_[0-9a-f]{{16}}$",
        set.replace('.', "[.]").replace('+', "[+]")
    ));
    let text = format!(
        "# now {}
data \"aws_iam_roles\" \"denied\" {{
  name_regex  = {regex}
  path_prefix = \"/aws-reserved/sso.amazonaws.com/\"
}}

resource \"aws_eks_access_entry\" \"denied\" {{
  cluster_name  = {cluster}
  principal_arn = one(data.aws_iam_roles.denied.arns)
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
}}",
        principal.name()
    );
    let title = "Or have Terraform look the role up by its permission set, so that the next new ending does not matter";
    let remedy = Remedy::new(Actor::ClusterAdministrator, title).modes(Modes::AccessEntries);
    Some(remedy.snippet(Tool::Terraform, text))
}
