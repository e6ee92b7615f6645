use crate::catalogue::{Case, Cause, Claim, Example, Page, Tier};
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "aws-internal-principal",
    title: "AWS itself called",
    summary: "AWS itself knocked at the cluster with a role of its own; there is nothing to do.",
    tier: Tier::Specific,
    symptoms: &[Symptom::NotMapped, Symptom::NotMappedNode],
    actor: Actor::Nobody,
    severity: Severity::Info,
    page: Page {
        what_happened: "\
The role and account look like AWS' own: EKS calls every cluster now and then, for instance to collect insights, and is
refused where it is not mapped. Nothing of yours is broken.",
        why: "\
EKS runs checks with roles such as `AWSWesleyClusterManagerLambda-...` and sessions such as `EKSClusterInsightsAuth`, from
accounts that are not yours. Some checks are not let in on every cluster, and their denials are harmless.",
        how_to_be_sure: "\
The account in the ARN is none of yours, and the name or session is one of those that AWS uses. A session's name is chosen
by the caller, so it proves nothing by itself: it counts only for a role of another account than the cluster's. Where the
cluster's account is not known, only the role's name counts. A role of the cluster's own account is never taken for AWS' own.

Look twice if the role has a name that you do not expect.",
        what_to_do: "\
Nothing. Do not let these roles in.",
        if_it_comes_back: "\
It will come back now and then. Leave it out of alarms.",
    },
    perhaps: &["foreign-account-principal"],
    claim,
    remedies: steps::none,
    examples: &[Example { line: r#"time="2026-03-06T16:38:34Z" level=warning msg="access denied" arn="arn:aws:iam::444455556666:role/AWSWesleyClusterManagerLambda-NodeManagerRole-1AB2CD3EF4GH" client="127.0.0.1:62690" error="identity is not mapped" method=POST path=/authenticate"#, symptom: Symptom::NotMapped }, Example { line: r#"time="2026-03-06T12:51:03Z" level=warning msg="access denied" arn="arn:aws:iam::444455556666:role/AWSWesleyClusterManagerLambda-AddonManagerRole-9ZY8XW7VU6TS" client="127.0.0.1:63008" error="ARN is not mapped" method=POST path=/authenticate"#, symptom: Symptom::NotMapped },],
};

fn claim(case: &Case<'_>) -> Claim {
    if steps::aws_called(case) { Claim::Yes } else { Claim::No }
}
