//! What a POSIX shell makes of the commands.

use std::collections::BTreeSet;
use std::process::Output;

use eks_access::remedy::{Command, Step};

use crate::cases::{OWN, PRINCIPALS, STRANGE};
use crate::remedies::{commands, for_every_remedy};

fn shell(script: &str, arguments: &[&str]) -> Output {
    std::process::Command::new("/bin/sh")
        .args(arguments)
        .arg(script)
        .env_clear()
        .env("PATH", "/nonexistent")
        .current_dir(env!("CARGO_TARGET_TMPDIR"))
        .output()
        .unwrap()
}

#[test]
fn every_command_is_a_command_to_a_posix_shell_on_one_line_and_wrapped() {
    let mut texts = BTreeSet::new();
    for_every_remedy(|_, _, remedy| {
        for command in commands(remedy) {
            texts.insert(command.line());
            texts.insert(command.wrapped(40));
        }
    });
    assert!(texts.len() > 100);
    for command in &texts {
        let output = shell(command, &["-n", "-c"]);
        assert!(
            output.status.success(),
            "{command}\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

#[test]
fn no_shell_takes_a_word_of_ours_for_a_pattern_of_file_names() {
    for_every_remedy(|cause, _, remedy| {
        for command in commands(remedy) {
            let line = command.line();
            let mut quote = None;
            for c in line.chars() {
                match quote {
                    Some(open) if c == open => quote = None,
                    Some(_) => {}
                    None if c == '\'' || c == '"' => quote = Some(c),
                    None => assert!(!"[]*?~".contains(c), "{}: `{c}` in {line}", cause.id),
                }
            }
        }
    });
}

#[test]
fn the_strangest_name_iam_allows_arrives_intact_through_a_shell() {
    // Each program prints its words, one a line.
    let programs = "aws() { printf '%s\\n' \"$@\"; }; eksctl() { aws \"$@\"; }; kubectl() { aws \"$@\"; }; jq() { :; }; yq() { :; }; \
        grep() { while IFS= read -r word; do printf '%s\\n' \"$word\"; done; }\n";
    let role_arn = format!("arn:aws:iam::{OWN}:role/{STRANGE}");
    let user_arn = format!("arn:aws:iam::{OWN}:user/teams/{STRANGE}");
    let words = [
        STRANGE.to_owned(),
        format!("{STRANGE}:{{{{SessionName}}}}"),
        role_arn,
        user_arn,
    ];
    let mut scripts = BTreeSet::new();
    for_every_remedy(|_, case, remedy| {
        let lines: Vec<String> = commands(remedy).map(Command::line).collect();
        let script = lines.join(
            "
",
        );
        if script.contains(STRANGE)
            && case
                .principal
                .is_some_and(|principal| principal.name() == STRANGE)
        {
            scripts.insert(script);
        }
    });
    assert!(scripts.len() > 5);
    for script in scripts {
        let output = shell(
            &format!("{programs}{script}\nprintf '%s\\n' \"$ARN\""),
            &["-c"],
        );
        let printed = String::from_utf8(output.stdout).unwrap();
        let strange: Vec<&str> = printed.lines().filter(|line| line.contains("a+")).collect();
        assert!(
            !strange.is_empty(),
            "the name is lost in\n{script}\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        for line in strange {
            assert!(
                words.iter().any(|word| word == line),
                "`{line}` came out of\n{script}"
            );
        }
    }
}

#[test]
fn a_role_of_the_same_name_in_another_account_gets_nothing_and_costs_nothing() {
    // The reader's profile points to another account, or the role is gone.
    let found = "printf '%s\\n' arn:aws:iam::999988887777:role/x/DevRole";
    let denied = "printf '%s\\n' arn:aws:iam::111122223333:role/x/DevRole";
    let ran = |answer: &str, line: &str| {
        let programs = format!(
            "aws() {{ if [ \"$1\" = iam ]; then {answer}; else printf 'ran %s\\n' \"$*\"; fi; }}
             eksctl() {{ aws \"$@\"; }}
             grep() {{ while IFS= read -r word; do case $word in \"${{1#^}}\"*) printf '%s\\n' \"$word\";; esac; done; }}"
        );
        let output = shell(&format!("{programs}\n{line}"), &["-c"]);
        String::from_utf8(output.stdout).unwrap()
    };
    let mut scripts = BTreeSet::new();
    for_every_remedy(|_, case, remedy| {
        let is_dev_role = case
            .principal
            .is_some_and(|principal| principal.to_string() == PRINCIPALS[0]);
        let lines: Vec<String> = remedy.steps.iter().map(Step::text).collect();
        let is_find = |line: &String| line.starts_with("ARN=");
        if let Some(at) = lines.iter().position(is_find).filter(|_| is_dev_role) {
            for line in lines[at + 1..].iter().filter(|line| line.contains("ARN:?")) {
                scripts.insert(format!("{}\n{line}", lines[at]));
            }
        }
    });
    assert!(scripts.len() > 4);
    for script in scripts {
        for answer in [found, "return 1"] {
            assert_eq!(ran(answer, &script), "", "{script}");
        }
        assert!(ran(denied, &script).starts_with("ran "), "{script}");
    }
}
