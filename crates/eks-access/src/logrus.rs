//! The grammar of one line of the authenticator stream: sirupsen/logrus' text and JSON formatters.
//!
//! ```text
//! line    = pair *( SP pair )
//! pair    = key "=" value
//! value   = quoted / bare
//! bare    = *( A-Z a-z 0-9 - . _ / @ ^ + )        ; may be empty
//! quoted  = Go strconv.Quote
//! ```
//!
//! No regular expression and no search: caller-chosen text stands inside quoted values, and only a reader that
//! knows where a value ends can tell it from the line's own fields.

use std::borrow::Cow;

use memchr::memchr2;
use smallvec::SmallVec;

mod json_form;
mod terminal_form;

pub use json_form::parse_json;
pub use terminal_form::parse_terminal;

/// More pairs than this are no authenticator line (the longest known record has 13).
const MAX_PAIRS: usize = 32;
/// Longer lines are no authenticator line: a token has at most 4 KiB, a quoted byte at most 10 in the log.
pub const MAX_LINE_BYTES: usize = 64 * 1024;

/// The value of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value<'a> {
    /// As it stands in the line.
    Plain(&'a str),
    /// The inside of a quoted value that has escapes.
    Escaped(&'a str),
    /// From the JSON form, already unescaped.
    Owned(String),
}

impl Value<'_> {
    /// The text, unescaped exactly once.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Plain(text) => Cow::Borrowed(text),
            Self::Escaped(inside) => unescape(inside),
            Self::Owned(text) => Cow::Borrowed(text),
        }
    }
}

/// The fields of one line, each key once.
#[derive(Debug, Clone, Default)]
pub struct Record<'a> {
    /// The longest usual record has 13 pairs, the most frequent one 11.
    pairs: SmallVec<[(&'a str, Value<'a>); 12]>,
    /// A bit for the length and first letter of each key, so that most new keys need no comparing.
    shapes: u64,
}

impl<'a> Record<'a> {
    /// The value of a key, if the line has it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value<'a>> {
        self.pairs
            .iter()
            .find(|(name, _)| *name == key)
            .map(|(_, value)| value)
    }

    /// The unescaped text of a key, if the line has it.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<Cow<'_, str>> {
        self.get(key).map(Value::text)
    }

    /// Whether the key has exactly this value.
    #[must_use]
    pub fn is(&self, key: &str, value: &str) -> bool {
        self.text(key).is_some_and(|text| text == value)
    }

    /// The keys, in the order of the line.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.pairs.iter().map(|(name, _)| *name)
    }

    fn push(&mut self, key: &'a str, value: Value<'a>) -> Result<(), NotARecord> {
        let shape =
            1 << ((key.len() * 8 + usize::from(key.bytes().next().unwrap_or_default())) % 64);
        let is_twice = self.shapes & shape != 0 && self.get(key).is_some();
        if self.pairs.len() == MAX_PAIRS || is_twice {
            return Err(NotARecord::Malformed);
        }
        self.shapes |= shape;
        self.pairs.push((key, value));
        Ok(())
    }
}

/// Why a line is no record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotARecord {
    /// It breaks off within a key, a quoted value or an escape.
    CutAtEnd,
    /// It does not follow the grammar, has a key twice, or is too long.
    Malformed,
}

/// Reads the text form.
///
/// # Errors
/// [`NotARecord`] when the line is not exactly in the grammar.
pub fn parse_text(line: &str) -> Result<Record<'_>, NotARecord> {
    if line.len() > MAX_LINE_BYTES {
        return Err(NotARecord::Malformed);
    }
    let mut record = Record::default();
    let mut rest = line;
    loop {
        let (key, after_key) = take_key(rest)?;
        let (value, after_value) = take_value(after_key)?;
        record.push(key, value)?;
        match after_value.strip_prefix(' ') {
            Some(next) => rest = next,
            None if after_value.is_empty() => return Ok(record),
            None => return Err(NotARecord::Malformed),
        }
    }
}

/// Takes `key=`, giving the key and what follows the sign.
fn take_key(text: &str) -> Result<(&str, &str), NotARecord> {
    let (key, after) = take_while(text, KEY);
    match after.strip_prefix('=') {
        Some(value) if !key.is_empty() => Ok((key, value)),
        None if after.is_empty() => Err(NotARecord::CutAtEnd),
        _ => Err(NotARecord::Malformed),
    }
}

