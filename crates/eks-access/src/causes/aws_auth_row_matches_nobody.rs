use crate::catalogue::{Case, Cause, Claim, Example, Page, Tier};
use crate::cluster::AuthenticationMode;
use crate::finding::{Finding, open};
use crate::remedy::Remedy;
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "aws-auth-row-matches-nobody",
    title: "row of aws-auth matches nobody",
    summary: "A row of aws-auth seems to mean you, but it is written so that it can match no principal at all.",
    tier: Tier::Specific,
    symptoms: &[Symptom::NotMapped, Symptom::NotMappedNode],
    actor: Actor::ClusterAdministrator,
    severity: Severity::Medium,
    page: Page {
        what_happened: "\
`aws-auth` has a row that looks as if it should let you in. The authenticator compares its ARN, as text, with yours, and it is not
the same; or it never reads the row.",
        why: "\
The row that the notice names has one of these:

1. A session, `assumed-role/NAME/SESSION`, in place of the role.
2. An instance profile in place of its role; they often have the same name.
3. A `*` or `?`: nothing in an ARN stands for anything else.
4. White space, a quote or another sign that is easily overlooked, or another path of a user than the real one.
5. A key that is spelt otherwise than `mapRoles` or `mapUsers`. Unlike the keys inside a row, these count letter by letter.",
        how_to_be_sure: "\
`eks-access aws-auth lint FILE` names the line and the mistake. Or compare the row's ARN with the one in the denial, sign by sign.",
        what_to_do: "\
Put the ARN of the role or user into that row, exactly as below: of a role without its path, of a user with it. If the key of the
section is wrong, move the row under the right one. Leave every other row as it is.",
        if_it_comes_back: "\
Add rows with `eksctl create iamidentitymapping`, or keep people in access entries; and run `eks-access aws-auth lint` on the file
before it is applied.",
    },
    perhaps: &["aws-auth-row-keeps-path", "aws-auth-malformed"],
    claim,
    remedies,
    examples: &[Example { line: r#"time="2026-03-02T20:15:18Z" level=warning msg="access denied" arn="arn:aws:iam::111122223333:role/DevRole" client="127.0.0.1:41538" error="identity is not mapped" method=POST path=/authenticate"#, symptom: Symptom::NotMapped }, Example { line: r#"time="2026-03-02T20:15:18Z" level=warning msg="access denied" arn="arn:aws:iam::111122223333:role/workers" client="127.0.0.1:41538" error="identity is not mapped" method=POST path=/authenticate"#, symptom: Symptom::NotMapped }],
};

fn claim(case: &Case<'_>) -> Claim {
    Finding::claim(
        case,
        |finding| matches!(finding, Finding::RowMatchesNobody(_)),
        |case| open::rows(case).filter(|_| case.cluster.mode == Some(AuthenticationMode::ConfigMap)),
    )
}

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    let mut remedies = vec![steps::checks(case)];
    remedies.extend(steps::lockout(case));
    if let Finding::RowMatchesNobody(row) = Finding::of(case) {
        let title = "Put the right ARN into that row, under the right key, and change nothing else";
        remedies.extend(steps::mend_row(title, case, row));
    }
    remedies.push(steps::try_again(case));
    remedies
}
