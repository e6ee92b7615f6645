//! Who is in which user group of Slack. What Slack does not say counts as no.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use eks_access_aws::log::{Entry, Level};
use eks_access_aws::slack::Slack;

/// How long an answer is believed: Slack allows some twenty questions a minute.
const FRESH: Duration = Duration::from_mins(1);

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
        let mut all = BTreeSet::new();
        for group in groups {
            let members = match self.remembered(group) {
                Some(members) => members,
                None => self.asked(slack, group).await,
            };
            if members.contains(user) {
                all.insert((*group).to_owned());
            }
        }
        all
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
                Entry::new(
                    Level::Error,
                    "Slack did not say who is in a user group; nobody counts as being in it",
                )
                .with("detail", error.to_string())
                .write();
                BTreeSet::new()
            }
        }
    }
}
