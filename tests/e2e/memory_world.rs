//! The world of `world.rs` with a table of incidents and Slack in it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use fakes::delivery::Delivery;
use fakes::lambda::Answer as Ending;
use fakes::ministack::MiniStack;
use fakes::process::Function;
use fakes::slack::{CHANNEL, Slack, TOKEN};
use fakes::sns::{Answer, Published, Sns};
use serde_json::{Value, json};

use crate::world::{RESPONDER, SECRET_KEY, TOPIC};

pub(crate) const TABLE: &str = "incidents";
const SECRET: &str = "slack";
pub(crate) const MINUTE: i64 = 60_000;
pub(crate) const HOUR: i64 = 60 * MINUTE;

/// A table, Slack, SNS, and one function or several of the same.
pub(crate) struct MemoryWorld {
    pub(crate) stack: MiniStack,
    pub(crate) slack: Slack,
    pub(crate) sns: Sns,
    variables: Vec<(String, String)>,
    functions: Vec<Function>,
    /// When it began, to the second, in milliseconds since 1970.
    pub(crate) start: i64,
    log: String,
}

/// What the functions wrote.
pub(crate) struct Written {
    /// Their logs.
    pub(crate) log: String,
    /// Every metric, summed.
    pub(crate) metrics: BTreeMap<String, f64>,
}

impl Written {
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let series = format!("{name}{{FunctionName=responder}}");
        self.metrics.get(&series).copied().unwrap_or_default()
    }
}

impl MemoryWorld {
    pub(crate) fn new() -> Self {
        Self::with(&[], |_| Answer::Accept)
    }

