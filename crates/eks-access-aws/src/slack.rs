//! Slack's Web API: the five calls we make, over the HTTP client that the AWS SDK brings anyway.
//!
//! Slack answers most failures with status 200 and `"ok": false` (docs.slack.dev, "Web API"). None of the answers is logged
//! as it is: only Slack's error code and, for refused blocks, where it saw the mistake.

use std::fmt;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use aws_smithy_async::rt::sleep::default_async_sleep;
use aws_smithy_http_client::default_connector;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use serde_json::{Value, json};

use crate::secret::{Secret, SecretError, SlackSecret};

mod url;

pub use url::SlackUrl;

/// One call.
const PATIENCE: Duration = Duration::from_secs(3);
/// Setting up a connection.
const CONNECT: Duration = Duration::from_secs(1);
/// The longest `Retry-After` that is believed.
const LONGEST_WAIT: Duration = Duration::from_mins(5);
/// The longest `Retry-After` that is waited for on the spot; a longer one is left to a later attempt.
const SHORT_WAIT: Duration = Duration::from_secs(2);

/// Why Slack did not take a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SlackError {
    /// Trying again later can help: Slack or the connection failed, or we asked too often.
    Later(String),
    /// Somebody has to mend something first: the token, the channel, the secret.
    Refused(String),
    /// Slack does not like our blocks. The text says where.
    Blocks(String),
    /// The message or person that the call names is not there.
    NotFound(String),
}

impl fmt::Display for SlackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Later(why) | Self::Refused(why) | Self::Blocks(why) | Self::NotFound(why) => {
                f.write_str(why)
            }
        }
    }
}

impl std::error::Error for SlackError {}

impl From<SecretError> for SlackError {
    fn from(error: SecretError) -> Self {
        if error.is_passing {
            Self::Later(error.to_string())
        } else {
            Self::Refused(error.to_string())
        }
    }
}

/// Codes that somebody has to do something about (docs.slack.dev, `chat.postMessage`, "Errors").
const REFUSED: [&str; 25] = [
    "account_inactive",
    "action_prohibited",
    "channel_not_found",
    "ekm_access_denied",
    "invalid_auth",
    "invalid_token",
    "is_archived",
    "missing_scope",
    "no_permission",
    "no_service",
    "no_team",
    "not_allowed_token_type",
    "not_authed",
    "not_in_channel",
    "org_login_required",
    "restricted_action",
    "team_access_not_granted",
    "team_disabled",
    "token_expired",
    "token_revoked",
    "channel_is_archived",
    "no_such_subteam",
    "subteam_not_found",
    "plan_upgrade_required",
    "paid_teams_only",
];
/// Codes that say that our blocks are wrong.
const BLOCKS: [&str; 5] = [
    "invalid_blocks",
    "invalid_blocks_format",
    "msg_blocks_too_long",
    "msg_too_long",
    "invalid_payload",
];
const NOT_FOUND: [&str; 9] = [
    "message_not_found",
    "cant_update_message",
    "edit_window_closed",
    "is_inactive",
    "user_not_found",
    "thread_not_found",
    "users_not_found",
    "user_not_in_channel",
    "expired_trigger_id",
];

/// Where a message stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The channel.
    pub channel: String,
    /// The message's timestamp, which is its id.
    pub ts: String,
}

/// Slack, as the secret lets us in.
pub struct Slack {
    connector: SharedHttpConnector,
    url: SlackUrl,
    secret: Secret,
    /// Before this time nothing is sent: Slack asked for patience.
    not_before: Mutex<Option<SystemTime>>,
}

impl fmt::Debug for Slack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slack")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

impl Slack {
    /// Slack behind this address. `None` if the SDK was built without an HTTP client.
    #[must_use]
    pub fn new(url: SlackUrl, secret: Secret) -> Option<Self> {
        let settings = HttpConnectorSettings::builder()
            .connect_timeout(CONNECT)
            .read_timeout(PATIENCE)
            .build();
        Some(Self {
            connector: default_connector(&settings, default_async_sleep())?,
            url,
            secret,
            not_before: Mutex::default(),
        })
    }

    /// Posts a message, given as the arguments of `chat.postMessage`.
    ///
    /// # Errors
    /// When Slack did not take it.
    pub async fn post(&self, message: &Value) -> Result<Place, SlackError> {
        place(&self.call("chat.postMessage", message).await?)
    }

