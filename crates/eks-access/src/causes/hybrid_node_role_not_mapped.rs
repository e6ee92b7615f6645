use crate::catalogue::{Case, Cause, Claim, Example, Page, Tier};
use crate::finding::{Finding, claim_purpose};
use crate::remedy::Remedy;
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "hybrid-node-role-not-mapped",
    title: "hybrid nodes' role not mapped",
    summary: "A machine outside AWS tried to join as a hybrid node, and nothing in this cluster lets its role in.",
    tier: Tier::Specific,
    symptoms: &[Symptom::NotMappedNode, Symptom::NotMapped],
    actor: Actor::ClusterAdministrator,
    severity: Severity::High,
    page: Page {
        what_happened: "\
The role's trust policy names Systems Manager (`ssm.amazonaws.com`) or IAM Roles Anywhere (`rolesanywhere.amazonaws.com`), and
the session is like a node's: a machine outside AWS called as a hybrid node. Nothing maps the role, so it cannot join.",
        why: "\
1. The access entry of type `HYBRID_LINUX` was never made. EKS makes none for hybrid nodes.
2. The entry was deleted, or the role was made again.
3. The cluster has `aws-auth` only (`CONFIG_MAP`). Hybrid nodes cannot join such a cluster at all.
4. The machine is managed by Systems Manager for another purpose, and a program on it called the cluster.",
        how_to_be_sure: "\
- `aws eks describe-cluster` shows the authentication mode, and `remoteNetworkConfig` if the cluster is made for hybrid nodes.
- On the machine, `nodeadm debug` and the kubelet's log show whether it is a hybrid node, and of which cluster.
- A session `mi-...` is a machine of Systems Manager; with IAM Roles Anywhere it is the node's name.",
        what_to_do: "\
Create an access entry of type `HYBRID_LINUX`; it takes no groups and no policies. The role must be in the cluster's account.
The machine tries again by itself.

In `API_AND_CONFIG_MAP` a row of `aws-auth` with the user name `system:node:{{SessionName}}` works as well, but an entry is
harder to lose. With `CONFIG_MAP`, let the cluster have access entries first; to change the authentication mode is one-way. The
cluster needs remote networks (`remoteNetworkConfig`) too.

A program on such a machine that is no node needs a role of its own.",
        if_it_comes_back: "\
Keep the entry in the same code as the role, and use the role for nodes of one cluster only.",
    },
    perhaps: &["entry-outlived-its-role", "ec2-instance-role-not-mapped", "aws-auth-malformed"],
    claim,
    remedies,
    examples: &[Example { line: r#"time="2026-03-04T19:36:11Z" level=warning msg="access denied" arn="arn:aws:iam::111122223333:role/AmazonEKSHybridNodesRole" client="127.0.0.1:42339" error="identity is not mapped" method=POST path=/authenticate"#, symptom: Symptom::NotMappedNode }],
};

fn claim(case: &Case<'_>) -> Claim {
    claim_purpose(case, |finding| matches!(finding, Finding::HybridNodes), &["hybridnode", "hybrid-node"])
}

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    let checks = steps::checks(case).aws(
        steps::eks_named("aws eks describe-cluster", case)
            .option("--query", "cluster.remoteNetworkConfig"),
    );
    let Some(role) = steps::Grantee::role(case) else { return vec![checks] };
    let mut remedies = vec![checks];
    remedies.extend(steps::add_access_entries("hybrid nodes cannot join without", case));
    let lead = "If the machine is a hybrid node of this cluster, ";
    remedies.extend(steps::node_entries(steps::NodeType::HybridLinux, lead, &role, case));
    remedies
}
