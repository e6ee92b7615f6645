use crate::catalogue::{Case, Cause, Example, Page, Tier, by_symptom};
use crate::remedy::{Command, Remedy, Tool};
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "endpoint-certificate-not-trusted",
    title: "cluster's certificate not trusted",
    summary: "Your machine did not trust the certificate it was shown, so it did not log in to the cluster.",
    tier: Tier::General,
    symptoms: &[Symptom::ClientX509],
    actor: Actor::Caller,
    severity: Severity::Low,
    page: Page {
        what_happened: "\
kubectl connected to something that showed a certificate which does not fit the name or is not signed by the cluster's
authority (`x509: ...`). kubectl stopped before it sent your token.",
        why: "\
Most likely first:

1. The cluster was recreated, and the kubeconfig has the old address or authority.
2. A company proxy opens TLS connections and shows its own certificate.
3. You connect by another name: a tunnel, a port forward, an address in `hosts`.
4. Your clock is off, so that the certificate seems not to be valid yet or any more.",
        how_to_be_sure: "\
Compare who signed the certificate with what EKS says, as below. An issuer other than `kubernetes` is a proxy.",
        what_to_do: "\
Write the kubeconfig again. Behind a proxy, ask for an exception for `*.eks.amazonaws.com`, or set `NO_PROXY`. With a tunnel,
set `tls-server-name` in the kubeconfig to the cluster's real host name.

Never turn the check off (`insecure-skip-tls-verify`): whoever is in between would get your token.",
        if_it_comes_back: "\
Write kubeconfigs anew when clusters are recreated, and leave the endpoints of EKS out of TLS inspection.",
    },
    perhaps: &["endpoint-unreachable", "clock-skew"],
    claim: by_symptom,
    remedies,
    examples: &[Example { line: "Unable to connect to the server: x509: certificate signed by unknown authority", symptom: Symptom::ClientX509 }, Example { line: "Unable to connect to the server: tls: failed to verify certificate: x509: certificate is valid for kubernetes, kubernetes.default, not localhost", symptom: Symptom::ClientX509 }, Example { line: "Unable to connect to the server: x509: certificate has expired or is not yet valid", symptom: Symptom::ClientX509 },],
};

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    let endpoint = Command::new("ENDPOINT=$(aws eks describe-cluster")
        .option("--name", case.cluster.name_or_placeholder())
        .option("--region", case.cluster.region_or_placeholder())
        .then("--query cluster.endpoint --output text)");
    vec![
        Remedy::new(Actor::Caller, "See who signed the certificate").aws(endpoint).command(
            Tool::Shell,
            Command::new("openssl s_client -connect \"${ENDPOINT#https://}:443\" </dev/null | openssl x509 -noout -issuer -dates"),
        ),
        steps::fresh_kubeconfig(case),
    ]
}
