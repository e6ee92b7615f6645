//! What is remembered from delivery to delivery: when people are told, told again, and left in peace.

use std::thread;
use std::time::{Duration, Instant};

use fakes::delivery::Delivery;
use fakes::directory::Principal;
use fakes::eks::{Cluster, Entry};
use fakes::lines;
use fakes::ministack::Relayed;
use fakes::record::Answer as Denied;
use fakes::slack::{CHANNEL, OTHER_CHANNEL};
use fakes::sns::Answer;
use serde_json::{Value, json};

use crate::facts_world::Aws;
use crate::memory_world::{HOUR, MINUTE, MemoryWorld, TABLE, silent_at_first};

const DEV: &str = "arn:aws:iam::111122223333:role/dev";

fn denial() -> String {
    lines::not_mapped(DEV, 4000)
}

fn text_of(message: &Value) -> String {
    message["blocks"].to_string()
}

#[test]
fn a_lone_denial_is_one_notice_and_one_card() {
    let world = MemoryWorld::new();
    world.line(world.start, &denial());
    assert_eq!(world.kinds(), ["first"]);
    let cards = world.slack.cards();
    assert_eq!(cards.len(), 1);
    let text = text_of(&cards[0]);
    for part in [
        "prod-eu: principal not mapped",
        DEV,
        "at least 1 line",
        "aws eks create-access-entry",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert_eq!(world.slack.replies(), Vec::<Value>::new());
    let row = world.row();
    assert_eq!(
        (row["count"]["N"].as_str(), row["told"]["N"].as_str()),
        (Some("1"), Some("1"))
    );
    let written = world.end();
    assert!(written.metric("Notices").eq(&1.0), "{}", written.log);
}

#[test]
fn a_denial_a_minute_for_thirty_hours_is_told_four_times_on_one_card() {
    let world = MemoryWorld::new();
    for minute in 0..1800 {
        world.line(world.minute(minute), &denial());
    }
    assert_eq!(world.kinds(), ["first", "repeat", "repeat", "repeat"]);
    let cards = world.slack.cards();
    assert_eq!((cards.len(), world.slack.replies().len()), (1, 3));
    assert_eq!(world.row()["count"]["N"], "1800");
    // The card keeps its counts: it is at most ten minutes behind.
    assert!(text_of(&cards[0]).contains("at least 179"), "{}", cards[0]);
    let written = world.end();
    assert!(
        written.metric("Suppressed").eq(&1796.0),
        "{}",
        written.metric("Suppressed")
    );
}

#[test]
fn ten_thousand_principals_are_ten_cards_and_a_digest_in_bounded_writes() {
    let world = MemoryWorld::new();
    for delivery in 0..20 {
        let mut many = Delivery::of("prod-eu");
        for line in 0..500 {
            let arn = format!(
                "arn:aws:iam::111122223333:role/random-{}",
                delivery * 500 + line
            );
            many = many.at(world.start, &lines::not_mapped(&arn, 4000));
        }
        world.handles(&many);
    }
    let counts = world.stack.counts("dynamodb");
    // Ten incidents with what goes with each; beyond them at most a look for each of the fifty that a delivery may tell.
    assert!(counts["UpdateItem"] <= 10 * 6 + 20 + 50 * 2, "{counts:?}");
    assert!(counts["GetItem"] <= 20 * 51, "{counts:?}");
    world.tick(world.minute(20));
    let kinds = world.kinds();
    assert_eq!(kinds.iter().filter(|kind| *kind == "first").count(), 10);
    assert_eq!(kinds.iter().filter(|kind| *kind == "digest").count(), 1);
    assert_eq!((kinds.len(), world.slack.cards().len()), (11, 11));
    let published = world.sns.published();
    let digest = published.last().unwrap().machine();
    assert_eq!(
        (&digest["kind"], &digest["count"]),
        (&json!("digest"), &json!(9990))
    );
    world.tick(world.minute(21));
    assert_eq!(world.kinds().len(), 11);
    assert!(world.end().metric("Digested").eq(&9990.0));
}

#[test]
fn a_storm_of_single_denials_costs_one_write_each() {
    let world = MemoryWorld::with(
        &[("MAX_NEW_PER_HOUR", "1"), ("WATCH_LOGINS", "off")],
        |_| Answer::Accept,
    );
    let denial = |number: usize| {
        lines::not_mapped(&format!("arn:aws:iam::111122223333:role/r{number}"), 4000)
    };
    world.line(world.start, &denial(0));
    world.line(world.start, &denial(1));
    world.stack.forget();
    // The one that used up the hour is known and was not told; it costs no more than the others.
    for number in 1..51 {
        world.line(world.start, &denial(number));
    }
    let counts = world.stack.counts("dynamodb");
    assert_eq!((counts["UpdateItem"], counts["GetItem"]), (50, 50));
    world.end();
}

#[test]
fn who_has_no_credentials_cannot_crowd_out_who_has() {
    let world = MemoryWorld::with(&[("MAX_NEW_PER_HOUR", "1")], |_| Answer::Accept);
    for error in [
        "input token was not properly formatted: token is missing expected \"k8s-aws-v1.\" prefix",
        "sts getCallerIdentity failed: error from AWS (expected 200, got 403)",
        "words of the future",
    ] {
        world.line(world.start, &lines::refused(error, 4000));
    }
    world.line(world.start, &denial());
    assert_eq!(world.kinds(), ["first"; 4]);
    assert_eq!(world.sns.published()[3].machine()["principal"], DEV);
    world.end();
}

#[test]
fn two_hundred_nodes_that_a_broken_aws_auth_refuses_are_one_card() {
    let world = MemoryWorld::new();
    world.line(world.start, &lines::broken_aws_auth());
    for node in 0..200 {
        let session = format!("i-0123456789abcde{node:02x}");
        let port = 4000 + u16::try_from(node).unwrap();
        let delivery = Delivery::of("prod-eu")
            .at(
                world.start + node * 2000,
                &lines::sts_response("111122223333", "eks-node", &session, port),
            )
            .at(
                world.start + node * 2000,
                &lines::not_mapped("arn:aws:iam::111122223333:role/eks-node", port),
            );
        world.handles(&delivery);
    }
    assert_eq!(world.kinds(), ["first"]);
    assert_eq!(world.slack.cards().len(), 1);
    assert_eq!(
        world.sns.published()[0].attributes["symptom"],
        "aws-auth-malformed"
    );
    assert_eq!(world.row()["count"]["N"], "201");
    world.end();
}

#[test]
fn who_dies_between_writing_down_and_sending_loses_nothing() {
    let mut world = MemoryWorld::with(&[], silent_at_first(1));
    let event = Delivery::of("prod-eu").at(world.start, &denial()).event();
    thread::scope(|scope| {
        let function = &world.functions()[0];
        scope.spawn(|| {
            // It is killed while it waits for SNS, so that it never answers.
            let died =
                std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| function.invoke(&event)));
            assert!(died.is_err());
        });
        let until = Instant::now() + Duration::from_secs(20);
        while world.sns.asked().is_empty() {
            assert!(Instant::now() < until, "SNS was never asked");
            thread::yield_now();
        }
        function.kill();
    });
    world.crash();
    assert_eq!(world.kinds(), Vec::<String>::new());
    // Lambda gives the delivery to another one, and a tick finds what is owed.
    world.acknowledges_again(&event);
    world.tick(world.minute(1));
    world.tick(world.minute(2));
    assert_eq!(world.kinds(), ["first"]);
    assert_eq!(world.slack.cards().len(), 1);
    assert_eq!(world.row()["count"]["N"], "1");
    world.end();
}

