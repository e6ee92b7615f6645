//! `incidents`, `mute` and `self-test`.

use fakes::deployed::{Deployed, Run};
use fakes::ministack::MiniStack;
use serde_json::{Value, json};

use crate::world::{World, flat};

const TABLE: &str = "incidents";
const OPEN: &str = "1a2b3c4d00000000000000000000000a";
const ALIKE: &str = "1a2b99990000000000000000000000bb";
const OLD: &str = "ffff0000000000000000000000000000";

fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(since.unwrap().as_millis()).unwrap()
}

/// An incident as the function writes it.
fn put(stack: &MiniStack, id: &str, role: &str, last_seen: i64) {
    let (text, number) = (
        |text: &str| json!({"S": text}),
        |number: i64| json!({"N": number.to_string()}),
    );
    let item = json!({
        "pk": text(&format!("incident#{id}")), "sk": text("state"),
        "cluster": text("prod-eu"), "account": text("111122223333"), "region": text("eu-west-1"),
        "subject": text(&format!("arn:aws:iam::111122223333:role/{role}")), "symptom": text("not-mapped"),
        "count": number(7), "first_seen": number(last_seen - 60_000), "last_seen": number(last_seen),
        "told": number(2), "told_cause": text("principal-not-mapped"), "episode": number(1),
    });
    stack.call(
        "dynamodb",
        "DynamoDB_20120810.PutItem",
        &json!({"TableName": TABLE, "Item": item}),
    );
}

fn world() -> (World, MiniStack) {
    let stack = MiniStack::start();
    stack.table(TABLE);
    put(&stack, OPEN, "dev", now());
    put(&stack, ALIKE, "ops", now() - 1000);
    put(&stack, OLD, "gone", now() - 2 * 24 * 60 * 60 * 1000);
    let mut world = World::new();
    let jo = world.directory.user("/", "jo").arn;
    world.sign_in("AKIAJO", &jo).set("AWS_REGION", "eu-west-1");
    world.set("AWS_ENDPOINT_URL_DYNAMODB", stack.endpoint());
    (world, stack)
}

