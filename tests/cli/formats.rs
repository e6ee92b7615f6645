//! Every format gives the same answers.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::run::{EXPIRED, GRANTED, IDENTITY, NOT_MAPPED, lines, run};

const STREAM: &str = "authenticator-0123456789abcdef0123456789abcdef";
const GROUP: &str = "/aws/eks/prod-eu/cluster";
const LINES: [&str; 4] = [IDENTITY, NOT_MAPPED, EXPIRED, GRANTED];

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn payload() -> Value {
    let events: Vec<Value> = LINES
        .iter()
        .enumerate()
        .map(|(number, line)| json!({"id": number.to_string(), "timestamp": 1_795_301_401_000_i64, "message": line}))
        .collect();
    json!({"messageType": "DATA_MESSAGE", "owner": "111122223333", "logGroup": GROUP, "logStream": STREAM,
        "subscriptionFilters": ["f"], "logEvents": events})
}

fn answers(input: &[u8], name: &str) {
    let output = run(&["explain", "--format", "json"], input);
    assert_eq!(
        output.column("symptom"),
        [
            "sts-identity",
            "not-mapped",
            "token-expired",
            "access-granted"
        ],
        "{name}: {}",
        output.stderr
    );
    assert_eq!(output.column("session")[1], "jo@example.com", "{name}");
    assert_eq!(
        output.column("principal")[1],
        "arn:aws:iam::111122223333:role/Dev",
        "{name}"
    );
    assert_eq!(output.code, 1, "{name}");
}

#[test]
fn subscription_payloads_are_read_as_sent_and_decoded() {
    let decoded = payload().to_string();
    let data = STANDARD.encode(gzip(decoded.as_bytes()));
    answers(decoded.as_bytes(), "decoded");
    answers(
        serde_json::to_string_pretty(&payload()).unwrap().as_bytes(),
        "decoded, pretty",
    );
    answers(&gzip(decoded.as_bytes()), "gzip");
    answers(
        json!({"awslogs": {"data": data}}).to_string().as_bytes(),
        "Lambda event",
    );
    answers(
        serde_json::to_string_pretty(&json!({"awslogs": {"data": data}}))
            .unwrap()
            .as_bytes(),
        "Lambda event, pretty",
    );
    answers(
        json!({"Records": [{"kinesis": {"data": data, "sequenceNumber": "1"}}]})
            .to_string()
            .as_bytes(),
        "Kinesis",
    );
    answers(
        json!({"records": [{"recordId": "1", "data": data}]})
            .to_string()
            .as_bytes(),
        "Firehose",
    );
    // Headers after the events, as no AWS service writes them.
    let events = &payload()["logEvents"];
    let odd = format!(
        "{{\"logEvents\":{events},\"messageType\":\"DATA_MESSAGE\",\"logStream\":\"{STREAM}\"}}"
    );
    answers(odd.as_bytes(), "events first");
}

#[test]
fn what_the_aws_cli_prints_is_read() {
    let events: Vec<Value> = LINES
        .iter()
        .map(|line| json!({"logStreamName": STREAM, "timestamp": 1_795_301_401_000_i64, "message": line, "eventId": "1"}))
        .collect();
    let filtered = json!({"events": events, "searchedLogStreams": [], "nextToken": "x"});
    answers(
        serde_json::to_string_pretty(&filtered).unwrap().as_bytes(),
        "filter-log-events",
    );
    answers(
        filtered.to_string().as_bytes(),
        "filter-log-events, compact",
    );
    answers(
        serde_json::to_string_pretty(
            &json!({"events": events, "nextForwardToken": "f", "nextBackwardToken": "b"}),
        )
        .unwrap()
        .as_bytes(),
        "get-log-events",
    );
    let rows: Vec<Value> = LINES
        .iter()
        .map(|line| json!([{"field": "@timestamp", "value": "2026-11-21 22:50:01.000"}, {"field": "@message", "value": line},
            {"field": "@logStream", "value": STREAM}, {"field": "@ptr", "value": "x"}]))
        .collect();
    answers(
        serde_json::to_string_pretty(
            &json!({"results": rows, "statistics": {}, "status": "Complete"}),
        )
        .unwrap()
        .as_bytes(),
        "get-query-results",
    );
    let tail: Vec<String> = LINES
        .iter()
        .map(|line| format!("2026-11-21T22:50:01.000000+00:00 {STREAM} {line}"))
        .collect();
    answers(tail.join("\n").as_bytes(), "tail");
    let short: Vec<String> = LINES
        .iter()
        .map(|line| format!("2026-11-21T22:50:01 {line}"))
        .collect();
    answers(short.join("\n").as_bytes(), "tail --format short");
}

