use crate::catalogue::{Case, Cause, Claim, Example, Page, Tier};
use crate::finding::{Finding, claim_purpose};
use crate::remedy::Remedy;
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "irsa-role-not-mapped",
    title: "service account's IAM role not mapped",
    summary: "A pod called the cluster with the IAM role of its service account, and nothing here lets that role in.",
    tier: Tier::Specific,
    symptoms: &[Symptom::NotMapped, Symptom::NotMappedNode],
    actor: Actor::ClusterAdministrator,
    severity: Severity::Medium,
    page: Page {
        what_happened: "\
The role's trust policy names the identity provider of an EKS cluster: pods get the role by their service account (IRSA). Such
a role is for calling AWS. Here a program called the Kubernetes API with it, and nothing in the cluster maps it.",
        why: "\
1. The program runs in this cluster and was set up with a kubeconfig of `aws eks update-kubeconfig`, or calls
   `aws eks get-token`. It does not need that: a pod has its service account's token.
2. The program runs in another cluster and manages this one, as Argo CD, Flux, Crossplane or a backup tool does. Then the role
   needs to be let in here.
3. A person or pipeline copied the role's credentials.",
        how_to_be_sure: "\
Compare the provider in the trust policy with this cluster's `identity.oidc.issuer`; the commands below show both. The same:
reason 1. Another: reason 2, and the trust policy's `:sub` names the namespace and the service account.",
        what_to_do: "\
In this cluster: take the kubeconfig away from the pod, so that the client finds its service account, and bind a role to that
service account. Neither an access entry nor `aws-auth` is needed.

From another cluster: let the role in with one namespace, as for any program; see
[pipeline's role not mapped](pipeline-role-not-mapped.md) for tools that deploy.",
        if_it_comes_back: "\
Use a role of its own for programs that manage other clusters, apart from those that call AWS.",
    },
    perhaps: &["pipeline-role-not-mapped", "pod-identity-role-not-mapped", "aws-auth-malformed"],
    claim,
    remedies,
    examples: &[Example { line: r#"time="2026-03-02T14:49:11Z" level=warning msg="access denied" arn="arn:aws:iam::111122223333:role/shop-web" client="127.0.0.1:43001" error="identity is not mapped" method=POST path=/authenticate"#, symptom: Symptom::NotMapped }],
};

fn claim(case: &Case<'_>) -> Claim {
    claim_purpose(case, |finding| matches!(finding, Finding::ServiceAccount), &["irsa", "serviceaccount"])
}

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    let mut remedies = vec![
        steps::who_may_assume("See which cluster's provider and which service account the role trusts", case).aws(
            steps::eks_named("aws eks describe-cluster", case)
                .option("--query", "cluster.identity.oidc.issuer")
                .then("--output text"),
        ),
        steps::checks(case),
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
