//! Amazon SNS' `Publish` (query protocol), with SNS' own rules, written down independently of the product; and what can be
//! read of a topic, `GetTopicAttributes` and `ListSubscriptionsByTopic`.

mod topic;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::http::{Request, Response, Server};
use crate::record::{Record, never};
use crate::wire::form;

/// A message with its attributes may have this many bytes (botocore's model of `Publish`).
const MAX_BYTES: usize = 262_144;

const READS: &[&str] = &["GetTopicAttributes", "ListSubscriptionsByTopic"];

/// One message that SNS was asked to publish, whatever it answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// 1 for the first request this fake got.
    pub number: usize,
    /// The subject.
    pub subject: String,
    /// The whole `Message` parameter.
    pub message: String,
    /// One body per protocol: the strings of the message document.
    pub bodies: BTreeMap<String, String>,
    /// The attributes, all of them strings.
    pub attributes: BTreeMap<String, String>,
}

impl Published {
    /// The body for machines, parsed.
    pub fn machine(&self) -> Value {
        serde_json::from_str(&self.bodies["default"]).expect("the default body is JSON")
    }

    /// Everything a reader of any protocol could see, in one text.
    pub fn everything(&self) -> String {
        format!(
            "{}\n{}\n{:?}\n{:?}",
            self.subject, self.message, self.bodies, self.attributes
        )
    }
}

/// What the fake does with a request that keeps SNS' rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Publishes.
    Accept,
    /// `Throttling`, status 400: what SNS says when the account's rate is used up.
    Throttling,
    /// `Throttled`, status 429: the same, as SNS' model spells it.
    Throttled,
    /// `KMSThrottling`, status 400: an encrypted topic, and KMS is busy.
    KmsThrottling,
    /// `InternalError`, status 500.
    InternalError,
    /// `AuthorizationError`, status 403.
    Denied,
    /// Publishes nothing, and never answers; the connection stays open.
    Silence,
    /// Publishes, and never answers: the client does not know that it was done.
    Unanswered,
    /// Publishes, and ends the connection without an answer: the client does not know that it was done.
    Lost,
}

/// SNS with one topic.
pub struct Sns {
    /// Empty for one that is asked through [`Sns::answer`] only.
    endpoint: String,
    topic: String,
    plan: Plan,
    shared: Arc<Mutex<State>>,
}

type Plan = Arc<dyn Fn(&Published) -> Answer + Send + Sync>;
type Hook = Arc<dyn Fn(&Published) + Send + Sync>;

#[derive(Default)]
struct State {
    asked: Vec<Published>,
    accepted: Vec<Published>,
    unasked: Vec<String>,
    broken_rules: Vec<String>,
    /// Protocol and endpoint of each subscription.
    subscriptions: Vec<(String, String)>,
    /// Attributes of the topic besides the counts, the owner and its ARN.
    attributes: BTreeMap<String, String>,
    /// Nobody may read the topic.
    unreadable: bool,
    after: Option<Hook>,
    record: Option<Record>,
}

impl Sns {
    /// SNS that accepts everything that keeps its rules.
    pub fn start(topic: &str) -> Self {
        Self::with(topic, |_| Answer::Accept)
    }

    /// SNS that answers a request that keeps its rules as `plan` says.
    pub fn with(topic: &str, plan: impl Fn(&Published) -> Answer + Send + Sync + 'static) -> Self {
        let shared = Arc::new(Mutex::new(State::default()));
        let mut sns = Self {
            endpoint: String::new(),
            topic: topic.to_owned(),
            plan: Arc::new(plan),
            shared,
        };
        let (for_server, topic) = (Arc::clone(&sns.shared), sns.topic.clone());
        let plan = Arc::clone(&sns.plan);
        let server = Server::start(move |request| handle(&for_server, &topic, &*plan, request));
        sns.endpoint = format!("http://{}", server.address());
        sns
    }

    /// SNS that accepts, listens nowhere itself, and keeps what is asked in this record as well.
    pub fn recording(topic: &str, record: &Record) -> Self {
        let state = State {
            record: Some(record.clone()),
            ..State::default()
        };
        Self {
            endpoint: String::new(),
            topic: topic.to_owned(),
            plan: Arc::new(|_: &Published| Answer::Accept),
            shared: Arc::new(Mutex::new(state)),
        }
    }

    /// Answers one request.
    pub fn answer(&self, request: &Request) -> Response {
        handle(&self.shared, &self.topic, &*self.plan, request)
    }

    /// The value of `AWS_ENDPOINT_URL`.
    pub fn endpoint(&self) -> String {
        self.endpoint.clone()
    }

