use crate::catalogue::{Case, Cause, Example, Page, Tier, by_symptom};
use crate::facts::EntryType;
use crate::remedy::{Modes, Remedy};
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "reserved-user-name",
    title: "reserved user name in the mapping",
    summary: "You are mapped, but to a Kubernetes user name that is reserved, so the cluster refuses it.",
    tier: Tier::General,
    symptoms: &[Symptom::ReservedUsername],
    actor: Actor::ClusterAdministrator,
    severity: Severity::Medium,
    page: Page {
        what_happened: "\
The cluster knows your principal. The user name that the mapping gives you begins with `system:`, `eks:`, `aws:`,
`amazon:` or `iam:`. Those are kept for Kubernetes and AWS, and the login is refused.",
        why: "\
Most likely first:

1. The access entry was created with a user name of that kind, sometimes copied from an old `aws-auth` row.
2. The name is built from the session name, and the session begins with such a prefix.",
        how_to_be_sure: "\
The line quotes the name: `invalid username '...' for mapper ...: username must not begin with with the following
prefixes`. `aws eks describe-access-entry` shows the `username` of the entry.",
        what_to_do: "\
Give the entry another user name. If it contains `{{SessionName}}`, there must be a colon somewhere before it. Role
bindings that name the old user have to follow; bindings to groups do not.",
        if_it_comes_back: "\
Leave the user name out when you create an entry: EKS then uses the ARN with the session's name, which is always allowed.",
    },
    perhaps: &[],
    claim: by_symptom,
    remedies,
    examples: &[Example { line: r#"time="2026-03-02T14:15:15Z" level=warning msg="access denied" arn="arn:aws:iam::111122223333:role/DevRole" client="127.0.0.1:44564" error="invalid username 'eks:deployer' for mapper DynamicFile: username must not begin with with the following prefixes: [system: eks: aws: amazon: iam:]" method=POST path=/authenticate"#, symptom: Symptom::ReservedUsername },],
};

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    let mut remedies = vec![steps::checks(case)];
    let Some(grantee) = steps::Grantee::person(case) else { return remedies };
    let update = Remedy::new(Actor::ClusterAdministrator, "Give the entry a user name without a reserved prefix")
        .modes(Modes::AccessEntries);
    let command = steps::eks("aws eks update-access-entry", case);
    let update = match case.facts.own_entry() {
        // Only such entries have a user name of their own.
        Some(entry) if entry.kind != EntryType::Standard => return remedies,
        Some(entry) => {
            remedies.push(steps::look_at_entry("Look at the entry's user name and groups", case, &entry.principal));
            update.aws(command.option("--principal-arn", &entry.principal.to_string()).option("--username", &grantee.username()))
        }
        None => {
            let command = grantee.principal_arn(command);
            grantee.find_arn(update).aws(command.option("--username", &grantee.username()))
        }
    };
    remedies.push(update);
    remedies.push(steps::try_again(case));
    remedies
}