#[test]
fn slack_that_is_down_for_an_hour_gets_its_card_and_sns_nothing_twice() {
    let world = MemoryWorld::new();
    world
        .slack
        .fault(&json!({"method": "*", "kind": "500", "times": "forever"}));
    world.line(world.start, &denial());
    for minute in 1..60 {
        world.tick(world.minute(minute));
    }
    assert_eq!(world.slack.cards(), Vec::<Value>::new());
    // It was asked less and less often.
    let asked = world.slack.calls().len();
    assert!((4..10).contains(&asked), "{asked}");
    world.slack.heal();
    for minute in 60..95 {
        world.tick(world.minute(minute));
    }
    assert_eq!(world.slack.cards().len(), 1);
    assert_eq!(world.kinds(), ["first"]);
    let written = world.end();
    assert!(written.metric("SlackFailures") > 3.0 && written.metric("OldestOwed") > 1800.0);
}

#[test]
fn two_at_the_same_time_tell_people_once() {
    let mut world = MemoryWorld::new();
    world.another();
    world.another();
    // Not the same delivery: each has a line of its own.
    let deliveries: Vec<Vec<u8>> = (0..3)
        .map(|number| {
            Delivery::of("prod-eu")
                .at(world.start + number * 1000, &lines::not_mapped(DEV, 4000))
                .event()
        })
        .collect();
    thread::scope(|scope| {
        for (function, event) in world.functions().iter().zip(&deliveries) {
            scope.spawn(move || function.invoke(event).response());
        }
    });
    assert_eq!(world.kinds(), ["first"]);
    assert_eq!(world.slack.cards().len(), 1);
    assert_eq!(world.row()["count"]["N"], "3");
    world.end();
}

