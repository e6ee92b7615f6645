use crate::catalogue::{Case, Cause, Example, Page, Tier, by_symptom};
use crate::remedy::{Command, Remedy, Tool};
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "kubeconfig-readable-by-others",
    title: "kubeconfig readable by others",
    summary: "Other users of your machine can read your kubeconfig; this is a warning, nothing was refused.",
    tier: Tier::General,
    symptoms: &[Symptom::ClientKubeconfigReadable],
    actor: Actor::Caller,
    severity: Severity::Info,
    page: Page {
        what_happened: "\
Helm warns that the file's permissions let the group or everybody read it. The command goes on working.",
        why: "\
The file was created with the usual permissions of your system, or copied from elsewhere.",
        how_to_be_sure: "\
`ls -l ~/.kube/config` shows `r` for the group or for others.",
        what_to_do: "\
Take the permission away. A kubeconfig that `aws eks update-kubeconfig` writes holds no secret, but one with a token or a
client key does.",
        if_it_comes_back: "\
Set `umask 077` in the script that writes kubeconfigs.",
    },
    perhaps: &[],
    claim: by_symptom,
    remedies,
    examples: &[Example { line: "WARNING: Kubernetes configuration file is group-readable. This is insecure. Location: /home/dana/.kube/config", symptom: Symptom::ClientKubeconfigReadable }, Example { line: "WARNING: Kubernetes configuration file is world-readable. This is insecure. Location: /home/dana/.kube/config", symptom: Symptom::ClientKubeconfigReadable },],
};

fn remedies(_: &Case<'_>) -> Vec<Remedy> {
    vec![
        Remedy::new(Actor::Caller, "Let only yourself read the file")
            .command(Tool::Shell, Command::new("chmod 600 \"${KUBECONFIG:-$HOME/.kube/config}\"")),
    ]
}
