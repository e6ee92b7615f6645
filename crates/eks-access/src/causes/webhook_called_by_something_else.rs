use crate::catalogue::{Cause, Example, Page, Tier, by_symptom};
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "webhook-called-by-something-else",
    title: "authenticator called by something else",
    summary: "Something that is not the API server sent a request to the authenticator; nobody was refused.",
    tier: Tier::General,
    symptoms: &[Symptom::WebhookMalformedRequest],
    actor: Actor::ClusterAdministrator,
    severity: Severity::Info,
    page: Page {
        what_happened: "\
The authenticator answers one question of the API server, sent as a POST with a body. It got a request with another
method or without a readable body. No login was refused by it.",
        why: "\
Most likely first:

1. A health check, a scanner or a person with `curl` called its port.
2. The API server and the authenticator speak different versions of the TokenReview API.",
        how_to_be_sure: "\
On EKS only AWS can reach that port; single lines mean nothing. On your own control plane, look at what listens to and
probes port 21362 on the control-plane hosts.",
        what_to_do: "\
Nothing, if it is rare and logins work. If it is steady and logins fail, open a case with AWS Support; on your own
control plane, stop the probe, or point it at `/healthz`.",
        if_it_comes_back: "\
Keep the authenticator's port on loopback only.",
    },
    perhaps: &["authenticator-broken"],
    claim: by_symptom,
    remedies: steps::none,
    examples: &[Example { line: r#"time="2026-03-05T11:44:52Z" level=error msg="unexpected request method" client="127.0.0.1:50124" method=GET path=/authenticate"#, symptom: Symptom::WebhookMalformedRequest }, Example { line: r#"time="2026-03-05T18:57:21Z" level=error msg="could not parse request body" client="127.0.0.1:50130" error=EOF method=POST path=/authenticate"#, symptom: Symptom::WebhookMalformedRequest }, Example { line: r#"time="2026-03-05T14:10:50Z" level=error msg="empty request body" client="127.0.0.1:50136" method=POST path=/authenticate"#, symptom: Symptom::WebhookMalformedRequest },],
};
