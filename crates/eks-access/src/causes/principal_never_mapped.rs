use crate::catalogue::{Case, Cause, Claim, Example, Page, Tier};
use crate::finding::{Finding, open};
use crate::remedy::Remedy;
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "principal-never-mapped",
    title: "principal was never let in",
    summary: "AWS confirmed who you are, and the cluster has no access entry that was meant for that role or user.",
    tier: Tier::Specific,
    symptoms: &[Symptom::NotMapped],
    actor: Actor::ClusterAdministrator,
    severity: Severity::Medium,
    page: Page {
        what_happened: "\
The login was refused because nothing lets this role or user in. The access entries of the cluster were read: none is the
principal's, and none looks as if it had been meant for it. (An entry of the same permission set that the notice names is for a
role that exists beside this one; one that has no more in common than a name that many accounts have says nothing.) Where the cluster uses `aws-auth` too, its rows were read as well.",
        why: "\
1. Nobody has given this role or user access to this cluster.
2. You called as another principal than you thought: another profile, a CI role, the role of the machine you are on.
3. The cluster was made anew, and its entries were not.",
        how_to_be_sure: "\
- As the caller, run `aws sts get-caller-identity`: is that the principal you meant? `eks-access whoami` says whom
  kubectl's plugin really calls as, and why.
- As an administrator, run `aws eks list-access-entries`. CloudTrail's `DeleteAccessEntry` shows whether there was an entry.",
        what_to_do: "\
If you called as the wrong principal, switch the profile; nothing else is needed. Otherwise send a cluster administrator the
ARN, the cluster's name and the namespace you need. The notice names who has the administrator's access policy.

The administrator gives the least that works: reading one namespace. An entry with neither a group nor an access policy only
turns `Unauthorized` into `Forbidden`.",
        if_it_comes_back: "\
Keep access entries in the same code as the cluster, so that a cluster that is made anew has them.",
    },
    perhaps: &["mapped-only-in-aws-auth"],
    claim,
    remedies,
    examples: &[Example { line: r#"time="2026-03-02T08:00:00Z" level=warning msg="access denied" arn="arn:aws:iam::111122223333:role/DevRole" client="127.0.0.1:40008" error="identity is not mapped" method=POST path=/authenticate"#, symptom: Symptom::NotMapped }],
};

fn claim(case: &Case<'_>) -> Claim {
    Finding::claim(case, |finding| matches!(finding, Finding::NeverMapped), open::existence)
}

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    let mut remedies = vec![steps::who_am_i(case), steps::checks(case)];
    remedies.extend(steps::lockout(case));
    let Some(grantee) = steps::Grantee::person(case) else { return remedies };
    remedies.extend(steps::entry_remedies(&grantee, case));
    remedies.extend(steps::aws_auth_remedies(&grantee, case));
    remedies.push(steps::try_again(case));
    remedies
}
