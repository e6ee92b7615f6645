//! Tells people the news of a request, and SNS its audit: whatever is owed, which is written down in the request itself.

use std::sync::Arc;

use aws_config::SdkConfig;
use eks_access::access::life::Told;
use eks_access::access::{News, Post, Request, Token};
use eks_access::notice::access::card;
use eks_access::notice::access::sns;
use eks_access::notice::sns::SnsMessage;
use serde_json::{Value, json};

use crate::aws;
use crate::log::{Entry, Level};
use crate::random::nonce;
use crate::requests::{Requests, Saved};
use crate::secret::Secret;
use crate::slack::{Place, Slack, SlackError};
use crate::sns::Topic;
use crate::store::StoreError;
use crate::vars::Common;

/// How often it is tried to write down what people know by now, when others change the request meanwhile.
const TRIES: usize = 5;

/// Who tells them.
#[derive(Debug)]
pub struct Herald {
    topic: Topic,
    slack: Option<Arc<Slack>>,
}

/// What telling came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Heard {
    /// Messages that SNS took.
    pub published: usize,
    /// Whether SNS did not take something.
    pub has_sns_failed: bool,
    /// Whether Slack did not take something.
    pub has_slack_failed: bool,
}

impl Herald {
    /// A herald to this topic, and to Slack if there is one.
    #[must_use]
    pub fn new(topic: Topic, slack: Option<Arc<Slack>>) -> Self {
        Self { topic, slack }
    }

    /// The herald of a function with these variables. `config` is for its own Region.
    #[must_use]
    pub fn of(common: &Common, config: &SdkConfig) -> Self {
        let of_topic = aws::in_region(config, common.topic.region().as_str());
        let questions = aws::for_questions(config);
        let slack = common.slack.as_ref();
        let slack = slack
            .and_then(|(secret, url)| Slack::new(url.clone(), Secret::new(&questions, secret)));
        Self::new(
            Topic::new(&of_topic, common.topic.clone()),
            slack.map(Arc::new),
        )
    }

    /// Slack, if there is one.
    #[must_use]
    pub fn slack(&self) -> Option<&Slack> {
        self.slack.as_deref()
    }

    /// Tells what is owed of a request. Another who is at it is not disturbed. What fails is tried again by the revoker.
    ///
    /// # Errors
    /// When the table can't be read or written: then people may hear of something twice.
    pub async fn tell(
        &self,
        requests: &Requests,
        mut request: Request,
        now: i64,
    ) -> Result<Heard, StoreError> {
        if !request.owes_news() {
            return Ok(Heard::default());
        }
        // Buttons change only with the message.
        let has_more = request.news.len() > request.news_posted;
        let nonce = nonce().filter(|_| self.slack.is_some() && request.post.is_some() && has_more);
        let before = request.version;
        request.telling(nonce.as_ref(), now);
        if requests.save(&mut request, before, None, None).await? != Saved::Yes {
            return Ok(Heard::default());
        }
        let token = nonce.map(|nonce| Token {
            id: request.id.clone(),
            nonce,
        });
        let mut heard = Heard::default();
        let told = self.send(&request, token.as_ref(), &mut heard).await;
        for _ in 0..TRIES {
            let before = request.version;
            request.told(&told, now);
            if requests.save(&mut request, before, None, None).await? == Saved::Yes {
                break;
            }
            // What was decided meanwhile is in the new row, behind what was told.
            match requests.get(&request.id).await? {
                Some(newer) => request = newer,
                None => break,
            }
        }
        Ok(heard)
    }

    async fn send(&self, request: &Request, token: Option<&Token>, heard: &mut Heard) -> Told {
        let mut told = Told {
            post: request.post.clone(),
            published: request.news_published,
            posted: request.news_posted,
            audits: 0,
        };
        for text in &request.audits {
            if !self
                .publish(audit_message(request, text), request, heard)
                .await
            {
                break;
            }
            told.audits += 1;
        }
        for (at, news) in request.news.iter().enumerate() {
            if at >= told.published {
                if !self.publish(sns(request, *news), request, heard).await {
                    break;
                }
                told.published = at + 1;
            }
        }
        if self.post(request, token, &mut told.post, heard).await {
            told.posted = request.news.len();
        }
        told
    }

