//! Lambda's `Invoke` in front of real processes: what is tried again, what is kept, and what the test can do in between.
#![expect(
    clippy::unwrap_used,
    reason = "a test that finds something wrong stops"
)]

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fakes::directory::Directory;
use fakes::eks::{Cluster, Eks};
use fakes::http::{Answer as Got, Request, ask};
use fakes::invoke::{Event, Invoke};
use fakes::lambda::Answer as Ending;
use fakes::pool::Pool;
use fakes::record::{Answer, nth};
use serde_json::{Value, json};

const SCRIPTED: &str = env!("CARGO_BIN_EXE_scripted");
const PATIENCE: Duration = Duration::from_secs(30);

struct World {
    granter: Pool,
    lambda: Invoke,
}

fn world() -> World {
    let directory = Directory::new("aws", "111122223333");
    let granter = Pool::new("granter", SCRIPTED, &[]);
    let lambda = Invoke::start("eu-west-1", &directory);
    lambda.function(&granter);
    World { granter, lambda }
}

impl World {
    fn ask(&self, function: &str, kind: &str, payload: &[u8]) -> std::io::Result<Got> {
        let request = Request {
            method: "POST".to_owned(),
            path: format!("/2015-03-31/functions/{function}/invocations"),
            headers: vec![
                ("x-amz-invocation-type".to_owned(), kind.to_owned()),
                authorization("lambda"),
            ],
            body: payload.to_vec(),
        };
        ask(
            &self.lambda.endpoint().replace("http://", ""),
            &request,
            PATIENCE,
        )
    }

    fn sent(&self, script: &Value) -> Got {
        let payload = json!({"script": script}).to_string();
        self.ask("granter", "Event", payload.as_bytes()).unwrap()
    }

    /// The only event, when nothing is to be done any more.
    fn event(&self) -> Event {
        self.lambda.wait_until_idle();
        let mut events = self.lambda.events("granter");
        assert_eq!(events.len(), 1);
        events.remove(0)
    }
}

fn authorization(service: &str) -> (String, String) {
    let value = format!(
        "AWS4-HMAC-SHA256 Credential=AKID/20260301/eu-west-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
    );
    ("authorization".to_owned(), value)
}

fn header<'a>(got: &'a Got, name: &str) -> Option<&'a str> {
    let found = got.headers.iter().find(|(key, _)| key == name);
    found.map(|(_, value)| value.as_str())
}

fn text(got: &Got) -> Value {
    serde_json::from_slice(&got.body).unwrap_or_default()
}

fn kinds(event: &Event) -> Vec<&str> {
    let kind = |ending| match ending {
        &Ending::Response(_) => "ok",
        Ending::Error { kind, .. } => kind.as_str(),
    };
    event.attempts.iter().map(kind).collect()
}

/// A file of this test alone, which is not there yet.
fn counter() -> PathBuf {
    static GIVEN: AtomicUsize = AtomicUsize::new(0);
    let number = GIVEN.fetch_add(1, Ordering::SeqCst);
    let name = format!("scripted-{}-{number}", std::process::id());
    let path = std::env::temp_dir().join(name);
    std::fs::remove_file(&path).ok();
    path
}

#[test]
fn an_event_is_taken_at_once_and_handled_afterwards() {
    let world = world();
    let got = world.sent(&json!({"sleep": 100}));
    assert_eq!((got.status, got.body.len()), (202, 0));
    let event = world.event();
    assert_eq!(header(&got, "x-amzn-requestid"), Some(event.id.as_str()));
    assert_eq!(event.json(), json!({"script": {"sleep": 100}}));
    assert_eq!((event.is_asynchronous, kinds(&event)), (true, vec!["ok"]));
    assert_eq!(world.lambda.record().count("Invoke"), 1);
    let actions: Vec<_> = world.lambda.record().actions().into_iter().collect();
    assert_eq!(actions, ["lambda:InvokeFunction"]);
    assert!(world.granter.end().stdout.starts_with(&event.id));
}

#[test]
fn an_event_that_fails_is_tried_twice_more_under_its_id_and_then_kept() {
    let world = world();
    world.sent(&json!({"fail": "Sad"}));
    let event = world.event();
    assert_eq!(kinds(&event), ["Sad", "Sad", "Sad"]);
    let letters = world.lambda.dead_letters();
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0]["requestPayload"], event.json());
    assert_eq!(letters[0]["requestContext"]["requestId"], event.id);
    assert_eq!(
        letters[0]["requestContext"]["condition"],
        "RetriesExhausted"
    );
    assert_eq!(letters[0]["responsePayload"]["errorType"], "Sad");
    let log = world.granter.end().stdout;
    let ids: Vec<_> = log
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert_eq!(ids, [event.id.as_str(); 3]);
}

#[test]
fn a_process_that_dies_is_replaced_and_the_event_tried_again() {
    let world = world();
    let count = counter();
    world.sent(&json!({"count": count, "steps": [{"exit": 1}, {"fail": "Sad"}, {"answer": null}]}));
    assert_eq!(kinds(&world.event()), ["Runtime.ExitError", "Sad", "ok"]);
    assert_eq!(world.lambda.dead_letters(), Vec::<Value>::new());
    assert_eq!(world.granter.end().instances, 2);
    std::fs::remove_file(count).ok();
}

