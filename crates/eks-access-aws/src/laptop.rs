//! AWS as a person at a terminal asks it: with credentials of their own, and more patience than a function has.
//!
//! Only with the feature `laptop`, so that no function compiles it.

use std::time::Duration;

pub use aws_config::SdkConfig;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region};
use aws_sdk_sts::config::{ProvideCredentials, SharedCredentialsProvider};

pub mod approvals;
pub mod clusters;
pub mod identity;
pub mod invoke;
pub mod logs;
mod refused;
pub mod trail;
pub mod watch;

use identity::Caller;
pub use refused::{Kind, Refused};

/// Setting up a connection, TLS not included: a person may be far from the Region.
const CONNECT: Duration = Duration::from_secs(5);
/// One attempt of a call.
const ATTEMPT: Duration = Duration::from_secs(10);
/// A call with all of its attempts and the pauses between them.
const OPERATION: Duration = Duration::from_secs(40);
/// The first pause before another attempt, at most.
const BACKOFF: Duration = Duration::from_millis(300);
/// A call and its repetitions: many calls for many clusters are throttled now and then.
const ATTEMPTS: u32 = 6;

/// The caller's own credentials, found once, and the Region: of the flag, the environment or the profile.
///
/// # Errors
/// When there are no credentials, or STS does not take them.
pub async fn caller(profile: Option<&str>, region: Option<&str>) -> Result<Caller, Refused> {
    let config = config(profile, region).await;
    if config.region().is_none() {
        return Err(Refused::without_region());
    }
    let Some(provider) = config.credentials_provider() else {
        return Err(Refused::without_credentials("nothing has any".to_owned()));
    };
    let found = provider.provide_credentials().await;
    let found = found.map_err(|error| Refused::without_credentials(refused::chain(&error)))?;
    let found = SharedCredentialsProvider::new(found);
    identity::whose(config.to_builder().credentials_provider(found).build()).await
}

/// A configuration with the caller's own credentials. A profile that is named counts more than keys in the
/// environment, as with `--profile` of the AWS CLI (botocore, `create_credential_resolver`); the SDK by itself would take
/// the keys. Without a Region, that of the environment or the profile is used, if there is one.
async fn config(profile: Option<&str>, region: Option<&str>) -> SdkConfig {
    let loader = loader(region);
    let Some(profile) = profile else {
        return loader.load().await;
    };
    let about = ProviderConfig::without_region().with_region(region.map(named));
    let provider = ProfileFileCredentialsProvider::builder()
        .configure(&about)
        .profile_name(profile)
        .build();
    loader
        .profile_name(profile)
        .credentials_provider(provider)
        .load()
        .await
}

fn named(region: &str) -> Region {
    Region::new(region.to_owned())
}

/// What every configuration here shares.
fn loader(region: Option<&str>) -> ConfigLoader {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .operation_attempt_timeout(ATTEMPT)
        .operation_timeout(OPERATION)
        .build();
    let retries = RetryConfig::standard()
        .with_max_attempts(ATTEMPTS)
        .with_initial_backoff(BACKOFF);
    let loader = aws_config::defaults(BehaviorVersion::latest())
        .timeout_config(timeouts)
        .retry_config(retries);
    match region {
        Some(region) => loader.region(named(region)),
        None => loader,
    }
}
