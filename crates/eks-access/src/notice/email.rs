//! The notice as an e-mail: plain text of 72 columns, and a subject line.

use super::{Notice, terminal};

/// The width of an e-mail's text, in columns.
pub const COLUMNS: usize = 72;
/// SNS: "less than 100 characters", no line breaks or control characters; sent as ASCII.
const MAX_SUBJECT: usize = 99;
/// Bytes of the text; with the machine form it stays far below SNS' 256 KiB.
const MAX_BYTES: usize = 32 * 1024;

/// The subject line: `[EKS] prod-eu: principal not mapped (role/dev)`.
#[must_use]
pub fn subject(notice: &Notice) -> String {
    let who = match &notice.subject {
        crate::incident::Subject::Principal(principal) => format!(" ({})", principal.resource()),
        _ => String::new(),
    };
    ascii_subject(&format!("[EKS] {}{who}", notice.headline()))
}

/// The text as a subject: ASCII, and cut where it is too long.
pub(super) fn ascii_subject(full: &str) -> String {
    let ascii: String = full
        .chars()
        .map(|c| {
            if c.is_ascii_graphic() || c == ' ' {
                c
            } else {
                '?'
            }
        })
        .collect();
    if ascii.len() <= MAX_SUBJECT {
        return ascii;
    }
    let short: String = ascii.chars().take(MAX_SUBJECT - 3).collect();
    format!("{}...", short.trim_end())
}

/// The text.
#[must_use]
pub fn render(notice: &Notice) -> String {
    let text = terminal::render(notice, &terminal::Style::plain(COLUMNS));
    signed(&format!("{text}\nIncident {}\n", notice.id().short()))
}

/// Lines of ours, wrapped to the width of an e-mail; what goes on of one that is indented is indented further.
pub(super) fn wrapped(lines: &[String]) -> String {
    let wrap = |line: &String| {
        if line.is_empty() {
            return "\n".to_owned();
        }
        match line.strip_prefix("  ") {
            Some(item) => format!(
                "  {}",
                terminal::wrapped(item, COLUMNS, "      ").trim_start()
            ),
            None => terminal::wrapped(line, COLUMNS, ""),
        }
    };
    lines.iter().map(wrap).collect()
}

/// The text with who sent it, and no longer than SNS takes.
pub(super) fn signed(text: &str) -> String {
    let mut text = text.to_owned();
    text.push_str("\n--\nSent by eks-access-responder. It only reads: nothing was changed.\n");
    text.push_str("An e-mail can't approve anything. It holds no secret.\n");
    if text.len() > MAX_BYTES {
        let end = (0..=MAX_BYTES)
            .rev()
            .find(|at| text.is_char_boundary(*at))
            .unwrap_or(0);
        text.truncate(end);
        text.push_str("\n[cut; see the cause's page]\n");
    }
    text
}
