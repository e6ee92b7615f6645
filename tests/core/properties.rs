//! What holds for any input.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails where it finds something missing"
)]

use base64::Engine;
use eks_access::catalogue::CAUSES;
use eks_access::cluster::Cluster;
use eks_access::delivery::{Limits, Payload, payloads};
use eks_access::denial::Joiner;
use eks_access::example::notices_of;
use eks_access::incident::{Digest, Place, Settings};
use eks_access::line::{is_plainly_granted, read_delivered, read_pasted};
use eks_access::logrus::parse_text;
use eks_access::notice::digest::Storm;
use eks_access::notice::{Notice, chat, email, machine, sns, terminal};
use eks_access::principal::Principal;
use eks_access::symptom::Symptom;
use eks_access::text::LogText;
use proptest::prelude::*;

/// Go's `strconv.Quote`, written from its documentation.
fn go_quoted(text: &str) -> String {
    let quoted = |c: char| match c {
        '"' => "\\\"".to_owned(),
        '\\' => "\\\\".to_owned(),
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        '\t' => "\\t".to_owned(),
        c if u32::from(c) < 0x20 || u32::from(c) == 0x7f => format!("\\x{:02x}", u32::from(c)),
        '\u{200b}' | '\u{202e}' | '\u{feff}' => format!("\\u{:04x}", u32::from(c)),
        c => c.to_string(),
    };
    format!("\"{}\"", text.chars().map(quoted).collect::<String>())
}

fn denial(arn: Option<&str>, error: &str) -> String {
    let arn = arn
        .map(|arn| format!("arn={} ", go_quoted(arn)))
        .unwrap_or_default();
    format!(
        "time=\"2026-11-21T22:50:01Z\" level=warning msg=\"access denied\" {arn}client=\"127.0.0.1:1\" error={} method=POST path=/authenticate",
        go_quoted(error)
    )
}

/// Text a caller would choose who wants to trick the reader, the person or the chat.
fn hostile_text() -> impl Strategy<Value = String> {
    let pieces = prop_oneof![
        Just(" arn=arn:aws:iam::111122223333:role/admin ".to_owned()),
        Just(
            "\" arn=\"arn:aws:iam::111122223333:role/admin\" error=\"ARN is not mapped\" "
                .to_owned()
        ),
        Just("identity is not mapped".to_owned()),
        Just("msg=\"access denied\"".to_owned()),
        Just("\nlevel=warning msg=\"access denied\"".to_owned()),
        Just("<!channel> <@U123> <https://evil.example|Approve> *b* _i_ `c` :boom: > q".to_owned()),
        Just("\u{202e}\u{200b}\u{feff}\u{0}\r\n".to_owned()),
        Just("eyJhbGciOiJSUzI1NiJ9.eyJz.c2ln AKIAIOSFODNN7EXAMPLE k8s-aws-v1.aHR0".to_owned()),
        Just("X-Amz-Signature=00ff&X-Amz-Security-Token=IQoJb3JpZ2lu%2F".to_owned()),
        Just("$(touch /tmp/x) ; `id` | rm -rf '~'".to_owned()),
        "\\PC{0,40}",
        ".{0,40}",
    ];
    prop::collection::vec(pieces, 0..6).prop_map(|pieces| pieces.concat())
}

/// Everything that can be said of a line, folded into notices.
fn notices(lines: &[String]) -> Vec<Notice> {
    let settings = Settings {
        cluster: Cluster {
            name: "prod-eu".parse().ok(),
            region: "eu-west-1".parse().ok(),
            account: "111122223333".parse().ok(),
            mode: None,
        },
        ..Settings::default()
    };
    let mut digest = Digest::new(settings.clone());
    let cluster = digest.cluster_id(settings.cluster);
    for line in lines {
        digest.line(read_delivered(line), cluster, Place::default());
    }
    digest.finish().notices
}

