//! One `CloudWatch` Logs delivery: base64, gzip under a cap, JSON, log events.
//!
//! Everything is streamed: memory stays flat whatever a payload unfolds to, and each event is handed over as soon as
//! it is read. The checksum stands at the end of the data, so an error may come after events were handed over;
//! whoever collected them then throws them away.

use std::borrow::Cow;
use std::fmt;
use std::io::Read;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use flate2::bufread::MultiGzDecoder;
use serde::Deserialize;

use crate::json::{Json, JsonError};
use crate::text::lossy;

/// How much a payload may unfold to.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// All of it, in bytes. A legitimate 6 MB payload holds about 56 MB.
    pub decoded_bytes: u64,
    /// One event's message, in bytes; a longer one is handed over cut, with [`Event::is_cut`].
    pub message_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            decoded_bytes: 64 << 20,
            message_bytes: 1 << 20,
        }
    }
}

/// What a delivery says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Header {
    /// `CONTROL_MESSAGE`: a probe, to be acknowledged and nothing else.
    pub is_control: bool,
    /// The account of the log group, as written.
    pub owner: String,
    /// `/aws/eks/NAME/cluster` for a control plane.
    pub log_group: String,
    /// `authenticator-<32 hex>` for the authenticator.
    pub log_stream: String,
}

/// One log event.
#[derive(Debug, Clone, Copy, Default)]
pub struct Event<'a> {
    /// `CloudWatch`'s id of the event; empty if it has none.
    pub id: &'a str,
    /// Milliseconds since 1970; `None` if it has none.
    pub timestamp: Option<i64>,
    /// The line.
    pub message: &'a str,
    /// Whether the line was longer than [`Limits::message_bytes`].
    pub is_cut: bool,
}

/// Why a delivery can't be read. None of these can be helped by trying again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeliveryError {
    /// The event is none of the forms that are known.
    NotADelivery,
    /// `data` is not base64.
    Base64,
    /// The gzip stream is broken, cut, or its checksum is wrong.
    Gzip(String),
    /// It unfolds to more than the cap, in bytes.
    TooLarge(u64),
    /// What was unfolded is not the documented JSON; the text says where.
    Json(&'static str),
}

impl DeliveryError {
    /// A stable name, for metrics and logs.
    #[must_use]
    pub fn slug(&self) -> &'static str {
        match self {
            Self::NotADelivery => "not-a-delivery",
            Self::Base64 => "bad-base64",
            Self::Gzip(_) => "bad-gzip",
            Self::TooLarge(_) => "too-large",
            Self::Json(_) => "bad-json",
        }
    }
}

impl fmt::Display for DeliveryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotADelivery => f.write_str(
                "the event is no log delivery; it has `awslogs.data`, `Records[].kinesis.data` or `records[].data`",
            ),
            Self::Base64 => f.write_str("`data` is not base64; pass the payload on as CloudWatch Logs sent it"),
            Self::Gzip(why) => write!(f, "the payload is not sound gzip ({why}); it was damaged on its way here"),
            Self::TooLarge(cap) => {
                write!(f, "the payload unfolds to more than {cap} bytes; raise MAX_DECODED_BYTES if it is legitimate")
            }
            Self::Json(what) => write!(f, "the payload is not a CloudWatch Logs document: {what}"),
        }
    }
}

impl std::error::Error for DeliveryError {}

/// One payload, still compressed (or plain JSON, as Firehose passes it on when it decompresses). One that is not base64
/// costs only itself: its error comes when it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload(Result<Vec<u8>, DeliveryError>);

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    awslogs: Option<Data<'a>>,
    #[serde(borrow, rename = "Records")]
    kinesis: Option<Vec<KinesisRecord<'a>>>,
    #[serde(borrow, rename = "records")]
    firehose: Option<Vec<Data<'a>>>,
}

