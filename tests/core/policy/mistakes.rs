//! Whatever is wrong with a file is told, with its line, and nothing of the file counts.

use eks_access::policy::Guardrails;

/// A file with everything in it.
const WHOLE: &str = r#"version = 1
partition = "aws"
request_expires = "8h"
protected = ["arn:aws:iam::111122223333:role/break-glass/*"]

[[rule]]
name = "first"
clusters = ["prod"]
principals = ["arn:aws:iam::111122223333:role/dev/*"]
permission_sets = ["Dev"]
accounts = ["111122223333"]
users = false
policies = ["AmazonEKSViewPolicy"]
edit_reads_secrets_and_runs_commands = false
namespaces = ["shop"]
max_duration = "4h"
usual_duration = "1h"
approvals = 1
channels = ["slack", "iam"]

[rule.approvers]
slack_users = ["U0123456789"]
slack_groups = ["S0123456789"]
iam = ["arn:aws:iam::111122223333:role/Ops"]

[[rule]]
name = "second"
clusters = ["staging"]
principals = ["arn:aws:iam::111122223333:role/ops/*"]
namespaces = ["web"]
approvers.slack_users = ["W0123456789"]

[[deny]]
name = "no contractors"
principals = ["arn:aws:iam::111122223333:role/contractors/*"]
clusters = ["prod"]
policies = ["AmazonEKSViewPolicy"]
namespaces = ["payments"]

[[person]]
name = "jane"
slack = ["U0123456789"]
iam = ["arn:aws:iam::111122223333:role/AWSReservedSSO_Dev_*/jane"]
sessions = ["jane"]
principals = ["arn:aws:iam::111122223333:role/dev/jane"]

[[person]]
name = "joe"
slack = ["U0123456780"]

[break_glass]
callers = ["arn:aws:iam::111122223333:user/on-call"]
clusters = ["prod"]
principals = ["arn:aws:iam::111122223333:role/on-call"]
namespaces = ["shop"]
max_duration = "1h"
review_within = "24h"

[[case]]
name = "granted"
cluster = "prod"
account = "111122223333"
principal = "arn:aws:iam::111122223333:role/dev/joe"
session = "joe"
policy = "AmazonEKSViewPolicy"
namespaces = ["shop"]
duration = "1h"
approver = [{ slack = "U0123456789", groups = [] }]
break_glass = false
expect = "granted"
"#;

/// The mistakes of a text.
fn told(text: &str) -> Vec<(usize, String)> {
    let mistakes = Guardrails::parse(text).unwrap_err();
    assert!(!mistakes.0.is_empty());
    mistakes
        .0
        .into_iter()
        .map(|mistake| (mistake.line, mistake.what))
        .collect()
}

/// What is told of the whole file with this line changed.
fn mistaken(line: &str, changed: &str) -> String {
    let number = WHOLE.lines().position(|one| one == line).unwrap() + 1;
    let text = format!("\n{WHOLE}").replacen(&format!("\n{line}\n"), &format!("\n{changed}\n"), 1);
    mistaken_in(&text[1..], number)
}

/// All that is told, which is about this line.
fn mistaken_in(text: &str, line: usize) -> String {
    let told = told(text);
    assert!(
        told.iter().all(|(at, _)| *at == line),
        "not all in line {line}: {told:?}\n{text}"
    );
    let words: Vec<String> = told.into_iter().map(|(_, what)| what).collect();
    words.join("; ")
}

#[test]
fn the_whole_file_is_sound() {
    Guardrails::parse(WHOLE).unwrap();
}

