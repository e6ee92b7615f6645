use crate::catalogue::{Case, Cause, Example, Page, Tier, by_symptom};
use crate::remedy::Remedy;
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "client-unauthorized",
    title: "login refused",
    summary: "The cluster did not accept your login; the reason stands in its log, and most can be found from your side too.",
    tier: Tier::General,
    symptoms: &[Symptom::ClientUnauthorized],
    actor: Actor::Caller,
    severity: Severity::Medium,
    page: Page {
        what_happened: "\
kubectl reached the cluster and sent a token, and the cluster refused it (401). `You must be logged in to the server`,
`the server has asked for the client to provide credentials` and `couldn't get current server API group list` all say
this and no more. The exact reason stands only in the authenticator's log. It is about who you are, not about what you may do.",
        why: "\
Most likely first:

1. Your role or user has not been let in: [principal not mapped](principal-not-mapped.md).
2. You call as another principal than you think: another profile, or variables of the shell.
3. Your sign-in has ended: [temporary credentials expired](credentials-expired.md).
4. The kubeconfig names another cluster, or a token in it is old: [signature does not match](signature-mismatch.md),
   [token older than 15 minutes](token-expired.md).
5. Your clock is off: [clock too far off](clock-skew.md).
6. The mappings of the whole cluster are broken: [aws-auth cannot be read](aws-auth-malformed.md). Then others are out too.",
        how_to_be_sure: "\
Go from top to bottom:

1. `aws sts get-caller-identity` fails: reason 3, or [access key not valid](access-key-not-valid.md). It names another
   role or account than you meant: reason 2.
2. `aws eks get-token` fails: the message says why; it is not the cluster.
3. Write the kubeconfig again. It works now: reason 4.
4. Still refused: ask a colleague whether it works for them. If it does, reason 1 is by far the most likely.",
        what_to_do: "\
If the checks leave reason 1, send a cluster administrator the ARN from `aws sts get-caller-identity`, the cluster's
name and Region, the namespace you need, and the time of your last try in UTC. Never send a token.

The administrator finds the reason in the authenticator's log. It is off by default and has to be turned on first; it
then shows denials from that time on.",
        if_it_comes_back: "\
Have the authenticator's log turned on, so that the next refusal can be explained in a minute.",
    },
    perhaps: &["principal-not-mapped", "credentials-expired", "access-key-not-valid", "signature-mismatch", "token-expired", "clock-skew", "aws-auth-malformed", "access-entry-names-another-principal", "token-for-another-endpoint", "sts-throttled", "sts-unavailable", "empty-user-name"],
    claim: by_symptom,
    remedies,
    examples: &[Example { line: "error: You must be logged in to the server (Unauthorized)", symptom: Symptom::ClientUnauthorized }, Example { line: "error: You must be logged in to the server (the server has asked for the client to provide credentials)", symptom: Symptom::ClientUnauthorized }, Example { line: "couldn't get current server API group list: the server has asked for the client to provide credentials", symptom: Symptom::ClientUnauthorized }, Example { line: r#"error: the server doesn't have a resource type "pods": the server has asked for the client to provide credentials"#, symptom: Symptom::ClientUnauthorized },],
};

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    vec![
        steps::who_am_i(case),
        steps::token_and_clock(case),
        steps::fresh_kubeconfig(case),
        steps::checks(case),
        steps::read_denials(case),
        steps::turn_logging_on(case),
    ]
}