#[derive(Deserialize)]
struct KinesisRecord<'a> {
    #[serde(borrow)]
    kinesis: Data<'a>,
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow)]
    data: Cow<'a, str>,
}

/// Finds the payloads in a Lambda event: a subscription's `{"awslogs":{"data":…}}`, or the same payload in the records
/// of a Kinesis stream or a Firehose.
///
/// # Errors
/// [`DeliveryError::NotADelivery`].
pub fn payloads(event: &[u8]) -> Result<Vec<Payload>, DeliveryError> {
    let envelope: Envelope<'_> =
        serde_json::from_slice(event).map_err(|_| DeliveryError::NotADelivery)?;
    let data: Vec<Data<'_>> = match envelope {
        Envelope {
            awslogs: Some(data),
            ..
        } => vec![data],
        Envelope {
            kinesis: Some(records),
            ..
        } => records.into_iter().map(|record| record.kinesis).collect(),
        Envelope {
            firehose: Some(records),
            ..
        } => records,
        _ => return Err(DeliveryError::NotADelivery),
    };
    Ok(data
        .iter()
        .map(|data| Payload(decode_base64(&data.data)))
        .collect())
}

fn decode_base64(text: &str) -> Result<Vec<u8>, DeliveryError> {
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    LENIENT
        .decode(text.trim())
        .map_err(|_| DeliveryError::Base64)
}

impl Payload {
    /// A payload from bytes that are gzip or plain JSON.
    #[must_use]
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(Ok(bytes))
    }

    /// Reads the payload, handing over each event with the header it stands under. Gives the header of each document.
    ///
    /// # Errors
    /// Any [`DeliveryError`], possibly after events were handed over; those must then be discarded.
    pub fn read(
        &self,
        limits: &Limits,
        mut each: impl FnMut(&Header, Event<'_>),
    ) -> Result<Vec<Header>, DeliveryError> {
        let bytes = self.0.as_ref().map_err(Clone::clone)?;
        let headers = if bytes.starts_with(&[0x1f, 0x8b]) {
            read_documents(|| MultiGzDecoder::new(bytes.as_slice()), limits, &mut each)
        } else {
            read_documents(|| bytes.as_slice(), limits, &mut each)
        }?;
        if headers.is_empty() {
            Err(DeliveryError::Json("it is empty"))
        } else {
            Ok(headers)
        }
    }

    /// Reads the payload to its end and its checksum, handing over nothing.
    ///
    /// # Errors
    /// Any [`DeliveryError`].
    pub fn verify(&self, limits: &Limits) -> Result<(), DeliveryError> {
        self.read(limits, |_, _| {}).map(|_| ())
    }
}

