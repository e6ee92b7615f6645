use crate::catalogue::{Case, Cause, Claim, Example, Page, Tier};
use crate::facts::Fact;
use crate::remedy::{Command, Remedy};
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "cluster-role-does-not-trust-eks",
    title: "cluster's own role does not trust EKS",
    summary: "The trust policy of the cluster's own role no longer lets EKS assume it, so no node can join.",
    tier: Tier::Specific,
    symptoms: &[Symptom::NodeDnsLookupDenied],
    actor: Actor::IamAdministrator,
    severity: Severity::High,
    page: Page {
        what_happened: "\
To let a node in, the control plane asks EC2 for the instance, as the cluster's own role. The role is there, but its trust policy
does not name `eks.amazonaws.com`, so EKS cannot assume it. No new node can join, and nodes that are up drop out when they
log in again.",
        why: "\
Somebody edited the trust policy, or wrote it anew from other code: for another service, for a hardening that went too far, or
by a module that took the role for its own.",
        how_to_be_sure: "\
- `aws iam get-role --query Role.AssumeRolePolicyDocument` for the cluster's role shows no `eks.amazonaws.com` in an `Allow`.
- CloudTrail (in us-east-1 for IAM) has the `UpdateAssumeRolePolicy` event, with who did it and what was there before.",
        what_to_do: "\
Add a statement that lets `eks.amazonaws.com` call `sts:AssumeRole` (for Auto Mode `sts:TagSession` too). The command replaces
the whole policy: save the present one first, and merge what must stay. Nodes come in by themselves within minutes.

Do not touch the nodes' role, their entries or `aws-auth`: they are not at fault.",
        if_it_comes_back: "\
Keep the role in the same code as the cluster, use it for nothing else, and raise an alarm on `UpdateAssumeRolePolicy` for
it.",
    },
    perhaps: &["cluster-role-may-not-look-up-nodes", "cluster-role-deleted"],
    claim,
    remedies,
    examples: &[Example { line: r#"time="2026-03-02T04:32:11Z" level=warning msg="access denied" arn="arn:aws:iam::111122223333:role/workers" client="127.0.0.1:45521" error="mapper DynamicFile renderTemplates error: error rendering username template \"system:node:{{EC2PrivateDNSName}}\": failed querying private DNS from EC2 API for node i-0f3c5d7e9a1b2c4d6: operation error EC2: DescribeInstances, get identity: get credentials: failed to refresh cached credentials, operation error STS: AssumeRole, https response error StatusCode: 403, RequestID: 2b9f6c1e-8a4d-4c7b-9e0f-1d2c3b4a5e6f, api error AccessDenied: User: arn:aws:sts::444455556666:assumed-role/control-plane/1772438400 is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/prod-eu-cluster " method=POST path=/authenticate"#, symptom: Symptom::NodeDnsLookupDenied }],
};

fn claim(case: &Case<'_>) -> Claim {
    match &case.facts.cluster_role {
        Fact::Known(None) => Claim::No,
        Fact::Known(Some(role)) => match &role.trust {
            Some(trust) if trust.is_of_eks() => Claim::No,
            Some(_) => Claim::Yes,
            None => Claim::Perhaps("the trust policy of the cluster's role"),
        },
        Fact::Unknown(_) => Claim::Perhaps("the trust policy of the cluster's role"),
    }
}

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    let role = steps::ClusterRole::of(case);
    let save = Command::new("aws iam get-role")
        .option("--role-name", role.name())
        .then("--query Role.AssumeRolePolicyDocument > trust-policy-before.json");
    let update = Command::new("aws iam update-assume-role-policy")
        .option("--role-name", role.name())
        .option("--policy-document", role.trust_policy());
    vec![
        role.look(case),
        Remedy::new(
            Actor::IamAdministrator,
            "Save the trust policy, then let EKS assume the role; merge by hand what must stay, for this replaces the whole \
             policy",
        )
        .aws(save)
        .aws(update),
        steps::nodes_come_back(case),
    ]
}