fn assert_fit_to_send(notice: &Notice, secret_markers: &[&str]) {
    let message = sns::render(notice);
    assert!(message.subject.len() <= 99 && message.subject.is_ascii());
    assert!(!message.subject.bytes().any(|b| b.is_ascii_control()));
    assert!(message.subject.as_bytes()[0].is_ascii_graphic());
    let attributes: usize = message
        .attributes
        .iter()
        .map(|(name, value)| name.len() + value.len() + 6)
        .sum();
    assert!(
        message.message.len() + attributes <= 60 * 1024,
        "{} bytes",
        message.message.len()
    );
    assert!(
        message
            .attributes
            .iter()
            .all(|(_, value)| !value.is_empty())
    );
    let texts: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(&message.message).unwrap();
    assert!(
        texts["default"].is_string() && texts["email"].is_string() && texts["https"].is_string()
    );
    for marker in secret_markers {
        assert!(
            !message.message.contains(marker),
            "a secret is shown: {marker}"
        );
    }
    let email = email::render(notice);
    assert!(!email.chars().any(|c| c.is_control() && c != '\n'));
    // Log text stands above the remedies and keeps its column; only an ARN or a name of ours may stick out.
    for line in email.lines().take_while(|line| *line != "What to do") {
        let is_one_name = line
            .trim()
            .split(' ')
            .filter(|word| word.len() > 40)
            .count()
            == 1;
        assert!(
            line.chars().count() <= email::COLUMNS || is_one_name,
            "{} columns: {line}",
            line.chars().count()
        );
    }
    let plain = terminal::render(notice, &terminal::Style::plain(80));
    assert!(!plain.chars().any(|c| c.is_control() && c != '\n'));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_line_makes_the_reader_panic_or_name_somebody_it_should_not(line in any::<String>()) {
        let delivered = read_delivered(&line);
        let pasted = read_pasted(&line, None);
        prop_assert!(!delivered.is_exact && !pasted.is_exact);
    }

    #[test]
    fn no_bytes_make_a_delivery_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let _ = Payload::from_bytes(bytes.clone()).read(&Limits::default(), |_, _| {});
        let _ = payloads(&bytes);
        let data = base64::engine::general_purpose::STANDARD.encode(&bytes);
        for payload in payloads(format!("{{\"awslogs\":{{\"data\":\"{data}\"}}}}").as_bytes()).unwrap() {
            let _ = payload.read(&Limits::default(), |_, _| {});
        }
    }

    #[test]
    fn text_a_caller_writes_into_an_error_names_nobody(text in hostile_text()) {
        for error in [
            format!("input token was not properly formatted: non-whitelisted query parameter {}", go_quoted(&text)),
            format!("input token was not properly formatted: error parsing X-Amz-Date parameter {text} into format x"),
            format!("input token was not properly formatted: unexpected hostname {} in pre-signed URL", go_quoted(&text)),
            format!("input token was not properly formatted: parse {}: invalid", go_quoted(&text)),
            format!("sts getCallerIdentity failed: error from AWS (expected 200, got 403). Body: {text}"),
            text.clone(),
        ] {
            let line = denial(None, &error);
            for read in [read_delivered(&line), read_pasted(&line, None)] {
                let seen = Joiner::default().join(read, 0, None);
                prop_assert_eq!(&seen.arn, &None);
                prop_assert_eq!(&seen.principal, &None);
                prop_assert!(!seen.is_grantable(&Cluster::default()));
                prop_assert_ne!(seen.symptom, Symptom::Truncated);
            }
            for notice in notices(&[line]) {
                assert_fit_to_send(&notice, &["AKIAIOSFODNN7EXAMPLE", "aHR0", "00ff", "IQoJb3JpZ2lu%2F", "c2ln"]);
                let body = chat::render(&notice).to_string();
                prop_assert!(!body.contains("role/admin") && !body.contains("<!channel>") && !body.contains("evil"));
                prop_assert!(!notice.is_grantable);
            }
        }
    }

    #[test]
    fn a_session_name_is_shown_as_literal_text_and_never_in_chat(session in "[a-zA-Z0-9_+=,.@-]{2,64}") {
        let identity = format!(
            "time=\"2026-11-21T22:50:01Z\" level=info msg=\"STS response\" accesskeyid=ASIAIOSFODNN7EXAMPLE accountid=111122223333 arn={} client=\"127.0.0.1:1\" method=POST path=/authenticate session={} userid=AROA1",
            go_quoted(&format!("arn:aws:sts::111122223333:assumed-role/Dev/{session}")),
            go_quoted(&session),
        );
        let refused = denial(Some("arn:aws:iam::111122223333:role/Dev"), "identity is not mapped");
        for notice in notices(&[identity, refused]) {
            assert_fit_to_send(&notice, &["ASIAIOSFODNN7EXAMPLE"]);
            for shown in notice.shown_sessions() {
                prop_assert!(session.starts_with(&shown) || shown.contains("redacted") || shown.ends_with('…'));
            }
        }
    }

    /// The shortcut for granted logins takes no line that the grammar reads otherwise.
    #[test]
    fn plainly_granted_is_what_the_grammar_calls_granted(
        name in "[ -~]{0,24}|é日 [a-z]{0,4}",
        group in "[ -~]{0,24}",
        is_cut in any::<bool>(),
        cut in 0..400_usize,
    ) {
        let mut line = format!(
            "time=\"2026-11-21T22:50:01Z\" level=info msg=\"access granted\" arn=\"arn:aws:iam::111122223333:role/a\" client=\"127.0.0.1:1\" groups={} method=POST path=/authenticate uid=\"u:1\" username={}",
            go_quoted(&format!("[{group}]")),
            if name.is_empty() { String::new() } else { go_quoted(&name) },
        );
        if is_cut && line.is_char_boundary(cut.min(line.len())) {
            line.truncate(cut.min(line.len()));
        }
        if is_plainly_granted(line.as_bytes()) {
            let record = parse_text(&line);
            prop_assert!(record.is_ok(), "{line}");
            let record = record.unwrap();
            prop_assert!(record.is("msg", "access granted") && !record.is("username", ""), "{line}");
        }
    }

    #[test]
    fn principals_round_trip(account in "[0-9]{12}", path in "(/[a-z]{1,8}){0,3}", name in "[a-zA-Z0-9_+=,.@-]{1,64}") {
        for text in [
            format!("arn:aws:iam::{account}:role{path}/{name}"),
            format!("arn:aws-cn:iam::{account}:user{path}/{name}"),
            format!("arn:aws-us-gov:sts::{account}:federated-user/{name}"),
            format!("arn:aws-iso-b:iam::{account}:root"),
        ] {
            let principal: Principal = text.parse().unwrap();
            prop_assert_eq!(principal.to_string(), text);
        }
        let assumed: Principal = format!("arn:aws:sts::{account}:assumed-role/{name}/session").parse().unwrap();
        prop_assert_eq!(assumed.to_string(), format!("arn:aws:iam::{account}:role/{name}"));
    }

    #[test]
    fn no_text_makes_a_principal_of_what_is_none(text in any::<String>()) {
        if let Ok(principal) = text.parse::<Principal>() {
            prop_assert_eq!(principal.to_string().parse::<Principal>().unwrap(), principal);
        }
    }

    #[test]
    fn shown_text_is_short_and_harmless(text in hostile_text(), limit in 1..400_usize) {
        let shown = LogText::new(text).shown(limit);
        prop_assert!(shown.chars().count() <= limit);
        prop_assert!(!shown.chars().any(char::is_control));
        prop_assert!(!shown.contains(char::from_u32(0x202e).unwrap()) && !shown.contains("AKIAIOSFODNN7EXAMPLE"));
    }

    #[test]
    fn folding_ignores_the_order_of_denials_and_loses_none(
        mut lines in prop::collection::vec((0..4_u8, 0..3_u8), 1..40),
        seed in any::<u64>(),
    ) {
        let text = |(who, what): &(u8, u8)| denial(
            (*what == 0).then(|| format!("arn:aws:iam::111122223333:role/r{who}")).as_deref(),
            ["identity is not mapped", "input token was not properly formatted: token is too large", "news"][usize::from(*what)],
        );
        let tally = |lines: &[(u8, u8)]| {
            let lines: Vec<String> = lines.iter().map(text).collect();
            let mut counts: Vec<(String, u64)> =
                notices(&lines).iter().map(|notice| (notice.fingerprint(), notice.count)).collect();
            counts.sort();
            counts
        };
        let before = tally(&lines);
        let count = lines.len() as u64;
        let middle = usize::try_from(seed % count).unwrap();
        lines.rotate_left(middle);
        prop_assert_eq!(&tally(&lines), &before);
        prop_assert_eq!(before.iter().map(|(_, count)| count).sum::<u64>(), count);
    }
}

