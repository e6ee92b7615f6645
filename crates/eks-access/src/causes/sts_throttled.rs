use crate::catalogue::{Case, Cause, Example, Page, Tier, by_symptom};
use crate::remedy::Remedy;
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "sts-throttled",
    title: "too many logins at once",
    summary: "AWS limited the rate of logins of your account; wait a little and try again.",
    tier: Tier::General,
    symptoms: &[Symptom::StsThrottled],
    actor: Actor::Caller,
    severity: Severity::Medium,
    page: Page {
        what_happened: "\
Every login asks AWS who signed the token. AWS answered that there are too many such calls for now. Your access is not in question.

Authenticators from v0.6.28 on write `sts getCallerIdentity was throttled`. The API server then tries again by itself, so
that one login can give several lines.",
        why: "\
Most likely first:

1. A script or pipeline starts kubectl many times, and each start makes and checks a new token.
2. Many agents log in at the same moment.
3. Something else in the same account calls STS very often.",
        how_to_be_sure: "\
It works again after some seconds. CloudTrail shows who calls `GetCallerIdentity` in that Region.",
        what_to_do: "\
Wait some seconds and try again, with growing pauses. Then make fewer logins: one kubectl call for many objects, a
client that keeps its token for its 14 minutes, or a service account for programs inside the cluster.",
        if_it_comes_back: "\
Programs should keep one token for its life. Spread scheduled jobs. Ask AWS Support for a higher STS rate if the load is meant.",
    },
    perhaps: &["sts-unavailable"],
    claim: by_symptom,
    remedies,
    examples: &[Example { line: r#"time="2026-03-03T10:14:22Z" level=warning msg="access denied" client="127.0.0.1:51878" error="sts getCallerIdentity was throttled: {\"Error\":{\"Code\":\"Throttling\",\"Message\":\"Rate exceeded\",\"Type\":\"Sender\"},\"RequestId\":\"0d3f1a52-7c44-4f0e-9a1b-5be2c1d7e604\"}" method=POST path=/authenticate"#, symptom: Symptom::StsThrottled }, Example { line: r#"time="2026-03-03T17:27:51Z" level=warning msg="access denied" client="127.0.0.1:52196" error="sts getCallerIdentity failed: error from AWS (expected 200, got 400). Body: {\"Error\":{\"Code\":\"Throttling\",\"Message\":\"Rate exceeded\",\"Type\":\"Sender\"},\"RequestId\":\"0d3f1a52-7c44-4f0e-9a1b-5be2c1d7e604\"}" method=POST path=/authenticate"#, symptom: Symptom::StsThrottled }, Example { line: r#"time="2026-03-04T13:40:20Z" level=warning msg="access denied" client="127.0.0.1:52514" error="sts getCallerIdentity failed: error from AWS (expected 200, got 400) on eu-west-1 endpoint. Body: {\"Error\":{\"Code\":\"ThrottlingException\",\"Message\":\"Rate exceeded\",\"Type\":\"Sender\"},\"RequestId\":\"0d3f1a52-7c44-4f0e-9a1b-5be2c1d7e604\"}" method=POST path=/authenticate"#, symptom: Symptom::StsThrottled },],
};

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    vec![
        Remedy::new(Actor::Caller, "Wait some seconds, and try again"),
        steps::busiest_callers("See who asks STS most often", "GetCallerIdentity", case),
    ]
}
