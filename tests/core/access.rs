//! The life of a request, and Slack's signatures.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails where it finds something missing"
)]

mod worst;

use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use eks_access::access::life::{Begun, Next, Told, Yes};
use eks_access::access::signature::verify;
use eks_access::access::{Kind, Place, Random, Request, SealKey, State};
use eks_access::notice::access::{JSON_SCHEMA as SCHEMA, audit, sns};
use eks_access::policy::{AccessPolicy, Approver, Guardrails, Terms};
use proptest::prelude::*;
use serde_json::Value;

const GUARDRAILS: &str = r#"
version = 1
[[rule]]
name = "r"
clusters = ["prod"]
principals = ["arn:aws:iam::111122223333:role/dev/*"]
namespaces = ["shop"]
max_duration = "4h"
[rule.approvers]
iam = ["arn:aws:iam::111122223333:user/*"]
"#;
const HOUR: i64 = 3_600_000;

fn approver(name: &str) -> Approver {
    Approver::from_caller_arn(&format!("arn:aws:iam::111122223333:user/{name}")).unwrap()
}

fn key() -> SealKey {
    SealKey::new(&"k".repeat(48)).unwrap()
}

fn asked() -> Request {
    let place = Place {
        cluster: "prod".parse().unwrap(),
        account: "111122223333".parse().unwrap(),
        region: "eu-west-1".parse().unwrap(),
    };
    let principal = "arn:aws:iam::111122223333:role/dev/jane".parse().unwrap();
    let mut request = Request::new(Random([1; 24]).id(), Kind::Access, &place, principal, 0);
    request.expires = 8 * HOUR;
    request.requested(0);
    request
}

/// What can happen to a request, from outside or from one of the functions.
#[derive(Debug, Clone, Copy)]
enum Event {
    Approve,
    Deny,
    Begin,
    Granted,
    Failed(bool),
    End,
    Tick,
    Gone,
    NotGone,
    Drifted,
    Told,
}

fn event() -> impl Strategy<Value = (Event, i64)> {
    let event = prop_oneof![
        Just(Event::Approve),
        Just(Event::Deny),
        Just(Event::Begin),
        Just(Event::Granted),
        any::<bool>().prop_map(Event::Failed),
        Just(Event::End),
        Just(Event::Tick),
        Just(Event::Gone),
        Just(Event::NotGone),
        Just(Event::Drifted),
        Just(Event::Told),
    ];
    (event, 0..2 * HOUR)
}

/// Lets it happen as the functions do: each looks at the state before.
fn happen(request: &mut Request, event: Event, now: i64, guardrails: &Guardrails) {
    let terms = Terms::new(AccessPolicy::View, vec!["shop".parse().unwrap()], 3600).unwrap();
    match event {
        Event::Approve => {
            request
                .approve(
                    guardrails,
                    &key(),
                    &approver("alice"),
                    (&terms, "because"),
                    now,
                )
                .ok();
        }
        Event::Deny => {
            request
                .deny(guardrails, &approver("bob"), "no reason", now)
                .ok();
        }
        Event::Begin => {
            let again = request.approve(
                guardrails,
                &key(),
                &approver("alice"),
                (&terms, "because"),
                now,
            );
            if let Ok((Yes::Enough(instruction), _)) = again {
                request
                    .begin(guardrails, &instruction, "invocation", now)
                    .ok();
            }
        }
        Event::Granted if request.state == State::Granting => {
            request.granted("ok", now);
        }
        Event::Failed(is_left) if matches!(request.state, State::Pending | State::Granting) => {
            let is_left = is_left && request.state == State::Granting;
            request.fail("it failed", is_left, "granter", now);
        }
        Event::End => {
            request
                .end(guardrails, &approver("alice"), "early", now)
                .ok();
        }
        Event::Tick => match request.next(now) {
            Next::Expire => drop(request.expire(now)),
            Next::End => request.revoking(now),
            Next::Clean if request.state == State::Granting => {
                request.fail("it died", true, "revoker", now);
            }
            _ => {}
        },
        Event::Gone if matches!(request.state, State::Revoking | State::Cleanup) => {
            request.gone("", now);
        }
        Event::NotGone if matches!(request.state, State::Revoking | State::Cleanup) => {
            request.not_gone("no answer", now);
        }
        Event::Drifted if request.state == State::Revoking => {
            request.drifted("not ours", now);
        }
        Event::Told => request.told(
            &Told {
                published: request.news.len(),
                posted: request.news.len(),
                audits: request.audits.len(),
                post: None,
            },
            now,
        ),
        _ => {}
    }
}

