use crate::catalogue::{Case, Cause, Example, Page, Tier, by_symptom};
use crate::remedy::Remedy;
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "token-forged",
    title: "token looks forged",
    summary: "Somebody logged in with a token that looks built to trick the cluster; it was refused.",
    tier: Tier::General,
    symptoms: &[Symptom::TokenForged],
    actor: Actor::Security,
    severity: Severity::High,
    page: Page {
        what_happened: "\
The token asks AWS for something else than \"who am I\", or says the same thing twice in different ways. No released
client makes such tokens. The cluster refused it, and nobody got in.",
        why: "\
Most likely first:

1. Somebody tests or attacks the cluster; duplicate parameters are the way of CVE-2022-2385.
2. A home-made client is broken in an unusual way.",
        how_to_be_sure: "\
The line names nobody. The audit log has a refused request (401) in the same second, with the address and the program;
the last of its addresses is the one that the server saw itself.",
        what_to_do: "\
The security team finds the address and asks whose it is. If it is outside, limit who can reach the endpoint. There is
nothing to mend in the mappings.

Never paste the token itself into a ticket: it can hold a signed request.",
        if_it_comes_back: "\
Restrict the public endpoint to known networks or turn it off, and run a current Kubernetes version.",
    },
    perhaps: &["token-malformed", "token-is-not-an-iam-token"],
    claim: by_symptom,
    remedies,
    examples: &[Example { line: r#"time="2026-03-05T17:13:29Z" level=warning msg="access denied" client="127.0.0.1:59192" error="input token was not properly formatted: duplicate query parameter found: \"action\"" method=POST path=/authenticate"#, symptom: Symptom::TokenForged }, Example { line: r#"time="2026-03-05T13:26:58Z" level=warning msg="access denied" client="127.0.0.1:59510" error="input token was not properly formatted: unexpected action parameter in pre-signed URL" method=POST path=/authenticate"#, symptom: Symptom::TokenForged }, Example { line: r#"time="2026-03-05T09:39:27Z" level=warning msg="access denied" client="127.0.0.1:59828" error="input token was not properly formatted: query parameter with multiple values not supported" method=POST path=/authenticate"#, symptom: Symptom::TokenForged }, Example { line: r#"time="2026-03-05T16:52:56Z" level=warning msg="access denied" client="127.0.0.1:60146" error="sts getCallerIdentity failed: arn '' is invalid: 'arn: invalid prefix'" method=POST path=/authenticate"#, symptom: Symptom::TokenForged },],
};

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    vec![
        Remedy::new(Actor::Security, "Find the address and the program in the audit log")
            .aws(steps::read_log(case, "kube-apiserver-audit", "{ $.responseStatus.code = 401 }")),
        Remedy::new(Actor::Security, "See who can reach the endpoint").aws(
            steps::eks_named("aws eks describe-cluster", case)
                .option("--query", "cluster.resourcesVpcConfig.[endpointPublicAccess,publicAccessCidrs]"),
        ),
    ]
}
