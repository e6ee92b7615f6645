//! The door for Slack: a request is Slack's if its signature is, and a person is who Slack says.

use std::collections::{BTreeMap, BTreeSet};

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use eks_access::access::life::No;
use eks_access::access::{Request, Token, signature};
use eks_access::notice::access::{card, modal};
use eks_access::policy::{Approver, Terms};
use eks_access_aws::emf::Metric;
use eks_access_aws::log::{Entry, Level};
use eks_access_aws::slack::Slack;
use eks_access_aws::{clock, vars};
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::desk::{Call, Desk, Saying, Stopped};

mod groups;
mod interaction;

use groups::Groups;
use interaction::{Interaction, Press};

/// What is told of a fault of ours.
const FAULT: &str = "That did not work, and it is not your fault. Try again in a minute.";
/// What is told of a form that Slack did not open because we took more than its three seconds.
const LATE: &str = "That took too long. Press the button again.";

/// Who may come by this door, and what is known of accounts.
pub(crate) struct Door {
    teams: BTreeSet<String>,
    app: String,
    labels: BTreeMap<String, String>,
    groups: Groups,
}

impl Door {
    /// `None` without Slack.
    pub(crate) fn new(vars: &vars::Approver) -> Option<Self> {
        vars.common.slack.as_ref()?;
        Some(Self {
            teams: vars.teams.clone(),
            app: vars.app.clone()?,
            labels: vars.labels.clone(),
            groups: Groups::default(),
        })
    }

    /// Answers a request to `/slack`.
    pub(crate) async fn answer(
        &self,
        desk: &Desk,
        request: &ApiGatewayV2httpRequest,
        call: Call<'_>,
    ) -> Answer {
        let Some(slack) = desk.herald.slack() else {
            return Answer::silent(404);
        };
        let body = match proven(slack, request, call).await {
            Ok(body) => body,
            Err(answer) => return answer,
        };
        let Some(interaction) = Interaction::read(&body) else {
            return ignored("the body is none that we know", call);
        };
        if interaction.api_app_id != self.app {
            return ignored("it is of another app", call);
        }
        let visit = Visit {
            door: self,
            desk,
            slack,
            interaction: &interaction,
            call,
        };
        visit.answer().await
    }
}

/// The body, if Slack signed it.
async fn proven(
    slack: &Slack,
    request: &ApiGatewayV2httpRequest,
    call: Call<'_>,
) -> Result<Vec<u8>, Answer> {
    let text = request.body.as_deref().unwrap_or_default();
    // Before anything is computed; base64 is a third longer.
    if text.len() > signature::MAX_BODY * 4 / 3 + 4 {
        return Err(unsigned("too-long", text.len(), call));
    }
    let body = if request.is_base64_encoded {
        STANDARD.decode(text).unwrap_or_default()
    } else {
        text.as_bytes().to_vec()
    };
    let header = |name: &str| {
        let mut values = request.headers.get_all(name).iter();
        let value = values.next().and_then(|value| value.to_str().ok());
        value
            .filter(|_| values.next().is_none())
            .unwrap_or_default()
    };
    let secrets = slack.signing().await.map_err(|error| {
        Entry::new(Level::Error, "the signing secrets could not be read")
            .with("request_id", call.invocation)
            .with("detail", error.to_string())
            .write();
        Answer::silent(503)
    })?;
    let now = u64::try_from(clock::now() / 1000).unwrap_or(0);
    let verified = signature::verify(
        &secrets,
        now,
        header("x-slack-request-timestamp"),
        &body,
        header("x-slack-signature"),
    );
    match verified {
        Ok(()) => Ok(body),
        Err(why) => {
            if why == signature::Unsigned::Mismatch {
                // The secret may have been replaced; it is read again once a minute at most.
                slack.doubt().await;
            }
            Err(unsigned(why.slug(), body.len(), call))
        }
    }
}

/// Whoever is not Slack learns nothing; we note why, how long it was, and nothing of what it said.
fn unsigned(why: &str, length: usize, call: Call<'_>) -> Answer {
    call.tally.add(Metric::BadSignatures, 1);
    Entry::new(Level::Warn, "a request was not signed by Slack")
        .with("request_id", call.invocation)
        .with("reason", why)
        .with("count", length)
        .write();
    Answer::silent(401)
}

fn ignored(why: &'static str, call: Call<'_>) -> Answer {
    Entry::new(Level::Warn, "a signed request of Slack was ignored")
        .with("request_id", call.invocation)
        .with("detail", why)
        .write();
    Answer::silent(200)
}