#[test]
fn deliveries_that_come_again_and_again_are_counted_once() {
    let world = MemoryWorld::new();
    world.line(world.start, &lines::broken_aws_auth());
    let node = "arn:aws:iam::111122223333:role/eks-node";
    let part = Delivery::of("prod-eu").at(world.minute(1), &lines::not_mapped(node, 4000));
    let dev = [world.minute(20), world.minute(21)]
        .map(|time| Delivery::of("prod-eu").at(time, &denial()));
    for _ in 0..2 {
        world.handles(&part);
        for delivery in &dev {
            world.handles(delivery);
        }
    }
    let mut counts: Vec<String> = world
        .stack
        .rows(TABLE)
        .iter()
        .filter_map(|row| Some(row.get("count")?["N"].as_str()?.to_owned()))
        .collect();
    counts.sort();
    assert_eq!(counts, ["2", "2"]);
    world.end();
}

#[test]
fn the_card_of_a_broken_aws_auth_keeps_its_counts_and_speaks_again() {
    let world = MemoryWorld::new();
    for minute in 0..9 {
        let node = format!("arn:aws:iam::111122223333:role/node-{minute}");
        world.line(world.minute(10 * minute), &lines::broken_aws_auth());
        world.line(
            world.minute(10 * minute + 1),
            &lines::not_mapped(&node, 4000),
        );
        world.tick(world.minute(10 * minute + 2));
    }
    assert_eq!(world.kinds(), ["first", "repeat"]);
    let cards = world.slack.cards();
    assert_eq!(cards.len(), 1);
    let shown = text_of(&cards[0]);
    // What a tick tells has no line at hand, and the card keeps what it knew.
    assert!(shown.contains("did not find expected key"), "{shown}");
    let counted: u64 = world.row()["count"]["N"].as_str().unwrap().parse().unwrap();
    assert_eq!(counted, 18);
    assert!(
        (counted - 3..=counted).any(|count| shown.contains(&format!("at least {count} lines"))),
        "{shown}"
    );
    world.end();
}

#[test]
fn a_delivery_that_comes_twice_is_told_once_and_counted_once() {
    let world = MemoryWorld::new();
    let delivery = Delivery::of("prod-eu")
        .at(world.start, &denial())
        .at(world.start, &denial());
    world.handles(&delivery);
    world.handles(&delivery);
    assert_eq!(world.kinds(), ["first"]);
    assert_eq!(world.row()["count"]["N"], "2");
    world.end();
}

#[test]
fn a_delivery_that_comes_days_late_changes_the_count_and_nothing_else() {
    let world = MemoryWorld::new();
    world.line(world.start, &denial());
    let delivery = Delivery::of("prod-eu").at(world.minute(-3 * 24 * 60), &denial());
    world.handles(&delivery);
    let row = world.row();
    assert_eq!(row["count"]["N"], "2");
    assert_eq!(row["last_seen"]["N"], world.start.to_string());
    world.line(world.minute(1), &denial());
    assert_eq!(world.kinds(), ["first"]);
    world.end();
}

#[test]
fn without_its_table_an_invocation_fails_and_tells_nobody_and_its_retry_tells_once() {
    let world = MemoryWorld::new();
    let event = Delivery::of("prod-eu").at(world.start, &denial()).event();
    for (relayed, code) in [
        (Relayed::Failure, "InternalServerError"),
        (Relayed::Throttled, "ThrottlingException"),
    ] {
        world.stack.plan(move |call| {
            if call.service == "dynamodb" {
                relayed
            } else {
                Relayed::Pass
            }
        });
        let (kind, message) = world.fails(&event);
        assert_eq!(kind, "NotRemembered");
        assert!(message.contains(code), "{message}");
    }
    assert_eq!(world.kinds(), Vec::<String>::new());
    assert_eq!(world.slack.cards(), Vec::<Value>::new());
    // A tick leaves it to the next one.
    world.tick(world.start);
    world.stack.plan(|_| Relayed::Pass);
    world.acknowledges_again(&event);
    assert_eq!(world.kinds(), ["first"]);
    assert!(world.end().metric("TableFailures").eq(&3.0));
}

