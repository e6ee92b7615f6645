use crate::catalogue::{Case, Cause, Example, Page, Tier, by_symptom};
use crate::remedy::{Command, Remedy};
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "federated-user-not-mapped",
    title: "federated user not mapped",
    summary: "You called as an STS federated user; a cluster can let in roles and IAM users, not federated users.",
    tier: Tier::General,
    symptoms: &[Symptom::NotMappedFederated],
    actor: Actor::Caller,
    severity: Severity::Medium,
    page: Page {
        what_happened: "\
The credentials come from `sts:GetFederationToken`, so AWS names you `federated-user/NAME`. That is a session, not a
role or a user, and the cluster has no mapping for it. No access entry can name a federated user.",
        why: "\
Most likely first:

1. A broker or an old sign-in tool of your company hands out federation tokens instead of assuming a role.
2. A script calls `GetFederationToken` with an IAM user's keys.",
        how_to_be_sure: "\
`aws sts get-caller-identity` shows `arn:aws:sts::ACCOUNT_ID:federated-user/NAME`.",
        what_to_do: "\
Assume a role and call with it: through IAM Identity Center, `sts:AssumeRole` or your identity provider's role sign-in.
Then ask a cluster administrator to let that role in; see [principal not mapped](principal-not-mapped.md).",
        if_it_comes_back: "\
Change the broker to `AssumeRole`. Roles can be limited, named in access entries, and told apart in audit logs.",
    },
    perhaps: &["identity-cannot-log-in"],
    claim: by_symptom,
    remedies,
    examples: &[Example { line: r#"time="2026-03-02T08:23:19Z" level=warning msg="access denied" arn="arn:aws:sts::111122223333:federated-user/dana" client="127.0.0.1:43292" error="identity is not mapped" method=POST path=/authenticate"#, symptom: Symptom::NotMappedFederated }, Example { line: r#"time="2026-03-02T15:36:48Z" level=warning msg="access denied" arn="arn:aws:sts::111122223333:federated-user/build" client="127.0.0.1:43610" error="ARN is not mapped" method=POST path=/authenticate"#, symptom: Symptom::NotMappedFederated },],
};

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    vec![
        steps::who_am_i(case),
        Remedy::new(Actor::Caller, "Assume a role, and write a kubeconfig that uses it")
            .aws(Command::new("aws sts assume-role --role-session-name check").option("--role-arn", "ROLE_ARN")
                .then("--query AssumedRoleUser.Arn --output text"))
            .aws(steps::kubeconfig(case).option("--role-arn", "ROLE_ARN")),
    ]
}
