use crate::catalogue::{Case, Cause, Claim, Example, Page, Tier};
use crate::facts::Fact;
use crate::remedy::{Command, Remedy};
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "cluster-role-deleted",
    title: "cluster's own role was deleted",
    summary: "The IAM role that the control plane works with is gone, so no node can join.",
    tier: Tier::Specific,
    symptoms: &[Symptom::NodeDnsLookupDenied],
    actor: Actor::IamAdministrator,
    severity: Severity::High,
    page: Page {
        what_happened: "\
To let a node in, the control plane asks EC2 for the instance, as the cluster's own role. IAM has no role of that name any
more. No new node can join, nodes that are up drop out when they log in again, and load balancers and network interfaces are
no longer managed.",
        why: "\
Somebody deleted the role: with a stack or a Terraform module that held it, in a clean-up of unused roles, or to make it anew
under another name.",
        how_to_be_sure: "\
- `aws eks describe-cluster --query cluster.roleArn` names the role, and `aws iam get-role` says `NoSuchEntity`.
- `aws eks describe-cluster --query cluster.health` may list `IamRoleNotFound`.
- CloudTrail (in us-east-1 for IAM) has the `DeleteRole` event, with who did it.",
        what_to_do: "\
Create the role again with exactly the same name and path, trusted by `eks.amazonaws.com`, with AmazonEKSClusterPolicy. A
cluster's role cannot be exchanged for another. Nodes come in by themselves within minutes.

A cluster of Auto Mode needs `sts:TagSession` in the trust policy and four more policies. The role's access entry belongs to the
one that was deleted: note it down, delete it and create it again, of the same type and with the same policies.

Do not touch the nodes' role, their entries or `aws-auth`: they are not at fault.",
        if_it_comes_back: "\
Keep the role in the same code as the cluster, with deletion guarded (Terraform: `prevent_destroy`), and raise an alarm on
`DeleteRole` for it.",
    },
    perhaps: &["cluster-role-may-not-look-up-nodes", "cluster-role-does-not-trust-eks"],
    claim,
    remedies,
    examples: &[Example { line: r#"time="2026-03-08T02:30:11Z" level=warning msg="access denied" arn="arn:aws:iam::111122223333:role/workers" client="127.0.0.1:45519" error="mapper DynamicFile renderTemplates error: error rendering username template \"system:node:{{EC2PrivateDNSName}}\": failed querying private DNS from EC2 API for node i-0f3c5d7e9a1b2c4d6: operation error EC2: DescribeInstances, get identity: get credentials: failed to refresh cached credentials, operation error STS: AssumeRole, https response error StatusCode: 403, RequestID: 2b9f6c1e-8a4d-4c7b-9e0f-1d2c3b4a5e6f, api error AccessDenied: User: arn:aws:sts::444455556666:assumed-role/control-plane/1772438400 is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/prod-eu-cluster " method=POST path=/authenticate"#, symptom: Symptom::NodeDnsLookupDenied }],
};

fn claim(case: &Case<'_>) -> Claim {
    match &case.facts.cluster_role {
        Fact::Known(None) => Claim::Yes,
        Fact::Known(Some(_)) => Claim::No,
        Fact::Unknown(_) => Claim::Perhaps("whether IAM still has the cluster's role"),
    }
}

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    let role = steps::ClusterRole::of(case);
    let create = Command::new("aws iam create-role")
        .option("--role-name", role.name())
        .option("--path", role.path())
        .option("--assume-role-policy-document", role.trust_policy());
    let restore = Remedy::new(
        Actor::IamAdministrator,
        "Create the role again with the same name and path, and give it the policies of a cluster",
    )
    .aws(create);
    vec![role.look(case), role.attach_policies(restore, case), steps::nodes_come_back(case)]
}