#[test]
fn sns_that_is_down_gets_its_notice_later_and_the_invocation_is_not_tried_again() {
    let world = MemoryWorld::with(&[], {
        let asked = std::sync::atomic::AtomicUsize::new(0);
        move |_| {
            let number = asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            if number < 3 {
                Answer::Denied
            } else {
                Answer::Accept
            }
        }
    });
    world.line(world.start, &denial());
    assert_eq!(world.kinds(), Vec::<String>::new());
    assert_eq!(world.slack.cards().len(), 1);
    for minute in 1..10 {
        world.tick(world.minute(minute));
    }
    assert_eq!(world.kinds(), ["first"]);
    assert_eq!(
        (world.slack.cards().len(), world.slack.replies().len()),
        (1, 0)
    );
    world.end();
}

#[test]
fn who_gets_in_again_resolves_the_card_with_the_time_it_took() {
    let world = MemoryWorld::new();
    world.line(world.start, &denial());
    // Somebody else was let in, and a forged line says what it likes.
    let forged = lines::refused(&format!("msg=\"access granted\" arn=\"{DEV}\""), 4001);
    let other = lines::granted_to("arn:aws:iam::111122223333:role/dev2");
    world.stack.log(
        "prod-eu",
        &[(world.minute(3), other), (world.minute(3), forged)],
    );
    for minute in 1..10 {
        world.tick(world.minute(minute));
    }
    assert_eq!(world.kinds(), ["first"]);
    world
        .stack
        .log("prod-eu", &[(world.minute(12), lines::granted_to(DEV))]);
    for minute in 10..40 {
        world.tick(world.minute(minute));
    }
    assert_eq!(world.kinds(), ["first", "resolved"]);
    let resolved = world.sns.published()[1].machine();
    assert_eq!(
        resolved["resolved_at"],
        lines::at("2026-03-01T10:00:00Z", world.minute(12))
    );
    let (cards, replies) = (world.slack.cards(), world.slack.replies());
    assert_eq!((cards.len(), replies.len()), (1, 1));
    let text = text_of(&cards[0]);
    assert!(
        text.contains("resolved: principal not mapped") && text.contains("12 min"),
        "{text}"
    );
    // What was refused before that and comes late changes nothing.
    world.line(world.minute(11), &denial());
    assert_eq!(world.kinds().len(), 2);
    assert!(text_of(&world.slack.cards()[0]).contains("resolved: "));
    // A denial after that is told at once, on the same card.
    world.line(world.minute(50), &denial());
    assert_eq!(world.kinds(), ["first", "resolved", "relapsed"]);
    assert_eq!(
        (world.slack.cards().len(), world.slack.replies().len()),
        (1, 2)
    );
    assert!(text_of(&world.slack.cards()[0]).contains("again: principal not mapped"));
    assert!(world.end().metric("Resolved").eq(&1.0));
}

#[test]
fn what_comes_while_people_are_told_that_it_is_resolved_is_told_after_that() {
    let mut world = MemoryWorld::new();
    world.another();
    world.line(world.start, &denial());
    world
        .stack
        .log("prod-eu", &[(world.minute(1), lines::granted_to(DEV))]);
    world
        .slack
        .fault(&json!({"method": "chat.update", "kind": "sleep", "seconds": 2}));
    thread::scope(|scope| {
        let world = &world;
        scope.spawn(move || world.tick(world.minute(3)));
        let until = Instant::now() + Duration::from_secs(20);
        while world.kinds().len() < 2 {
            assert!(Instant::now() < until, "nothing was told");
            thread::yield_now();
        }
        // SNS has it, and Slack is just being told.
        let event = Delivery::of("prod-eu")
            .at(world.minute(2), &denial())
            .event();
        world.functions()[1].invoke(&event).response();
    });
    assert_eq!(world.kinds(), ["first", "resolved"]);
    world.tick(world.minute(4));
    assert_eq!(world.kinds(), ["first", "resolved", "relapsed"]);
    let cards = world.slack.cards();
    assert_eq!(cards.len(), 1);
    assert!(text_of(&cards[0]).contains("again: "), "{}", cards[0]);
    world.end();
}

