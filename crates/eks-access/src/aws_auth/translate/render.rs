//! The plan in the tools' own files, and in a few lines for people.

use std::fmt::Write as _;

use super::aws_cli::{Script, script};
use super::{EntryType, Move, Plan, Target, cloudformation, terraform};

/// The tools that a plan can be written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// A script for the AWS CLI.
    AwsCli,
    /// A script for eksctl, which leaves access policies to the AWS CLI.
    Eksctl,
    /// Terraform with the AWS provider.
    Terraform,
    /// A `CloudFormation` template.
    CloudFormation,
}

/// Writes the plan. Everything that is no instruction is a comment.
#[must_use]
pub fn render(plan: &Plan, target: &Target, format: Format) -> String {
    match format {
        Format::AwsCli => script(plan, target, Script::AwsCli),
        Format::Eksctl => script(plan, target, Script::Eksctl),
        Format::Terraform => terraform::file(plan, target),
        Format::CloudFormation => cloudformation::template(plan, target),
    }
}

/// What stands at the head of every file.
pub(super) fn head(plan: &Plan, target: &Target) -> Vec<String> {
    let mut lines = vec![
        format!(
            "aws-auth of {} ({}) as access entries. Read it before you use it.",
            target.cluster, target.region
        ),
        "The authentication mode has to be API_AND_CONFIG_MAP; leaving CONFIG_MAP is one-way.".to_owned(),
        "Keep aws-auth until every entry exists and works: an entry counts more than a row for the same principal."
            .to_owned(),
    ];
    lines.extend(plan.stays.iter().map(|stay| {
        format!(
            "Stays behind: line {}, {}: {}",
            stay.line, stay.who, stay.why
        )
    }));
    lines
}

/// What is to be said of one entry.
pub(super) fn about(entry: &Move) -> Vec<String> {
    let mut lines = vec![format!(
        "Line {}: {}, {}",
        entry.line,
        entry.principal,
        entry.entry_type.as_str()
    )];
    lines.extend(entry.notes.iter().map(|note| sentence(note)));
    lines
}

/// What is to be said of the literal translation of `system:masters`.
pub(super) const LITERAL_MASTERS: &str = "Not recommended: the literal translation of system:masters may do everything in the whole cluster:";

/// What is to be said of the least that may do instead of groups.
pub(super) const LEAST: &str = "Least privilege, where reading is enough: leave the groups out, and let it view some namespaces:";

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect::<String>() + "."
    })
}

/// Text as comment lines of a shell, HCL or YAML. It has no line breaks of its own; if it had, none would end a comment.
pub(super) fn comments(indent: &str, lines: &[String]) -> String {
    let is_break = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    lines.iter().fold(String::new(), |mut out, line| {
        let line: String = line
            .chars()
            .map(|c| if is_break(c) { ' ' } else { c })
            .collect();
        let _ = writeln!(out, "{}", format!("{indent}# {line}").trim_end());
        out
    })
}

/// Text with every line as a comment.
pub(super) fn commented_out(indent: &str, text: &str) -> String {
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    comments(indent, &lines)
}

/// The plan in a few lines for people.
#[must_use]
pub fn summary(plan: &Plan) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "{} {}, {} {} behind",
        count(plan.moves.len(), "row"),
        verb(plan.moves.len(), "move"),
        plan.stays.len(),
        verb(plan.stays.len(), "stay"),
    );
    for entry in &plan.moves {
        let state = match (&entry.existing, entry.entry_type) {
            (Some(_), _) => ", has an entry already",
            (None, EntryType::Standard) => "",
            (None, _) => ", for nodes",
        };
        let _ = writeln!(
            out,
            "  moves   line {}: {} ({}{state})",
            entry.line,
            entry.principal,
            entry.entry_type.as_str()
        );
        for note in &entry.notes {
            let _ = writeln!(out, "          {note}");
        }
    }
    for stay in &plan.stays {
        let _ = writeln!(out, "  stays   line {}: {}", stay.line, stay.who);
        let _ = writeln!(out, "          {}", stay.why);
    }
    out
}

fn verb(number: usize, what: &str) -> String {
    format!("{what}{}", if number == 1 { "s" } else { "" })
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
