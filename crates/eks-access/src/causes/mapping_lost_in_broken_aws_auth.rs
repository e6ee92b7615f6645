use crate::catalogue::{Case, Cause, Claim, Example, Page, Tier};
use crate::finding::Finding;
use crate::remedy::{Modes, Remedy};
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "mapping-lost-in-broken-aws-auth",
    title: "mapping is lost in a broken aws-auth",
    summary: "The part of aws-auth that would hold your row cannot be read, and everybody whom it lists is locked out, nodes included.",
    tier: Tier::Specific,
    symptoms: &[Symptom::NotMapped, Symptom::NotMappedNode],
    actor: Actor::ClusterAdministrator,
    severity: Severity::Critical,
    page: Page {
        what_happened: "\
The section of the `aws-auth` ConfigMap that would hold your row, `mapRoles` or `mapUsers`, is no valid YAML or no list. The
authenticator drops such a section as a whole. You are one of many: if it is `mapRoles`, every role in it is refused, and nodes turn
`NotReady`. Access entries go on working.",
        why: "\
A mistake in the last edit: indentation, a tab, a missing dash, `{{SessionName}}` without quotes at the beginning of a value, or
a value of the wrong kind.",
        how_to_be_sure: "\
- `eks-access aws-auth lint FILE` names the line. So does the authenticator's log: `Errors parsing configmap`.
- Others, and nodes, are refused since the same minute.",
        what_to_do: "\
Mend the YAML now; it works again within seconds. Everything about it is on the page of
[aws-auth cannot be read](aws-auth-malformed.md). Do not let people in one by one meanwhile: they have their rows, and get them back.

Never apply a whole `aws-auth` from a template to mend it: it drops the rows of the nodes.",
        if_it_comes_back: "\
Run `eks-access aws-auth lint` in the pipeline that writes it, and keep people in access entries, which cannot be lost together.",
    },
    perhaps: &["aws-auth-malformed"],
    claim,
    remedies,
    examples: &[Example { line: r#"time="2026-03-02T21:09:56Z" level=warning msg="access denied" arn="arn:aws:iam::111122223333:role/DevRole" client="127.0.0.1:40977" error="identity is not mapped" method=POST path=/authenticate"#, symptom: Symptom::NotMapped }, Example { line: r#"time="2026-03-02T21:09:56Z" level=warning msg="access denied" arn="arn:aws:iam::111122223333:role/workers" client="127.0.0.1:40977" error="identity is not mapped" method=POST path=/authenticate"#, symptom: Symptom::NotMapped }],
};

fn claim(case: &Case<'_>) -> Claim {
    Finding::claim(case, |finding| matches!(finding, Finding::AwsAuthBroken), |_| None)
}

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    let mut remedies = steps::mend_aws_auth(case);
    if steps::Grantee::of(case).is_none() {
        remedies.retain(|remedy| remedy.modes != Modes::AccessEntries);
    }
    remedies
}
