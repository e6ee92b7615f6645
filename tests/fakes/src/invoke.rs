//! AWS Lambda's `Invoke` (rest-json, 2015-03-31) in front of functions' real processes, with the queue of asynchronous
//! invocations: on an error an event is tried up to two more times, under the same id, and then kept as a dead letter.
//!
//! Lambda waits a minute before the second attempt and two before the third; here they follow at once, or when the test
//! says so.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, Weak};
use std::thread;
use std::time::Instant;

use serde_json::{Map, Value, json};

use crate::directory::Directory;
use crate::http::{Request, Response, Server};
use crate::lambda::Answer as Ending;
use crate::pool::{self, Pool, THROTTLED, fresh_id};
use crate::process::PATIENCE;
use crate::record::{Answer, Asked, Call, Desk, Record, Refusal, Service};
use crate::wire::{decoded, iso, now};

/// The largest payload of an asynchronous invocation, and of a synchronous one (service model of `Invoke`).
const LARGEST: (usize, usize) = (1024 * 1024, 6 * 1024 * 1024);
/// The first attempt and two more.
const ATTEMPTS: usize = 3;

/// An event that somebody sent to a function.
#[derive(Debug, Clone)]
pub struct Event {
    /// The id of the request, the same in every attempt.
    pub id: String,
    /// The function's name.
    pub function: String,
    /// The payload.
    pub payload: Vec<u8>,
    /// Whether it came through the queue.
    pub is_asynchronous: bool,
    /// How every attempt so far has ended, in that order.
    pub attempts: Vec<Ending>,
}

impl Event {
    /// The payload as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.payload).expect("a payload of JSON")
    }
}

/// AWS Lambda in one region.
pub struct Invoke {
    inner: Arc<Inner>,
    endpoint: String,
    /// The server's thread never ends and must not keep the functions.
    functions: Mutex<Vec<Pool>>,
}

struct Inner {
    region: String,
    directory: Directory,
    desk: Desk,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    functions: BTreeMap<String, Weak<pool::Inner>>,
    events: Vec<Event>,
    queue: VecDeque<Delivery>,
    /// What failed and is tried again when the test says so.
    failed: Vec<Delivery>,
    running: usize,
    is_held: bool,
    retries_when_told: bool,
    dead_letters: Vec<Value>,
}

/// One way of an event through the queue.
#[derive(Clone, Copy)]
struct Delivery {
    /// Its place among the events.
    event: usize,
    /// 1 for the first.
    attempt: usize,
}

