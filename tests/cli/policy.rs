//! `policy`: the guardrails, checked, tested and made into IAM policies.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::run::{Output, run};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn shipped(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

fn policy(arguments: &[&str], file: &str) -> Output {
    run(&[&["policy"], arguments, &["-"]].concat(), file.as_bytes())
}

/// The shipped file with the `#` taken off its examples.
fn examples() -> String {
    let is_example = |line: &str| {
        let rest = line.strip_prefix('#');
        rest.is_some_and(|rest| {
            rest.starts_with("  \"") || !rest.is_empty() && !rest.starts_with(' ')
        })
    };
    let lines = shipped("infra/guardrails.toml");
    let lines = lines
        .lines()
        .map(|line| if is_example(line) { &line[1..] } else { line });
    lines.collect::<Vec<_>>().join("\n")
}

const RULE: &str = r#"
version = 1

[[rule]]
name = "developers"
clusters = ["demo"]
principals = ["arn:aws:iam::111122223333:role/dev/*"]
namespaces = ["shop"]

[rule.approvers]
slack_users = ["U0123456789"]
"#;

#[test]
fn what_is_shipped_offers_nothing_and_is_sound() {
    let guardrails = shipped("infra/guardrails.toml");
    let checked = policy(&["check", "--strict"], &guardrails);
    assert_eq!((checked.code, checked.stderr.as_str()), (0, ""));
    assert!(
        checked.stdout.contains("nobody is offered anything"),
        "{}",
        checked.stdout
    );
    let document = &policy(&["check", "--format", "json"], &guardrails).json()[0];
    for nothing in [
        "rules",
        "denies",
        "protected",
        "people",
        "mistakes",
        "warnings",
    ] {
        assert_eq!(document[nothing], serde_json::json!([]), "{nothing}");
    }
    assert_eq!(document["break_glass"], Value::Null);
}

#[test]
fn the_template_that_is_shipped_is_that_of_the_guardrails_that_are_shipped() {
    let made = policy(&["template"], &shipped("infra/guardrails.toml"));
    assert_eq!(made.code, 0, "{}", made.stderr);
    assert!(
        made.stdout == shipped("infra/sam/guardrails.yaml"),
        "run: eks-access policy template infra/guardrails.toml --output infra/sam/guardrails.yaml"
    );
}

#[test]
fn every_example_that_is_shipped_is_sound_and_does_what_it_says() {
    let examples = examples();
    let checked = policy(&["check", "--strict"], &examples);
    assert_eq!((checked.code, checked.stderr.as_str()), (0, ""));
    let tested = policy(&["test"], &examples);
    assert_eq!(tested.code, 0, "{}", tested.stdout);
    let cases = tested
        .stdout
        .lines()
        .filter(|line| line.starts_with("ok "))
        .count();
    assert!(cases >= 5, "{}", tested.stdout);
    assert_eq!(policy(&["template"], &examples).code, 0);
}

/// The keys that the file's reader takes out of sections.
fn keys() -> BTreeSet<String> {
    let source = shipped("crates/eks-access/src/policy/file.rs");
    let source: String = source.split_whitespace().collect();
    let calls = ["section.", "file."]
        .into_iter()
        .flat_map(|of| source.split(of).skip(1));
    let key = |call: &str| {
        let (method, rest) = call.split_once("(\"")?;
        let is_reader = method.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
            && !matches!(method, "note" | "at_of");
        let (key, _) = rest.split_once('"')?;
        is_reader.then(|| key.to_owned())
    };
    calls.filter_map(key).collect()
}

#[test]
fn the_examples_and_the_reference_show_every_key_there_is() {
    let (examples, reference) = (examples(), shipped("docs/guardrails.md"));
    let keys = keys();
    assert!(keys.len() > 30, "{keys:?}");
    for key in keys {
        let is_told = ["`", "[", ".", ", ", "{ "]
            .iter()
            .any(|before| reference.contains(&format!("{before}{key}")));
        assert!(is_told, "the reference lacks `{key}`");
        let is_rare = ["account", "session"].contains(&key.as_str());
        let is_shown = [" =", "]"]
            .iter()
            .any(|after| examples.contains(&format!("{key}{after}")));
        assert!(is_rare || is_shown, "no example has `{key}`");
    }
}

#[test]
fn a_reviewer_reads_who_is_let_in_where_with_what_power_for_how_long_and_by_whose_yes() {
    let text = policy(&["check"], &examples()).stdout;
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for said in [
        "rule `developers may look`",
        "who arn:aws:iam::111122223333:role/dev/*, the permission set Developer in account 111122223333",
        "where cluster prod; namespace shop, web",
        "what AmazonEKSViewPolicy: reads most objects of the namespaces, and no secrets",
        "AmazonEKSEditPolicy: changes most objects of the namespaces, reads and writes their secrets, runs commands",
        "how long 4 h 0 min at most, 1 h 0 min if nobody says otherwise",
        "yes from one of: members of S0123456789 (Slack)",
        "yes from 2 different people of:",
        "by nobody's yes but their own",
        "review by somebody else within 1 d 0 h",
        "deny `payments are not for contractors`",
        "where cluster any; namespace payments",
        "never arn:aws:iam::111122223333:role/OrganizationAccountAccessRole",
    ] {
        assert!(flat.contains(said), "`{said}` is not in:\n{text}");
    }
}

