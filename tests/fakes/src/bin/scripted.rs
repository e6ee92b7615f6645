//! A function that does what its event tells it, for the tests of the fakes that run functions.
//!
//! An event has a `script`, or the header `x-script` has one: a step, or `{"steps": [STEP, …], "count": FILE}`, one for each
//! time, counted in the file. A step may `sleep` so many milliseconds, and then `exit` with a code, `fail` with a type, or
//! `answer`; without any it answers the event.

#![expect(
    clippy::indexing_slicing,
    reason = "indexing into JSON gives null where there is nothing"
)]

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use fakes::http::{Answer, Request, ask};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_mins(10);

fn main() -> ExitCode {
    let Ok(runtime) = std::env::var("AWS_LAMBDA_RUNTIME_API") else {
        return ExitCode::FAILURE;
    };
    if let Ok(kind) = std::env::var("FAIL_INIT") {
        let error = json!({"errorType": kind, "errorMessage": "told so"});
        post(&runtime, "/init/error", &error.to_string());
        return ExitCode::FAILURE;
    }
    while let Some(next) = send(&runtime, "GET", "/invocation/next", "") {
        let id = header(&next, "lambda-runtime-aws-request-id");
        let arn = header(&next, "lambda-runtime-invoked-function-arn");
        let text = String::from_utf8_lossy(&next.body).into_owned();
        let _ = writeln!(std::io::stdout(), "{id} {arn}");
        let step = step(&serde_json::from_str(&text).unwrap_or_default());
        if let Some(milliseconds) = step["sleep"].as_u64() {
            std::thread::sleep(Duration::from_millis(milliseconds));
        }
        if let Some(code) = step["exit"].as_u64() {
            return ExitCode::from(u8::try_from(code).unwrap_or(1));
        }
        let path = format!("/invocation/{id}");
        if let Some(kind) = step["fail"].as_str() {
            let error = json!({"errorType": kind, "errorMessage": "told so"});
            post(&runtime, &format!("{path}/error"), &error.to_string());
        } else {
            let answer = step.get("answer").map_or(text, Value::to_string);
            post(&runtime, &format!("{path}/response"), &answer);
        }
    }
    ExitCode::SUCCESS
}

fn step(event: &Value) -> Value {
    let script = match event["headers"]["x-script"].as_str() {
        Some(text) => serde_json::from_str(text).unwrap_or_default(),
        None => event["script"].clone(),
    };
    let (Some(steps), Some(count)) = (script["steps"].as_array(), script["count"].as_str()) else {
        return script;
    };
    let before = std::fs::read_to_string(count).unwrap_or_default();
    std::fs::write(count, format!("{before}+")).ok();
    let last = steps.last().cloned().unwrap_or_default();
    steps.get(before.len()).cloned().unwrap_or(last)
}

fn header(answer: &Answer, name: &str) -> String {
    let found = answer.headers.iter().find(|(key, _)| key == name);
    found.map_or(String::new(), |(_, value)| value.clone())
}

fn post(runtime: &str, path: &str, body: &str) {
    send(runtime, "POST", path, body);
}

fn send(runtime: &str, method: &str, path: &str, body: &str) -> Option<Answer> {
    let request = Request {
        method: method.to_owned(),
        path: format!("/2018-06-01/runtime{path}"),
        headers: Vec::new(),
        body: body.as_bytes().to_vec(),
    };
    ask(runtime, &request, PATIENCE).ok()
}
