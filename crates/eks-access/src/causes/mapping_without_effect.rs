use crate::catalogue::{Case, Cause, Claim, Example, Page, Tier};
use crate::finding::{Finding, open};
use crate::remedy::Remedy;
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "mapping-without-effect",
    title: "mapping is there and has no effect",
    summary: "The cluster has an access entry or a row of aws-auth for you that looks right, and yet it refused you.",
    tier: Tier::Specific,
    symptoms: &[Symptom::NotMapped, Symptom::NotMappedNode],
    actor: Actor::ClusterAdministrator,
    severity: Severity::Medium,
    page: Page {
        what_happened: "\
Whatever could be read says that you should get in: an access entry has your ARN, or a row of `aws-auth` does. The authenticator
says that nothing maps you. So it does not see what EKS or Kubernetes shows, or the entry is for another one of your name.",
        why: "\
Most likely first:

1. The role or user was deleted and made again. The entry then belongs to the one before, which only the dates in IAM show; see
   [access entry outlived its role or user](entry-outlived-its-role.md). Where IAM could not be asked, the notice says so:
   `iam:GetRole` or `iam:GetUser` would settle it.
2. The entry or row was made or edited after the refusal, or moments before.
3. The authenticator has lost its watch and works with what it knew last; see
   [authenticator lost sight of mappings](mapping-watch-lost.md).",
        how_to_be_sure: "\
- Does it still happen? Try once more.
- Compare `CreateDate` of the role or user with `createdAt` of the entry: an entry that is older is reason 1.
- Look for lines about a lost watch in the authenticator's log, and for an update of the cluster at that time.",
        what_to_do: "\
Do not create a second entry or row: the one that is there is right, or it has to be made again after you have compared the
dates.

If the principal is older than its entry, the log has no line about a lost watch, and it goes on for more than five minutes, open
a case with AWS Support. Send the cluster's ARN, the ARN of the principal, the entry's ARN and `createdAt`, the principal's unique
id, and the time of a refusal in UTC. Never send a token.",
        if_it_comes_back: "\
Allow the responder to read IAM (`iam:GetRole`, `iam:GetUser`): then it tells reason 1 from the others by itself.",
    },
    perhaps: &["entry-outlived-its-role", "mapping-watch-lost"],
    claim,
    remedies,
    examples: &[Example { line: r#"time="2026-03-02T13:44:09Z" level=warning msg="access denied" arn="arn:aws:iam::111122223333:role/DevRole" client="127.0.0.1:44422" error="identity is not mapped" method=POST path=/authenticate"#, symptom: Symptom::NotMapped }],
};

fn claim(case: &Case<'_>) -> Claim {
    Finding::claim(case, |finding| matches!(finding, Finding::EntryFits(_) | Finding::RowFits), open::kind)
}

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    let mut remedies = vec![
        steps::try_again(case),
        steps::checks(case),
        Remedy::new(Actor::ClusterAdministrator, "See whether the authenticator lost its watch in the last hour, or the cluster is updated")
            .aws(steps::read_log(case, "authenticator", "\"watch\""))
            .aws(steps::eks_named("aws eks list-updates", case)),
    ];
    remedies.extend(steps::lockout(case));
    remedies.push(Remedy::new(
        Actor::Aws,
        "If it goes on for more than five minutes and the entry is younger than the principal, open a case with AWS Support, \
         with both ARNs, both dates and the time of a refusal in UTC",
    ));
    remedies
}