    /// Puts another message in place of one.
    ///
    /// # Errors
    /// When Slack did not take it.
    pub async fn update(&self, place: &Place, message: &Value) -> Result<(), SlackError> {
        let mut arguments = message.clone();
        if let Some(fields) = arguments.as_object_mut() {
            fields.insert("channel".to_owned(), place.channel.as_str().into());
            fields.insert("ts".to_owned(), place.ts.as_str().into());
        }
        self.call("chat.update", &arguments).await.map(drop)
    }

    /// Posts a message in the thread of another; also to the channel, if it is to be seen there.
    ///
    /// # Errors
    /// When Slack did not take it.
    pub async fn reply(
        &self,
        place: &Place,
        message: &Value,
        is_for_all: bool,
    ) -> Result<(), SlackError> {
        let mut arguments = message.clone();
        if let Some(fields) = arguments.as_object_mut() {
            fields.insert("channel".to_owned(), place.channel.as_str().into());
            fields.insert("thread_ts".to_owned(), place.ts.as_str().into());
            fields.insert("reply_broadcast".to_owned(), is_for_all.into());
        }
        self.call("chat.postMessage", &arguments).await.map(drop)
    }

    /// Posts a message in the thread of another, and says where it stands.
    ///
    /// # Errors
    /// When Slack did not take it.
    pub async fn post_in_thread(
        &self,
        channel: &str,
        thread: Option<&str>,
        message: &Value,
    ) -> Result<Place, SlackError> {
        let mut arguments = message.clone();
        if let Some(fields) = arguments.as_object_mut() {
            fields.insert("channel".to_owned(), channel.into());
            if let Some(thread) = thread {
                fields.insert("thread_ts".to_owned(), thread.into());
                fields.insert("reply_broadcast".to_owned(), true.into());
            }
        }
        place(&self.call("chat.postMessage", &arguments).await?)
    }

    /// Says something to one person in a channel, that nobody else sees.
    ///
    /// # Errors
    /// When Slack did not take it.
    pub async fn whisper(
        &self,
        channel: &str,
        user: &str,
        message: &Value,
    ) -> Result<(), SlackError> {
        let arguments = json!({
            "channel": channel,
            "user": user,
            "text": message.get("text"),
            "blocks": message.get("blocks"),
            "parse": "none",
        });
        self.call("chat.postEphemeral", &arguments).await.map(drop)
    }

    /// Opens a form for whoever has just pressed a button.
    ///
    /// # Errors
    /// When Slack did not take it.
    pub async fn open(&self, trigger: &str, view: &Value) -> Result<(), SlackError> {
        let arguments = json!({"trigger_id": trigger, "view": view});
        self.call("views.open", &arguments).await.map(drop)
    }

    /// Who is in a user group.
    ///
    /// # Errors
    /// When Slack did not say.
    pub async fn members(&self, group: &str) -> Result<Vec<String>, SlackError> {
        let answer = self
            .call("usergroups.users.list", &json!({"usergroup": group}))
            .await?;
        let users = answer.get("users").and_then(Value::as_array);
        let users = users.ok_or_else(|| SlackError::Later("Slack named nobody".to_owned()))?;
        Ok(users
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect())
    }

    /// The secrets with which Slack signs what it sends us.
    ///
    /// # Errors
    /// When the secret can't be read.
    pub async fn signing(&self) -> Result<Vec<String>, SecretError> {
        Ok(self.secret.get().await?.signing.clone())
    }

    /// Says that the signing secrets were found wrong: somebody may have put new ones there.
    pub async fn doubt(&self) {
        self.secret.forget().await;
    }

    /// The id of the person with this e-mail address.
    ///
    /// # Errors
    /// When there is none, or Slack did not say.
    pub async fn person(&self, email: &str) -> Result<String, SlackError> {
        let answer = self
            .call("users.lookupByEmail", &json!({"email": email}))
            .await?;
        answer
            .pointer("/user/id")
            .and_then(Value::as_str)
            .map(str::to_owned)
            .ok_or_else(|| SlackError::Later("Slack named no person".to_owned()))
    }

