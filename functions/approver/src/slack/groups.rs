//! Who is in which user group of Slack. What Slack does not say counts as no.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use eks_access_aws::log::{Entry, Level};
use eks_access_aws::slack::Slack;
use futures_util::future::join_all;
use tokio::time::timeout;

/// How long an answer is believed: Slack allows some twenty questions a minute.
const FRESH: Duration = Duration::from_mins(1);
/// How long it may take: Slack wants its own answer within three seconds.
const PATIENCE: Duration = Duration::from_secs(1);

/// What Slack said lately.
#[derive(Debug, Default)]
pub(super) struct Groups(Mutex<BTreeMap<String, (Instant, BTreeSet<String>)>>);

impl Groups {
    /// Those of these groups that the person is in.
    pub(super) async fn of(
        &self,
        slack: &Slack,
        user: &str,
        groups: &BTreeSet<&str>,
    ) -> BTreeSet<String> {
        let looks = groups.iter().map(|group| async move {
            let members = match self.remembered(group) {
                Some(members) => members,
                None => self.in_time(slack, group).await,
            };
            members.contains(user).then(|| (*group).to_owned())
        });
        join_all(looks).await.into_iter().flatten().collect()
    }

    async fn in_time(&self, slack: &Slack, group: &str) -> BTreeSet<String> {
        timeout(PATIENCE, self.asked(slack, group))
            .await
            .unwrap_or_else(|_| {
                unknown("Slack did not answer in time");
                BTreeSet::new()
            })
    }

    fn remembered(&self, group: &str) -> Option<BTreeSet<String>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, members) = known.get(group)?;
        (at.elapsed() < FRESH).then(|| members.clone())
    }

    async fn asked(&self, slack: &Slack, group: &str) -> BTreeSet<String> {
        match slack.members(group).await {
            Ok(members) => {
                let members: BTreeSet<String> = members.into_iter().collect();
                let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                known.insert(group.to_owned(), (Instant::now(), members.clone()));
                members
            }
            Err(error) => {
                unknown(&error.to_string());
                BTreeSet::new()
            }
        }
    }
}

fn unknown(why: &str) {
    Entry::new(
        Level::Error,
        "Slack did not say who is in a user group; nobody counts as being in it",
    )
    .with("detail", why)
    .write();
}
