use crate::catalogue::{Case, Cause, Example, Page, Tier, by_symptom};
use crate::remedy::{Command, Remedy, Tool};
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "signature-mismatch",
    title: "signature does not match",
    summary: "AWS did not accept your token's signature: the cluster's name, the secret key or the client is wrong.",
    tier: Tier::General,
    symptoms: &[Symptom::StsSignatureMismatch],
    actor: Actor::Caller,
    severity: Severity::Medium,
    page: Page {
        what_happened: "\
A token is a signed request. The cluster adds its own name to the request and passes it to AWS, and AWS found that the
signature does not fit (`SignatureDoesNotMatch`). A wrong cluster name has no message of its own; this is how it shows.
The line names nobody, and no access entry can help.",
        why: "\
One of these; the line cannot tell which:

1. The kubeconfig asks for a token of another cluster name: a renamed or recreated cluster, a typo, other letter case.
2. The secret access key is wrong, or the key id is from one pair and the secret from another.
3. The client signs a header that the cluster does not send, as some releases of clients and SDKs did, or something
   changes the request on its way.
4. The cluster's name looks like a number (`1e10`), and a tool has rewritten it as one.",
        how_to_be_sure: "\
- `aws sts get-caller-identity` works: the secret key is right, so it is the name or the client. It fails with
  `SignatureDoesNotMatch`: it is the secret key.
- `kubectl config view --minify -o jsonpath=\"{.users[0].user.exec.args}\"` shows the cluster name that is asked for.
  Compare it with `aws eks list-clusters --region REGION`, letter by letter.
- It works with `aws eks get-token`, but not with your own tool: it is the tool.",
        what_to_do: "\
Write the kubeconfig again with the exact name. If the key is wrong, set both halves of the key pair anew. If
only one tool fails, update it, or let it call `aws eks get-token`.",
        if_it_comes_back: "\
Generate kubeconfigs with `aws eks update-kubeconfig` rather than by hand, and generate them again when a cluster is
recreated under another name. Quote cluster names in YAML.",
    },
    perhaps: &["region-scope-mismatch", "clock-skew", "access-key-not-valid", "token-names-no-cluster"],
    claim: by_symptom,
    remedies,
    examples: &[Example { line: r#"time="2026-03-03T09:30:30Z" level=warning msg="access denied" client="127.0.0.1:49334" error="sts getCallerIdentity failed: error from AWS (expected 200, got 403) on eu-west-1 endpoint. Body: {\"Error\":{\"Code\":\"SignatureDoesNotMatch\",\"Message\":\"The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.\",\"Type\":\"Sender\"},\"RequestId\":\"0d3f1a52-7c44-4f0e-9a1b-5be2c1d7e604\"}" method=POST path=/authenticate"#, symptom: Symptom::StsSignatureMismatch }, Example { line: r#"time="2026-03-03T16:43:59Z" level=warning msg="access denied" client="127.0.0.1:49652" error="sts getCallerIdentity failed: error from AWS (expected 200, got 403). Body: {\"Error\":{\"Code\":\"SignatureDoesNotMatch\",\"Message\":\"The request signature we calculated does not match the signature you provided.\",\"Type\":\"Sender\"},\"RequestId\":\"0d3f1a52-7c44-4f0e-9a1b-5be2c1d7e604\"}" method=POST path=/authenticate"#, symptom: Symptom::StsSignatureMismatch },],
};

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    // The log group has the name as the cluster signs it, and EKS confirms it.
    let name = case.cluster.name.as_ref().filter(|_| case.facts.cluster.known().is_some());
    let real = name.map_or("the real one", |name| name.as_str());
    let title = format!("Compare the cluster name in the kubeconfig with {real}, letter by letter");
    vec![
        steps::who_am_i(case),
        Remedy::new(Actor::Caller, title)
            .command(
                Tool::Kubectl,
                Command::new("kubectl config view --minify -o").arg("jsonpath={.users[0].user.exec.args}"),
            )
            .aws(
                Command::new("aws eks list-clusters")
                    .option("--region", case.cluster.region_or_placeholder())
                    .then("--output text"),
            ),
        steps::fresh_kubeconfig(case),
    ]
}