/// A line of the whole file, another in its place, and words of what is told of that.
const WRONG_VALUES: &[(&str, &str, &str)] = &[
    ("version = 1", "version = 2", "`version` is not 1"),
    ("version = 1", "version = 0x1", "it is a whole number"),
    ("version = 1", "version = \"1\"", "it is a whole number"),
    (
        "partition = \"aws\"",
        "partition = 1",
        "`partition`: it is text in quotes",
    ),
    (
        "request_expires = \"8h\"",
        "request_expires = \"169h\"",
        "`request_expires`: it reads `30s`, `15m` or `4h`, at most `168h`",
    ),
    (
        "request_expires = \"8h\"",
        "request_expires = 8",
        "it is text in quotes",
    ),
    (
        "name = \"first\"",
        "name = \"\"",
        "rule, `name`: give it a name",
    ),
    (
        "name = \"first\"",
        "name = \"a`b\"",
        "rule, `name`: give it a name",
    ),
    (
        "clusters = [\"prod\"]",
        "clusters = [\"-prod\"]",
        "rule `first`, `clusters`: `-prod`: ",
    ),
    (
        "clusters = [\"prod\"]",
        "clusters = [1, \"prod\"]",
        "`clusters`: each is text in quotes",
    ),
    (
        "permission_sets = [\"Dev\"]",
        "permission_sets = [\"Dev*\"]",
        "`Dev*` is no name of a permission set",
    ),
    (
        "permission_sets = [\"Dev\"]",
        "permission_sets = [\"\"]",
        "`` is no name of a permission set",
    ),
    (
        "accounts = [\"111122223333\"]",
        "accounts = [\"1111\", \"111122223333\"]",
        "`accounts`: `1111`: ",
    ),
    (
        "users = false",
        "users = \"no\"",
        "`users`: it is `true` or `false`",
    ),
    (
        "policies = [\"AmazonEKSViewPolicy\"]",
        "policies = [\"AmazonEKSClusterAdminPolicy\"]",
        "the others are never granted",
    ),
    (
        "policies = [\"AmazonEKSViewPolicy\"]",
        "policies = \"AmazonEKSViewPolicy\"",
        "`policies`: it is a list",
    ),
    (
        "namespaces = [\"shop\"]",
        "namespaces = [\"shop\", \"*\"]",
        "`namespaces`: `*`: it is the whole name of a namespace",
    ),
    (
        "namespaces = [\"shop\"]",
        "namespaces = [\"shop\", \"kube-system\"]",
        "it is a namespace of Kubernetes itself",
    ),
    (
        "max_duration = \"4h\"",
        "max_duration = \"13h\"",
        "rule `first`, `max_duration`: it reads `30s`, `15m` or `4h`, at most `12h`",
    ),
    (
        "max_duration = \"4h\"",
        "max_duration = \"0s\"",
        "`max_duration`: it reads",
    ),
    (
        "max_duration = \"4h\"",
        "max_duration = \"4\"",
        "`max_duration`: it reads",
    ),
    (
        "max_duration = \"4h\"",
        "max_duration = \"h\"",
        "`max_duration`: it reads",
    ),
    (
        "max_duration = \"4h\"",
        "max_duration = \"-4h\"",
        "`max_duration`: it reads",
    ),
    (
        "max_duration = \"4h\"",
        "max_duration = \"99999999999999999999d\"",
        "`max_duration`: it reads",
    ),
    (
        "usual_duration = \"1h\"",
        "usual_duration = \"5h\"",
        "`usual_duration`: it is more than `max_duration`",
    ),
    (
        "approvals = 1",
        "approvals = 0",
        "`approvals`: it is a number from 1 to 10",
    ),
    (
        "approvals = 1",
        "approvals = 11",
        "`approvals`: it is a number from 1 to 10",
    ),
    (
        "approvals = 1",
        "approvals = -1",
        "`approvals`: it is a whole number",
    ),
    (
        "channels = [\"slack\", \"iam\"]",
        "channels = [\"slack\", \"email\"]",
        "`channels`: `email`: it is `slack` or `iam`",
    ),
    (
        "slack_users = [\"U0123456789\"]",
        "slack_users = [\"@jane\"]",
        "approvers, `slack_users`: `@jane`: it is Slack's id",
    ),
    (
        "slack_users = [\"U0123456789\"]",
        "slack_users = [\"S0123456789\"]",
        "it is Slack's id",
    ),
    (
        "slack_groups = [\"S0123456789\"]",
        "slack_groups = [\"U0123456789\"]",
        "it is Slack's id",
    ),
    (
        "review_within = \"24h\"",
        "review_within = \"8d\"",
        "break_glass, `review_within`: it reads",
    ),
    (
        "account = \"111122223333\"",
        "account = \"1\"",
        "case `granted`, `account`: `1`: ",
    ),
    (
        "cluster = \"prod\"",
        "cluster = \"\"",
        "case `granted`, `cluster`: ",
    ),
    (
        "duration = \"1h\"",
        "duration = \"soon\"",
        "case `granted`, `duration`: it reads",
    ),
    (
        "approver = [{ slack = \"U0123456789\", groups = [] }]",
        "approver = [{ groups = [\"S0123456789\"] }]",
        "an approver is `{ slack",
    ),
    (
        "approver = [{ slack = \"U0123456789\", groups = [] }]",
        "approver = [{ slack = \"U0123456789\", iam = \"arn:aws:iam::111122223333:user/x\" }]",
        "an approver is `{ slack",
    ),
    (
        "approver = [{ slack = \"U0123456789\", groups = [] }]",
        "approver = [{ iam = \"arn:aws:iam::111122223333:role/Ops\" }]",
        "it is the caller's ARN",
    ),
    (
        "expect = \"granted\"",
        "expect = \"maybe\"",
        "`expect`: it is one of granted, offered, ",
    ),
    (
        "break_glass = false",
        "break_glass = 1",
        "`break_glass`: it is `true` or `false`",
    ),
];