/// Reads every document of a stream that can be opened twice. Headers come before events in what AWS sends; where they
/// don't, a first pass finds the headers.
fn read_documents<R: Read>(
    open: impl Fn() -> R,
    limits: &Limits,
    each: &mut impl FnMut(&Header, Event<'_>),
) -> Result<Vec<Header>, DeliveryError> {
    let mut documents = Documents::new(open(), limits);
    let mut headers = Vec::new();
    while let Some(header) = documents.next(None, each)? {
        headers.push(header);
    }
    if !documents.met_events_before_header {
        return Ok(headers);
    }
    let mut again = Documents::new(open(), limits);
    for header in &headers {
        again.next(Some(header), each)?;
    }
    Ok(headers)
}

/// The reader of one stream of documents.
struct Documents<R> {
    json: Json<R>,
    message_bytes: usize,
    met_events_before_header: bool,
    id: Vec<u8>,
    message: Vec<u8>,
}

impl<R: Read> Documents<R> {
    fn new(stream: R, limits: &Limits) -> Self {
        Self {
            json: Json::new(stream, limits.decoded_bytes),
            message_bytes: limits.message_bytes,
            met_events_before_header: false,
            id: Vec::new(),
            message: Vec::new(),
        }
    }

    /// Reads one document. With a `known` header, all events are handed over; without one, those that come after the
    /// header's members.
    fn next(
        &mut self,
        known: Option<&Header>,
        each: &mut impl FnMut(&Header, Event<'_>),
    ) -> Result<Option<Header>, DeliveryError> {
        if self.json.at_end()? {
            return Ok(None);
        }
        let mut header = known.cloned().unwrap_or_default();
        let mut seen = Seen::default();
        let mut key = Vec::new();
        self.json.open(b'{', "a document is an object")?;
        let mut is_first = true;
        while self.json.next_member(&mut is_first, &mut key)? {
            match key.as_slice() {
                b"messageType" => {
                    seen.message_type = true;
                    header.is_control = self.string()? == "CONTROL_MESSAGE";
                }
                b"owner" => header.owner = self.string()?,
                b"logGroup" => (seen.log_group, header.log_group) = (true, self.string()?),
                b"logStream" => (seen.log_stream, header.log_stream) = (true, self.string()?),
                b"logEvents" => {
                    seen.events = true;
                    if known.is_some() || seen.is_header() {
                        self.events(&header, each)?;
                    } else {
                        self.met_events_before_header = true;
                        self.json.skip_value()?;
                    }
                }
                _ => self.json.skip_value()?,
            }
        }
        if !seen.events {
            return Err(DeliveryError::Json("it has no `logEvents`"));
        }
        Ok(Some(header))
    }

    fn string(&mut self) -> Result<String, DeliveryError> {
        let mut text = Vec::new();
        self.json.string(&mut text, self.message_bytes)?;
        Ok(lossy(&text).into_owned())
    }

    fn events(
        &mut self,
        header: &Header,
        each: &mut impl FnMut(&Header, Event<'_>),
    ) -> Result<(), DeliveryError> {
        self.json.open(b'[', "`logEvents` is an array")?;
        let mut is_first = true;
        while self.json.next_item(&mut is_first)? {
            self.event(header, each)?;
        }
        Ok(())
    }

    /// Reads one event. An item that is no object with a message is handed over as an empty line, to be counted.
    fn event(
        &mut self,
        header: &Header,
        each: &mut impl FnMut(&Header, Event<'_>),
    ) -> Result<(), DeliveryError> {
        self.id.clear();
        self.message.clear();
        let mut timestamp = None;
        let mut fits = true;
        if self.json.peek()? == b'{' {
            let mut key = Vec::new();
            self.json.open(b'{', "an event is an object")?;
            let mut is_first = true;
            while self.json.next_member(&mut is_first, &mut key)? {
                let is_string = self.json.peek()? == b'"';
                match key.as_slice() {
                    b"id" if is_string => {
                        self.json.string(&mut self.id, 256)?;
                    }
                    b"message" if is_string => {
                        fits = self.json.string(&mut self.message, self.message_bytes)?;
                    }
                    b"timestamp" => timestamp = self.json.integer()?,
                    _ => self.json.skip_value()?,
                }
            }
        } else {
            self.json.skip_value()?;
        }
        if !header.is_control {
            let id = lossy(&self.id);
            let message = lossy(&self.message);
            each(
                header,
                Event {
                    id: &id,
                    timestamp,
                    message: &message,
                    is_cut: !fits,
                },
            );
        }
        Ok(())
    }
}

/// Which members of a document were read.
#[derive(Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one member of the document"
)]
struct Seen {
    message_type: bool,
    log_group: bool,
    log_stream: bool,
    events: bool,
}

impl Seen {
    fn is_header(&self) -> bool {
        self.message_type && self.log_group && self.log_stream
    }
}

impl From<JsonError> for DeliveryError {
    fn from(error: JsonError) -> Self {
        match error {
            JsonError::Stream(why) => Self::Gzip(why),
            JsonError::TooLarge(cap) => Self::TooLarge(cap),
            JsonError::Syntax(what) => Self::Json(what),
        }
    }
}
