use crate::catalogue::{Case, Cause, Example, Page, Tier, by_symptom};
use crate::remedy::{Command, Remedy, Tool};
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "credentials-expired",
    title: "temporary credentials expired",
    summary: "Your temporary AWS credentials have expired; sign in again.",
    tier: Tier::General,
    symptoms: &[Symptom::StsExpiredCredentials],
    actor: Actor::Caller,
    severity: Severity::Low,
    page: Page {
        what_happened: "\
The token was built with temporary credentials whose time is over. AWS answered `ExpiredToken`. Signing in again is
enough; nobody has to change anything in the cluster.",
        why: "\
Most likely first:

1. Your sign-in has ended (IAM Identity Center, an assumed role, a broker).
2. Old credentials stand in variables of the shell (`AWS_ACCESS_KEY_ID`, `AWS_SESSION_TOKEN`) and win over the profile.
3. A program read credentials once at its start and keeps them: an agent, a pod, a long pipeline.",
        how_to_be_sure: "\
`aws sts get-caller-identity` fails with `ExpiredToken`. `aws configure list` says `env` where the shell's variables are used.",
        what_to_do: "\
Sign in again, unset the old variables, or restart the program so that it reads fresh credentials.",
        if_it_comes_back: "\
Let programs use a provider that renews by itself: an instance profile, EKS Pod Identity, IRSA, or `credential_process`.
In long pipelines, assume the role again before the step that calls the cluster.",
    },
    perhaps: &["token-expired", "access-key-not-valid"],
    claim: by_symptom,
    remedies,
    examples: &[Example { line: r#"time="2026-03-03T17:04:32Z" level=warning msg="access denied" client="127.0.0.1:48698" error="sts getCallerIdentity failed: error from AWS (expected 200, got 403) on eu-west-1 endpoint. Body: {\"Error\":{\"Code\":\"ExpiredToken\",\"Message\":\"The security token included in the request is expired\",\"Type\":\"Sender\"},\"RequestId\":\"0d3f1a52-7c44-4f0e-9a1b-5be2c1d7e604\"}" method=POST path=/authenticate"#, symptom: Symptom::StsExpiredCredentials }, Example { line: r#"time="2026-03-03T13:17:01Z" level=warning msg="access denied" client="127.0.0.1:49016" error="sts getCallerIdentity failed: error from AWS (expected 200, got 403). Body: {\"Error\":{\"Code\":\"ExpiredTokenException\",\"Message\":\"The security token included in the request is expired\",\"Type\":\"Sender\"},\"RequestId\":\"0d3f1a52-7c44-4f0e-9a1b-5be2c1d7e604\"}" method=POST path=/authenticate"#, symptom: Symptom::StsExpiredCredentials },],
};

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    vec![
        steps::sign_in_again(case),
        Remedy::new(Actor::Caller, "Take old credentials out of the shell")
            .command(Tool::Shell, Command::new("unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN"))
            .aws(Command::new("aws configure list")),
        steps::fresh_kubeconfig(case),
    ]
}
