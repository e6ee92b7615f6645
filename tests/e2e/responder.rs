//! The responder's real binary, end to end: events in through the Runtime API, notices out through SNS.
#![expect(
    clippy::panic,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that finds something wrong stops"
)]

mod causes;
mod facts;
mod facts_world;
mod memory;
mod memory_world;
mod world;

use std::time::Duration;

use fakes::delivery::{self, Bomb, Delivery};
use fakes::lines;
use fakes::process::Function;
use fakes::sns::Answer;
use world::{RESPONDER, TOPIC, World};

const DEV: &str = "arn:aws:iam::111122223333:role/dev";
const OPS: &str = "arn:aws:iam::111122223333:role/ops";

fn denied() -> Delivery {
    Delivery::of("prod-eu")
        .line(lines::granted(1))
        .line(lines::not_mapped(DEV, 4000))
}

#[test]
fn a_denial_becomes_one_notice_that_says_who_where_and_why() {
    let world = World::new();
    world.handles(&denied().event());
    let after = world.end();
    let notice = after.notice();
    assert_eq!(notice.attributes["cause"], "principal-not-mapped");
    assert_eq!(notice.attributes["cluster"], "prod-eu");
    assert!(notice.subject.contains("prod-eu"), "{}", notice.subject);
    let machine = notice.machine();
    assert_eq!(machine["principal"], DEV);
    assert_eq!(machine["symptom"], "not-mapped");
    assert_eq!(machine["grantable"], true);
    assert_eq!(machine["region"], "eu-west-1");
    assert!(notice.bodies["email"].contains(DEV));
    assert!(notice.bodies["https"].contains("prod-eu"));
    assert_eq!(
        (
            after.metric("Lines"),
            after.metric("Denials"),
            after.metric("Notices")
        ),
        (2, 1, 1)
    );
    assert_eq!(after.symptoms(), [("not-mapped", 1)]);
}

#[test]
fn a_delivery_that_comes_twice_is_told_twice_and_hurts_nobody() {
    let world = World::new();
    let event = denied().event();
    world.handles(&event).handles(&event);
    let after = world.end();
    let [first, second] = after.published.as_slice() else {
        panic!("{:?}", after.causes())
    };
    assert_eq!(
        (&first.subject, &first.message),
        (&second.subject, &second.message)
    );
}

#[test]
fn the_session_of_a_denial_is_told_with_it() {
    let delivery = Delivery::of("prod-eu")
        .line(lines::sts_response(
            "111122223333",
            "dev",
            "jane@example.com",
            4000,
        ))
        .line(lines::not_mapped(DEV, 4000));
    let world = World::new();
    world.handles(&delivery.event());
    let after = world.end();
    assert_eq!(
        after.notice().machine()["sessions"],
        serde_json::json!(["jane@example.com"])
    );
    assert!(
        !after.notice().everything().contains("127.0.0.1"),
        "the client's port is not the caller's address"
    );
}

#[test]
fn the_probe_of_a_new_subscription_is_acknowledged_in_silence() {
    let world = World::new();
    world.handles(&Delivery::control().event());
    let after = world.end();
    assert_eq!(after.asked.len(), 0);
    assert_eq!(
        (after.metric("Lines"), after.metric("PayloadsRejected")),
        (0, 0)
    );
}

