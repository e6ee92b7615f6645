//! The STS endpoint that a token is signed for.

use crate::catalogue::Case;
use crate::cluster::Region;
use crate::remedy::{Command, Remedy, Tool};
use crate::symptom::Actor;

use super::cluster::eks;

/// The public STS host of the cluster's Region (botocore, `partitions.json`).
pub(crate) fn sts_host(case: &Case<'_>) -> String {
    let suffix = match case.cluster.region.as_ref().map(Region::partition) {
        Some("aws-cn") => "amazonaws.com.cn",
        Some("aws-eusc") => "amazonaws.eu",
        Some("aws-iso") => "c2s.ic.gov",
        Some("aws-iso-b") => "sc2s.sgov.gov",
        Some("aws-iso-e") => "cloud.adc-e.uk",
        Some("aws-iso-f") => "csp.hci.ic.gov",
        _ => "amazonaws.com",
    };
    format!("sts.{}.{suffix}", case.cluster.region_or_placeholder())
}

/// Shows and unsets what can lead a token to another STS host than the Region's.
pub(crate) fn regional_sts(case: &Case<'_>) -> Remedy {
    Remedy::new(
        Actor::Caller,
        "Take settings away that lead to another STS endpoint, and use the regional one",
    )
    .aws(Command::new("aws configure list"))
    .command(
        Tool::Shell,
        Command::new("unset AWS_ENDPOINT_URL AWS_ENDPOINT_URL_STS"),
    )
    .command(
        Tool::Shell,
        Command::new("export AWS_STS_REGIONAL_ENDPOINTS=regional"),
    )
    .aws(eks("aws eks get-token", case).then("| jq -r .status.expirationTimestamp"))
}

/// A token is good for the cluster wherever it is signed.
pub(crate) fn token_in_another_region(case: &Case<'_>) -> Remedy {
    Remedy::new(
        Actor::Caller,
        "Until then, see whether a token of another Region can be made, and use that Region",
    )
    .aws(
        Command::new("aws eks get-token")
            .option("--cluster-name", case.cluster.name_or_placeholder())
            .option("--region", "OTHER_REGION")
            .then("| jq -r .status.expirationTimestamp"),
    )
}
