use crate::catalogue::{Case, Cause, Example, Page, Tier, by_symptom};
use crate::remedy::Remedy;
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "sts-rejected-without-reason",
    title: "STS refused, reason not logged",
    summary: "AWS refused your credentials, and this old authenticator does not log why; the list says how to find out.",
    tier: Tier::General,
    symptoms: &[Symptom::StsRejectedUnspecified],
    actor: Actor::Caller,
    severity: Severity::Medium,
    page: Page {
        what_happened: "\
AWS refused the token's signature or credentials. Authenticators up to v0.4 log only the status (`expected 200, got 403`)
and not AWS's reason. The line names nobody, and no access entry can help.",
        why: "\
One of these; the line cannot tell which:

1. The temporary credentials have expired: [temporary credentials expired](credentials-expired.md).
2. The access key is not valid: [access key not valid](access-key-not-valid.md).
3. The cluster name, the secret key or the client is wrong: [signature does not match](signature-mismatch.md).
4. The clock is off: [clock too far off](clock-skew.md).",
        how_to_be_sure: "\
Run `aws sts get-caller-identity` with the same credentials:

- it fails with `ExpiredToken`: 1; with `InvalidClientTokenId`: 2; with `SignatureDoesNotMatch`: 3 (the secret key) or 4;
- it works: the cluster name in the kubeconfig or the client is wrong, which is 3, or the credentials have been renewed since.",
        what_to_do: "\
Follow the page that the check points to. If you cannot run it, sign in again and write the kubeconfig again: that mends most of them.",
        if_it_comes_back: "\
Clusters on a current platform version log AWS's reason. On your own control plane, update the authenticator.",
    },
    perhaps: &["credentials-expired", "access-key-not-valid", "signature-mismatch", "clock-skew"],
    claim: by_symptom,
    remedies,
    examples: &[Example { line: r#"time="2026-03-04T14:24:12Z" level=warning msg="access denied" client="127.0.0.1:55058" error="sts getCallerIdentity failed: error from AWS (expected 200, got 403)" method=POST path=/authenticate"#, symptom: Symptom::StsRejectedUnspecified }, Example { line: r#"time="2026-03-04T10:37:41Z" level=warning msg="access denied" client="127.0.0.1:55376" error="sts getCallerIdentity failed: error from AWS (expected 200, got 400)" method=POST path=/authenticate"#, symptom: Symptom::StsRejectedUnspecified },],
};

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    vec![
        steps::who_am_i(case),
        steps::sign_in_again(case),
        steps::fresh_kubeconfig(case),
        steps::token_and_clock(case),
    ]
}
