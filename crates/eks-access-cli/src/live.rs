//! The commands that ask AWS, with the caller's own credentials.

use std::fmt::Write as _;
use std::io;

use eks_access::text::LogText;

use crate::output::Error;

mod gatherer;
mod whoami;
mod why;

pub(crate) use gatherer::Live;
pub(crate) use whoami::run as whoami;
pub(crate) use why::run as why;

/// Runs what waits for AWS, on this thread.
fn wait<T>(future: impl Future<Output = T>) -> Result<T, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime
        .map(|runtime| runtime.block_on(future))
        .map_err(|error: io::Error| Error::Runtime(error))
}

/// Text of others, fit for a line of a terminal.
fn shown(text: impl Into<String>) -> String {
    LogText::new(text).shown(300)
}

/// A named fact, in two columns.
fn fact(out: &mut String, name: &str, value: &str, columns: usize) {
    const INDENT: &str = "            ";
    let _ = write!(out, "  {name:<10}");
    out.push_str(wrapped(value, columns, INDENT).trim_start());
}

/// Fills lines of at most `columns`. A longer word sticks out: it is an ARN or a name that people copy.
fn wrapped(text: &str, columns: usize, indent: &str) -> String {
    let width = columns.saturating_sub(indent.len()).max(20);
    let mut out = String::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
            let _ = writeln!(out, "{indent}{line}");
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    let _ = writeln!(out, "{indent}{line}");
    out
}
