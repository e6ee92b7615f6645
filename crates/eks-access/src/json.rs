//! A pull reader of JSON from a stream, with flat memory: strings go into buffers under a cap, the rest is skipped.
//!
//! `serde_json` reads a stream byte by byte (30 ms for the 9 MB of a full delivery) or wants all of it in memory; this
//! does neither. It accepts every valid document; in what is skipped it only minds strings and brackets.

use std::io::{ErrorKind, Read};

use memchr::memchr2;

/// The size of the window over the stream, in bytes.
const WINDOW: usize = 256 * 1024;
/// Deeper documents are refused.
const MAX_DEPTH: usize = 64;

/// Why a stream can't be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum JsonError {
    /// The stream itself is broken.
    Stream(String),
    /// The stream is longer than its cap, in bytes.
    TooLarge(u64),
    /// It is not JSON, or not the JSON that was asked for.
    Syntax(&'static str),
}

const CUT: JsonError = JsonError::Syntax("it ends too early");

/// The reader.
pub(crate) struct Json<R> {
    stream: R,
    left: u64,
    cap: u64,
    window: Box<[u8]>,
    at: usize,
    end: usize,
}

impl<R: Read> Json<R> {
    /// A reader of at most `cap` bytes.
    pub(crate) fn new(stream: R, cap: u64) -> Self {
        Self {
            stream,
            left: cap,
            cap,
            window: vec![0; WINDOW].into_boxed_slice(),
            at: 0,
            end: 0,
        }
    }

    fn rest(&self) -> &[u8] {
        self.window.get(self.at..self.end).unwrap_or_default()
    }

    /// Makes sure that there is something in the window, unless the stream is over.
    fn fill(&mut self) -> Result<bool, JsonError> {
        while self.at == self.end {
            match self.stream.read(&mut self.window) {
                Ok(0) => return Ok(false),
                Ok(count) => {
                    self.left = self
                        .left
                        .checked_sub(count as u64)
                        .ok_or(JsonError::TooLarge(self.cap))?;
                    (self.at, self.end) = (0, count);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(JsonError::Stream(error.to_string())),
            }
        }
        Ok(true)
    }

    /// The next byte, left where it is.
    #[inline]
    fn next_byte(&mut self) -> Result<u8, JsonError> {
        match self.rest().first() {
            Some(byte) => Ok(*byte),
            None => self.first_of_next_window(),
        }
    }

    #[cold]
    fn first_of_next_window(&mut self) -> Result<u8, JsonError> {
        if !self.fill()? {
            return Err(CUT);
        }
        self.rest().first().copied().ok_or(CUT)
    }

    /// The next byte that is no white space, left where it is.
    #[inline]
    pub(crate) fn peek(&mut self) -> Result<u8, JsonError> {
        loop {
            match self.next_byte()? {
                b' ' | b'\t' | b'\r' | b'\n' => self.at += 1,
                byte => return Ok(byte),
            }
        }
    }

    /// Whether only white space is left. Reading to the end is what verifies a gzip stream's checksum.
    pub(crate) fn at_end(&mut self) -> Result<bool, JsonError> {
        loop {
            if !self.fill()? {
                return Ok(true);
            }
            match self.next_byte()? {
                b' ' | b'\t' | b'\r' | b'\n' => self.at += 1,
                _ => return Ok(false),
            }
        }
    }

    /// Takes an opening bracket.
    #[inline]
    pub(crate) fn open(&mut self, bracket: u8, what: &'static str) -> Result<(), JsonError> {
        if self.peek()? != bracket {
            return Err(JsonError::Syntax(what));
        }
        self.at += 1;
        Ok(())
    }

    /// Goes to the next item of an array; `false` at its end.
    pub(crate) fn next_item(&mut self, is_first: &mut bool) -> Result<bool, JsonError> {
        self.next_element(b']', is_first)
    }

    /// Goes to the next member of an object and takes its key; `false` at its end.
    pub(crate) fn next_member(
        &mut self,
        is_first: &mut bool,
        key: &mut Vec<u8>,
    ) -> Result<bool, JsonError> {
        if !self.next_element(b'}', is_first)? {
            return Ok(false);
        }
        key.clear();
        self.string(key, 256)?;
        self.open(b':', "a colon is missing")?;
        self.peek()?;
        Ok(true)
    }

    fn next_element(&mut self, close: u8, is_first: &mut bool) -> Result<bool, JsonError> {
        let byte = self.peek()?;
        if byte == close {
            self.at += 1;
            return Ok(false);
        }
        if !std::mem::replace(is_first, false) {
            self.open(b',', "a comma is missing")?;
            self.peek()?;
        }
        Ok(true)
    }

    /// Takes a string, unescaped, adding at most `cap` bytes to `out`. Gives whether all of it fitted.
    pub(crate) fn string(&mut self, out: &mut Vec<u8>, cap: usize) -> Result<bool, JsonError> {
        self.open(b'"', "a string is missing")?;
        let limit = out.len() + cap;
        loop {
            if self.at == self.end && !self.fill()? {
                return Err(CUT);
            }
            let rest = self.window.get(self.at..self.end).unwrap_or_default();
            // Escapes shrink, so as many bytes as there is room for fit for sure.
            let room = limit.saturating_sub(out.len()).min(rest.len());
            let (taken, stop) = take_plain(rest.get(..room).unwrap_or_default(), out);
            self.at += taken;
            match stop {
                Stop::Quote => {
                    self.at += 1;
                    return Ok(true);
                }
                Stop::Escape => {
                    self.at += 1;
                    self.escape(out)?;
                }
                Stop::End if out.len() >= limit => {
                    let fitted = self.next_byte()? == b'"';
                    self.skip_string()?;
                    return Ok(fitted);
                }
                Stop::End => {}
            }
        }
    }

    /// Takes what follows a backslash.
    fn escape(&mut self, out: &mut Vec<u8>) -> Result<(), JsonError> {
        let kind = self.next_byte()?;
        self.at += 1;
        let byte = match kind {
            b'"' | b'\\' | b'/' => kind,
            b'n' => b'\n',
            b't' => b'\t',
            b'r' => b'\r',
            b'b' => 8,
            b'f' => 12,
            b'u' => return self.unicode_escape(out),
            _ => return Err(JsonError::Syntax("an escape is unknown")),
        };
        out.push(byte);
        Ok(())
    }

    /// Takes four digits, and the second half of a surrogate pair where there is one. A half alone is U+FFFD.
    fn unicode_escape(&mut self, out: &mut Vec<u8>) -> Result<(), JsonError> {
        let mut unit = self.four_digits()?;
        loop {
            let is_high = (0xD800..0xDC00).contains(&unit);
            if !is_high {
                push_char(out, char::from_u32(unit));
                return Ok(());
            }
            if self.next_byte()? != b'\\' {
                push_char(out, None);
                return Ok(());
            }
            self.at += 1;
            if self.next_byte()? != b'u' {
                push_char(out, None);
                return self.escape(out);
            }
            self.at += 1;
            let low = self.four_digits()?;
            if (0xDC00..0xE000).contains(&low) {
                push_char(
                    out,
                    char::from_u32(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00)),
                );
                return Ok(());
            }
            push_char(out, None);
            unit = low;
        }
    }