#[test]
fn what_is_no_delivery_is_acknowledged_and_counted_because_no_retry_can_help() {
    let good = denied().gzip();
    let (half, _) = good.split_at(good.len() / 2);
    let flipped: Vec<u8> = good
        .iter()
        .enumerate()
        .map(|(at, byte)| if at == 40 { byte ^ 0x10 } else { *byte })
        .collect();
    let events: Vec<Vec<u8>> = vec![
        b"".to_vec(),
        b"garbage".to_vec(),
        b"\xFF\xFE\x00".to_vec(),
        b"{\"awslogs\":{\"data\":\"".to_vec(),
        b"null".to_vec(),
        b"[]".to_vec(),
        b"{}".to_vec(),
        b"{\"awslogs\":null}".to_vec(),
        b"{\"awslogs\":{}}".to_vec(),
        b"{\"awslogs\":{\"data\":7}}".to_vec(),
        b"{\"awslogs\":{\"data\":\"%%%\"}}".to_vec(),
        b"{\"Records\":[{\"s3\":{\"bucket\":{\"name\":\"b\"}}}]}".to_vec(),
        delivery::event(b""),
        delivery::event(b"plain text"),
        delivery::event(half),
        delivery::event(&flipped),
        delivery::event(&delivery::gzip(b"")),
        delivery::event(&delivery::gzip(b"no JSON")),
        delivery::event(&delivery::gzip(b"{\"messageType\":\"DATA_MESSAGE\"}")),
        delivery::event(&delivery::gzip(
            b"{\"messageType\":\"DATA_MESSAGE\",\"logEvents\":[{\"message\":",
        )),
    ];
    let world = World::new();
    for event in &events {
        world.handles(event);
    }
    // It still works.
    world.handles(&denied().event());
    let after = world.end();
    assert_eq!(after.causes(), ["principal-not-mapped"]);
    assert_eq!(
        after.metric("PayloadsRejected"),
        events.len() as u64,
        "{}",
        after.log
    );
    assert_eq!(after.metric("Lines"), 2);
    assert!(
        !after.log.contains("no JSON"),
        "a payload's text is not logged"
    );
}

#[test]
fn nothing_is_published_from_a_payload_whose_checksum_is_wrong() {
    let world = World::new();
    world.handles(&delivery::event(&delivery::with_wrong_checksum(
        denied().gzip(),
    )));
    let without_trailer = denied().gzip();
    world.handles(&delivery::event(
        &without_trailer[..without_trailer.len() - 8],
    ));
    let after = world.end();
    assert_eq!(after.asked.len(), 0);
    assert_eq!(
        (after.metric("PayloadsRejected"), after.metric("Denials")),
        (2, 0)
    );
}

#[test]
fn a_payload_in_several_gzip_members_is_one_payload() {
    let world = World::new();
    world.handles(&delivery::event(&delivery::gzip_in_members(
        &denied().document(),
        3,
    )));
    assert_eq!(world.end().causes(), ["principal-not-mapped"]);
}

#[test]
fn a_damaged_record_of_a_stream_costs_only_itself() {
    let records = [
        denied().gzip(),
        delivery::with_wrong_checksum(denied().gzip()),
        Delivery::control().gzip(),
    ];
    let world = World::new();
    world.handles(&delivery::kinesis_event(&records));
    let after = world.end();
    assert_eq!(after.causes(), ["principal-not-mapped"]);
    assert_eq!(
        (after.metric("PayloadsRejected"), after.metric("Lines")),
        (1, 2)
    );
}

/// A payload of less than 1 MB that unfolds to 700.
fn survives(kind: Bomb, reason: &str) {
    let event = delivery::event(&delivery::bomb(kind, 700));
    assert!(
        event.len() < 1 << 20,
        "a bomb of {} bytes is no delivery",
        event.len()
    );
    let world = World::new();
    world.handles(&event);
    let peak = world.peak_memory();
    assert!(peak < 32, "{peak} MiB");
    let after = world.end();
    assert_eq!(after.asked.len(), 0);
    assert_eq!(after.metric("PayloadsRejected"), 1);
    assert!(
        after.log.contains(&format!("\"reason\":\"{reason}\"")),
        "{}",
        after.log
    );
}

#[test]
fn a_bomb_that_is_one_endless_line_is_refused_in_flat_memory() {
    survives(Bomb::Line, "too-large");
}

#[test]
fn a_bomb_of_spaces_is_refused_in_flat_memory() {
    survives(Bomb::Spaces, "too-large");
}

