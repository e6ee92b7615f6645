//! Takes parcels to SNS and to Slack.

use std::sync::Arc;

use serde_json::Value;

use crate::parcel::{ForSlack, Parcel};
use crate::slack::{Place, Slack, SlackError};
use crate::sns::{PublishError, Topic};

/// Who takes parcels out.
#[derive(Debug)]
pub struct Courier {
    topic: Topic,
    slack: Option<Arc<Slack>>,
}

/// Who is owed a parcel still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owes {
    /// SNS.
    pub sns: bool,
    /// Slack.
    pub slack: bool,
}

/// What became of a parcel; `None` where nothing was owed.
#[derive(Debug, Default)]
pub struct Sent {
    /// At SNS.
    pub sns: Option<Result<(), PublishError>>,
    /// At Slack: where the card stands by now, if it can be told.
    pub slack: Option<Result<Option<Place>, SlackError>>,
    /// Why Slack did not take the blocks, where plain text went in their place.
    pub blocks: Option<String>,
    /// Why the person who was refused was not told, where that was asked for.
    pub person: Option<SlackError>,
}

impl Sent {
    /// Who is owed it still.
    #[must_use]
    pub fn owes(&self) -> Owes {
        Owes {
            sns: matches!(self.sns, Some(Err(_))),
            slack: matches!(self.slack, Some(Err(_))),
        }
    }
}

impl Courier {
    /// A courier to this topic, and to Slack if there is one.
    #[must_use]
    pub fn new(topic: Topic, slack: Option<Arc<Slack>>) -> Self {
        Self { topic, slack }
    }

    /// Takes the parcel to SNS, if it is owed it.
    pub async fn publish(&self, parcel: &Parcel, owes: Owes) -> Sent {
        let mut sent = Sent::default();
        if owes.sns {
            sent.sns = Some(self.topic.publish(parcel.sns.clone()).await);
        }
        sent
    }

    /// Takes it to Slack, if it is owed it, whatever became of SNS. `place` is where the incident's card stands, if there is
    /// one.
    pub async fn post(&self, parcel: &Parcel, owes: Owes, place: Option<&Place>, sent: &mut Sent) {
        let (true, Some(slack), Some(message)) = (owes.slack, &self.slack, &parcel.slack) else {
            return;
        };
        sent.slack = Some(card(slack, message, place, &mut sent.blocks).await);
        let is_new = place.is_none() && matches!(sent.slack, Some(Ok(_)));
        if let Some(person) = message.person.as_ref().filter(|_| is_new) {
            sent.person = tell(slack, &person.email, &person.message).await.err();
        }
    }

    /// Brings a card up to date, and says nothing.
    ///
    /// # Errors
    /// When Slack did not take it.
    pub async fn edit(&self, place: &Place, card: &Value) -> Result<(), SlackError> {
        match &self.slack {
            Some(slack) => slack.update(place, card).await,
            None => Ok(()),
        }
    }
}

/// Posts a new card, or edits the one that stands there and replies to it.
async fn card(
    slack: &Slack,
    message: &ForSlack,
    place: Option<&Place>,
    blocks: &mut Option<String>,
) -> Result<Option<Place>, SlackError> {
    let Some(channel) = &message.channel else {
        return match slack.webhook(&message.card).await {
            Err(SlackError::Blocks(why)) => {
                *blocks = Some(why);
                slack.webhook(&message.plain).await.map(|()| None)
            }
            result => result.map(|()| None),
        };
    };
    let Some(place) = place else {
        return new_card(slack, message, channel, blocks).await.map(Some);
    };
    match slack.update(place, &message.card).await {
        Ok(()) => {}
        Err(SlackError::Blocks(why)) => {
            *blocks = Some(why);
            slack.update(place, &message.plain).await?;
        }
        // Somebody deleted the card.
        Err(SlackError::NotFound(_)) => {
            return new_card(slack, message, channel, blocks).await.map(Some);
        }
        Err(error) => return Err(error),
    }
    if let Some(reply) = &message.reply {
        match slack.reply(place, reply, message.is_for_all).await {
            Err(SlackError::Blocks(why)) => {
                *blocks = Some(why);
                let plain = without_blocks(reply);
                slack.reply(place, &plain, message.is_for_all).await?;
            }
            result => result?,
        }
    }
    Ok(Some(place.clone()))
}

async fn new_card(
    slack: &Slack,
    message: &ForSlack,
    channel: &str,
    blocks: &mut Option<String>,
) -> Result<Place, SlackError> {
    match slack.post(&to(&message.card, channel)).await {
        Err(SlackError::Blocks(why)) => {
            *blocks = Some(why);
            slack.post(&to(&message.plain, channel)).await
        }
        result => result,
    }
}

async fn tell(slack: &Slack, email: &str, message: &Value) -> Result<(), SlackError> {
    let person = slack.person(email).await?;
    slack.post(&to(message, &person)).await.map(drop)
}

fn without_blocks(message: &Value) -> Value {
    let mut message = message.clone();
    if let Some(fields) = message.as_object_mut() {
        fields.remove("blocks");
    }
    message
}

fn to(message: &Value, channel: &str) -> Value {
    let mut message = message.clone();
    if let Some(fields) = message.as_object_mut() {
        fields.insert("channel".to_owned(), channel.into());
    }
    message
}
