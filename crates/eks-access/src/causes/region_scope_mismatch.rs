use crate::catalogue::{Case, Cause, Claim, Detail, Example, Page, Tier};
use crate::remedy::Remedy;
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "region-scope-mismatch",
    title: "token signed for the wrong Region",
    summary: "Your token was signed for one Region but sent to the sign-in service of another.",
    tier: Tier::Specific,
    symptoms: &[Symptom::StsSignatureMismatch],
    actor: Actor::Caller,
    severity: Severity::Medium,
    page: Page {
        what_happened: "\
AWS answered `SignatureDoesNotMatch` with `Credential should be scoped to a valid region`. The token's host is the STS
endpoint of one Region, but it was signed for another, so AWS refused it. The line names nobody, and no access entry can help.",
        why: "\
Most likely first:

1. A setting such as `AWS_STS_REGIONAL_ENDPOINTS=legacy` makes an old client use the global endpoint with a regional signature.
2. A custom endpoint (`AWS_ENDPOINT_URL_STS`) points to another Region than `AWS_REGION`.
3. A program builds the token itself and mixes the two.",
        how_to_be_sure: "\
`aws configure list` shows the Region and where it comes from. `env | grep -E \"^AWS_(REGION|DEFAULT_REGION|STS|ENDPOINT)\"`
shows the settings that can disagree. With them unset, does it work?",
        what_to_do: "\
Unset the custom endpoint, use regional endpoints, and write the kubeconfig again with `--region`.",
        if_it_comes_back: "\
Keep endpoint settings out of profiles that many tools share. Current AWS CLIs and SDKs use the regional endpoint by themselves.",
    },
    perhaps: &["signature-mismatch", "token-for-another-endpoint"],
    claim,
    remedies,
    examples: &[Example { line: r#"time="2026-03-03T12:56:28Z" level=warning msg="access denied" client="127.0.0.1:49970" error="sts getCallerIdentity failed: error from AWS (expected 200, got 403) on eu-west-1 endpoint. Body: {\"Error\":{\"Code\":\"SignatureDoesNotMatch\",\"Message\":\"Credential should be scoped to a valid region, not 'us-east-1'. \",\"Type\":\"Sender\"},\"RequestId\":\"0d3f1a52-7c44-4f0e-9a1b-5be2c1d7e604\"}" method=POST path=/authenticate"#, symptom: Symptom::StsSignatureMismatch },],
};

fn claim(case: &Case<'_>) -> Claim {
    if case.detail == Detail::RegionScope { Claim::Yes } else { Claim::No }
}

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    vec![steps::regional_sts(case), steps::fresh_kubeconfig(case)]
}
