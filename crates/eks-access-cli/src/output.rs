//! What goes to people: errors, progress, colours, exit codes.

use std::fmt;
use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use eks_access::text::LogText;

/// What a command found, which decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// Nothing was refused.
    Nothing,
    /// Denials.
    Denials,
}

/// What went wrong, in words that say what to do.
#[derive(Debug)]
pub(crate) enum Error {
    /// A file can't be read.
    Input(PathBuf, io::Error),
    /// The input is in a known format, but broken.
    Format(PathBuf, String),
    /// A guardrails file with so many mistakes, which were told already.
    Mistakes(PathBuf, usize),
    /// Nothing was given to read.
    NoInput,
    /// There is no such cause.
    NoSuchCause(String, Vec<&'static str>),
    /// The output can't be written.
    Output(io::Error),
    /// The machine did not give what waiting for AWS needs.
    #[cfg(feature = "live")]
    Runtime(io::Error),
    /// Neither AWS nor the files at hand gave what is needed; the words say what to do.
    #[cfg(feature = "live")]
    Ask(String),
    /// This build can't ask AWS.
    #[cfg(not(feature = "live"))]
    NoAws,
}

impl Error {
    /// Whether the reader of our output is gone.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input(path, error) => write!(f, "`{}` can't be read: {error}", path.display()),
            Self::Format(path, what) => write!(f, "`{}` is broken: {what}", path.display()),
            Self::Mistakes(path, count) => {
                let mistakes = times(*count, "mistake");
                write!(f, "`{}` has {mistakes}, and nothing of it counts while one is left", path.display())
            }
            Self::NoInput => f.write_str(
                "nothing to read; name a file, or pipe lines in: \
                 aws logs tail /aws/eks/NAME/cluster --since 1h | eks-access explain",
            ),
            Self::NoSuchCause(id, near) if near.is_empty() => {
                write!(
                    f,
                    "there is no cause `{id}`; `eks-access causes` lists them"
                )
            }
            Self::NoSuchCause(id, near) => {
                write!(
                    f,
                    "there is no cause `{id}`; did you mean `{}`?",
                    near.join("`, `")
                )
            }
            Self::Output(error) => write!(f, "the output can't be written: {error}"),
            #[cfg(feature = "live")]
            Self::Runtime(error) => write!(f, "this machine does not let us wait for AWS: {error}"),
            #[cfg(feature = "live")]
            Self::Ask(what) => f.write_str(what),
            #[cfg(not(feature = "live"))]
            Self::NoAws => f.write_str(
                "this build of eks-access has no AWS in it; build it without `--no-default-features`",
            ),
        }
    }
}

/// `1 line`, `2 lines`.
pub(crate) fn times<N: Copy + fmt::Display + PartialEq + From<u8>>(count: N, noun: &str) -> String {
    let ending = if count == N::from(1) { "" } else { "s" };
    format!("{count} {noun}{ending}")
}

/// Says an error to the person at the terminal.
pub(crate) fn say_error(error: &Error) {
    let _ = writeln!(io::stderr(), "error: {error}");
}

/// Whether to colour standard output.
pub(crate) fn has_colour(choice: crate::args::Color) -> bool {
    match choice {
        crate::args::Color::Always => true,
        crate::args::Color::Never => false,
        crate::args::Color::Auto => {
            io::stdout().is_terminal() && !crate::environment::is_set("NO_COLOR")
        }
    }
}

/// The columns to wrap at: the terminal's, within reason.
pub(crate) fn columns() -> usize {
    terminal_size::terminal_size()
        .map_or(96, |(width, _)| usize::from(width.0))
        .clamp(60, 110)
}

/// Progress on a terminal's standard error, while reading takes long.
pub(crate) struct Progress {
    started: Instant,
    last: Instant,
    is_shown: bool,
    is_terminal: bool,
}

impl Progress {
    /// Nothing is shown for the first second.
    pub(crate) fn new() -> Self {
        let now = Instant::now();
        Self {
            started: now,
            last: now,
            is_shown: false,
            is_terminal: io::stderr().is_terminal(),
        }
    }

    /// Tells how far it is; cheap enough to be called for every few thousand lines.
    pub(crate) fn at(&mut self, lines: u64, problems: u64) {
        let now = Instant::now();
        let is_due = now - self.started > Duration::from_secs(1)
            && now - self.last > Duration::from_millis(200);
        if self.is_terminal && is_due {
            self.last = now;
            self.is_shown = true;
            let _ = write!(
                io::stderr(),
                "\r\u{1b}[Kreading: {} lines, {} problems",
                grouped(lines),
                grouped(problems)
            );
        }
    }

    /// Takes the progress off the screen.
    pub(crate) fn done(&self) {
        if self.is_shown {
            let _ = write!(io::stderr(), "\r\u{1b}[K");
        }
    }
}

/// `1234567` as `1,234,567`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Text of others, fit for a line of a terminal.
pub(crate) fn shown(text: impl Into<String>) -> String {
    LogText::new(text).shown(300)
}

/// A named fact, in two columns.
pub(crate) fn fact(out: &mut String, name: &str, value: &str, columns: usize) {
    const INDENT: &str = "            ";
    let _ = write!(out, "  {name:<10}");
    out.push_str(wrapped(value, columns, INDENT).trim_start());
}

/// Fills lines of at most `columns`. A longer word sticks out: it is an ARN or a name that people copy.
pub(crate) fn wrapped(text: &str, columns: usize, indent: &str) -> String {
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
