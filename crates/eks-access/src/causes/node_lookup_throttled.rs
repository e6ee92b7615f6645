use crate::catalogue::{Case, Cause, Example, Page, Tier, by_symptom};
use crate::remedy::{Command, Remedy, Tool};
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "node-lookup-throttled",
    title: "node look-up throttled by EC2",
    summary: "A node could not join yet because EC2 answered too slowly or limited the rate of look-ups; it will try again.",
    tier: Tier::General,
    symptoms: &[Symptom::NodeDnsLookupThrottled],
    actor: Actor::ClusterAdministrator,
    severity: Severity::Medium,
    page: Page {
        what_happened: "\
The node's role is mapped. To build the node's name, the control plane asks EC2 for the instance. EC2 limited the rate
of these requests, or the answer did not come in time, so this login was refused. The kubelet tries again by itself.",
        why: "\
Most likely first:

1. Many nodes started at once.
2. Other programs in the same account and Region use up the rate of `DescribeInstances`: autoscalers, scanners, scripts.",
        how_to_be_sure: "\
- The line holds `RequestLimitExceeded`, `Throttling` or `returning from loop`.
- CloudTrail, or the CloudWatch usage metrics of EC2's API, show who calls `DescribeInstances` most.
- `kubectl get nodes --watch`: do the nodes join within some minutes?",
        what_to_do: "\
Wait some minutes. If nodes still do not join, scale out in smaller steps, quiet the program that polls most, or ask
AWS Support for a higher API rate. No mapping has to be changed.",
        if_it_comes_back: "\
Spread scale-outs, let pollers use the Kubernetes API or cached data, and ask for a higher rate of `DescribeInstances`
before large events.",
    },
    perhaps: &["cluster-role-may-not-look-up-nodes", "node-unknown-to-ec2"],
    claim: by_symptom,
    remedies,
    examples: &[Example { line: r#"time="2026-03-03T12:33:09Z" level=warning msg="access denied" arn="arn:aws:iam::111122223333:role/KarpenterNodeRole-prod-eu" client="127.0.0.1:46472" error="mapper EKSConfigMap renderTemplates error: error rendering username template \"system:node:{{EC2PrivateDNSName}}\": failed querying private DNS from EC2 API for node i-0a9b8c7d6e5f41320: operation error EC2: DescribeInstances, exceeded maximum number of attempts, 3, https response error StatusCode: 503, RequestID: 7e1d2c3b-4a5f-4e6d-8c9b-0a1f2e3d4c5b, api error RequestLimitExceeded: Request limit exceeded. " method=POST path=/authenticate"#, symptom: Symptom::NodeDnsLookupThrottled }, Example { line: r#"time="2026-03-03T08:46:38Z" level=warning msg="access denied" arn="arn:aws:iam::111122223333:role/KarpenterNodeRole-prod-eu" client="127.0.0.1:46790" error="mapper EKSConfigMap renderTemplates error: error rendering username template \"system:node:{{EC2PrivateDNSName}}\": failed to find node i-0a9b8c7d6e5f41320 in PrivateDNSNameCache returning from loop" method=POST path=/authenticate"#, symptom: Symptom::NodeDnsLookupThrottled },],
};

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    vec![
        Remedy::new(Actor::ClusterAdministrator, "Wait some minutes, and see whether the nodes join")
            .aws(steps::kubeconfig_aside(case))
            .command(Tool::Kubectl, Command::new("kubectl get nodes --sort-by .metadata.creationTimestamp")),
        steps::busiest_callers("See who calls DescribeInstances most in this account and Region", "DescribeInstances", case),
    ]
}
