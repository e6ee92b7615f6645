use crate::catalogue::{Case, Cause, Example, Page, Tier, by_symptom};
use crate::principal::Principal;
use crate::remedy::{Command, Modes, Remedy, Tool};
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "node-session-is-no-instance",
    title: "node mapping used by something else",
    summary: "Your role is mapped as a node, but you are no EC2 instance, so the cluster cannot find a node name for you.",
    tier: Tier::General,
    symptoms: &[Symptom::NodeSessionNotInstance],
    actor: Actor::ClusterAdministrator,
    severity: Severity::Medium,
    page: Page {
        what_happened: "\
The mapping of this role builds the user name from `{{EC2PrivateDNSName}}`: it expects a session named after an EC2
instance (`i-...`). The session that called has another name, so the name could not be built and the login was refused.",
        why: "\
Most likely first:

1. A person or a pipeline assumed the nodes' role to reach the cluster.
2. A row for people was copied from a node's row, with its user name.
3. Fargate or hybrid nodes (sessions `fargate-...`, `mi-...`) are mapped like EC2 nodes. They need `{{SessionName}}`.",
        how_to_be_sure: "\
- `aws sts get-caller-identity` shows the session after the last `/`. Is it an instance id?
- `eksctl get iamidentitymapping --cluster CLUSTER_NAME --region REGION`, or `aws eks describe-access-entry`, shows the user name of the mapping.",
        what_to_do: "\
People and pipelines: call with a role of your own, and have that role let in; see [principal not mapped](principal-not-mapped.md).
Leave the nodes' mapping as it is.

Fargate and hybrid nodes: give their role a mapping of its own, with an access entry of type `FARGATE_LINUX` or
`HYBRID_LINUX`, or in `aws-auth` the user name `system:node:{{SessionName}}`.

Never change the nodes' row to suit a person: the nodes would drop out.",
        if_it_comes_back: "\
Let only `ec2.amazonaws.com` assume the nodes' role, so that nobody else can call with it.",
    },
    perhaps: &["node-not-mapped", "principal-not-mapped"],
    claim: by_symptom,
    remedies,
    examples: &[Example { line: r#"time="2026-03-02T10:28:44Z" level=warning msg="access denied" arn="arn:aws:iam::111122223333:role/KarpenterNodeRole-prod-eu" client="127.0.0.1:44882" error="mapper EKSConfigMap renderTemplates error: error rendering username template \"system:node:{{EC2PrivateDNSName}}\": SessionName did not contain an instance id" method=POST path=/authenticate"#, symptom: Symptom::NodeSessionNotInstance }, Example { line: r#"time="2026-03-02T17:41:13Z" level=warning msg="access denied" arn="arn:aws:iam::111122223333:role/NodeInstanceRole" client="127.0.0.1:45200" error="failed mapping username: SessionName did not contain an instance id" method=POST path=/authenticate"#, symptom: Symptom::NodeSessionNotInstance },],
};

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    if let Some(remedies) = of_other_nodes(case) {
        return remedies;
    }
    vec![
        steps::checks(case).command(Tool::Eksctl, steps::eksctl("eksctl get iamidentitymapping", case)),
        Remedy::new(Actor::Caller, "Call with a role of your own, not with the nodes' role")
            .aws(steps::kubeconfig(case).option("--role-arn", "ROLE_ARN"))
            .command(Tool::Kubectl, Command::new("kubectl auth whoami")),
        Remedy::new(
            Actor::IamAdministrator,
            "See who else but EC2 may assume the nodes' role",
        )
        .aws(Command::new("aws iam get-role").option("--role-name", case.principal.map_or("ROLE_NAME", Principal::name))
            .then("--query Role.AssumeRolePolicyDocument")),
    ]
}

/// Hybrid nodes and Fargate with a mapping that was made for instances.
fn of_other_nodes(case: &Case<'_>) -> Option<Vec<Remedy>> {
    let trust = case.facts.trust().filter(|trust| !trust.is_of_ec2())?;
    let role = steps::Grantee::role(case)?;
    let kind = if trust.is_of_fargate() {
        steps::NodeType::FargateLinux
    } else if trust.is_of_hybrid_nodes() {
        steps::NodeType::HybridLinux
    } else {
        return None;
    };
    let mut remedies = vec![steps::checks(case)];
    if let Some(entry) = case.facts.own_entry() {
        remedies.push(steps::note_entry_down(case, entry));
        let title = "Delete the entry for EC2 instances: its type cannot be changed, and no instance can have this role";
        remedies.push(
            Remedy::new(Actor::ClusterAdministrator, title)
                .modes(Modes::AccessEntries)
                .aws(role.delete_old_entry(case, &entry.principal.to_string())),
        );
    }
    remedies.extend(steps::node_entries(kind, "If nodes of that kind have this role, ", &role, case));
    Some(remedies)
}