/// Takes a value, giving it and what follows.
fn take_value(text: &str) -> Result<(Value<'_>, &str), NotARecord> {
    if let Some(quoted) = text.strip_prefix('"') {
        let (inside, after, has_escapes) = take_quoted(quoted)?;
        let value = if has_escapes {
            Value::Escaped(inside)
        } else {
            Value::Plain(inside)
        };
        return Ok((value, after));
    }
    let (value, after) = take_while(text, BARE);
    Ok((Value::Plain(value), after))
}

/// Bytes of a key.
const KEY: u8 = 1;
/// Bytes of a bare value: logrus' `needsQuoting` (`text_formatter.go`) quotes everything else.
const BARE: u8 = 2;

/// What each byte may be part of.
const CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut classes = [0; 256];
    let mut byte = 0_u8;
    loop {
        let is_shared = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
        let is_bare = is_shared || matches!(byte, b'/' | b'@' | b'^' | b'+');
        #[expect(
            clippy::indexing_slicing,
            reason = "a byte is below 256, and this runs at compile time"
        )]
        {
            classes[byte as usize] = if is_shared {
                KEY | BARE
            } else if is_bare {
                BARE
            } else {
                0
            };
        }
        if byte == u8::MAX {
            return classes;
        }
        byte += 1;
    }
}

/// Splits before the first byte that is not of the class.
fn take_while(text: &str, class: u8) -> (&str, &str) {
    let is_in = |b: u8| {
        CLASSES
            .get(usize::from(b))
            .is_some_and(|classes| classes & class != 0)
    };
    let end = text.bytes().position(|b| !is_in(b)).unwrap_or(text.len());
    // Bytes of a class are ASCII, so this is a character's boundary.
    text.split_at(end)
}

/// Takes up to the closing quote, giving the inside, what follows, and whether it has escapes.
pub(crate) fn take_quoted(text: &str) -> Result<(&str, &str, bool), NotARecord> {
    let bytes = text.as_bytes();
    let mut at = 0;
    let mut has_escapes = false;
    while let Some(found) = bytes.get(at..).and_then(|tail| memchr2(b'"', b'\\', tail)) {
        let here = at + found;
        if bytes.get(here) == Some(&b'"') {
            let inside = text.get(..here).ok_or(NotARecord::Malformed)?;
            let after = text.get(here + 1..).ok_or(NotARecord::Malformed)?;
            return Ok((inside, after, has_escapes));
        }
        has_escapes = true;
        at = here + escape_length(bytes.get(here..).unwrap_or_default())?;
    }
    Err(NotARecord::CutAtEnd)
}

/// The length of the escape at the start, if it is one that `strconv.Quote` writes.
fn escape_length(bytes: &[u8]) -> Result<usize, NotARecord> {
    let digits = match bytes.get(1) {
        None => return Err(NotARecord::CutAtEnd),
        Some(b'"' | b'\\' | b'a' | b'b' | b'f' | b'n' | b'r' | b't' | b'v') => 0,
        Some(b'x') => 2,
        Some(b'u') => 4,
        Some(b'U') => 8,
        Some(_) => return Err(NotARecord::Malformed),
    };
    for index in 2..2 + digits {
        match bytes.get(index) {
            None => return Err(NotARecord::CutAtEnd),
            Some(b) if b.is_ascii_hexdigit() => {}
            Some(_) => return Err(NotARecord::Malformed),
        }
    }
    Ok(2 + digits)
}

