//! Deliveries: every form that comes, and what is wrong with those that can't be read.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails where it finds something missing"
)]

use std::io::Write;

use aws_lambda_events::cloudwatch_logs::LogData;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use eks_access::delivery::{DeliveryError, Header, Limits, Payload, payloads};
use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use serde_json::{Value, json};

type Read = Result<Vec<(String, Option<i64>, String, bool)>, DeliveryError>;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn document(events: &Value) -> Value {
    json!({"messageType": "DATA_MESSAGE", "owner": "111122223333", "logGroup": "/aws/eks/prod/cluster",
        "logStream": "authenticator-1", "subscriptionFilters": ["f"], "logEvents": events})
}

fn event(data: &[u8]) -> Vec<u8> {
    json!({"awslogs": {"data": STANDARD.encode(data)}})
        .to_string()
        .into_bytes()
}

fn read_with(event: &[u8], limits: &Limits) -> Read {
    let mut events = Vec::new();
    for payload in payloads(event)? {
        payload.read(limits, |_, event| {
            events.push((
                event.id.to_owned(),
                event.timestamp,
                event.message.to_owned(),
                event.is_cut,
            ));
        })?;
    }
    Ok(events)
}

fn read(event: &[u8]) -> Read {
    read_with(event, &Limits::default())
}

fn messages(events: &[u8]) -> Vec<String> {
    read(events)
        .unwrap()
        .into_iter()
        .map(|(_, _, message, _)| message)
        .collect()
}

#[test]
fn headers_and_events_are_read_and_unknown_members_are_not_minded() {
    let mut sent = document(&json!([
        {"id": "1", "timestamp": 7, "message": "a \"b\" \\ é 😀", "extractedFields": {"x": ["]}", 1.5e3, null, true]}},
        {"timestamp": "soon", "message": "c"},
        {"id": 5, "message": null},
        "what is this",
    ]));
    sent["policyLevel"] = "ACCOUNT_LEVEL_POLICY".into();
    let compressed = gzip(serde_json::to_string_pretty(&sent).unwrap().as_bytes());
    let read = read(&event(&compressed)).unwrap();
    assert_eq!(
        read[0],
        ("1".to_owned(), Some(7), "a \"b\" \\ é 😀".to_owned(), false)
    );
    assert_eq!(read[1], (String::new(), None, "c".to_owned(), false));
    assert_eq!((read.len(), read[3].2.as_str()), (4, ""));
    let headers = Payload::from_bytes(compressed)
        .read(&Limits::default(), |_, _| {})
        .unwrap();
    let expected = Header {
        is_control: false,
        owner: "111122223333".to_owned(),
        log_group: "/aws/eks/prod/cluster".to_owned(),
        log_stream: "authenticator-1".to_owned(),
    };
    assert_eq!(headers, [expected]);
}

#[test]
fn a_control_message_is_acknowledged_and_gives_nothing() {
    let control = json!({"messageType": "CONTROL_MESSAGE", "owner": "CloudwatchLogs", "logGroup": "", "logStream": "",
        "subscriptionFilters": [], "logEvents": [{"id": "", "timestamp": 1, "message": "CWL CONTROL MESSAGE: Checking health of destination"}]});
    assert_eq!(
        read(&event(&gzip(control.to_string().as_bytes()))),
        Ok(Vec::new())
    );
}

#[test]
fn the_header_may_come_last() {
    let text = "{\"logEvents\":[{\"message\":\"a\"}],\"logStream\":\"s\",\"logGroup\":\"g\",\"messageType\":\"DATA_MESSAGE\"}";
    let mut seen = Vec::new();
    let payload = Payload::from_bytes(gzip(text.as_bytes()));
    payload
        .read(&Limits::default(), |header, event| {
            seen.push((header.log_group.clone(), event.message.to_owned()));
        })
        .unwrap();
    assert_eq!(seen, [("g".to_owned(), "a".to_owned())]);
}

#[test]
fn members_of_a_gzip_stream_are_put_together() {
    let text = document(&json!([{"message": "a"}, {"message": "b"}])).to_string();
    let (first, second) = text.as_bytes().split_at(text.len() / 2);
    assert_eq!(
        messages(&event(&[gzip(first), gzip(second)].concat())),
        ["a", "b"]
    );
}

