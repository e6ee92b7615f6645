//! What is sent of one notice, as it is kept until it was sent.

use eks_access::notice::Notice;
use eks_access::notice::Standing;
use eks_access::notice::digest::Storm;
use eks_access::notice::slack::{self, Card};
use eks_access::notice::sns::SnsMessage;
use eks_access::route::{Channel, Destination, Mention};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One notice for everybody who is to hear of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Parcel {
    /// For SNS.
    pub sns: SnsMessage,
    /// For Slack, if Slack is to hear of it.
    pub slack: Option<ForSlack>,
}

/// The part for Slack: arguments of `chat.postMessage`, without a channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ForSlack {
    /// The channel of a new card; `None` is the one of the incoming webhook.
    pub channel: Option<String>,
    /// The card.
    pub card: Value,
    /// The same without blocks, should Slack not take them.
    pub plain: Value,
    /// What is new, for the thread of a card that is there.
    pub reply: Option<Value>,
    /// Whether the channel is to see the reply too.
    pub is_for_all: bool,
    /// A message to the person who was refused.
    pub person: Option<ForPerson>,
}

/// A message to the person who was refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ForPerson {
    /// The address that the session's name is.
    pub email: String,
    /// The message.
    pub message: Value,
}

/// Where Slack is to hear of something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum To {
    /// The channel of the incoming webhook.
    Webhook,
    /// A channel, and whom a card calls there.
    Channel(Destination),
}

impl To {
    fn parts(self) -> (Option<Channel>, Vec<Mention>) {
        match self {
            Self::Webhook => (None, Vec::new()),
            Self::Channel(to) => (Some(to.channel), to.mentions),
        }
    }
}

impl Parcel {
    /// The parcel as text.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads it back.
    #[must_use]
    pub fn from_json(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// The parcel of a notice; `None` is nowhere in Slack.
    #[must_use]
    pub fn of(notice: &Notice, to: Option<To>) -> Self {
        let slack = to.map(|to| {
            let (channel, mentions) = to.parts();
            let is_new = notice.standing == Standing::First;
            let calls = matches!(notice.standing, Standing::First | Standing::Relapsed)
                && !notice.cluster.is_self_test();
            let card = slack::card(notice, if calls { &mentions } else { &[] });
            ForSlack {
                reply: (!is_new).then(|| slack::reply(notice).message()),
                is_for_all: notice.standing.resolved_at().is_none(),
                ..ForSlack::new(channel, &card, &slack::words(notice))
            }
        });
        Self {
            sns: notice.sns(),
            slack,
        }
    }

    /// The parcel of a digest.
    #[must_use]
    pub fn of_storm(storm: &Storm, to: Option<To>) -> Self {
        Self {
            sns: storm.sns(),
            slack: to.map(|to| ForSlack::new(to.parts().0, &storm.card(), &storm.words())),
        }
    }

    /// With a message to the person who was refused.
    #[must_use]
    pub fn with_person(mut self, notice: &Notice, email: Option<String>) -> Self {
        if let (Some(slack), Some(email)) = (&mut self.slack, email) {
            let message = slack::to_the_person(notice).message();
            slack.person = Some(ForPerson { email, message });
        }
        self
    }
}

impl ForSlack {
    fn new(channel: Option<Channel>, card: &Card, words: &str) -> Self {
        Self {
            channel: channel.map(|channel| channel.to_string()),
            card: card.message(),
            plain: card.plain(words).message(),
            reply: None,
            is_for_all: false,
            person: None,
        }
    }
}
