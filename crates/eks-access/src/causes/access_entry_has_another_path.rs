use crate::catalogue::{Case, Cause, Claim, Example, Page, Tier};
use crate::finding::{Finding, open};
use crate::remedy::Remedy;
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "access-entry-has-another-path",
    title: "access entry has another path",
    summary: "The cluster has an access entry for a role or user of your name, but with another path, and that is not you.",
    tier: Tier::Specific,
    symptoms: &[Symptom::NotMapped, Symptom::NotMappedNode],
    actor: Actor::ClusterAdministrator,
    severity: Severity::Medium,
    page: Page {
        what_happened: "\
The name and the account in the entry are yours, and the path before the name is not. IAM has only one role, and only one
user, of a name in an account: whomever the entry was made for is gone, and you are another one.",
        why: "\
The role or user was deleted and made again under another path, for instance by a module that began to set `path`. A user
can also be moved: then its id stays, and the log says `ARN does not match User ID` instead.

An entry keeps the path and the unique id of the principal it was made for. This is the opposite of `aws-auth`, where the path
must be left out.",
        how_to_be_sure: "\
Compare the ARN that `aws iam get-role` (or `get-user`) gives with the one of the entry that the notice names.",
        what_to_do: "\
Look at the groups and access policies of the old entry. Create an entry for the ARN that IAM gives, with the same, then
delete the old one. An entry's ARN cannot be edited.",
        if_it_comes_back: "\
Refer to the role's `arn` attribute in code rather than writing the ARN out, and keep the entry beside the role.",
    },
    perhaps: &["entry-outlived-its-role"],
    claim,
    remedies,
    examples: &[Example { line: r#"time="2026-03-02T09:20:11Z" level=warning msg="access denied" arn="arn:aws:iam::111122223333:role/DevRole" client="127.0.0.1:42020" error="identity is not mapped" method=POST path=/authenticate"#, symptom: Symptom::NotMapped }],
};

fn claim(case: &Case<'_>) -> Claim {
    Finding::claim(case, |finding| matches!(finding, Finding::EntryOtherPath(_)), open::path)
}

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    let mut remedies = vec![steps::checks(case)];
    remedies.extend(steps::lockout(case));
    let Finding::EntryOtherPath(old) = Finding::of(case) else { return remedies };
    remedies.push(steps::look_at_entry("Note down the groups and policies of the old entry", case, old));
    remedies.extend(steps::create_instead(
        "Create an entry for the ARN with its present path and give it what the old one has, here the view policy in one \
         namespace",
        case,
    ));
    remedies.extend(steps::delete_stale("Then delete the old entry, which can match nobody", case, old));
    remedies.push(steps::try_again(case));
    remedies
}
