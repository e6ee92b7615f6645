//! A strict Slack: `tests/slack/server.py`, which checks every message with Slack's own published models.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::http::{Request, ask};
use crate::ministack::root;

const PATIENCE: Duration = Duration::from_secs(30);

/// The token that it knows.
pub const TOKEN: &str = "xoxb-fake-0000";
/// Two channels that the bot is a member of.
pub const CHANNEL: &str = "C0000000001";
/// The other one.
pub const OTHER_CHANNEL: &str = "C0000000002";

/// Slack on loopback. It ends with this.
pub struct Slack {
    child: Child,
    address: String,
}

impl Slack {
    /// Starts it: nothing was said yet.
    pub fn start() -> Self {
        let python = root().join(".tools/slack/bin/python");
        assert!(
            python.is_file(),
            "there is no Slack in .tools/slack; run `make tools`"
        );
        let mut child = Command::new(python)
            .arg(root().join("tests/slack/server.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("start Slack");
        let output = child.stdout.take().expect("its output is a pipe");
        let mut line = String::new();
        BufReader::new(output)
            .read_line(&mut line)
            .expect("its address");
        let address = line.trim().trim_start_matches("http://").to_owned();
        assert!(!address.is_empty(), "Slack did not start");
        Self { child, address }
    }

    /// The value of `SLACK_API_URL`.
    pub fn api(&self) -> String {
        format!("http://{}/api/", self.address)
    }

    /// The address of an incoming webhook for [`CHANNEL`].
    pub fn webhook(&self) -> String {
        format!(
            "http://{}/services/T0000000001/B0000000001/fake",
            self.address
        )
    }

    /// Lets the next calls of a method fail so.
    pub fn fault(&self, fault: &Value) {
        self.control("POST", "faults", Some(&json!([fault])));
    }

    /// Ends all faults.
    pub fn heal(&self) {
        self.control("DELETE", "faults", None);
    }

    /// Changes the workspace.
    pub fn state(&self, state: &Value) {
        self.control("POST", "state", Some(state));
    }

    /// Every call, in order.
    pub fn calls(&self) -> Vec<Value> {
        list(&self.control("GET", "calls", None))
    }

    /// The messages of a channel, in order, replies included.
    pub fn messages(&self, channel: &str) -> Vec<Value> {
        list(&self.control("GET", "messages", None)[channel])
    }

    /// The messages of [`CHANNEL`] that are in no thread.
    pub fn cards(&self) -> Vec<Value> {
        let mut messages = self.messages(CHANNEL);
        messages.retain(|message| message["thread_ts"].is_null());
        messages
    }

    /// The replies in threads of [`CHANNEL`].
    pub fn replies(&self) -> Vec<Value> {
        let mut messages = self.messages(CHANNEL);
        messages.retain(|message| !message["thread_ts"].is_null());
        messages
    }

    /// What Slack would never have taken, or what breaks our own rules: empty at the end of a good test.
    pub fn complaints(&self) -> Vec<Value> {
        list(&self.control("GET", "complaints", None))
    }

    fn control(&self, method: &str, what: &str, body: Option<&Value>) -> Value {
        let request = Request {
            method: method.to_owned(),
            path: format!("/control/{what}"),
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: body
                .map(|body| body.to_string().into_bytes())
                .unwrap_or_default(),
        };
        let answer = ask(&self.address, &request, PATIENCE).expect("Slack answers");
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert_eq!(answer.status, 200, "{what}: {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }
}

impl Drop for Slack {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}
