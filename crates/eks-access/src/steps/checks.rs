//! What to look at first, and whether it worked. Nothing here changes a cluster.

use crate::catalogue::Case;
use crate::cluster::AuthenticationMode;
use crate::remedy::{Command, Remedy, Tool};
use crate::symptom::Actor;

use super::cluster::{describe_cluster, eks, eks_named, kubeconfig, kubeconfig_aside};
use super::grantee::Grantee;

/// Compares the principal's account with the cluster's, where nobody told which that is.
pub(crate) fn compare_accounts(case: &Case<'_>) -> Option<Remedy> {
    let principal = case.principal.filter(|_| case.cluster.account.is_none())?;
    let title = format!(
        "Compare the accounts before you let anybody in: the principal is of account {}, which must be the cluster's or \
         one that you trust",
        principal.account()
    );
    let remedy = Remedy::new(Actor::ClusterAdministrator, title)
        .aws(Command::new(
            "aws sts get-caller-identity --query Account --output text",
        ))
        .aws(
            eks_named("aws eks describe-cluster", case)
                .option("--query", "cluster.arn")
                .then("--output text"),
        );
    Some(remedy)
}

/// Reads what is there, and changes nothing.
pub(crate) fn checks(case: &Case<'_>) -> Remedy {
    let mut remedy = Remedy::new(
        Actor::ClusterAdministrator,
        "Look at what is there; these commands change nothing in the cluster",
    )
    .aws(describe_cluster(case));
    let reads_entries = case
        .cluster
        .mode
        .is_none_or(AuthenticationMode::has_access_entries);
    match Grantee::of(case) {
        Some(grantee) => {
            remedy = remedy.aws(grantee.in_iam());
            if reads_entries {
                remedy = grantee
                    .find_arn(remedy)
                    .aws(grantee.principal_arn(eks("aws eks describe-access-entry", case)));
            }
        }
        None if reads_entries => remedy = remedy.aws(eks("aws eks list-access-entries", case)),
        None => {}
    }
    if case.cluster.mode == Some(AuthenticationMode::Api) {
        return remedy;
    }
    remedy.aws(kubeconfig_aside(case)).command(
        Tool::Kubectl,
        Command::new("kubectl -n kube-system get configmap aws-auth -o yaml"),
    )
}

/// Looks for what is left of the role that the permission set had before.
pub(crate) fn find_other_ending(set: &str, case: &Case<'_>) -> Remedy {
    let beginning = format!("AWSReservedSSO_{set}_");
    let title = "Look for an entry or row of the same permission set with another ending, and replace that one: \
                 the ending changes whenever the set is provisioned anew";
    Remedy::new(Actor::ClusterAdministrator, title)
        .aws(
            eks("aws eks list-access-entries", case)
                .then("--output text | tr '\\t' '\\n' | grep -F")
                .arg(&beginning),
        )
        .aws(kubeconfig_aside(case))
        .command(
            Tool::Kubectl,
            Command::new("kubectl -n kube-system get configmap aws-auth -o yaml | grep -F")
                .arg(&beginning),
        )
}

/// How the caller sees that it worked.
pub(crate) fn try_again(case: &Case<'_>) -> Remedy {
    Remedy::new(Actor::Caller, "Wait half a minute, then try again")
        .aws(kubeconfig(case))
        .command(Tool::Kubectl, Command::new("kubectl auth whoami"))
        .command(
            Tool::Kubectl,
            Command::new("kubectl get pods --namespace NAMESPACE"),
        )
}
