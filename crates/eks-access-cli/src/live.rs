//! The commands that ask AWS, with the caller's own credentials.

use std::io;

use eks_access::cluster::{ClusterName, Region};
use eks_access_aws::laptop::identity::Caller;
use eks_access_aws::laptop::{self, Refused, SdkConfig};

use crate::args::Account;
use crate::output::{Error, fact, shown, wrapped};

mod admins;
mod approvals;
mod doctor;
mod gatherer;
mod incidents;
mod self_test;
mod whoami;
mod why;

pub(crate) use admins::run as admins;
pub(crate) use approvals::run as approvals;
pub(crate) use doctor::run as doctor;
pub(crate) use gatherer::Live;
pub(crate) use incidents::{mute, run as incidents};
pub(crate) use self_test::run as self_test;
pub(crate) use whoami::run as whoami;
pub(crate) use why::run as why;

/// Runs what waits for AWS, on this thread.
fn wait<T>(future: impl Future<Output = T>) -> Result<T, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime
        .map(|runtime| runtime.block_on(future))
        .map_err(|error: io::Error| Error::Runtime(error))
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        Self::Ask(refused.to_string())
    }
}

/// Good credentials, and the Region that is asked with them.
struct Session {
    caller: Caller,
    region: Region,
    config: SdkConfig,
}

impl Session {
    /// Finds them, and has STS say whether they are good: without that, every question would be refused for a reason that
    /// is not its own.
    async fn start(account: &Account) -> Result<Self, Error> {
        let region = account.region.as_ref().map(Region::as_str);
        let caller = laptop::caller(account.profile.as_deref(), region).await?;
        let region: Option<Region> = caller.region().and_then(|region| region.parse().ok());
        let region = region.ok_or_else(|| {
            Error::Ask(
                "no Region is known; name the cluster's with --region, or set AWS_REGION"
                    .to_owned(),
            )
        })?;
        let config = caller.in_region(region.as_str());
        Ok(Self {
            caller,
            region,
            config,
        })
    }

    /// EKS knows no such cluster, here and to this caller.
    fn no_cluster(&self, name: &ClusterName) -> Error {
        let account = self.caller.principal.as_ref();
        let account = account.map_or_else(
            || "this account".to_owned(),
            |one| format!("account {}", one.account()),
        );
        Error::Ask(format!(
            "EKS has no cluster `{name}` in {} of {account}; see --cluster, --region and --profile",
            self.region
        ))
    }
}
