//! Who may decide, by which door, and what they are told.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use fakes::gateway::Bodies;
use fakes::slack::CHANNEL;
use serde_json::{Value, json};

use crate::world::{
    ALICE, APPROVER, BOB, CLUSTER, HOUR, IN_GROUP, JANE, JANE_KEY, MINUTE, NOBODY, World, form,
    text_of,
};

const DEV: &str = "arn:aws:iam::111122223333:role/dev/jane";

/// What somebody was told, and nobody else.
fn whispered(world: &World, user: &str) -> String {
    let whispers = world.slack.whispers(user);
    text_of(
        whispers
            .last()
            .unwrap_or_else(|| panic!("{user} was told nothing")),
    )
}

#[test]
fn what_slack_did_not_sign_is_answered_with_nothing() {
    let world = World::new();
    world.denied("jane", 0);
    let card = world.card();
    for (name, strange) in [
        ("too old", json!({"skew": -301})),
        ("too new", json!({"skew": 301})),
        ("another secret", json!({"secret": "0123456789abcdef"})),
        ("an empty secret", json!({"secret": ""})),
        ("another body", json!({"tamper": true})),
        (
            "no signature",
            json!({"headers": {"x-slack-signature": null}}),
        ),
        (
            "no timestamp",
            json!({"headers": {"x-slack-request-timestamp": null}}),
        ),
        (
            "two signatures",
            json!({"headers": {"x-slack-signature": ["v0=00", "v0=11"]}}),
        ),
        (
            "another version",
            json!({"headers": {"x-slack-signature": "v1=00"}}),
        ),
        (
            "no number",
            json!({"headers": {"x-slack-request-timestamp": " 1531420618"}}),
        ),
    ] {
        let mut click = json!({
            "url": world.slack_url(), "channel": CHANNEL, "ts": card["ts"], "action_id": "req:dismiss", "user": APPROVER,
        });
        click
            .as_object_mut()
            .unwrap()
            .extend(strange.as_object().unwrap().clone());
        let answer = world.slack.click_as(&click);
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (Some(401), ""),
            "{name}"
        );
    }
    assert_eq!(world.state(), "pending");
    // Either secret does, while one is being replaced.
    let mut click = json!({
        "url": world.slack_url(), "channel": CHANNEL, "ts": card["ts"], "action_id": "req:dismiss", "user": APPROVER,
    });
    click["secret"] = json!("older");
    assert_eq!(world.slack.click_as(&click).status, Some(200));
    assert_eq!(world.state(), "denied");
    let written = world.end();
    assert!(written.has("a request was not signed by Slack"));
}

#[test]
fn bodies_count_as_they_were_sent_in_either_form() {
    for bodies in [Bodies::Text, Bodies::Base64] {
        let world = World::new();
        world.gateway.bodies(bodies);
        world.denied("jane", 0);
        assert_eq!(world.approves_in_slack(APPROVER), Value::Null);
        world.lambda.wait_until_idle();
        assert_eq!(world.state(), "active");
        world.end();
    }
}

#[test]
fn people_of_other_workspaces_and_buttons_of_other_apps_decide_nothing() {
    let world = World::new();
    world.denied("jane", 0);
    let ts = world.card()["ts"].clone();
    for strange in [
        json!({"user_team": "T0000000777"}),
        json!({"team": "T0000000777"}),
        json!({"app": "A0000000777"}),
        json!({"org_install": true}),
    ] {
        let mut click = json!({
            "url": world.slack_url(), "channel": CHANNEL, "ts": ts, "action_id": "req:dismiss", "user": APPROVER,
        });
        click
            .as_object_mut()
            .unwrap()
            .extend(strange.as_object().unwrap().clone());
        let answer = world.slack.click_as(&click);
        assert_eq!(answer.status, Some(200), "{strange}");
        assert_eq!(world.state(), "pending", "{strange}");
    }
    assert!(whispered(&world, APPROVER).contains("Only people of our own Slack workspace"));
    world.end();
}

