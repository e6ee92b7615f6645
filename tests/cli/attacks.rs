//! What an attacker, or plain bad luck, once got past us. Each test is a finding that must stay closed.

use std::time::{Duration, Instant};

use crate::run::{Output, lines, run};

fn identity(role: &str, session: &str, at: &str) -> String {
    format!(
        r#"time="2026-11-21T{at}Z" level=info msg="STS response" accesskeyid=ASIAIOSFODNN7EXAMPLE accountid=111122223333 arn="arn:aws:sts::111122223333:assumed-role/{role}/{session}" client="127.0.0.1:1" method=POST path=/authenticate session={session} userid=AROA1"#
    )
}

fn refused(arn: &str, at: &str) -> String {
    format!(
        r#"time="2026-11-21T{at}Z" level=warning msg="access denied" arn="{arn}" client="127.0.0.1:1" error="identity is not mapped" method=POST path=/authenticate"#
    )
}

fn role(name: &str) -> String {
    format!("arn:aws:iam::111122223333:role/{name}")
}

fn error(text: &str) -> String {
    format!(
        r#"time="2026-11-21T00:00:00Z" level=warning msg="access denied" client="127.0.0.1:1" error="{text}" method=POST path=/authenticate"#
    )
}

fn broken_aws_auth(at: &str) -> String {
    format!(
        r#"time="2026-11-21T{at}Z" level=warning msg="Errors parsing configmap: [yaml: line 13: did not find expected key]""#
    )
}

fn explain(options: &[&str], input: &[String]) -> Output {
    let arguments: Vec<&str> = ["explain"].iter().chain(options).copied().collect();
    run(
        &arguments,
        &lines(&input.iter().map(String::as_str).collect::<Vec<_>>()),
    )
}

fn json(input: &[String]) -> Output {
    explain(&["--format", "json"], input)
}

