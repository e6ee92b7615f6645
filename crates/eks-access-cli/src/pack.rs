//! `pack`: lines into the event that a log subscription sends to Lambda, for tests and trials.

use std::io::{self, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use eks_access::line::read_pasted;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;
use serde_json::json;

use crate::args::Pack;
use crate::input::{self, Granted};
use crate::output::{Error, Found};

/// Lambda's limit of an asynchronous event, in bytes.
const ASYNCHRONOUS_LIMIT: usize = 1_000_000;

/// One delivery of a log stream.
pub(crate) struct Delivery<'a> {
    /// The account of the log group.
    pub(crate) owner: &'a str,
    /// The log group.
    pub(crate) log_group: String,
    /// The log stream.
    pub(crate) log_stream: &'a str,
    /// Times in milliseconds since 1970, and lines.
    pub(crate) lines: &'a [(u128, String)],
}

/// A delivery before it is compressed, its members in the order in which `CloudWatch` Logs writes them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    message_type: &'static str,
    owner: &'a str,
    log_group: &'a str,
    log_stream: &'a str,
    subscription_filters: [&'static str; 1],
    log_events: Vec<Event<'a>>,
}

/// One log event.
#[derive(Serialize)]
struct Event<'a> {
    id: String,
    timestamp: u128,
    message: &'a str,
}

/// The event that Lambda gets for a delivery.
pub(crate) fn packed(delivery: &Delivery<'_>) -> io::Result<String> {
    let lines = delivery.lines.iter().enumerate();
    let log_events = lines.map(|(number, (timestamp, message))| Event {
        id: format!("{number:056}"),
        timestamp: *timestamp,
        message,
    });
    let document = Document {
        message_type: "DATA_MESSAGE",
        owner: delivery.owner,
        log_group: &delivery.log_group,
        log_stream: delivery.log_stream,
        subscription_filters: ["eks-access-pack"],
        log_events: log_events.collect(),
    };
    let document = serde_json::to_vec(&document)?;
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(&document)?;
    let data = gzip.finish()?;
    Ok(json!({"awslogs": {"data": STANDARD.encode(data)}}).to_string())
}

/// Runs the command.
pub(crate) fn run(options: &Pack) -> Result<Found, Error> {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_millis());
    let mut lines = Vec::new();
    input::read_all(&options.files, Granted::WithText, &mut |item| {
        if item.text.trim().is_empty() {
            return Ok(());
        }
        let timestamp = item
            .timestamp
            .or_else(|| read_pasted(item.text, None).time)
            .map_or(now, |time| u128::try_from(time).unwrap_or(now));
        lines.push((timestamp, item.text.to_owned()));
        Ok(())
    })?;
    if lines.is_empty() {
        let _ = writeln!(io::stderr(), "note: no line came in; the event holds none");
    }
    let event = packed(&Delivery {
        owner: options.account.as_str(),
        log_group: format!("/aws/eks/{}/cluster", options.cluster),
        log_stream: &options.log_stream,
        lines: &lines,
    })
    .map_err(Error::Output)?;
    if event.len() > ASYNCHRONOUS_LIMIT {
        let _ = writeln!(
            io::stderr(),
            "note: {} bytes; CloudWatch Logs sends at most {ASYNCHRONOUS_LIMIT} at once",
            event.len()
        );
    }
    writeln!(io::stdout().lock(), "{event}").map_err(Error::Output)?;
    Ok(Found::Nothing)
}
