use crate::catalogue::{Case, Cause, Example, Page, Tier, by_symptom};
use crate::remedy::Remedy;
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "sts-unavailable",
    title: "STS unavailable",
    summary: "AWS's sign-in service (STS) did not give the cluster a usable answer; your access is not in question.",
    tier: Tier::General,
    symptoms: &[Symptom::StsUnavailable],
    actor: Actor::Aws,
    severity: Severity::High,
    page: Page {
        what_happened: "\
The cluster asked AWS who signed your token and got a server error, a redirect, or a page that is no answer. The login
was refused because nobody could say who you are. If many callers are refused at once, STS has trouble in that Region.",
        why: "\
Most likely first:

1. A short fault of STS in the Region that the token names.
2. A wider event in that Region.",
        how_to_be_sure: "\
The AWS Health Dashboard shows events of STS and IAM. `aws sts get-caller-identity --region REGION` from your machine
tells whether STS answers there at all.",
        what_to_do: "\
Try again after a minute. If it lasts, make the token in another Region, and open a case with AWS Support with the
time in UTC and the request ids of the lines.",
        if_it_comes_back: "\
Let programs try again with growing pauses, and keep a way in that does not need STS, such as a service account for
programs that run in the cluster.",
    },
    perhaps: &["sts-unreachable", "sts-throttled"],
    claim: by_symptom,
    remedies,
    examples: &[Example { line: r#"time="2026-03-04T09:53:49Z" level=warning msg="access denied" client="127.0.0.1:52832" error="sts getCallerIdentity failed: error from AWS (expected 200, got 500) on eu-west-1 endpoint. Body: {\"Error\":{\"Code\":\"InternalFailure\",\"Message\":\"We encountered an internal error. Please try again.\",\"Type\":\"Receiver\"},\"RequestId\":\"0d3f1a52-7c44-4f0e-9a1b-5be2c1d7e604\"}" method=POST path=/authenticate"#, symptom: Symptom::StsUnavailable }, Example { line: r#"time="2026-03-04T16:06:18Z" level=warning msg="access denied" client="127.0.0.1:53150" error="sts getCallerIdentity failed: error from AWS (expected 200, got 503) on eu-west-1 endpoint. Body: <ServiceUnavailableException/>\n" method=POST path=/authenticate"#, symptom: Symptom::StsUnavailable }, Example { line: r#"time="2026-03-04T12:19:47Z" level=warning msg="access denied" client="127.0.0.1:53468" error="sts getCallerIdentity failed: invalid character '<' looking for beginning of value" method=POST path=/authenticate"#, symptom: Symptom::StsUnavailable }, Example { line: r#"time="2026-03-04T08:32:16Z" level=warning msg="access denied" client="127.0.0.1:53786" error="sts getCallerIdentity failed: error from AWS (expected 200, got 503)" method=POST path=/authenticate"#, symptom: Symptom::StsUnavailable },],
};

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    vec![steps::who_am_i(case), steps::token_in_another_region(case), steps::read_denials(case)]
}
