use crate::catalogue::{Case, Cause, Claim, Example, Page, Tier};
use crate::finding::{Finding, claim_purpose};
use crate::remedy::Remedy;
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "ec2-instance-role-not-mapped",
    title: "role of EC2 instances not mapped",
    summary: "An EC2 instance called with its role, as a node or as a plain machine, and nothing in this cluster lets that role in.",
    tier: Tier::Specific,
    symptoms: &[Symptom::NotMappedNode, Symptom::NotMapped],
    actor: Actor::ClusterAdministrator,
    severity: Severity::High,
    page: Page {
        what_happened: "\
The role's trust policy names EC2, and no person or other account: instances call with it. Nothing in the cluster maps it. If the
instance is a node, it cannot join or turns `NotReady`. If it is a plain machine, a program on it got `Unauthorized`.",
        why: "\
A node:

1. Self-managed nodes whose role nobody has registered. EKS maps the roles of managed node groups only.
2. The entry or row of a node group was removed, often by an edit that replaced the whole ConfigMap.
3. The role was deleted and made again, or the row in `aws-auth` names the instance profile or has the role's path.

No node:

1. A CI runner, a bastion or a deployment machine uses kubectl without a role of its own: kubectl takes the instance's.
2. A pod called with its node's role, because it has no IAM role of its own and the instance metadata is open to it.",
        how_to_be_sure: "\
The commands below show the profile that holds the role, the cluster's instances with their profiles, and the node groups.

- The profile is among the cluster's instances, or a node group has the role: it is a node's.
- The profile is only on other instances, such as a runner or a bastion: it is no node's.
- A call now and then, with pauses, is a program's; a kubelet calls every few seconds.",
        what_to_do: "\
A node: create an access entry of type `EC2_LINUX` (`EC2_WINDOWS` for Windows, `EC2` with AmazonEKSAutoNodePolicy for a node
class of Auto Mode). If a managed node group lost its mapping, that also repairs it.

No node: let the program call with a role of its own, which the instance's role may assume, and have that role let in. A pod
should use its service account.

Never give a node's role an entry of type `STANDARD`: it overrides the mapping, and every node of that role drops out.",
        if_it_comes_back: "\
- Keep the entry in the same code as the nodes' role.
- Require IMDSv2 with a hop limit of 1 on nodes, so that pods cannot call as their node.",
    },
    perhaps: &["entry-outlived-its-role", "karpenter-node-role-not-mapped", "aws-auth-malformed", "cluster-role-may-not-look-up-nodes"],
    claim,
    remedies,
    examples: &[Example { line: r#"time="2026-03-08T04:49:11Z" level=warning msg="access denied" arn="arn:aws:iam::111122223333:role/workers" client="127.0.0.1:41703" error="identity is not mapped" method=POST path=/authenticate"#, symptom: Symptom::NotMapped }, Example { line: r#"time="2026-03-08T12:57:11Z" level=warning msg="access denied" arn="arn:aws:iam::111122223333:role/ci-runner" client="127.0.0.1:41711" error="Identity is not mapped" method=POST path=/authenticate"#, symptom: Symptom::NotMapped }],
};

fn claim(case: &Case<'_>) -> Claim {
    claim_purpose(case, |finding| matches!(finding, Finding::Ec2Instances), &["nodeinstance", "nodegroup", "node-group", "bastion"])
}

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    let checks = steps::checks(case);
    let Some(role) = steps::Grantee::role(case) else { return vec![checks] };
    let mut remedies = vec![steps::find_nodes(&role, case), checks];
    let has_auto_mode = case.facts.cluster.known().is_some_and(|cluster| cluster.has_auto_mode);
    let mut kinds = vec![(steps::NodeType::Ec2Linux, "If it is a node's role, ")];
    if has_auto_mode {
        kinds = vec![
            (steps::NodeType::Ec2Linux, "If it is the role of nodes that Auto Mode did not start, "),
            (steps::NodeType::AutoMode, "If it is the role of a node class of Auto Mode, "),
        ];
    }
    for (kind, lead) in kinds {
        remedies.extend(steps::node_entries(kind, lead, &role, case));
    }
    remedies.push(steps::call_with_own_role(
        "If the instance is no node, call with a role of its own that the instance's role may assume",
        case,
    ));
    remedies
}
