use crate::catalogue::{Case, Cause, Example, Page, Tier, by_symptom};
use crate::remedy::Remedy;
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "authenticator-broken",
    title: "authenticator is broken",
    summary: "The part of the control plane that checks AWS logins is broken, so people's logins may fail for all.",
    tier: Tier::General,
    symptoms: &[Symptom::AuthenticatorServerFault],
    actor: Actor::Aws,
    severity: Severity::Critical,
    page: Page {
        what_happened: "\
The authenticator could not start, could not serve, or the API server does not trust its certificate. While that lasts,
no login with AWS credentials can succeed, whoever tries. Service accounts inside the cluster go on working.",
        why: "\
Most likely first:

1. A fault of the control plane during an update or a replacement of its hosts; on EKS, AWS mends it.
2. On your own control plane: an expired or changed certificate, or a taken port.",
        how_to_be_sure: "\
Do logins of different people fail at the same time? A single line around an update of the cluster, with logins working
again after it, is not a fault.",
        what_to_do: "\
If it lasts more than a few minutes, open a case with AWS Support with the cluster's ARN and the times in UTC, severity
\"production system down\". On your own control plane, renew the certificate and restart the authenticator.",
        if_it_comes_back: "\
Alarm on this line. Keep a way to work that needs no AWS login, such as a deployment tool inside the cluster with its service account.",
    },
    perhaps: &["mapping-watch-lost"],
    claim: by_symptom,
    remedies,
    examples: &[Example { line: r#"time="2026-03-05T15:54:42Z" level=info msg="http: TLS handshake error from 127.0.0.1:51220: remote error: tls: bad certificate" http=error"#, symptom: Symptom::AuthenticatorServerFault }, Example { line: r#"time="2026-03-05T11:07:11Z" level=fatal msg="could not open TLS listener" error="listen tcp 127.0.0.1:21362: bind: address already in use""#, symptom: Symptom::AuthenticatorServerFault }, Example { line: r#"time="2026-03-06T18:20:40Z" level=fatal msg="could not load/generate a certificate" error="open /var/aws-iam-authenticator/cert.pem: permission denied""#, symptom: Symptom::AuthenticatorServerFault },],
};

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    vec![
        Remedy::new(Actor::ClusterAdministrator, "See the state of the cluster, and whether it is being updated")
            .aws(
                steps::eks_named("aws eks describe-cluster", case)
                    .option("--query", "cluster.[arn,status,health.issues,platformVersion]"),
            )
            .aws(steps::eks_named("aws eks list-updates", case)),
        steps::read_denials(case),
    ]
}
