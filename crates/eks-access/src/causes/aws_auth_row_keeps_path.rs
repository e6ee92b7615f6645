use crate::catalogue::{Case, Cause, Claim, Example, Page, Tier};
use crate::finding::{Finding, open};
use crate::principal::Principal;
use crate::remedy::Remedy;
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "aws-auth-row-keeps-path",
    title: "row of aws-auth keeps the role's path",
    summary: "A row of aws-auth names your role with its path, and there the path must be left out.",
    tier: Tier::Specific,
    symptoms: &[Symptom::NotMapped, Symptom::NotMappedNode],
    actor: Actor::ClusterAdministrator,
    severity: Severity::Medium,
    page: Page {
        what_happened: "\
`aws-auth` has a row for your role, written as IAM shows it: with the path between `role/` and the name. The authenticator
compares that text with the ARN that AWS gives it, which never has the path, so the row matches nobody.",
        why: "\
AWS STS leaves the path out of a session's ARN, and the authenticator does not take it out of the row
(kubernetes-sigs/aws-iam-authenticator#268). Roles with a path are, among others, those of IAM Identity Center
(`aws-reserved/sso.amazonaws.com/...`) and those that the console makes for services (`service-role/`).

In an access entry it is the other way round: there the path must stay. Users keep their path in both.",
        how_to_be_sure: "\
The row that the notice names has something between `role/` and the name. `eks-access aws-auth lint FILE` marks it.",
        what_to_do: "\
Take the path out of the ARN in that one row, and leave everything else as it is. Role names are unique in an account, so the
shorter ARN still means this role alone.",
        if_it_comes_back: "\
Take the path out in the code that writes the row; in Terraform, build the ARN from the account and the role's `name`. Run
`eks-access aws-auth lint` before the rows are applied.",
    },
    perhaps: &["aws-auth-row-matches-nobody"],
    claim,
    remedies,
    examples: &[Example { line: r#"time="2026-03-02T19:08:40Z" level=warning msg="access denied" arn="arn:aws:iam::111122223333:role/DevRole" client="127.0.0.1:40859" error="identity is not mapped" method=POST path=/authenticate"#, symptom: Symptom::NotMapped }, Example { line: r#"time="2026-03-02T19:08:40Z" level=warning msg="access denied" arn="arn:aws:iam::111122223333:role/eksctl-prod-eu-nodegroup-ng-2-NodeInstanceRole-7QWERTYUIOP1" client="127.0.0.1:40859" error="identity is not mapped" method=POST path=/authenticate"#, symptom: Symptom::NotMappedNode }],
};

fn claim(case: &Case<'_>) -> Claim {
    Finding::claim(
        case,
        |finding| matches!(finding, Finding::RowKeepsPath(_)),
        |case| {
            let can_have_path = case.principal.is_some_and(Principal::is_role)
                && case.facts.iam_principal().is_none_or(|iam| iam.principal.has_path());
            open::rows(case).filter(|_| can_have_path)
        },
    )
}

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    let mut remedies = vec![steps::checks(case)];
    remedies.extend(steps::lockout(case));
    if let Finding::RowKeepsPath(row) = Finding::of(case) {
        remedies.extend(steps::mend_row("Take the path out of the row's ARN, and change nothing else", case, row));
    }
    remedies.push(steps::try_again(case));
    remedies
}
