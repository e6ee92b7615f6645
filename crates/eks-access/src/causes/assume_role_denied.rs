use crate::catalogue::{Case, Cause, Example, Page, Tier, by_symptom};
use crate::remedy::{Command, Remedy};
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "assume-role-denied",
    title: "role cannot be assumed",
    summary: "AWS did not let you assume the role that your kubeconfig or profile names.",
    tier: Tier::General,
    symptoms: &[Symptom::ClientAssumeRoleDenied],
    actor: Actor::IamAdministrator,
    severity: Severity::Low,
    page: Page {
        what_happened: "\
To make a token, your profile or kubeconfig first assumes a role, and AWS refused that (`AccessDenied`, `sts:AssumeRole`),
or the role does not exist. You have not reached the cluster yet; its log shows nothing of this.",
        why: "\
Most likely first:

1. The role's trust policy does not name you.
2. You may not call `sts:AssumeRole` on it.
3. The role's ARN is misspelled, the role was deleted, or it lies in another account. AWS does not tell which.
4. The trust policy asks for something you did not send: multi-factor authentication, an external id, a session tag.",
        how_to_be_sure: "\
Try `aws sts assume-role` alone, as below, with the credentials you start from. `kubectl config view --minify` shows the
role after `--role-arn` or `--role`.",
        what_to_do: "\
An IAM administrator needs both sides: the role's trust policy names your principal, and your policy allows
`sts:AssumeRole` on that role's ARN. For IAM Identity Center and other pathed roles the ARN needs its path here.",
        if_it_comes_back: "\
Keep trust policies in code, and name roles in kubeconfigs by an AWS profile rather than by ARN.",
    },
    perhaps: &["credentials-missing", "describe-cluster-denied", "client-unauthorized"],
    claim: by_symptom,
    remedies,
    examples: &[Example { line: "An error occurred (AccessDenied) when calling the AssumeRole operation: User: arn:aws:iam::111122223333:user/dana is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/DevRole", symptom: Symptom::ClientAssumeRoleDenied }, Example { line: "could not get token: AccessDenied: User: arn:aws:iam::111122223333:user/dana is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/DevRole", symptom: Symptom::ClientAssumeRoleDenied },],
};

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    vec![
        steps::who_am_i(case),
        Remedy::new(Actor::Caller, "Assume the role alone, to see the plain message").aws(
            Command::new("aws sts assume-role --role-arn ROLE_ARN --role-session-name check")
                .then("--query AssumedRoleUser.Arn --output text"),
        ),
        Remedy::new(Actor::IamAdministrator, "See whom the role trusts").aws(
            Command::new("aws iam get-role --role-name ROLE_NAME --query Role.AssumeRolePolicyDocument"),
        ),
        steps::fresh_kubeconfig(case),
    ]
}
