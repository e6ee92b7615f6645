use crate::catalogue::{Case, Cause, Example, Page, Tier, by_symptom};
use crate::remedy::{Remedy, Tool};
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "empty-user-name",
    title: "mapping without a user name",
    summary: "You are logged in, but without a user name, so some commands such as `kubectl top` are refused.",
    tier: Tier::General,
    symptoms: &[Symptom::EmptyUsernameAggregatedApi],
    actor: Actor::ClusterAdministrator,
    severity: Severity::Low,
    page: Page {
        what_happened: "\
The row of `aws-auth` that lets you in has no `username`. The API server accepts that, but servers behind it, such as
metrics-server, refuse a request without a user name. Most commands work; `kubectl top` and others answer `Unauthorized`.",
        why: "\
Most likely first:

1. The row was written by hand or by a tool without `username`.
2. The key is misspelled (`user`, `userName:` under the wrong indentation).",
        how_to_be_sure: "\
`kubectl auth whoami` shows an empty user name. `eksctl get iamidentitymapping` shows a row without one. In the log the
login is `access granted` with `username=` and nothing after it.",
        what_to_do: "\
A cluster administrator adds a `username` to the row. Changing the row in place is right: a second row for the same ARN
would hide the first one with its groups.",
        if_it_comes_back: "\
Always give a user name when you add a row, or use an access entry, which gets one by itself.",
    },
    perhaps: &[],
    claim: by_symptom,
    remedies,
    examples: &[Example { line: r#"time="2026-03-06T14:33:09Z" level=info msg="access granted" arn="arn:aws:iam::111122223333:role/DevRole" client="127.0.0.1:44716" groups="[dev-viewers]" method=POST path=/authenticate stsendpoint=sts.eu-west-1.amazonaws.com uid="aws-iam-authenticator:111122223333:AROAEXAMPLEDEVROLE001" username="#, symptom: Symptom::EmptyUsernameAggregatedApi },],
};

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    let mut remedies = vec![
        Remedy::new(Actor::ClusterAdministrator, "See which rows have no user name")
            .command(Tool::Eksctl, steps::eksctl("eksctl get iamidentitymapping", case)),
    ];
    if let Some(grantee) = steps::Grantee::person(case) {
        let title = "Add a user name to the row in place, with a copy of the text at hand";
        remedies.push(steps::edit_aws_auth(title, case).snippet(Tool::Kubectl, grantee.row_with_username()));
    }
    remedies
}
