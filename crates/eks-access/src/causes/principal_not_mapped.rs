use crate::catalogue::{Case, Cause, Example, Page, Tier, by_symptom};
use crate::remedy::Remedy;
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "principal-not-mapped",
    title: "principal not mapped",
    summary: "AWS confirmed who you are, but nothing in this cluster lets that role or user in.",
    tier: Tier::General,
    symptoms: &[Symptom::NotMapped],
    actor: Actor::ClusterAdministrator,
    severity: Severity::Medium,
    page: Page {
        what_happened: "\
Your credentials are good: AWS confirmed which IAM role or user you are. The cluster then looked for that principal
among its access entries and in its `aws-auth` ConfigMap and found it in neither, so the login was refused with
`Unauthorized` (401). No Kubernetes permission was looked at: a refused login comes before RBAC.",
        why: "\
Most likely first:

1. Nobody has given this role or user access to this cluster.
2. You called as another principal than you thought: another profile, a CI role, the role of the machine you are on.
3. An IAM Identity Center permission set was provisioned anew. The role's name then ends in another 16 characters,
   and the entry or row still names the old one: [permission set was provisioned anew](sso-role-reprovisioned.md).
4. The row in `aws-auth` has the role's path. There the path must be left out; in an access entry it must be kept:
   [row of aws-auth keeps the role's path](aws-auth-row-keeps-path.md).
5. The row names a session (`assumed-role/...`) or an instance profile in place of the role:
   [row of aws-auth matches nobody](aws-auth-row-matches-nobody.md).
6. The role or user was deleted and made again under the same name. An access entry remembers the unique id, so it
   is still listed but no longer works: [access entry outlived its role or user](entry-outlived-its-role.md).
7. The `aws-auth` ConfigMap is broken, and its rows are lost for everybody: see [aws-auth cannot be read](aws-auth-malformed.md).
8. The cluster is in the mode `API` and does not read `aws-auth`, or in the mode `CONFIG_MAP` and has no entries:
   [mapped only in aws-auth, which is not read](mapped-only-in-aws-auth.md),
   [no row of aws-auth lets you in](not-in-aws-auth.md).

With facts of the cluster and of IAM (`eks-access explain --live`, or the responder) the notice tells these apart.",
        how_to_be_sure: "\
- As the caller, run `aws sts get-caller-identity`. `assumed-role/NAME/SESSION` means the role `NAME`. Is it the
  principal you meant?
- As a cluster administrator, compare the account in the ARN with the one in the cluster's ARN: another account than the
  cluster's must be one that you trust. See [principal of another account](foreign-account-principal.md).
- As a cluster administrator, run the first commands below. No entry and no row: reason 1. An entry that is older than
  the role's `CreateDate`: reason 6. A permission set of the same name with another ending: reason 3.
- The log writes `ARN is not mapped`, `Identity is not mapped` or `identity is not mapped`, depending on the
  authenticator's release; all mean the same. Do not copy the ARN out of an old `ARN is not mapped: ...` text: it is in lower case.",
        what_to_do: "\
If you called as the wrong principal, switch the profile; nothing else is needed. Otherwise send a cluster
administrator the ARN from `aws sts get-caller-identity`, the cluster's name and the namespace you need.

The administrator looks first, then gives the least that works: reading one namespace. An entry with neither a group
nor an access policy only turns `Unauthorized` into `Forbidden`. Access policies do not show in
`kubectl auth can-i --list`. In a cluster with both mechanisms an access entry overrides the `aws-auth` row of the same
principal, so look at the row first.

No log shows a role's path. An access entry needs the ARN with its path, which `aws iam get-role` gives; for IAM Identity
Center it reads `arn:aws:iam::ACCOUNT_ID:role/aws-reserved/sso.amazonaws.com/[REGION/]AWSReservedSSO_...`. A row of
`aws-auth` needs the ARN without the path. Users keep their path in both.

Never map a person to `system:masters`, and never create a `STANDARD` entry for a role that nodes use: it puts the nodes out.",
        if_it_comes_back: "\
- Keep access entries in the same code as the cluster, and delete the entry together with the role.
- For IAM Identity Center, look the role up by its permission set when the code runs (Terraform: `aws_iam_roles` with
  `path_prefix = \"/aws-reserved/sso.amazonaws.com/\"`), because the ending changes whenever the set is provisioned anew.
- Give pipelines a role of their own with a narrow group, so that nobody has to share.",
    },
    perhaps: &["aws-auth-malformed", "aws-auth-deleted", "mapping-watch-lost", "foreign-account-principal"],
    claim: by_symptom,
    remedies,
    examples: &[Example { line: r#"time="2026-03-02T08:00:00Z" level=warning msg="access denied" arn="arn:aws:iam::111122223333:role/DevRole" client="127.0.0.1:40112" error="identity is not mapped" method=POST path=/authenticate"#, symptom: Symptom::NotMapped }, Example { line: r#"time="2026-03-02T15:13:29Z" level=warning msg="access denied" arn="arn:aws:iam::111122223333:role/AWSReservedSSO_Developer_0123456789abcdef" client="127.0.0.1:40430" error="Identity is not mapped" method=POST path=/authenticate"#, symptom: Symptom::NotMapped }, Example { line: r#"time="2026-03-02T11:26:58Z" level=warning msg="access denied" arn="arn:aws:iam::111122223333:user/teams/payments/dana" client="127.0.0.1:40748" error="ARN is not mapped" method=POST path=/authenticate"#, symptom: Symptom::NotMapped }, Example { line: r#"time="2026-03-02T18:39:27Z" level=warning msg="access denied" arn="arn:aws:iam::111122223333:role/DevRole" client="127.0.0.1:41066" error="ARN is not mapped: arn:aws:iam::111122223333:role/devrole" method=POST path=/authenticate sts=sts.eu-west-1.amazonaws.com"#, symptom: Symptom::NotMapped }, Example { line: r#"time="2026-03-02T14:52:56Z" level=warning msg="access denied because ARN is not mapped" arn="arn:aws:iam::111122223333:role/DevRole" client="127.0.0.1:51844" method=POST path=/authenticate"#, symptom: Symptom::NotMapped },],
};

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    let mut remedies = Vec::from_iter(steps::compare_accounts(case));
    remedies.push(steps::checks(case));
    remedies.extend(steps::lockout(case));
    if let Some(entry) = case.facts.own_entry() {
        remedies.push(steps::look_at_entry("It has an access entry, made since: try again first, then look at the entry", case, &entry.principal));
        remedies.push(steps::try_again(case));
        return remedies;
    }
    let Some(grantee) = steps::Grantee::person(case) else { return remedies };
    remedies.extend(grantee.permission_set().map(|set| steps::find_other_ending(set, case)));
    remedies.extend(steps::entry_remedies(&grantee, case));
    remedies.extend(steps::aws_auth_remedies(&grantee, case));
    remedies.push(steps::try_again(case));
    remedies
}