    /// Calls this with every request to publish from now on that was accepted or refused by the plan, before it is answered.
    pub fn after(&self, hook: impl Fn(&Published) + Send + Sync + 'static) {
        self.shared.lock().unwrap().after = Some(Arc::new(hook));
    }

    /// Subscribes an address that has confirmed.
    pub fn subscribe(&self, protocol: &str, endpoint: &str) {
        let mut state = self.shared.lock().unwrap();
        state
            .subscriptions
            .push((protocol.to_owned(), endpoint.to_owned()));
    }

    /// Sets an attribute of the topic: `KmsMasterKeyId`, `Policy`, ….
    pub fn attribute(&self, name: &str, value: &str) {
        let mut state = self.shared.lock().unwrap();
        state.attributes.insert(name.to_owned(), value.to_owned());
    }

    /// Refuses everybody who wants to read the topic.
    pub fn unreadable(&self) {
        self.shared.lock().unwrap().unreadable = true;
    }

    /// Every message that was accepted, in the order of arrival.
    pub fn published(&self) -> Vec<Published> {
        self.shared.lock().unwrap().accepted.clone()
    }

    /// Every request to publish that kept SNS' rules, accepted or not.
    pub fn asked(&self) -> Vec<Published> {
        self.shared.lock().unwrap().asked.clone()
    }

    /// Requests that broke a rule of SNS.
    pub fn broken_rules(&self) -> Vec<String> {
        self.shared.lock().unwrap().broken_rules.clone()
    }

    /// Requests for other operations.
    pub fn unasked(&self) -> Vec<String> {
        self.shared.lock().unwrap().unasked.clone()
    }
}

fn handle(
    shared: &Mutex<State>,
    topic: &str,
    plan: &(dyn Fn(&Published) -> Answer + Send + Sync),
    request: &Request,
) -> Response {
    let parameters = form(&request.body);
    let action = parameters.get("Action").map_or("", String::as_str);
    if (READS.contains(&action) || action == "Publish")
        && let Some((record, asked)) = topic::note(shared, action, &parameters, request)
    {
        let response = answer(shared, topic, plan, request, &parameters);
        record.end(&asked, &outcome(&response));
        return response;
    }
    answer(shared, topic, plan, request, &parameters)
}

/// `ok`, or the code of the error.
fn outcome(response: &Response) -> String {
    let body = String::from_utf8_lossy(&response.body);
    let code = body
        .split("<Code>")
        .nth(1)
        .and_then(|rest| rest.split('<').next());
    code.unwrap_or("ok").to_owned()
}

fn answer(
    shared: &Mutex<State>,
    topic: &str,
    plan: &(dyn Fn(&Published) -> Answer + Send + Sync),
    request: &Request,
    parameters: &BTreeMap<String, String>,
) -> Response {
    let action = parameters.get("Action").map_or("", String::as_str);
    if READS.contains(&action) {
        return topic::read(shared, topic, parameters, request);
    }
    if request.method != "POST"
        || request.path != "/"
        || parameters.get("Action").map(String::as_str) != Some("Publish")
    {
        let action = parameters.get("Action").cloned().unwrap_or_default();
        shared
            .lock()
            .unwrap()
            .unasked
            .push(format!("{} {} {action}", request.method, request.path));
        return error(
            400,
            "Sender",
            "InvalidAction",
            "the fake knows no such operation",
        );
    }
    let number = shared.lock().unwrap().asked.len() + 1;
    let published = match check(request, parameters, topic, number) {
        Ok(published) => published,
        Err((status, code, rule)) => {
            shared
                .lock()
                .unwrap()
                .broken_rules
                .push(format!("{code}: {rule}"));
            return error(status, "Sender", code, &rule);
        }
    };
    let answer = plan(&published);
    let mut state = shared.lock().unwrap();
    state.asked.push(published.clone());
    let response = match answer {
        Answer::Accept | Answer::Unanswered | Answer::Lost => {
            state.accepted.push(published.clone());
            accepted(number)
        }
        Answer::Throttling => error(400, "Sender", "Throttling", "Rate exceeded"),
        Answer::Throttled => error(429, "Sender", "Throttled", "Rate exceeded"),
        Answer::KmsThrottling => error(400, "Sender", "KMSThrottling", "KMS is busy"),
        Answer::InternalError => error(500, "Receiver", "InternalError", "SNS is unwell"),
        Answer::Denied => error(
            403,
            "Sender",
            "AuthorizationError",
            "not authorized to perform: SNS:Publish",
        ),
        Answer::Silence => {
            drop(state);
            never()
        }
    };
    let after = state.after.clone();
    drop(state);
    if let Some(after) = after {
        after(&published);
    }
    match answer {
        Answer::Unanswered => never(),
        Answer::Lost => Response::hang_up(),
        _ => response,
    }
}