#[test]
fn a_bomb_in_an_unknown_field_is_refused_in_flat_memory() {
    survives(Bomb::Field, "too-large");
}

#[test]
fn a_bomb_behind_a_good_document_is_refused_in_flat_memory() {
    survives(Bomb::Trailer, "bad-json");
}

#[test]
fn a_bad_line_costs_only_itself() {
    let delivery = Delivery::of("prod-eu")
        .line("")
        .line("time=\"2026-03-01T10:00:00Z\" level=warning msg=\"access denied\" arn=\"arn:aws:iam::111122223333:role/d")
        .line("\u{FFFD}\u{0}\u{202E} no line at all {\"")
        .line(lines::not_mapped(DEV, 4000))
        .line("x".repeat(300_000));
    let world = World::new();
    world.handles(&delivery.event());
    let after = world.end();
    assert_eq!(after.causes(), ["principal-not-mapped"]);
    assert_eq!(after.notice().machine()["count"], 1);
    assert_eq!(after.metric("Lines"), 5);
    assert!(after.metric("Unreadable") >= 1);
}

#[test]
fn sns_that_asks_for_patience_gets_it() {
    for busy in [
        Answer::Throttling,
        Answer::Throttled,
        Answer::KmsThrottling,
        Answer::InternalError,
    ] {
        let world = World::with(&[], move |asked| {
            if asked.number < 3 {
                busy
            } else {
                Answer::Accept
            }
        });
        world.handles(&denied().event());
        let after = world.end();
        assert_eq!(
            (after.asked.len(), after.published.len()),
            (3, 1),
            "{busy:?}"
        );
        assert_eq!(
            (after.metric("Notices"), after.metric("DeliveryFailures")),
            (1, 0)
        );
    }
}

#[test]
fn a_notice_that_sns_refuses_fails_the_invocation_after_all_others_were_published() {
    let world = World::with(&[], |asked| {
        if asked.subject.contains("dev") {
            Answer::Denied
        } else {
            Answer::Accept
        }
    });
    let delivery = denied()
        .line(lines::not_mapped(OPS, 4001))
        .line(lines::refused(EXPIRED, 4002));
    let (kind, message) = world.fails(&delivery.event());
    assert_eq!(kind, "NotPublished");
    assert!(
        message.starts_with("1 of 3 notices were not published (last: AuthorizationError"),
        "{message}"
    );
    let after = world.end();
    assert_eq!(after.published.len(), 2, "{:?}", after.causes());
    assert_eq!(
        after.asked.len(),
        3,
        "a refusal is not tried again by ourselves"
    );
    assert_eq!(
        (after.metric("Notices"), after.metric("DeliveryFailures")),
        (2, 1)
    );
    assert!(
        after.log.contains("\"reason\":\"AuthorizationError\""),
        "{}",
        after.log
    );
}

#[test]
fn a_retried_delivery_is_published_once_sns_is_well_again() {
    let world = World::with(&[], |asked| {
        if asked.number <= 3 {
            Answer::InternalError
        } else {
            Answer::Accept
        }
    });
    let event = denied().event();
    let (kind, message) = world.fails(&event);
    assert_eq!(kind, "NotPublished");
    assert!(message.contains("InternalError"), "{message}");
    world.handles(&event);
    assert_eq!(world.end().causes(), ["principal-not-mapped"]);
}

#[test]
fn an_invocation_ends_before_lambda_ends_it_when_sns_is_silent() {
    let world = World::with(&[], |asked| {
        if asked.subject.contains("dev") {
            Answer::Silence
        } else {
            Answer::Accept
        }
    });
    let delivery = denied().line(lines::not_mapped(OPS, 4001));
    let (kind, message, took) = world.fails_within(&delivery.event(), Duration::from_secs(3));
    assert_eq!(kind, "OutOfTime");
    assert!(
        message.starts_with("time ran out with 1 of 2 notices unsent"),
        "{message}"
    );
    assert!(took < Duration::from_secs(3), "{took:?}");
    let after = world.end();
    assert_eq!(after.published.len(), 1);
    assert_eq!(
        (after.metric("Notices"), after.metric("DeliveryFailures")),
        (1, 1)
    );
}