#[test]
fn kinesis_and_firehose_records_are_read_and_a_bad_one_costs_only_itself() {
    let good = STANDARD.encode(gzip(
        document(&json!([{"message": "a"}])).to_string().as_bytes(),
    ));
    let kinesis = json!({"Records": [{"kinesis": {"data": good, "partitionKey": "1"}, "eventSource": "aws:kinesis"}]});
    assert_eq!(messages(kinesis.to_string().as_bytes()), ["a"]);
    let firehose = json!({"invocationId": "x", "records": [{"recordId": "1", "data": good}, {"recordId": "2", "data": "!"}]});
    let payloads = payloads(firehose.to_string().as_bytes()).unwrap();
    let verified: Vec<_> = payloads
        .iter()
        .map(|payload| payload.verify(&Limits::default()))
        .collect();
    assert_eq!(verified, [Ok(()), Err(DeliveryError::Base64)]);
    // Firehose can decompress by itself.
    let plain = STANDARD.encode(document(&json!([{"message": "b"}])).to_string());
    assert_eq!(
        messages(json!({"records": [{"data": plain}]}).to_string().as_bytes()),
        ["b"]
    );
}

#[test]
fn wrong_input_is_a_typed_error() {
    let sound = gzip(document(&json!([{"message": "a"}])).to_string().as_bytes());
    let mut wrong_checksum = sound.clone();
    let at = wrong_checksum.len() - 8;
    wrong_checksum[at] ^= 1;
    for (input, slug) in [
        (b"".to_vec(), "not-a-delivery"),
        (b"{}".to_vec(), "not-a-delivery"),
        (b"{\"awslogs\":{\"data\":7}}".to_vec(), "not-a-delivery"),
        (b"{\"awslogs\":{\"data\":\"$\"}}".to_vec(), "bad-base64"),
        (event(b""), "bad-json"),
        (event(b"\x1f\x8b\x08"), "bad-gzip"),
        (event(&sound[..sound.len() - 1]), "bad-gzip"),
        (event(&sound[..sound.len() / 2]), "bad-gzip"),
        (event(&wrong_checksum), "bad-gzip"),
        (event(&[sound, b"rubbish".to_vec()].concat()), "bad-gzip"),
        (event(&gzip(b"[]")), "bad-json"),
        (event(&gzip(b"{\"logEvents\":7}")), "bad-json"),
        (
            event(&gzip(b"{\"messageType\":\"DATA_MESSAGE\"}")),
            "bad-json",
        ),
        (event(&gzip("[".repeat(100_000).as_bytes())), "bad-json"),
        (
            event(&gzip(format!("{{\"x\":{}", "[".repeat(100_000)).as_bytes())),
            "bad-json",
        ),
    ] {
        let error = read(&input).unwrap_err();
        assert_eq!(error.slug(), slug, "{error}");
        assert!(!error.to_string().is_empty());
    }
}

#[test]
fn a_bomb_is_refused_and_a_long_line_is_cut() {
    let bomb = gzip(&vec![b' '; 3 << 20]);
    let limits = Limits {
        decoded_bytes: 2 << 20,
        message_bytes: 1000,
    };
    assert_eq!(
        read_with(&event(&bomb), &limits),
        Err(DeliveryError::TooLarge(2 << 20))
    );
    let long = "x\n".repeat(100_000);
    let sent = gzip(
        document(&json!([{"message": long}, {"message": "next"}]))
            .to_string()
            .as_bytes(),
    );
    let read = read_with(&event(&sent), &limits).unwrap();
    assert_eq!((read[0].2.len(), read[0].3), (1000, true));
    assert_eq!((read[1].2.as_str(), read[1].3), ("next", false));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// The types of `aws_lambda_events` read the same, where they can read at all.
    #[test]
    fn an_independent_reader_agrees(
        events in prop::collection::vec((".{0,20}", any::<i64>(), ".{0,400}"), 0..12),
        is_pretty in any::<bool>(),
    ) {
        let events: Vec<Value> = events
            .into_iter()
            .map(|(id, timestamp, message)| json!({"id": id, "timestamp": timestamp, "message": message}))
            .collect();
        let sent = document(&events.into());
        let text = if is_pretty { serde_json::to_string_pretty(&sent).unwrap() } else { sent.to_string() };
        let theirs: LogData = serde_json::from_str(&text).unwrap();
        let theirs: Vec<_> = theirs.log_events.into_iter().map(|e| (e.id, Some(e.timestamp), e.message, false)).collect();
        prop_assert_eq!(read(&event(&gzip(text.as_bytes()))).unwrap(), theirs);
    }
}