#[test]
fn every_value_that_cannot_be_is_told_in_its_line() {
    for (line, changed, words) in WRONG_VALUES {
        let what = mistaken(line, changed);
        assert!(what.contains(words), "`{words}` is not in: {what}");
    }
}

#[test]
fn a_partition_is_one_of_aws() {
    // Every ARN of the file is then of another one, too.
    for partition in ["", "${AWS::Partition}", "aws:", "aws-", "AWS", "azure"] {
        let told = told(&WHOLE.replace(
            "partition = \"aws\"",
            &format!("partition = \"{partition}\""),
        ));
        assert!(
            told[0].1.contains("`partition`: it is `aws`, `aws-cn`"),
            "{told:?}"
        );
        assert_eq!(told[0].0, 2);
    }
}

#[test]
fn every_pattern_is_of_one_account_and_of_the_files_partition() {
    let patterns: Vec<&str> = WHOLE
        .lines()
        .filter(|line| line.contains("[\"arn:"))
        .collect();
    assert!(patterns.len() >= 8, "{patterns:?}");
    for line in patterns {
        let what = mistaken(line, &line.replace("arn:aws:", "arn:aws-cn:"));
        assert!(
            what.contains("it is not of the partition `aws`; set `partition`"),
            "{what}"
        );
        let what = mistaken(line, &line.replace("::111122223333:", "::*:"));
        assert!(
            what.contains("it reads `arn:aws:iam::ACCOUNT:role/PATH/NAME`"),
            "{what}"
        );
    }
}

#[test]
fn what_is_missing_is_told_where_its_section_begins() {
    for (line, section, words) in [
        ("name = \"first\"", 6, "rule, `name`: give it a name"),
        (
            "clusters = [\"prod\"]",
            6,
            "rule `first`, `clusters`: name at least one cluster",
        ),
        (
            "permission_sets = [\"Dev\"]",
            11,
            "`permission_sets` and `accounts` go together",
        ),
        (
            "accounts = [\"111122223333\"]",
            6,
            "`permission_sets` and `accounts` go together",
        ),
        (
            "namespaces = [\"shop\"]",
            6,
            "`namespaces`: name at least one namespace",
        ),
        (
            "name = \"no contractors\"",
            33,
            "deny, `name`: give it a name",
        ),
        ("name = \"jane\"", 40, "person, `name`: give it a name"),
        (
            "callers = [\"arn:aws:iam::111122223333:user/on-call\"]",
            51,
            "`callers`: nobody may break the glass",
        ),
        (
            "principals = [\"arn:aws:iam::111122223333:role/on-call\"]",
            51,
            "break_glass, `principals`: name `principals`, or",
        ),
        ("name = \"granted\"", 59, "case, `name`: give it a name"),
        (
            "cluster = \"prod\"",
            59,
            "case `granted`, `cluster`: it is missing",
        ),
        (
            "principal = \"arn:aws:iam::111122223333:role/dev/joe\"",
            59,
            "case `granted`, `principal`: it is missing",
        ),
        (
            "expect = \"granted\"",
            59,
            "case `granted`, `expect`: it is one of",
        ),
    ] {
        assert!(WHOLE.contains(line), "{line}");
        let text = WHOLE.replacen(&format!("{line}\n"), "", 1);
        // A line that is gone before the section moves it up.
        let gone = text
            .lines()
            .zip(WHOLE.lines())
            .position(|(one, other)| one != other)
            .map_or(usize::MAX, |at| at + 1);
        let at = if gone < section { section - 1 } else { section };
        let what = mistaken_in(&text, at);
        assert!(what.contains(words), "`{words}` is not in: {what}");
    }
    let what = mistaken("version = 1", "");
    assert!(what.contains("`version` is not 1"), "{what}");
}

