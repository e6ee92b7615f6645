use crate::catalogue::{Case, Cause, Example, Page, Tier, by_symptom};
use crate::remedy::{Command, Remedy, Tool};
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "kubeconfig-missing",
    title: "no kubeconfig",
    summary: "kubectl found no configuration for any cluster, so it tried your own machine.",
    tier: Tier::General,
    symptoms: &[Symptom::ClientNoKubeconfig],
    actor: Actor::Caller,
    severity: Severity::Low,
    page: Page {
        what_happened: "\
`The connection to the server localhost:8080 was refused` means that kubectl does not know any cluster. It never called yours.",
        why: "\
Most likely first:

1. No kubeconfig has been written on this machine or in this container.
2. `KUBECONFIG` points to a file that does not exist or is empty.
3. kubectl runs as another user, for instance with `sudo`, and looks in that user's home.
4. The kubeconfig has no current context.",
        how_to_be_sure: "\
`kubectl config view` shows an empty configuration, and `kubectl config current-context` says that none is set.",
        what_to_do: "\
Write a kubeconfig for the cluster, as the user who runs kubectl.",
        if_it_comes_back: "\
In pipelines and containers, write the kubeconfig in the same step that uses it.",
    },
    perhaps: &["describe-cluster-denied", "credentials-missing"],
    claim: by_symptom,
    remedies,
    examples: &[Example { line: "The connection to the server localhost:8080 was refused - did you specify the right host or port?", symptom: Symptom::ClientNoKubeconfig },],
};

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    vec![
        Remedy::new(Actor::Caller, "See what kubectl knows")
            .command(Tool::Shell, Command::new("echo \"$KUBECONFIG\""))
            .command(Tool::Kubectl, Command::new("kubectl config get-contexts")),
        steps::fresh_kubeconfig(case),
    ]
}
