use crate::catalogue::{Case, Cause, Example, Page, Tier, by_symptom};
use crate::remedy::{Command, Remedy, Tool};
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "credential-plugin-failed",
    title: "token program failed",
    summary: "kubectl could not run the program that makes your token, so it never called the cluster.",
    tier: Tier::General,
    symptoms: &[Symptom::ClientExecPlugin],
    actor: Actor::Caller,
    severity: Severity::Low,
    page: Page {
        what_happened: "\
The kubeconfig tells kubectl to run a program, mostly `aws eks get-token`, for each token. That program is missing, is too
old or too new for your kubectl, or failed itself. The cluster was never asked.",
        why: "\
Most likely first:

1. The program is not found: `executable aws not found`, or `aws-iam-authenticator` is not installed.
2. The kubeconfig names `client.authentication.k8s.io/v1alpha1`, which kubectl dropped with 1.24.
3. The program failed; its own message stands above or behind `getting credentials: exec:`.
4. The AWS CLI prints something else than the token, for instance because of a broken installation.",
        how_to_be_sure: "\
Run the program alone, as below. `kubectl config view --minify` shows which program and which version the kubeconfig names.",
        what_to_do: "\
Install or update the AWS CLI (version 2, or at least 1.24 or 2.7 for `v1beta1`), then write the kubeconfig again: it gets the
right program and version. If the program runs but complains, its message names the cause: see also
[no AWS credentials, or expired ones](credentials-missing.md).",
        if_it_comes_back: "\
Update kubectl and the AWS CLI together, in images of pipelines too, and write kubeconfigs anew after it.",
    },
    perhaps: &["credentials-missing", "assume-role-denied", "client-unauthorized"],
    claim: by_symptom,
    remedies,
    examples: &[Example { line: "Unable to connect to the server: getting credentials: exec: executable aws failed with exit code 255", symptom: Symptom::ClientExecPlugin }, Example { line: r#"error: exec plugin: invalid apiVersion "client.authentication.k8s.io/v1alpha1""#, symptom: Symptom::ClientExecPlugin }, Example { line: "Unable to connect to the server: getting credentials: exec: executable aws-iam-authenticator not found", symptom: Symptom::ClientExecPlugin },],
};

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    vec![
        Remedy::new(Actor::Caller, "See the versions, and run the program alone")
            .aws(Command::new("aws --version"))
            .command(Tool::Kubectl, Command::new("kubectl version --client"))
            .aws(steps::eks("aws eks get-token", case).then("| jq -r .apiVersion")),
        steps::fresh_kubeconfig(case),
    ]
}
