use crate::catalogue::{Case, Cause, Example, Page, Tier, by_symptom};
use crate::remedy::Remedy;
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "token-names-no-cluster",
    title: "token names no cluster",
    summary: "Your token was not made for any cluster; make it with the cluster name.",
    tier: Tier::General,
    symptoms: &[Symptom::TokenWrongCluster],
    actor: Actor::Caller,
    severity: Severity::Low,
    page: Page {
        what_happened: "\
A token must be signed together with the name of its cluster, so that it cannot be used elsewhere. Yours was not signed
with any name, so it was refused before anybody looked at who you are.",
        why: "\
Most likely first:

1. A program of your own signs a plain STS request and leaves out the header `x-k8s-aws-id`.
2. A tool was called without its cluster option.",
        how_to_be_sure: "\
Make a token with `aws eks get-token --cluster-name CLUSTER_NAME`. If that works, the other program leaves the name out.",
        what_to_do: "\
Use `aws eks get-token --cluster-name`, or `aws-iam-authenticator token -i`, with the exact cluster name. In your own
code, sign the header `x-k8s-aws-id` with the cluster name as its value.",
        if_it_comes_back: "\
Let `aws eks update-kubeconfig` write the kubeconfig: it always names the cluster.",
    },
    perhaps: &["token-malformed", "signature-mismatch"],
    claim: by_symptom,
    remedies,
    examples: &[Example { line: r#"time="2026-03-05T10:00:00Z" level=warning msg="access denied" client="127.0.0.1:58874" error="input token was not properly formatted: client did not sign the x-k8s-aws-id header in the pre-signed URL" method=POST path=/authenticate"#, symptom: Symptom::TokenWrongCluster },],
};

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    vec![steps::token_and_clock(case), steps::fresh_kubeconfig(case)]
}
