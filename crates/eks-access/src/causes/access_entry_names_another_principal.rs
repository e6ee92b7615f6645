use crate::catalogue::{Case, Cause, Example, Page, Tier, by_symptom};
use crate::facts::Near;
use crate::principal::Principal;
use crate::remedy::{Modes, Remedy};
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "access-entry-names-another-principal",
    title: "access entry names another principal",
    summary: "The cluster has an access entry with your unique id, but under another name, so it does not let you in.",
    tier: Tier::General,
    symptoms: &[Symptom::PrincipalIdMismatch],
    actor: Actor::ClusterAdministrator,
    severity: Severity::Medium,
    page: Page {
        what_happened: "\
The cluster found an access entry by your unique id (`AROA...` or `AIDA...`), but the ARN in that entry is not yours.
It refuses rather than guess. Nothing about your credentials is wrong.",
        why: "\
Most likely first:

1. The IAM user was renamed or moved to another path. The id stays, the ARN changes, and an entry's ARN cannot be changed.
2. The entry's ARN is malformed. Authenticators from v0.7.17 on count that as a mismatch, and write
   `invalid mapping arn in dynamic file` just before.",
        how_to_be_sure: "\
A line `additional arn comparison for IAM arn. arn from STS response is A, arn in mapper is B` near the denial names
both ARNs. With facts, the notice names the entries of users that IAM has no more. Otherwise compare the ids: the first commands below show yours, and the list of entries shows the old ARN.",
        what_to_do: "\
A person compares both ids and ARNs first: an entry that belongs to somebody else must stay. Note down the groups, the
user name and the access policies of the old entry, for deleting takes them along, and they must be given again. Only when
the present ARN is found, delete the old entry, and create one for the present ARN.

Do not touch an entry that EKS made for a node group or a Fargate profile.",
        if_it_comes_back: "\
Rename users rarely; better, let people in through roles, whose names cannot be changed under an entry.",
    },
    perhaps: &["principal-not-mapped"],
    claim: by_symptom,
    remedies,
    examples: &[Example { line: r#"time="2026-03-02T11:49:17Z" level=warning msg="access denied" arn="arn:aws:iam::111122223333:user/dana.smith" client="127.0.0.1:43928" error="mapper DynamicFile Map error: ARN does not match User ID" method=POST path=/authenticate"#, symptom: Symptom::PrincipalIdMismatch }, Example { line: r#"time="2026-03-02T18:02:46Z" level=warning msg="access denied" arn="arn:aws:iam::111122223333:user/teams/payments/dana" client="127.0.0.1:44246" error="[identity is not mapped, mapper DynamicFile Map error: ARN does not match User ID]" method=POST path=/authenticate"#, symptom: Symptom::PrincipalIdMismatch },],
};

/// Old entries that are shown at most, where there are several.
const CANDIDATES: usize = 3;

/// The ARN of the old entry, for the reader to replace.
const OLD: &str = "OLD_ENTRY_ARN";

/// The entries of users that IAM has no more.
fn former<'a>(case: &Case<'a>) -> Vec<&'a Principal> {
    let near = case.facts.near.known().map_or(&[][..], Vec::as_slice);
    near.iter().filter(|miss| miss.near == Near::Former).map(|miss| &miss.entry).collect()
}

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    let former = former(case);
    let old_arn = match former.as_slice() {
        [only] => only.to_string(),
        _ => OLD.to_owned(),
    };
    let old = |constant| steps::eks(constant, case).option("--principal-arn", &old_arn);
    let mut remedies = vec![
        steps::checks(case),
        Remedy::new(
            Actor::ClusterAdministrator,
            "Compare both ids and ARNs, and note down the old entry's groups, user name and policies, which must be given again",
        )
            .modes(Modes::AccessEntries)
            .aws(steps::eks("aws eks list-access-entries", case))
            .aws(old("aws eks describe-access-entry"))
            .aws(old("aws eks list-associated-access-policies")),
    ];
    if former.len() > 1 {
        remedies.extend(former.into_iter().take(CANDIDATES).map(|entry| {
            steps::look_at_entry("One of these entries may be the old one: IAM has none of their users any more", case, entry)
        }));
    }
    let Some(grantee) = steps::Grantee::person(case) else { return remedies };
    let replace = Remedy::new(
        Actor::ClusterAdministrator,
        "Once a person has compared both ids, delete the old entry, create one for the present ARN, and give back what you \
         noted down, here the view policy in one namespace",
    )
    .modes(Modes::AccessEntries);
    let delete = grantee.delete_old_entry(case, &old_arn);
    let create = grantee.principal_arn(steps::eks("aws eks create-access-entry", case)).option("--type", "STANDARD");
    let replace = grantee.find_arn(replace).aws(delete).aws(create);
    remedies.push(steps::associate_view(replace, &grantee, case));
    remedies.push(steps::try_again(case));
    remedies
}