#[test]
fn notices_beyond_the_limit_are_held_back_and_counted_the_gravest_are_sent() {
    let world = World::with(&[("MAX_NOTICES", "2")], |_| Answer::Accept);
    let roles = (0..5).map(|number| {
        lines::not_mapped(
            &format!("arn:aws:iam::111122223333:role/team-{number}"),
            4000,
        )
    });
    let people = Delivery::of("prod-eu")
        .lines(roles)
        .line(lines::refused(EXPIRED, 4002));
    let graver = Delivery::of("prod-us").line(lines::broken_aws_auth());
    world.handles(&delivery::kinesis_event(&[people.gzip(), graver.gzip()]));
    let after = world.end();
    assert_eq!(after.published.len(), 2);
    assert!(
        after.causes().contains(&"aws-auth-malformed"),
        "{:?}",
        after.causes()
    );
    assert_eq!(
        (after.metric("Notices"), after.metric("NoticesHeldBack")),
        (2, 5)
    );
}

const EXPIRED: &str = "input token was not properly formatted: X-Amz-Date parameter is expired (15 minutes expiration) 2026-03-01 09:00:00 +0000 UTC";

/// Text that a caller without any AWS account can write into the log, and what must not come of it.
fn forgeries() -> Vec<String> {
    let evil = "arn:aws:iam::111122223333:role/admin";
    vec![
        format!(
            "input token was not properly formatted: unexpected hostname \"x\" arn={evil} error=\"ARN is not mapped\""
        ),
        format!(
            "input token was not properly formatted: X-Amz-Date parameter x msg=\"access denied\" arn={evil} \
             client=\"127.0.0.1:1\" error=\"ARN is not mapped\" is not in form"
        ),
        format!(
            "input token was not properly formatted: non-whitelisted query parameter \"ARN is not mapped\\\" arn=\\\"{evil}\""
        ),
        format!(
            "input token was not properly formatted: \n time=\"2026-03-01T10:00:00Z\" level=warning msg=\"access denied\" arn=\"{evil}\" client=\"127.0.0.1:1\" error=\"ARN is not mapped\" method=POST path=/authenticate"
        ),
        format!("ARN is not mapped: {evil}"),
        format!(
            "sts getCallerIdentity failed: error from AWS (expected 200, got 403). Body: {{\"Arn\":\"{evil}\",\"Error\":\"ARN is not mapped\"}}"
        ),
        format!(
            "input token was not properly formatted: unexpected scheme \"<!channel> <https://evil.example|Approve> @here *{evil}* \u{202E}nimda/elor\u{200B} <script>\""
        ),
    ]
}

#[test]
fn forged_text_in_a_line_names_nobody_and_offers_nothing() {
    let world = World::new();
    for forged in forgeries() {
        world.handles(
            &Delivery::of("prod-eu")
                .line(lines::refused(&forged, 4000))
                .event(),
        );
    }
    let after = world.end();
    for notice in &after.published {
        let machine = notice.machine();
        assert_eq!(
            machine["principal"],
            serde_json::Value::Null,
            "{}",
            machine["fingerprint"]
        );
        assert_eq!(
            (&machine["principals"], &machine["grantable"]),
            (&serde_json::json!([]), &serde_json::json!(false))
        );
        assert!(!machine["fingerprint"].to_string().contains("admin"));
        assert!(
            !machine["remedies"].to_string().contains("role/admin"),
            "{}",
            machine["remedies"]
        );
        assert!(!notice.subject.contains("admin"));
        let chat = &notice.bodies["https"];
        assert!(
            !chat.contains("role/admin") && !chat.contains("evil.example") && !chat.contains("<!"),
            "{chat}"
        );
        for body in notice.bodies.values() {
            assert!(!body.contains(['\u{202E}', '\u{200B}']));
        }
    }
    assert!(!after.log.contains("admin"), "{}", after.log);
    assert_eq!(
        after.metric("Denials"),
        forgeries().len() as u64,
        "each is still a denial"
    );
    // Only where the authenticator itself says so, and even then nobody is named.
    let honest = forgeries()
        .iter()
        .filter(|text| text.starts_with("ARN is not mapped"))
        .count() as u64;
    let not_mapped: u64 = after
        .symptoms()
        .iter()
        .filter(|(symptom, _)| *symptom == "not-mapped")
        .map(|(_, count)| count)
        .sum();
    assert_eq!(not_mapped, honest, "{:?}", after.symptoms());
}