#[test]
fn who_is_no_approver_is_told_so_and_nobody_else_is() {
    let world = World::new();
    world.denied("jane", 0);
    for action in ["req:review", "req:dismiss"] {
        world
            .slack
            .click(&world.slack_url(), &world.card(), action, NOBODY);
        assert!(whispered(&world, NOBODY).contains("do not name you among those who may say yes"));
    }
    assert_eq!(world.slack.views(), Vec::<Value>::new());
    let (status, body) = world.approves(BOB, &"0".repeat(16));
    assert_eq!((status, body["error"].as_str()), (404, Some("not-found")));
    assert_eq!(world.state(), "pending");
    world.end();
}

#[test]
fn a_member_of_the_group_may_and_nobody_may_while_slack_does_not_say() {
    let world = World::new();
    world.denied("jane", 0);
    world.slack.fault(
        &json!({"method": "usergroups.users.list", "kind": "error", "error": "missing_scope"}),
    );
    world
        .slack
        .click(&world.slack_url(), &world.card(), "req:review", IN_GROUP);
    assert!(whispered(&world, IN_GROUP).contains("do not name you"));
    world.slack.heal();
    assert_eq!(world.approves_in_slack(IN_GROUP), Value::Null);
    world.lambda.wait_until_idle();
    assert_eq!(world.state(), "active");
    world.end();
}

#[test]
fn nobody_decides_about_themselves() {
    let world = World::new();
    world.denied("jane", 0);
    world
        .slack
        .click(&world.slack_url(), &world.card(), "req:review", JANE);
    assert!(whispered(&world, JANE).contains("nobody decides about themselves"));
    // By the session's name, too.
    world.directory.role("/dev/", "shared");
    let arn = "arn:aws:iam::111122223333:role/shared";
    let role = world
        .directory
        .find("arn:aws:iam::111122223333:role/dev/shared")
        .unwrap();
    let lines = [
        fakes::lines::sts_response_of(arn, &role.id, "jane@example.com", 40_001),
        fakes::lines::not_mapped(arn, 40_001),
    ];
    let delivery = lines
        .iter()
        .fold(fakes::delivery::Delivery::of(CLUSTER), |delivery, line| {
            delivery.at(world.start, line)
        });
    world.responder.run(&delivery.event());
    let id = world.request_of("arn:aws:iam::111122223333:role/dev/shared")["id"].clone();
    let cards = world.request_cards();
    let card = cards
        .iter()
        .find(|card| text_of(card).contains(id.as_str().unwrap()))
        .unwrap();
    world
        .slack
        .click(&world.slack_url(), card, "req:review", JANE);
    assert_eq!(world.slack.views(), Vec::<Value>::new());
    // And the role itself, by the API.
    world
        .directory
        .signs_with("ASIADEVDEVDEVDEVDEV1", DEV, "jane");
    let id = world.request_of(DEV)["id"].as_str().unwrap().to_owned();
    let (status, body) = world.approves("ASIADEVDEVDEVDEVDEV1", &id);
    assert_eq!(status, 403, "{body}");
    let (status, body) = world.approves(JANE_KEY, &id);
    assert_eq!((status, body["error"].as_str()), (403, Some("own-request")));
    world.end();
}

