use crate::catalogue::{Case, Cause, Claim, Example, Page, Tier};
use crate::finding::{Finding, claim_purpose};
use crate::remedy::Remedy;
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "fargate-role-not-mapped",
    title: "Fargate pod execution role not mapped",
    summary: "Pods on Fargate cannot start: nothing in this cluster lets in the role that starts them.",
    tier: Tier::Specific,
    symptoms: &[Symptom::NotMappedNode, Symptom::NotMapped],
    actor: Actor::ClusterAdministrator,
    severity: Severity::High,
    page: Page {
        what_happened: "\
The role's trust policy names `eks-fargate-pods.amazonaws.com`: Fargate starts pods with it, and joins each as a node of its
own (`fargate-...`). Neither an access entry nor an `aws-auth` row names the role, so pods of its Fargate profiles stay
`Pending`; those that run cannot renew their login.",
        why: "\
EKS makes the mapping when it makes a Fargate profile. It is gone, or never came:

1. Somebody deleted the access entry, or an edit of `aws-auth` dropped the row.
2. The role was deleted and made again after the profile.
3. The cluster's `aws-auth` was kept in code that does not know the row, and the code was run again.",
        how_to_be_sure: "\
- `kubectl describe pod` of a waiting pod says `Pod execution role is not found in auth config`.
- `aws eks describe-fargate-profile` names the role as its pod execution role.
- `aws eks describe-access-entry` for the role says `ResourceNotFoundException`.",
        what_to_do: "\
Create the entry again with type `FARGATE_LINUX`. It takes no groups and no policies. In a cluster with `aws-auth` only, the
row has the user name `system:node:{{SessionName}}`, the three groups of the command below, and the role without its path.

If pods still wait after that, make the profile again; EKS then makes the mapping by itself. Pods that wait are started
anew once the mapping is there.

Never give this role an entry of type `STANDARD`: it lets no Fargate node in.",
        if_it_comes_back: "\
- Leave entries and rows of Fargate roles to EKS: they belong in no list that your code replaces as a whole.
- Make one pod execution role for each cluster, and delete it only after its profiles.",
    },
    perhaps: &["entry-outlived-its-role", "aws-auth-malformed", "aws-auth-deleted"],
    claim,
    remedies,
    examples: &[Example { line: r#"time="2026-03-06T00:13:11Z" level=warning msg="access denied" arn="arn:aws:iam::111122223333:role/AmazonEKSFargatePodExecutionRole" client="127.0.0.1:42021" error="identity is not mapped" method=POST path=/authenticate"#, symptom: Symptom::NotMappedNode }],
};

fn claim(case: &Case<'_>) -> Claim {
    claim_purpose(case, |finding| matches!(finding, Finding::Fargate), &["fargate"])
}

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    let checks = steps::checks(case).aws(steps::eks("aws eks list-fargate-profiles", case));
    let Some(role) = steps::Grantee::role(case) else { return vec![checks] };
    let lead = "If a Fargate profile of the cluster has this role, ";
    let mut remedies = vec![checks];
    remedies.extend(steps::node_entries(steps::NodeType::FargateLinux, lead, &role, case));
    remedies
}