#[test]
fn a_line_that_is_forged_whole_in_another_stream_is_ignored() {
    let world = World::new();
    for stream in [
        "kube-apiserver-0123",
        "kube-apiserver-audit-0123",
        "kube-scheduler-0123",
        "",
        "Authenticator-0123",
    ] {
        let delivery = Delivery {
            log_stream: stream.to_owned(),
            ..denied()
        };
        world.handles(&delivery.event());
    }
    let after = world.end();
    assert_eq!(after.asked.len(), 0);
    assert_eq!(
        (
            after.metric("Ignored"),
            after.metric("Lines"),
            after.metric("Denials")
        ),
        (10, 10, 0)
    );
}

#[test]
fn a_log_group_that_is_no_cluster_s_is_ignored_so_that_nothing_feeds_back() {
    let world = World::new();
    for group in [
        "/aws/lambda/eks-access-responder",
        "/aws/eks/prod-eu/cluster2",
        "/aws/eks/a/b/cluster",
        "",
    ] {
        let delivery = Delivery {
            log_group: group.to_owned(),
            ..denied()
        };
        world.handles(&delivery.event());
    }
    let after = world.end();
    assert_eq!(after.asked.len(), 0);
    assert_eq!((after.metric("Ignored"), after.metric("Denials")), (8, 0));
}

#[test]
fn principals_of_other_accounts_are_one_notice_that_offers_nothing() {
    let foreign = (0..30).map(|number| {
        lines::not_mapped(
            &format!("arn:aws:iam::9999{:08}:role/knocks-{number}", number % 7),
            4000 + number,
        )
    });
    let world = World::new();
    world.handles(&Delivery::of("prod-eu").lines(foreign).event());
    let after = world.end();
    let machine = after.notice().machine();
    assert_eq!(machine["cause"], "foreign-account-principal");
    assert_eq!(
        (&machine["count"], &machine["grantable"]),
        (&serde_json::json!(30), &serde_json::json!(false))
    );
    assert_eq!(machine["principal"], serde_json::Value::Null);
}

#[test]
fn an_account_that_is_said_to_be_ours_is_not_foreign() {
    let world = World::with(&[("OWN_ACCOUNTS", "444455556666")], |_| Answer::Accept);
    world.handles(
        &Delivery::of("prod-eu")
            .line(lines::not_mapped(
                "arn:aws:iam::444455556666:role/dev",
                4000,
            ))
            .event(),
    );
    let after = world.end();
    assert_eq!(after.causes(), ["principal-not-mapped"]);
}

#[test]
fn fifty_denials_right_after_aws_auth_broke_are_one_notice_about_aws_auth() {
    let people = (0..50).map(|number| {
        lines::not_mapped(
            &format!("arn:aws:iam::111122223333:role/team-{number}"),
            4000,
        )
    });
    let world = World::new();
    world.handles(
        &Delivery::of("prod-eu")
            .line(lines::broken_aws_auth())
            .lines(people)
            .event(),
    );
    let after = world.end();
    assert_eq!(after.notice().attributes["cause"], "aws-auth-malformed");
    assert_eq!(after.notice().machine()["count"], 51);
    assert_eq!(after.notice().attributes["severity"], "critical");
}

