use crate::catalogue::{Case, Cause, Example, Page, Tier, by_symptom};
use crate::remedy::{Command, Remedy};
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "sts-access-denied",
    title: "STS denied the call",
    summary: "AWS refused to say who you are: your account or a policy around it forbids the call.",
    tier: Tier::General,
    symptoms: &[Symptom::StsAccessDenied],
    actor: Actor::IamAdministrator,
    severity: Severity::Medium,
    page: Page {
        what_happened: "\
The cluster asked AWS who signed your token, and AWS answered `AccessDenied` or `OptInRequired`. That call needs no
permission of yours, so the cause lies around your account or session. No access entry can help.",
        why: "\
Most likely first:

1. A policy of the organization, or a session policy, denies the call from where the control plane makes it: for
   instance a rule that allows calls only from your own network.
2. The account is suspended, or not yet fully signed up.
3. The session was revoked.",
        how_to_be_sure: "\
`aws sts get-caller-identity --region REGION` from your machine: if it works there, a rule on the network the call comes
from is likely. The error's text in the log may name the kind of policy.",
        what_to_do: "\
An IAM administrator looks for deny statements on `aws:SourceIp`, `aws:SourceVpc` or `aws:ViaAWSService` that take no
account of `sts:GetCallerIdentity`, and for the state of the account. A revoked session needs a new sign-in.",
        if_it_comes_back: "\
Leave `sts:GetCallerIdentity` out of network-based deny rules, as AWS's data perimeter examples do.",
    },
    perhaps: &["sts-not-activated-in-region", "access-key-not-valid"],
    claim: by_symptom,
    remedies,
    examples: &[Example { line: r#"time="2026-03-03T18:48:24Z" level=warning msg="access denied" client="127.0.0.1:51242" error="sts getCallerIdentity failed: error from AWS (expected 200, got 403) on eu-west-1 endpoint. Body: {\"Error\":{\"Code\":\"AccessDenied\",\"Message\":\"User is not authorized to perform: sts:GetCallerIdentity with an explicit deny\",\"Type\":\"Sender\"},\"RequestId\":\"0d3f1a52-7c44-4f0e-9a1b-5be2c1d7e604\"}" method=POST path=/authenticate"#, symptom: Symptom::StsAccessDenied }, Example { line: r#"time="2026-03-03T14:01:53Z" level=warning msg="access denied" client="127.0.0.1:51560" error="sts getCallerIdentity failed: error from AWS (expected 200, got 403) on eu-west-1 endpoint. Body: {\"Error\":{\"Code\":\"OptInRequired\",\"Message\":\"The AWS Access Key Id needs a subscription for the service\",\"Type\":\"Sender\"},\"RequestId\":\"0d3f1a52-7c44-4f0e-9a1b-5be2c1d7e604\"}" method=POST path=/authenticate"#, symptom: Symptom::StsAccessDenied },],
};

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    vec![
        steps::who_am_i(case),
        Remedy::new(Actor::IamAdministrator, "List the service control policies that apply to the account").aws(
            Command::new("aws organizations list-policies-for-target --filter SERVICE_CONTROL_POLICY")
                .option("--target-id", case.principal.map_or("ACCOUNT_ID", |principal| principal.account().as_str())),
        ),
    ]
}
