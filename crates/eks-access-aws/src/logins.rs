//! Whether a principal gets in by now: a bounded look into the cluster's own log.
//!
//! A subscription to every granted login would multiply what is delivered a hundredfold. A look costs nothing:
//! `FilterLogEvents` is free of charge, and only the few principals with an open incident are looked for.

use aws_config::SdkConfig;
use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::error::{ProvideErrorMetadata, SdkError};
use eks_access::cluster::ClusterName;
use eks_access::line::{granted_arn, read_delivered};
use eks_access::principal::Principal;
use eks_access::symptom::Symptom;

/// Pages of an answer that are looked at: `CloudWatch` Logs may answer with empty ones.
const PAGES: usize = 4;
/// Lines of a page: the first one that fits is enough.
const LINES: i32 = 20;

/// Looks into clusters' logs.
#[derive(Debug)]
pub struct Logins {
    client: Client,
}

impl Logins {
    /// With this configuration.
    #[must_use]
    pub fn new(config: &SdkConfig) -> Self {
        Self {
            client: Client::new(config),
        }
    }

    /// When the principal was first let in after this time, in milliseconds since 1970; `None` if it was not, as far as
    /// the pages go that are looked at.
    ///
    /// # Errors
    /// AWS' error code, or `no answer`.
    pub async fn granted_since(
        &self,
        cluster: &ClusterName,
        principal: &Principal,
        since: i64,
    ) -> Result<Option<i64>, String> {
        let arn = principal.to_string();
        // IAM's names have no quotation marks and no backslashes.
        let pattern = format!("\"access granted\" \"{arn}\"");
        let mut next: Option<String> = None;
        for _ in 0..PAGES {
            let answer = self
                .client
                .filter_log_events()
                .log_group_name(format!("/aws/eks/{cluster}/cluster"))
                .log_stream_name_prefix("authenticator-")
                .start_time(since)
                .filter_pattern(&pattern)
                .limit(LINES)
                .set_next_token(next.take())
                .send()
                .await
                .map_err(|error| match &error {
                    SdkError::ServiceError(context) => {
                        context.err().code().unwrap_or("Unknown").to_owned()
                    }
                    _ => "no answer".to_owned(),
                })?;
            // The pattern only searches; who was let in is in the line's own field.
            let granted = answer.events().iter().filter_map(|event| {
                let line = event.message()?;
                let is_granted = read_delivered(line).symptom == Symptom::AccessGranted
                    && granted_arn(line).as_deref() == Some(arn.as_str());
                is_granted.then(|| event.timestamp())?
            });
            if let Some(first) = granted.min() {
                return Ok(Some(first));
            }
            match answer.next_token {
                Some(token) => next = Some(token),
                None => break,
            }
        }
        Ok(None)
    }
}