#[test]
fn a_rule_to_which_nobody_can_say_yes_is_a_mistake() {
    let rule = |end: &str| {
        let head =
            "version = 1\n[[rule]]\nname = \"x\"\nclusters = [\"prod\"]\nnamespaces = [\"shop\"]\n";
        told(&format!(
            "{head}principals = [\"arn:aws:iam::111122223333:role/dev\"]\n{end}"
        ))
    };
    let none = rule("");
    assert!(
        none.iter().any(|(line, what)| *line == 2
            && what.contains("nobody may say yes; add `[rule.approvers]`")),
        "{none:?}"
    );
    for end in [
        "[rule.approvers]\n",
        "channels = [\"iam\"]\n[rule.approvers]\nslack_users = [\"U0123456789\"]\nslack_groups = [\"S0123456789\"]\n",
        "channels = [\"slack\"]\n[rule.approvers]\niam = [\"arn:aws:iam::111122223333:role/Ops\"]\n",
    ] {
        let told = rule(end);
        assert!(
            told.iter()
                .all(|(_, what)| what.contains("nobody can say yes by these `channels`")),
            "{told:?}"
        );
    }
}

#[test]
fn power_and_keys_that_last_have_to_be_meant() {
    let what = mistaken(
        "policies = [\"AmazonEKSViewPolicy\"]",
        "policies = [\"AmazonEKSEditPolicy\"]",
    );
    assert!(
        what.contains("say `edit_reads_secrets_and_runs_commands = true` if that is meant"),
        "{what}"
    );
    let known = WHOLE
        .replacen("[\"AmazonEKSViewPolicy\"]", "[\"AmazonEKSEditPolicy\"]", 1)
        .replace("commands = false", "commands = true");
    Guardrails::parse(&known).unwrap();

    let of_user = "principals = [\"arn:aws:iam::111122223333:user/ci\"]";
    let text = WHOLE.replacen(
        "principals = [\"arn:aws:iam::111122223333:role/dev/*\"]",
        of_user,
        1,
    );
    let what = mistaken_in(&text, 12);
    assert!(
        what.contains("say `users = true` if they are meant"),
        "{what}"
    );
    Guardrails::parse(&text.replace("users = false", "users = true")).unwrap();
}

#[test]
fn callers_have_no_path_and_sessions_only_where_they_can_be_believed() {
    let line = "iam = [\"arn:aws:iam::111122223333:role/Ops\"]";
    for resource in [
        "role/dev/Ops",
        "role/Ops/jane",
        "role/*/jane",
        "role/AWSReservedSSO_Dev_*/x/jane",
    ] {
        let changed = format!("iam = [\"arn:aws:iam::111122223333:{resource}\"]");
        let what = mistaken(line, &changed);
        assert!(
            what.contains("AWS names callers without their role's path"),
            "{what}"
        );
    }
    for resource in [
        "role/Ops*",
        "role/AWSReservedSSO_Dev_0123456789abcdef/jane@example.com",
        "role/AWSReservedSSO_Dev_????????????????/jane@example.com",
        "user/people/jane",
    ] {
        let changed = format!("iam = [\"arn:aws:iam::111122223333:{resource}\"]");
        Guardrails::parse(&WHOLE.replace(line, &changed)).unwrap();
    }
}

