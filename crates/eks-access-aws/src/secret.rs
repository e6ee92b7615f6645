//! What lets us into Slack, from AWS Secrets Manager. It is in no variable and in no log.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use serde::Deserialize;
use tokio::sync::Mutex;

/// How long what was read is believed, so that a new token is taken without a deployment.
const FRESH: Duration = Duration::from_mins(5);
/// How soon it is read again after it was found wrong.
const AGAIN: Duration = Duration::from_mins(1);
/// How long nobody asks again after there was no answer: many wait for the one who does.
const PAUSE: Duration = Duration::from_secs(15);

/// The secret's text: a JSON object.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct SlackSecret {
    /// A bot token, `xoxb-…`.
    pub bot_token: Option<String>,
    /// The address of an incoming webhook.
    pub webhook_url: Option<String>,
    /// Signing secrets, the one in use first: two of them while one is being replaced. Only the public door needs them.
    pub signing: Vec<String>,
}

impl fmt::Debug for SlackSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SlackSecret(…)")
    }
}

/// Why the secret was not to be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretError {
    /// Whether trying again later can help.
    pub is_passing: bool,
    why: String,
}

impl fmt::Display for SecretError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

impl std::error::Error for SecretError {}

/// A text that is secret as a whole.
pub struct PlainSecret {
    client: Client,
    id: String,
    kept: Mutex<Option<(SystemTime, Arc<str>)>>,
}

impl fmt::Debug for PlainSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlainSecret(…)")
    }
}

impl PlainSecret {
    /// The secret with this ARN or name.
    #[must_use]
    pub fn new(config: &SdkConfig, id: &str) -> Self {
        Self {
            client: Client::new(config),
            id: id.to_owned(),
            kept: Mutex::default(),
        }
    }

    /// Its text; read anew after five minutes.
    ///
    /// # Errors
    /// When it can't be read.
    pub async fn get(&self) -> Result<Arc<str>, SecretError> {
        let mut kept = self.kept.lock().await;
        let now = SystemTime::now();
        let fresh = kept.as_ref().filter(|(at, _)| is_younger(*at, now, FRESH));
        if let Some((_, text)) = fresh {
            return Ok(Arc::clone(text));
        }
        let text: Arc<str> = read(&self.client, &self.id).await?.into();
        *kept = Some((now, Arc::clone(&text)));
        Ok(text)
    }

    /// Says that it may have been replaced.
    pub async fn forget(&self) {
        *self.kept.lock().await = None;
    }
}

/// The secret with this name, read when it is needed.
#[derive(Debug)]
pub struct Secret {
    client: Client,
    id: String,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    value: Option<Arc<SlackSecret>>,
    read_at: Option<SystemTime>,
    is_doubtful: bool,
    /// Why there was no answer the last time, and when that was.
    failed: Option<(SystemTime, SecretError)>,
}

impl Secret {
    /// The secret with this ARN or name.
    #[must_use]
    pub fn new(config: &SdkConfig, id: &str) -> Self {
        Self {
            client: Client::new(config),
            id: id.to_owned(),
            kept: Mutex::default(),
        }
    }

    /// What it holds; read anew after five minutes, and a minute after it was found wrong.
    ///
    /// # Errors
    /// When it can't be read, or is not what it should be.
    pub async fn get(&self) -> Result<Arc<SlackSecret>, SecretError> {
        let mut kept = self.kept.lock().await;
        let now = SystemTime::now();
        let limit = if kept.is_doubtful { AGAIN } else { FRESH };
        let is_fresh = kept.read_at.is_some_and(|at| is_younger(at, now, limit));
        if let Some(value) = kept.value.clone().filter(|_| is_fresh) {
            return Ok(value);
        }
        let read = match &kept.failed {
            Some((at, error)) if is_younger(*at, now, PAUSE) => Err(error.clone()),
            _ => {
                let read = self.read().await;
                kept.failed = read.as_ref().err().map(|error| (now, error.clone()));
                read
            }
        };
        match read {
            Ok(value) => {
                let value = Arc::new(value);
                kept.value = Some(Arc::clone(&value));
                kept.read_at = Some(now);
                kept.is_doubtful = false;
                Ok(value)
            }
            // What was good five minutes ago is most likely good still.
            Err(error) => kept.value.clone().filter(|_| error.is_passing).ok_or(error),
        }
    }

    /// Says that it was found wrong.
    pub async fn forget(&self) {
        self.kept.lock().await.is_doubtful = true;
    }

    async fn read(&self) -> Result<SlackSecret, SecretError> {
        let text = read(&self.client, &self.id).await?;
        serde_json::from_str(&text).map_err(|_| SecretError {
            is_passing: false,
            why: "the secret is no JSON object with `bot_token` or `webhook_url`".to_owned(),
        })
    }
}

async fn read(client: &Client, id: &str) -> Result<String, SecretError> {
    let answer = client.get_secret_value().secret_id(id).send().await;
    let answer = answer.map_err(|error| {
        let code = match &error {
            SdkError::ServiceError(context) => context.err().code().unwrap_or("Unknown"),
            _ => "no answer",
        };
        let is_final = matches!(
            code,
            "AccessDeniedException"
                | "ResourceNotFoundException"
                | "DecryptionFailure"
                | "InvalidRequestException"
        );
        SecretError {
            is_passing: !is_final,
            why: format!("Secrets Manager did not give the secret: {code}"),
        }
    })?;
    Ok(answer.secret_string().unwrap_or("").to_owned())
}

fn is_younger(at: SystemTime, now: SystemTime, limit: Duration) -> bool {
    now.duration_since(at).is_ok_and(|age| age < limit)
}
