//! How access ends, whatever stands in the way; and that nothing that is not ours is ever touched.

use fakes::eks::Entry;
use fakes::lambda::Answer as Ending;
use fakes::record::{Answer, nth};
use serde_json::{Value, json};

use crate::world::{
    ALICE, APPROVER, BOB, CLUSTER, HOUR, JANE, MINUTE, NOBODY, REQUESTS, World, buttons, text_of,
};

const DEV: &str = "arn:aws:iam::111122223333:role/dev/jane";

/// What somebody does to a row.
type Edit = fn(&mut Value);

/// Kills after the n-th call of one server.
type Hook = dyn Fn(&World, usize, Box<dyn FnOnce() + Send>);

/// A grant of an hour that is active.
fn granted() -> World {
    let world = World::new();
    world.denied("jane", 0);
    let (status, answer) = world.approves(ALICE, &world.id());
    assert_eq!(status, 202, "{answer}");
    world.lambda.wait_until_idle();
    assert_eq!(world.state(), "active");
    world
}

#[test]
fn killed_after_any_call_the_revoker_comes_to_the_same_end() {
    let world = World::new();
    let kinds: [&Hook; 3] = [
        &|world, number, kill| world.eks.after(nth(number, kill)),
        &|world, number, kill| world.stack.after(nth(number, kill)),
        &|world, number, kill| world.sns.after(nth(number, kill)),
    ];
    let mut rounds = 0;
    for hook in kinds {
        for number in 1.. {
            rounds += 1;
            let name = format!("end-{rounds}");
            let arn = world.directory.role("/dev/", &name).arn;
            world.denied(&name, 0);
            let id = world.request_of(&arn)["id"].as_str().unwrap().to_owned();
            world.approves(ALICE, &id);
            world.lambda.wait_until_idle();
            let revoker = world.revoker.clone();
            hook(&world, number, Box::new(move || revoker.kill()));
            let was_killed = matches!(world.tick(HOUR + MINUTE), Ending::Error { .. });
            world.eks.after(|_| {});
            world.stack.after(|_| {});
            world.sns.after(|_| {});
            // Once the world is healthy, within two minutes of the end.
            world.ticks(HOUR + 2 * MINUTE);
            assert_eq!(world.entry(&arn), None, "{name}");
            world.ticks(HOUR + 4 * MINUTE);
            assert_eq!(world.request_of(&arn)["state"], "revoked", "{name}");
            assert_eq!(world.request_of(&arn)["news"], json!([]), "{name}");
            if !was_killed {
                break;
            }
        }
    }
    assert!(rounds > 15, "{rounds}");
    world.end();
}

#[test]
fn what_cannot_be_taken_away_is_tried_for_ever_and_told() {
    let world = granted();
    world.eks.plan(|asked| {
        if asked.operation == "DeleteAccessEntry" {
            Answer::Denied
        } else {
            Answer::Normal
        }
    });
    for minutes in [61, 63, 66, 75, 95] {
        world.ticks(minutes * MINUTE);
    }
    assert_eq!(world.state(), "revoking");
    assert!(
        world.kinds().contains(&"revoke_failed".to_owned()),
        "{:?}",
        world.kinds()
    );
    let told = world.sns.published();
    let failed = told
        .iter()
        .find(|one| one.attributes["kind"] == "revoke_failed")
        .unwrap();
    assert!(
        failed.everything().contains("aws eks delete-access-entry"),
        "it says what to do by hand"
    );
    world.eks.plan(|_| Answer::Normal);
    world.ticks(3 * HOUR);
    assert_eq!(world.entry(DEV), None);
    assert_eq!(world.state(), "revoked");
    let written = world.end();
    assert!(written.has("\"Overdue\":1"), "{}", written.log);
}

#[test]
fn a_lost_row_does_not_leave_access_open() {
    let world = granted();
    let key = json!({"pk": {"S": format!("request#{}", world.id())}, "sk": {"S": "state"}});
    world.stack.delete(REQUESTS, &key);
    world.ticks(30 * MINUTE);
    assert!(world.entry(DEV).is_some(), "it is not over");
    assert_eq!(
        world.state(),
        "active",
        "its row was made anew from the tags"
    );
    world.ticks(HOUR + 2 * MINUTE);
    assert_eq!(world.entry(DEV), None);
    assert_eq!(world.state(), "revoked");
    world.end();
}