    /// Posts through the incoming webhook of the secret.
    ///
    /// # Errors
    /// When Slack did not take it.
    pub async fn webhook(&self, message: &Value) -> Result<(), SlackError> {
        let secret = self.secret.get().await?;
        let target = secret
            .webhook_url
            .as_deref()
            .ok_or_else(|| SlackError::Refused("the secret has no `webhook_url`".to_owned()))?;
        let target = self
            .url
            .webhook(target)
            .map_err(|why| SlackError::Refused(why.to_owned()))?;
        let answer = self.send(&target, None, message.to_string(), JSON).await;
        let answer = answer.map_err(Failed::error)?;
        match (answer.status, answer.body.trim()) {
            (200, "ok") => Ok(()),
            (status, code) => Err(self.told(status, code, None).await),
        }
    }

    /// Calls a method; waits once if Slack asks for a little patience.
    async fn call(&self, method: &str, arguments: &Value) -> Result<Value, SlackError> {
        match self.call_once(method, arguments).await {
            Err(Failed::Throttled(wait)) if wait <= SHORT_WAIT => {
                tokio::time::sleep(wait).await;
                self.call_once(method, arguments)
                    .await
                    .map_err(Failed::error)
            }
            result => result.map_err(Failed::error),
        }
    }

    async fn call_once(&self, method: &str, arguments: &Value) -> Result<Value, Failed> {
        let secret = self.secret.get().await.map_err(SlackError::from)?;
        let token = token(&secret)?;
        let (body, kind) = if TAKES_FORMS.contains(&method) {
            (form(arguments), FORM)
        } else {
            (arguments.to_string(), JSON)
        };
        let target = self.url.method(method);
        let answer = self.send(&target, Some(token), body, kind).await?;
        let document: Value = serde_json::from_str(&answer.body).unwrap_or_default();
        if document.get("ok") == Some(&Value::Bool(true)) {
            return Ok(document);
        }
        let code = text(&document, "error").unwrap_or("");
        Err(self.told(answer.status, code, Some(&document)).await.into())
    }

    /// What Slack's code means for us.
    async fn told(&self, status: u16, code: &str, document: Option<&Value>) -> SlackError {
        let code = clean(code);
        if code.is_empty() || status >= 500 {
            return SlackError::Later(format!("Slack answered with status {status} {code}"));
        }
        let is = |list: &[&str]| list.contains(&code.as_str());
        if is(&[
            "invalid_auth",
            "token_revoked",
            "token_expired",
            "account_inactive",
            "no_service",
        ]) {
            // Somebody may have put a new one there.
            self.secret.forget().await;
        }
        if is(&BLOCKS) {
            let places = document.map(places).unwrap_or_default();
            SlackError::Blocks(format!("Slack says `{code}`{places}"))
        } else if is(&NOT_FOUND) {
            SlackError::NotFound(format!("Slack says `{code}`"))
        } else if is(&REFUSED) {
            SlackError::Refused(format!("Slack says `{code}`"))
        } else {
            SlackError::Later(format!("Slack says `{code}`"))
        }
    }

    async fn send(
        &self,
        target: &str,
        token: Option<&str>,
        body: String,
        kind: &str,
    ) -> Result<Answer, Failed> {
        if let Some(wait) = self.patience() {
            return Err(Failed::Throttled(wait));
        }
        let request = request(target, token, body, kind)?;
        let answered = async {
            let response = self
                .connector
                .call(request)
                .await
                .map_err(|_| "could not be reached")?;
            let status = response.status().as_u16();
            let retry_after = response
                .headers()
                .get("retry-after")
                .and_then(|seconds| seconds.parse().ok())
                .map(Duration::from_secs);
            let body = ByteStream::new(response.into_body()).collect().await;
            let body = body.map_err(|_| "broke off its answer")?.into_bytes();
            let body = String::from_utf8_lossy(&body).into_owned();
            Ok::<_, &str>(Answer {
                status,
                retry_after,
                body,
            })
        };
        let answered = tokio::time::timeout(PATIENCE, answered).await;
        let answer = answered
            .unwrap_or(Err("did not answer in time"))
            .map_err(|why| SlackError::Later(format!("Slack {why}")))?;
        if answer.status == 429 {
            let wait = answer.retry_after.unwrap_or(Duration::from_secs(30));
            let wait = wait.min(LONGEST_WAIT);
            self.wait_for(wait);
            return Err(Failed::Throttled(wait));
        }
        Ok(answer)
    }

