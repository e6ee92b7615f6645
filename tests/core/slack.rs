//! Every document that Slack may get, for any input, before three readers of Block Kit that others wrote.
//!
//! `tests/slack/validate.py` asks the models of `slack_sdk`, `blockkit` and, through the compiler of `TypeScript`,
//! `@slack/types`; it adds the rules that none of them knows, and our own.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails where it finds something missing"
)]

mod requests;
mod worst;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use eks_access::catalogue::CAUSES;
use eks_access::cluster::Cluster;
use eks_access::example::notices_of;
use eks_access::incident::{Digest, Place, Settings};
use eks_access::line::read_delivered;
use eks_access::memory::{Remembered, Why, after_telling};
use eks_access::notice::digest::Storm;
use eks_access::notice::slack::{self, Card};
use eks_access::notice::{Notice, Standing};
use eks_access::route::Mention;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

/// Documents of generated lines.
const GENERATED: usize = 150;
/// What no caller can have written by accident, and what every hostile text here has in it.
const MARK: &str = "Zq7";

/// The same in one text, as long as anybody may write.
const HOSTILE: &str = "Zq7 <!channel> <@U0123456789> <https://evil.example|Approve> *b* `c` &&&& \u{1F4A9}\u{10FFFF}e\u{301} \
                       Zq7 <!channel> <@U0123456789> <https://evil.example|Approve> *b* `c` &&&& \u{1F4A9} ```x``` > q :boom:";

/// Text a caller would choose who wants to trick whoever reads the channel.
fn hostile() -> impl Strategy<Value = String> {
    let pieces = prop_oneof![
        Just("<!channel> <!here> <@U0123456789> <!subteam^S0123456789>".to_owned()),
        Just("<https://evil.example|Approve> https://evil.example".to_owned()),
        Just("*b* _i_ ~s~ `c` ```d``` > q :boom: &amp; &lt; <".to_owned()),
        Just("\u{202e}\u{200b}\u{feff}\u{0}\r\n\t".to_owned()),
        Just("&".repeat(3000)),
        Just("\u{1F4A9}\u{10FFFF}e\u{301}".repeat(300)),
        Just(
            "\" arn=\"arn:aws:iam::111122223333:role/admin\" error=\"ARN is not mapped\" "
                .to_owned()
        ),
        "\\PC{0,60}",
        ".{0,60}",
    ];
    prop::collection::vec(pieces, 0..5).prop_map(|pieces| format!("{MARK}{}", pieces.concat()))
}

fn quoted(text: &str) -> String {
    // JSON's escapes are Go's, but for the few that the grammar reads as well.
    Value::from(text).to_string()
}

/// A delivery's lines with hostile text wherever a caller has a say.
fn lines() -> impl Strategy<Value = Vec<String>> {
    let role = "[\\w+=,.@-]{1,64}";
    let one = (role, hostile(), hostile(), 0_u8..4).prop_map(|(role, error, session, kind)| {
        let arn = format!("arn:aws:iam::111122223333:role/{role}");
        let end = "method=POST path=/authenticate";
        let start = "time=\"2026-11-21T22:50:01Z\" level=warning msg=\"access denied\"";
        match kind {
            0 => format!("{start} client=\"127.0.0.1:1\" error={} {end}", quoted(&error)),
            1 => format!("{start} arn=\"{arn}\" client=\"127.0.0.1:1\" error=\"identity is not mapped\" {end}"),
            2 => format!("{start} arn=\"{arn}\" client=\"127.0.0.1:1\" error={} {end}", quoted(&error)),
            _ => format!(
                "time=\"2026-11-21T22:50:01Z\" level=info msg=\"STS response\" accesskeyid=ASIAIOSFODNN7EXAMPLE \
                 accountid=111122223333 arn={} client=\"127.0.0.1:1\" {end} session={} userid=AROA1234567890EXAMPLE",
                quoted(&format!("arn:aws:sts::111122223333:assumed-role/{role}/{session}")),
                quoted(&session),
            ),
        }
    });
    prop::collection::vec(one, 1..6)
}

fn cluster(name: &str) -> Cluster {
    Cluster {
        name: name.parse().ok(),
        region: "eu-west-1".parse().ok(),
        account: "111122223333".parse().ok(),
        mode: None,
    }
}

fn of_lines(lines: &[String]) -> Vec<Notice> {
    let mut digest = Digest::new(Settings::default());
    let cluster = digest.cluster_id(cluster("prod-eu"));
    for line in lines {
        digest.line(read_delivered(line), cluster, Place::default());
    }
    digest.finish().notices
}

/// A notice of every cause, with the facts that show it where facts do, in a cluster of the longest name.
fn of_the_catalogue() -> Vec<Notice> {
    let cluster = cluster(&"a".repeat(100));
    let notices: Vec<Notice> = CAUSES
        .iter()
        .flat_map(|cause| notices_of(cause, &cluster))
        .collect();
    assert!(notices.len() >= CAUSES.len() - 5, "{}", notices.len());
    notices
}

/// A notice in every state that it can have, and everything that is sent of it.
fn documents_of(notice: &Notice) -> Vec<Value> {
    let mentions: Vec<Mention> = ["here", "U0123456789", "S0123456789"]
        .iter()
        .map(|text| text.parse().unwrap())
        .collect();
    let mut documents = Vec::new();
    for standing in [
        Standing::First,
        Standing::Repeat { new: u64::MAX },
        Standing::Learned,
        Standing::Relapsed,
        Standing::Resolved {
            at: 4_000_000_000_000,
        },
    ] {
        let notice = Notice {
            standing,
            ..notice.clone()
        };
        let card = slack::card(&notice, &mentions);
        documents.extend([
            card.plain(&slack::words(&notice)).message(),
            slack::reply(&notice).message(),
            slack::to_the_person(&notice).message(),
            in_a_channel(&card),
        ]);
    }
    documents
}

