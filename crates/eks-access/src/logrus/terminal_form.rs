//! logrus' form for a terminal, which only people paste.

use super::{NotARecord, Record, Value, parse_text};

/// Reads logrus' form for a terminal: `WARN[0012] access denied    arn="…" client="…"`, where the message is padded
/// to 44 columns. Only people paste it.
///
/// # Errors
/// [`NotARecord`] when the line is not in that form.
pub fn parse_terminal(line: &str) -> Result<Record<'_>, NotARecord> {
    const LEVELS: [(&str, &str); 7] = [
        ("TRAC[", "trace"),
        ("DEBU[", "debug"),
        ("INFO[", "info"),
        ("WARN[", "warning"),
        ("ERRO[", "error"),
        ("FATA[", "fatal"),
        ("PANI[", "panic"),
    ];
    const COLUMNS: usize = 44;
    let (rest, level) = LEVELS
        .into_iter()
        .find_map(|(mark, level)| line.strip_prefix(mark).map(|rest| (rest, level)))
        .ok_or(NotARecord::Malformed)?;
    let (_time, text) = rest.split_once("] ").ok_or(NotARecord::Malformed)?;
    let padded = text
        .char_indices()
        .nth(COLUMNS)
        .map_or(text.len(), |(at, _)| at);
    let (message, pairs) = text.split_at(padded);
    // A message longer than its column has no pairs that could be told from it.
    let parsed = if pairs.starts_with(' ') {
        parse_text(pairs.trim_start()).ok()
    } else {
        None
    };
    let is_message_alone = parsed.is_none() && !pairs.trim().is_empty();
    let mut record = parsed.unwrap_or_default();
    let message = if is_message_alone { text } else { message };
    record.push("level", Value::Plain(level))?;
    record.push("msg", Value::Plain(message.trim_end()))?;
    Ok(record)
}
