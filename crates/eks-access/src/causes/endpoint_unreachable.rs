use crate::catalogue::{Case, Cause, Example, Page, Tier, by_symptom};
use crate::remedy::{Command, Remedy, Tool};
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "endpoint-unreachable",
    title: "cluster's endpoint not reachable",
    summary: "Your machine cannot reach the cluster's address; you were neither let in nor refused.",
    tier: Tier::General,
    symptoms: &[Symptom::ClientTimeout],
    actor: Actor::Caller,
    severity: Severity::Low,
    page: Page {
        what_happened: "\
kubectl got no answer from the cluster's address (`i/o timeout`), or could not find it by name (`no such host`). No login took place.",
        why: "\
Most likely first:

1. The endpoint is private, and you are outside its network, or your VPN is not connected.
2. The public endpoint is limited to certain addresses, and yours is not among them.
3. A security group or firewall between you and the endpoint does not allow port 443.
4. The cluster was deleted or recreated, and the kubeconfig has the old address.",
        how_to_be_sure: "\
The first command below shows whether the endpoint is public, and for whom. `curl` then tells a network fault (no answer)
from a refusal (an answer of any kind).",
        what_to_do: "\
Connect the VPN, or work from inside the network. Otherwise ask the cluster administrator to add your network's address, or
the security team for a rule to port 443 of the cluster's security group. If the address is old, write the kubeconfig again.

Do not open the endpoint to the whole internet for this.",
        if_it_comes_back: "\
Give people a fixed way in, such as a VPN or a jump host, and list its address once.",
    },
    perhaps: &["endpoint-certificate-not-trusted", "kubeconfig-missing"],
    claim: by_symptom,
    remedies,
    examples: &[Example { line: "Unable to connect to the server: dial tcp 203.0.113.40:443: i/o timeout", symptom: Symptom::ClientTimeout }, Example { line: "Unable to connect to the server: dial tcp: lookup 0123456789ABCDEF0123456789ABCDEF.gr7.eu-west-1.eks.amazonaws.com: no such host", symptom: Symptom::ClientTimeout },],
};

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    let describe = |query| steps::eks_named("aws eks describe-cluster", case).option("--query", query).then("--output text");
    let look = Remedy::new(Actor::Caller, "See who can reach the endpoint, and whether it answers")
        .aws(describe("cluster.resourcesVpcConfig.[endpointPublicAccess,endpointPrivateAccess,publicAccessCidrs]"))
        .aws(describe("cluster.endpoint"))
        .command(Tool::Shell, Command::new("curl --silent --show-error --max-time 10 --output /dev/null ENDPOINT/version"));
    let add_range = Remedy::new(
        Actor::ClusterAdministrator,
        "Add one address range to the list of the public endpoint, keeping the others",
    )
    .aws(
        steps::eks_named("aws eks update-cluster-config", case)
            .option("--resources-vpc-config", "publicAccessCidrs=PRESENT_CIDRS,NEW_CIDR"),
    );
    let is_open_to_all = case
        .facts
        .cluster
        .known()
        .is_some_and(|cluster| cluster.endpoint.is_public && cluster.endpoint.is_open_to_all);
    let mut remedies = vec![look];
    // Every address is let in already.
    remedies.extend((!is_open_to_all).then_some(add_range));
    remedies.push(steps::fresh_kubeconfig(case));
    remedies
}
