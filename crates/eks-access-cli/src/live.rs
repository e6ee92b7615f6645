//! The commands that ask AWS, with the caller's own credentials.

use std::io;

use crate::args::Account;
use crate::output::Error;

/// Runs what waits for AWS, on this thread.
pub(crate) fn wait<T>(future: impl Future<Output = T>) -> Result<T, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime
        .map(|runtime| runtime.block_on(future))
        .map_err(|error: io::Error| Error::Runtime(error))
}

/// The configuration of AWS' clients that the caller asked for.
pub(crate) async fn config(account: &Account) -> eks_access_aws::laptop::SdkConfig {
    let region = account
        .region
        .as_ref()
        .map(eks_access::cluster::Region::as_str);
    eks_access_aws::laptop::config(account.profile.as_deref(), region).await
}