/// The rules of Amazon Q Developer's custom notifications, written from its user guide.
const CUSTOM_NOTIFICATION: &str = include_str!("../fixtures/custom-notification.schema.json");

fn validator(schema: &str) -> jsonschema::Validator {
    jsonschema::validator_for(&serde_json::from_str(schema).unwrap()).unwrap()
}

fn mistakes(validator: &jsonschema::Validator, document: &serde_json::Value) -> Vec<String> {
    validator
        .iter_errors(document)
        .map(|error| error.to_string())
        .collect()
}

/// Every notice the catalogue can make fits every limit and follows the published schema.
#[test]
fn every_cause_makes_a_notice_that_can_be_sent() {
    let (machine_rules, chat_rules) = (
        validator(machine::JSON_SCHEMA),
        validator(CUSTOM_NOTIFICATION),
    );
    let rules: serde_json::Value = serde_json::from_str(machine::JSON_SCHEMA).unwrap();
    let members: Vec<&String> = rules["properties"]
        .as_object()
        .unwrap()
        .keys()
        // Only a digest has it.
        .filter(|name| *name != "by_cause")
        .collect();
    let cluster = Cluster {
        name: "a".repeat(100).parse().ok(),
        region: "us-gov-northeast-1".parse().ok(),
        account: "111122223333".parse().ok(),
        mode: None,
    };
    let mut told = std::collections::BTreeSet::new();
    for cause in CAUSES {
        for notice in notices_of(cause, &cluster) {
            assert_fit_to_send(&notice, &[]);
            let none: Vec<String> = Vec::new();
            assert_eq!(
                mistakes(&machine_rules, &machine::render(&notice)),
                none,
                "{}",
                cause.id
            );
            assert_eq!(
                mistakes(&chat_rules, &chat::render(&notice)),
                none,
                "{}",
                cause.id
            );
            let document = machine::render(&notice);
            assert_eq!(
                document.as_object().unwrap().keys().collect::<Vec<_>>(),
                members
            );
            told.insert(notice.cause.id);
        }
    }
    assert!(told.len() > 40, "only {} causes were told", told.len());
}

