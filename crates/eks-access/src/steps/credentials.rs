//! What the caller's machine signs with: credentials, kubeconfig, token and clock.

use crate::catalogue::Case;
use crate::remedy::{Command, Remedy, Tool};
use crate::symptom::Actor;

use super::cluster::{eks, kubeconfig};

/// What AWS makes of the caller's credentials.
pub(crate) fn who_am_i(case: &Case<'_>) -> Remedy {
    Remedy::new(
        Actor::Caller,
        "See which credentials you use, and whether AWS takes them",
    )
    .aws(Command::new("aws configure list"))
    .aws(
        Command::new("aws sts get-caller-identity")
            .option("--region", case.cluster.region_or_placeholder()),
    )
}

/// Signs in again, whatever the credentials come from.
pub(crate) fn sign_in_again(case: &Case<'_>) -> Remedy {
    Remedy::new(
        Actor::Caller,
        "Sign in again, if your credentials come from IAM Identity Center",
    )
    .aws(Command::new("aws sso login --profile PROFILE"))
    .aws(
        Command::new("aws sts get-caller-identity --profile PROFILE")
            .option("--region", case.cluster.region_or_placeholder()),
    )
}

/// A kubeconfig that names the right cluster and makes a new token for every call.
pub(crate) fn fresh_kubeconfig(case: &Case<'_>) -> Remedy {
    Remedy::new(
        Actor::Caller,
        "Write the kubeconfig again, with the cluster's exact name and Region",
    )
    .aws(kubeconfig(case))
    .command(Tool::Kubectl, Command::new("kubectl auth whoami"))
}

/// When a new token ends, beside this machine's clock. Prints neither the token nor the signature.
pub(crate) fn token_and_clock(case: &Case<'_>) -> Remedy {
    Remedy::new(
        Actor::Caller,
        "Make a new token, and compare its end with the clock",
    )
    .aws(eks("aws eks get-token", case).then("| jq -r .status.expirationTimestamp"))
    .command(Tool::Shell, Command::new("date -u"))
}
