//! What all AWS clients share: Region, time-outs, retries.

use std::error::Error;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_eks::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};

/// One attempt of a call. SNS answers in some tens of milliseconds.
const ATTEMPT: Duration = Duration::from_secs(2);
/// A call with all of its attempts and the pauses between them.
const OPERATION: Duration = Duration::from_secs(8);
/// Setting up a connection, TLS not included.
const CONNECT: Duration = Duration::from_secs(1);
/// The first pause before another attempt, at most; so chosen that three attempts fit into [`OPERATION`].
const BACKOFF: Duration = Duration::from_millis(300);
/// A call and its repetitions.
const ATTEMPTS: u32 = 3;

/// The same for a question that an invocation can do without: it has to leave time for the notices.
const QUESTION_ATTEMPT: Duration = Duration::from_millis(1500);
/// A question with its attempts and the pauses between them.
const QUESTION: Duration = Duration::from_millis(3500);
/// A question and its repetition.
const QUESTION_ATTEMPTS: u32 = 2;

/// The same configuration for clients of another Region.
#[must_use]
pub fn in_region(config: &SdkConfig, region: &str) -> SdkConfig {
    let region = Region::new(region.to_owned());
    config.to_builder().region(region).build()
}

/// The same configuration for questions whose answer is nice to have.
#[must_use]
pub fn for_questions(config: &SdkConfig) -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .operation_attempt_timeout(QUESTION_ATTEMPT)
        .operation_timeout(QUESTION)
        .build();
    let retries = RetryConfig::standard()
        .with_max_attempts(QUESTION_ATTEMPTS)
        .with_initial_backoff(BACKOFF);
    config
        .to_builder()
        .timeout_config(timeouts)
        .retry_config(retries)
        .build()
}

/// The configuration for clients in this Region. The SDK itself has no time-out but for the connection.
pub async fn config(region: &str) -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .operation_attempt_timeout(ATTEMPT)
        .operation_timeout(OPERATION)
        .build();
    let retries = RetryConfig::standard()
        .with_max_attempts(ATTEMPTS)
        .with_initial_backoff(BACKOFF);
    aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .timeout_config(timeouts)
        .retry_config(retries)
        .load()
        .await
}

/// Why a call came to nothing: AWS' code, `Timeout` or `Unreachable`, and what the service or the connection said.
pub(crate) fn told<E: ProvideErrorMetadata + Error + Send + Sync + 'static>(
    error: &SdkError<E>,
    service: &str,
) -> (String, String) {
    match error {
        SdkError::ServiceError(context) => {
            let error = context.err();
            let unsaid = || format!("{service} gave no reason");
            (
                error.code().unwrap_or("Unknown").to_owned(),
                error.message().map_or_else(unsaid, str::to_owned),
            )
        }
        SdkError::TimeoutError(_) => (
            "Timeout".to_owned(),
            format!("{service} did not answer in time"),
        ),
        _ => (
            "Unreachable".to_owned(),
            DisplayErrorContext(error).to_string(),
        ),
    }
}