#[test]
fn a_login_that_was_granted_before_the_denial_in_the_same_second_resolves_nothing() {
    let world = MemoryWorld::new();
    world.stack.log(
        "prod-eu",
        &[(world.minute(0) + 300, lines::granted_to(DEV))],
    );
    world.handles(&Delivery::of("prod-eu").at(world.start + 900, &denial()));
    for minute in 1..20 {
        world.tick(world.minute(minute));
    }
    assert_eq!(world.kinds(), ["first"]);
    world.end();
}

#[test]
fn what_is_owed_and_cannot_be_read_is_given_up_once() {
    let world = MemoryWorld::new();
    world
        .slack
        .fault(&json!({"method": "*", "kind": "500", "times": "forever"}));
    world.line(world.start, &denial());
    for row in world.stack.rows(TABLE) {
        if row["sk"]["S"].as_str().unwrap().starts_with("parcel#") {
            let input = json!({"TableName": TABLE, "Key": {"pk": row["pk"], "sk": row["sk"]}});
            world
                .stack
                .call("dynamodb", "DynamoDB_20120810.DeleteItem", &input);
        }
    }
    for minute in 1..10 {
        world.tick(world.minute(minute));
    }
    assert!(world.row().get("owed").is_none());
    let written = world.end();
    assert!(written.metric("GivenUp").eq(&1.0), "{}", written.log);
}

#[test]
fn what_came_while_slack_is_down_does_not_hurry_it() {
    let world = MemoryWorld::new();
    world.line(world.start, &denial());
    world
        .slack
        .fault(&json!({"method": "*", "kind": "500", "times": "forever"}));
    world.line(world.minute(61), &denial());
    let row = world.row();
    let input = json!({
        "TableName": TABLE,
        "Key": {"pk": row["pk"], "sk": row["sk"]},
        "UpdateExpression": "SET overheard = :t",
        "ExpressionAttributeValues": {":t": {"BOOL": true}},
    });
    world
        .stack
        .call("dynamodb", "DynamoDB_20120810.UpdateItem", &input);
    let before = world.slack.calls().len();
    for minute in 62..122 {
        world.tick(world.minute(minute));
    }
    let asked = world.slack.calls().len() - before;
    assert!((3..9).contains(&asked), "{asked}");
    world.slack.heal();
    for minute in 122..160 {
        world.tick(world.minute(minute));
    }
    assert_eq!(
        (
            world.kinds().len(),
            world.slack.cards().len(),
            world.slack.replies().len()
        ),
        (2, 1, 1)
    );
    assert!(world.row().get("overheard").is_none());
    world.end();
}

#[test]
fn a_node_whose_sessions_differ_is_not_resolved_by_another_session() {
    let world = MemoryWorld::new();
    let error = "failed mapping username: SessionName did not contain an instance id";
    world.line(world.start, &lines::mapping_failed(DEV, error, 4000));
    assert_eq!(
        world.sns.published()[0].attributes["symptom"],
        "node-session-not-instance"
    );
    world
        .stack
        .log("prod-eu", &[(world.minute(1), lines::granted_to(DEV))]);
    for minute in 1..30 {
        world.tick(world.minute(minute));
    }
    assert_eq!(world.kinds(), ["first"]);
    assert_eq!(world.stack.counts("logs").len(), 0);
    world.end();
}

#[test]
fn who_is_let_in_and_refused_by_turns_is_told_of_less_and_less() {
    let world = MemoryWorld::new();
    for minute in 0..360 {
        if minute % 2 == 0 {
            world.line(world.minute(minute), &denial());
        } else {
            world
                .stack
                .log("prod-eu", &[(world.minute(minute), lines::granted_to(DEV))]);
        }
        world.tick(world.minute(minute));
    }
    let kinds = world.kinds();
    assert!(kinds.len() <= 8, "{kinds:?}");
    assert_eq!(world.slack.cards().len(), 1);
    world.end();
}

#[test]
fn a_line_with_a_time_of_its_own_silences_nobody() {
    let world = MemoryWorld::new();
    let now = u64::try_from(world.start).unwrap();
    let mut forged = Delivery::of("prod-eu");
    forged.events.push((
        now,
        lines::at(&denial(), world.start + 70 * 365 * 24 * HOUR),
    ));
    world.handles(&forged);
    world.line(world.minute(61), &denial());
    assert_eq!(world.kinds(), ["first", "repeat"]);
    world.end();
}

