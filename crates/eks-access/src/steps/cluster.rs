//! Commands that name the cluster of the case, and the ARNs that hang on it.

use crate::catalogue::Case;
use crate::cluster::Region;
use crate::remedy::Command;

/// A command of `aws eks` that names the cluster with `--cluster-name`.
pub(crate) fn eks(constant: &'static str, case: &Case<'_>) -> Command {
    Command::new(constant)
        .option("--cluster-name", case.cluster.name_or_placeholder())
        .option("--region", case.cluster.region_or_placeholder())
}

/// A command of `aws eks` that names the cluster with `--name`.
pub(crate) fn eks_named(constant: &'static str, case: &Case<'_>) -> Command {
    Command::new(constant)
        .option("--name", case.cluster.name_or_placeholder())
        .option("--region", case.cluster.region_or_placeholder())
}

/// A command of eksctl.
pub(crate) fn eksctl(constant: &'static str, case: &Case<'_>) -> Command {
    Command::new(constant)
        .option("--cluster", case.cluster.name_or_placeholder())
        .option("--region", case.cluster.region_or_placeholder())
}

/// Points kubectl at the cluster of the case in a file of its own, so that an administrator's kubeconfig and its current
/// context stay as they are.
pub(crate) fn kubeconfig_aside(case: &Case<'_>) -> Command {
    let file = format!(
        "KUBECONFIG={}.kubeconfig",
        case.cluster.name_or_placeholder()
    );
    Command::new("export")
        .arg(&file)
        .then("&& aws eks update-kubeconfig")
        .option("--name", case.cluster.name_or_placeholder())
        .option("--region", case.cluster.region_or_placeholder())
}

/// Points the caller's kubectl at the cluster of the case, so that what follows can't reach another one.
pub(crate) fn kubeconfig(case: &Case<'_>) -> Command {
    eks_named("aws eks update-kubeconfig", case)
}

/// The account and the authentication mode of the cluster.
pub(crate) fn describe_cluster(case: &Case<'_>) -> Command {
    eks_named("aws eks describe-cluster", case)
        .option("--query", "cluster.[arn,accessConfig.authenticationMode]")
        .then("--output text")
}

/// The partition of the case: the principal's, or the one the Region lies in.
pub(crate) fn partition<'a>(case: &Case<'a>) -> &'a str {
    match case.principal {
        Some(principal) => principal.partition(),
        None => case
            .cluster
            .region
            .as_ref()
            .map_or("aws", Region::partition),
    }
}

/// The ARN of an access policy of EKS.
pub(crate) fn access_policy(case: &Case<'_>, name: &str) -> String {
    format!(
        "arn:{}:eks::aws:cluster-access-policy/{name}",
        partition(case)
    )
}

/// The account for an ARN in a command: the cluster's, or a word to replace.
pub(crate) fn account<'a>(case: &Case<'a>) -> &'a str {
    case.cluster
        .account
        .as_ref()
        .map_or("ACCOUNT_ID", |account| account.as_str())
}
