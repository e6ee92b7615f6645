//! What everything that an invocation does has in common.

use std::time::Duration;

use eks_access_aws::store::Claim;
use tokio::time::Instant;

/// SNS with its attempts and Slack with its calls may take so long: with less time left nothing is begun, and a tick does it.
const TO_SEND: Duration = Duration::from_secs(15);

/// One invocation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run<'a> {
    /// Its id, which is unique.
    pub(crate) id: &'a str,
    /// When it has to be done.
    pub(crate) until: Instant,
    /// What time it is in it, in milliseconds since 1970; a tick brings its own.
    pub(crate) now: i64,
}

impl<'a> Run<'a> {
    /// The claim of this invocation.
    pub(crate) fn claim(self) -> Claim<'a> {
        Claim {
            by: self.id,
            now: self.now,
        }
    }

    /// Whether there is time to send something.
    pub(crate) fn has_time(self) -> bool {
        self.until.saturating_duration_since(Instant::now()) >= TO_SEND
    }
}