#[test]
fn looking_for_granted_logins_ends_a_day_after_the_last_denial() {
    let world = MemoryWorld::new();
    world.line(world.start, &denial());
    for minute in 0..(26 * 60) {
        if minute % 5 == 0 {
            world.tick(world.minute(minute));
        }
    }
    let looks = world.stack.counts("logs")["FilterLogEvents"];
    assert!((20..40).contains(&looks), "{looks}");
    assert!(world.row().get("owed").is_none());
    world.end();
}

#[test]
fn a_muted_incident_is_counted_and_not_told() {
    let world = MemoryWorld::new();
    world.line(world.start, &denial());
    let row = world.row();
    let input = json!({
        "TableName": TABLE,
        "Key": {"pk": row["pk"], "sk": row["sk"]},
        "UpdateExpression": "SET muted_until = :t, muted_by = :b",
        "ExpressionAttributeValues": {":t": {"N": (world.start + 24 * HOUR).to_string()}, ":b": {"S": "jo"}},
    });
    world
        .stack
        .call("dynamodb", "DynamoDB_20120810.UpdateItem", &input);
    world.line(world.minute(90), &denial());
    world
        .stack
        .log("prod-eu", &[(world.minute(91), lines::granted_to(DEV))]);
    for minute in 91..200 {
        world.tick(world.minute(minute));
    }
    assert_eq!(world.kinds(), ["first"]);
    assert_eq!(world.row()["count"]["N"], "2");
    world.end();
}

#[test]
fn slack_that_asks_for_patience_gets_it() {
    let world = MemoryWorld::new();
    world
        .slack
        .fault(&json!({"method": "chat.postMessage", "kind": "429", "retry_after": 1}));
    world.line(world.start, &denial());
    assert_eq!(world.slack.cards().len(), 1);
    world
        .slack
        .fault(&json!({"method": "chat.postMessage", "kind": "429", "retry_after": 30}));
    let ops = lines::not_mapped("arn:aws:iam::111122223333:role/ops", 4000);
    world.line(world.start, &ops);
    assert_eq!((world.slack.cards().len(), world.kinds().len()), (1, 2));
    let calls = world.slack.calls().len();
    // Until then Slack is not even asked.
    world.line(
        world.start,
        &lines::not_mapped("arn:aws:iam::111122223333:role/qa", 4000),
    );
    assert_eq!(world.slack.calls().len(), calls);
    world.end();
}

#[test]
fn blocks_that_slack_refuses_become_plain_text() {
    let world = MemoryWorld::new();
    world
        .slack
        .fault(&json!({"method": "chat.postMessage", "kind": "error", "error": "invalid_blocks"}));
    world.line(world.start, &denial());
    let cards = world.slack.cards();
    assert_eq!(cards.len(), 1);
    assert!(
        cards[0]["blocks"].as_array().is_none_or(Vec::is_empty),
        "{}",
        cards[0]
    );
    assert!(
        cards[0]["text"].as_str().unwrap().contains(DEV),
        "{}",
        cards[0]
    );
    let written = world.end();
    assert!(
        written.log.contains("Slack did not take a card"),
        "{}",
        written.log
    );
}

#[test]
fn a_reply_that_slack_refuses_becomes_plain_text() {
    let world = MemoryWorld::new();
    world.line(world.start, &denial());
    world
        .slack
        .fault(&json!({"method": "chat.postMessage", "kind": "error", "error": "invalid_blocks"}));
    world.line(world.minute(61), &denial());
    let replies = world.slack.replies();
    assert_eq!(replies.len(), 1);
    assert!(
        replies[0]["text"].as_str().unwrap().contains("It goes on"),
        "{}",
        replies[0]
    );
    world.end();
}

#[test]
fn patience_without_end_is_not_believed() {
    let world = MemoryWorld::new();
    world
        .slack
        .fault(&json!({"method": "*", "kind": "429", "retry_after": u64::MAX}));
    world.line(world.start, &denial());
    assert_eq!(world.kinds(), ["first"]);
    world.tick(world.minute(1));
    world.end();
}

