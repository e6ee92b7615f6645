use crate::catalogue::{Case, Cause, Example, Page, Tier, by_symptom};
use crate::remedy::{Command, Remedy, Tool};
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "credentials-missing",
    title: "no AWS credentials, or expired ones",
    summary: "Your machine has no AWS credentials that work, so no token could be made.",
    tier: Tier::General,
    symptoms: &[Symptom::ClientNoCredentials],
    actor: Actor::Caller,
    severity: Severity::Low,
    page: Page {
        what_happened: "\
The AWS CLI looked for credentials and found none, or found that your sign-in has ended. No token was made, and the
cluster was never asked.",
        why: "\
Most likely first:

1. Your sign-in of IAM Identity Center has ended.
2. No profile is chosen, or the one in the kubeconfig does not exist on this machine.
3. kubectl runs as another user (`sudo`), in a container, or from an IDE that does not have your shell's variables.",
        how_to_be_sure: "\
`aws configure list` says where credentials come from, or `<not set>`. `aws configure list-profiles` names the profiles
that exist. `kubectl config view --minify` shows `AWS_PROFILE` in the `exec` part, if the kubeconfig chooses one.",
        what_to_do: "\
Sign in and choose the profile, then write the kubeconfig again with it, so that it does not depend on the shell.",
        if_it_comes_back: "\
Write the profile into the kubeconfig: `aws eks update-kubeconfig --profile PROFILE`.",
    },
    perhaps: &["credentials-expired", "access-key-not-valid", "credential-plugin-failed"],
    claim: by_symptom,
    remedies,
    examples: &[Example { line: r#"Unable to locate credentials. You can configure credentials by running "aws configure"."#, symptom: Symptom::ClientNoCredentials }, Example { line: "Error loading SSO Token: Token for dev does not exist", symptom: Symptom::ClientNoCredentials }, Example { line: "An error occurred (ExpiredToken) when calling the GetCallerIdentity operation: The security token included in the request is expired", symptom: Symptom::ClientNoCredentials },],
};

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    vec![
        Remedy::new(Actor::Caller, "See which profiles and credentials there are")
            .aws(Command::new("aws configure list-profiles"))
            .aws(Command::new("aws configure list")),
        steps::sign_in_again(case),
        Remedy::new(Actor::Caller, "Write the kubeconfig again, with the profile in it")
            .aws(steps::kubeconfig(case).option("--profile", "PROFILE"))
            .command(Tool::Kubectl, Command::new("kubectl auth whoami")),
    ]
}
