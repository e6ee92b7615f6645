use crate::catalogue::{Case, Cause, Example, Page, Tier, by_symptom};
use crate::remedy::Remedy;
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "node-not-mapped",
    title: "node role not mapped",
    summary: "A node, or a pod host of Fargate, tried to join, but the cluster does not know its role.",
    tier: Tier::General,
    symptoms: &[Symptom::NotMappedNode],
    actor: Actor::ClusterAdministrator,
    severity: Severity::High,
    page: Page {
        what_happened: "\
Somebody logged in with a role whose name, or whose session's name, is like a node's: most likely a kubelet with the role
of its node. AWS vouched for the role, but the cluster has no access entry of a node type and no `aws-auth` row for it, so
the node cannot join; or, if it had joined before, it turns `NotReady`. It keeps trying, so the same line comes back every
few seconds.

**A session's name proves nothing.** Whoever assumes a role chooses it, and may write `i-...` to look like a node. A role
that is let in as a node's can act as a node of the cluster.",
        why: "\
Most likely first:

1. The role's access entry or `aws-auth` row was removed, often by an edit that replaced the whole ConfigMap.
2. Self-managed or Karpenter nodes use a role that nobody has registered. EKS registers only the roles of managed node
   groups and Fargate profiles.
3. The row names the instance profile, or has the role's path; it must name the role, without path.
4. The role was deleted and made again: its access entry remembers the old unique id.
5. The entry has the wrong type, or is `STANDARD`.
6. `aws-auth` cannot be read at all: then every node is out. See [aws-auth cannot be read](aws-auth-malformed.md).
7. It is no node: a person or program used the role, or a session's name of that form, by mistake or on purpose.",
        how_to_be_sure: "\
- Prove that it is a node's role: `aws iam list-instance-profiles-for-role`. A role without an instance profile is no EC2
  node's role. Roles of hybrid nodes and of Fargate have none; their trust policy names `ssm.amazonaws.com` or
  `rolesanywhere.amazonaws.com`, or `eks-fargate-pods.amazonaws.com`. If a person or another account may assume the role as
  well, find out who called before you let it in.
- `kubectl get nodes` shows whether nodes that had joined are `NotReady`.
- Find the role that the instances really use: `aws ec2 describe-instances --instance-ids INSTANCE_ID --region REGION
  --query \"Reservations[].Instances[].IamInstanceProfile.Arn\"`, then `aws iam get-instance-profile`.
- The commands below show the role's unique id and the entry's type and date, if there is one.",
        what_to_do: "\
Do nothing for a role that is not proved to be a node's; tell the security team if nobody knows why it called.

Managed node groups and Fargate profiles: EKS makes the mapping when it makes them. If it is gone, create the entry
again with the right type as below, or create a new node group or profile and move over. Do not remove entries or rows that EKS made.

Self-managed and Karpenter nodes: create the entry with the type of the nodes: `EC2_LINUX` (Bottlerocket too),
`EC2_WINDOWS`, `HYBRID_LINUX`, or for an Auto Mode node class `EC2` with AmazonEKSAutoNodePolicy. The role must
be in the cluster's account. Whoever creates it needs `iam:PassRole` on the role.

Never give a node role an entry of type `STANDARD`: it overrides the node mapping, and every node of that role drops out.",
        if_it_comes_back: "\
- Keep the entry in the same code as the node role, and never replace the whole ConfigMap when adding a row.
- Watch for `NotReady` nodes and for this line: a node that loses its mapping stays up for a while, and the next
  scale-out is what fails.",
    },
    perhaps: &["aws-auth-malformed", "aws-auth-deleted", "cluster-role-may-not-look-up-nodes"],
    claim: by_symptom,
    remedies,
    examples: &[Example { line: r#"time="2026-03-02T10:05:25Z" level=warning msg="access denied" arn="arn:aws:iam::111122223333:role/KarpenterNodeRole-prod-eu" client="127.0.0.1:41384" error="identity is not mapped" method=POST path=/authenticate"#, symptom: Symptom::NotMappedNode }, Example { line: r#"time="2026-03-02T17:18:54Z" level=warning msg="access denied" arn="arn:aws:iam::111122223333:role/eksctl-prod-eu-nodegroup-ng-2-NodeInstanceRole-7QWERTYUIOP1" client="127.0.0.1:41702" error="Identity is not mapped" method=POST path=/authenticate"#, symptom: Symptom::NotMappedNode }, Example { line: r#"time="2026-03-02T13:31:23Z" level=warning msg="access denied" arn="arn:aws:iam::111122223333:role/AmazonEKSFargatePodExecutionRole" client="127.0.0.1:42020" error="ARN is not mapped" method=POST path=/authenticate"#, symptom: Symptom::NotMappedNode }, Example { line: r#"time="2026-03-02T09:44:52Z" level=warning msg="access denied" arn="arn:aws:iam::111122223333:role/AmazonEKSHybridNodesRole" client="127.0.0.1:42338" error="ARN is not mapped: arn:aws:iam::111122223333:role/amazonekshybridnodesrole" method=POST path=/authenticate"#, symptom: Symptom::NotMappedNode },],
};

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    let checks = steps::checks(case).aws(steps::eks("aws eks list-nodegroups", case));
    let Some(role) = steps::Grantee::role(case) else { return vec![checks] };
    let mut remedies = vec![steps::prove_node_role(&role), checks];
    if let Some(entry) = case.facts.own_entry() {
        let title = "Look at the entry that is there and ask who uses it: no node can join with one of type STANDARD, and a \
                     type can't be changed, so it has to go before the nodes get theirs";
        remedies.push(steps::look_at_entry(title, case, &entry.principal));
    }
    remedies.extend(steps::node_remedies(&role, case));
    remedies
}