#[test]
fn more_than_the_rules_offer_is_refused_by_either_door() {
    let world = World::new();
    world.denied("jane", 0);
    let id = world.id();
    for (body, slug) in [
        (
            json!({"policy": "AmazonEKSClusterAdminPolicy", "namespaces": ["shop"], "seconds": 60}),
            "bad-request",
        ),
        (
            json!({"policy": "AmazonEKSAdminPolicy", "namespaces": ["shop"], "seconds": 60}),
            "bad-request",
        ),
        (
            json!({"policy": "AmazonEKSEditPolicy", "namespaces": ["shop"], "seconds": 60}),
            "denied-by-guardrails",
        ),
        (
            json!({"namespaces": ["kube-system"], "seconds": 60}),
            "bad-request",
        ),
        (json!({"namespaces": ["*"], "seconds": 60}), "bad-request"),
        (
            json!({"namespaces": ["payments"], "seconds": 60}),
            "denied-by-guardrails",
        ),
        (
            json!({"namespaces": ["shop", "payments"], "seconds": 60}),
            "denied-by-guardrails",
        ),
        (
            json!({"namespaces": ["shop"], "seconds": 14_401}),
            "denied-by-guardrails",
        ),
        (json!({"namespaces": [], "seconds": 60}), "bad-request"),
        (json!({"namespaces": ["shop"], "seconds": 0}), "bad-request"),
        (
            json!({"namespaces": ["shop"], "seconds": 60, "groups": ["system:masters"]}),
            "bad-request",
        ),
    ] {
        let mut body = body;
        body["reason"] = json!("because I can");
        let (status, answer) =
            world.call(ALICE, "POST", &format!("/v1/requests/{id}/approve"), &body);
        assert!(status >= 400, "{body}");
        assert_eq!(answer["error"], slug, "{body}: {answer}");
    }
    let (status, answer) = world.call(
        ALICE,
        "POST",
        &format!("/v1/requests/{id}/approve"),
        &json!({"namespaces": ["shop"], "seconds": 60}),
    );
    assert_eq!(
        (status, answer["error"].as_str()),
        (400, Some("bad-request")),
        "a reason is needed"
    );
    // What nobody could have chosen in the form.
    world
        .slack
        .click(&world.slack_url(), &world.card(), "req:review", APPROVER);
    let forged = world.slack.submit_as(&json!({
        "url": world.slack_url(), "user": APPROVER, "values": form(),
        "raw_values": {"namespaces": {"namespaces": {"type": "multi_static_select", "selected_options": [
            {"text": {"type": "plain_text", "text": "kube-system"}, "value": "kube-system"}
        ]}}},
    }));
    let answer: Value = serde_json::from_str(&forged.body).unwrap();
    assert!(
        answer["errors"]["namespaces"]
            .as_str()
            .unwrap()
            .contains("Kubernetes itself"),
        "{answer}"
    );
    assert_eq!(world.state(), "pending");
    assert_eq!(world.did("CreateAccessEntry"), 0);
    world.end();
}

#[test]
fn two_have_to_agree_and_on_the_same() {
    let world = World::new();
    world.denied("joe", 0);
    let id = world.id();
    let body = json!({"policy": "AmazonEKSEditPolicy", "namespaces": ["shop"], "seconds": 1800, "reason": "a release"});
    let approve = format!("/v1/requests/{id}/approve");
    let (status, answer) = world.call(ALICE, "POST", &approve, &body);
    assert_eq!(
        (status, answer["request"]["state"].as_str()),
        (200, Some("pending")),
        "{answer}"
    );
    let (status, answer) = world.call(ALICE, "POST", &approve, &body);
    assert_eq!(
        (status, answer["error"].as_str()),
        (409, Some("already-decided")),
        "nobody counts twice"
    );
    let mut other = body.clone();
    other["seconds"] = json!(3600);
    // The second sees what the first said yes to, and can't change it.
    world
        .slack
        .click(&world.slack_url(), &world.card(), "req:review", APPROVER);
    let view = world.slack.open_view(APPROVER);
    assert!(
        text_of(&view).contains("AmazonEKSEditPolicy in shop for 30 min"),
        "{view}"
    );
    let sent = world.slack.submit(
        &world.slack_url(),
        &json!({"reason": "seen it too"}),
        APPROVER,
    );
    assert_eq!(sent.body, "");
    assert_eq!(
        world.state(),
        "pending",
        "Alice and the one in Slack may be one person"
    );
    world
        .slack
        .click(&world.slack_url(), &world.card(), "req:review", IN_GROUP);
    let sent = world
        .slack
        .submit(&world.slack_url(), &json!({"reason": "me too"}), IN_GROUP);
    assert_eq!(sent.body, "");
    world.lambda.wait_until_idle();
    assert_eq!(world.state(), "active");
    let entry = world
        .entry("arn:aws:iam::111122223333:role/edit/joe")
        .unwrap();
    assert!(
        entry["policies"][0]["policyArn"]
            .as_str()
            .unwrap()
            .ends_with("/AmazonEKSEditPolicy")
    );
    assert_eq!(
        world
            .audit()
            .iter()
            .filter(|action| *action == "approved")
            .count(),
        3
    );
    world.end();
}

