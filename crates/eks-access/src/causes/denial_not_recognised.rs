use crate::catalogue::{Case, Cause, Example, Page, Tier, by_symptom};
use crate::remedy::{Command, Remedy, Tool};
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "denial-not-recognised",
    title: "denial not recognised",
    summary: "A login was refused in words that are not known here yet; please help to add them.",
    tier: Tier::General,
    symptoms: &[Symptom::UnknownDenial],
    actor: Actor::ClusterAdministrator,
    severity: Severity::Low,
    page: Page {
        what_happened: "\
The line is a denial, but its error text belongs to no release of the authenticator that this catalogue knows. So it
cannot say why the login was refused. EKS updates the authenticator without notice, and the words change now and then.",
        why: "\
Most likely first:

1. A newer release of the authenticator with new words.
2. A cluster that runs a changed authenticator of its own.",
        how_to_be_sure: "\
Read the text after `error=`. If the line has `arn=`, AWS confirmed who called, and the reason lies in the mappings. If
it has none, the reason lies in the token, the credentials or STS.",
        what_to_do: "\
Until the words are known, try what helps most often: `aws sts get-caller-identity`, a new kubeconfig, and a look at the mappings.

Then tell the maintainers, with the line made safe. Take out account numbers, names of people, addresses, and everything
that looks like a token or key. Do not send a token or a pre-signed URL: whoever has it can log in as you for 15 minutes.",
        if_it_comes_back: "\
Update to the newest release of this tool; it may know the words already.",
    },
    perhaps: &["principal-not-mapped", "client-unauthorized"],
    claim: by_symptom,
    remedies,
    examples: &[Example { line: r#"time="2026-03-06T10:46:38Z" level=warning msg="access denied" arn="arn:aws:iam::111122223333:role/DevRole" client="127.0.0.1:61418" error="principal is not permitted by the current configuration" method=POST path=/authenticate"#, symptom: Symptom::UnknownDenial }, Example { line: r#"time="2026-03-06T17:59:07Z" level=warning msg="access denied" client="127.0.0.1:61736" error="credential could not be checked" method=POST path=/authenticate"#, symptom: Symptom::UnknownDenial },],
};

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    let make_safe = Command::new("sed -E")
        .option("-e", "s/(k8s-aws-v1[.]|eyJ)[A-Za-z0-9._-]+/TOKEN/g")
        .option("-e", "s/X-Amz-[A-Za-z-]+=[A-Za-z0-9%_.-]+/X-Amz-REMOVED/g")
        .option("-e", "s/A[SK]IA[A-Z0-9]{16}/KEY/g")
        .option("-e", "s/[0-9]{12}/111122223333/g")
        .then("denied-line.txt");
    vec![
        Remedy::new(Actor::ClusterAdministrator, "Make the line safe, read it once more, and send it to the maintainers")
            .command(Tool::Shell, make_safe),
        steps::who_am_i(case),
        steps::fresh_kubeconfig(case),
        steps::checks(case),
    ]
}
