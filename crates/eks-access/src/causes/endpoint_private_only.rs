use crate::catalogue::{Case, Cause, Claim, Example, Page, Tier};
use crate::facts::Fact;
use crate::remedy::{Command, Remedy, Tool};
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "endpoint-private-only",
    title: "cluster's endpoint is private only",
    summary: "The cluster's address leads only into its VPC, and your machine is outside; you were neither let in nor refused.",
    tier: Tier::Specific,
    symptoms: &[Symptom::ClientTimeout],
    actor: Actor::Caller,
    severity: Severity::Low,
    page: Page {
        what_happened: "\
The cluster's public endpoint is off. Its name is known everywhere, but leads to private addresses in the cluster's VPC. From
outside there is no answer (`i/o timeout`). No login took place, and this is no question of access rights.",
        why: "\
1. The VPN is not connected, or does not lead to the cluster's VPC.
2. You work from a network that never led there: a laptop without VPN, a hosted CI runner, another VPC without peering.
3. You are inside, and the cluster's security group does not let your addresses in on port 443.
4. The public endpoint was turned off a short time ago, on purpose.",
        how_to_be_sure: "\
The first command below says `False True`: public off, private on. `curl` from a machine inside the VPC gets an answer, of
whatever kind; from yours it gets none.",
        what_to_do: "\
Connect the VPN, or work from a machine inside the VPC or a network that is peered with it: a bastion, a cloud shell in the VPC,
a self-hosted runner. If you are inside already, ask the cluster administrator to let your addresses in on port 443 in the
cluster's security group.

No access entry, no `aws-auth` row and no new kubeconfig can help.

Do not open the endpoint to the whole internet for this.",
        if_it_comes_back: "\
Give people and pipelines a fixed way in, and write it down beside the kubeconfig.",
    },
    perhaps: &["endpoint-unreachable"],
    claim,
    remedies,
    examples: &[Example { line: "Unable to connect to the server: dial tcp 10.0.12.34:443: i/o timeout", symptom: Symptom::ClientTimeout }],
};

fn claim(case: &Case<'_>) -> Claim {
    match &case.facts.cluster {
        Fact::Known(cluster) if !cluster.endpoint.is_public => Claim::Yes,
        Fact::Known(_) => Claim::No,
        Fact::Unknown(_) => Claim::Perhaps("whether the cluster's endpoint is public"),
    }
}

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    let describe = |query| steps::eks_named("aws eks describe-cluster", case).option("--query", query).then("--output text");
    vec![
        Remedy::new(Actor::Caller, "Connect the VPN or work from inside the cluster's VPC, then see whether the endpoint answers")
            .aws(describe("cluster.resourcesVpcConfig.[endpointPublicAccess,endpointPrivateAccess]"))
            .aws(describe("cluster.endpoint"))
            .command(Tool::Shell, Command::new("curl --silent --show-error --max-time 10 --output /dev/null ENDPOINT/version")),
        Remedy::new(
            Actor::ClusterAdministrator,
            "If the network leads there, let the caller's address range in on port 443 in the cluster's security group",
        )
        .aws(describe("cluster.resourcesVpcConfig.[vpcId,clusterSecurityGroupId]"))
        .aws(
            Command::new("aws ec2 authorize-security-group-ingress --group-id CLUSTER_SECURITY_GROUP_ID")
                .option("--region", case.cluster.region_or_placeholder())
                .then("--protocol tcp --port 443 --cidr CALLERS_CIDR"),
        ),
    ]
}
