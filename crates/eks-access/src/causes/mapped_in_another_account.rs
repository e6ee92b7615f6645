use crate::catalogue::{Case, Cause, Claim, Example, Page, Tier};
use crate::facts::{Near, RowFault};
use crate::finding::{Finding, claim_name};
use crate::remedy::{Command, Remedy, Tool};
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "mapped-in-another-account",
    title: "the same name of another account is mapped",
    summary: "The cluster lets in a role or user of the same name, or the same permission set, of another account than yours.",
    tier: Tier::Specific,
    symptoms: &[Symptom::NotMapped, Symptom::NotMappedNode],
    actor: Actor::Caller,
    severity: Severity::Medium,
    page: Page {
        what_happened: "\
The principal that called is not mapped. An access entry, or a row of `aws-auth`, has the same kind and name, or the same
permission set, in another AWS account. No more than that is known: whether the two are meant to be the same is for people to say.",
        why: "\
Most likely first:

1. You were signed in to another account than you thought: the wrong profile, or `AWS_PROFILE` of another shell.
2. The entry or row was copied from another cluster, and the account in it was not changed.
3. Both are right, and only the other one was meant to have access.",
        how_to_be_sure: "\
- As the caller, compare the account in `aws sts get-caller-identity` with the account in the ARN that the notice names.
- `eks-access whoami` says which profile kubectl's plugin really uses, and why.",
        what_to_do: "\
Call with the profile of the account that is let in. If your own principal is meant, a cluster administrator lets it in with
the least that works; the owner of its account must agree if it is not the cluster's.

Leave the other's entry or row alone until you know that it was a mistake.",
        if_it_comes_back: "\
Write the profile into the kubeconfig (`aws eks update-kubeconfig --profile PROFILE`), so that a shell's `AWS_PROFILE` does not
decide who calls.",
    },
    perhaps: &["foreign-account-principal", "principal-not-mapped"],
    claim,
    remedies,
    examples: &[Example { line: r#"time="2026-03-02T11:05:47Z" level=warning msg="access denied" arn="arn:aws:iam::111122223333:role/DevRole" client="127.0.0.1:40558" error="identity is not mapped" method=POST path=/authenticate"#, symptom: Symptom::NotMapped }],
};

fn claim(case: &Case<'_>) -> Claim {
    claim_name(
        case,
        |finding| matches!(finding, Finding::EntryOtherAccount(_) | Finding::RowOtherAccount(_)),
        Near::OtherAccount,
        RowFault::OtherAccount,
    )
}

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    let mut remedies = vec![
        steps::who_am_i(case),
        Remedy::new(Actor::Caller, "Call with the profile of the account that is let in, if that is you as well")
            .aws(Command::new("aws sts get-caller-identity --profile PROFILE"))
            .aws(steps::kubeconfig(case).option("--profile", "PROFILE"))
            .command(Tool::Kubectl, Command::new("kubectl auth whoami")),
    ];
    remedies.extend(steps::lockout(case));
    match Finding::of(case) {
        Finding::EntryOtherAccount(other) => {
            remedies.push(steps::look_at_entry("Look at the entry of the other account, and ask who uses it", case, other));
            remedies.extend(steps::create_instead(
                "Only if your own principal is meant, create an entry for it that may view one namespace",
                case,
            ));
        }
        Finding::RowOtherAccount(row) => {
            let title = "Only if the account in the row is a mistake, replace its ARN, and nothing else";
            remedies.extend(steps::mend_row(title, case, row));
        }
        _ => {}
    }
    remedies
}
