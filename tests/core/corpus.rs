//! Labelled lines: every symptom right, none by accident.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that can't read its lines fails, and says what it read"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use eks_access::cluster::Cluster;
use eks_access::denial::{Joiner, Seen};
use eks_access::line::read_pasted;

#[derive(serde::Deserialize)]
struct Labelled {
    id: String,
    stream: String,
    line: String,
    cause: String,
    #[serde(default)]
    fragment: bool,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn labelled(path: &Path) -> Vec<Labelled> {
    let text =
        std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn read(joiner: &mut Joiner, line: &str) -> Seen {
    joiner.join(read_pasted(line, None), 0, None)
}

/// Reads all lines of the authenticator in order and gives what was wrong, printing the accuracy per symptom.
fn mistakes(lines: &[Labelled]) -> Vec<String> {
    let mut joiner = Joiner::default();
    let mut right: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut wrong = Vec::new();
    for labelled in lines
        .iter()
        .filter(|labelled| labelled.stream == "authenticator")
    {
        let seen = read(&mut joiner, &labelled.line);
        let tally = right.entry(&labelled.cause).or_default();
        tally.1 += 1;
        if seen.symptom.slug() == labelled.cause {
            tally.0 += 1;
        } else {
            wrong.push(format!(
                "{}: {} is read as {}",
                labelled.id, labelled.cause, seen.symptom
            ));
        }
        assert!(
            !labelled.fragment || seen.arn.is_none(),
            "{}: a fragment names nobody",
            labelled.id
        );
        let is_grantable = seen.is_grantable(&Cluster::default());
        assert!(
            !is_grantable || labelled.cause == "not-mapped",
            "{}: not grantable",
            labelled.id
        );
    }
    for (symptom, (right, all)) in right {
        println!("{symptom:28} {right:4} of {all:4}");
    }
    wrong
}

#[test]
fn lines_that_released_authenticators_emitted_are_read_right() {
    let lines = labelled(&root().join("tests/fixtures/emitted.jsonl"));
    assert!(lines.len() > 150);
    assert_eq!(mistakes(&lines), Vec::<String>::new());
}

#[test]
fn every_documented_wording_is_read_right() {
    let lines = labelled(&root().join("tests/fixtures/wordings.jsonl"));
    assert!(lines.len() > 100);
    assert_eq!(mistakes(&lines), Vec::<String>::new());
}

/// Lines from public threads are not ours to copy; they are read where they are present.
#[test]
fn lines_from_public_threads_are_read_right_where_they_are_present() {
    let path = root().join("../shared/corpus/authenticator.jsonl");
    if !path.exists() {
        println!("no public lines here");
        return;
    }
    assert_eq!(mistakes(&labelled(&path)), Vec::<String>::new());
}

/// Lines of the audit and API-server streams are told apart from denials of the authenticator.
#[test]
fn other_streams_are_no_denials() {
    for name in ["audit", "apiserver"] {
        let path = root().join(format!("../shared/corpus/{name}.jsonl"));
        if !path.exists() {
            println!("no public lines of the {name} stream here");
            continue;
        }
        for labelled in labelled(&path) {
            let seen = read(&mut Joiner::default(), &labelled.line);
            assert!(
                !seen.needs_explaining(),
                "{}: read as {}",
                labelled.id,
                seen.symptom
            );
        }
    }
}
