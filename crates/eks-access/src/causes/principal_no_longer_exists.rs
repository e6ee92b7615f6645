use crate::catalogue::{Case, Cause, Claim, Example, Page, Tier};
use crate::facts::Fact;
use crate::finding::{Finding, open};
use crate::remedy::{Modes, Remedy};
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "principal-no-longer-exists",
    title: "role or user no longer exists",
    summary: "Your session is of a role or user that IAM has no more, or that was deleted and made again since you signed in.",
    tier: Tier::Specific,
    symptoms: &[Symptom::NotMapped, Symptom::NotMappedNode],
    actor: Actor::Caller,
    severity: Severity::Medium,
    page: Page {
        what_happened: "\
The credentials still pass, but the role or user they were made for is gone from IAM, or IAM has another one of the same name
with another unique id. Nothing in a cluster can let in a principal that does not exist.",
        why: "\
1. The role was deleted, or replaced by one of the same name, while your session was running. A session lasts until its end.
2. The permission set was taken from you or from the account, and IAM Identity Center removed its role.
3. A user was deleted and its keys are still being used; AWS refuses them soon after.",
        how_to_be_sure: "\
- `aws sts get-caller-identity` gives your unique id as the first part of `UserId`.
- `aws iam get-role` (or `get-user`) answers `NoSuchEntity`, or gives another `RoleId` or `UserId`.",
        what_to_do: "\
Sign in again, so that you get a session of the role as it is now. If there is none any more, ask whoever gave it to you.

On an instance or in a pod, the session is renewed by itself as soon as the role exists again and is attached.

An access entry of the deleted principal does not work for the new one: it has to be deleted and created again; see
[access entry outlived its role or user](entry-outlived-its-role.md).",
        if_it_comes_back: "\
Change roles in place rather than replacing them, and delete an access entry together with its role.",
    },
    perhaps: &["entry-outlived-its-role", "sso-role-reprovisioned"],
    claim,
    remedies,
    examples: &[Example { line: r#"time="2026-03-02T14:10:33Z" level=warning msg="access denied" arn="arn:aws:iam::111122223333:role/DevRole" client="127.0.0.1:41047" error="identity is not mapped" method=POST path=/authenticate"#, symptom: Symptom::NotMapped }],
};

fn claim(case: &Case<'_>) -> Claim {
    Finding::claim(case, |finding| matches!(finding, Finding::Gone), open::existence)
}

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    let mut remedies = vec![steps::who_am_i(case), steps::sign_in_again(case), steps::fresh_kubeconfig(case)];
    if let Some(grantee) = steps::Grantee::of(case) {
        remedies.push(
            Remedy::new(Actor::IamAdministrator, "See whether IAM has it, since when, and with which unique id")
                .aws(grantee.in_iam()),
        );
    }
    remedies.extend(steps::lockout(case));
    if let Some(entry) = case.facts.own_entry().filter(|_| case.facts.iam == Fact::Known(None)) {
        let arn = entry.principal.to_string();
        let title = "Delete the entry that it left behind, once you know that nobody makes the role or user again: it would not \
                     work for the new one";
        remedies.push(
            Remedy::new(Actor::ClusterAdministrator, title)
                .modes(Modes::AccessEntries)
                .aws(steps::eks("aws eks delete-access-entry", case).option("--principal-arn", &arn)),
        );
    }
    remedies
}
