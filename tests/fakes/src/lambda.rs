//! The Lambda Runtime API (`/2018-06-01/runtime/…`) as a function meets it.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant, SystemTime};

use crate::http::{Request, Response, Server};
use crate::process::PATIENCE;

/// How an invocation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// `POST /response`.
    Response(String),
    /// `POST /error`: the error's type as the header says it, and the body.
    Error {
        /// `errorType`.
        kind: String,
        /// `errorMessage`.
        message: String,
    },
}

impl Answer {
    /// The response; stops the test if it was an error.
    pub fn response(self) -> String {
        match self {
            Self::Response(body) => body,
            Self::Error { kind, message } => panic!("the function failed with {kind}: {message}"),
        }
    }

    /// Type and message of the error; stops the test if there was none.
    pub fn error(self) -> (String, String) {
        match self {
            Self::Error { kind, message } => (kind, message),
            Self::Response(body) => panic!("the function should have failed and answered {body}"),
        }
    }
}

#[derive(Default)]
struct State {
    events: VecDeque<Event>,
    given: u64,
    last_id: String,
    answers: VecDeque<(Instant, Answer)>,
    first_asked: Option<Instant>,
    waiting: bool,
    init_error: Option<(String, String)>,
    unasked: Vec<String>,
    gone: bool,
}

struct Event {
    /// Made up if nobody says it.
    id: Option<String>,
    body: Vec<u8>,
    timeout: Duration,
}

/// The Runtime API of one function.
#[derive(Clone)]
pub struct Lambda {
    server: Arc<Server>,
    shared: Arc<(Mutex<State>, Condvar)>,
}

/// What happened instead of what was awaited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// The process ended.
    Gone,
    /// It took too long.
    TooLate,
}

impl Lambda {
    /// Starts to listen; no function has asked yet.
    pub fn start() -> Self {
        Self::named("responder")
    }

    /// The same for a function of this name.
    pub fn named(name: &str) -> Self {
        let shared = Arc::new((Mutex::new(State::default()), Condvar::new()));
        let for_server = Arc::clone(&shared);
        let arn = format!("arn:aws:lambda:eu-west-1:111122223333:function:{name}");
        let server = Server::start(move |request| answer(&for_server, &arn, request));
        Self {
            server: Arc::new(server),
            shared,
        }
    }

    /// The value of `AWS_LAMBDA_RUNTIME_API`.
    pub fn address(&self) -> String {
        self.server.address()
    }

    /// When the function first asked for an event.
    ///
    /// # Errors
    /// When it ended before, or has not asked within `patience`.
    pub fn ready(&self, patience: Duration) -> Result<Instant, Missing> {
        self.wait(patience, |state| state.first_asked)
    }

    /// Gives the function an event and waits for its answer and for its next question, so that it is at rest
    /// when this returns. The function is told that it has `timeout` left. Also says how long the answer took.
    ///
    /// # Errors
    /// When the function ended, or did not answer within `timeout` and five seconds.
    pub fn invoke(&self, event: &[u8], timeout: Duration) -> Result<(Answer, Duration), Missing> {
        let patience = timeout + Duration::from_secs(5);
        self.wait(patience, |state| state.waiting.then_some(()))?;
        self.give(None, event, timeout, patience)
    }

    /// The same under this id, for a function that has asked already, and without the five seconds: what takes longer than
    /// `timeout` is late.
    ///
    /// # Errors
    /// When the function ended, or did not answer within `timeout`.
    pub fn invoke_as(
        &self,
        id: &str,
        event: &[u8],
        timeout: Duration,
    ) -> Result<(Answer, Duration), Missing> {
        self.give(Some(id.to_owned()), event, timeout, timeout)
    }

    fn give(
        &self,
        id: Option<String>,
        event: &[u8],
        timeout: Duration,
        patience: Duration,
    ) -> Result<(Answer, Duration), Missing> {
        let given = {
            let mut state = self.shared.0.lock().unwrap();
            state.events.push_back(Event {
                id,
                body: event.to_vec(),
                timeout,
            });
            self.shared.1.notify_all();
            Instant::now()
        };
        let (at, answer) = self.wait(patience, |state| state.answers.pop_front())?;
        self.wait(PATIENCE, |state| state.waiting.then_some(()))?;
        Ok((answer, at - given))
    }

    /// Whether the process is gone.
    pub fn is_gone(&self) -> bool {
        self.shared.0.lock().unwrap().gone
    }

    /// Waits until the process is gone.
    ///
    /// # Errors
    /// When it is still there after `patience`.
    pub fn wait_until_gone(&self, patience: Duration) -> Result<(), Missing> {
        match self.wait(patience, |state| state.gone.then_some(())) {
            Ok(()) | Err(Missing::Gone) => Ok(()),
            Err(Missing::TooLate) => Err(Missing::TooLate),
        }
    }

