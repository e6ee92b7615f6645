//! Whether a principal gets in by now: a bounded look into the cluster's own log.
//!
//! A subscription to every granted login would multiply what is delivered a hundredfold. A look costs nothing:
//! `FilterLogEvents` is free of charge, and only the few principals with an open incident are looked for.

use aws_config::SdkConfig;
use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_cloudwatchlogs::types::FilteredLogEvent;
use eks_access::cluster::ClusterName;
use eks_access::line::{granted_arn, granted_at, read_delivered};
use eks_access::principal::Principal;
use eks_access::symptom::Symptom;

/// Pages of an answer that are looked at: `CloudWatch` Logs may answer with empty ones.
const PAGES: usize = 4;
/// Lines of a page. Names that begin like the principal's are among them.
const LINES: i32 = 2000;
/// A line's own time may be that much after the time of its event.
const SKEW: i64 = 60 * 1000;

/// Looks into clusters' logs.
#[derive(Debug)]
pub struct Logins {
    client: Client,
}

/// What a look found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Found {
    /// When the principal was let in.
    pub granted: Option<i64>,
    /// Up to which event the log was searched, if not to its end: the next look begins there.
    pub until: Option<i64>,
}

impl Logins {
    /// With this configuration.
    #[must_use]
    pub fn new(config: &SdkConfig) -> Self {
        Self {
            client: Client::new(config),
        }
    }

    /// Whether the principal was let in after this time, by the lines' own time; all times in milliseconds since 1970. The
    /// search begins where the last one ended, if it did not come to the end.
    ///
    /// # Errors
    /// AWS' error code, or `no answer`.
    pub async fn granted_since(
        &self,
        cluster: &ClusterName,
        principal: &Principal,
        since: i64,
        from: Option<i64>,
    ) -> Result<Found, String> {
        let arn = principal.to_string();
        let mut found = Found {
            granted: None,
            until: from,
        };
        let mut next: Option<String> = None;
        for _ in 0..PAGES {
            let answer = self
                .client
                .filter_log_events()
                .log_group_name(format!("/aws/eks/{cluster}/cluster"))
                .log_stream_name_prefix("authenticator-")
                .start_time(from.unwrap_or(since - SKEW))
                // IAM's names have no quotation marks and no backslashes.
                .filter_pattern(format!("\"access granted\" \"{arn}\""))
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
            let events = answer.events();
            let granted = events.iter().filter_map(|event| granted(event, &arn));
            found.granted = granted.filter(|at| *at > since).min();
            let last = events.iter().filter_map(FilteredLogEvent::timestamp);
            found.until = found.until.into_iter().chain(last).max();
            next = answer.next_token;
            if found.granted.is_some() || next.is_none() {
                break;
            }
        }
        // Once it was searched to its end, what comes later may still have an earlier time.
        found.until = found.until.filter(|_| next.is_some());
        Ok(found)
    }
}

/// When the event says that this principal was let in. The pattern only searches; who was let in is in the line's own
/// field.
fn granted(event: &FilteredLogEvent, arn: &str) -> Option<i64> {
    let text = event.message()?;
    let is_granted = read_delivered(text).symptom == Symptom::AccessGranted
        && granted_arn(text).as_deref() == Some(arn);
    is_granted.then(|| granted_at(text, event.timestamp()))?
}
