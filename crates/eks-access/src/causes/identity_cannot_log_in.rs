use crate::catalogue::{Case, Cause, Example, Page, Tier, by_symptom};
use crate::remedy::{Command, Remedy, Tool};
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "identity-cannot-log-in",
    title: "identity cannot log in to a cluster",
    summary: "AWS knows your credentials, but they belong to a kind of identity that no cluster can let in.",
    tier: Tier::General,
    symptoms: &[Symptom::IdentityUnsupported],
    actor: Actor::Caller,
    severity: Severity::Low,
    page: Page {
        what_happened: "\
AWS said who you are, but the answer is neither a role, an IAM user, a federated user nor root, or has a form that the
authenticator does not know. No mapping can name such an identity.",
        why: "\
Most likely first:

1. The credentials were made by a service or a broker in an unusual way.
2. The account is in a partition that this release of the authenticator does not know yet.
3. The session's name holds a colon, which the authenticator cannot read in the unique id.",
        how_to_be_sure: "\
`aws sts get-caller-identity` shows the ARN and the unique id. The end of the line says which part was not understood.",
        what_to_do: "\
Assume an ordinary role with an ordinary session name, and call with it. If the partition is new, open a case with AWS Support.",
        if_it_comes_back: "\
Use roles for everything that calls a cluster, with session names of letters, digits and `+=,.@-`.",
    },
    perhaps: &["federated-user-not-mapped", "token-forged"],
    claim: by_symptom,
    remedies,
    examples: &[Example { line: r#"time="2026-03-05T12:05:25Z" level=warning msg="access denied" client="127.0.0.1:60464" error="sts getCallerIdentity failed: unrecognized resource session for service sts" method=POST path=/authenticate"#, symptom: Symptom::IdentityUnsupported }, Example { line: r#"time="2026-03-05T08:18:54Z" level=warning msg="access denied" client="127.0.0.1:60782" error="sts getCallerIdentity failed: arn 'arn:aws-new:sts::111122223333:assumed-role/DevRole/dana' does not have a recognized partition" method=POST path=/authenticate"#, symptom: Symptom::IdentityUnsupported }, Example { line: r#"time="2026-03-05T15:31:23Z" level=warning msg="access denied" client="127.0.0.1:61100" error="sts getCallerIdentity failed: malformed UserID \"AROAEXAMPLEDEVROLE001:dana:two\"" method=POST path=/authenticate"#, symptom: Symptom::IdentityUnsupported },],
};

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    vec![
        steps::who_am_i(case),
        Remedy::new(Actor::Caller, "Assume an ordinary role, and write a kubeconfig that uses it")
            .aws(steps::kubeconfig(case).option("--role-arn", "ROLE_ARN"))
            .command(Tool::Kubectl, Command::new("kubectl auth whoami")),
    ]
}