fn in_a_channel(card: &Card) -> Value {
    card.in_channel(&"C0123456789".parse().unwrap())
}

fn storms() -> Vec<Value> {
    let all: BTreeMap<String, u64> = CAUSES
        .iter()
        .map(|cause| (cause.id.to_owned(), u64::MAX / 100))
        .collect();
    let one = BTreeMap::from([("principal-not-mapped".to_owned(), 1)]);
    let path = format!("/{}/", "p".repeat(510));
    let named = format!("arn:aws:iam::111122223333:role{path}{}", "r".repeat(64));
    let storm = |by_cause, named: Vec<&str>| Storm {
        cluster: cluster(&"a".repeat(100)),
        by_cause,
        named: named.into_iter().map(|arn| arn.parse().unwrap()).collect(),
        first_seen: 0,
        last_seen: 4_000_000_000_000,
    };
    [storm(all, vec![named.as_str(); 5]), storm(one, Vec::new())]
        .iter()
        .flat_map(|storm| {
            let card = storm.card();
            [in_a_channel(&card), card.plain(&storm.words()).message()]
        })
        .collect()
}

/// Every text in which Slack looks for markup.
fn markup<'a>(value: &'a Value, texts: &mut Vec<&'a str>) {
    match value {
        Value::Object(fields) => {
            if fields.get("type") == Some(&json!("mrkdwn")) {
                texts.push(fields["text"].as_str().unwrap());
            }
            fields.values().for_each(|field| markup(field, texts));
        }
        Value::Array(items) => items.iter().for_each(|item| markup(item, texts)),
        _ => {}
    }
}

fn generated() -> Vec<Notice> {
    let mut runner = TestRunner::new_with_rng(
        Config::default(),
        proptest::test_runner::TestRng::deterministic_rng(
            proptest::test_runner::RngAlgorithm::ChaCha,
        ),
    );
    (0..GENERATED)
        .flat_map(|_| of_lines(&lines().new_tree(&mut runner).unwrap().current()))
        .collect()
}

#[test]
fn no_byte_that_a_caller_wrote_is_markup() {
    let notices = generated();
    let mut shown = 0;
    for document in notices.iter().flat_map(documents_of) {
        let mut texts = vec![document["text"].as_str().unwrap()];
        markup(&document["blocks"], &mut texts);
        for text in texts {
            assert!(!text.contains(MARK), "{text}");
        }
        shown += usize::from(document.to_string().contains(MARK));
    }
    // They were not just left out.
    assert!(shown > GENERATED, "{shown}");
}

#[test]
fn no_word_that_a_person_wrote_of_a_request_is_markup() {
    let mut shown = 0;
    for document in requests::documents(HOSTILE) {
        // What one person alone is told is our own words; here it stands for them.
        let is_whisper = document["text"]
            .as_str()
            .is_some_and(|text| text.contains(MARK));
        let mut texts = Vec::new();
        markup(&document["blocks"], &mut texts);
        for text in texts {
            assert!(!text.contains(MARK), "{text}");
        }
        shown += usize::from(document.to_string().contains(MARK) && !is_whisper);
    }
    assert!(shown > 50, "{shown}");
}

#[test]
fn whatever_is_sent_to_slack_is_what_slack_takes() {
    let mut notices = of_the_catalogue();
    notices.extend(generated());
    let mut documents: Vec<Value> = notices.iter().flat_map(documents_of).collect();
    documents.extend(storms());
    documents.extend(requests::documents(HOSTILE));
    let lines: Vec<String> = documents.iter().map(Value::to_string).collect();
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let python = root.join(".tools/slack/bin/python");
    assert!(
        python.is_file(),
        "the readers of Block Kit are not here; run `make tools`"
    );
    let mut child = Command::new(python)
        .arg(root.join("tests/slack/validate.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("start the readers");
    child
        .stdin
        .take()
        .unwrap()
        .write_all(lines.join("\n").as_bytes())
        .unwrap();
    let ended = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&ended.stdout);
    let errors = String::from_utf8_lossy(&ended.stderr);
    let beginning: String = said.chars().take(4000).collect();
    assert!(ended.status.success(), "{beginning}{errors}");
    assert!(
        said.contains(&format!("{} documents, 0 problems", documents.len())),
        "{beginning}"
    );
}

#[test]
fn what_was_counted_before_is_told_with_it() {
    let line = "time=\"2026-11-21T22:50:01Z\" level=warning msg=\"access denied\" arn=\"arn:aws:iam::111122223333:role/dev\" \
                client=\"127.0.0.1:1\" error=\"identity is not mapped\" method=POST path=/authenticate";
    let notice = of_lines(&[line.to_owned()]).remove(0);
    let arrival = notice.arrival().unwrap();
    let before = Remembered {
        count: 41,
        told_count: 40,
        first_seen: arrival.first_seen - 3_600_000,
        last_seen: arrival.last_seen - 1000,
        told: 1,
        episode: 1,
        ..Remembered::default()
    };
    let counted = Remembered::with(Some(&before), &arrival);
    let told = after_telling(&counted, &arrival, Why::Repeat);
    let notice = notice.told_as(&told, Some(&before), Why::Repeat);
    assert_eq!(notice.standing, Standing::Repeat { new: 2 });
    let said = slack::reply(&notice).text;
    assert!(
        said.contains("at least 2 more lines") && said.contains("42 in all"),
        "{said}"
    );
    assert!(
        slack::card(&notice, &[])
            .message()
            .to_string()
            .contains("at least 42 lines")
    );
}