    /// What was posted to `/init/error`: type and message.
    pub fn init_error(&self) -> Option<(String, String)> {
        self.shared.0.lock().unwrap().init_error.clone()
    }

    /// Requests that are none of the Runtime API's.
    pub fn unasked(&self) -> Vec<String> {
        self.shared.0.lock().unwrap().unasked.clone()
    }

    /// Tells whoever waits that the process is gone.
    pub fn gone(&self) {
        self.shared.0.lock().unwrap().gone = true;
        self.shared.1.notify_all();
    }

    fn wait<T>(
        &self,
        patience: Duration,
        mut ask: impl FnMut(&mut State) -> Option<T>,
    ) -> Result<T, Missing> {
        let until = Instant::now() + patience;
        let mut state = self.shared.0.lock().unwrap();
        loop {
            if let Some(found) = ask(&mut state) {
                return Ok(found);
            }
            if state.gone {
                return Err(Missing::Gone);
            }
            let left = until
                .checked_duration_since(Instant::now())
                .ok_or(Missing::TooLate)?;
            state = self.shared.1.wait_timeout(state, left).unwrap().0;
        }
    }
}

fn answer(shared: &(Mutex<State>, Condvar), arn: &str, request: &Request) -> Response {
    const BASE: &str = "/2018-06-01/runtime/";
    let path = request.path.strip_prefix(BASE).unwrap_or("");
    match (
        request.method.as_str(),
        path.split('/').collect::<Vec<_>>().as_slice(),
    ) {
        ("GET", ["invocation", "next"]) => next(shared, arn),
        ("POST", ["invocation", id, how @ ("response" | "error")]) => {
            let mut state = shared.0.lock().unwrap();
            if *id != state.last_id {
                state
                    .unasked
                    .push(format!("answer to the unknown invocation {id}"));
                return Response::new(400, r#"{"errorType":"InvalidRequestID"}"#);
            }
            let text = String::from_utf8_lossy(&request.body).into_owned();
            let answer = if *how == "response" {
                Answer::Response(text)
            } else {
                let (kind, message) = error_of(request);
                Answer::Error { kind, message }
            };
            state.answers.push_back((Instant::now(), answer));
            shared.1.notify_all();
            Response::new(202, r#"{"status":"OK"}"#)
        }
        ("POST", ["init", "error"]) => {
            let mut state = shared.0.lock().unwrap();
            state.init_error = Some(error_of(request));
            shared.1.notify_all();
            Response::new(202, r#"{"status":"OK"}"#)
        }
        _ => {
            let mut state = shared.0.lock().unwrap();
            state
                .unasked
                .push(format!("{} {}", request.method, request.path));
            Response::new(404, r#"{"errorType":"NotFound"}"#)
        }
    }
}

/// The error's type and message. Header and body must name the same type, as Lambda shows now one, now the other.
fn error_of(request: &Request) -> (String, String) {
    let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let of_body = body["errorType"].as_str().unwrap_or("").to_owned();
    let kind = match request.header("lambda-runtime-function-error-type") {
        Some(of_header) if !of_header.contains(&of_body) && of_header != "unhandled" => {
            format!("{of_header} (header) and {of_body} (body)")
        }
        _ => of_body,
    };
    (kind, body["errorMessage"].as_str().unwrap_or("").to_owned())
}

fn next(shared: &(Mutex<State>, Condvar), arn: &str) -> Response {
    let mut state = shared.0.lock().unwrap();
    state.first_asked.get_or_insert_with(Instant::now);
    state.waiting = true;
    shared.1.notify_all();
    let event = loop {
        if let Some(event) = state.events.pop_front() {
            break event;
        }
        state = shared.1.wait(state).unwrap();
    };
    state.waiting = false;
    state.given += 1;
    let made_up = format!("00000000-0000-4000-8000-{:012}", state.given);
    state.last_id = event.id.unwrap_or(made_up);
    let deadline = SystemTime::now() + event.timeout;
    let deadline = deadline
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_millis();
    Response {
        status: 200,
        headers: vec![
            ("content-type".into(), "application/json".to_owned()),
            (
                "lambda-runtime-aws-request-id".into(),
                state.last_id.clone(),
            ),
            ("lambda-runtime-deadline-ms".into(), deadline.to_string()),
            ("lambda-runtime-invoked-function-arn".into(), arn.to_owned()),
            (
                "lambda-runtime-trace-id".into(),
                "Root=1-00000000-000000000000000000000000;Sampled=0".to_owned(),
            ),
        ],
        body: event.body,
    }
}
