use crate::catalogue::{Case, Cause, Claim, Example, Page, Tier};
use crate::finding::{Finding, open};
use crate::remedy::Remedy;
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "access-entry-not-yet-effective",
    title: "access entry not yet in effect",
    summary: "Your access entry was made around the time of the refusal, and a new entry takes some seconds to work.",
    tier: Tier::Specific,
    symptoms: &[Symptom::NotMapped, Symptom::NotMappedNode],
    actor: Actor::Caller,
    severity: Severity::Info,
    page: Page {
        what_happened: "\
The cluster has an access entry for you. It was made less than a minute before the last refusal, or in
the ten minutes after it.",
        why: "\
EKS hands new access entries to the authenticator with a delay of several seconds. A login within that time is refused as
if there were no entry.",
        how_to_be_sure: "\
`createdAt` in `aws eks describe-access-entry` is a little later than the refusal, or less than a minute earlier.",
        what_to_do: "\
Try again. If it is still refused after two minutes, it has another cause; see
[mapping is there and has no effect](mapping-without-effect.md).",
        if_it_comes_back: "\
Let scripts that create an entry wait half a minute before they use it, and try again once or twice.",
    },
    perhaps: &["mapping-without-effect"],
    claim,
    remedies,
    examples: &[Example { line: r#"time="2026-03-02T12:00:20Z" level=warning msg="access denied" arn="arn:aws:iam::111122223333:role/DevRole" client="127.0.0.1:40032" error="identity is not mapped" method=POST path=/authenticate"#, symptom: Symptom::NotMapped }],
};

fn claim(case: &Case<'_>) -> Claim {
    Finding::claim(case, |finding| matches!(finding, Finding::EntryTooNew(_)), open::since)
}

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    let mut remedies = vec![steps::try_again(case)];
    if let Some(entry) = case.facts.own_entry() {
        let title = "If it is refused after two minutes, look at the entry and at its date";
        remedies.push(steps::look_at_entry(title, case, &entry.principal));
    }
    remedies
}