type Refused = (u16, &'static str, String);

/// What every request to the topic must have: a signature for its region, the version, and its ARN.
fn addressed(
    request: &Request,
    parameters: &BTreeMap<String, String>,
    topic: &str,
) -> Result<(), Refused> {
    let get = |name: &str| parameters.get(name).map_or("", String::as_str);
    let region = topic.split(':').nth(3).unwrap_or("");
    let scope = format!("/{region}/sns/aws4_request");
    let signed = request.header("authorization").unwrap_or("");
    if !signed.starts_with("AWS4-HMAC-SHA256 ") || !signed.contains(&scope) {
        return Err((
            403,
            "SignatureDoesNotMatch",
            format!("signed as `{signed}`, not for {scope}"),
        ));
    }
    if get("Version") != "2010-03-31" {
        return Err((400, "InvalidParameter", "Version".to_owned()));
    }
    if get("TopicArn") != topic {
        return Err((
            404,
            "NotFound",
            format!("Topic does not exist: {}", get("TopicArn")),
        ));
    }
    Ok(())
}

fn check(
    request: &Request,
    parameters: &BTreeMap<String, String>,
    topic: &str,
    number: usize,
) -> Result<Published, Refused> {
    let invalid = |rule: &str| (400, "InvalidParameter", rule.to_owned());
    let get = |name: &str| parameters.get(name).map_or("", String::as_str);
    addressed(request, parameters, topic)?;
    let subject = get("Subject");
    if parameters.contains_key("Subject") {
        let first_is_fit = subject
            .bytes()
            .next()
            .is_some_and(|b| b.is_ascii_alphanumeric() || b.is_ascii_punctuation());
        let all_fit = subject.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
        if subject.len() >= 100 || !first_is_fit || !all_fit {
            return Err(invalid(&format!(
                "Subject `{subject}`: ASCII, fewer than 100 characters, no control characters"
            )));
        }
    }
    let message = get("Message");
    if message.is_empty() {
        return Err(invalid("Message is empty"));
    }
    let bodies = match get("MessageStructure") {
        "" => BTreeMap::from([("default".to_owned(), message.to_owned())]),
        "json" => {
            bodies(message).map_err(|rule| invalid(&format!("Message Structure - {rule}")))?
        }
        other => return Err(invalid(&format!("MessageStructure `{other}`"))),
    };
    let (attributes, of_attributes) = attributes(parameters).map_err(|rule| invalid(&rule))?;
    if message.len() + of_attributes > MAX_BYTES {
        return Err(invalid("Message too long"));
    }
    Ok(Published {
        number,
        subject: subject.to_owned(),
        message: message.to_owned(),
        bodies,
        attributes,
    })
}

fn bodies(message: &str) -> Result<BTreeMap<String, String>, &'static str> {
    let Ok(Value::Object(document)) = serde_json::from_str(message) else {
        return Err("no JSON object");
    };
    let bodies: BTreeMap<_, _> = document
        .into_iter()
        .filter_map(|(key, value)| match value {
            Value::String(text) => Some((key, text)),
            _ => None,
        })
        .collect();
    if bodies.contains_key("default") {
        Ok(bodies)
    } else {
        Err("no default entry in JSON message body")
    }
}

fn attributes(
    parameters: &BTreeMap<String, String>,
) -> Result<(BTreeMap<String, String>, usize), String> {
    let mut attributes = BTreeMap::new();
    let mut bytes = 0;
    for index in 1.. {
        let part = |name: &str| parameters.get(&format!("MessageAttributes.entry.{index}.{name}"));
        let Some(name) = part("Name") else { break };
        let (kind, value) = (part("Value.DataType"), part("Value.StringValue"));
        let name_fits = !name.is_empty()
            && name.len() <= 256
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
            && !name.starts_with(['.'])
            && !name.ends_with('.')
            && !name.contains("..")
            && !name.to_ascii_lowercase().starts_with("aws.")
            && !name.to_ascii_lowercase().starts_with("amazon.");
        let (Some(kind), Some(value)) = (kind, value) else {
            return Err(format!("attribute `{name}` has no type or no value"));
        };
        if !name_fits || kind != "String" || value.is_empty() {
            return Err(format!(
                "attribute `{name}` of type `{kind}` with value `{value}`"
            ));
        }
        bytes += name.len() + kind.len() + value.len();
        if attributes.insert(name.clone(), value.clone()).is_some() {
            return Err(format!("attribute `{name}` twice"));
        }
    }
    let entries = parameters
        .keys()
        .filter(|key| key.starts_with("MessageAttributes.") && key.ends_with(".Name"))
        .count();
    if entries != attributes.len() {
        return Err("attributes are not numbered from 1 on".to_owned());
    }
    Ok((attributes, bytes))
}

