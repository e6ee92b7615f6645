use crate::catalogue::{Case, Cause, Example, Page, Tier, by_symptom};
use crate::remedy::{Command, Remedy};
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "cluster-role-may-not-look-up-nodes",
    title: "cluster role may not look up nodes",
    summary: "A node could not join because the cluster's own role may not ask EC2 for the node's name.",
    tier: Tier::General,
    symptoms: &[Symptom::NodeDnsLookupDenied],
    actor: Actor::IamAdministrator,
    severity: Severity::High,
    page: Page {
        what_happened: "\
The node's role is mapped. To build the node's name, the control plane asks EC2 for the instance, and it does that as
the cluster's role. EC2, or STS when the role was assumed, refused. No node can join until that works.

The node's role is not at fault, and neither are the access entries or `aws-auth`.",
        why: "\
Most likely first:

1. The policy AmazonEKSClusterPolicy was detached from the cluster role, or never attached.
2. The cluster role's trust policy no longer lets `eks.amazonaws.com` assume it, or the role was deleted.
3. A service control policy or a permissions boundary denies `ec2:DescribeInstances`.",
        how_to_be_sure: "\
- The line holds `UnauthorizedOperation`, `AccessDenied` or a failed `AssumeRole`; its ARN is the node's, which is not the one to mend.
- The commands below show the cluster role, its policies and who may assume it.
- CloudTrail shows the refused `DescribeInstances` or `AssumeRole`, and which kind of policy denied it.",
        what_to_do: "\
An IAM administrator attaches AmazonEKSClusterPolicy to the cluster role, restores the trust in `eks.amazonaws.com`,
or makes an exception in the service control policy. The nodes come in by themselves within minutes.

Do not edit `aws-auth` or the node role for this: it does not help, and can put the other nodes out.",
        if_it_comes_back: "\
Keep the cluster role and its policies in code, and test service control policies against it. Losing this policy breaks
load balancers and network interfaces too, so an alarm on changes of that one role pays.",
    },
    perhaps: &["node-lookup-throttled", "node-unknown-to-ec2"],
    claim: by_symptom,
    remedies,
    examples: &[Example { line: r#"time="2026-03-02T13:54:42Z" level=warning msg="access denied" arn="arn:aws:iam::111122223333:role/KarpenterNodeRole-prod-eu" client="127.0.0.1:45518" error="mapper EKSConfigMap renderTemplates error: error rendering username template \"system:node:{{EC2PrivateDNSName}}\": failed querying private DNS from EC2 API for node i-0f3c5d7e9a1b2c4d6: operation error EC2: DescribeInstances, https response error StatusCode: 403, RequestID: 2b9f6c1e-8a4d-4c7b-9e0f-1d2c3b4a5e6f, api error UnauthorizedOperation: You are not authorized to perform this operation. " method=POST path=/authenticate"#, symptom: Symptom::NodeDnsLookupDenied }, Example { line: r#"time="2026-03-02T09:07:11Z" level=warning msg="access denied" arn="arn:aws:iam::111122223333:role/NodeInstanceRole" client="127.0.0.1:45836" error="failed mapping username: failed querying private DNS from EC2 API for node i-0f3c5d7e9a1b2c4d6: UnauthorizedOperation: You are not authorized to perform this operation.\n\tstatus code: 403, request id: 2b9f6c1e-8a4d-4c7b-9e0f-1d2c3b4a5e6f" method=POST path=/authenticate"#, symptom: Symptom::NodeDnsLookupDenied }, Example { line: r#"time="2026-03-03T16:20:40Z" level=warning msg="access denied" arn="arn:aws:iam::111122223333:role/NodeInstanceRole" client="127.0.0.1:46154" error="mapper EKSConfigMap renderTemplates error: error rendering username template \"system:node:{{EC2PrivateDNSName}}\": failed querying private DNS from EC2 API for node i-0f3c5d7e9a1b2c4d6: AccessDenied: User: arn:aws:sts::444455556666:assumed-role/control-plane/1772438400 is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/prod-eu-cluster\n\tstatus code: 403, request id: 2b9f6c1e-8a4d-4c7b-9e0f-1d2c3b4a5e6f " method=POST path=/authenticate"#, symptom: Symptom::NodeDnsLookupDenied },],
};

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    let attach = "Attach AmazonEKSClusterPolicy to the cluster's role, if it is missing";
    if case.facts.cluster.known().is_some_and(|cluster| cluster.role.is_some()) {
        let role = steps::ClusterRole::of(case);
        let attach = Remedy::new(Actor::IamAdministrator, attach);
        return vec![role.look(case), role.attach_policies(attach, case)];
    }
    let find = Command::new("CLUSTER_ROLE=$(aws eks describe-cluster")
        .option("--name", case.cluster.name_or_placeholder())
        .option("--region", case.cluster.region_or_placeholder())
        .then("--query cluster.roleArn --output text)");
    let policy = format!("arn:{}:iam::aws:policy/AmazonEKSClusterPolicy", steps::partition(case));
    vec![
        Remedy::new(Actor::IamAdministrator, "Look at the cluster's role, its policies and who may assume it")
            .aws(find.clone())
            .aws(Command::new("aws iam list-attached-role-policies --role-name \"${CLUSTER_ROLE##*/}\""))
            .aws(Command::new("aws iam get-role --role-name \"${CLUSTER_ROLE##*/}\" --query Role.AssumeRolePolicyDocument")),
        Remedy::new(Actor::IamAdministrator, attach)
            .aws(find)
            .aws(Command::new("aws iam attach-role-policy --role-name \"${CLUSTER_ROLE##*/}\"").option("--policy-arn", &policy)),
    ]
}
