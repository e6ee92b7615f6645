//! A strict Slack: `tests/slack/server.py`, which checks every message with Slack's own published models.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use crate::http::{Request, Response, Server, ask, relay};
use crate::ministack::root;

/// Longer than the app may take to answer a click.
const PATIENCE: Duration = Duration::from_secs(90);

/// How long Slack may take: longer than a fault makes it wait.
const PATIENCE_OF_RELAY: Duration = Duration::from_mins(10);

/// The token that it knows.
pub const TOKEN: &str = "xoxb-fake-0000";
/// Two channels that the bot is a member of.
pub const CHANNEL: &str = "C0000000001";
/// The other one.
pub const OTHER_CHANNEL: &str = "C0000000002";
/// What interactions are signed with.
pub const SIGNING_SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
/// The workspace.
pub const TEAM: &str = "T0000000001";
/// The app.
pub const APP: &str = "A0000000001";
/// Somebody in the workspace.
pub const USER: &str = "U0000000001";

/// A call that Slack got: of its API, or of a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// 1 for the first.
    pub number: usize,
    /// `chat.postMessage`, or `webhook`.
    pub method: String,
}

/// A click or a submission that Slack sent to the app, and what came back.
#[derive(Debug, Clone)]
pub struct Interaction {
    /// For [`Slack::replay`].
    pub number: u64,
    /// The status; `None` if there was no answer.
    pub status: Option<u16>,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body of the answer.
    pub body: String,
    /// What was sent.
    pub payload: Value,
    /// How long the answer took; Slack waits three seconds.
    pub took: Duration,
}

type Hook = Arc<dyn Fn(&Call) + Send + Sync>;

