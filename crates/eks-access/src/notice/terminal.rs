//! The notice as a person reads it in a terminal.

use super::{Notice, learned};
use crate::cluster::AuthenticationMode;
use crate::incident::Subject;
use crate::principal::Principal;
use crate::remedy::{Remedy, Step};
use crate::symptom::Severity;

/// How to write for a terminal.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// Columns to wrap at.
    pub columns: usize,
    /// Whether to use ANSI colours.
    pub has_colour: bool,
    /// Whether to write every remedy, or only the first ones.
    pub is_complete: bool,
}

impl Style {
    /// No colours, all remedies.
    #[must_use]
    pub fn plain(columns: usize) -> Self {
        Self {
            columns,
            has_colour: false,
            is_complete: true,
        }
    }

    fn bold(self, text: &str) -> String {
        if self.has_colour {
            format!("\u{1b}[1m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    fn dim(self, text: &str) -> String {
        if self.has_colour {
            format!("\u{1b}[2m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    fn severity(self, severity: Severity) -> String {
        let code = match severity {
            Severity::Critical | Severity::High => "31",
            Severity::Medium => "33",
            Severity::Low | Severity::Info => "36",
        };
        let text = severity.slug().to_uppercase();
        if self.has_colour {
            format!("\u{1b}[1;{code}m{text}\u{1b}[0m")
        } else {
            text
        }
    }
}

/// Other causes that a short rendering names.
const SHORT_PERHAPS: usize = 5;
/// Remedies that a short rendering shows.
const SHORT_REMEDIES: usize = 3;

/// Renders a notice.
#[must_use]
pub fn render(notice: &Notice, style: &Style) -> String {
    let indent = " ".repeat(notice.severity.slug().len() + 2);
    let headline = wrapped(&notice.headline(), style.columns, &indent);
    let headline = style.bold(headline.trim());
    let mut out = format!("{}  {headline}\n\n", style.severity(notice.severity));
    out.push_str(&wrapped(&notice.summary(), style.columns, ""));
    out.push('\n');
    facts(notice, *style, &mut out);
    perhaps(notice, *style, &mut out);
    remedies(notice, *style, &mut out);
    out.push('\n');
    out.push_str(&wrapped(
        &format!("More: eks-access cause {}", notice.cause.id),
        style.columns,
        "",
    ));
    out
}

fn facts(notice: &Notice, style: Style, out: &mut String) {
    const INDENT: &str = "            ";
    let mut fact = |name: &str, value: &str| {
        out.push_str(&style.dim(&format!("  {name:<10}")));
        out.push_str(wrapped(value, style.columns, INDENT).trim_start());
    };
    fact("who", &notice.who());
    if !matches!(notice.subject, Subject::Principal(_)) {
        for principal in notice.named_principals() {
            fact("", &principal.to_string());
        }
    }
    for session in notice.shown_sessions() {
        fact("session", &broken(&session, style.columns - INDENT.len()));
    }
    let place: Vec<String> = [
        notice
            .cluster
            .account
            .as_ref()
            .map(|account| format!("account {account}")),
        notice.cluster.region.as_ref().map(ToString::to_string),
        notice
            .cluster
            .mode
            .map(|mode| format!("authentication mode {}", mode.as_str())),
    ]
    .into_iter()
    .flatten()
    .collect();
    if !place.is_empty() {
        fact("where", &place.join(", "));
    }
    for (label, text) in learned::learned(notice.facts()) {
        fact(label, &broken_but_arns(&text, style.columns - INDENT.len()));
    }
    // A question about a principal that nobody has seen refused has no count.
    if notice.count > 0 {
        fact("seen", &format!("at least {}", notice.when()));
    }
    if notice.standing.resolved_at().is_none() && !notice.cluster.is_self_test() {
        fact("can act", notice.cause.actor.title());
    }
    if let Some(error) = notice.shown_error() {
        let source = if notice.symptom.is_client() {
            "it says"
        } else {
            "log says"
        };
        fact(source, &broken(&error, style.columns - INDENT.len()));
    }
    if !notice.evidence.event_id.is_empty() {
        fact(
            "event",
            &crate::text::LogText::new(&notice.evidence.event_id).shown(64),
        );
    }
    for unknown in learned::unanswered(notice.facts()) {
        fact("unknown", &unknown);
    }
}

fn perhaps(notice: &Notice, style: Style, out: &mut String) {
    if notice.perhaps.is_empty() {
        return;
    }
    out.push_str("\nIt could also be:\n");
    let all = notice.perhaps.len();
    let shown = if style.is_complete {
        all
    } else {
        all.min(SHORT_PERHAPS)
    };
    for possibility in notice.perhaps.iter().take(shown) {
        let fact = possibility
            .fact
            .map(|fact| format!("; to know, {fact}"))
            .unwrap_or_default();
        let text = format!(
            "{} ({}){fact}",
            possibility.cause.title, possibility.cause.id
        );
        out.push_str("  - ");
        out.push_str(wrapped(&text, style.columns, "    ").trim_start());
    }
    if all > shown {
        out.push_str(&style.dim(&format!("  {} more with --all\n", all - shown)));
    }
}

fn remedies(notice: &Notice, style: Style, out: &mut String) {
    let remedies = notice.remedies();
    if remedies.is_empty() {
        return;
    }
    out.push_str(&style.bold("\nWhat to do\n"));
    let shown = if style.is_complete {
        remedies.len()
    } else {
        SHORT_REMEDIES
    };
    for (number, remedy) in remedies.iter().take(shown).enumerate() {
        out.push('\n');
        out.push_str(&one_remedy(number + 1, remedy, style));
    }
    if remedies.len() > shown {
        let more = remedies.len() - shown;
        out.push_str(&style.dim(&format!("\n  {more} more for this case with --all\n")));
    }
}

fn one_remedy(number: usize, remedy: &Remedy, style: Style) -> String {
    let modes = remedy
        .modes
        .list()
        .iter()
        .map(|mode: &AuthenticationMode| mode.as_str())
        .collect::<Vec<_>>();
    let modes = if modes.is_empty() {
        String::new()
    } else {
        format!("; authentication mode {}", modes.join(" or "))
    };
    let title = format!(
        "{number}. {} ({}{modes})",
        remedy.title,
        remedy.actor.title()
    );
    let mut out = wrapped(&title, style.columns, "   ")
        .trim_start()
        .to_owned();
    for step in &remedy.steps {
        let text = match step {
            Step::Command(_, command) => command.wrapped(style.columns.saturating_sub(6)),
            Step::Snippet(_, text) => text.clone(),
        };
        out.push('\n');
        for line in text.lines() {
            out.push_str("      ");
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}

/// Fills lines of at most `columns`, each but the first beginning with `indent`. A longer word sticks out: it is an ARN
/// or a name that people copy.
pub(super) fn wrapped(text: &str, columns: usize, indent: &str) -> String {
    let width = columns.saturating_sub(indent.chars().count()).max(20);
    let mut lines: Vec<String> = vec![String::new()];
    for word in text.split_whitespace() {
        let used = lines.last().map_or(0, |line| line.chars().count());
        let fits = used == 0 || used + 1 + word.chars().count() <= width;
        match lines.last_mut() {
            Some(line) if fits => {
                if used > 0 {
                    line.push(' ');
                }
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    let mut out = String::new();
    for line in lines {
        out.push_str(indent);
        out.push_str(&line);
        out.push('\n');
    }
    out
}

/// The same for our own sentences about what AWS said: ARNs that were parsed are for copying, and stay whole.
fn broken_but_arns(text: &str, width: usize) -> String {
    let is_arn = |word: &str| {
        word.trim_end_matches([',', ';', ':'])
            .parse::<Principal>()
            .is_ok()
    };
    let pieces = text.split_whitespace().map(|word| {
        if is_arn(word) {
            word.to_owned()
        } else {
            broken(word, width)
        }
    });
    pieces.collect::<Vec<_>>().join(" ")
}

/// Log text with its long words in pieces of at most `width` characters, so that it stays in its column.
fn broken(text: &str, width: usize) -> String {
    let pieces = text.split_whitespace().map(|word| {
        let chars: Vec<char> = word.chars().collect();
        chars
            .chunks(width.max(20))
            .map(String::from_iter)
            .collect::<Vec<_>>()
            .join(" ")
    });
    pieces.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::broken_but_arns;

    #[test]
    fn an_arn_stays_whole_and_other_long_words_do_not() {
        let arn = "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu-west-1/Dev";
        let group = "g".repeat(50);
        assert_eq!(
            broken_but_arns(&format!("{arn}, groups {group}"), 40),
            format!("{arn}, groups {} {}", &group[..40], &group[..10])
        );
    }
}
