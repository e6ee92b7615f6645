use crate::catalogue::{Case, Cause, Example, Page, Tier, by_symptom};
use crate::remedy::{Command, Remedy};
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "node-unknown-to-ec2",
    title: "node unknown to EC2",
    summary: "A node could not join because EC2 does not know its instance in the cluster's account and Region.",
    tier: Tier::General,
    symptoms: &[Symptom::NodeDnsLookupNotFound],
    actor: Actor::ClusterAdministrator,
    severity: Severity::High,
    page: Page {
        what_happened: "\
The node's role is mapped. To build the node's name, the control plane asks EC2 for the instance named in the session.
EC2 has no such instance in the cluster's account and Region, or it has no private DNS name, so the login was refused.",
        why: "\
Most likely first:

1. The instance has just been terminated, and its last calls came late. Then nothing is wrong.
2. The instance runs in another account or another Region than the cluster.
3. The VPC does not have DNS host names turned on, so that the instance has no private DNS name.
4. A person or program named its session like an instance.",
        how_to_be_sure: "\
Look the instance up in the cluster's account and Region, as below. `terminated`, or an error a few minutes later, is
reason 1. An empty `PrivateDnsName` is reason 3.",
        what_to_do: "\
- Terminated instance: nothing. The lines end by themselves.
- Other account or Region: nodes must run in the cluster's account. Join them as EKS Hybrid Nodes, or move them.
- No DNS name: turn on DNS support and DNS host names for the VPC, then replace the instance.",
        if_it_comes_back: "\
If terminated instances go on calling for more than some minutes, look for copied credentials: a session named like an
instance that does not exist deserves a look by the security team.",
    },
    perhaps: &["node-lookup-throttled", "cluster-role-may-not-look-up-nodes"],
    claim: by_symptom,
    remedies,
    examples: &[Example { line: r#"time="2026-03-03T15:59:07Z" level=warning msg="access denied" arn="arn:aws:iam::111122223333:role/NodeInstanceRole" client="127.0.0.1:47108" error="mapper EKSConfigMap renderTemplates error: error rendering username template \"system:node:{{EC2PrivateDNSName}}\": failed querying private DNS from EC2 API for node i-0c1d2e3f4a5b6c7d8: operation error EC2: DescribeInstances, https response error StatusCode: 400, RequestID: 5c4b3a29-1807-4f6e-9d5c-4b3a29180716, api error InvalidInstanceID.NotFound: The instance ID 'i-0c1d2e3f4a5b6c7d8' does not exist " method=POST path=/authenticate"#, symptom: Symptom::NodeDnsLookupNotFound }, Example { line: r#"time="2026-03-03T11:12:36Z" level=warning msg="access denied" arn="arn:aws:iam::111122223333:role/NodeInstanceRole" client="127.0.0.1:47426" error="mapper EKSConfigMap renderTemplates error: error rendering username template \"system:node:{{EC2PrivateDNSName}}\": failed to find node i-0c1d2e3f4a5b6c7d8 " method=POST path=/authenticate"#, symptom: Symptom::NodeDnsLookupNotFound },],
};

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    vec![
        Remedy::new(Actor::ClusterAdministrator, "Look the instance up in the cluster's account and Region")
            .aws(
                Command::new("aws ec2 describe-instances --instance-ids INSTANCE_ID")
                    .option("--region", case.cluster.region_or_placeholder())
                    .option("--query", "Reservations[].Instances[].[InstanceId,State.Name,PrivateDnsName,VpcId]")
                    .then("--output text"),
            )
            .aws(steps::describe_cluster(case)),
        Remedy::new(Actor::ClusterAdministrator, "Turn on DNS host names, if the instance has no private DNS name").aws(
            Command::new("aws ec2 modify-vpc-attribute --vpc-id VPC_ID")
                .option("--region", case.cluster.region_or_placeholder())
                .then("--enable-dns-hostnames Value=true"),
        ),
    ]
}