#[test]
fn a_yes_is_to_what_was_seen() {
    let world = World::new();
    world.denied("jane", 0);
    world
        .slack
        .click(&world.slack_url(), &world.card(), "req:review", APPROVER);
    let id = world.id();
    let (_, shown) = world.call(ALICE, "GET", &format!("/v1/requests/{id}"), &Value::Null);
    // Somebody who may write the table puts another principal in its place.
    world.directory.role("/dev/", "mallory");
    world.edit_row(|request| {
        request["principal"] = json!("arn:aws:iam::111122223333:role/dev/mallory");
    });
    let sent = world.slack.submit(&world.slack_url(), &form(), APPROVER);
    assert!(sent.body.contains("not what you saw"), "{}", sent.body);
    let mut body = form();
    for name in ["duration", "policy"] {
        body.as_object_mut().unwrap().remove(name);
    }
    body["seconds"] = json!(60);
    body["seen"] = shown["request"]["seen"].clone();
    assert!(body["seen"].is_string(), "{shown}");
    let (status, answer) = world.call(ALICE, "POST", &format!("/v1/requests/{id}/approve"), &body);
    assert_eq!(
        (status, answer["error"].as_str()),
        (409, Some("already-decided")),
        "{answer}"
    );
    assert_eq!(world.state(), "pending");
    world.end();
}

#[test]
fn terms_that_are_changed_under_an_open_form_are_not_said_yes_to() {
    let world = World::new();
    world.denied("jane", 0);
    let terms = |seconds: u64| json!({"policy": "AmazonEKSViewPolicy", "namespaces": ["shop"], "seconds": seconds});
    // Somebody who may write the table puts terms there as if another approver had agreed on them, and others later.
    world.edit_row(|request| request["terms"] = terms(60));
    world
        .slack
        .click(&world.slack_url(), &world.card(), "req:review", APPROVER);
    assert!(text_of(&world.slack.open_view(APPROVER)).contains("for 1 min"));
    world.edit_row(|request| request["terms"] = terms(14_400));
    let values = json!({"reason": "fine"});
    let sent = world.slack.submit(&world.slack_url(), &values, APPROVER);
    assert!(sent.body.contains("not what you saw"), "{}", sent.body);
    assert_eq!(world.state(), "pending");
    world.end();
}

#[test]
fn of_two_forms_that_were_open_at_once_the_second_is_told() {
    let world = World::new();
    world.denied("joe", 0);
    let card = world.card();
    for user in [APPROVER, IN_GROUP] {
        world
            .slack
            .click(&world.slack_url(), &card, "req:review", user);
    }
    let mut terms = form();
    terms["policy"] = json!("AmazonEKSEditPolicy");
    terms["duration"] = json!("1800");
    let first = world.slack.submit(&world.slack_url(), &terms, APPROVER);
    assert_eq!(first.body, "");
    let mut others = terms.clone();
    others["duration"] = json!("900");
    let second = world.slack.submit(&world.slack_url(), &others, IN_GROUP);
    assert!(second.body.contains("not what you saw"), "{}", second.body);
    assert_eq!(world.state(), "pending");
    world.end();
}

#[test]
fn a_button_works_after_only_sns_had_to_be_told_again() {
    let world = World::new();
    world.is_sns_down.store(true, Ordering::SeqCst);
    let event = world.denial("jane", 0);
    world.responder.run(&event);
    world.is_sns_down.store(false, Ordering::SeqCst);
    for minutes in [2, 4, 8] {
        world.ticks(minutes * MINUTE);
        let answer = world.responder.run(&event);
        assert_eq!(answer, fakes::lambda::Answer::Response("null".to_owned()));
    }
    assert!(world.kinds().contains(&"requested".to_owned()));
    assert_eq!(world.approves_in_slack(APPROVER), Value::Null);
    world.lambda.wait_until_idle();
    assert_eq!(world.state(), "active");
    world.end();
}

