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
    fn next_byte(&mut self) -> Result<u8, JsonError> {
        if self.at == self.end && !self.fill()? {
            return Err(CUT);
        }
        self.window.get(self.at).copied().ok_or(CUT)
    }

    /// The next byte that is no white space, left where it is.
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
            let found = memchr2(b'"', b'\\', rest);
            let run = rest.get(..found.unwrap_or(rest.len())).unwrap_or_default();
            let room = limit.saturating_sub(out.len()).min(run.len());
            out.extend_from_slice(run.get(..room).unwrap_or_default());
            if room < run.len() {
                self.at += run.len();
                self.skip_string()?;
                return Ok(false);
            }
            let Some(found) = found else {
                self.at = self.end;
                continue;
            };
            let is_end = rest.get(found) == Some(&b'"');
            self.at += found + 1;
            if is_end {
                return Ok(true);
            }
            self.escape(out)?;
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
        let mut digits = Vec::with_capacity(16);
        while !matches!(
            self.next_byte()?,
            b',' | b'}' | b']' | b' ' | b'\t' | b'\r' | b'\n'
        ) && digits.len() < 32
        {
            digits.push(self.next_byte()?);
            self.at += 1;
        }
        Ok(std::str::from_utf8(&digits)
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

fn push_char(out: &mut Vec<u8>, c: Option<char>) {
    let c = c.unwrap_or(char::REPLACEMENT_CHARACTER);
    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}