    fn four_digits(&mut self) -> Result<u32, JsonError> {
        let mut value = 0;
        for _ in 0..4 {
            let digit = char::from(self.next_byte()?).to_digit(16);
            value = value * 16
                + digit.ok_or(JsonError::Syntax("a \\u escape is no hexadecimal number"))?;
            self.at += 1;
        }
        Ok(value)
    }

    /// Skips to behind the closing quote of a string whose start was taken.
    fn skip_string(&mut self) -> Result<(), JsonError> {
        loop {
            if self.at == self.end && !self.fill()? {
                return Err(CUT);
            }
            let Some(found) = memchr2(b'"', b'\\', self.rest()) else {
                self.at = self.end;
                continue;
            };
            let is_end = self.rest().get(found) == Some(&b'"');
            self.at += found + 1;
            if is_end {
                return Ok(());
            }
            self.next_byte()?;
            self.at += 1;
        }
    }

    /// Takes a whole number; any other value is skipped and gives `None`.
    pub(crate) fn integer(&mut self) -> Result<Option<i64>, JsonError> {
        if !matches!(self.peek()?, b'-' | b'0'..=b'9') {
            self.skip_value()?;
            return Ok(None);
        }
        let mut digits = [0; 32];
        let mut count = 0;
        loop {
            let byte = self.next_byte()?;
            let Some(free) = digits.get_mut(count) else {
                break;
            };
            if matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\r' | b'\n') {
                break;
            }
            *free = byte;
            count += 1;
            self.at += 1;
        }
        let digits = digits.get(..count).unwrap_or_default();
        Ok(std::str::from_utf8(digits)
            .ok()
            .and_then(|text| text.parse().ok()))
    }

    /// Skips one value of any kind.
    pub(crate) fn skip_value(&mut self) -> Result<(), JsonError> {
        let mut depth = 0_usize;
        loop {
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    self.skip_string()?;
                }
                b'{' | b'[' => {
                    self.at += 1;
                    depth += 1;
                    if depth > MAX_DEPTH {
                        return Err(JsonError::Syntax("it is nested too deep"));
                    }
                    continue;
                }
                b'}' | b']' if depth > 0 => {
                    self.at += 1;
                    depth -= 1;
                }
                b',' | b':' if depth > 0 => {
                    self.at += 1;
                    continue;
                }
                b'}' | b']' | b',' | b':' => return Err(JsonError::Syntax("a value is missing")),
                _ => self.skip_word()?,
            }
            if depth == 0 {
                return Ok(());
            }
        }
    }

    /// Skips a number, `true`, `false` or `null`.
    fn skip_word(&mut self) -> Result<(), JsonError> {
        while !matches!(
            self.next_byte()?,
            b',' | b'}' | b']' | b' ' | b'\t' | b'\r' | b'\n'
        ) {
            if !self.next_byte()?.is_ascii_alphanumeric()
                && !matches!(self.next_byte()?, b'-' | b'+' | b'.')
            {
                return Err(JsonError::Syntax("a value is missing"));
            }
            self.at += 1;
        }
        Ok(())
    }
}

