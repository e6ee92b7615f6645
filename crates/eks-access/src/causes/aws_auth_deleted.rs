use crate::catalogue::{Case, Cause, Claim, Detail, Example, Page, Tier};
use crate::remedy::{Command, Modes, Remedy, Tool};
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "aws-auth-deleted",
    title: "aws-auth was deleted",
    summary: "The aws-auth ConfigMap was deleted, and where aws-auth counts, everybody it listed, nodes included, is locked out.",
    tier: Tier::Specific,
    symptoms: &[Symptom::AwsAuthMalformed],
    actor: Actor::ClusterAdministrator,
    severity: Severity::Critical,
    page: Page {
        what_happened: "\
The `aws-auth` ConfigMap is gone. Every person and node that it let in is refused as \"not mapped\" from that moment on,
and nodes turn `NotReady`. Access entries go on working.",
        why: "\
Most likely first:

1. A pipeline or Terraform run removed it, for instance when a module stopped managing it.
2. Somebody deleted it by hand.",
        how_to_be_sure: "\
- The line says `Resetting configmap on delete`.
- `kubectl -n kube-system get configmap aws-auth` answers `NotFound`, if you can still log in.
- The audit log says who deleted it.",
        what_to_do: "\
Look at the authentication mode first. In the mode `API` the cluster does not use `aws-auth`: nothing is locked out by
it, and there is nothing to mend.

If all nodes and people have access entries already, nothing is lost: check that, and leave it.

Otherwise put the nodes back first, then people. The list of rows stands in your code, or in the audit log. Whoever
created the cluster can still log in, and so can principals with access entries.

Never restore it from a template of another cluster: the rows of the nodes differ.",
        if_it_comes_back: "\
Move nodes and people to access entries, which cannot be lost in one go, and protect the ConfigMap in the code that
manages it (Terraform: `prevent_destroy`).",
    },
    perhaps: &["aws-auth-malformed"],
    claim,
    remedies,
    examples: &[Example { line: r#"time="2026-03-05T09:02:46Z" level=info msg="Resetting configmap on delete""#, symptom: Symptom::AwsAuthMalformed },],
};

fn claim(case: &Case<'_>) -> Claim {
    if case.detail == Detail::AwsAuthDeleted { Claim::Yes } else { Claim::No }
}

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    if let Some(check) = steps::aws_auth_unused(case) {
        return vec![check];
    }
    let mut remedies = vec![
        Remedy::new(Actor::ClusterAdministrator, "See what is left; these commands change nothing in the cluster")
            .aws(steps::describe_cluster(case))
            .aws(steps::kubeconfig_aside(case))
            .command(Tool::Kubectl, Command::new("kubectl get nodes"))
            .aws(steps::eks("aws eks list-nodegroups", case)),
        Remedy::new(Actor::ClusterAdministrator, "Find who deleted it in the last hour, and the text before, in the audit log").aws(
            steps::read_aws_auth_changes(case),
        ),
        Remedy::new(Actor::ClusterAdministrator, "Find the role of each managed node group").aws(
            steps::eks("aws eks describe-nodegroup", case)
                .option("--nodegroup-name", "NODEGROUP")
                .then("--query nodegroup.nodeRole --output text"),
        ),
    ];
    let arn = format!("arn:{}:iam::{}:role/NODE_ROLE", steps::partition(case), steps::account(case));
    remedies.push(steps::node_mapping("Put the nodes' roles back first, one row each", case, &arn));
    remedies.push(
        Remedy::new(Actor::ClusterAdministrator, "Or give the nodes' roles access entries, which cannot be lost in one go")
            .modes(Modes::AccessEntries)
            .aws(steps::eks("aws eks create-access-entry", case).option("--principal-arn", "NODE_ROLE_ARN").option("--type", "EC2_LINUX")),
    );
    remedies
}