#[test]
fn after_a_no_by_time_the_next_denial_asks_again() {
    let world = World::new();
    world.denied("jane", 0);
    world.ticks(9 * HOUR);
    assert_eq!(world.state(), "expired");
    // Nobody is told of the denial again so soon, but whoever is refused gets another request.
    world.denied("jane", 20_000);
    let states: Vec<Value> = world
        .all_requests()
        .iter()
        .map(|request| request["state"].clone())
        .collect();
    assert!(states.contains(&json!("pending")), "{states:?}");
    world.end();
}

#[test]
fn what_is_denied_stays_denied() {
    let world = World::new();
    world.directory.role("/dev/", "contractor");
    world.denied("contractor", 0);
    let id = world.id();
    let body = json!({"namespaces": ["web"], "seconds": 60, "reason": "just this once"});
    let (status, answer) = world.call(ALICE, "POST", &format!("/v1/requests/{id}/approve"), &body);
    assert_eq!(status, 403);
    assert!(
        answer["message"]
            .as_str()
            .unwrap()
            .contains("never in web for contractors"),
        "{answer}"
    );
    world.end();
}

#[test]
fn the_same_click_again_does_nothing_again() {
    let world = World::new();
    world.denied("jane", 0);
    world
        .slack
        .click(&world.slack_url(), &world.card(), "req:review", APPROVER);
    let sent = world.slack.submit(&world.slack_url(), &form(), APPROVER);
    world.lambda.wait_until_idle();
    for _ in 0..3 {
        let again = world.slack.replay(sent.number);
        assert_eq!(again.status, Some(200));
    }
    world.lambda.wait_until_idle();
    assert_eq!(world.did("CreateAccessEntry"), 1);
    assert_eq!(
        world
            .audit()
            .iter()
            .filter(|action| *action == "approved")
            .count(),
        1
    );
    let (status, answer) = world.approves(ALICE, &world.id());
    assert_eq!(
        (status, answer["error"].as_str()),
        (409, Some("already-decided"))
    );
    assert!(
        answer["message"]
            .as_str()
            .unwrap()
            .contains("granted until"),
        "{answer}"
    );
    world.end();
}

#[test]
fn fifty_at_once_by_both_doors_make_one_entry() {
    let world = Arc::new(World::new());
    world.approver.warm(6);
    world.denied("jane", 0);
    let id = world.id();
    world
        .slack
        .click(&world.slack_url(), &world.card(), "req:review", APPROVER);
    let first = {
        let world = Arc::clone(&world);
        thread::spawn(move || world.slack.submit(&world.slack_url(), &form(), APPROVER))
    };
    let by_api: Vec<_> = (0..49)
        .map(|number| {
            let (world, id) = (Arc::clone(&world), id.clone());
            let key = if number % 2 == 0 { ALICE } else { BOB };
            thread::spawn(move || world.approves(key, &id).0)
        })
        .collect();
    let statuses: Vec<u16> = by_api
        .into_iter()
        .map(|thread| thread.join().unwrap())
        .collect();
    assert_eq!(first.join().unwrap().status, Some(200));
    assert!(
        statuses
            .iter()
            .all(|status| matches!(status, 202 | 409 | 503)),
        "{statuses:?}"
    );
    assert!(statuses.contains(&202));
    world.lambda.wait_until_idle();
    assert_eq!(world.did("CreateAccessEntry"), 1);
    assert_eq!(world.did("AssociateAccessPolicy"), 1);
    assert_eq!(world.state(), "active");
    let actions = world.audit();
    assert_eq!(
        actions.iter().filter(|action| *action == "granted").count(),
        1,
        "{actions:?}"
    );
    assert_eq!(
        actions
            .iter()
            .filter(|action| *action == "approved")
            .count(),
        1,
        "{actions:?}"
    );
    Arc::into_inner(world).unwrap().end();
}

