use crate::catalogue::{Case, Cause, Claim, Example, Page, Tier};
use crate::finding::{Finding, claim_purpose};
use crate::remedy::Remedy;
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "karpenter-node-role-not-mapped",
    title: "Karpenter nodes' role not mapped",
    summary: "A node that Karpenter started cannot join, because nothing in this cluster lets its role in.",
    tier: Tier::Specific,
    symptoms: &[Symptom::NotMappedNode, Symptom::NotMapped],
    actor: Actor::ClusterAdministrator,
    severity: Severity::High,
    page: Page {
        what_happened: "\
EC2 instances may have this role, and it is named like the role of Karpenter's nodes. Nothing maps it, so the instances start,
cost money, and never become nodes. Karpenter ends them after some 15 minutes and starts others.",
        why: "\
EKS maps the roles of managed node groups, and no others. Most likely first:

1. Nobody has registered the role that the node class (`EC2NodeClass`, `spec.role`) names.
2. The node class names another role, or an instance profile with another role, than the one that is mapped.
3. The entry or row was dropped by code that replaces the whole list, or the role was made again.
4. The row in `aws-auth` names the instance profile, or has the role's path.",
        how_to_be_sure: "\
- `kubectl get nodeclaims` shows claims that are launched and not registered.
- `kubectl get ec2nodeclasses -o yaml` shows the role.
- The role is a node's if it is in the instance profile of instances that carry the cluster's tag; the commands below show it.
  Its name alone proves nothing.",
        what_to_do: "\
Create an access entry of type `EC2_LINUX` for Karpenter's node role, Bottlerocket too (`EC2_WINDOWS` for Windows). It takes no
groups and no policies. In a cluster with `aws-auth` only, add a row with the role, not the instance profile, and without path.

The role of Karpenter's controller is another one and needs no entry: the controller has a service account.

Never give the nodes' role an entry of type `STANDARD`: no node can join with it.",
        if_it_comes_back: "\
Keep the entry in the same code as the role. Karpenter's own CloudFormation template does not make it; eksctl and the
Karpenter module of terraform-aws-eks do.",
    },
    perhaps: &["entry-outlived-its-role", "auto-mode-node-role-not-mapped", "aws-auth-malformed"],
    claim,
    remedies,
    examples: &[Example { line: r#"time="2026-03-02T08:26:11Z" level=warning msg="access denied" arn="arn:aws:iam::111122223333:role/KarpenterNodeRole-prod-eu" client="127.0.0.1:41385" error="identity is not mapped" method=POST path=/authenticate"#, symptom: Symptom::NotMappedNode }],
};

fn claim(case: &Case<'_>) -> Claim {
    claim_purpose(case, |finding| matches!(finding, Finding::KarpenterNodes), &["karpenternoderole"])
}

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    let checks = steps::checks(case);
    let Some(role) = steps::Grantee::role(case) else { return vec![checks] };
    let mut remedies = vec![steps::find_nodes(&role, case), checks];
    let lead = "If the cluster's instances have this role, ";
    remedies.extend(steps::node_entries(steps::NodeType::Ec2Linux, lead, &role, case));
    remedies
}