    /// With these variables besides or in place of the usual ones, and SNS that answers so.
    pub(crate) fn with(
        variables: &[(&str, &str)],
        plan: impl Fn(&Published) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let (stack, slack, sns) = (MiniStack::start(), Slack::start(), Sns::with(TOPIC, plan));
        stack.table(TABLE);
        let secret =
            json!({"bot_token": TOKEN, "webhook_url": slack.webhook(), "signing": ["a", "b"]});
        stack.secret(SECRET, &secret.to_string());
        let mut all: BTreeMap<String, String> = BTreeMap::new();
        let (endpoint, topic_endpoint, api) =
            (stack.endpoint().to_owned(), sns.endpoint(), slack.api());
        for (name, value) in [
            ("AWS_ENDPOINT_URL_DYNAMODB", endpoint.as_str()),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", endpoint.as_str()),
            ("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", endpoint.as_str()),
            ("AWS_ENDPOINT_URL_SNS", topic_endpoint.as_str()),
            ("AWS_REGION", "eu-west-1"),
            ("AWS_ACCESS_KEY_ID", "ASIAIOSFODNN7EXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", SECRET_KEY),
            ("TOPIC_ARN", TOPIC),
            ("FACTS", "off"),
            ("TABLE_NAME", TABLE),
            ("SLACK_SECRET", SECRET),
            ("SLACK_CHANNEL", CHANNEL),
            ("SLACK_API_URL", api.as_str()),
        ]
        .iter()
        .chain(variables)
        {
            all.insert((*name).to_owned(), (*value).to_owned());
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let mut world = Self {
            stack,
            slack,
            sns,
            variables: all.into_iter().collect(),
            functions: Vec::new(),
            start: i64::try_from(now.as_secs()).unwrap() * 1000,
            log: String::new(),
        };
        world.another();
        world
    }

    /// Starts one more function.
    pub(crate) fn another(&mut self) {
        let variables: Vec<(&str, &str)> = self
            .variables
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        self.functions.push(Function::start(RESPONDER, &variables));
    }

    /// Kills all functions, whatever they are doing, and starts a new one.
    pub(crate) fn crash(&mut self) {
        for function in std::mem::take(&mut self.functions) {
            self.log.push_str(&function.stop().stdout);
        }
        self.another();
    }

    pub(crate) fn functions(&self) -> &[Function] {
        &self.functions
    }

    /// So many minutes after the beginning.
    pub(crate) fn minute(&self, minutes: i64) -> i64 {
        self.start + minutes * MINUTE
    }

    /// Gives the function a delivery that it must acknowledge.
    pub(crate) fn handles(&self, delivery: &Delivery) {
        self.acknowledges(&delivery.event());
    }

    /// One line of this time.
    pub(crate) fn line(&self, time: i64, line: &str) {
        self.handles(&Delivery::of("prod-eu").at(time, line));
    }

    /// A tick at this time.
    pub(crate) fn tick(&self, time: i64) {
        self.acknowledges(&tick(time));
    }

    fn acknowledges(&self, event: &[u8]) {
        let answer = self.functions[0].invoke(event);
        assert_eq!(answer, Ending::Response("null".to_owned()));
    }

    /// The same event once more, as Lambda gives it to whoever is there.
    pub(crate) fn acknowledges_again(&self, event: &[u8]) {
        self.acknowledges(event);
    }

    /// Type and message with which it fails.
    pub(crate) fn fails(&self, event: &[u8]) -> (String, String) {
        self.functions[0].invoke(event).error()
    }

    /// The kinds of what was published, in order.
    pub(crate) fn kinds(&self) -> Vec<String> {
        let kind = |published: &Published| published.attributes["kind"].clone();
        self.sns.published().iter().map(kind).collect()
    }

    /// Puts another text into the secret.
    pub(crate) fn new_token(&self, token: &str) {
        self.stack
            .replace_secret(SECRET, &json!({"bot_token": token}).to_string());
    }

    /// The one incident's row.
    pub(crate) fn row(&self) -> Value {
        let mut rows = self.stack.rows(TABLE);
        rows.retain(|row| {
            row["pk"]["S"].as_str().unwrap().starts_with("incident#") && row["sk"]["S"] == "state"
        });
        assert_eq!(rows.len(), 1, "{rows:?}");
        rows.remove(0)
    }

    /// Ends it, and asserts the silence: nobody was asked for anything that nobody expected, Slack and SNS were content,
    /// and no secret is in any log or message.
    pub(crate) fn end(mut self) -> Written {
        let mut log = std::mem::take(&mut self.log);
        for function in std::mem::take(&mut self.functions) {
            let ended = function.stop();
            assert_eq!(ended.init_error, None);
            assert_eq!(ended.unasked, Vec::<String>::new());
            assert_eq!(ended.stderr, "");
            log.push_str(&ended.stdout);
        }
        assert_eq!(self.sns.unasked(), Vec::<String>::new());
        assert_eq!(self.sns.broken_rules(), Vec::<String>::new());
        assert_eq!(self.slack.complaints(), Vec::<Value>::new());
        let said = format!(
            "{log}{:?}{:?}",
            self.sns.asked(),
            self.slack.messages(CHANNEL)
        );
        for secret in [
            TOKEN,
            SECRET_KEY,
            "ASIAIOSFODNN7EXAMPLE",
            "/services/T0000000001",
        ] {
            assert!(!said.contains(secret), "{secret} in {said}");
        }
        let metrics = match fakes::emf::totals(&log) {
            Ok(metrics) => metrics,
            Err(rule) => panic!("{rule}"),
        };
        Written { log, metrics }
    }
}

/// The event of a scheduled rule.
fn tick(time: i64) -> Vec<u8> {
    let at = fakes::lines::at("2026-03-01T10:00:00Z", time);
    json!({
        "version": "0",
        "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "111122223333",
        "time": at,
        "region": "eu-west-1",
        "resources": ["arn:aws:events:eu-west-1:111122223333:rule/tick"],
        "detail": {},
    })
    .to_string()
    .into_bytes()
}

/// A plan of SNS that never answers the first so many requests.
pub(crate) fn silent_at_first(
    count: usize,
) -> impl Fn(&Published) -> Answer + Send + Sync + 'static {
    let asked = Arc::new(AtomicUsize::new(0));
    move |_| {
        if asked.fetch_add(1, Ordering::SeqCst) < count {
            Answer::Silence
        } else {
            Answer::Accept
        }
    }
}