#[test]
fn a_row_that_somebody_edited_does_not_keep_access_open() {
    let edits: [(&str, &str, Edit); 6] = [
        ("a later end", "drift", |request| {
            request["ends"] = json!(4_000_000_000_000_i64);
        }),
        ("drifted", "drift", |request| {
            request["state"] = json!("drifted");
        }),
        ("ended already", "revoked", |request| {
            request["state"] = json!("revoked");
        }),
        ("granted for ever", "drift", |request| {
            request["state"] = json!("granting");
            request["starts"] = json!(4_000_000_000_000_i64);
        }),
        ("never again", "revoked", |request| {
            request["state"] = json!("revoking");
            request["retry_at"] = json!(4_000_000_000_000_i64);
        }),
        ("not to be read", "drift", |request| {
            request["principal"] = json!("nobody");
        }),
    ];
    for (name, kind, edit) in edits {
        let world = granted();
        world.ticks(MINUTE);
        world.edit_row(edit);
        world.ticks(HOUR + 2 * MINUTE);
        world.ticks(2 * HOUR + 4 * MINUTE);
        assert_eq!(world.entry(DEV), None, "{name}");
        assert!(world.kinds().contains(&kind.to_owned()), "{name}");
        world.end();
    }
}

#[test]
fn guardrails_that_cannot_be_read_do_not_keep_access_open() {
    let world = granted();
    world.spoil_guardrails();
    world.revoker.kill();
    world.ticks(HOUR + MINUTE);
    assert_eq!(world.entry(DEV), None);
    let written = world.end();
    assert!(written.has("the guardrails can't be read"));
}

#[test]
fn rows_that_cannot_be_read_do_not_stand_before_others() {
    let world = granted();
    for number in 0..20 {
        let key = json!({"pk": {"S": format!("request#{number:016x}")}, "sk": {"S": "state"}});
        for (name, value) in [
            ("document", json!({"S": "{"})),
            ("owed", json!({"S": "1"})),
            ("due_at", json!({"N": "1"})),
        ] {
            world.stack.update(REQUESTS, &key, name, &value);
        }
    }
    world.ticks(HOUR + MINUTE);
    assert_eq!(world.entry(DEV), None);
    world.ticks(HOUR + 2 * MINUTE);
    let written = world.end();
    assert!(written.has("\"UnreadableEntries\":20"), "they are counted");
    assert!(
        written.has("\"UnreadableEntries\":0"),
        "and then left alone for a while"
    );
}

#[test]
fn entries_that_are_not_ours_survive_everything() {
    let world = granted();
    let others = [
        (
            "terraform",
            Entry::new("arn:aws:iam::111122223333:role/ops/terraform")
                .tagged("managed-by", "terraform"),
        ),
        (
            "bare",
            Entry::new("arn:aws:iam::111122223333:role/ops/bare")
                .policy("AmazonEKSClusterAdminPolicy"),
        ),
        (
            "marked",
            Entry::new("arn:aws:iam::111122223333:role/ops/marked")
                .tagged("managed-by", "eks-access-responder"),
        ),
        (
            "garbage",
            Entry::new("arn:aws:iam::111122223333:role/ops/garbage")
                .tagged("managed-by", "eks-access-responder")
                .tagged("request-id", "not-an-id")
                .tagged("expires-at", "2020-01-01T00:00:00Z"),
        ),
        (
            "nodes",
            Entry::new("arn:aws:iam::111122223333:role/ops/nodes")
                .of_type("EC2_LINUX")
                .tagged("managed-by", "eks-access-responder")
                .tagged("request-id", "0123456789abcdef")
                .tagged("expires-at", "2020-01-01T00:00:00Z"),
        ),
    ];
    let arns: Vec<String> = others
        .iter()
        .map(|(name, entry)| {
            let arn = world.directory.role("/ops/", name).arn;
            world.eks.entry(CLUSTER, entry.clone());
            arn
        })
        .collect();
    let before: Vec<_> = arns.iter().map(|arn| world.entry(arn)).collect();
    for minutes in [1, 61, 62, 125, 190] {
        world.ticks(minutes * MINUTE);
    }
    let after: Vec<_> = arns.iter().map(|arn| world.entry(arn)).collect();
    assert_eq!(before, after);
    assert_eq!(world.entry(DEV), None);
    assert_eq!(world.did("DeleteAccessEntry"), 1);
    assert!(!world.kinds().contains(&"drift".to_owned()));
    let written = world.end();
    assert!(
        written.has("\"UnreadableEntries\":3"),
        "two bear our mark and can't be read, and one is none that we make"
    );
}

