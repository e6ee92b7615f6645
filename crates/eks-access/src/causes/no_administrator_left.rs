use crate::catalogue::{Case, Cause, Claim, Example, Page, Tier};
use crate::finding::Finding;
use crate::remedy::Remedy;
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "no-administrator-left",
    title: "no administrator is left",
    summary: "Nothing lets you in, and every role or user whose access entry could administer this cluster is gone or was made again.",
    tier: Tier::Specific,
    symptoms: &[Symptom::NotMapped],
    actor: Actor::IamAdministrator,
    severity: Severity::Critical,
    page: Page {
        what_happened: "\
Nothing names the principal that called. Besides, each role and user whose access entry has the administrator's access policy, on
the whole cluster and not in some namespaces only, is gone from IAM, or was made again later than its entry, which then no longer
works. What runs in the cluster goes on running.

Somebody may still administer it by a Kubernetes group that a cluster role is bound to. So this is certain only where no other
entry has groups; else it is a possibility.",
        why: "\
Most likely first:

1. The cluster's creator was a person who left, or a pipeline's role that was replaced, and no second way in was made.
2. Terraform or CloudFormation made the administrators' role again under the same name.
3. IAM Identity Center provisioned the administrators' permission set anew.",
        how_to_be_sure: "\
- The notice names those whose role or user is gone. `aws iam get-role` and `get-user` confirm it.
- Ask whoever has an access entry with groups what those may do: `aws eks list-access-entries`, `aws eks describe-access-entry`.
- CloudTrail's event `CreateCluster`, of the last 90 days, names the creator.",
        what_to_do: "\
In the modes `API` and `API_AND_CONFIG_MAP` nothing in the cluster is needed to get back in. An IAM administrator who may call
`eks:CreateAccessEntry` and `eks:AssociateAccessPolicy` creates an entry for a role of the administrators, with the
administrator's access policy, once the security team agrees. Making the old role or user again under its name does not help: the
entry belongs to the old unique id. Delete such an entry and create it again.

In the mode `CONFIG_MAP` the creator is the way in. AWS re:Post advises to create a deleted IAM user again under the same name;
another answer of AWS there says that the unique id counts, so be ready for it not to work. Nobody can bring back the ending of a
removed role of IAM Identity Center: open a case with AWS Support. Otherwise turn on access entries beside `aws-auth`.
Changing the authentication mode is one-way: it can never be taken back.

Afterwards, delete the entries of those who are gone.",
        if_it_comes_back: "\
- Keep two ways in that do not depend on one person or one pipeline, and try both now and then.
- Run `eks-access doctor --cluster NAME` in CI: it warns while the last administrator is still there.",
    },
    perhaps: &["cluster-creator-deleted"],
    claim,
    remedies,
    examples: &[Example { line: r#"time="2026-03-02T16:21:55Z" level=warning msg="access denied" arn="arn:aws:iam::111122223333:role/DevRole" client="127.0.0.1:42171" error="identity is not mapped" method=POST path=/authenticate"#, symptom: Symptom::NotMapped }],
};

fn claim(case: &Case<'_>) -> Claim {
    Finding::claim(
        case,
        |finding| matches!(finding, Finding::NoAdministrator),
        |case| {
            let facts = case.facts;
            let is_open = facts.has_lost_its_administrators() && !facts.is_without_administrator();
            let may_be_so = is_open && Finding::of(case) == Finding::NeverMapped;
            may_be_so.then_some("whether a group of another access entry lets somebody administer the cluster")
        },
    )
}

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    if steps::Grantee::of(case).is_none() {
        return vec![steps::checks(case)];
    }
    steps::recover(case)
}
