use crate::catalogue::{Case, Cause, Example, Page, Tier, by_symptom};
use crate::remedy::Remedy;
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "token-for-another-endpoint",
    title: "token names another STS endpoint",
    summary: "Your token points to an AWS sign-in address (STS) that this cluster does not accept.",
    tier: Tier::General,
    symptoms: &[Symptom::TokenWrongEndpoint],
    actor: Actor::Caller,
    severity: Severity::Medium,
    page: Page {
        what_happened: "\
A token names the STS host that can confirm it. The cluster accepts only the public regional hosts of its own part of
AWS, and yours names another, so it was refused before anybody looked at who you are.",
        why: "\
Most likely first:

1. A custom endpoint is set: `AWS_ENDPOINT_URL`, `AWS_ENDPOINT_URL_STS`, `endpoint_url` in a profile, or a VPC
   endpoint's own name (`vpce-...`).
2. The credentials or the Region belong to another partition (China, GovCloud).
3. The global `sts.amazonaws.com` is used where only regional hosts are accepted.
4. The Region is newer than the authenticator knows, or a FIPS host is used that it does not know.",
        how_to_be_sure: "\
The end of the line names the host. `env | grep ^AWS_` and `aws configure get endpoint_url` show where it comes from.",
        what_to_do: "\
Unset the custom endpoint and use the regional one. If you need a VPC endpoint for STS, turn on its private DNS: the
public name then leads to it, and the token stays valid.",
        if_it_comes_back: "\
Set endpoints per service and only where they are needed, never in a shared profile.",
    },
    perhaps: &["region-scope-mismatch", "token-malformed"],
    claim: by_symptom,
    remedies,
    examples: &[Example { line: r#"time="2026-03-04T11:21:33Z" level=warning msg="access denied" client="127.0.0.1:57920" error="input token was not properly formatted: unexpected hostname \"vpce-0a1b2c3d4e5f60718-abcdefgh.sts.eu-west-1.vpce.amazonaws.com\" in pre-signed URL" method=POST path=/authenticate"#, symptom: Symptom::TokenWrongEndpoint }, Example { line: r#"time="2026-03-04T18:34:02Z" level=warning msg="access denied" client="127.0.0.1:58238" error="input token was not properly formatted: partition {aws} does not support hostname sts.cn-north-1.amazonaws.com.cn" method=POST path=/authenticate"#, symptom: Symptom::TokenWrongEndpoint }, Example { line: r#"time="2026-03-04T14:47:31Z" level=warning msg="access denied" client="127.0.0.1:58556" error="input token was not properly formatted: could not parse region for pre-signed URL sts.internal.example, invalid host format: sts.internal.example" method=POST path=/authenticate"#, symptom: Symptom::TokenWrongEndpoint },],
};

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    vec![steps::regional_sts(case), steps::fresh_kubeconfig(case)]
}