#[test]
fn nested_brackets_take_no_time_and_no_stack() {
    let started = Instant::now();
    let deep = |count: usize, inside: &str| {
        error(&format!(
            "{}{inside}{}",
            "[".repeat(count),
            "]".repeat(count)
        ))
    };
    let output = json(&[
        deep(28, "x"),
        deep(10_000, "token is too large"),
        error(&"[a, ".repeat(5000)),
    ]);
    assert_eq!(output.json().len(), 3);
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn requests_that_share_a_connection_keep_their_own_identities() {
    let output = json(&[
        identity("Workers", "i-0123456789abcdef0", "00:00:00"),
        identity("Dev", "jo", "00:00:00"),
        refused(&role("Workers"), "00:00:00"),
        refused(&role("Dev"), "00:00:00"),
    ]);
    assert_eq!(
        output.column("symptom")[2..],
        ["not-mapped-node", "not-mapped"]
    );
    assert_eq!(output.column("session")[2..], ["i-0123456789abcdef0", "jo"]);
    assert_eq!(output.json()[2]["grantable"], false);
}

#[test]
fn a_broken_aws_auth_takes_only_what_came_right_after_it() {
    let jane = |at: &str| refused(&role("Jane"), at);
    let foreign = refused("arn:aws:iam::666666666666:role/evil", "00:01:00");
    let input = [
        jane("00:00:00"),
        broken_aws_auth("00:00:30"),
        jane("00:05:00"),
        foreign,
        jane("09:00:00"),
        broken_aws_auth("10:00:00"),
    ];
    let output = explain(&["--account", "111122223333", "--cluster", "c"], &input);
    for part in [
        "c: aws-auth cannot be read",
        "c: principal not mapped",
        "at least 2 lines, 2026-11-21T00:00:00Z to 2026-11-21T09:00:00Z",
    ] {
        assert!(
            output.stdout.contains(part),
            "no `{part}` in\n{}",
            output.stdout
        );
    }
    assert!(
        output.stdout.contains("1 principal of other AWS accounts"),
        "{}",
        output.stdout
    );
    let api = explain(
        &["--mode", "API", "--cluster", "c"],
        &[broken_aws_auth("00:00:00"), jane("00:00:01")],
    );
    assert!(
        api.stdout.contains("; 2 incidents."),
        "aws-auth means nothing in mode API\n{}",
        api.stdout
    );
}

#[test]
fn a_crowd_of_principals_hides_no_fault() {
    let mut input: Vec<String> = (0..4200)
        .map(|number| refused(&role(&format!("r{number}")), "00:00:00"))
        .collect();
    input.push(broken_aws_auth("00:30:00"));
    input.push(r#"time="2026-11-21T00:30:00Z" level=fatal msg="http server exited""#.to_owned());
    let output = explain(&["--render", "sns"], &input);
    let causes: Vec<&str> = output
        .stdout
        .lines()
        .filter(|line| line.contains("\"Subject\""))
        .take(2)
        .collect();
    assert!(
        causes.iter().any(|line| line.contains("aws-auth")),
        "{causes:?}"
    );
    assert_eq!(causes.len(), 2);
}

#[test]
fn words_of_a_terminal_inside_a_record_that_is_cut_decide_nothing() {
    let whole = error(
        r#"input token was not properly formatted: non-whitelisted query parameter \"a: you must be logged in to the server: x509\""#,
    );
    for end in 70..whole.len() {
        let output = json(&[whole[..end].to_owned()]);
        assert_eq!(output.column("stream"), ["authenticator"], "{end}");
        if end % 16 == 0 {
            let front = json(&[whole[end - 40..].to_owned()]);
            assert_eq!(front.column("stream"), ["authenticator"], "{end}");
        }
    }
    let wrapped = json(&[format!("something-unknown % {whole}")]);
    assert_eq!(wrapped.column("symptom"), ["truncated"]);
}

#[test]
fn a_session_name_alone_makes_nobody_an_aws_service() {
    let input = [
        identity("ops", "EKSAuthTokenSession", "00:00:00"),
        refused(&role("ops"), "00:00:00"),
    ];
    assert_eq!(json(&input).column("cause")[1], "principal-not-mapped");
}

#[test]
fn a_line_that_only_looks_like_a_denial_offers_nothing() {
    let good = refused(&role("Dev"), "00:00:00");
    for (line, why) in [
        (
            good.clone().replace("access denied", "access deniedfoo"),
            "another message",
        ),
        (
            good.replace(
                "iam::111122223333:role/Dev",
                "sts::111122223333:assumed-role/Dev/jo",
            ),
            "not canonical",
        ),
        (good[2..].to_owned(), "cut at the front"),
        (good.replace("level=warning", "level=info"), "another level"),
        (
            good.replace("path=/authenticate", "path=/else"),
            "another path",
        ),
        (
            good.replace("arn:aws:", "arn:aws-cn:"),
            "another partition than the Region's",
        ),
        (
            good.replace(
                "role/Dev",
                "role/CDKStackNodegroupDefaultCapacityNodeGroupRole55953B04",
            ),
            "a node's role",
        ),
        (
            good.replace("role/Dev", "role/my_eks_node_role"),
            "a node's role",
        ),
        (
            good.replace("role/Dev", "role/myAmazonEKSClusterRole"),
            "the cluster's role",
        ),
        (
            good.replace("role/Dev", "role/eks-access-granter"),
            "our own role",
        ),
    ] {
        let output = explain(
            &["--format", "json", "--region", "eu-west-1"],
            std::slice::from_ref(&line),
        );
        assert_eq!(output.json()[0]["grantable"], false, "{why}: {line}");
    }
    assert_eq!(json(&[good]).json()[0]["grantable"], true);
}

#[test]
fn times_at_the_ends_of_their_range_are_only_numbers() {
    let watch = r#"level=warning msg=\"Watch channel closed.\""#;
    let event = |time: i64| format!(r#"{{"message":"{watch}","timestamp":{time}}}"#);
    let output = json(&[event(i64::MAX), event(i64::MIN), event(0)]);
    assert_eq!((output.code, output.json().len()), (0, 3));
}

#[test]
fn what_an_audit_event_quotes_was_said_to_somebody_else() {
    for quoted in [
        "failed calling webhook: x509: unknown authority",
        "a: you must be logged in to the server",
    ] {
        let event =
            serde_json::json!({"kind": "Event", "apiVersion": "audit.k8s.io/v1", "text": quoted});
        let spaced = event.to_string().replace("\":", "\": ");
        let output = json(&[event.to_string(), spaced]);
        assert_eq!(output.column("stream"), ["audit", "audit"]);
        assert_eq!(
            (output.code, output.column("kind")),
            (0, vec!["other".to_owned(); 2])
        );
    }
}

#[test]
fn other_programs_words_are_no_denials() {
    for text in [
        "parse error: Invalid numeric literal at line 1, column 10",
        "partition {x",
        "illegal base64 data at input byte 4",
    ] {
        assert_eq!(
            json(&[text.to_owned()]).column("symptom"),
            ["truncated"],
            "{text}"
        );
    }
}

#[test]
fn a_cut_before_the_error_is_a_cut_and_no_new_wording() {
    let whole = refused(&role("Dev"), "00:00:00");
    let end = whole.find(" error=").unwrap();
    assert_eq!(
        json(&[whole[..end].to_owned()]).column("symptom"),
        ["truncated"]
    );
    let end = whole.find("\"access denied").unwrap();
    assert_eq!(
        json(&[whole[..end].to_owned()]).column("symptom"),
        ["truncated"]
    );
    let twice = r#"{"level":"warning","level":"info","msg":"access denied"}"#.to_owned();
    assert_eq!(json(&[twice]).column("kind"), ["unreadable"]);
}

#[test]
fn secrets_and_links_are_shown_in_no_rendering() {
    let hidden = [
        r#"X-Amz-Signature=\"s3cr3t1\""#,
        r#"\"X-Amz-Signature\":\"s3cr3t2\""#,
        "x-amz-signature = s3cr3t3",
        "X-Amz-Signature%253Ds3cr3t4",
        "Signature=s3cr3t5",
        "aws_secret_access_key=s3cr3t6",
        "akias3cr3t7aaaaaaaaa",
        "aHR0cHM6Ly9zdHMuczNjcjN0OA s3cr3",
    ];
    for text in hidden {
        let line = error(&format!(
            "input token was not properly formatted: duplicate query parameter found: {text} https://evil.example/approve"
        ));
        for rendering in ["text", "email", "sns", "chat", "slack"] {
            let output = explain(&["--render", rendering], std::slice::from_ref(&line)).stdout;
            assert!(
                !output.contains("s3cr3t") && !output.contains("czNjcjN0OA"),
                "{rendering}: {text}"
            );
            assert!(!output.contains("https://evil"), "{rendering}: a link");
        }
    }
}

#[test]
fn input_that_can_t_be_read_says_so_and_what_came_before_is_told() {
    let utf16: Vec<u8> = "\u{FEFF}access denied\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let output = run(&["explain"], &utf16);
    assert_eq!(output.code, 2);
    assert!(output.stderr.contains("UTF-16"), "{}", output.stderr);
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut encoder, &lines(&[&refused(&role("Dev"), "00:00:00")])).unwrap();
    let mut damaged = encoder.finish().unwrap();
    damaged.extend_from_slice(b"rubbish");
    let output = run(&["explain"], &damaged);
    assert_eq!(output.code, 2);
    assert!(
        output.stdout.contains("principal not mapped"),
        "{}",
        output.stdout
    );
}

#[test]
fn json_lines_behind_a_comment_or_another_object_are_read() {
    let denial = serde_json::json!({"message": refused(&role("Dev"), "00:00:00")}).to_string();
    for first in ["# a comment", "{\"foo\":1}"] {
        let output = json(&[first.to_owned(), denial.clone()]);
        assert_eq!(output.column("symptom")[1], "not-mapped", "{first}");
    }
}

#[test]
fn one_endless_event_is_refused_in_flat_memory() {
    let endless = format!(r#"{{"events":[{{"message":"{}"#, "x".repeat(80 << 20));
    let output = run(&["explain"], endless.as_bytes());
    assert_eq!(output.code, 2);
    assert!(
        output.stderr.contains("more than 64 MB"),
        "{}",
        output.stderr
    );
}