    /// How long Slack wants us to wait still.
    fn patience(&self) -> Option<Duration> {
        let not_before = *self
            .not_before
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        not_before?.duration_since(SystemTime::now()).ok()
    }

    fn wait_for(&self, wait: Duration) {
        let until = SystemTime::now() + wait;
        *self
            .not_before
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = Some(until);
    }
}

/// Why a call came to nothing.
enum Failed {
    Throttled(Duration),
    Otherwise(SlackError),
}

impl Failed {
    fn error(self) -> SlackError {
        match self {
            Self::Throttled(wait) => {
                SlackError::Later(format!("Slack asks to wait {} seconds", wait.as_secs()))
            }
            Self::Otherwise(error) => error,
        }
    }
}

impl From<SlackError> for Failed {
    fn from(error: SlackError) -> Self {
        Self::Otherwise(error)
    }
}

struct Answer {
    status: u16,
    retry_after: Option<Duration>,
    body: String,
}

/// Methods that take no JSON (docs.slack.dev, "Web API").
const TAKES_FORMS: [&str; 2] = ["users.lookupByEmail", "usergroups.users.list"];
const JSON: &str = "application/json; charset=utf-8";
const FORM: &str = "application/x-www-form-urlencoded";

fn request(
    target: &str,
    token: Option<&str>,
    body: String,
    kind: &str,
) -> Result<HttpRequest, SlackError> {
    let mut request = HttpRequest::new(SdkBody::from(body));
    request
        .set_method("POST")
        .and_then(|()| request.set_uri(target))
        .map_err(|_| SlackError::Refused("the address is none".to_owned()))?;
    let headers = request.headers_mut();
    headers.insert("content-type", kind.to_owned());
    if let Some(token) = token {
        headers.insert("authorization", format!("Bearer {token}"));
    }
    Ok(request)
}

fn token(secret: &SlackSecret) -> Result<&str, SlackError> {
    secret
        .bot_token
        .as_deref()
        .ok_or_else(|| SlackError::Refused("the secret has no `bot_token`".to_owned()))
}

fn text<'a>(document: &'a Value, name: &str) -> Option<&'a str> {
    document.get(name)?.as_str()
}

/// Where the message stands that an answer is about.
fn place(answer: &Value) -> Result<Place, SlackError> {
    match (text(answer, "channel"), text(answer, "ts")) {
        (Some(channel), Some(ts)) => Ok(Place {
            channel: channel.to_owned(),
            ts: ts.to_owned(),
        }),
        _ => Err(SlackError::Later(
            "Slack did not say where the message is".to_owned(),
        )),
    }
}

fn form(arguments: &Value) -> String {
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    let fields = arguments.as_object().into_iter().flatten();
    let pairs: Vec<String> = fields
        .filter_map(|(name, value)| {
            let value = utf8_percent_encode(value.as_str()?, NON_ALPHANUMERIC);
            Some(format!("{name}={value}"))
        })
        .collect();
    pairs.join("&")
}

/// An error code, should it ever hold more than one.
fn clean(code: &str) -> String {
    code.chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '_')
        .take(64)
        .collect()
}

/// Where Slack saw the mistake: `[json-pointer:/blocks/0/text/text]`. Our blocks have no secret and no address.
fn places(document: &Value) -> String {
    let messages = document
        .pointer("/response_metadata/messages")
        .and_then(Value::as_array);
    let messages: Vec<&str> = messages
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let told: String = messages
        .join("; ")
        .chars()
        .filter(|c| !c.is_control())
        .take(300)
        .collect();
    if told.is_empty() {
        told
    } else {
        format!(" ({told})")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{clean, form, places};

    #[test]
    fn an_address_cannot_leave_its_field() {
        assert_eq!(
            form(&json!({"email": "a&b=c@x.io"})),
            "email=a%26b%3Dc%40x%2Eio"
        );
    }

    #[test]
    fn only_the_code_of_an_answer_is_told() {
        assert_eq!(clean("ratelimited\n{\"token\":\"x\"}"), "ratelimitedtokenx");
        let answer = json!({"response_metadata": {"messages": ["must be less than 151 characters\n[json-pointer:/blocks/0/text/text]"]}});
        assert_eq!(
            places(&answer),
            " (must be less than 151 characters[json-pointer:/blocks/0/text/text])"
        );
    }
}