/// Slack on loopback. It ends with this.
pub struct Slack {
    child: Child,
    address: String,
    relay: String,
    after: Arc<Mutex<Hook>>,
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
        let after: Arc<Mutex<Hook>> = Arc::new(Mutex::new(Arc::new(|_: &Call| {})));
        let (upstream, hook, numbers) = (address.clone(), Arc::clone(&after), AtomicUsize::new(0));
        let relay = Server::start(move |request| {
            let number = numbers.fetch_add(1, Ordering::SeqCst) + 1;
            let answer = relay(&upstream, request, PATIENCE_OF_RELAY);
            let hook = Arc::clone(&*hook.lock().unwrap());
            hook(&call(number, request));
            // What Slack leaves without an answer, the relay does.
            answer.unwrap_or_else(|_| Response::hang_up())
        });
        Self {
            child,
            address,
            relay: relay.address(),
            after,
        }
    }

    /// Calls this with every call from now on when Slack has done with it, before it is answered.
    pub fn after(&self, hook: impl Fn(&Call) + Send + Sync + 'static) {
        *self.after.lock().unwrap() = Arc::new(hook);
    }

    /// The value of `SLACK_API_URL`.
    pub fn api(&self) -> String {
        format!("http://{}/api/", self.relay)
    }

    /// The address of an incoming webhook for [`CHANNEL`].
    pub fn webhook(&self) -> String {
        format!(
            "http://{}/services/T0000000001/B0000000001/fake",
            self.relay
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

    /// The ephemeral messages that this user sees, in all channels.
    pub fn whispers(&self, user: &str) -> Vec<Value> {
        let all = self.control("GET", "messages", None);
        let channels = all.as_object().into_iter().flat_map(|all| all.values());
        let mut messages: Vec<_> = channels.flat_map(list).collect();
        messages.retain(|message| message["only_for"] == user);
        messages
    }

    /// Every view that was opened, in order: `view` as Slack keeps it, the `user` it is for, `is_open`, `submissions`,
    /// and the `errors` of the last one.
    pub fn views(&self) -> Vec<Value> {
        list(&self.control("GET", "views", None))
    }

    /// The view that this user looks at. Stops the test if there is none.
    pub fn open_view(&self, user: &str) -> Value {
        let mut views = self.views();
        views.retain(|view| view["is_open"] == true && view["user"] == user);
        let mut last = views
            .pop()
            .unwrap_or_else(|| panic!("{user} looks at no view"));
        last["view"].take()
    }

    /// A trigger, as if this user had just clicked somewhere.
    pub fn trigger(&self, user: &str) -> String {
        let answer = self.control("POST", "trigger", Some(&json!({"user": user})));
        answer["trigger_id"].as_str().unwrap_or_default().to_owned()
    }

    /// A user clicks on what has this `action_id` in a message of [`CHANNEL`]; waits for the app's answer.
    pub fn click(&self, url: &str, message: &Value, action_id: &str, user: &str) -> Interaction {
        self.click_as(&json!({
            "url": url,
            "channel": CHANNEL,
            "ts": message["ts"],
            "action_id": action_id,
            "user": user,
        }))
    }

    /// The same with everything that `tests/slack/interactions.py` lets one say: `skew`, `secret`, `tamper`, `team`,
    /// `user_team`, `enterprise`, `org_install`, `app`, `headers`, `trigger_age`, `also`, …. Stops the test if nobody could
    /// click there.
    pub fn click_as(&self, click: &Value) -> Interaction {
        interaction(&self.control("POST", "click", Some(click)))
    }

    /// A user submits the view that is open: by block, what was entered. Waits for the app's answer.
    pub fn submit(&self, url: &str, values: &Value, user: &str) -> Interaction {
        let view = self.open_view(user);
        self.submit_as(&json!({"url": url, "view": view["id"], "values": values, "user": user}))
    }

    /// The same with everything that `tests/slack/interactions.py` lets one say besides: `raw_values`,
    /// `private_metadata`. Stops the test if nobody could submit that.
    pub fn submit_as(&self, submission: &Value) -> Interaction {
        interaction(&self.control("POST", "submit", Some(submission)))
    }

    /// Sends the same bytes as before once more, with the same signature.
    pub fn replay(&self, number: u64) -> Interaction {
        interaction(&self.control("POST", "replay", Some(&json!({"interaction": number}))))
    }

    /// What was sent to the app, and what it answered, in the order of the answers.
    pub fn interactions(&self) -> Vec<Interaction> {
        let told = list(&self.control("GET", "interactions", None));
        told.iter().map(interaction).collect()
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

fn call(number: usize, request: &Request) -> Call {
    let path = request.path.split('?').next().unwrap_or("");
    Call {
        number,
        method: path.strip_prefix("/api/").unwrap_or("webhook").to_owned(),
    }
}

fn interaction(told: &Value) -> Interaction {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let headers = list(&told["headers"]);
    Interaction {
        number: told["interaction"].as_u64().unwrap_or_default(),
        status: told["status"]
            .as_u64()
            .and_then(|status| u16::try_from(status).ok()),
        headers: headers
            .iter()
            .map(|pair| (text(&pair[0]), text(&pair[1])))
            .collect(),
        body: text(&told["body"]),
        payload: told["payload"].clone(),
        took: Duration::from_secs_f64(told["took"].as_f64().unwrap_or_default()),
    }
}

fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::{CHANNEL, Call, Interaction, Slack, TOKEN, USER};
    use crate::http::{Answer, Request, Response, Server, ask};

    fn plain(text: &str) -> Value {
        json!({"type": "plain_text", "text": text, "emoji": false})
    }

    fn button() -> Value {
        let button =
            json!({"type": "button", "action_id": "open", "text": plain("Review"), "value": "v1"});
        json!([{"type": "actions", "block_id": "answers", "elements": [button]}])
    }

    fn send(slack: &Slack, method: &str, arguments: &Value) -> std::io::Result<Answer> {
        let base = slack.api();
        let address = base.trim_start_matches("http://").trim_end_matches("/api/");
        let request = Request {
            method: "POST".to_owned(),
            path: format!("/api/{method}"),
            headers: vec![
                (
                    "content-type".to_owned(),
                    "application/json; charset=utf-8".to_owned(),
                ),
                ("authorization".to_owned(), format!("Bearer {TOKEN}")),
            ],
            body: arguments.to_string().into_bytes(),
        };
        ask(address, &request, Duration::from_secs(30))
    }

    fn say(slack: &Slack) -> std::io::Result<Answer> {
        let message = json!({
            "channel": CHANNEL, "text": "denied", "parse": "none", "unfurl_links": false, "unfurl_media": false,
            "blocks": button(),
        });
        send(slack, "chat.postMessage", &message)
    }

    /// An app that opens a view at a click, and refuses the first submission.
    fn app(slack: &Arc<Slack>) -> String {
        let slack = Arc::clone(slack);
        let server = Server::start(move |request| {
            let form = crate::wire::form(&request.body);
            let payload: Value = serde_json::from_str(&form["payload"]).unwrap();
            if payload["type"] == "block_actions" {
                let input =
                    json!({"type": "plain_text_input", "action_id": "why", "max_length": 100});
                let view = json!({
                    "type": "modal", "title": plain("Review"), "submit": plain("Approve"),
                    "blocks": [{"type": "input", "block_id": "reason", "label": plain("Reason"), "element": input}],
                });
                let opened = json!({"trigger_id": payload["trigger_id"], "view": view});
                send(&slack, "views.open", &opened).unwrap();
                return Response::new(200, "");
            }
            let entered = &payload["view"]["state"]["values"]["reason"]["why"]["value"];
            if entered == "because" {
                let errors = json!({"response_action": "errors", "errors": {"reason": "Say why."}});
                let mut response = Response::new(200, errors.to_string());
                let kind = ("content-type".into(), "application/json".to_owned());
                response.headers.push(kind);
                return response;
            }
            Response::new(200, "")
        });
        format!("http://{}/slack", server.address())
    }

    #[test]
    fn somebody_clicks_and_submits() {
        let slack = Arc::new(Slack::start());
        let url = app(&slack);
        say(&slack).unwrap();
        let clicked = slack.click(&url, &slack.cards()[0], "open", USER);
        assert_eq!(
            (clicked.status, clicked.body.as_str(), clicked.number),
            (Some(200), "", 1)
        );
        assert_eq!(clicked.payload["actions"][0]["value"], "v1");
        assert_eq!(slack.open_view(USER)["title"], plain("Review"));
        let refused = slack.submit(&url, &json!({"reason": "because"}), USER);
        assert!(
            refused
                .headers
                .contains(&("content-type".to_owned(), "application/json".to_owned()))
        );
        assert_eq!(slack.views()[0]["errors"], json!({"reason": "Say why."}));
        slack.submit(&url, &json!({"reason": "on call"}), USER);
        assert_eq!(slack.views()[0]["is_open"], false);
        let again = slack.replay(refused.number);
        assert_eq!((again.payload, again.body), (refused.payload, refused.body));
        let numbers: Vec<_> = slack.interactions().iter().map(|one| one.number).collect();
        assert_eq!(numbers, [1, 2, 3, 4]);
        assert_eq!(slack.complaints(), Vec::<Value>::new());
    }

    #[test]
    fn a_click_can_be_strange() {
        let slack = Arc::new(Slack::start());
        say(&slack).unwrap();
        let strange: Interaction = slack.click_as(&json!({
            "url": "http://127.0.0.1:1/", "channel": CHANNEL, "ts": slack.cards()[0]["ts"], "action_id": "open",
            "user": "U0000000777", "team": "T0000000777",
        }));
        assert_eq!(
            (strange.status, strange.payload["team"]["id"].as_str()),
            (None, Some("T0000000777"))
        );
    }

    #[test]
    fn a_whisper_is_seen_by_whom_it_is_for() {
        let slack = Slack::start();
        let whisper = json!({"channel": CHANNEL, "user": USER, "text": "no", "parse": "none"});
        send(&slack, "chat.postEphemeral", &whisper).unwrap();
        assert_eq!(slack.whispers(USER).len(), 1);
        assert_eq!(slack.whispers("U0000000002").len(), 0);
        assert!(slack.trigger(USER).contains('.'));
    }

    #[test]
    fn what_comes_after_a_call_comes_when_it_is_done_and_before_it_is_answered() {
        let slack = Arc::new(Slack::start());
        let seen: Arc<Mutex<Vec<(usize, String, usize)>>> = Arc::default();
        let (kept, there) = (Arc::clone(&seen), Arc::downgrade(&slack));
        slack.after(move |call: &Call| {
            let messages = there.upgrade().unwrap().messages(CHANNEL).len();
            kept.lock()
                .unwrap()
                .push((call.number, call.method.clone(), messages));
        });
        say(&slack).unwrap();
        slack.fault(&json!({"method": "chat.postMessage", "kind": "after"}));
        assert!(say(&slack).is_err());
        let said = "chat.postMessage".to_owned();
        assert_eq!(*seen.lock().unwrap(), [(1, said.clone(), 1), (2, said, 2)]);
    }

    #[test]
    #[should_panic(expected = "the message has 0 elements with the action_id `approve`")]
    fn nobody_clicks_on_what_is_not_there() {
        let slack = Slack::start();
        say(&slack).unwrap();
        slack.click("http://127.0.0.1:1/", &slack.cards()[0], "approve", USER);
    }
}
