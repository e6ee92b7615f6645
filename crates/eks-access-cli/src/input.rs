//! What people have at hand: files, pipes, and the formats of the AWS CLI, found by looking at them.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Cursor, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use eks_access::line::{Stream, is_plainly_granted};
use eks_access::text::lossy;
use flate2::read::MultiGzDecoder;

use crate::lines::for_each_line;
use crate::output::Error;

mod documents;
mod json_line;
mod table;

/// Bytes that are looked at to find the format.
const LOOK_AHEAD: usize = 64 * 1024;

/// One line, and what the input tells of it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Item<'a> {
    /// The line.
    pub(crate) text: &'a str,
    /// Whether it is a plainly granted login whose text nobody asked for, and which is left out.
    pub(crate) is_granted: bool,
    /// Whether only its beginning fitted.
    pub(crate) is_cut: bool,
    /// The stream, if the input says it.
    pub(crate) stream: Option<Stream>,
    /// The log group, if the input says it.
    pub(crate) log_group: &'a str,
    /// The account of the log group, if the input says it.
    pub(crate) owner: &'a str,
    /// The log stream, if the input says it.
    pub(crate) log_stream: &'a str,
    /// The event's id, if the input says it.
    pub(crate) event_id: &'a str,
    /// The event's time in milliseconds since 1970, if the input says it.
    pub(crate) timestamp: Option<i64>,
}

/// Whether the text of plainly granted logins is asked for; they are nine lines of ten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Granted {
    /// It is.
    WithText,
    /// They are only counted.
    Counted,
}

/// Takes the lines of an input.
pub(crate) type Each<'a> = dyn FnMut(Item<'_>) -> Result<(), Error> + 'a;

/// Reads every file, or standard input, line by line.
pub(crate) fn read_all(
    files: &[PathBuf],
    granted: Granted,
    each: &mut Each<'_>,
) -> Result<(), Error> {
    if files.is_empty() {
        if io::stdin().is_terminal() {
            return Err(Error::NoInput);
        }
        return read_stream(
            Path::new("standard input"),
            io::stdin().lock(),
            granted,
            each,
        );
    }
    for path in files {
        if path.as_os_str() == "-" {
            read_stream(
                Path::new("standard input"),
                io::stdin().lock(),
                granted,
                each,
            )?;
        } else {
            let file = File::open(path).map_err(|error| Error::Input(path.clone(), error))?;
            read_stream(path, file, granted, each)?;
        }
    }
    Ok(())
}

/// Reads one stream, gunzipping it when it is compressed.
fn read_stream(
    name: &Path,
    stream: impl Read,
    granted: Granted,
    each: &mut Each<'_>,
) -> Result<(), Error> {
    let stream = Peeked::new(stream);
    if stream.head().starts_with(&[0xff, 0xfe]) || stream.head().starts_with(&[0xfe, 0xff]) {
        let what = "it is UTF-16, as PowerShell writes it; convert it: iconv -f UTF-16 -t UTF-8";
        return Err(Error::Format(name.to_owned(), what.to_owned()));
    }
    if stream.head().starts_with(&[0x1f, 0x8b]) {
        return read_format(
            name,
            Peeked::new(MultiGzDecoder::new(stream)),
            granted,
            each,
        );
    }
    read_format(name, stream, granted, each)
}

/// A stream whose beginning can be looked at. An error in the beginning comes after what was read before it.
struct Peeked<R> {
    head: Cursor<Vec<u8>>,
    failed: Option<io::Error>,
    rest: R,
}

impl<R: Read> Peeked<R> {
    fn new(mut rest: R) -> Self {
        let mut head = Vec::new();
        let failed = rest
            .by_ref()
            .take(LOOK_AHEAD as u64)
            .read_to_end(&mut head)
            .err();
        Self {
            head: Cursor::new(head),
            failed,
            rest,
        }
    }

    fn head(&self) -> &[u8] {
        self.head.get_ref()
    }
}

impl<R: Read> Read for Peeked<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self.head.read(out)? {
            0 => self.failed.take().map_or_else(|| self.rest.read(out), Err),
            count => Ok(count),
        }
    }
}

/// A stream that ends in an error when one event takes more than [`MAX_EVENT`] bytes, so that memory stays flat.
struct Bounded<R> {
    stream: R,
    left: Rc<Cell<u64>>,
}

/// Bytes of one event in a document or table, with all that stands before the next.
const MAX_EVENT: u64 = 64 << 20;

