use crate::catalogue::{Case, Cause, Example, Page, Tier, by_symptom};
use crate::remedy::{Command, Modes, Remedy, Tool};
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "principal-not-mapped",
    title: "principal not mapped",
    summary: "AWS knows who you are, but this cluster has no access entry and no aws-auth row for that principal.",
    tier: Tier::General,
    symptoms: &[Symptom::NotMapped],
    actor: Actor::ClusterAdministrator,
    severity: Severity::Medium,
    page: Page { what_happened: "", why: "", how_to_be_sure: "", what_to_do: "", if_it_comes_back: "" },
    perhaps: &[],
    claim: by_symptom,
    remedies,
    examples: &[Example { line: "", symptom: Symptom::NotMapped }],
};

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    let Some(principal) = case.principal else { return Vec::new() };
    vec![
        Remedy::new(Actor::ClusterAdministrator, "give the principal an access entry").modes(Modes::AccessEntries).aws(
            Command::new("aws eks create-access-entry")
                .option("--cluster-name", case.cluster.name_or_placeholder())
                .option("--principal-arn", &principal.to_string()),
        ).command(Tool::Kubectl, Command::new("kubectl auth whoami")),
    ]
}
