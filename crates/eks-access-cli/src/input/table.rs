//! Comma-separated values with a header, as Logs Insights and the console export them.

use std::io::Read;
use std::path::Path;

use serde_json::Value;

use super::json_line::milliseconds;
use super::{Bounded, Each, Item, MAX_EVENT, stream_by_name};
use crate::output::Error;
use eks_access::text::lossy;

/// The columns that hold the line.
const MESSAGE: [&str; 4] = ["@message", "message", "Message", "line"];
const TIMESTAMP: [&str; 3] = ["@timestamp", "timestamp", "time"];
const LOG_STREAM: [&str; 4] = ["@logStream", "logStreamName", "logStream", "stream"];
const LOG_GROUP: [&str; 3] = ["@log", "logGroup", "logGroupName"];

/// Whether a line is a header with a column for the line.
pub(crate) fn is_header(line: &str) -> bool {
    let columns: Vec<&str> = line
        .split(',')
        .map(|name| name.trim_matches(['"', ' ']))
        .collect();
    columns.iter().any(|name| MESSAGE.contains(name))
        && columns.iter().all(|name| {
            name.bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'@' | b'_' | b'-' | b' ' | b'.'))
        })
}

/// Reads every row.
pub(crate) fn read(name: &Path, stream: impl Read, each: &mut Each<'_>) -> Result<(), Error> {
    let broken = |error: csv::Error| Error::Format(name.to_owned(), error.to_string());
    let (stream, left) = Bounded::new(stream);
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(stream);
    let headers = reader.byte_headers().map_err(broken)?.clone();
    let column = |names: &[&str]| {
        headers.iter().position(|header| {
            let header = lossy(header);
            names.contains(&header.trim_start_matches('\u{FEFF}').trim())
        })
    };
    let (message, time, stream, group) = (
        column(&MESSAGE),
        column(&TIMESTAMP),
        column(&LOG_STREAM),
        column(&LOG_GROUP),
    );
    let mut row = csv::ByteRecord::new();
    while reader.read_byte_record(&mut row).map_err(broken)? {
        left.set(MAX_EVENT);
        let cell =
            |column: Option<usize>| lossy(column.and_then(|at| row.get(at)).unwrap_or_default());
        let (log, log_stream) = (cell(group), cell(stream));
        let (owner, log_group) = log.split_once(':').unwrap_or(("", &log));
        each(Item {
            text: &cell(message),
            stream: stream_by_name(&log_stream),
            log_group,
            owner,
            log_stream: &log_stream,
            timestamp: milliseconds(&Value::String(cell(time).into_owned())),
            ..Item::default()
        })?;
    }
    Ok(())
}
