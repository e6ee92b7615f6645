use crate::catalogue::{Case, Cause, Example, Page, Tier, by_symptom};
use crate::remedy::Remedy;
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "token-expired",
    title: "token older than 15 minutes",
    summary: "Your token is more than 15 minutes old, or your clock is that far behind; make a new token.",
    tier: Tier::General,
    symptoms: &[Symptom::TokenExpired],
    actor: Actor::Caller,
    severity: Severity::Low,
    page: Page {
        what_happened: "\
A token for the cluster lives for 15 minutes, no longer. Yours says that it was made more than 15 minutes ago, so it was
refused before anybody looked at who you are.",
        why: "\
Most likely first:

1. A token was copied into a kubeconfig, a variable or a pipeline's secret, and kept.
2. A program makes one token at its start and goes on using it.
3. The clock of the machine that made the token is more than 15 minutes slow.",
        how_to_be_sure: "\
`kubectl config view --minify` shows `token:` where a fixed token is used, and `exec:` where a new one is made each
time. Compare the token's end with the clock as below: they should be about 14 minutes apart.",
        what_to_do: "\
Let kubectl make tokens itself: write the kubeconfig again. Programs should use an AWS SDK or `aws eks get-token`, and
ask again before the end. If the clock is slow, see [clock too far off](clock-skew.md).

Nobody can make tokens live longer.",
        if_it_comes_back: "\
Never keep a token in a file or secret. For programs inside the cluster, use their service account.",
    },
    perhaps: &["clock-skew", "credentials-expired"],
    claim: by_symptom,
    remedies,
    examples: &[Example { line: r#"time="2026-03-04T17:50:10Z" level=warning msg="access denied" client="127.0.0.1:55694" error="input token was not properly formatted: X-Amz-Date parameter is expired (15 minute expiration) 2026-03-02 08:12:45 +0000 UTC" method=POST path=/authenticate"#, symptom: Symptom::TokenExpired },],
};

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    vec![steps::token_and_clock(case), steps::fresh_kubeconfig(case)]
}