#[test]
fn an_event_that_failed_can_wait_for_the_test() {
    let world = world();
    world.lambda.retry_when_told();
    world.sent(&json!({"fail": "Sad"}));
    for attempts in 1..=3 {
        assert_eq!(world.event().attempts.len(), attempts);
        assert_eq!(world.lambda.retry(), usize::from(attempts < 3));
    }
    assert_eq!(world.lambda.dead_letters().len(), 1);
}

#[test]
fn events_can_be_held_back_and_delivered_twice() {
    let world = world();
    world.lambda.hold();
    world.sent(&json!({"answer": 1}));
    assert_eq!(world.event().attempts, []);
    world.lambda.release();
    let event = world.event();
    assert_eq!(event.attempts, [Ending::Response("1".to_owned())]);
    world.lambda.deliver_again(&event.id);
    assert_eq!(world.event().attempts.len(), 2);
}

#[test]
fn the_test_can_send_an_event_of_its_own() {
    let world = world();
    let id = world.lambda.send("granter", b"[]");
    let event = world.event();
    assert_eq!((event.id, event.payload), (id, b"[]".to_vec()));
    assert_eq!(world.lambda.record().asked(), []);
}

#[test]
fn a_synchronous_invocation_is_answered() {
    let world = world();
    let ask = |script: &Value| {
        let payload = json!({"script": script}).to_string();
        world
            .ask("granter", "RequestResponse", payload.as_bytes())
            .unwrap()
    };
    let good = ask(&json!({"answer": {"a": 1}}));
    assert_eq!((good.status, text(&good)), (200, json!({"a": 1})));
    assert_eq!(header(&good, "x-amz-function-error"), None);
    let bad = ask(&json!({"fail": "Sad"}));
    assert_eq!(header(&bad, "x-amz-function-error"), Some("Unhandled"));
    assert_eq!(
        text(&bad),
        json!({"errorMessage": "told so", "errorType": "Sad"})
    );
    assert!(
        world
            .lambda
            .events("granter")
            .iter()
            .all(|event| !event.is_asynchronous)
    );
    assert_eq!(world.lambda.dead_letters(), Vec::<Value>::new());
}

#[test]
fn a_function_is_found_by_its_arn_and_others_are_not_found() {
    let world = world();
    let arn = "arn%3Aaws%3Alambda%3Aeu-west-1%3A111122223333%3Afunction%3Agranter%3Alive";
    assert_eq!(world.ask(arn, "Event", b"{}").unwrap().status, 202);
    let got = world.ask("revoker", "Event", b"{}").unwrap();
    assert_eq!(
        (got.status, header(&got, "x-amzn-errortype")),
        (404, Some("ResourceNotFoundException"))
    );
    let words = "Function not found: arn:aws:lambda:eu-west-1:111122223333:function:revoker";
    assert_eq!(text(&got)["Message"], words);
    assert_eq!(world.lambda.record().broken_rules(), Vec::<String>::new());
}

#[test]
fn what_nobody_should_send_is_refused_and_kept() {
    let world = world();
    let large = format!("\"{}\"", "a".repeat(1024 * 1024));
    for (kind, payload, status) in [
        ("Event", &b"{"[..], 400),
        ("Event", large.as_bytes(), 413),
        ("Event", b"\xff", 400),
        ("Events", b"{}", 400),
    ] {
        assert_eq!(world.ask("granter", kind, payload).unwrap().status, status);
    }
    assert_eq!(world.lambda.record().broken_rules().len(), 4);
    assert_eq!(
        world
            .ask("granter", "RequestResponse", large.as_bytes())
            .unwrap()
            .status,
        200
    );
}

#[test]
fn a_plan_can_deny_and_an_event_can_be_queued_without_an_answer() {
    let world = world();
    world.lambda.plan(|asked| match asked.number {
        1 => Answer::Denied,
        2 => Answer::Dropped,
        _ => Answer::Lost,
    });
    let denied = world.ask("granter", "Event", b"{}").unwrap();
    let wanted = "perform: lambda:InvokeFunction on resource: arn:aws:lambda:eu-west-1:111122223333:function:granter";
    assert!(text(&denied)["message"].as_str().unwrap().contains(wanted));
    for _ in 0..2 {
        assert!(world.ask("granter", "Event", b"{}").is_err());
    }
    assert_eq!(world.event().payload, b"{}");
}

/// What this is for: EKS has done it, and the function that asked for it dies before it hears of it.
#[test]
fn a_function_can_be_killed_when_something_was_done_and_before_it_is_answered() {
    let world = world();
    let directory = Directory::new("aws", "111122223333");
    let (eks, endpoint) = Eks::start("eu-west-1", &directory);
    eks.cluster(Cluster::new("prod"));
    let granter = world.granter.clone();
    eks.after(nth(1, move || granter.kill()));
    let count = counter();
    world.sent(&json!({"count": count, "steps": [{"sleep": 60_000}, {"answer": "done"}]}));
    // The request that the function would send.
    let request = Request {
        method: "GET".to_owned(),
        path: "/clusters/prod".to_owned(),
        headers: vec![authorization("eks")],
        body: Vec::new(),
    };
    while world.granter.busy() == 0 || !count.exists() {
        std::thread::yield_now();
    }
    let got = ask(&endpoint.replace("http://", ""), &request, PATIENCE).unwrap();
    assert_eq!(got.status, 200);
    assert_eq!(kinds(&world.event()), ["Runtime.ExitError", "ok"]);
    std::fs::remove_file(count).ok();
}