/// Undoes `strconv.Quote` once. `\xNN` may give bytes that are not UTF-8; those become U+FFFD.
pub(crate) fn unescape(inside: &str) -> Cow<'_, str> {
    if !inside.contains('\\') {
        return Cow::Borrowed(inside);
    }
    let mut out: Vec<u8> = Vec::with_capacity(inside.len());
    let mut rest = inside;
    while let Some((before, escape)) = rest.split_once('\\') {
        out.extend_from_slice(before.as_bytes());
        let mut chars = escape.chars();
        let kind = chars.next();
        rest = chars.as_str();
        let simple = match kind {
            Some('a') => Some(7),
            Some('b') => Some(8),
            Some('f') => Some(12),
            Some('n') => Some(b'\n'),
            Some('r') => Some(b'\r'),
            Some('t') => Some(b'\t'),
            Some('v') => Some(11),
            Some('"') => Some(b'"'),
            Some('\\') => Some(b'\\'),
            _ => None,
        };
        if let Some(byte) = simple {
            out.push(byte);
            continue;
        }
        let digits = match kind {
            Some('x') => 2,
            Some('u') => 4,
            Some('U') => 8,
            _ => 0,
        };
        let code = rest
            .get(..digits)
            .and_then(|hex| u32::from_str_radix(hex, 16).ok());
        rest = rest.get(digits..).unwrap_or("");
        match code {
            Some(code) if digits == 2 => out.extend(u8::try_from(code).ok()),
            _ => {
                let c = code
                    .and_then(char::from_u32)
                    .unwrap_or(char::REPLACEMENT_CHARACTER);
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
    }
    out.extend_from_slice(rest.as_bytes());
    match String::from_utf8(out) {
        Ok(text) => Cow::Owned(text),
        Err(bad) => Cow::Owned(String::from_utf8_lossy(bad.as_bytes()).into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denial_is_read_pair_by_pair() {
        let line = r#"time="2026-11-21T22:50:01Z" level=warning msg="access denied" arn="arn:aws:iam::111122223333:role/a" client="127.0.0.1:1" error="Identity is not mapped" method=POST path=/authenticate"#;
        let record = parse_text(line).unwrap();
        assert_eq!(
            record.keys().collect::<Vec<_>>(),
            [
                "time", "level", "msg", "arn", "client", "error", "method", "path"
            ]
        );
        assert_eq!(record.text("error").unwrap(), "Identity is not mapped");
    }

    #[test]
    fn empty_values_and_escapes_follow_go() {
        let record = parse_text(r#"session= a="x\"y\\n\xff\u200b\U0001F600\n" username="#).unwrap();
        assert_eq!(record.text("session").unwrap(), "");
        assert_eq!(record.text("a").unwrap(), "x\"y\\n\u{FFFD}\u{200b}😀\n");
        assert_eq!(record.text("username").unwrap(), "");
    }

    #[test]
    fn whatever_is_not_exactly_in_the_grammar_is_refused() {
        for (line, why) in [
            (r#"a="b"#, NotARecord::CutAtEnd),
            (r#"a="b\"#, NotARecord::CutAtEnd),
            (r#"a="b\x4"#, NotARecord::CutAtEnd),
            ("a=b pat", NotARecord::CutAtEnd),
            (r#"a="b\q""#, NotARecord::Malformed),
            ("a=b a=c", NotARecord::Malformed),
            ("a=b  c=d", NotARecord::Malformed),
            ("a=arn:aws", NotARecord::Malformed),
            (r#"a="b"c=d"#, NotARecord::Malformed),
            ("=b", NotARecord::Malformed),
        ] {
            assert_eq!(parse_text(line).unwrap_err(), why, "{line}");
        }
    }

    #[test]
    fn caller_text_inside_a_value_makes_no_pair() {
        let line = r#"level=warning msg="access denied" client="127.0.0.1:1" error="bad x msg=\"access denied\" arn=arn:aws:iam::111122223333:role/admin error=\"ARN is not mapped\" " method=POST path=/authenticate"#;
        assert!(parse_text(line).unwrap().get("arn").is_none());
    }

    #[test]
    fn the_json_form_gives_the_same_fields() {
        let line = r#"{"groups":["a","b"],"level":"info","msg":"access granted","username":""}"#;
        let record = parse_json(line).unwrap();
        assert!(record.is("msg", "access granted"));
        assert_eq!(record.text("username").unwrap(), "");
        assert_eq!(
            parse_json(r#"{"level":"a","level":"b","msg":""}"#).unwrap_err(),
            NotARecord::Malformed
        );
        assert_eq!(
            parse_json(r#"{"level":"a","ms"#).unwrap_err(),
            NotARecord::CutAtEnd
        );
    }

    #[test]
    fn the_terminal_form_is_read() {
        let line = format!(
            "WARN[0012] {:<44} arn=\"a b\" path=/authenticate",
            "access denied"
        );
        let record = parse_terminal(&line).unwrap();
        assert!(
            record.is("msg", "access denied")
                && record.is("level", "warning")
                && record.is("arn", "a b")
        );
    }
}
