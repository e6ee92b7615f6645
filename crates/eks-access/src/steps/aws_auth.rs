//! Rows of `aws-auth`, and the group that they give.

use crate::catalogue::Case;
use crate::cluster::AuthenticationMode;
use crate::principal::Principal;
use crate::remedy::{Command, Modes, Remedy, Tool};
use crate::symptom::Actor;

use super::cluster::{access_policy, describe_cluster, eks, eksctl, kubeconfig_aside};
use super::grantee::Grantee;
use super::logs::read_aws_auth_changes;
use crate::escape::yaml;

/// The group that the mapping remedies give, and the `RoleBinding` binds.
pub(super) const VIEWERS: &str = "NAMESPACE-viewers";

/// All there is to do about `aws-auth` in a cluster that does not use it.
pub(crate) fn aws_auth_unused(case: &Case<'_>) -> Option<Remedy> {
    let is_unused = case.cluster.mode == Some(AuthenticationMode::Api);
    let title = "Check that the mode is API: such a cluster does not use aws-auth, and nothing is locked out by it";
    is_unused.then(|| Remedy::new(Actor::ClusterAdministrator, title).aws(describe_cluster(case)))
}

impl Grantee {
    /// A row of aws-auth with a group that may read one namespace.
    fn row(&self) -> String {
        let key = self.key();
        format!(
            "# one more row under `{key}: |`; leave every other row as it is\n{}\n  groups:\n  - {VIEWERS}",
            self.row_with_username(),
        )
    }

    /// The ARN and the user name of a row of aws-auth.
    pub(crate) fn row_with_username(&self) -> String {
        let field = if self.is_user { "userarn" } else { "rolearn" };
        format!(
            "- {field}: {}\n  username: {}",
            yaml(&self.arn),
            yaml(&self.username())
        )
    }

    fn key(&self) -> &'static str {
        if self.is_user { "mapUsers" } else { "mapRoles" }
    }
}

/// A row of aws-auth with a group that may read one namespace.
pub(crate) fn aws_auth_remedies(grantee: &Grantee, case: &Case<'_>) -> Vec<Remedy> {
    let with_eksctl = mapping(
        if grantee.is_user {
            "Map the user in aws-auth with eksctl, to a group that may view one namespace"
        } else {
            "Map the role in aws-auth with eksctl, without its path, to a group that may view one namespace"
        },
        case,
        &grantee.arn,
        &grantee.username(),
        &[VIEWERS],
    );
    let with_kubectl = edit_aws_auth(
        "Or add the row by hand, with a copy of the old text at hand",
        case,
    )
    .modes(Modes::AwsAuth)
    .snippet(Tool::Kubectl, grantee.row());
    let in_git = Remedy::new(
        Actor::ClusterAdministrator,
        "Or keep the group's RoleBinding in Git, as YAML",
    )
    .snippet(Tool::Kubectl, viewers_binding());
    vec![bind_viewers(with_eksctl, case), with_kubectl, in_git]
}

/// The `RoleBinding` of [`bind_viewers`] as a manifest.
fn viewers_binding() -> String {
    format!(
        "apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: {VIEWERS}
  namespace: NAMESPACE
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: view
subjects:
  - apiGroup: rbac.authorization.k8s.io
    kind: Group
    name: {VIEWERS}"
    )
}

/// Adds one row to aws-auth with eksctl, which can neither drop nor shadow another.
pub(super) fn mapping(
    title: impl Into<String>,
    case: &Case<'_>,
    arn: &str,
    username: &str,
    groups: &[&str],
) -> Remedy {
    let command = eksctl("eksctl create iamidentitymapping", case)
        .option("--arn", arn)
        .option("--username", username);
    let command = groups
        .iter()
        .fold(command, |command, group| command.option("--group", group));
    Remedy::new(Actor::ClusterAdministrator, title)
        .modes(Modes::AwsAuth)
        .command(Tool::Eksctl, command.then("--no-duplicate-arns"))
}

