//! AWS Lambda's own API as far as it invokes a function that is deployed (rest-json, 2015-03-31, `Invoke`).

use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::http::{Request, Response, Server};
use crate::wire::scope;

/// What a deployed function does with an event.
#[derive(Debug, Clone)]
pub struct Run {
    /// The answer, or the error as Lambda passes it on.
    pub payload: String,
    /// Whether it is an error.
    pub has_failed: bool,
    /// What it logged.
    pub log: String,
}

/// A region with one function.
pub struct Deployed {
    endpoint: String,
    events: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Deployed {
    /// A function of this name that does so.
    pub fn start(name: &str, run: impl Fn(&[u8]) -> Run + Send + Sync + 'static) -> Self {
        let events: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
        let path = format!("/2015-03-31/functions/{name}/invocations");
        let kept = Arc::clone(&events);
        let server = Server::start(move |request| answer(&path, &kept, &run, request));
        Self {
            endpoint: format!("http://{}", server.address()),
            events,
        }
    }

    /// The value of `AWS_ENDPOINT_URL_LAMBDA`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The events that it was given.
    pub fn events(&self) -> Vec<Vec<u8>> {
        self.events.lock().unwrap().clone()
    }
}

fn answer(
    path: &str,
    events: &Mutex<Vec<Vec<u8>>>,
    run: &(dyn Fn(&[u8]) -> Run + Send + Sync),
    request: &Request,
) -> Response {
    if scope(request).is_none_or(|scope| scope.service != "lambda") {
        return Response::new(403, r#"{"message":"Missing Authentication Token"}"#);
    }
    if request.method != "POST" || request.path != path {
        let mut response = Response::new(404, r#"{"Type":"User","Message":"Function not found"}"#);
        let kind = (
            "x-amzn-errortype".into(),
            "ResourceNotFoundException".to_owned(),
        );
        response.headers.push(kind);
        return response;
    }
    events.lock().unwrap().push(request.body.clone());
    let ran = run(&request.body);
    let mut response = Response::new(200, ran.payload);
    if request.header("x-amz-log-type") == Some("Tail") {
        let tail = ran.log.as_bytes();
        // Lambda sends the last 4 KB, wherever a line begins.
        let tail = &tail[tail.len().saturating_sub(4096)..];
        response
            .headers
            .push(("x-amz-log-result".into(), STANDARD.encode(tail)));
    }
    if ran.has_failed {
        response
            .headers
            .push(("x-amz-function-error".into(), "Unhandled".to_owned()));
    }
    response
}