#[test]
fn an_entry_whose_tags_were_taken_is_left_alone_and_told() {
    let world = granted();
    world.eks.entry(
        CLUSTER,
        Entry::new(DEV).policy_in("AmazonEKSEditPolicy", &["shop"]),
    );
    world.ticks(HOUR + MINUTE);
    assert_eq!(world.state(), "drifted");
    assert!(world.entry(DEV).is_some());
    assert_eq!(world.did("DeleteAccessEntry"), 0);
    assert!(world.kinds().contains(&"drift".to_owned()));
    world.ticks(3 * HOUR);
    assert!(world.entry(DEV).is_some());
    world.end();
}

#[test]
fn an_entry_of_ours_that_was_changed_is_told_and_ends_in_time() {
    let world = granted();
    let tags = world.entry(DEV).unwrap()["tags"].clone();
    let tag = |name: &str| tags[name].as_str().unwrap().to_owned();
    let changed = Entry::new(DEV)
        .policy_in("AmazonEKSViewPolicy", &["shop"])
        .policy("AmazonEKSClusterAdminPolicy")
        .tagged("managed-by", &tag("managed-by"))
        .tagged("request-id", &tag("request-id"))
        .tagged("expires-at", &tag("expires-at"));
    world.eks.entry(CLUSTER, changed);
    world.ticks(MINUTE);
    assert!(world.kinds().contains(&"drift".to_owned()));
    assert_eq!(world.state(), "active");
    assert!(world.entry(DEV).is_some(), "it is left alone");
    world.ticks(HOUR + 2 * MINUTE);
    assert_eq!(world.entry(DEV), None);
    let outcome = world.request()["outcome"].as_str().unwrap().to_owned();
    assert!(outcome.contains("AmazonEKSClusterAdminPolicy"), "{outcome}");
    world.end();
}

#[test]
fn an_entry_that_somebody_else_removed_closes_its_grant() {
    let world = granted();
    world.eks.remove_entry(CLUSTER, DEV);
    world.ticks(6 * MINUTE);
    assert_eq!(world.state(), "revoked");
    assert!(
        world.request()["outcome"]
            .as_str()
            .unwrap()
            .contains("somebody else")
    );
    world.end();
}

#[test]
fn a_grant_ends_early_by_an_approver_or_by_whose_it_is_and_by_nobody_else() {
    let world = granted();
    world
        .slack
        .click(&world.slack_url(), &world.card(), "req:end", NOBODY);
    assert_eq!(world.request()["ended_by"], Value::Null);
    assert!(
        text_of(world.slack.whispers(NOBODY).last().unwrap()).contains("Only whose grant it is")
    );
    world
        .slack
        .click(&world.slack_url(), &world.card(), "req:end", JANE);
    world.ticks(MINUTE);
    assert_eq!(world.entry(DEV), None);
    assert_eq!(world.state(), "revoked");
    assert!(world.audit().contains(&"end_requested".to_owned()));
    let (status, answer) = world.call(
        ALICE,
        "POST",
        &format!("/v1/requests/{}/revoke", world.id()),
        &json!({"reason": "again"}),
    );
    assert_eq!(
        (status, answer["error"].as_str()),
        (409, Some("not-active"))
    );
    world.end();
}

