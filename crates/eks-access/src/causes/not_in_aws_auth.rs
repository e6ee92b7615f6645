use crate::catalogue::{Case, Cause, Claim, Example, Page, Tier};
use crate::finding::Finding;
use crate::remedy::{Modes, Remedy};
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "not-in-aws-auth",
    title: "no row of aws-auth lets you in",
    summary: "This cluster knows nothing but its aws-auth ConfigMap, and no row of it lets your role or user in.",
    tier: Tier::Specific,
    symptoms: &[Symptom::NotMapped],
    actor: Actor::ClusterAdministrator,
    severity: Severity::Medium,
    page: Page {
        what_happened: "\
The authentication mode of the cluster is `CONFIG_MAP`. Only rows of the `aws-auth` ConfigMap let people in, and the principal
that created the cluster; the authenticator found no row that matches yours. Access entries do not exist in this mode: even
listing them is an error.",
        why: "\
Most likely first:

1. There is no row for this role or user.
2. There is one with the role's path; see [row of aws-auth keeps the role's path](aws-auth-row-keeps-path.md).
3. There is one that can match nobody; see [row of aws-auth matches nobody](aws-auth-row-matches-nobody.md).
4. The ConfigMap cannot be read, and its rows are lost for everybody; see [aws-auth cannot be read](aws-auth-malformed.md).
5. You called as another principal than you thought.",
        how_to_be_sure: "\
- `kubectl -n kube-system get configmap aws-auth -o yaml`, by whoever can still log in.
- `eks-access aws-auth lint FILE` finds reasons 2 to 4 in what that prints.
- As the caller, `aws sts get-caller-identity`.",
        what_to_do: "\
Add one row, with a user name and a group that is bound to what is needed, here to reading one namespace. The ARN of a role goes
without its path, that of a user with it. `eksctl` adds a row without touching the others.

Access entries are the better way for people. They need another authentication mode, and that is one-way; the rows of
`aws-auth` go on working beside them.

Never apply a whole `aws-auth` from a template: it drops the rows of the nodes.",
        if_it_comes_back: "\
Keep the rows in code, one place, and run `eks-access aws-auth lint` on them before they are applied.",
    },
    perhaps: &["aws-auth-malformed", "aws-auth-deleted", "mapping-watch-lost"],
    claim,
    remedies,
    examples: &[Example { line: r#"time="2026-03-02T17:02:13Z" level=warning msg="access denied" arn="arn:aws:iam::111122223333:role/DevRole" client="127.0.0.1:40230" error="identity is not mapped" method=POST path=/authenticate"#, symptom: Symptom::NotMapped }],
};

fn claim(case: &Case<'_>) -> Claim {
    Finding::claim(case, |finding| matches!(finding, Finding::NotInAwsAuth), |_| None)
}

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    let mut remedies = vec![steps::checks(case)];
    let Some(grantee) = steps::Grantee::person(case) else { return remedies };
    remedies.extend(grantee.permission_set().map(|set| steps::find_other_ending(set, case)));
    remedies.extend(steps::aws_auth_remedies(&grantee, case));
    remedies.push(
        Remedy::new(
            Actor::ClusterAdministrator,
            "Or turn on access entries beside aws-auth, which is one-way, and create one; the rows of aws-auth go on working",
        )
        .modes(Modes::AwsAuth)
        .aws(
            steps::eks_named("aws eks update-cluster-config", case)
                .option("--access-config", "authenticationMode=API_AND_CONFIG_MAP"),
        ),
    );
    remedies.push(steps::try_again(case));
    remedies
}
