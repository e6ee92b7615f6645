use crate::catalogue::{Case, Cause, Example, Page, Tier, by_symptom};
use crate::remedy::Remedy;
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "token-is-not-an-iam-token",
    title: "token is no IAM token",
    summary: "Something logged in with a token that is not made from AWS credentials, and the cluster does not know it.",
    tier: Tier::General,
    symptoms: &[Symptom::TokenNotIam],
    actor: Actor::ClusterAdministrator,
    severity: Severity::Low,
    page: Page {
        what_happened: "\
The API server passes every token that it cannot check itself to the authenticator, which only knows tokens made from
AWS credentials (`k8s-aws-v1.`...). This one is of another kind, so it was refused. It has nothing to do with access
entries or `aws-auth`.",
        why: "\
One of these; the line cannot tell which:

1. A program uses the service-account token of a deleted account, an old secret, or another cluster.
2. A token of your identity provider (OIDC) reached a cluster that is not associated with it, or has expired.
3. A tool such as Argo CD, Jenkins, GitLab or Vault has an old token for this cluster stored.
4. Somebody scans the endpoint with made-up tokens.",
        how_to_be_sure: "\
- The audit log has a refused request (401) in the same second, with address and program.
- A steady rhythm means a program; a pod's address means one inside the cluster.
- `aws eks list-identity-provider-configs` shows whether OIDC is associated.",
        what_to_do: "\
Find the caller in the audit log, and give it a valid credential: restart the workload so that it gets a fresh
service-account token, store a new token in the tool, or associate the identity provider.

If it was you, with kubectl: write the kubeconfig again, so that it uses `aws eks get-token`.",
        if_it_comes_back: "\
Prefer projected service-account tokens, which renew themselves, over token secrets. Remove deleted clusters from tools.",
    },
    perhaps: &["token-malformed", "token-forged"],
    claim: by_symptom,
    remedies,
    examples: &[Example { line: r#"time="2026-03-04T13:03:39Z" level=warning msg="access denied" client="127.0.0.1:56012" error="input token was not properly formatted: token is missing expected \"k8s-aws-v1.\" prefix" method=POST path=/authenticate"#, symptom: Symptom::TokenNotIam },],
};

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    vec![
        steps::find_caller(case),
        Remedy::new(Actor::ClusterAdministrator, "See whether the cluster knows an OIDC identity provider")
            .aws(steps::eks("aws eks list-identity-provider-configs", case)),
        steps::fresh_kubeconfig(case),
    ]
}
