use crate::catalogue::{Case, Cause, Example, Page, Tier, by_symptom};
use crate::remedy::Remedy;
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "token-malformed",
    title: "token built wrongly",
    summary: "Your token does not follow the rules for EKS tokens; let the AWS CLI make it.",
    tier: Tier::General,
    symptoms: &[Symptom::TokenMalformed],
    actor: Actor::Caller,
    severity: Severity::Low,
    page: Page {
        what_happened: "\
The token claims to be made from AWS credentials, but its form is wrong, so it was refused before anybody looked at who
you are. The end of the line says which rule it breaks.",
        why: "\
Most likely first:

1. A program or script of your own builds the token: base64 padding (`=`) left in, `X-Amz-Expires` missing or above 900,
   a header signed into the query, a wrong path or scheme.
2. A shell or a template cut or changed the token.
3. A library release adds a query parameter that the authenticator does not accept.",
        how_to_be_sure: "\
Make a token with `aws eks get-token` on the same machine. If that works, the fault is in the program that made the other.",
        what_to_do: "\
Use `aws eks get-token`, through the kubeconfig that `aws eks update-kubeconfig` writes, or the token generator of
aws-iam-authenticator. If you must build tokens: GET on the regional STS host, path `/`, `Action=GetCallerIdentity`,
header `x-k8s-aws-id` signed, `X-Amz-Expires=60`, base64url without padding, at most 4096 bytes.",
        if_it_comes_back: "\
Test your token code against a cluster on every update of the SDK it signs with.",
    },
    perhaps: &["token-names-no-cluster", "token-for-another-endpoint", "token-is-not-an-iam-token"],
    claim: by_symptom,
    remedies,
    examples: &[Example { line: r#"time="2026-03-04T09:16:08Z" level=warning msg="access denied" client="127.0.0.1:56330" error="input token was not properly formatted: illegal base64 data at input byte 412" method=POST path=/authenticate"#, symptom: Symptom::TokenMalformed }, Example { line: r#"time="2026-03-04T16:29:37Z" level=warning msg="access denied" client="127.0.0.1:56648" error="input token was not properly formatted: invalid X-Amz-Expires parameter in pre-signed URL: 3600" method=POST path=/authenticate"#, symptom: Symptom::TokenMalformed }, Example { line: r#"time="2026-03-04T12:42:06Z" level=warning msg="access denied" client="127.0.0.1:56966" error="input token was not properly formatted: non-whitelisted query parameter \"X-Amz-User-Agent\"" method=POST path=/authenticate"#, symptom: Symptom::TokenMalformed }, Example { line: r#"time="2026-03-04T08:55:35Z" level=warning msg="access denied" client="127.0.0.1:57284" error="input token was not properly formatted: token is too large" method=POST path=/authenticate"#, symptom: Symptom::TokenMalformed }, Example { line: r#"time="2026-03-04T15:08:04Z" level=warning msg="access denied" client="127.0.0.1:57602" error="sts getCallerIdentity failed: error from AWS (expected 200, got 400) on eu-west-1 endpoint. Body: {\"Error\":{\"Code\":\"IncompleteSignature\",\"Message\":\"Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'a/b'\",\"Type\":\"Sender\"},\"RequestId\":\"0d3f1a52-7c44-4f0e-9a1b-5be2c1d7e604\"}" method=POST path=/authenticate"#, symptom: Symptom::TokenMalformed },],
};

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    vec![steps::token_and_clock(case), steps::fresh_kubeconfig(case)]
}
