use crate::catalogue::{Case, Cause, Example, Page, Tier, by_symptom};
use crate::remedy::{Command, Remedy};
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "access-key-not-valid",
    title: "access key not valid",
    summary: "AWS did not accept your access key or session token, so the cluster never learned who you are.",
    tier: Tier::General,
    symptoms: &[Symptom::StsInvalidToken],
    actor: Actor::Caller,
    severity: Severity::Medium,
    page: Page {
        what_happened: "\
Your token was built well, but AWS does not accept the credentials that signed it. It answered `InvalidClientTokenId` or
`UnrecognizedClientException`. The line names nobody, for AWS vouched for nobody; no access entry and no row of `aws-auth` can help.",
        why: "\
Most likely first:

1. The access key was deleted or made inactive, or its user was deleted.
2. Temporary credentials were copied without their session token (`AWS_SESSION_TOKEN`).
3. The credentials belong to another partition: China, GovCloud and the rest of AWS do not know one another's keys.
4. The Region is an opt-in Region, and the session token is one that is not valid there.",
        how_to_be_sure: "\
Run `aws sts get-caller-identity` with the same credentials and Region. It fails with the same error. `aws configure list`
shows where the credentials come from: variables of the shell win over profiles.",
        what_to_do: "\
Get new credentials: sign in again, or create a new access key. In a pipeline, look for a secret that was rotated and
not replaced. When you copy temporary credentials, copy all three values.

Do not send keys, tokens or pre-signed URLs to anybody to have them checked.",
        if_it_comes_back: "\
Use IAM Identity Center or a role in place of access keys: then nothing has to be rotated or copied.",
    },
    perhaps: &["credentials-expired", "sts-rejected-without-reason"],
    claim: by_symptom,
    remedies,
    examples: &[Example { line: r#"time="2026-03-03T18:25:05Z" level=warning msg="access denied" client="127.0.0.1:47744" error="sts getCallerIdentity failed: error from AWS (expected 200, got 403) on eu-west-1 endpoint. Body: {\"Error\":{\"Code\":\"InvalidClientTokenId\",\"Message\":\"The security token included in the request is invalid.\",\"Type\":\"Sender\"},\"RequestId\":\"0d3f1a52-7c44-4f0e-9a1b-5be2c1d7e604\"}" method=POST path=/authenticate"#, symptom: Symptom::StsInvalidToken }, Example { line: r#"time="2026-03-03T14:38:34Z" level=warning msg="access denied" client="127.0.0.1:48062" error="sts getCallerIdentity failed: error from AWS (expected 200, got 403) on eu-west-1 endpoint. Body: {\"Error\":{\"Code\":\"UnrecognizedClientException\",\"Message\":\"The security token included in the request is invalid.\",\"Type\":\"Sender\"},\"RequestId\":\"0d3f1a52-7c44-4f0e-9a1b-5be2c1d7e604\"}" method=POST path=/authenticate"#, symptom: Symptom::StsInvalidToken }, Example { line: r#"time="2026-03-03T10:51:03Z" level=warning msg="access denied" client="127.0.0.1:48380" error="sts getCallerIdentity failed: error from AWS (expected 200, got 403). Body: {\"Error\":{\"Code\":\"InvalidClientTokenId\",\"Message\":\"The security token included in the request is invalid\",\"Type\":\"Sender\"},\"RequestId\":\"0d3f1a52-7c44-4f0e-9a1b-5be2c1d7e604\"}" method=POST path=/authenticate"#, symptom: Symptom::StsInvalidToken },],
};

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    vec![
        steps::who_am_i(case),
        steps::sign_in_again(case),
        Remedy::new(Actor::Caller, "If you use an access key, see whether it is there and active")
            .aws(Command::new("aws iam list-access-keys --user-name USER_NAME --output table")),
        steps::fresh_kubeconfig(case),
    ]
}