impl<R: Read> Bounded<R> {
    /// The stream, and what is set to [`MAX_EVENT`] after each event.
    fn new(stream: R) -> (Self, Rc<Cell<u64>>) {
        let left = Rc::new(Cell::new(MAX_EVENT));
        (
            Self {
                stream,
                left: Rc::clone(&left),
            },
            left,
        )
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.stream.read(out)?;
        let left = self.left.get().checked_sub(count as u64);
        self.left
            .set(left.ok_or_else(|| io::Error::other("one event takes more than 64 MB"))?);
        Ok(count)
    }
}

/// How the lines are wrapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    /// One line of the log per line.
    Lines,
    /// One JSON object per line, with the log's line inside.
    JsonLines,
    /// JSON documents that hold many lines each.
    Documents,
    /// Comma-separated values with a header.
    Table,
}

/// Finds the format in the first bytes.
fn detect(head: &[u8]) -> Format {
    let head = head.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(head);
    let text = lossy(head);
    let text = text.trim_start();
    let first_line = text.lines().next().unwrap_or_default().trim_end();
    if first_line.starts_with('{') {
        return json_line::kind(first_line).unwrap_or_else(|| document_or_lines(text));
    }
    if let Some(rest) = text.strip_prefix('[') {
        let is_array = rest.trim_start().starts_with(['{', '[', ']']);
        return if is_array {
            Format::Documents
        } else {
            Format::Lines
        };
    }
    if table::is_header(first_line) {
        Format::Table
    } else {
        Format::Lines
    }
}

/// The first line is no whole object: a pretty-printed document, or lines of which the first is cut.
fn document_or_lines(text: &str) -> Format {
    let second = text.trim_start_matches('{').trim_start();
    let is_pretty = documents::KEYS
        .iter()
        .any(|key| second.starts_with(&format!("\"{key}\"")));
    if is_pretty {
        Format::Documents
    } else {
        Format::Lines
    }
}

fn read_format<R: Read>(
    name: &Path,
    stream: Peeked<R>,
    granted: Granted,
    each: &mut Each<'_>,
) -> Result<(), Error> {
    match detect(stream.head()) {
        Format::Lines => for_each_line(stream, |line, is_cut| {
            if granted == Granted::Counted && !is_cut && is_plainly_granted(line) {
                return each(Item {
                    is_granted: true,
                    ..Item::default()
                });
            }
            each(Item {
                text: &lossy(line),
                is_cut,
                ..Item::default()
            })
        }),
        Format::JsonLines => {
            for_each_line(stream, |line, is_cut| json_line::read(line, is_cut, each))
        }
        Format::Documents => documents::read(name, stream, each),
        Format::Table => table::read(name, stream, each),
    }
    .map_err(|error| match error {
        Error::Input(path, error) if path.as_os_str().is_empty() => {
            Error::Input(name.to_owned(), error)
        }
        other => other,
    })
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Input(PathBuf::new(), error)
    }
}

/// What the name of a stream says, in the words of the AWS CLI or of our own JSON.
fn stream_by_name(name: &str) -> Option<Stream> {
    [
        Stream::Authenticator,
        Stream::Audit,
        Stream::ApiServer,
        Stream::Client,
    ]
    .into_iter()
    .find(|stream| stream.slug() == name)
    .or_else(|| {
        let stream = Stream::from_log_stream(name);
        // A control plane's other streams are known too; any other name (docker's "stderr") says nothing.
        let is_control_plane = [
            "kube-controller-manager-",
            "kube-scheduler-",
            "cloud-controller-manager-",
        ]
        .iter()
        .any(|prefix| name.starts_with(prefix));
        (stream != Stream::Other || is_control_plane).then_some(stream)
    })
}

#[cfg(test)]
mod tests {
    use super::{Format, detect};

    #[test]
    fn the_format_is_found_by_looking() {
        for (head, format) in [
            ("time=\"2026\" level=info msg=x", Format::Lines),
            ("{\"level\":\"info\",\"msg\":\"x\"}", Format::Lines),
            (
                "{\"kind\":\"Event\",\"apiVersion\":\"audit.k8s.io/v1\"}",
                Format::Lines,
            ),
            ("{\"log\":\"x\",\"stream\":\"stderr\"}", Format::Lines),
            ("{\"message\":\"x\"}", Format::JsonLines),
            (
                "{\"line\":\"x\",\"stream\":\"authenticator\"}",
                Format::JsonLines,
            ),
            ("{\"awslogs\":{\"data\":\"x\"}}", Format::Documents),
            ("{\n  \"events\": [", Format::Documents),
            ("{\"events\":[]}", Format::Documents),
            ("[{\"@message\":\"x\"}]", Format::Documents),
            ("[pod/x/y] time=", Format::Lines),
            ("@timestamp,@message", Format::Table),
            ("timestamp,message", Format::Table),
            ("", Format::Lines),
        ] {
            assert_eq!(detect(head.as_bytes()), format, "{head}");
        }
    }
}
