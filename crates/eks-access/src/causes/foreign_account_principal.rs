use crate::catalogue::{Case, Cause, Claim, Example, Page, Tier};
use crate::finding::Finding;
use crate::remedy::{Command, Remedy, Tool};
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "foreign-account-principal",
    title: "principal of another account",
    summary: "You called with a role or user of another AWS account than the cluster's, and it is not let in.",
    tier: Tier::Specific,
    symptoms: &[Symptom::NotMapped, Symptom::NotMappedNode, Symptom::NotMappedRoot, Symptom::NotMappedFederated],
    actor: Actor::ClusterAdministrator,
    severity: Severity::Medium,
    page: Page {
        what_happened: "\
Your credentials are good, but they belong to another AWS account than the cluster. The cluster has no access entry and
no `aws-auth` row for that principal, so the login was refused.",
        why: "\
Most likely first:

1. You were signed in to another account than you thought: the wrong profile, or a role of the organization.
2. A shared pipeline or tool in another account was never let in.
3. Nodes of another account try to join. They cannot: nodes must be in the cluster's account.
4. Somebody outside your organization is trying. The endpoint is public by default.",
        how_to_be_sure: "\
- As the caller, compare the account in `aws sts get-caller-identity` with the one in the cluster's ARN.
- As an administrator, ask: is that account one of ours? `aws organizations describe-account --account-id ACCOUNT_ID`.",
        what_to_do: "\
Use a role of the cluster's account: that is simplest to limit and to end. If there is none for you, the IAM
administrator of the cluster's account can make one that your role may assume.

Letting a principal of another account in directly is possible for roles and users, but the owner of that account must
agree, for whoever controls that account controls who uses the role. That is a decision for people; no command is given here.

If nobody knows the account, tell the security team. Nobody got in.",
        if_it_comes_back: "\
Give shared pipelines a role in each cluster's account. Limit the public endpoint to the networks you know.",
    },
    perhaps: &["principal-not-mapped", "aws-internal-principal"],
    claim,
    remedies,
    examples: &[Example { line: r#"time="2026-03-06T08:04:32Z" level=warning msg="access denied" arn="arn:aws:iam::444455556666:role/DevRole" client="127.0.0.1:63326" error="identity is not mapped" method=POST path=/authenticate"#, symptom: Symptom::NotMapped }, Example { line: r#"time="2026-03-06T15:17:01Z" level=warning msg="access denied" arn="arn:aws:iam::444455556666:user/dana" client="127.0.0.1:63644" error="ARN is not mapped" method=POST path=/authenticate"#, symptom: Symptom::NotMapped },],
};

fn claim(case: &Case<'_>) -> Claim {
    if case.principal.is_none() || steps::aws_called(case) || is_service_linked_session(case) {
        return Claim::No;
    }
    match case.cluster.account {
        None => Claim::Perhaps("the account of the cluster"),
        // The cluster has an entry for it, or for one that looks like it: that says more.
        Some(_) if Finding::of(case) != Finding::Open || case.facts.own_entry().is_some() => Claim::No,
        Some(_) if case.foreign_principal().is_some() => Claim::Yes,
        Some(_) => Claim::No,
    }
}

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    vec![
        steps::who_am_i(case),
        Remedy::new(Actor::ClusterAdministrator, "Compare the account with the cluster's; this command changes nothing")
            .aws(steps::describe_cluster(case)),
        Remedy::new(Actor::Security, "See whether the account belongs to your organization").aws(
            Command::new("aws organizations describe-account")
                .option("--account-id", case.principal.map_or("ACCOUNT_ID", |principal| principal.account().as_str())),
        ),
        Remedy::new(Actor::Caller, "Call with a role of the cluster's account")
            .aws(steps::kubeconfig(case).option("--role-arn", "ROLE_ARN"))
            .command(Tool::Kubectl, Command::new("kubectl auth whoami")),
    ]
}

/// Whether the cause of service-linked roles claims the case.
fn is_service_linked_session(case: &Case<'_>) -> bool {
    matches!(case.symptom, Symptom::NotMapped | Symptom::NotMappedNode) && steps::is_service_linked(case)
}
