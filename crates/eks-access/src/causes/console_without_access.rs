use crate::catalogue::{Case, Cause, Example, Page, Tier, by_symptom};
use crate::remedy::{Command, Remedy};
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "console-without-access",
    title: "console shows no Kubernetes objects",
    summary: "The principal you are signed in to the AWS console with has no access to the objects in this cluster.",
    tier: Tier::General,
    symptoms: &[Symptom::ClientConsoleNoAccess],
    actor: Actor::ClusterAdministrator,
    severity: Severity::Low,
    page: Page {
        what_happened: "\
The console shows the cluster, but not what runs in it. It reads Kubernetes objects as the role or user you are signed in
with, and that principal either lacks an IAM permission or is not let in by the cluster. That kubectl works for you says
nothing here, if it uses another principal.",
        why: "\
Most likely first:

1. You are signed in as another role than the one that has access, or as the root user.
2. The role has no access entry and no row: [principal not mapped](principal-not-mapped.md).
3. The role lacks `eks:AccessKubernetesApi`.
4. It is let in, but may not read nodes and namespaces: [logged in, but not permitted](request-forbidden.md).",
        how_to_be_sure: "\
The console's top right corner shows the role and account. CloudTrail shows `AccessKubernetesApi` with `AccessDenied` for
reason 3. The authenticator's log shows reason 2.",
        what_to_do: "\
Switch to the role that has access. Otherwise ask an IAM administrator for `eks:AccessKubernetesApi` on this cluster, and a
cluster administrator to let the role in, first for one namespace.",
        if_it_comes_back: "\
Give people the same role for the console and for kubectl.",
    },
    perhaps: &["principal-not-mapped", "request-forbidden", "root-user-not-mapped", "describe-cluster-denied"],
    claim: by_symptom,
    remedies,
    examples: &[Example { line: "Your current user or role does not have access to Kubernetes objects on this EKS cluster. This may be due to the current user or role not having Kubernetes RBAC permissions to describe cluster resources or not having an entry in the cluster's auth config map.", symptom: Symptom::ClientConsoleNoAccess }, Example { line: "Your current IAM principal doesn't have access to Kubernetes objects on this cluster.", symptom: Symptom::ClientConsoleNoAccess },],
};

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    let mut remedies = vec![
        steps::checks(case),
        Remedy::new(Actor::IamAdministrator, "See whether the role may read Kubernetes objects through the console").aws(
            Command::new("aws iam simulate-principal-policy --policy-source-arn ROLE_ARN")
                .option("--action-names", "eks:AccessKubernetesApi")
                .option("--query", "EvaluationResults[].EvalDecision").then("--output text"),
        ),
    ];
    if let Some(grantee) = steps::Grantee::person(case) {
        remedies.extend(steps::entry_remedies(&grantee, case));
        remedies.extend(steps::aws_auth_remedies(&grantee, case));
    }
    remedies
}
