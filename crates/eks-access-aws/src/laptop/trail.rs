//! `CloudTrail`'s event history: 90 days of one Region.

use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_sdk_cloudtrail::Client;
use aws_sdk_cloudtrail::types::{LookupAttribute, LookupAttributeKey};

use super::Refused;

/// More pages than this are not turned: `CloudTrail` allows two a second (API reference, `LookupEvents`).
const PAGES: usize = 40;

/// The whole documents of all events of this name since then, the newest first, and whether that is all of them.
///
/// # Errors
/// When AWS does not answer.
pub async fn events(
    config: &SdkConfig,
    name: &str,
    since: SystemTime,
) -> Result<(Vec<String>, bool), Refused> {
    const ACTION: &str = "cloudtrail:LookupEvents";
    let client = Client::new(config);
    let attribute = LookupAttribute::builder()
        .attribute_key(LookupAttributeKey::EventName)
        .attribute_value(name)
        .build();
    let attribute = attribute.map_err(|error| Refused::unanswered(ACTION, &error))?;
    let mut found = Vec::new();
    let mut token = None;
    for page in 0..PAGES {
        if page > 0 {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        let answer = client
            .lookup_events()
            .lookup_attributes(attribute.clone())
            .start_time(since.into())
            .set_next_token(token)
            .send()
            .await
            .map_err(|error| Refused::new(ACTION, &error))?;
        let documents = answer
            .events()
            .iter()
            .filter_map(|event| event.cloud_trail_event());
        found.extend(documents.map(str::to_owned));
        token = answer.next_token;
        if token.is_none() {
            return Ok((found, true));
        }
    }
    Ok((found, false))
}