#[test]
fn more_time_takes_another_s_yes() {
    let world = granted();
    let id = world.id();
    let ends = world.request()["ends"].as_i64().unwrap();
    // Jane, whose grant it is, asks in Slack.
    world
        .slack
        .click(&world.slack_url(), &world.card(), "req:extend", JANE);
    let sent = world.slack.submit(
        &world.slack_url(),
        &json!({"duration": "14400", "reason": "not done yet"}),
        JANE,
    );
    assert_eq!(sent.body, "");
    // The same form again, as from another window, makes no second request.
    let again = world.slack.replay(sent.number);
    assert!(
        again.body.contains("More time was asked for already")
            || again.body.contains("ore time was asked for already"),
        "{}",
        again.body
    );
    let all = world.all_requests();
    let extension = all
        .iter()
        .find(|request| request["kind"] == "extension")
        .unwrap()
        .clone();
    let extension_id = extension["id"].as_str().unwrap();
    let card = || {
        let cards = world.request_cards();
        let card = cards
            .iter()
            .find(|card| text_of(card).contains(extension_id))
            .cloned();
        card.unwrap()
    };
    world
        .slack
        .click(&world.slack_url(), &card(), "req:review", JANE);
    assert!(
        text_of(world.slack.whispers(JANE).last().unwrap())
            .contains("nobody decides about themselves")
    );
    world
        .slack
        .click(&world.slack_url(), &card(), "req:review", APPROVER);
    let sent = world
        .slack
        .submit(&world.slack_url(), &json!({"reason": "go on"}), APPROVER);
    assert_eq!(sent.body, "");
    world.lambda.wait_until_idle();
    let request = world.request_of_id(&id);
    let later = request["ends"].as_i64().unwrap();
    assert!(later > ends + 2 * HOUR, "{request:#}");
    let expires = world.entry(DEV).unwrap()["tags"]["expires-at"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        fakes::lines::milliseconds(&expires) / 1000,
        later / 1000,
        "the tags say it too"
    );
    world.ticks(HOUR + MINUTE);
    assert!(world.entry(DEV).is_some());
    world.ticks(4 * HOUR + 2 * MINUTE);
    assert_eq!(world.entry(DEV), None);
    assert!(world.kinds().contains(&"extended".to_owned()));
    world.end();
}

#[test]
fn who_asked_by_the_command_for_more_time_cannot_say_yes_to_it() {
    let world = granted();
    let (status, answer) = world.call(
        ALICE,
        "POST",
        &format!("/v1/requests/{}/extend", world.id()),
        &json!({"seconds": 7200, "reason": "for Jane"}),
    );
    assert_eq!(status, 200, "{answer}");
    let extension = answer["request"]["id"].as_str().unwrap().to_owned();
    let approve = |key: &str, body: &Value| {
        let path = format!("/v1/requests/{extension}/approve");
        world.call(key, "POST", &path, body)
    };
    let seen = json!({"reason": "fine", "seen": answer["request"]["seen"]});
    let (status, blind) = approve(BOB, &json!({"reason": "fine"}));
    assert_eq!(
        (status, blind["error"].as_str()),
        (400, Some("bad-request")),
        "nobody says yes to what they do not name"
    );
    let (status, answer) = approve(ALICE, &seen);
    assert_eq!(
        (status, answer["error"].as_str()),
        (403, Some("own-request"))
    );
    let (status, answer) = approve(BOB, &seen);
    assert_eq!(status, 202, "{answer}");
    world.lambda.wait_until_idle();
    let (_, answer) = world.call(BOB, "GET", "/v1/grants", &Value::Null);
    assert_eq!(answer["grants"].as_array().unwrap().len(), 1);
    world.end();
}

#[test]
fn people_are_told_before_it_ends() {
    let world = granted();
    world.ticks(44 * MINUTE);
    assert!(!world.kinds().contains(&"reminder".to_owned()));
    world.ticks(46 * MINUTE);
    assert_eq!(
        world
            .kinds()
            .iter()
            .filter(|kind| *kind == "reminder")
            .count(),
        1
    );
    world.ticks(50 * MINUTE);
    assert_eq!(
        world
            .kinds()
            .iter()
            .filter(|kind| *kind == "reminder")
            .count(),
        1
    );
    world.end();
}