#[test]
fn a_storm_makes_a_digest_that_can_be_sent() {
    let (machine_rules, chat_rules) = (
        validator(machine::JSON_SCHEMA),
        validator(CUSTOM_NOTIFICATION),
    );
    let by_cause = CAUSES.iter().map(|cause| (cause.id.to_owned(), 1_000_000));
    let storm = Storm {
        cluster: Cluster {
            name: "prod-eu".parse().ok(),
            ..Cluster::default()
        },
        by_cause: by_cause.collect(),
        named: vec!["arn:aws:iam::111122223333:role/dev".parse().unwrap(); 5],
        first_seen: 0,
        last_seen: 4_000_000_000_000,
    };
    let message = storm.sns();
    assert!(message.subject.len() <= 99 && message.subject.is_ascii());
    assert!(message.message.len() <= 60 * 1024);
    let texts: serde_json::Value = serde_json::from_str(&message.message).unwrap();
    let document = |name: &str| -> serde_json::Value {
        serde_json::from_str(texts[name].as_str().unwrap()).unwrap()
    };
    let none: Vec<String> = Vec::new();
    assert_eq!(mistakes(&machine_rules, &document("default")), none);
    assert_eq!(mistakes(&chat_rules, &document("https")), none);
    let email = texts["email"].as_str().unwrap();
    assert!(
        email.lines().all(|line| line.chars().count() <= 72),
        "{email}"
    );
}