#[test]
fn a_secret_in_a_line_goes_nowhere() {
    let secrets = [
        "eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ.eyJzdWIiOiJzeXN0ZW0ifQ.c2lnbmF0dXJl",
        "k8s-aws-v1.aHR0cHM6Ly9zdHMuYW1hem9uYXdzLmNvbS8",
        "AKIAIOSFODNN7EXAMPL2",
        "X-Amz-Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
        "X-Amz-Security-Token=FwoGZXIvYXdzEXAMPLE",
    ];
    let hidden = [
        "eyJzdWIi",
        "aHR0cHM6",
        "IOSFODNN7EXAMPL2",
        "5d672d79c15b",
        "YXdzEXAMPLE",
    ];
    let world = World::new();
    for secret in secrets {
        let error = format!(
            "input token was not properly formatted: parse \"https://sts.amazonaws.com/?{secret}\": invalid"
        );
        world.handles(
            &Delivery::of("prod-eu")
                .line(lines::refused(&error, 4000))
                .event(),
        );
        // Also in a line that no grammar knows.
        world.handles(
            &Delivery::of("prod-eu")
                .line(format!("level=warning msg=\"access denied\" {secret}"))
                .event(),
        );
    }
    let after = world.end();
    assert!(!after.published.is_empty());
    for text in after
        .asked
        .iter()
        .map(fakes::sns::Published::everything)
        .chain([after.log])
    {
        for part in hidden {
            assert!(!text.contains(part), "{part} in {text}");
        }
    }
}

#[test]
fn nobody_s_text_becomes_the_name_of_a_metric() {
    let world = World::new();
    world.handles(
        &Delivery::of("prod-eu")
            .line(lines::refused("never heard of this", 4000))
            .event(),
    );
    let after = world.end();
    assert_eq!(after.symptoms(), [("unknown-denial", 1)]);
    assert_eq!(
        (after.metric("Unrecognised"), after.metric("Denials")),
        (1, 1)
    );
}

#[test]
fn every_mistake_in_the_configuration_is_told_at_once_and_the_function_does_not_start() {
    let variables = [
        ("MAX_NOTICES", "many"),
        ("MAX_DECODED_BYTES", "1"),
        ("OWN_ACCOUNTS", "me"),
        ("AWS_REGION", "eu-west-1"),
    ];
    let ended = Function::start(RESPONDER, &variables).ended();
    assert_eq!(ended.status.code(), Some(1));
    assert_eq!((ended.stdout.as_str(), ended.unasked), ("", Vec::new()));
    let told = ended.stderr.trim_end();
    assert!(
        told.starts_with("the configuration has 4 mistakes:\n"),
        "{told}"
    );
    for name in [
        "TOPIC_ARN is not set; ",
        "MAX_NOTICES is `many`; ",
        "MAX_DECODED_BYTES is `1`; ",
        "OWN_ACCOUNTS is `me`; ",
    ] {
        assert!(told.contains(name), "{told}");
    }
    assert_eq!(
        ended.init_error,
        Some(("Configuration".to_owned(), told.to_owned()))
    );
}

#[test]
fn a_topic_of_another_region_is_published_to_in_its_own() {
    // The fake refuses a request that is signed for another Region than its topic's.
    let world = World::with(&[("AWS_REGION", "us-east-1")], |_| Answer::Accept);
    world.handles(&denied().event());
    let after = world.end();
    assert_eq!(
        after.notice().machine()["region"],
        "us-east-1",
        "the cluster's"
    );
    assert!(TOPIC.contains("eu-west-1"));
}

#[test]
fn a_panic_would_be_caught_in_every_profile() {
    let manifest =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml"))
            .unwrap_or_default();
    assert!(
        manifest.contains("[profile.release]"),
        "the manifest was not found"
    );
    assert!(
        !manifest.contains("\"abort\""),
        "panics are caught only with `unwind`"
    );
}