proptest! {
    /// Whatever happens in whatever order: an entry never is without its end, and somebody always looks at it again.
    #[test]
    fn no_entry_is_without_an_end_and_a_time_to_look(events in prop::collection::vec(event(), 0..40)) {
        let guardrails = Guardrails::parse(GUARDRAILS).unwrap();
        let mut request = asked();
        let mut now = 0;
        for (event, later) in events {
            now += later;
            let before = request.clone();
            happen(&mut request, event, now, &guardrails);
            prop_assert!(request == before || request.version > before.version, "{event:?}");
            if request.state.has_entry() {
                prop_assert!(request.ends.is_some(), "{event:?}");
                let due = request.due();
                prop_assert!(due.is_some_and(|due| due <= request.ends.unwrap().max(now) + 9 * 60_000), "{event:?} {due:?}");
            }
            if request.state == State::Active {
                prop_assert!(!request.approvals.is_empty());
                prop_assert!(request.ends.unwrap() - request.starts.unwrap() <= 4 * HOUR);
            }
            if before.state.is_final() {
                prop_assert_eq!(request.state, before.state, "{:?}", event);
            }
            // A row that comes back from the table is the same.
            let text = serde_json::to_string(&request).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Request>(&text).unwrap(), &request);
        }
        // Left alone, with a healthy world, it comes to an end.
        for minutes in 0..2000 {
            let at = now + minutes * 60_000;
            happen(&mut request, Event::Tick, at, &guardrails);
            happen(&mut request, Event::Gone, at, &guardrails);
        }
        prop_assert!(request.state.is_final(), "{:?}", request.state);
    }
}

#[test]
fn what_was_granted_is_what_was_approved_and_not_longer() {
    let guardrails = Guardrails::parse(GUARDRAILS).unwrap();
    let mut request = asked();
    let terms = Terms::new(AccessPolicy::View, vec!["shop".parse().unwrap()], 600).unwrap();
    let (yes, record) = request
        .approve(
            &guardrails,
            &key(),
            &approver("alice"),
            (&terms, "because"),
            5,
        )
        .unwrap();
    assert!(record.is_some());
    let Yes::Enough(instruction) = yes else {
        unreachable!("one is enough");
    };
    assert!(instruction.is_sealed(&key()));
    let begun = request.begin(&guardrails, &instruction, "one", 10).unwrap();
    assert!(matches!(begun, Begun::Begin(_)));
    assert_eq!((request.starts, request.ends), (Some(10), Some(600_010)));
    // Lambda's next try is the same invocation; another one has nothing to do.
    assert_eq!(
        request.begin(&guardrails, &instruction, "one", 20),
        Ok(Begun::Resume)
    );
    assert_eq!(
        request.begin(&guardrails, &instruction, "two", 20),
        Ok(Begun::Done)
    );
    assert_eq!(request.ends, Some(600_010));
}

#[test]
fn what_machines_get_of_requests_has_a_schema() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let check = |message: &str| {
        let bodies: Value = serde_json::from_str(message).unwrap();
        let text = bodies.get("default").and_then(Value::as_str).unwrap();
        let document: Value = serde_json::from_str(text).unwrap();
        let errors: Vec<String> = validator
            .iter_errors(&document)
            .map(|error| error.to_string())
            .collect();
        assert_eq!(errors, Vec::<String>::new(), "{document:#}");
        assert!(message.len() < 200_000, "{}", message.len());
    };
    for state in State::ALL {
        for kind in [Kind::Access, Kind::Extension, Kind::BreakGlass] {
            let mut request = worst::request(*state, kind, "words <!channel>");
            for news in worst::NEWS {
                let message = sns(&request, news);
                assert!(message.subject.len() < 100 && message.subject.is_ascii());
                check(&message.message);
            }
            let record = request.requested(0);
            check(
                &audit(
                    &request,
                    &record.json("0123456789abcdef", "invocation", Some("eks")),
                )
                .message,
            );
        }
    }
    assert!(!validator.is_valid(
        &serde_json::json!({"schema": "eks-access-responder/access/1", "kind": "granted"})
    ));
    let fresh = asked();
    check(&sns(&fresh, eks_access::access::News::Requested).message);
}

#[test]
fn a_signature_is_ours_and_nobody_else_s() {
    let path = PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/fixtures/signatures.json"
    ));
    let vectors: Vec<Value> =
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert!(vectors.len() >= 60, "{}", vectors.len());
    let (mut valid, mut differs) = (0, 0);
    for vector in &vectors {
        let name = vector.get("name").and_then(Value::as_str).unwrap();
        let text = |key: &str| vector.get(key).and_then(Value::as_str).unwrap_or_default();
        let secrets: Vec<String> =
            serde_json::from_value(vector.get("secrets").unwrap().clone()).unwrap();
        let body = STANDARD.decode(text("body")).unwrap();
        let now = vector.get("now").and_then(Value::as_u64).unwrap();
        let verified = verify(&secrets, now, text("timestamp"), &body, text("signature"));
        let expected = vector.get("valid").and_then(Value::as_bool).unwrap();
        assert_eq!(verified.is_ok(), expected, "{name}: {verified:?}");
        valid += usize::from(expected);
        // Where Slack's own kits say otherwise, the vector says why.
        let accepts = |key: &str| text(key) == "accept";
        if accepts("slack_sdk") != expected || accepts("bolt") != expected {
            assert!(!text("why").is_empty(), "{name}");
            differs += 1;
        }
    }
    assert!(valid >= 20 && differs >= 10, "{valid} {differs}");
}
