//! What every function does before it asks for its first event.

use std::io::Write;

use lambda_runtime_api_client::body::Body;
use lambda_runtime_api_client::{BoxError, Client, build_request};
use serde_json::json;

use crate::log::{Entry, Level};
use crate::vars::{self, Mistakes};

/// The error's type that Lambda shows for a function that refused to start.
pub const CONFIGURATION: &str = "Configuration";

/// A panic's message may quote the text at hand, and that may be a log line: only its place is logged.
pub fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let location = panic
            .location()
            .map_or_else(|| "unknown".to_owned(), ToString::to_string);
        Entry::new(Level::Error, "the function panicked; report this as a bug")
            .with("location", location)
            .write();
    }));
}

/// Says on standard error, and to Lambda, that the function does not start, and why.
pub async fn refuse(mistakes: &Mistakes) {
    let mut told = mistakes.to_string();
    if vars::is_in_lambda() {
        if let Err(error) = report(&told).await {
            told = format!("{told}\n  and Lambda could not be told: {error}");
        }
    } else {
        told.push_str("\n  this program is an AWS Lambda function; `make run` shows it at work without an AWS account");
    }
    std::io::stderr()
        .write_all(format!("{told}\n").as_bytes())
        .ok();
}

async fn report(told: &str) -> Result<(), BoxError> {
    let body = json!({"errorType": CONFIGURATION, "errorMessage": told, "stackTrace": []});
    let request = build_request()
        .method("POST")
        .uri("/2018-06-01/runtime/init/error")
        .header("lambda-runtime-function-error-type", CONFIGURATION)
        .body(Body::from(body.to_string()))?;
    Client::builder().build()?.call(request).await?;
    Ok(())
}
