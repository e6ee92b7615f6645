use crate::catalogue::{Case, Cause, Example, Page, Tier, by_symptom};
use crate::remedy::Remedy;
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "sts-unreachable",
    title: "control plane cannot reach STS",
    summary: "The cluster could not reach AWS's sign-in service (STS) to ask who you are; your access is not in question.",
    tier: Tier::General,
    symptoms: &[Symptom::StsUnreachable],
    actor: Actor::Aws,
    severity: Severity::High,
    page: Page {
        what_happened: "\
The control plane tried to ask STS who signed your token, and the connection failed: no route, no name, no TLS, or no
answer in time. The login was refused because nobody could say who you are.",
        why: "\
Most likely first:

1. A fault of the network between the control plane and STS. On EKS that network belongs to AWS.
2. The token names the STS endpoint of a far Region that the control plane cannot reach in time.
3. On a cluster that runs its own authenticator: its firewall, proxy, DNS or certificates.",
        how_to_be_sure: "\
Are all callers refused, or only those whose tokens name one Region? Newer lines end in `on REGION endpoint`. The AWS
Health Dashboard shows wider events.",
        what_to_do: "\
Make the token in the cluster's own Region and try again. If it lasts more than a few minutes, open a case with AWS
Support with the cluster's ARN and the times in UTC. On your own control plane, let it reach `sts.REGION.amazonaws.com`
(in China `sts.REGION.amazonaws.com.cn`) on port 443.",
        if_it_comes_back: "\
Sign tokens in the cluster's Region: the kubeconfig that `aws eks update-kubeconfig --region` writes does that.",
    },
    perhaps: &["sts-unavailable", "token-for-another-endpoint"],
    claim: by_symptom,
    remedies,
    examples: &[Example { line: r#"time="2026-03-04T15:45:45Z" level=warning msg="access denied" client="127.0.0.1:54104" error="sts getCallerIdentity failed: error during GET: Get \"https://sts.eu-west-1.amazonaws.com/\": dial tcp 203.0.113.20:443: i/o timeout on eu-west-1 endpoint" method=POST path=/authenticate"#, symptom: Symptom::StsUnreachable }, Example { line: r#"time="2026-03-04T11:58:14Z" level=warning msg="access denied" client="127.0.0.1:54422" error="sts getCallerIdentity failed: error during GET: x509: certificate signed by unknown authority" method=POST path=/authenticate"#, symptom: Symptom::StsUnreachable }, Example { line: r#"time="2026-03-04T18:11:43Z" level=warning msg="access denied" client="127.0.0.1:54740" error="sts getCallerIdentity failed: error during GET: context deadline exceeded (Client.Timeout exceeded while awaiting headers)" method=POST path=/authenticate"#, symptom: Symptom::StsUnreachable },],
};

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    vec![steps::token_and_clock(case), steps::fresh_kubeconfig(case), steps::read_denials(case)]
}