/// Keeps a copy of aws-auth, opens it in an editor, and shows whether it still is YAML.
pub(crate) fn edit_aws_auth(title: &'static str, case: &Case<'_>) -> Remedy {
    Remedy::new(Actor::ClusterAdministrator, title)
        .aws(kubeconfig_aside(case))
        .command(
            Tool::Kubectl,
            Command::new("kubectl -n kube-system get configmap aws-auth -o yaml")
                .then("> aws-auth-before.yaml"),
        )
        .command(
            Tool::Kubectl,
            Command::new("kubectl -n kube-system edit configmap aws-auth"),
        )
        .command(Tool::Kubectl, read_section(case))
}

/// Shows whether the section is YAML that would have the principal of the case; without one, `mapRoles`.
fn read_section(case: &Case<'_>) -> Command {
    let path = if case.principal.is_some_and(Principal::is_user) {
        "jsonpath={.data.mapUsers}"
    } else {
        "jsonpath={.data.mapRoles}"
    };
    Command::new("kubectl -n kube-system get configmap aws-auth -o")
        .arg(path)
        .then("| yq .")
}

/// The `RoleBinding` without which the group of a mapping means nothing.
pub(super) fn bind_viewers(remedy: Remedy, case: &Case<'_>) -> Remedy {
    remedy.aws(kubeconfig_aside(case)).command(
        Tool::Kubectl,
        Command::new("kubectl create rolebinding")
            .arg(VIEWERS)
            .option("--namespace", "NAMESPACE")
            .option("--clusterrole", "view")
            .option("--group", VIEWERS),
    )
}

/// Gives a service account of this cluster the view of one namespace: a pod of the cluster needs no IAM role for that.
pub(crate) fn bind_service_account(case: &Case<'_>) -> Remedy {
    Remedy::new(
        Actor::ClusterAdministrator,
        "If the pod runs in this cluster, take its kubeconfig away and let its service account view one namespace",
    )
    .aws(kubeconfig_aside(case))
    .command(
        Tool::Kubectl,
        Command::new("kubectl create rolebinding SERVICE_ACCOUNT-view")
            .option("--namespace", "NAMESPACE")
            .option("--clusterrole", "view")
            .option("--serviceaccount", "ITS_NAMESPACE:SERVICE_ACCOUNT"),
    )
}

/// Mends what can't be read, and lets somebody in until then.
pub(crate) fn mend_aws_auth(case: &Case<'_>) -> Vec<Remedy> {
    if let Some(check) = aws_auth_unused(case) {
        return vec![check];
    }
    let policy = access_policy(case, "AmazonEKSEditPolicy");
    let entry = |constant| eks(constant, case).option("--principal-arn", "RESCUE_ROLE_ARN");
    vec![
        Remedy::new(Actor::ClusterAdministrator, "Find the place of the mistake; these commands change nothing in the cluster")
            .aws(describe_cluster(case))
            .aws(kubeconfig_aside(case))
            .command(Tool::Kubectl, read_section(case)),
        edit_aws_auth("Mend the mistake, with a copy of the text at hand", case),
        Remedy::new(Actor::ClusterAdministrator, "Find who changed it in the last hour, and the text before, in the audit log").aws(
            read_aws_auth_changes(case),
        ),
        Remedy::new(
            Actor::ClusterAdministrator,
            "If nobody can log in, let a role that aws-auth does not list into kube-system alone, until the mistake is mended",
        )
        .modes(Modes::AccessEntries)
        .aws(entry("aws eks create-access-entry").option("--type", "STANDARD"))
        .aws(
            entry("aws eks associate-access-policy")
                .option("--policy-arn", &policy)
                .option("--access-scope", "type=namespace,namespaces=kube-system"),
        ),
        Remedy::new(Actor::ClusterAdministrator, "Afterwards, take that role out again")
            .modes(Modes::AccessEntries)
            .aws(entry("aws eks delete-access-entry")),
    ]
}