#[test]
fn every_mistake_is_told_at_once_with_its_file_and_line() {
    let file = RULE
        .replace("version = 1", "version = 2")
        .replace("\"shop\"", "\"*\"")
        .replace("slack_users", "slack_user");
    let checked = policy(&["check"], &file);
    assert_eq!((checked.code, checked.stdout.as_str()), (2, ""));
    for told in [
        "standard input:2: `version` is not 1",
        "standard input:8: rule `developers`, `namespaces`: `*`: it is the whole name of a namespace",
        "standard input:11: rule `developers`, approvers, `slack_user`: nothing here is called so",
        "error: `standard input` has ",
    ] {
        assert!(checked.stderr.contains(told), "{}", checked.stderr);
    }
    let document = policy(&["check", "--format", "json"], &file);
    assert_eq!(document.code, 2);
    let document = &document.json()[0];
    assert_eq!(document["ok"], false);
    assert_eq!(document["mistakes"][0]["line"], 2);
    for command in ["test", "template", "version"] {
        let refused = policy(&[command], &file);
        assert_eq!(
            (refused.code, refused.stdout.as_str()),
            (2, ""),
            "{command}"
        );
        assert!(
            refused.stderr.contains("standard input:8:"),
            "{}",
            refused.stderr
        );
    }
}

#[test]
fn no_byte_of_a_file_reaches_the_terminal_as_a_command() {
    let file = RULE.replace("\"shop\"", "\"\\u001b[2Jx\\u202e\"");
    let checked = policy(&["check"], &file);
    assert_eq!(checked.code, 2);
    assert!(
        !checked.stderr.contains(['\u{1b}', '\u{202e}']),
        "{}",
        checked.stderr
    );
}