#[test]
fn without_the_time_to_send_a_notice_is_left_to_the_next_tick() {
    let world = MemoryWorld::new();
    let event = Delivery::of("prod-eu").at(world.start, &denial()).event();
    let (answer, _) = world.functions()[0].invoke_within(&event, Duration::from_secs(10));
    answer.response();
    assert_eq!((world.kinds().len(), world.slack.cards().len()), (0, 0));
    world.tick(world.minute(1));
    assert_eq!(
        (world.kinds(), world.slack.cards().len()),
        (vec!["first".to_owned()], 1)
    );
    world.end();
}

#[test]
fn a_revoked_token_is_an_alarm_and_a_new_one_is_taken_without_a_deployment() {
    let world = MemoryWorld::new();
    world
        .slack
        .state(&json!({"tokens": {"xoxb-fake-0000": {"revoked": true}}}));
    world.line(world.start, &denial());
    assert_eq!((world.kinds().len(), world.slack.cards().len()), (1, 0));
    world
        .slack
        .state(&json!({"tokens": {"xoxb-fake-1111": {}}}));
    world.new_token("xoxb-fake-1111");
    let mut world = world;
    // A minute later, or in another function, the secret is read anew.
    world.crash();
    world.tick(world.minute(2));
    assert_eq!(world.slack.cards().len(), 1);
    let written = world.end();
    assert!(written.metric("SlackRefused").eq(&1.0));
    assert!(!written.log.contains("xoxb"), "{}", written.log);
}

#[test]
fn a_cause_that_facts_show_later_is_told_early_on_the_same_card() {
    let aws = Aws::new("aws", "eu-west-1");
    aws.eks.cluster(Cluster::new("prod-eu").mode("API"));
    let dev = aws.role(Principal::role("/", "dev").created_at("2026-01-01T00:00:00Z"));
    aws.eks.entry(
        "prod-eu",
        Entry::new(&dev).created_at("2026-01-02T00:00:00Z"),
    );
    aws.directory.recreate(&dev, "2026-02-01T00:00:00Z");
    aws.eks.plan(|_| Denied::Denied);
    let variables = aws.variables();
    let variables: Vec<(&str, &str)> = variables
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let mut world = MemoryWorld::with(&variables, |_| Answer::Accept);
    world.line(world.start, &denial());
    aws.eks.plan(|_| Denied::Normal);
    // What is unknown is asked again after a while, or by another function.
    world.crash();
    world.line(world.minute(6), &denial());
    assert_eq!(world.kinds(), ["first", "learned"]);
    let causes: Vec<String> = world
        .sns
        .published()
        .iter()
        .map(|one| one.attributes["cause"].clone())
        .collect();
    assert_eq!(causes, ["principal-not-mapped", "entry-outlived-its-role"]);
    let (cards, replies) = (world.slack.cards(), world.slack.replies());
    assert_eq!((cards.len(), replies.len()), (1, 1));
    assert!(
        text_of(&cards[0]).contains("entry-outlived-its-role"),
        "{}",
        cards[0]
    );
    assert!(
        text_of(&replies[0]).contains("The cause is known by now"),
        "{}",
        replies[0]
    );
    world.end();
}

#[test]
fn a_secret_that_is_none_costs_no_notice() {
    for (secret, words) in [
        ("no JSON", "the secret is no JSON object"),
        ("{\"webhook_url\": \"x\"}", "the secret has no `bot_token`"),
    ] {
        let world = MemoryWorld::new();
        world.stack.replace_secret("slack", secret);
        world.line(world.start, &denial());
        assert_eq!(world.kinds(), ["first"]);
        let written = world.end();
        assert!(written.log.contains(words), "{}", written.log);
        assert!(written.metric("SlackRefused").eq(&1.0));
    }
}

#[test]
fn a_row_is_small_enough_to_be_one_write_unit() {
    let world = MemoryWorld::new();
    let role = format!("arn:aws:iam::111122223333:role/{}", "r".repeat(64));
    let denial = lines::not_mapped(&role, 4000);
    let cluster = "c".repeat(100);
    for minute in [0, 20, 61] {
        world.handles(&Delivery::of(&cluster).at(world.minute(minute), &denial));
    }
    let row = world.row();
    let bytes: usize = row
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| {
            name.len()
                + value
                    .as_object()
                    .unwrap()
                    .values()
                    .map(|value| value.to_string().len())
                    .sum::<usize>()
        })
        .sum();
    assert!(bytes < 1024, "{bytes} bytes: {row}");
    world.end();
}

