//! The way back into a cluster that nobody administers any more.

use crate::catalogue::Case;
use crate::facts::{Administrator, Fact};
use crate::remedy::{Command, Modes, Remedy};
use crate::symptom::Actor;

use super::cluster::{access_policy, describe_cluster, eks, eks_named};
use super::grantee::Grantee;
use super::logs::events;

/// The role that is to administer the cluster, for the reader to replace: nothing in a log or in IAM tells which it is.
const ADMINISTRATORS: &str = "ADMINISTRATORS_ROLE_ARN";

/// Administrators that are named at most.
const NAMED: usize = 3;

/// Warns where everybody is gone whose access entry had the administrator's policy.
pub(crate) fn lockout(case: &Case<'_>) -> Option<Remedy> {
    let title = "Mend the lockout as well: every role and user whose access entry had the administrator's policy is gone \
                 or was made again, and eks-access cause no-administrator-left tells the way back";
    let is_locked = case.facts.is_without_administrator() && Grantee::of(case).is_some();
    is_locked.then(|| {
        Remedy::new(Actor::IamAdministrator, title)
            .modes(Modes::AccessEntries)
            .aws(eks("aws eks list-access-entries", case))
    })
}

/// Names those who administer the cluster by an access entry, as far as anybody knows that they still exist.
pub(crate) fn ask_administrators(case: &Case<'_>) -> Option<Remedy> {
    let all = case.facts.administrators.known()?;
    let left: Vec<&Administrator> = all
        .iter()
        .filter(|administrator| administrator.exists != Fact::Known(false))
        .collect();
    let named: Vec<String> = left
        .iter()
        .take(NAMED)
        .map(|administrator| {
            let principal = &administrator.principal;
            let kind = if principal.is_user() { "user" } else { "role" };
            format!(
                "the {kind} {} of account {}",
                principal.name(),
                principal.account()
            )
        })
        .collect();
    let more = if left.len() > NAMED { " or others" } else { "" };
    let title = format!(
        "Ask whoever has {}{more}, which the cluster's access entries let administer it",
        named.join(" or ")
    );
    (!named.is_empty()).then(|| Remedy::new(Actor::Caller, title))
}

/// The way back, by mode.
pub(crate) fn recover(case: &Case<'_>) -> Vec<Remedy> {
    let iam = Actor::IamAdministrator;
    let administrator = |constant| eks(constant, case).option("--principal-arn", ADMINISTRATORS);
    vec![
        Remedy::new(
            iam,
            "Find the mode, the Kubernetes version and who created the cluster; these commands change nothing, and \
             CloudTrail goes back 90 days",
        )
        .aws(describe_cluster(case))
        .aws(
            eks_named("aws eks describe-cluster", case)
                .option("--query", "cluster.[version,platformVersion,createdAt]")
                .then("--output text"),
        )
        .aws(
            events("CreateCluster", case)
                .option("--query", "Events[].[EventTime,Username]")
                .then("--output text"),
        ),
        Remedy::new(
            iam,
            "With the security team's agreement, let a role of the administrators in as administrator of the cluster",
        )
        .modes(Modes::AccessEntries)
        .aws(eks("aws eks list-access-entries", case))
        .aws(administrator("aws eks create-access-entry").option("--type", "STANDARD"))
        .aws(
            administrator("aws eks associate-access-policy")
                .option(
                    "--policy-arn",
                    &access_policy(case, "AmazonEKSClusterAdminPolicy"),
                )
                .option("--access-scope", "type=cluster"),
        ),
        Remedy::new(
            iam,
            "Make the creator again under the same name, if it was a user, and log in with it; for a role, the same with \
             its old path and trust policy",
        )
        .modes(Modes::AwsAuth)
        .aws(Command::new("aws iam create-user --user-name CREATOR_NAME")),
        Remedy::new(
            Actor::Aws,
            "If the creator was a role of IAM Identity Center, whose ending comes back to nobody, open a case with AWS \
             Support, with the cluster's ARN and the CreateCluster event",
        )
        .modes(Modes::AwsAuth),
        Remedy::new(
            iam,
            "Or turn on access entries beside aws-auth, which is one-way, and then create one for a role; the rows of \
             aws-auth go on working",
        )
        .modes(Modes::AwsAuth)
        .aws(
            eks_named("aws eks update-cluster-config", case)
                .option("--access-config", "authenticationMode=API_AND_CONFIG_MAP"),
        ),
    ]
}