/// One interaction.
struct Visit<'a> {
    door: &'a Door,
    desk: &'a Desk,
    slack: &'a Slack,
    interaction: &'a Interaction,
    call: Call<'a>,
}

impl Visit<'_> {
    async fn answer(&self) -> Answer {
        if !self.is_of_our_team() {
            let words = "Only people of our own Slack workspace may decide here.";
            return self.refuse(words).await;
        }
        match self.interaction.press() {
            Some(press) => self.pressed(press).await,
            None => match self.interaction.sent() {
                Some((modal::APPROVE, metadata, values)) => self.approve(metadata, values).await,
                Some((modal::MORE, metadata, values)) => self.more(metadata, values).await,
                _ => ignored("it is nothing that we asked for", self.call),
            },
        }
    }

    /// People of other organisations can see and press buttons in shared channels.
    fn is_of_our_team(&self) -> bool {
        let teams = &self.door.teams;
        let ours = |id: Option<&str>| id.is_some_and(|id| teams.contains(id));
        let interaction = self.interaction;
        ours(interaction.user.team_id.as_deref())
            && (ours(interaction.team_id()) || ours(interaction.enterprise_id()))
    }

    /// Whoever pressed or sent.
    async fn person(&self, request: &Request) -> Approver {
        let wanted = self.desk.guardrails.slack_groups(&request.ask());
        let user = &self.interaction.user;
        Approver::Slack {
            team: user.team_id.clone().unwrap_or_default(),
            user: user.id.clone(),
            groups: self.door.groups.of(self.slack, &user.id, &wanted).await,
        }
    }

    async fn pressed(&self, press: Press<'_>) -> Answer {
        let Ok(token) = press.value.parse::<Token>() else {
            return ignored("the button has no value of ours", self.call);
        };
        let request = match self.request(&token).await {
            Ok(request) => request,
            Err(words) => return self.refuse(&words).await,
        };
        let person = self.person(&request).await;
        let done = match press.action {
            card::REVIEW => return self.review(&request, &person, &token).await,
            card::EXTEND => return self.ask_for_more(&request, &token).await,
            card::DISMISS => {
                self.desk
                    .deny(&token.id, &person, "dismissed in Slack", self.call)
                    .await
            }
            card::END => {
                self.desk
                    .end(&token.id, &person, "ended in Slack", self.call)
                    .await
            }
            _ => return ignored("the button is none of ours", self.call),
        };
        match done {
            Ok(_) => Answer::silent(200),
            Err(stopped) => self.refuse(&words(&stopped)).await,
        }
    }

    /// The request, if the message was seen as it is now.
    async fn request(&self, token: &Token) -> Result<Request, String> {
        let request = self
            .desk
            .get(&token.id)
            .await
            .map_err(|stopped| words(&stopped))?;
        if request.has_nonce(&token.nonce) {
            Ok(request)
        } else {
            Err(format!(
                "This message was changed since. Look at it again: {}.",
                request.standing()
            ))
        }
    }

    /// Opens the form, for those whose yes could count.
    async fn review(&self, request: &Request, person: &Approver, token: &Token) -> Answer {
        let guardrails = &self.desk.guardrails;
        if request.state != eks_access::access::State::Pending {
            return self
                .refuse(&No::AlreadyDecided(request.standing()).to_string())
                .await;
        }
        if let Err(refused) = guardrails.may_decide(&request.ask(), person) {
            return self.refuse(&refused.to_string()).await;
        }
        match guardrails.offers(&request.ask()) {
            Ok(offers) => {
                let form = modal::approve(request, &offers, token, &self.door.labels);
                self.open(&form).await
            }
            Err(refused) => self.refuse(&refused.to_string()).await,
        }
    }

    async fn ask_for_more(&self, request: &Request, token: &Token) -> Answer {
        match self.desk.guardrails.offers(&request.ask()) {
            Ok(offers) => self.open(&modal::extend(request, &offers, token)).await,
            Err(refused) => self.refuse(&refused.to_string()).await,
        }
    }

    async fn open(&self, form: &Value) -> Answer {
        let trigger = self.interaction.trigger_id.as_deref().unwrap_or_default();
        match self.slack.open(trigger, form).await {
            Ok(()) => Answer::silent(200),
            Err(error) => {
                let is_late = error.to_string().contains("expired_trigger_id");
                Entry::new(Level::Error, "Slack did not open a form")
                    .with("request_id", self.call.invocation)
                    .with("detail", error.to_string())
                    .write();
                self.whisper(if is_late { LATE } else { FAULT }).await;
                Answer::silent(200)
            }
        }
    }

    /// The form came back: to send it is to say yes.
    async fn approve(&self, metadata: &str, values: &Value) -> Answer {
        let (request, carried, filled) = match self.filled(metadata, values).await {
            Ok(all) => all,
            Err(answer) => return answer,
        };
        // A form without anything to choose was opened after somebody had said which terms.
        let agreed: Option<&Terms> = request.terms.as_ref().filter(|_| !filled.has_terms());
        let terms = match agreed.map_or_else(|| filled.terms(), |terms| Ok(terms.clone())) {
            Ok(terms) => terms,
            Err((block, why)) => return errors([(block, why.to_owned())]),
        };
        let person = self.person(&request).await;
        let saying = Saying {
            terms: &terms,
            reason: &filled.reason,
            seen: Some(&carried.seen),
        };
        let done = self
            .desk
            .approve(&request.id, &person, saying, self.call)
            .await;
        self.closed(done)
    }

    async fn more(&self, metadata: &str, values: &Value) -> Answer {
        let (request, _, filled) = match self.filled(metadata, values).await {
            Ok(all) => all,
            Err(answer) => return answer,
        };
        let seconds = filled.seconds.unwrap_or(0);
        let person = self.person(&request).await;
        let done = self
            .desk
            .extend(&request.id, &person, (seconds, &filled.reason), self.call)
            .await;
        self.closed(done)
    }

    async fn filled(
        &self,
        metadata: &str,
        values: &Value,
    ) -> Result<(Request, modal::Metadata, modal::Filled), Answer> {
        let carried: modal::Metadata = metadata
            .parse()
            .map_err(|_| ignored("the form has no metadata of ours", self.call))?;
        let filled = modal::Filled::read(values).map_err(errors)?;
        let request = self.request(&carried.token).await;
        let request = request.map_err(|words| errors([(modal::ANY, words)]))?;
        Ok((request, carried, filled))
    }

    /// The form closes, or says why not.
    fn closed<T>(&self, done: Result<T, Stopped>) -> Answer {
        match done {
            Ok(_) => Answer::silent(200),
            Err(stopped) => {
                self.count(&stopped);
                errors([(modal::ANY, words(&stopped))])
            }
        }
    }

    fn count(&self, stopped: &Stopped) {
        if let Stopped::No(no) = stopped {
            self.call.tally.add(Metric::Refusals, 1);
            Entry::new(Level::Warn, "a decision was not taken")
                .with("request_id", self.call.invocation)
                .with("reason", no.slug())
                .with("detail", format!("slack user {}", self.interaction.user.id))
                .write();
        }
    }

    /// Says why not, to them alone.
    async fn refuse(&self, words: &str) -> Answer {
        self.call.tally.add(Metric::Refusals, 1);
        Entry::new(Level::Warn, "a decision was not taken")
            .with("request_id", self.call.invocation)
            .with(
                "detail",
                format!("slack user {}: {words}", self.interaction.user.id),
            )
            .write();
        // A form has no channel to say anything in, but a place of its own.
        if self.interaction.sent().is_some() {
            return errors([(modal::ANY, words.to_owned())]);
        }
        self.whisper(words).await;
        Answer::silent(200)
    }

    async fn whisper(&self, words: &str) {
        let Some(channel) = self.interaction.channel_id() else {
            return;
        };
        let message = card::whisper(&capitalised(words)).message();
        let user = &self.interaction.user.id;
        if let Err(error) = self.slack.whisper(channel, user, &message).await {
            Entry::new(Level::Warn, "Slack did not take an answer to one person")
                .with("request_id", self.call.invocation)
                .with("detail", error.to_string())
                .write();
        }
    }
}

/// What Slack shows beside the inputs of a form (docs.slack.dev, "Modals": `response_action`).
fn errors<'a>(wrong: impl IntoIterator<Item = (&'a str, String)>) -> Answer {
    let errors: BTreeMap<&str, String> = wrong
        .into_iter()
        .map(|(block, why)| (block, eks_access::text::shorten(&capitalised(&why), 300)))
        .collect();
    Answer::json(200, json!({"response_action": "errors", "errors": errors}))
}

fn words(stopped: &Stopped) -> String {
    match stopped {
        Stopped::NotFound => "There is no such request any more.".to_owned(),
        Stopped::No(no) => no.to_string(),
        Stopped::Fault(_) => FAULT.to_owned(),
    }
}

fn capitalised(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}
