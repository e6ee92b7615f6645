use crate::catalogue::{Case, Cause, Example, Page, Tier, by_symptom};
use crate::remedy::{Command, Remedy};
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "sts-not-activated-in-region",
    title: "STS not activated in the Region",
    summary: "Your account's AWS sign-in service (STS) is turned off in the Region your token was made for.",
    tier: Tier::General,
    symptoms: &[Symptom::StsRegionDisabled],
    actor: Actor::IamAdministrator,
    severity: Severity::High,
    page: Page {
        what_happened: "\
Your token names the STS endpoint of a Region in which your account has STS turned off, or a Region that your account
has not opted in to. AWS answered `RegionDisabledException`. Everybody of that account who uses this Region is refused.",
        why: "\
Most likely first:

1. STS was deactivated for the Region in the account settings of IAM.
2. The Region is an opt-in Region, and your session comes from the global endpoint, whose tokens are by default not valid
   in such Regions.
3. The Region is an opt-in Region, and your account has not opted in.",
        how_to_be_sure: "\
`aws sts get-caller-identity --region REGION` fails the same way. The IAM console shows under
*Account settings*, *Endpoints* where STS is active, and which Regions the tokens of the global endpoint are valid in.",
        what_to_do: "\
An IAM administrator activates STS for the Region in the IAM console: *Account settings*, *Endpoints*, the Region's row.
No command does that. Until then, make the token in another Region: the cluster's name stays the same.

If sessions of the global endpoint are refused in an opt-in Region, let the global endpoint give tokens that are valid in
every Region (`v2Token`). They have more characters than the present ones: a program that stores them may have too little room.

Opting in to a Region comes last. It opens the Region to the whole account, and not only to this cluster.",
        if_it_comes_back: "\
Keep STS active wherever a cluster is used, and say so in the rules by which Regions are closed.",
    },
    perhaps: &["sts-access-denied", "token-for-another-endpoint"],
    claim: by_symptom,
    remedies,
    examples: &[Example { line: r#"time="2026-03-03T11:35:55Z" level=warning msg="access denied" client="127.0.0.1:50924" error="sts getCallerIdentity failed: error from AWS (expected 200, got 403) on eu-west-1 endpoint. Body: {\"Error\":{\"Code\":\"RegionDisabledException\",\"Message\":\"STS is not activated in this region for account:111122223333. Your account administrator can activate STS in this region using the IAM Console.\",\"Type\":\"Sender\"},\"RequestId\":\"0d3f1a52-7c44-4f0e-9a1b-5be2c1d7e604\"}" method=POST path=/authenticate"#, symptom: Symptom::StsRegionDisabled },],
};

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    let region = case.cluster.region_or_placeholder();
    vec![
        Remedy::new(
            Actor::IamAdministrator,
            "See whether the account has opted in to the Region, and which tokens its global endpoint gives (2 is v2Token)",
        )
            .aws(Command::new("aws account get-region-opt-status").option("--region-name", region))
            .aws(Command::new("aws iam get-account-summary --query SummaryMap.GlobalEndpointTokenVersion")),
        Remedy::new(
            Actor::IamAdministrator,
            "Activate STS for the Region in the IAM console: Account settings, Endpoints, the Region's row; no command does it",
        ),
        steps::token_in_another_region(case),
        Remedy::new(
            Actor::IamAdministrator,
            "If sessions of the global endpoint are refused in an opt-in Region, let it give tokens that are valid in every Region",
        )
        .aws(Command::new("aws iam set-security-token-service-preferences --global-endpoint-token-version v2Token")),
        Remedy::new(
            Actor::IamAdministrator,
            "Only if nothing else helps, opt in to the Region, which opens it to the whole account",
        )
        .aws(Command::new("aws account enable-region").option("--region-name", region)),
    ]
}