#[test]
fn open_incidents_are_listed_and_old_ones_on_demand() {
    let (world, _stack) = world();
    let (code, document) = world.json(&["incidents", "--table", TABLE]);
    assert_eq!(code, 1);
    let ids = |document: &Value| -> Vec<String> {
        let all = document["incidents"].as_array().unwrap();
        all.iter()
            .map(|one| one["incident"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(ids(&document), [OPEN, ALIKE]);
    assert_eq!(document["incidents"][0]["cause"], "principal-not-mapped");
    let (_, document) = world.json(&["incidents", "--table", TABLE, "--all"]);
    assert_eq!(ids(&document), [OPEN, ALIKE, OLD]);
    assert_eq!(document["incidents"][2]["state"], "over");
    let text = flat(&world.run(&["incidents", "--table", TABLE]).stdout);
    assert!(
        text.contains("1a2b3c4d open prod-eu: principal not mapped"),
        "{text}"
    );
    assert!(text.contains("at least 7 lines"), "{text}");
}

#[test]
fn an_incident_is_muted_and_heard_again_and_who_did_it_is_kept() {
    let (world, _stack) = world();
    let ran = world.run(&["mute", "1a2b3c4d", "--table", TABLE, "--for", "8h"]);
    assert_eq!(ran.code(), 0, "{}", ran.stderr);
    assert!(ran.stdout.contains(
        "incident 1a2b3c4d (prod-eu, arn:aws:iam::111122223333:role/dev) is muted until"
    ));
    let (code, document) = world.json(&["incidents", "--table", TABLE]);
    assert_eq!(code, 1);
    let muted = &document["incidents"][0];
    assert_eq!(
        (&muted["state"], &muted["muted_by"]),
        (&json!("muted"), &json!("arn:aws:iam::111122223333:user/jo"))
    );
    let ran = world.run(&["mute", OPEN, "--table", TABLE, "--off"]);
    assert_eq!(ran.code(), 0, "{}", ran.stderr);
    let (_, document) = world.json(&["incidents", "--table", TABLE]);
    assert_eq!(document["incidents"][0]["state"], "open");
}

#[test]
fn what_can_t_be_muted_is_said() {
    let (world, _stack) = world();
    for (arguments, why) in [
        (
            &["mute", "1a2b", "--table", TABLE, "--for", "1d"][..],
            "2 incidents begin with `1a2b`",
        ),
        (
            &["mute", "abcd", "--table", TABLE, "--for", "1d"],
            "no incident begins with `abcd`",
        ),
        (
            &["mute", "xyz", "--table", TABLE, "--for", "1d"],
            "first digits",
        ),
        (&["mute", "1a2b3c4d", "--table", TABLE], "--for"),
        (
            &["mute", "1a2b3c4d", "--table", TABLE, "--for", "1d", "--off"],
            "cannot be used with",
        ),
        (
            &["incidents", "--table", "nosuch"],
            "the stack's output `TableName`",
        ),
    ] {
        let ran = world.run(arguments);
        assert_eq!(ran.code(), 2, "{arguments:?}");
        assert!(flat(&ran.stderr).contains(why), "{}", ran.stderr);
    }
}

fn signed_in(function: &Deployed) -> World {
    let mut world = World::new();
    let jo = world.directory.user("/", "jo").arn;
    world.sign_in("AKIAJO", &jo).set("AWS_REGION", "eu-west-1");
    world.set("AWS_ENDPOINT_URL_LAMBDA", function.endpoint());
    world
}

fn logged(notices: u64, slack: &str) -> String {
    format!(
        "START RequestId: 1\n{{\"level\":\"warn\",\"message\":\"facts stay unknown\"}}\n\
         {{\"Lines\":1,\"Notices\":{notices}{slack},\"FunctionName\":\"f\",\"_aws\":{{\"Timestamp\":1}}}}\nEND RequestId: 1\n"
    )
}

#[test]
fn a_self_test_sends_a_marked_denial_and_says_what_became_of_it() {
    for (log, code, words) in [
        (logged(1, ""), 0, "SNS took the notice"),
        (logged(1, ",\"Cards\":1"), 0, "Slack took the card"),
        (
            logged(1, ",\"SlackRefused\":1"),
            1,
            "Slack did not take the card",
        ),
        (logged(0, ""), 1, "no notice was published"),
        (String::new(), 1, "does not say what became"),
    ] {
        let function = Deployed::start("responder", move |_| Run {
            payload: "null".to_owned(),
            has_failed: false,
            log: log.clone(),
        });
        let world = signed_in(&function);
        let ran = world.run(&["self-test", "--function", "responder"]);
        assert_eq!(ran.code(), code, "{}{}", ran.stdout, ran.stderr);
        assert!(ran.stdout.contains(words), "{}", ran.stdout);
        let event: Value = serde_json::from_slice(&function.events()[0]).unwrap();
        assert!(event["awslogs"]["data"].is_string());
    }
}

#[test]
fn a_self_test_that_fails_says_why() {
    let function = Deployed::start("responder", |_| {
        Run {
        payload: r#"{"errorType":"NotRemembered","errorMessage":"the table of incidents did not answer"}"#.to_owned(),
        has_failed: true,
        log: String::new(),
    }
    });
    let world = signed_in(&function);
    let (code, document) = world.json(&["self-test", "--function", "responder"]);
    assert_eq!((code, &document["ok"]), (1, &json!(false)));
    assert_eq!(document["failure"], "the table of incidents did not answer");
    let ran = world.run(&["self-test", "--function", "nosuch"]);
    assert_eq!(ran.code(), 2);
    assert!(
        flat(&ran.stderr).contains("lambda:InvokeFunction"),
        "{}",
        ran.stderr
    );
}
