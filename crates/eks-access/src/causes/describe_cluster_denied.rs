use crate::catalogue::{Case, Cause, Example, Page, Tier, by_symptom};
use crate::remedy::{Command, Remedy};
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "describe-cluster-denied",
    title: "IAM does not let you see the cluster",
    summary: "Your IAM permissions do not let you look the cluster up, so no kubeconfig can be written.",
    tier: Tier::General,
    symptoms: &[Symptom::ClientDescribeClusterDenied],
    actor: Actor::IamAdministrator,
    severity: Severity::Low,
    page: Page {
        what_happened: "\
`aws eks update-kubeconfig` asks AWS for the cluster's address. IAM refused that (`AccessDeniedException`,
`eks:DescribeCluster`). You have not reached the cluster yet; its log shows nothing of this.",
        why: "\
Most likely first:

1. Your role's policies lack `eks:DescribeCluster` for this cluster.
2. You call with the wrong profile, in the wrong account or Region.
3. A service control policy or a permissions boundary denies it.",
        how_to_be_sure: "\
`aws sts get-caller-identity` shows who you are. The message names the principal and the cluster's ARN: are the account and the Region right?",
        what_to_do: "\
Ask an IAM administrator for `eks:DescribeCluster` on that one cluster. This lets you see the cluster's address; it lets
nobody in. To log in you also need to be mapped: see [principal not mapped](principal-not-mapped.md).

If you have the address and certificate from a colleague's kubeconfig, you can use that: logging in itself needs no EKS permission.",
        if_it_comes_back: "\
Put `eks:DescribeCluster` into the policy that everybody who works with the cluster gets.",
    },
    perhaps: &["assume-role-denied", "credentials-missing", "client-unauthorized"],
    claim: by_symptom,
    remedies,
    examples: &[Example { line: "An error occurred (AccessDeniedException) when calling the DescribeCluster operation: User: arn:aws:sts::111122223333:assumed-role/DevRole/dana is not authorized to perform: eks:DescribeCluster on resource: arn:aws:eks:eu-west-1:111122223333:cluster/prod-eu", symptom: Symptom::ClientDescribeClusterDenied }, Example { line: "Error: Can't describe cluster control plane: AccessDeniedException: User is not authorized to perform: eks:DescribeCluster", symptom: Symptom::ClientDescribeClusterDenied },],
};

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    let arn = format!(
        "arn:{}:eks:{}:{}:cluster/{}",
        steps::partition(case),
        case.cluster.region_or_placeholder(),
        steps::account(case),
        case.cluster.name_or_placeholder(),
    );
    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"eks:DescribeCluster","Resource":"{arn}"}}]}}"#
    );
    vec![
        steps::who_am_i(case),
        Remedy::new(Actor::IamAdministrator, "Let the role see this one cluster").aws(
            Command::new("aws iam put-role-policy --role-name ROLE_NAME --policy-name describe-cluster")
                .option("--policy-document", &policy),
        ),
        steps::fresh_kubeconfig(case),
    ]
}
