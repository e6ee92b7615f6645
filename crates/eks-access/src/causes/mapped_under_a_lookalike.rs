use crate::catalogue::{Case, Cause, Claim, Example, Page, Tier};
use crate::facts::{Near, RowFault};
use crate::finding::{Finding, claim_name};
use crate::remedy::Remedy;
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "mapped-under-a-lookalike",
    title: "a lookalike is mapped in your place",
    summary: "The cluster lets in a role where you are a user, a user where you are a role, or your name in other letters.",
    tier: Tier::Specific,
    symptoms: &[Symptom::NotMapped, Symptom::NotMappedNode],
    actor: Actor::ClusterAdministrator,
    severity: Severity::Medium,
    page: Page {
        what_happened: "\
Nothing names your principal. An access entry, or a row of `aws-auth`, names one that is easily taken for it: of the other
kind with the same name, such as `user/dana` where `role/dana` called, or the same name in other upper and lower case.",
        why: "\
1. The entry or row was written with the wrong kind: `user/` for `role/`, `userarn` for `rolearn`, or the other way round.
2. It is right, and you called as the other one: the user assumed a role, or a key of the user is used where a role was meant.
3. The role or user was deleted and made again in other letters. IAM takes names that differ only in case for the same one.
   (`aws-auth` ignores case, so this concerns access entries only.)",
        how_to_be_sure: "\
Compare what `aws sts get-caller-identity` gives with the ARN that the notice names. `user/NAME` is a user;
`assumed-role/NAME/SESSION` is the role `NAME`. `eks-access whoami` says whom kubectl calls as, and why.",
        what_to_do: "\
If you meant to be the one that is mapped, call as that one; nothing has to be changed in the cluster.

Otherwise let your own principal in, with the least that works. Leave the other's entry or row alone until you know that nobody
uses it.",
        if_it_comes_back: "\
Refer to the ARN of the role or user in code rather than writing it out.",
    },
    perhaps: &["principal-not-mapped"],
    claim,
    remedies,
    examples: &[Example { line: r#"time="2026-03-02T10:31:02Z" level=warning msg="access denied" arn="arn:aws:iam::111122223333:role/dana" client="127.0.0.1:43112" error="identity is not mapped" method=POST path=/authenticate"#, symptom: Symptom::NotMapped }],
};

fn claim(case: &Case<'_>) -> Claim {
    claim_name(
        case,
        |finding| matches!(finding, Finding::EntryLookalike(_) | Finding::RowLookalike(_)),
        Near::OtherKind,
        RowFault::OtherKind,
    )
}

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    let mut remedies = vec![steps::who_am_i(case), steps::checks(case)];
    remedies.extend(steps::lockout(case));
    match Finding::of(case) {
        Finding::EntryLookalike(miss) => {
            remedies.push(steps::look_at_entry("Look at the other's entry, and ask who uses it", case, &miss.entry));
            remedies.extend(steps::create_instead(
                "If you are meant, create an entry of your own that may view one namespace",
                case,
            ));
        }
        Finding::RowLookalike(row) => {
            let title = "If you are meant by that row and nobody else uses it, make it yours: under the right key, with your ARN";
            remedies.extend(steps::mend_row(title, case, row));
        }
        _ => {}
    }
    remedies.push(steps::try_again(case));
    remedies
}
