use crate::catalogue::{Case, Cause, Example, Page, Tier, by_symptom};
use crate::remedy::{Command, Remedy};
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "root-user-not-mapped",
    title: "root user not mapped",
    summary: "Somebody used an AWS account's root user against the cluster; the root user is never let in.",
    tier: Tier::General,
    symptoms: &[Symptom::NotMappedRoot],
    actor: Actor::Security,
    severity: Severity::High,
    page: Page {
        what_happened: "\
The credentials belong to the root user of an AWS account. AWS confirmed that, but the cluster maps no root user, and
it should not: root cannot be limited, and its actions cannot be told apart from one another.",
        why: "\
Most likely first:

1. Somebody is signed in to the AWS console as root and opened the cluster's page.
2. Access keys of the root user are in use on a machine or in a pipeline.
3. Somebody who should not have root credentials has them.",
        how_to_be_sure: "\
- Run `aws sts get-caller-identity` where the call came from: the ARN ends in `:root`.
- Ask for the credential report (`aws iam generate-credential-report`, then `aws iam get-credential-report`): its first
  row tells when root's password and keys were used last.
- CloudTrail shows what else root did at that time, and from which address.",
        what_to_do: "\
If it was you: sign out, and assume a role that has access to the cluster. If no role has, ask a cluster
administrator to let a role in.

If nobody owns up to it, treat it as a security incident. Never create an access entry or a mapping for root.",
        if_it_comes_back: "\
- Delete the root user's access keys, and keep multi-factor authentication on.
- Use a service control policy that denies root in member accounts, or AWS Organizations' central root access management.",
    },
    perhaps: &["console-without-access"],
    claim: by_symptom,
    remedies,
    examples: &[Example { line: r#"time="2026-03-02T16:57:21Z" level=warning msg="access denied" arn="arn:aws:iam::111122223333:root" client="127.0.0.1:42656" error="identity is not mapped" method=POST path=/authenticate"#, symptom: Symptom::NotMappedRoot }, Example { line: r#"time="2026-03-02T12:10:50Z" level=warning msg="access denied" arn="arn:aws:iam::111122223333:root" client="127.0.0.1:42974" error="ARN is not mapped: arn:aws:iam::111122223333:root" method=POST path=/authenticate"#, symptom: Symptom::NotMappedRoot },],
};

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    vec![
        Remedy::new(Actor::Caller, "Sign out of the root user, and assume a role that has access to the cluster")
            .aws(Command::new("aws sts get-caller-identity --profile PROFILE"))
            .aws(steps::kubeconfig(case).option("--profile", "PROFILE")),
        Remedy::new(Actor::Security, "See when the root user's password and keys were used last")
            .aws(Command::new("aws iam generate-credential-report"))
            .aws(Command::new("aws iam get-credential-report --query Content --output text | base64 -d | head -n 2")),
    ]
}
