use crate::catalogue::{Case, Cause, Claim, Example, Page, Tier};
use crate::finding::{Finding, claim_purpose};
use crate::remedy::Remedy;
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "auto-mode-node-role-not-mapped",
    title: "Auto Mode nodes' role not mapped",
    summary: "Nodes of EKS Auto Mode cannot join, because the access entry of their role is missing.",
    tier: Tier::Specific,
    symptoms: &[Symptom::NotMappedNode, Symptom::NotMapped],
    actor: Actor::ClusterAdministrator,
    severity: Severity::High,
    page: Page {
        what_happened: "\
The cluster runs EKS Auto Mode, and the role is the one of its nodes. No access entry names it, so new nodes cannot join, and
pods that need them stay `Pending`.",
        why: "\
1. A node class of yours (`NodeClass`, `spec.role`) has a role for which nobody made an entry. EKS makes one only for the
   role of the built-in node pools.
2. The role of a node class or of the cluster's Auto Mode was changed, and the new one has no entry.
3. Somebody deleted the entry that EKS had made, or the role was made again.
4. The entry has the type of self-managed nodes, `EC2_LINUX`, in another cluster from which it was copied.",
        how_to_be_sure: "\
- `aws eks describe-cluster --query cluster.computeConfig.nodeRoleArn` is the role of the built-in node pools.
- `kubectl get nodeclasses -o yaml` shows the role of each node class.
- `aws eks describe-access-entry` for the role says `ResourceNotFoundException`.",
        what_to_do: "\
Create an access entry of type `EC2` and associate AmazonEKSAutoNodePolicy with it, for the whole cluster: both are needed.
That holds for the role of a node class of yours, and also to repair the entry that EKS had made for the built-in node pools.
Otherwise leave that one to EKS.

`aws-auth` is no way in for these nodes. Never give their role an entry of type `STANDARD`: no node can join with it.",
        if_it_comes_back: "\
Keep the entry and its policy in the same code as the node class and its role.",
    },
    perhaps: &["entry-outlived-its-role", "ec2-instance-role-not-mapped"],
    claim,
    remedies,
    examples: &[Example { line: r#"time="2026-03-04T14:41:11Z" level=warning msg="access denied" arn="arn:aws:iam::111122223333:role/AmazonEKSAutoNodeRole" client="127.0.0.1:42403" error="identity is not mapped" method=POST path=/authenticate"#, symptom: Symptom::NotMappedNode }],
};

fn claim(case: &Case<'_>) -> Claim {
    claim_purpose(case, |finding| matches!(finding, Finding::AutoModeNodes), &["eksautonode", "-autonoderole-"])
}

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    let checks = steps::checks(case).aws(
        steps::eks_named("aws eks describe-cluster", case)
            .option("--query", "cluster.computeConfig"),
    );
    let Some(role) = steps::Grantee::role(case) else { return vec![checks] };
    let mut remedies = vec![checks];
    let lead = "If the built-in node pools or a node class have this role, ";
    remedies.extend(steps::node_entries(steps::NodeType::AutoMode, lead, &role, case));
    remedies
}