#[test]
fn a_broken_glass_is_told_to_all_and_reviewed_by_another() {
    let world = World::new();
    let body = json!({"cluster": CLUSTER, "principal": DEV, "namespaces": ["shop"], "seconds": 600, "reason": "the pager"});
    let (status, answer) = world.call(ALICE, "POST", "/v1/break-glass", &body);
    assert_eq!(
        (status, answer["error"].as_str()),
        (403, Some("not-an-approver"))
    );
    for (change, slug) in [
        (json!({"seconds": 3600}), "denied-by-guardrails"),
        (json!({"namespaces": ["web"]}), "denied-by-guardrails"),
        (
            json!({"principal": "arn:aws:iam::111122223333:role/edit/joe"}),
            "denied-by-guardrails",
        ),
        (
            json!({"principal": "arn:aws:sts::111122223333:assumed-role/jane/x"}),
            "bad-request",
        ),
        (json!({"reason": ""}), "bad-request"),
    ] {
        let mut body = body.clone();
        body.as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        let (_, answer) = world.call(BOB, "POST", "/v1/break-glass", &body);
        assert_eq!(answer["error"], slug, "{change}: {answer}");
    }
    let (status, answer) = world.call(BOB, "POST", "/v1/break-glass", &body);
    assert_eq!(status, 202, "{answer}");
    world.lambda.wait_until_idle();
    assert_eq!(world.state(), "active");
    let told = world.sns.published();
    let broken = told
        .iter()
        .find(|one| one.attributes["kind"] == "break_glass")
        .unwrap();
    assert_eq!(broken.attributes["severity"], "high");
    assert!(text_of(&world.card()).contains("break-glass"));
    let id = world.id();
    world.ticks(11 * MINUTE);
    assert_eq!(world.entry(DEV), None, "it ends like any other");
    world.ticks(5 * HOUR);
    assert!(
        world.kinds().contains(&"reminder".to_owned()),
        "its review is due"
    );
    let review = |key: &str| {
        world.call(
            key,
            "POST",
            &format!("/v1/requests/{id}/review"),
            &json!({"reason": "was right"}),
        )
    };
    let (status, answer) = review(BOB);
    assert_eq!(
        (status, answer["error"].as_str()),
        (403, Some("own-request"))
    );
    let (status, answer) = review(ALICE);
    assert_eq!(status, 200, "{answer}");
    assert_eq!(review(ALICE).0, 409);
    assert!(world.audit().contains(&"reviewed".to_owned()));
    world.end();
}

#[test]
fn slack_and_sns_that_are_down_stop_no_end_and_hear_of_it_later() {
    let world = granted();
    world
        .is_sns_down
        .store(true, std::sync::atomic::Ordering::SeqCst);
    world
        .slack
        .fault(&json!({"method": "chat.update", "kind": "500", "times": 1000}));
    world.ticks(HOUR + MINUTE);
    assert_eq!(world.entry(DEV), None);
    assert_eq!(world.state(), "revoked");
    assert!(!world.kinds().contains(&"revoked".to_owned()));
    world
        .is_sns_down
        .store(false, std::sync::atomic::Ordering::SeqCst);
    world.slack.heal();
    world.ticks(HOUR + 5 * MINUTE);
    assert!(world.kinds().contains(&"revoked".to_owned()));
    assert_eq!(buttons(&world.card()), Vec::<String>::new());
    world.end();
}

#[test]
fn only_a_tick_makes_the_revoker_do_anything() {
    let world = granted();
    for event in ["{}", "[]", "\"x\"", r#"{"source":"aws.events"}"#] {
        assert_eq!(
            world.revoker.run(event.as_bytes()),
            Ending::Response("null".to_owned())
        );
    }
    assert!(world.entry(DEV).is_some());
    world.end();
}

#[test]
fn other_guardrails_do_not_stop_the_revoker() {
    let world = granted();
    world.revoker.set("GUARDRAILS_VERSION", "0000000000000000");
    world.ticks(HOUR + MINUTE);
    assert_eq!(world.entry(DEV), None);
    world.end();
}
