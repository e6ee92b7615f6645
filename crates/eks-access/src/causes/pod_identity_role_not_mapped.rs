use crate::catalogue::{Case, Cause, Claim, Example, Page, Tier};
use crate::finding::{Finding, claim_purpose};
use crate::remedy::Remedy;
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "pod-identity-role-not-mapped",
    title: "EKS Pod Identity role not mapped",
    summary: "A pod called the cluster with the IAM role that EKS Pod Identity gave it, and nothing here lets that role in.",
    tier: Tier::Specific,
    symptoms: &[Symptom::NotMapped, Symptom::NotMappedNode],
    actor: Actor::ClusterAdministrator,
    severity: Severity::Medium,
    page: Page {
        what_happened: "\
The role's trust policy names `pods.eks.amazonaws.com`: pods get the role by EKS Pod Identity. Such a role is for calling AWS.
Here a program called the Kubernetes API with it, and nothing in the cluster maps it.",
        why: "\
1. The program runs in this cluster and was set up with a kubeconfig of `aws eks update-kubeconfig`, or calls
   `aws eks get-token`. It does not need that: a pod has its service account's token.
2. The program runs in another cluster and manages this one, as Argo CD or a backup tool does. Then the role needs to be let in
   here.",
        how_to_be_sure: "\
`aws eks list-pod-identity-associations` of this cluster: if the role is in one of them, the pod runs here (reason 1). If not,
look in the other clusters.",
        what_to_do: "\
In this cluster: take the kubeconfig away from the pod, so that the client finds its service account, and bind a role to that
service account. An association of EKS Pod Identity gives rights in AWS and none in Kubernetes.

From another cluster: let the role in with one namespace, as for any program; see
[pipeline's role not mapped](pipeline-role-not-mapped.md) for tools that deploy.",
        if_it_comes_back: "\
Use a role of its own for programs that manage other clusters, apart from those that call AWS.",
    },
    perhaps: &["irsa-role-not-mapped", "pipeline-role-not-mapped", "aws-auth-malformed"],
    claim,
    remedies,
    examples: &[Example { line: r#"time="2026-03-04T16:51:11Z" level=warning msg="access denied" arn="arn:aws:iam::111122223333:role/shop-web" client="127.0.0.1:43003" error="identity is not mapped" method=POST path=/authenticate"#, symptom: Symptom::NotMapped }],
};

fn claim(case: &Case<'_>) -> Claim {
    claim_purpose(case, |finding| matches!(finding, Finding::PodIdentity), &["podidentity", "pod-identity"])
}

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    let mut remedies = vec![
        steps::checks(case).aws(steps::eks("aws eks list-pod-identity-associations", case)),
    ];
    let Some(grantee) = steps::Grantee::person(case) else { return remedies };
    remedies.push(steps::bind_service_account(case));
    remedies.push(Remedy::new(
        Actor::ClusterAdministrator,
        "Only if the pod runs in another cluster, let its role in as below, for one namespace",
    ));
    remedies.extend(steps::entry_remedies(&grantee, case));
    remedies.extend(steps::aws_auth_remedies(&grantee, case));
    remedies
}
