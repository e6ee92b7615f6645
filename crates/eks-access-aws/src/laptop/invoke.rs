//! A deployed function, invoked by hand.

use aws_config::SdkConfig;
use aws_sdk_lambda::Client;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::LogType;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::Refused;

/// What became of an invocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invoked {
    /// What the function answered: text of others.
    pub answer: String,
    /// Whether that is an error of the function's.
    pub has_failed: bool,
    /// The last 4 KB of its log.
    pub log: String,
}

/// `lambda:InvokeFunction`: gives a function an event, and waits for it.
///
/// # Errors
/// When Lambda does not answer, or knows no such function.
pub async fn invoke(
    config: &SdkConfig,
    function: &str,
    event: Vec<u8>,
) -> Result<Invoked, Refused> {
    const ACTION: &str = "lambda:InvokeFunction";
    let answer = Client::new(config)
        .invoke()
        .function_name(function)
        .log_type(LogType::Tail)
        .payload(Blob::new(event))
        .send()
        .await
        .map_err(|error| Refused::new(ACTION, &error))?;
    let log = answer
        .log_result()
        .and_then(|log| STANDARD.decode(log).ok());
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(Invoked {
        answer: answer
            .payload()
            .map(|payload| text(payload.as_ref()))
            .unwrap_or_default(),
        has_failed: answer.function_error().is_some(),
        log: log.as_deref().map(text).unwrap_or_default(),
    })
}