#[test]
fn a_key_that_is_misspelt_is_a_mistake_in_every_section() {
    let sections = [
        "[[rule]]",
        "[rule.approvers]",
        "[[deny]]",
        "[[person]]",
        "[break_glass]",
        "[[case]]",
    ];
    for header in sections {
        let line = WHOLE.lines().position(|one| one == header).unwrap() + 2;
        let text = WHOLE.replacen(
            &format!("{header}\n"),
            &format!("{header}\nprincipal_s = []\n"),
            1,
        );
        let what = mistaken_in(&text, line);
        assert!(
            what.contains("`principal_s`: nothing here is called so"),
            "{what}"
        );
    }
    let what = mistaken("version = 1", "versions = 1\nversion = 1");
    assert!(
        what.contains("`versions`: nothing here is called so"),
        "{what}"
    );
}

#[test]
fn what_is_no_section_is_a_mistake() {
    for key in ["rule", "deny", "person", "case", "break_glass"] {
        for value in ["1", "[1]", "\"x\"", "[{}, 1]"] {
            let told = told(&format!("version = 1\n{key} = {value}\n"));
            let is_told = told.iter().any(|(line, what)| {
                *line == 2 && what.contains(&format!("`{key}`: nothing here is called so"))
            });
            assert!(is_told, "{told:?}");
        }
    }
}

#[test]
fn what_there_is_once_is_there_once() {
    let glass = "[[break_glass]]\ncallers = [\"arn:aws:iam::111122223333:user/x\"]\nclusters = [\"prod\"]\n\
                 principals = [\"arn:aws:iam::111122223333:role/x\"]\nnamespaces = [\"shop\"]\n";
    let what = mistaken_in(&format!("version = 1\n{glass}{glass}"), 7);
    assert!(what.contains("there can be only one"), "{what}");
    let text = WHOLE.replacen(
        "[rule.approvers]",
        "[[rule.approvers]]\niam = []\n[[rule.approvers]]",
        1,
    );
    let told = told(&text);
    assert!(
        told.iter()
            .any(|(line, what)| *line == 23 && what.contains("there can be only one")),
        "{told:?}"
    );
}

#[test]
fn rules_and_people_have_names_of_their_own() {
    for (line, changed, words) in [
        (
            "name = \"second\"",
            "name = \"first\"",
            "there are two of rule `first`",
        ),
        (
            "name = \"joe\"",
            "name = \"jane\"",
            "there are two of person `jane`",
        ),
    ] {
        let what = mistaken(line, changed);
        assert!(what.contains(words), "{what}");
    }
}

#[test]
fn a_case_asks_what_can_be_answered() {
    let what = mistaken_in(
        &WHOLE.replacen(
            "policy = \"AmazonEKSViewPolicy\"\nnamespaces = [\"shop\"]\n",
            "",
            1,
        ),
        66,
    );
    assert!(
        what.contains("`approver`: name the `namespaces` that they say yes to"),
        "{what}"
    );
    let glass = WHOLE.replace("break_glass = false", "break_glass = true");
    Guardrails::parse(&glass).unwrap();
    let nobody = glass.replace(
        "approver = [{ slack = \"U0123456789\", groups = [] }]\n",
        "",
    );
    let what = mistaken_in(&nobody, 68);
    assert!(
        what.contains("`break_glass`: one `approver` breaks the glass"),
        "{what}"
    );
}

#[test]
fn all_mistakes_are_told_at_once_in_the_order_of_their_lines() {
    let text = WHOLE
        .replace("version = 1", "version = 2")
        .replace("[\"shop\"]", "[\"Shop\"]")
        .replace("\"granted\"\n", "\"g`\"\n");
    let told = told(&text);
    assert!(told.len() >= 6, "{told:?}");
    assert!(told.is_sorted(), "{told:?}");
    let words = Guardrails::parse(&text).unwrap_err().to_string();
    assert!(words.starts_with("line 1: `version` is not 1"), "{words}");
    assert_eq!(words.lines().count(), told.len());
}

#[test]
fn what_is_no_toml_is_told_with_its_line() {
    for (text, line) in [
        ("version: 1\n", 1),
        ("version = 1\n[rule\n", 2),
        ("version = 1\nversion = 1\n", 2),
        ("version = 1\n\n\u{0}", 3),
        ("version = 1\nprotected = [\"\n", 2),
    ] {
        assert_eq!(told(text)[0].0, line, "{text:?}");
    }
    let long = format!("version = 1\n#{}", "x".repeat(256 * 1024));
    assert!(mistaken_in(&long, 1).contains("the file has more than"));
}