/// Why [`take_plain`] went no further.
enum Stop {
    /// Before a quote.
    Quote,
    /// Before a backslash that begins another escape than of one of the two-character ones.
    Escape,
    /// At the end of the bytes.
    End,
}

/// Adds the bytes of a string up to its closing quote, unescaping the short escapes. Gives how many bytes were taken.
///
/// Log lines have a quote every dozen bytes, for which a search from each to the next costs more than the bytes do:
/// eight at a time are looked at and copied.
fn take_plain(bytes: &[u8], out: &mut Vec<u8>) -> (usize, Stop) {
    let mut at = 0;
    while let Some(eight) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let special = find_special(u64::from_le_bytes(*eight));
        out.extend_from_slice(eight);
        if special == 8 {
            at += 8;
            continue;
        }
        out.truncate(out.len() - (8 - special));
        at += special;
        match bytes.get(at..).unwrap_or_default() {
            [b'"', ..] => return (at, Stop::Quote),
            [_, short, ..] if let Some(byte) = short_escape(*short) => {
                out.push(byte);
                at += 2;
            }
            _ => return (at, Stop::Escape),
        }
    }
    for byte in bytes.get(at..).unwrap_or_default() {
        match byte {
            b'"' => return (at, Stop::Quote),
            b'\\' => return (at, Stop::Escape),
            _ => out.push(*byte),
        }
        at += 1;
    }
    (at, Stop::End)
}

/// The index of the first quote or backslash among eight bytes; 8 if there is none.
fn find_special(eight: u64) -> usize {
    const LOW: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    // Exact for the lowest zero byte, and that is the one that is asked for.
    let zero = |x: u64| x.wrapping_sub(LOW) & !x & HIGH;
    let found = zero(eight ^ (LOW * 0x22)) | zero(eight ^ (LOW * 0x5C));
    found.trailing_zeros() as usize / 8
}

fn short_escape(byte: u8) -> Option<u8> {
    match byte {
        b'"' | b'\\' | b'/' => Some(byte),
        b'n' => Some(b'\n'),
        b't' => Some(b'\t'),
        b'r' => Some(b'\r'),
        b'b' => Some(8),
        b'f' => Some(12),
        _ => None,
    }
}

fn push_char(out: &mut Vec<u8>, c: Option<char>) {
    let c = c.unwrap_or(char::REPLACEMENT_CHARACTER);
    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use proptest::prelude::*;

    use super::Json;

    /// A stream that gives a few bytes at a time.
    struct Cut<'a>(&'a [u8], usize);

    impl Read for Cut<'_> {
        fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
            let count = self.0.len().min(self.1).min(out.len());
            out[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    proptest! {
        #[test]
        fn a_string_is_read_as_serde_json_reads_it_however_the_stream_is_cut(
            text in r#"([a-z ]{0,12}["\\/\n\t\u{8}\u{c}\u{0}é日😀]?){0,12}"#,
            cut in 1_usize..24,
            cap in 0_usize..200,
        ) {
            let document = serde_json::to_string(&text).unwrap() + ",";
            let mut json = Json::new(Cut(document.as_bytes(), cut), 1 << 20);
            let mut out = Vec::new();
            prop_assert!(json.string(&mut out, text.len()).unwrap());
            prop_assert_eq!(out.as_slice(), text.as_bytes());
            prop_assert_eq!(json.peek(), Ok(b','));

            let mut json = Json::new(Cut(document.as_bytes(), cut), 1 << 20);
            let mut out = Vec::new();
            let fitted = json.string(&mut out, cap).unwrap();
            // An escape may pass the cap by the bytes of one character.
            prop_assert!(out.len() <= cap + 4 && text.as_bytes().starts_with(&out));
            prop_assert_eq!(fitted, out.len() == text.len());
            prop_assert_eq!(json.peek(), Ok(b','));
        }
    }
}