#[test]
fn a_webhook_gets_the_card_and_no_more() {
    let world = MemoryWorld::with(&[("SLACK_CHANNEL", "webhook")], |_| Answer::Accept);
    world.line(world.start, &denial());
    world.line(world.minute(61), &denial());
    assert_eq!(world.kinds(), ["first", "repeat"]);
    assert_eq!(
        (world.slack.cards().len(), world.slack.replies().len()),
        (2, 0)
    );
    world.end();
}

#[test]
fn routes_decide_which_channel_hears_and_whom_a_card_calls() {
    let routes = json!([
        {"cause": ["foreign-account-principal"], "channel": "none"},
        {"cluster": ["prod-*"], "severity": "high", "channel": OTHER_CHANNEL, "mention": ["S0000000001", "here"]},
    ]);
    let world = MemoryWorld::with(&[("SLACK_ROUTES", &routes.to_string())], |_| Answer::Accept);
    world.line(world.start, &denial());
    world.line(world.start, &lines::broken_aws_auth());
    world.line(
        world.start,
        &lines::not_mapped("arn:aws:iam::999988887777:role/x", 4000),
    );
    assert_eq!(world.kinds().len(), 3);
    let (here, there) = (
        world.slack.messages(CHANNEL),
        world.slack.messages(OTHER_CHANNEL),
    );
    assert_eq!((here.len(), there.len()), (1, 1));
    assert!(
        text_of(&there[0]).contains("<!subteam^S0000000001> <!here>"),
        "{}",
        there[0]
    );
    assert!(!text_of(&here[0]).contains("<!subteam"));
    world.end();
}

#[test]
fn the_person_who_was_refused_is_told_if_the_domain_is_ours() {
    let world = MemoryWorld::with(&[("SLACK_PEOPLE", "example.com")], |_| Answer::Accept);
    let of = |session: &str, role: &str, port: u16| {
        Delivery::of("prod-eu")
            .at(
                world.start,
                &lines::sts_response("111122223333", role, session, port),
            )
            .at(
                world.start,
                &lines::not_mapped(&format!("arn:aws:iam::111122223333:role/{role}"), port),
            )
    };
    world.handles(&of("jane@example.com", "dev", 4000));
    world.handles(&of("jane@example.org", "ops", 4001));
    world.handles(&of("nobody@example.com", "qa", 4002));
    assert_eq!(world.slack.cards().len(), 3);
    let told: Vec<Value> = world
        .slack
        .calls()
        .into_iter()
        .filter(|call| call["arguments"]["channel"] == "U0000000001")
        .collect();
    assert_eq!(told.len(), 1, "{told:?}");
    let written = world.end();
    assert!(
        written
            .log
            .contains("the person who was refused was not told")
    );
    assert!(!written.log.contains("nobody@"), "{}", written.log);
}

#[test]
fn what_callers_wrote_is_never_markup() {
    let hostile = "<!channel> *bold* `x` <https://evil.example|Approve> &amp; :fire: \u{202E}";
    let world = MemoryWorld::new();
    world.line(world.start, &lines::refused(hostile, 4000));
    world.line(
        world.start,
        &lines::mapping_failed(DEV, &format!("identity is not mapped {hostile}"), 4000),
    );
    for card in world.slack.cards() {
        let mut texts = Vec::new();
        markup(&card["blocks"], &mut texts);
        for text in texts {
            assert!(
                !text.contains("evil") && !text.contains("channel>"),
                "{text}"
            );
        }
        assert!(!card["text"].as_str().unwrap().contains("<!"), "{card}");
    }
    assert!(!world.slack.cards().is_empty());
    world.end();
}

/// Every text that Slack would look for markup in.
fn markup(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            if fields.get("type") == Some(&json!("mrkdwn")) {
                texts.push(fields["text"].as_str().unwrap_or("").to_owned());
            }
            fields.values().for_each(|field| markup(field, texts));
        }
        Value::Array(items) => items.iter().for_each(|item| markup(item, texts)),
        _ => {}
    }
}

#[test]
fn without_a_table_slack_hears_of_every_delivery() {
    let world = MemoryWorld::with(&[("TABLE_NAME", "")], |_| Answer::Accept);
    world.line(world.start, &denial());
    world.line(world.start + MINUTE, &denial());
    world.tick(world.minute(2));
    assert_eq!(
        (world.kinds(), world.slack.cards().len()),
        (vec!["first".to_owned(); 2], 2)
    );
    assert_eq!(world.stack.counts("dynamodb").len(), 0);
    world.end();
}