#[test]
fn exports_are_read() {
    let cell = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let csv: Vec<String> = LINES
        .iter()
        .map(|line| format!("2026-11-21 22:50:01.000,{},{STREAM}", cell(line)))
        .collect();
    answers(
        format!("@timestamp,@message,@logStream\n{}\n", csv.join("\n")).as_bytes(),
        "Logs Insights CSV",
    );
    let console: Vec<String> = LINES
        .iter()
        .map(|line| format!("1795301401000,{}", cell(line)))
        .collect();
    answers(
        format!("timestamp,message\n{}\n", console.join("\r\n")).as_bytes(),
        "console CSV",
    );
    let insights: Vec<Value> = LINES
        .iter()
        .map(|line| json!({"@timestamp": "2026-11-21 22:50:01.000", "@message": line}))
        .collect();
    answers(
        serde_json::to_string_pretty(&insights).unwrap().as_bytes(),
        "Logs Insights JSON",
    );
    let s3: Vec<String> = LINES
        .iter()
        .map(|line| format!("2026-11-21T22:50:01.000Z {line}"))
        .collect();
    answers(&gzip((s3.join("\n") + "\n").as_bytes()), "export to S3");
}

#[test]
fn json_lines_are_read_under_every_name() {
    for name in ["message", "line", "@message"] {
        let text: Vec<String> = LINES
            .iter()
            .map(|line| json!({name: line, "logStream": STREAM}).to_string())
            .collect();
        answers((text.join("\n") + "\n").as_bytes(), name);
    }
    let text: Vec<String> = LINES
        .iter()
        .map(|line| json!({"id": 7, "@timestamp": "x", "timestamp": 1, "stream": "authenticator", "line": line}).to_string())
        .collect();
    answers(text.join("\n").as_bytes(), "stream");
}

#[test]
fn one_bad_line_never_costs_the_others() {
    let good = json!({"line": EXPIRED, "stream": "authenticator"}).to_string();
    let input = lines(&[&good, "{\"line\": 7}", "{broken", "\u{0}", &good]);
    let output = run(&["explain", "--format", "json"], &input);
    assert_eq!(
        output
            .column("symptom")
            .iter()
            .filter(|symptom| *symptom == "token-expired")
            .count(),
        2
    );
    assert_eq!(output.json().len(), 5);
}

#[test]
fn the_stream_a_line_is_said_to_be_of_counts() {
    let audit = json!({"line": NOT_MAPPED, "stream": "audit"}).to_string();
    let apiserver =
        json!({"line": NOT_MAPPED, "logStream": "kube-apiserver-0123456789abcdef"}).to_string();
    let output = run(
        &["explain", "--format", "json"],
        &lines(&[&audit, &apiserver]),
    );
    assert_eq!(
        (output.code, output.column("stream")),
        (0, vec!["audit".to_owned(), "apiserver".to_owned()])
    );
}

#[test]
fn broken_documents_say_what_is_wrong() {
    for (input, what) in [
        (&b"{\"awslogs\":{\"data\":\"!!!\"}}"[..], "not base64"),
        (
            b"{\"awslogs\":{\"data\":\"aGVsbG8=\"}}",
            "not a CloudWatch Logs document",
        ),
        (b"{\"events\":[", "EOF"),
    ] {
        let output = run(&["explain"], input);
        assert_eq!(output.code, 2);
        assert!(output.stderr.contains(what), "{}", output.stderr);
    }
    let mut damaged = gzip(payload().to_string().as_bytes());
    let checksum = damaged.len() - 8;
    damaged[checksum] ^= 1;
    let event = json!({"awslogs": {"data": STANDARD.encode(damaged)}}).to_string();
    let output = run(&["explain"], event.as_bytes());
    assert_eq!(output.code, 2);
    assert!(
        output.stderr.contains("not sound gzip"),
        "{}",
        output.stderr
    );
}

#[test]
fn packed_lines_come_out_as_they_went_in() {
    let packed = run(&["pack", "--cluster", "prod-eu"], &lines(&LINES));
    assert_eq!(packed.code, 0);
    answers(packed.stdout.as_bytes(), "pack");
    let text = run(&["explain"], packed.stdout.as_bytes()).stdout;
    assert!(text.contains("prod-eu: principal not mapped"), "{text}");
}

/// Memory stays flat however long the input is: 64 MB of lines, read from a pipe.
#[test]
fn memory_stays_flat() {
    let block = lines(&LINES).repeat(1000);
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_eks-access"))
        .arg("explain")
        .env_clear()
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    for _ in 0..(64 << 20) / block.len() {
        stdin.write_all(&block).unwrap();
    }
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    let kilobytes: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    drop(stdin);
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert!(kilobytes < 24 * 1024, "{kilobytes} kB");
}
