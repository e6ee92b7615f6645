//! Which groups and user names an access entry may have, and names for what is written.

use std::collections::BTreeSet;

use crate::text::LogText;

/// The beginnings that EKS keeps for itself (EKS user guide, "Create access entries"; of groups it refuses `system:`,
/// terraform-provider-aws#36447, and the others are kept out for the same reason).
const RESERVED: [&str; 5] = ["system:", "eks:", "aws:", "amazon:", "iam:"];
/// Longer names are none that people write.
const MAX_LENGTH: usize = 253;

/// Why an access entry can't have this group.
pub(crate) fn why_no_group(group: &str) -> Option<&'static str> {
    if group.contains("{{") {
        return Some("groups of access entries have no templates");
    }
    why_reserved(group).or_else(|| why_unwritable(group))
}

/// Why an access entry can't have this user name.
pub(crate) fn why_no_username(username: &str, is_role: bool) -> Option<&'static str> {
    if username.is_empty() {
        return Some("it is empty");
    }
    let rest = username
        .replace("{{SessionName}}", "")
        .replace("{{SessionNameRaw}}", "");
    if rest.contains("{{") {
        return Some(
            "access entries know the templates {{SessionName}} and {{SessionNameRaw}} only",
        );
    }
    let session = username.find("{{SessionName");
    if session.is_some() && !is_role {
        return Some("a user has no session");
    }
    let before = session.and_then(|at| username.get(..at));
    if before.is_some_and(|before| !before.contains(':')) {
        return Some("a colon has to stand before {{SessionName}}");
    }
    why_reserved(username).or_else(|| why_unwritable(username))
}

fn why_reserved(name: &str) -> Option<&'static str> {
    let lower = name.to_ascii_lowercase();
    RESERVED
        .iter()
        .any(|start| lower.starts_with(start))
        .then_some("an access entry can't have a name that begins with system:, eks:, aws:, amazon: or iam:")
}

/// Why a name can't be handed to the tools as it is: the AWS CLI reads files and addresses for values that look like
/// them, lists for values in brackets and options for words with a dash; no tool should meet what can't be seen.
fn why_unwritable(name: &str) -> Option<&'static str> {
    const READ_BY_THE_CLI: [&str; 7] =
        ["file://", "fileb://", "http://", "https://", "[", "{", "-"];
    let lower = name.to_ascii_lowercase();
    let is_long = name.is_empty() || name.chars().count() > MAX_LENGTH;
    let is_hidden =
        LogText::new(name).shown(MAX_LENGTH).contains('\u{FFFD}') || name.trim() != name;
    let is_read = READ_BY_THE_CLI.iter().any(|start| lower.starts_with(start))
        && !lower.starts_with("{{sessionname");
    (is_long || is_hidden || is_read).then_some(
        "it is empty, very long, or has characters that the tools would not take as they are",
    )
}

/// Names for what is written, each given once.
#[derive(Debug, Default)]
pub(super) struct Labels {
    taken: BTreeSet<String>,
}

impl Labels {
    /// A name like this one, of letters, digits and underscores (HCL identifiers).
    pub(super) fn snake(&mut self, kind: &str, name: &str) -> String {
        let letter = |c: char| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_lowercase()
            } else {
                '_'
            }
        };
        let label: String = name.chars().map(letter).collect();
        self.once(&format!("{kind}_{label}"), "_")
    }

    /// A name like this one, of letters and digits (`CloudFormation` logical ids).
    pub(super) fn pascal(&mut self, kind: &str, name: &str) -> String {
        let mut label = kind.to_owned();
        let mut is_start = true;
        for c in name.chars() {
            if c.is_ascii_alphanumeric() {
                label.push(if is_start { c.to_ascii_uppercase() } else { c });
            }
            is_start = !c.is_ascii_alphanumeric();
        }
        self.once(&label, "x")
    }

    fn once(&mut self, label: &str, glue: &str) -> String {
        let mut unique = label.to_owned();
        let mut number = 1;
        while !self.taken.insert(unique.to_ascii_lowercase()) {
            number += 1;
            unique = format!("{label}{glue}{number}");
        }
        unique
    }
}
