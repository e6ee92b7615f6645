//! What must never be suggested, in remedies and on pages.

use eks_access::catalogue::{CAUSES, Cause};
use eks_access::remedy::{Command, Remedy};

use crate::cases::describe;
use crate::pages::parts;
use crate::remedies::{commands, for_every_remedy, texts};

/// Reference: denials.md, 7.5. Checked in lower case.
const NEVER_IN_A_REMEDY: [&str; 26] = [
    "system:masters",
    "cluster-admin",
    "amazoneksclusteradminpolicy",
    "amazoneksadminpolicy",
    "kubectl apply",
    "kubectl replace",
    "kubectl delete",
    "delete configmap",
    "delete iamidentitymapping",
    "insecure",
    "no-verify",
    "assumed-role",
    "clusterrolebinding",
    "system:anonymous",
    "system:authenticated",
    "system:unauthenticated",
    "duration",
    "x-amz-",
    "paste",
    "--force",
    "delete-nodegroup",
    "delete-fargate-profile",
    "authenticationmode=api\"",
    "authenticationmode=config_map",
    "secret-access-key",
    "status.token",
];

const ADMINISTRATORS_POLICY: &str = "amazoneksclusteradminpolicy";

/// Whether a remedy gives a cluster that has no administrator a new one, the only place where the administrator's policy
/// may be named: in two causes, for a role that the reader puts in, with the security team's agreement.
fn recovers(cause: &Cause, remedy: &Remedy) -> bool {
    let may_name_it = ["no-administrator-left", "cluster-creator-deleted"].contains(&cause.id)
        && remedy.title.contains("the security team's agreement");
    may_name_it
        && commands(remedy)
            .map(Command::line)
            .filter(|line| line.to_ascii_lowercase().contains(ADMINISTRATORS_POLICY))
            .all(|line| line.contains("--principal-arn ADMINISTRATORS_ROLE_ARN "))
}

/// Without the rows of aws-auth that a remedy names in a comment, for the reader to find and replace them.
fn without_quotes(text: &str) -> String {
    text.split_inclusive('\n')
        .filter(|line| !line.starts_with("#   \""))
        .collect()
}

#[test]
fn what_must_never_be_suggested_is_in_no_remedy() {
    for_every_remedy(|cause, case, remedy| {
        let text = without_quotes(&format!("{}\n{}", remedy.title, texts(remedy)));
        let lower = text.to_ascii_lowercase();
        // The one command that removes secrets from a line names what it removes.
        let is_redaction = lower.contains("sed -e");
        for never in NEVER_IN_A_REMEDY {
            let is_recovery = *never == *ADMINISTRATORS_POLICY && recovers(cause, remedy);
            assert!(
                !lower.contains(never) || is_redaction || is_recovery,
                "{}: `{never}` in\n{text}",
                describe(cause, case)
            );
        }
        for word in text
            .split_ascii_whitespace()
            .filter(|word| word.contains("arn:"))
        {
            assert!(!word.contains('*'), "{}: {word}", describe(cause, case));
        }
        if lower.contains("authenticationmode=") {
            assert!(
                remedy.title.contains("one-way"),
                "{}: {}",
                cause.id,
                remedy.title
            );
        }
    });
}

/// What a sentence may hold only if it warns: all the words of one row, in lower case.
const ONLY_IN_A_WARNING: [&[&str]; 19] = [
    &["system:masters"],
    &["cluster-admin"],
    &["amazoneksclusteradminpolicy"],
    &["insecure"],
    &["kubectl apply"],
    &["kubectl delete"],
    &["apply", "whole", "aws-auth"],
    &["delete `aws-auth`"],
    &["delete aws-auth"],
    &["wildcard"],
    &["clusterrolebinding"],
    &["bind ", "system:anonymous"],
    &["bind ", "system:authenticated"],
    &["bind ", "system:unauthenticated"],
    &["standard`", "node"],
    &["tokens", "longer"],
    &["send", "token", " ticket"],
    &["paste", "token"],
    &["--principal-arn", "assumed-role"],
];

#[test]
fn what_must_never_be_suggested_is_on_pages_only_as_a_warning() {
    for cause in CAUSES {
        for (heading, text) in parts(cause)
            .into_iter()
            .chain([("summary", cause.summary), ("title", cause.title)])
        {
            for sentence in sentences(text) {
                let warns = ["Never ", "Do not ", "Nobody can "]
                    .iter()
                    .any(|begin| sentence.starts_with(begin));
                let lower = sentence.to_ascii_lowercase();
                for row in ONLY_IN_A_WARNING {
                    let holds = row.iter().all(|word| lower.contains(word));
                    assert!(
                        !holds || warns,
                        "{}, {heading}: {row:?} in `{sentence}`",
                        cause.id
                    );
                }
                let changes_mode = ["chang", "switch", "set the"]
                    .iter()
                    .any(|verb| lower.contains(verb))
                    && lower.contains("authentication mode");
                assert!(
                    !changes_mode || lower.contains("one-way"),
                    "{}, {heading}: `{sentence}`",
                    cause.id
                );
                for word in lower
                    .split_ascii_whitespace()
                    .filter(|word| word.contains("arn:"))
                {
                    assert!(!word.contains('*'), "{}, {heading}: `{word}`", cause.id);
                }
            }
        }
    }
}

/// The sentences of a part of a page; a list item begins a new one.
fn sentences(markdown: &str) -> Vec<String> {
    let mut blocks: Vec<String> = vec![String::new()];
    for line in markdown.lines() {
        let item = line.strip_prefix("- ").or_else(|| {
            let (number, rest) = line.split_once(". ")?;
            (!number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())).then_some(rest)
        });
        match item {
            Some(item) => blocks.push(item.to_owned()),
            None if line.is_empty() => blocks.push(String::new()),
            None => {
                let block = blocks.last_mut().unwrap();
                block.push(' ');
                block.push_str(line.trim());
            }
        }
    }
    blocks
        .iter()
        .flat_map(|block| block.split(". "))
        .map(|sentence| sentence.trim().to_owned())
        .collect()
}

#[test]
fn a_warning_is_told_from_a_suggestion() {
    assert_eq!(
        sentences("One. Two\nlines.\n\n- Item. More\n2. Second"),
        ["One", "Two lines.", "", "Item", "More", "Second"]
    );
}