#[test]
fn a_request_that_nobody_answers_expires() {
    let guardrails = "version = 1\nrequest_expires = \"1s\"\n[[rule]]\nname = \"r\"\nclusters = [\"prod-eu\"]\n\
                      principals = [\"arn:aws:iam::111122223333:role/dev/*\"]\nnamespaces = [\"shop\"]\n[rule.approvers]\n\
                      slack_users = [\"U0000000011\"]\niam = [\"arn:aws:iam::111122223333:user/alice\"]\n";
    let world = World::with(guardrails, true);
    world.denied("jane", 0);
    let id = world.id();
    let until = Instant::now() + Duration::from_secs(20);
    let body = json!({"namespaces": ["payments"], "seconds": 60, "reason": "too late"});
    // Asks for what is never given until it is told that it is too late for anything.
    let answer = loop {
        let (_, answer) = world.call(ALICE, "POST", &format!("/v1/requests/{id}/approve"), &body);
        if answer["error"] == "expired" {
            break answer;
        }
        assert!(Instant::now() < until, "{answer}");
    };
    assert!(
        answer["message"]
            .as_str()
            .unwrap()
            .contains("to be refused again makes a new one"),
        "{answer}"
    );
    world.ticks(60_000);
    assert_eq!(world.state(), "expired");
    assert!(world.kinds().contains(&"expired".to_owned()));
    assert_eq!(world.did("CreateAccessEntry"), 0);
    world.end();
}

#[test]
fn reminders_come_and_back_off() {
    let world = World::new();
    world.denied("jane", 0);
    for minutes in [1, 30, 61, 62, 120, 239, 241, 400, 479] {
        world.ticks(minutes * 60_000);
    }
    let reminders = world
        .kinds()
        .iter()
        .filter(|kind| *kind == "reminder")
        .count();
    assert_eq!(reminders, 2, "after one hour and after four");
    world.ticks(8 * HOUR + 60_000);
    assert_eq!(world.state(), "expired");
    world.end();
}

#[test]
fn without_slack_the_command_s_door_is_enough() {
    let world = World::without_slack();
    world.denied("jane", 0);
    let id = world.id();
    let (status, answer) = world.call(ALICE, "GET", "/v1/requests", &Value::Null);
    assert_eq!(
        (status, answer["requests"][0]["id"].as_str()),
        (200, Some(id.as_str()))
    );
    assert_eq!(
        answer["requests"][0]["offers"][0]["namespaces"],
        json!(["shop", "web"])
    );
    let (status, answer) = world.approves(ALICE, &id);
    assert_eq!(status, 202, "{answer}");
    world.lambda.wait_until_idle();
    let (_, answer) = world.call(ALICE, "GET", "/v1/grants", &Value::Null);
    assert_eq!(answer["grants"][0]["state"], "active");
    let (_, answer) = world.call(
        ALICE,
        "GET",
        &format!("/v1/requests/{id}/history"),
        &Value::Null,
    );
    let actions: Vec<&str> = answer["history"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["action"].as_str().unwrap())
        .collect();
    assert_eq!(actions, ["requested", "approved", "granting", "granted"]);
    let slack = world
        .gateway
        .ask(&fakes::gateway::plain("POST", "/slack", &json!({})));
    assert_eq!(slack.status, 404);
    world.end();
}

#[test]
fn who_does_not_sign_with_iam_gets_nowhere() {
    let world = World::new();
    world.denied("jane", 0);
    for path in ["/v1/requests", "/v1/grants"] {
        let answer = world
            .gateway
            .ask(&fakes::gateway::plain("GET", path, &Value::Null));
        assert_eq!(answer.status, 403);
    }
    // Should an event ever come without an authorizer, the function does not believe it either.
    let mut event = world.gateway.event(&world.gateway.signed(
        ALICE,
        "GET",
        "/v1/requests",
        &Value::Null,
    ));
    event["requestContext"]
        .as_object_mut()
        .unwrap()
        .remove("authorizer");
    assert_eq!(world.gateway.pass(&event).status, 403);
    event["rawPath"] = json!("/slack");
    assert_eq!(world.gateway.pass(&event).status, 401);
    world.end();
}