    async fn publish(&self, message: SnsMessage, request: &Request, heard: &mut Heard) -> bool {
        match self.topic.publish(message).await {
            Ok(()) => {
                heard.published += 1;
                true
            }
            Err(error) => {
                heard.has_sns_failed = true;
                Entry::new(Level::Error, "news of a request were not published")
                    .with("request", request.id.as_str())
                    .with("cluster", request.cluster.as_str())
                    .with("reason", error.code.as_str())
                    .with("detail", error.message.as_str())
                    .write();
                false
            }
        }
    }

    /// Brings the message up to date, and says in its thread what is new. `false` if that failed.
    async fn post(
        &self,
        request: &Request,
        token: Option<&Token>,
        post: &mut Option<Post>,
        heard: &mut Heard,
    ) -> bool {
        let (Some(slack), Some(stands)) = (&self.slack, post.as_mut()) else {
            return true;
        };
        if request.news.len() <= request.news_posted {
            return true;
        }
        match say(slack, request, token, stands).await {
            Ok(()) => true,
            Err(error) => {
                heard.has_slack_failed = true;
                Entry::new(Level::Warn, "Slack did not take news of a request")
                    .with("request", request.id.as_str())
                    .with("cluster", request.cluster.as_str())
                    .with("detail", error.to_string())
                    .write();
                // What can't be mended by trying is not tried for ever.
                matches!(error, SlackError::NotFound(_))
            }
        }
    }
}

async fn say(
    slack: &Slack,
    request: &Request,
    token: Option<&Token>,
    post: &mut Post,
) -> Result<(), SlackError> {
    let message = card::card(request, token);
    let is_new = post.ts.is_none();
    if let Some(ts) = &post.ts {
        let place = Place {
            channel: post.channel.clone(),
            ts: ts.clone(),
        };
        match slack.update(&place, &message.message()).await {
            Err(SlackError::Blocks(why)) => {
                report(&why);
                slack
                    .update(&place, &message.plain(&card::words(request)).message())
                    .await?;
            }
            // Somebody deleted it.
            Err(SlackError::NotFound(_)) => post.ts = None,
            result => result?,
        }
    }
    if post.ts.is_none() {
        let first = slack
            .post_in_thread(&post.channel, post.thread.as_deref(), &message.message())
            .await;
        let place = match first {
            Err(SlackError::Blocks(why)) => {
                report(&why);
                let plain = message.plain(&card::words(request)).message();
                slack
                    .post_in_thread(&post.channel, post.thread.as_deref(), &plain)
                    .await?
            }
            result => result?,
        };
        post.ts = Some(place.ts);
    }
    post.revision += 1;
    let thread = post
        .thread
        .clone()
        .or_else(|| post.ts.clone())
        .unwrap_or_default();
    let place = Place {
        channel: post.channel.clone(),
        ts: thread,
    };
    for news in request.news.iter().skip(request.news_posted) {
        // The message itself says that it is new.
        if *news == News::Requested && is_new {
            continue;
        }
        let reply = card::reply(request, *news);
        slack
            .reply(&place, &reply.message(), card::is_for_all(*news))
            .await?;
    }
    Ok(())
}

fn report(why: &str) {
    Entry::new(
        Level::Error,
        "Slack did not take a card, and got plain text; report this as a bug",
    )
    .with("detail", why)
    .write();
}

/// A record that is owed to SNS.
fn audit_message(request: &Request, text: &str) -> SnsMessage {
    let object: Value = serde_json::from_str(text).unwrap_or_else(|_| json!({"unreadable": true}));
    eks_access::notice::access::audit(request, &object)
}