#[test]
fn what_may_be_meant_otherwise_is_a_warning_and_with_strict_a_failure() {
    let iam = |patterns: &str| format!("{RULE}iam = [{patterns}]\n");
    let two =
        |file: String| file.replace("\n[rule.approvers]", "approvals = 2\n\n[rule.approvers]");
    let glass = r#"
[break_glass]
callers = ["arn:aws:iam::111122223333:role/Ops"]
clusters = ["demo"]
principals = ["arn:aws:iam::111122223333:role/*"]
namespaces = ["shop"]
"#;
    let cases = [
        (
            RULE.replace("role/dev/*", "role/*"),
            "`arn:aws:iam::111122223333:role/*` lets in every role",
        ),
        (
            RULE.replace(
                "role/dev/*",
                "role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Dev_*",
            ),
            "means every permission set whose name begins with `Dev_`",
        ),
        (
            iam(r#""arn:aws:iam::111122223333:role/Ops""#),
            "`arn:aws:iam::111122223333:role/Ops` is a role whose sessions are not told apart",
        ),
        (
            iam(r#""arn:aws:iam::111122223333:role/*""#),
            "lets every role of the account say yes",
        ),
        (
            iam(r#""arn:aws:iam::111122223333:role/AWSReservedSSO_Ops_*""#),
            "means every permission set whose name begins with `Ops_`",
        ),
        (
            two(RULE.to_owned()),
            "there can't be more than 1: it can never be granted",
        ),
        (
            two(iam(r#""arn:aws:iam::111122223333:user/joe""#)),
            "who is in no [[person]] may be the same by both ways, so that two of them count as one: U0123456789, \
             arn:aws:iam::111122223333:user/joe",
        ),
        (
            format!("{RULE}{glass}"),
            "break_glass: `arn:aws:iam::111122223333:role/*` lets in every role",
        ),
        (
            format!("{RULE}{glass}"),
            "break_glass: `arn:aws:iam::111122223333:role/Ops` is a role whose sessions",
        ),
    ];
    for (file, words) in cases {
        let checked = policy(&["check"], &file);
        assert_eq!(checked.code, 0, "{}", checked.stderr);
        let warnings = &checked.stderr;
        assert!(
            warnings.starts_with("warning: ") && warnings.contains(words),
            "`{words}` is not in:\n{warnings}"
        );
        assert_eq!(policy(&["check", "--strict"], &file).code, 1);
        let document = &policy(&["check", "--format", "json"], &file).json()[0];
        let mut told = document["warnings"].as_array().unwrap().iter().map(|one| {
            format!(
                "{}: {}",
                one["place"].as_str().unwrap(),
                one["what"].as_str().unwrap()
            )
        });
        assert!(told.any(|one| one.contains(words)), "{document}");
    }
}

#[test]
fn people_and_roles_that_are_told_apart_are_no_warning() {
    let known = format!(
        "{}iam = [\"arn:aws:iam::111122223333:user/joe\"]\n{}",
        RULE.replace("\n[rule.approvers]", "approvals = 2\n\n[rule.approvers]"),
        r#"
[[person]]
name = "joe"
iam = ["arn:aws:iam::111122223333:user/joe"]
[[person]]
name = "ann"
slack = ["U0123456789"]
"#
    );
    let of_set = format!(
        "{RULE}iam = [\"arn:aws:iam::111122223333:role/AWSReservedSSO_Ops_????????????????\"]\n"
    );
    for file in [RULE, &known, &of_set] {
        let checked = policy(&["check", "--strict"], file);
        assert_eq!((checked.code, checked.stderr.as_str()), (0, ""));
    }
}

#[test]
fn a_case_that_comes_out_otherwise_is_told_with_its_line_and_the_reason() {
    let case = |name: &str, expect: &str| {
        format!(
            "[[case]]\nname = \"{name}\"\ncluster = \"demo\"\n\
             principal = \"arn:aws:iam::111122223333:role/dev/joe\"\nnamespaces = [\"web\"]\nexpect = \"{expect}\"\n"
        )
    };
    let file = format!(
        "{RULE}\n{}{}",
        case("not the web", "too-much"),
        case("the web", "offered")
    );
    let tested = policy(&["test"], &file);
    assert_eq!(tested.code, 1);
    assert_eq!(
        tested.stdout,
        "ok      line 13   not the web\n\
         FAILED  line 19   the web: expected `offered`, and it is `too-much`: no rule of the guardrails offers the \
         namespace `web` here; ask for less\n2 cases, 1 failed\n"
    );
    let document = policy(&["test", "--format", "json"], &file);
    assert_eq!(document.code, 1);
    let document = &document.json()[0];
    assert_eq!(document["failed"], 1);
    assert_eq!(document["cases"][0]["ok"], true);
    assert_eq!(document["cases"][1]["came"], "too-much");
    let none = policy(&["test"], RULE);
    assert_eq!(none.code, 0);
    assert!(
        none.stdout.contains("there are no cases"),
        "{}",
        none.stdout
    );
}

#[test]
fn the_template_is_json_below_a_header_and_bears_the_version() {
    let version = policy(&["version"], RULE);
    assert_eq!(version.code, 0);
    let version = version.stdout.trim();
    assert_eq!(version.len(), 16);
    let made = policy(&["template"], RULE).stdout;
    let (header, body): (Vec<&str>, Vec<&str>) =
        made.lines().partition(|line| line.starts_with('#'));
    assert!(header[0].contains(version), "{header:?}");
    let template: Value = serde_json::from_str(&body.join("\n")).unwrap();
    assert_eq!(template["Metadata"]["GuardrailsVersion"], version);
    assert!(template["Resources"]["GranterRules1"].is_object());
    let path =
        std::env::temp_dir().join(format!("eks-access-template-{}.yaml", std::process::id()));
    let written = policy(&["template", "--output", path.to_str().unwrap()], RULE);
    assert_eq!((written.code, written.stdout.as_str()), (0, ""));
    assert_eq!(fs::read_to_string(&path).unwrap(), made);
    fs::remove_file(path).unwrap();
}

#[test]
fn the_version_is_that_of_the_file_s_bytes() {
    // By printf 'version = 1\n' | sha256sum | cut -c 1-16
    let version = policy(&["version"], "version = 1\n").stdout;
    assert_eq!(version, "dbab12665d98aef0\n");
    assert_ne!(policy(&["version"], "version = 1\r\n").stdout, version);
}

#[test]
fn rules_that_are_too_long_for_iam_are_refused_by_name() {
    let names: Vec<String> = (0..400)
        .map(|n| format!("\"arn:aws:iam::111122223333:role/dev/{n:040}\""))
        .collect();
    let file = RULE.replace(
        "\"arn:aws:iam::111122223333:role/dev/*\"",
        &names.join(", "),
    );
    let refused = policy(&["template"], &file);
    assert_eq!((refused.code, refused.stdout.as_str()), (2, ""));
    assert!(
        refused
            .stderr
            .contains("the rule `developers` needs an IAM policy of more than"),
        "{}",
        refused.stderr
    );
}

#[test]
fn what_is_no_guardrails_file_is_said() {
    for (file, words) in [
        (&b"\xff\xfe"[..], "it is not UTF-8"),
        (b"version: 1\n", "standard input:1: "),
    ] {
        let refused = run(&["policy", "check", "-"], file);
        assert_eq!(refused.code, 2);
        assert!(refused.stderr.contains(words), "{}", refused.stderr);
    }
    let missing = run(&["policy", "check", "/nowhere/guardrails.toml"], b"");
    assert_eq!(missing.code, 2);
    assert!(
        missing
            .stderr
            .contains("`/nowhere/guardrails.toml` can't be read"),
        "{}",
        missing.stderr
    );
}