fn accepted(number: usize) -> Response {
    let body = format!(
        "<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><PublishResult><MessageId>\
         00000000-0000-4000-9000-{number:012}</MessageId></PublishResult><ResponseMetadata><RequestId>{number}\
         </RequestId></ResponseMetadata></PublishResponse>"
    );
    Response {
        status: 200,
        headers: vec![("content-type".into(), "text/xml".to_owned())],
        body: body.into_bytes(),
    }
}

fn error(status: u16, kind: &str, code: &str, message: &str) -> Response {
    let body = format!(
        "<ErrorResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><Error><Type>{kind}</Type><Code>{code}</Code>\
         <Message>{}</Message></Error><RequestId>1</RequestId></ErrorResponse>",
        message.replace('&', "&amp;").replace('<', "&lt;")
    );
    Response {
        status,
        headers: vec![("content-type".into(), "text/xml".to_owned())],
        body: body.into_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::{Answer, Sns, attributes, bodies};
    use crate::http::{Request, ask};
    use crate::wire::form;

    const TOPIC: &str = "arn:aws:sns:eu-west-1:111122223333:eks-access";

    const PATIENCE: Duration = Duration::from_secs(10);
    /// For an answer that does not come.
    const SHORT: Duration = Duration::from_millis(300);

    fn publish(sns: &Sns, patience: Duration) -> std::io::Result<u16> {
        let request = Request {
            method: "POST".to_owned(),
            path: "/".to_owned(),
            headers: vec![(
                "authorization".to_owned(),
                "AWS4-HMAC-SHA256 Credential=AKID/20260301/eu-west-1/sns/aws4_request, SignedHeaders=host, Signature=0"
                    .to_owned(),
            )],
            body: format!("Action=Publish&Version=2010-03-31&TopicArn={TOPIC}&Message=x").into_bytes(),
        };
        let address = sns.endpoint().replace("http://", "");
        Ok(ask(&address, &request, patience)?.status)
    }

    #[test]
    fn a_message_can_be_published_without_an_answer() {
        let sns = Sns::with(TOPIC, |published| match published.number {
            1 => Answer::Lost,
            2 => Answer::Unanswered,
            3 => Answer::Silence,
            4 => Answer::InternalError,
            _ => Answer::Accept,
        });
        let (sender, seen) = mpsc::channel();
        sns.after(move |published| sender.send(published.number).unwrap());
        for patience in [PATIENCE, SHORT, SHORT] {
            assert!(publish(&sns, patience).is_err());
        }
        for number in [1, 2] {
            assert_eq!(seen.recv_timeout(PATIENCE).unwrap(), number);
        }
        assert_eq!(publish(&sns, PATIENCE).unwrap(), 500);
        assert_eq!(publish(&sns, PATIENCE).unwrap(), 200);
        let numbers =
            |all: Vec<super::Published>| all.iter().map(|one| one.number).collect::<Vec<_>>();
        assert_eq!(numbers(sns.published()), [1, 2, 5]);
        assert_eq!(numbers(sns.asked()), [1, 2, 3, 4, 5]);
        assert_eq!(seen.try_iter().collect::<Vec<_>>(), [4, 5]);
    }

    #[test]
    fn a_message_document_needs_a_default_string() {
        assert!(bodies(r#"{"default":"x","email":"y"}"#).is_ok());
        assert!(bodies(r#"{"default":1,"email":"y"}"#).is_err());
        assert!(bodies(r#"{"email":"y"}"#).is_err());
        assert!(bodies("x").is_err());
    }

    #[test]
    fn an_attribute_needs_a_value() {
        let attribute = |value: &str| {
            form(
                format!(
                    "MessageAttributes.entry.1.Name=kind&MessageAttributes.entry.1.Value.DataType=String\
                     &MessageAttributes.entry.1.Value.StringValue={value}"
                )
                .as_bytes(),
            )
        };
        assert!(attributes(&attribute("first")).is_ok());
        assert!(attributes(&attribute("")).is_err());
    }
}
