use crate::catalogue::{Case, Cause, Claim, Example, Page, Tier};
use crate::facts::EntryType;
use crate::finding::{Finding, open};
use crate::remedy::{Modes, Remedy, Tool};
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "entry-outlived-its-role",
    title: "access entry outlived its role or user",
    summary: "The role or user was deleted and made again, and the access entry still belongs to the one that was deleted.",
    tier: Tier::Specific,
    symptoms: &[Symptom::NotMapped, Symptom::NotMappedNode],
    actor: Actor::ClusterAdministrator,
    severity: Severity::Medium,
    page: Page {
        what_happened: "\
The cluster has an access entry for exactly this ARN, and yet refuses the login. IAM says that the role or user is younger
than the entry: somebody deleted it and made another one of the same name. AWS confirmed who you are; nothing is wrong with
your credentials.",
        why: "\
An access entry is bound to the unique id of its principal (`AROA...` or `AIDA...`), not only to the name. A role that is
made again gets another id. The entry stays, is listed, and looks right, but it lets nobody in. Nothing in
`aws eks describe-access-entry` shows it (aws/containers-roadmap#2441).

Usually a `terraform destroy` and `apply`, a renamed module, or a stack that replaced the role, while the entry is kept in
other code or was made by hand.",
        how_to_be_sure: "\
Compare two dates: `CreateDate` of the role or user, and `createdAt` of the entry. The entry is the older one. The
commands below show both.",
        what_to_do: "\
Delete the entry and create it again for the same ARN; editing it does not help, for the id in it cannot be changed. Note down
its groups, its user name and its access policies first: deleting takes them along, and they must be given again.

Do not touch an entry that EKS made for a node group or a Fargate profile; if its role was made again, make the node group
or profile again too.",
        if_it_comes_back: "\
- Keep the entry in the same code as the role, so that both are replaced together (Terraform: refer to the role's ARN, and
  add `replace_triggered_by` with the role's `unique_id`).
- Run `eks-access doctor --cluster NAME` after changes to IAM: it lists entries whose principal is gone or was made again.",
    },
    perhaps: &["principal-no-longer-exists", "mapping-without-effect"],
    claim,
    remedies,
    examples: &[Example { line: r#"time="2026-03-02T08:00:00Z" level=warning msg="access denied" arn="arn:aws:iam::111122223333:role/DevRole" client="127.0.0.1:40112" error="identity is not mapped" method=POST path=/authenticate"#, symptom: Symptom::NotMapped }],
};

fn claim(case: &Case<'_>) -> Claim {
    Finding::claim(
        case,
        |finding| matches!(finding, Finding::EntryOutlived(..)),
        |case| open::age(case).or_else(|| open::entries(case)),
    )
}

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    let mut remedies = vec![steps::checks(case)];
    remedies.extend(steps::lockout(case));
    let Some(grantee) = steps::Grantee::of(case) else { return remedies };
    let Some(entry) = case.facts.own_entry() else { return remedies };
    remedies.push(steps::note_entry_down(case, entry));
    match entry.kind {
        // A STANDARD entry puts nodes out: it was wrong before, too.
        EntryType::Standard if steps::Grantee::person(case).is_none() => {
            remedies.extend(steps::delete_stale("Delete the entry: it is of a type that no node can use", case, &entry.principal));
            remedies.extend(steps::create_instead("Create it again", case));
            return remedies;
        }
        // One that came after this list: nobody knows what it needs.
        EntryType::Other => return remedies,
        _ => remedies.push(steps::replace_entry(&grantee, case, entry)),
    }
    let arn = entry.principal.to_string();
    let in_terraform = Remedy::new(
        Actor::ClusterAdministrator,
        "Or let Terraform replace it, if the entry is in its state; the import is for an entry that is not",
    )
    .modes(Modes::AccessEntries)
    .command(Tool::Terraform, steps::terraform_replace())
    .snippet(Tool::Terraform, steps::import_entry(case, &arn));
    remedies.push(in_terraform);
    remedies.push(steps::try_again(case));
    remedies
}