impl Invoke {
    /// Lambda without functions.
    pub fn start(region: &str, directory: &Directory) -> Self {
        let inner = Arc::new(Inner {
            region: region.to_owned(),
            directory: directory.clone(),
            desk: Desk::new(Record::default()),
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let for_server = Arc::clone(&inner);
        let server = Server::start(move |request| {
            let service = Shared(Arc::clone(&for_server));
            for_server.desk.serve(&service, request)
        });
        Self {
            inner,
            endpoint: format!("http://{}", server.address()),
            functions: Mutex::default(),
        }
    }

    /// Adds a function, or puts another in place of the one of this name.
    pub fn function(&self, function: &Pool) {
        let name = function.name().to_owned();
        let mut state = self.inner.state.lock().unwrap();
        state.functions.insert(name, function.weak());
        self.functions.lock().unwrap().push(function.clone());
    }

    /// The value of `AWS_ENDPOINT_URL_LAMBDA`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Lets the test decide about each request from now on.
    pub fn plan(&self, plan: impl Fn(&Asked) -> Answer + Send + Sync + 'static) {
        self.inner.desk.plan(plan);
    }

    /// Calls this with every request from now on that was done or refused, its outcome known, before it is answered.
    pub fn after(&self, hook: impl Fn(&Asked) + Send + Sync + 'static) {
        self.inner.desk.after(hook);
    }

    /// What was asked.
    pub fn record(&self) -> &Record {
        &self.inner.desk.record
    }

    /// The events that a function was sent, in order.
    pub fn events(&self, function: &str) -> Vec<Event> {
        let mut events = self.inner.state.lock().unwrap().events.clone();
        events.retain(|event| event.function == function);
        events
    }

    /// What Lambda sends to the failure queue, in order: an event with its last error.
    pub fn dead_letters(&self) -> Vec<Value> {
        self.inner.state.lock().unwrap().dead_letters.clone()
    }

    /// Keeps events in the queue from now on.
    pub fn hold(&self) {
        self.inner.state.lock().unwrap().is_held = true;
    }

    /// Delivers what is in the queue, and what comes.
    pub fn release(&self) {
        self.inner.state.lock().unwrap().is_held = false;
        pump(&self.inner);
    }

    /// From now on an event that failed is tried again only by [`Invoke::retry`].
    pub fn retry_when_told(&self) {
        self.inner.state.lock().unwrap().retries_when_told = true;
    }

    /// Tries once more what failed and is not a dead letter; says how many events that are.
    pub fn retry(&self) -> usize {
        let mut state = self.inner.state.lock().unwrap();
        let failed = std::mem::take(&mut state.failed);
        let count = failed.len();
        state.queue.extend(failed);
        drop(state);
        pump(&self.inner);
        count
    }

    /// Sends a function an event, as somebody with the permission could; its id.
    pub fn send(&self, function: &str, payload: &[u8]) -> String {
        let id = fresh_id();
        enqueue(&self.inner, &id, function, payload);
        id
    }

    /// Delivers an event once more, as Lambda may do with any. Stops the test if there is none with this id.
    pub fn deliver_again(&self, id: &str) {
        let mut state = self.inner.state.lock().unwrap();
        let event = state.events.iter().position(|event| event.id == id);
        let event = event.unwrap_or_else(|| panic!("no event {id}"));
        state.queue.push_back(Delivery { event, attempt: 1 });
        drop(state);
        pump(&self.inner);
    }

    /// Waits until nothing is running, and nothing is in the queue unless it is held.
    pub fn wait_until_idle(&self) {
        let until = Instant::now() + 2 * PATIENCE;
        let mut state = self.inner.state.lock().unwrap();
        while state.running > 0 || !(state.is_held || state.queue.is_empty()) {
            let left = until.saturating_duration_since(Instant::now());
            let queued = state.queue.len();
            let running = state.running;
            assert!(!left.is_zero(), "{running} running, {queued} in the queue");
            state = self.inner.changed.wait_timeout(state, left).unwrap().0;
        }
    }
}

fn enqueue(inner: &Arc<Inner>, id: &str, function: &str, payload: &[u8]) {
    let mut state = inner.state.lock().unwrap();
    state.events.push(Event {
        id: id.to_owned(),
        function: function.to_owned(),
        payload: payload.to_vec(),
        is_asynchronous: true,
        attempts: Vec::new(),
    });
    let event = state.events.len() - 1;
    state.queue.push_back(Delivery { event, attempt: 1 });
    drop(state);
    pump(inner);
}

/// Delivers what is in the queue, each event on a thread of its own.
fn pump(inner: &Arc<Inner>) {
    let mut state = inner.state.lock().unwrap();
    while !state.is_held
        && let Some(delivery) = state.queue.pop_front()
    {
        state.running += 1;
        let inner = Arc::clone(inner);
        thread::spawn(move || {
            let event = inner.state.lock().unwrap().events[delivery.event].clone();
            let ending = inner.run(&event);
            inner.ended(delivery, ending);
            pump(&inner);
        });
    }
    inner.changed.notify_all();
}

impl Inner {
    fn run(&self, event: &Event) -> Ending {
        let function = self
            .state
            .lock()
            .unwrap()
            .functions
            .get(&event.function)
            .cloned();
        match function.and_then(|function| function.upgrade()) {
            Some(function) => function.run(&event.id, &event.payload),
            None => Ending::Error {
                kind: "ResourceNotFoundException".to_owned(),
                message: format!("Function not found: {}", self.arn(&event.function)),
            },
        }
    }

    fn ended(&self, delivery: Delivery, ending: Ending) {
        let mut state = self.state.lock().unwrap();
        if let Ending::Error { kind, message } = &ending {
            let next = Delivery {
                attempt: delivery.attempt + 1,
                ..delivery
            };
            if delivery.attempt == ATTEMPTS {
                let event = &state.events[delivery.event];
                let letter = self.dead_letter(event, kind, message);
                state.dead_letters.push(letter);
            } else if state.retries_when_told {
                state.failed.push(next);
            } else {
                state.queue.push_back(next);
            }
        }
        state.events[delivery.event].attempts.push(ending);
        state.running -= 1;
    }

    /// The invocation record that Lambda sends to an on-failure destination (developer guide, "Capturing records").
    fn dead_letter(&self, event: &Event, kind: &str, message: &str) -> Value {
        let payload: Value = serde_json::from_slice(&event.payload).unwrap_or_default();
        json!({
            "version": "1.0",
            "timestamp": iso(now()),
            "requestContext": {
                "requestId": event.id,
                "functionArn": format!("{}:$LATEST", self.arn(&event.function)),
                "condition": "RetriesExhausted",
                "approximateInvokeCount": ATTEMPTS,
            },
            "requestPayload": payload,
            "responseContext": {
                "statusCode": 200,
                "executedVersion": "$LATEST",
                "functionError": "Unhandled",
            },
            "responsePayload": {"errorMessage": message, "errorType": kind},
        })
    }

    fn arn(&self, function: &str) -> String {
        format!(
            "arn:{}:lambda:{}:{}:function:{function}",
            self.directory.partition(),
            self.region,
            self.directory.account()
        )
    }
}

/// What serves requests: threads of deliveries outlive them.
struct Shared(Arc<Inner>);

/// The name in `NAME`, `NAME:QUALIFIER` or an ARN.
fn name_of(function: &str) -> &str {
    let rest = function
        .rsplit_once("function:")
        .map_or(function, |(_, rest)| rest);
    rest.split(':').next().unwrap_or(rest)
}

fn broken(status: u16, code: &'static str, message: impl Into<String>) -> Refusal {
    Refusal::new(status, code, message).broken()
}

impl Service for Shared {
    const PREFIX: &'static str = "lambda";
    const SIGNED_AS: &'static str = "lambda";

    fn call(&self, request: &Request) -> Result<Call, Refusal> {
        let (path, _) = request.path.split_once('?').unwrap_or((&request.path, ""));
        let function = path
            .strip_prefix("/2015-03-31/functions/")
            .and_then(|rest| rest.strip_suffix("/invocations"));
        let Some(function) = function.filter(|_| request.method == "POST") else {
            let words = "the fake has no such operation";
            return Err(Refusal::new(404, "UnknownOperationException", words));
        };
        let payload = std::str::from_utf8(&request.body).map_err(|error| {
            let words = format!("Could not parse request body into json: {error}");
            broken(400, "InvalidRequestContentException", words)
        })?;
        let kind = request.header("x-amz-invocation-type");
        let mut input = Map::new();
        for (name, value) in [
            ("FunctionName", decoded(function.as_bytes())),
            (
                "InvocationType",
                kind.unwrap_or("RequestResponse").to_owned(),
            ),
            ("Payload", payload.to_owned()),
        ] {
            input.insert(name.to_owned(), Value::String(value));
        }
        Ok(Call {
            operation: "Invoke".to_owned(),
            input,
        })
    }

    fn serves(&self, region: &str) -> bool {
        region == self.0.region
    }

    fn denied(&self, asked: &Asked) -> Refusal {
        let arn = self.0.arn(name_of(asked.get("FunctionName")));
        let words = self
            .0
            .directory
            .not_authorized(&asked.access_key, &asked.action(), &arn);
        Refusal::new(403, "AccessDeniedException", words)
    }

    fn throttled(&self) -> Refusal {
        Refusal::new(429, THROTTLED, "Rate Exceeded.")
    }

    fn failure(&self) -> Refusal {
        Refusal::new(500, "ServiceException", "Lambda is unwell")
    }

    fn act(&self, asked: &Asked) -> Result<Response, Refusal> {
        let inner = &self.0;
        let function = name_of(asked.get("FunctionName"));
        let payload = asked.get("Payload").as_bytes();
        if !inner.state.lock().unwrap().functions.contains_key(function) {
            let words = format!("Function not found: {}", inner.arn(function));
            return Err(Refusal::new(404, "ResourceNotFoundException", words));
        }
        let is_asynchronous = match asked.get("InvocationType") {
            "Event" => true,
            "RequestResponse" => false,
            other => {
                let words = format!("the fake knows no invocation type {other}");
                return Err(broken(400, "InvalidParameterValueException", words));
            }
        };
        require_payload(payload, is_asynchronous)?;
        let id = fresh_id();
        let mut response = if is_asynchronous {
            enqueue(inner, &id, function, payload);
            Response::new(202, Vec::new())
        } else {
            inner.answered(&id, function, payload)?
        };
        let header = ("x-amzn-requestid".into(), id);
        response.headers.push(header);
        Ok(response)
    }

    fn refuse(&self, refusal: &Refusal) -> Response {
        let kind = if refusal.status < 500 {
            "User"
        } else {
            "Service"
        };
        let body = json!({"Type": kind, "Message": refusal.message, "message": refusal.message});
        let mut response = Response::new(refusal.status, body.to_string());
        response.headers = vec![
            ("content-type".into(), "application/json".to_owned()),
            ("x-amzn-errortype".into(), refusal.code.to_owned()),
        ];
        response
    }
}

impl Inner {
    fn answered(&self, id: &str, function: &str, payload: &[u8]) -> Result<Response, Refusal> {
        let mut event = Event {
            id: id.to_owned(),
            function: function.to_owned(),
            payload: payload.to_vec(),
            is_asynchronous: false,
            attempts: Vec::new(),
        };
        let ending = self.run(&event);
        event.attempts.push(ending.clone());
        self.state.lock().unwrap().events.push(event);
        let version = ("x-amz-executed-version".into(), "$LATEST".to_owned());
        match ending {
            Ending::Error { kind, message } if kind == THROTTLED => {
                Err(Refusal::new(429, THROTTLED, message))
            }
            Ending::Response(text) => {
                let mut response = Response::new(200, text);
                response.headers.push(version);
                Ok(response)
            }
            Ending::Error { kind, message } => {
                let body = json!({"errorMessage": message, "errorType": kind});
                let mut response = Response::new(200, body.to_string());
                let error = ("x-amz-function-error".into(), "Unhandled".to_owned());
                response.headers.extend([version, error]);
                Ok(response)
            }
        }
    }
}

fn require_payload(payload: &[u8], is_asynchronous: bool) -> Result<(), Refusal> {
    let most = if is_asynchronous {
        LARGEST.0
    } else {
        LARGEST.1
    };
    if payload.len() > most {
        let words = format!("{} byte payload is too large", payload.len());
        return Err(broken(413, "RequestTooLargeException", words));
    }
    if let Err(error) = serde_json::from_slice::<Value>(payload)
        && !payload.is_empty()
    {
        let words = format!("Could not parse request body into json: {error}");
        return Err(broken(400, "InvalidRequestContentException", words));
    }
    Ok(())
}
