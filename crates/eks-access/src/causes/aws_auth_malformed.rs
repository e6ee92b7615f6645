use crate::catalogue::{Cause, Example, Page, Tier, by_symptom};
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "aws-auth-malformed",
    title: "aws-auth cannot be read",
    summary: "The aws-auth ConfigMap has a mistake, and where aws-auth counts, those it lists are locked out until it is mended.",
    tier: Tier::General,
    symptoms: &[Symptom::AwsAuthMalformed],
    actor: Actor::ClusterAdministrator,
    severity: Severity::Critical,
    page: Page {
        what_happened: "\
Somebody edited the `aws-auth` ConfigMap, and part of it is no longer valid YAML or has the wrong shape. One mistake in
`mapRoles` drops every role in it, nodes included; `mapUsers` may still work. Logins are refused as \"not mapped\" from
then on, and nodes turn `NotReady`. Access entries go on working.",
        why: "\
Most likely first:

1. Indentation, a tab, or a missing dash in a row that was added last.
2. `{{SessionName}}` without quotes at the beginning of a value.
3. A list where text is expected, or text where a list is: `groups` must be a list.
4. A template or pipeline wrote the whole ConfigMap anew.",
        how_to_be_sure: "\
- The line names the place: `yaml: line 13: did not find expected key`. The number counts inside `mapRoles` or `mapUsers`.
- `yq` on the value, as below, fails at the same place.
- Many \"not mapped\" denials that began in the same minute belong to this; do not treat them as people without access.",
        what_to_do: "\
Look at the authentication mode first. In the mode `API` the cluster does not use `aws-auth`: nothing is locked out by
it, and there is nothing to mend.

Mend the YAML; it works again within seconds, without a restart. Keep a copy of the present text before you edit.
The old text stands in your code, or in the audit log, where EKS records changes of `aws-auth` in full.

Nobody can log in? Three ways in are left: a principal with an access entry (authentication mode `API_AND_CONFIG_MAP`),
the role or user that created the cluster, or a new access entry for a role that `aws-auth` does not list.

Never apply a whole `aws-auth` from a template to mend it: it drops the rows of the nodes.",
        if_it_comes_back: "\
Stop editing it by hand: add rows with `eksctl create iamidentitymapping`, or better, keep people in access entries.
Check the YAML in the pipeline that writes it.",
    },
    perhaps: &["aws-auth-deleted", "mapping-watch-lost"],
    claim: by_symptom,
    remedies: steps::mend_aws_auth,
    examples: &[Example { line: r#"time="2026-03-05T10:23:19Z" level=warning msg="Errors parsing configmap: [yaml: line 13: did not find expected key]""#, symptom: Symptom::AwsAuthMalformed }, Example { line: r#"time="2026-03-05T17:36:48Z" level=error msg="There was an error parsing the config maps.  Only saving data that was good, error parsing config map: [yaml: unmarshal errors:\n  line 2: cannot unmarshal !!map into string]""#, symptom: Symptom::AwsAuthMalformed }, Example { line: r#"time="2026-03-05T13:49:17Z" level=error msg="error parsing config map: [yaml: line 13: did not find expected key]""#, symptom: Symptom::AwsAuthMalformed },],
};
