//! One line: from its text to its symptom and the fields that decide something.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::catalogue::Detail;
use crate::klog;
use crate::logrus::{self, NotARecord, Record};
use crate::paste;
use crate::symptom::record::{self, Said};
use crate::symptom::{Kind, Symptom, client};
use crate::timestamp;

/// Which log a line comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stream {
    /// `authenticator-…`.
    Authenticator,
    /// `kube-apiserver-audit-…`.
    Audit,
    /// `kube-apiserver-…`.
    ApiServer,
    /// A person's terminal or browser.
    Client,
    /// Anything else.
    Other,
}

impl Stream {
    /// By the name of the `CloudWatch` log stream. The audit prefix is tested before the API server's, which it begins
    /// with.
    #[must_use]
    pub fn from_log_stream(name: &str) -> Self {
        if name.starts_with("authenticator-") {
            Self::Authenticator
        } else if name.starts_with("kube-apiserver-audit-") {
            Self::Audit
        } else if name.starts_with("kube-apiserver-") {
            Self::ApiServer
        } else {
            Self::Other
        }
    }

    /// The stable name in machine output.
    #[must_use]
    pub fn slug(self) -> &'static str {
        match self {
            Self::Authenticator => "authenticator",
            Self::Audit => "audit",
            Self::ApiServer => "apiserver",
            Self::Client => "client",
            Self::Other => "other",
        }
    }
}

/// What a line says, and the fields that decide something. Texts are as logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What it says.
    pub symptom: Symptom,
    /// What it shows beyond that.
    pub detail: Detail,
    /// Which log it must come from, judged by its form.
    pub stream: Stream,
    /// Whether it says "not mapped" in exactly a release's words, at the webhook's own path.
    pub is_exact: bool,
    /// Field `arn`.
    pub arn: Option<String>,
    /// Field `client`: the API server's connection, not the caller.
    pub client: Option<String>,
    /// Field `session`.
    pub session: Option<String>,
    /// Field `accountid`.
    pub account: Option<String>,
    /// Field `userid`.
    pub unique_id: Option<String>,
    /// Field `error`, or the message of a fault.
    pub error: Option<String>,
    /// Field `time`, in milliseconds since 1970.
    pub time: Option<i64>,
}

impl Line {
    fn new(symptom: Symptom, stream: Stream) -> Self {
        Self {
            symptom,
            detail: Detail::None,
            stream,
            is_exact: false,
            arn: None,
            client: None,
            session: None,
            account: None,
            unique_id: None,
            error: None,
            time: None,
        }
    }

    /// A line that is cut.
    #[must_use]
    pub fn truncated() -> Self {
        Self::new(Symptom::Truncated, Stream::Authenticator)
    }

    fn from_record(record: &Record<'_>) -> Self {
        if is_cut_within_a_word(record) {
            return Self::truncated();
        }
        let Said {
            symptom,
            detail,
            exact,
        } = record::read(record);
        let mut line = Self {
            detail,
            ..Self::new(symptom, Stream::Authenticator)
        };
        let field = |key: &str| record.text(key).map(Cow::into_owned);
        let needs_fields = detail != Detail::None
            || matches!(symptom.kind(), Kind::Denial | Kind::Identity | Kind::Fault);
        if !needs_fields {
            return line;
        }
        let at_webhook = record.is("path", "/authenticate") && record.is("method", "POST");
        line.is_exact = exact && at_webhook && record.is("level", "warning");
        line.arn = field("arn");
        line.client = field("client");
        line.error = field("error").or_else(|| {
            (symptom.kind() == Kind::Fault)
                .then(|| field("msg"))
                .flatten()
        });
        line.time = record.text("time").and_then(|time| timestamp::parse(&time));
        if symptom == Symptom::StsIdentity {
            line.session = field("session").filter(|session| !session.is_empty());
            line.account = field("accountid");
            line.unique_id = field("userid");
        }
        line
    }
}

/// Reads a line of the authenticator stream as a subscription delivers it.
#[must_use]
pub fn read_delivered(text: &str) -> Line {
    let text = paste::trimmed(text);
    if is_plainly_granted(text.as_bytes()) {
        return Line::new(Symptom::AccessGranted, Stream::Authenticator);
    }
    match parse(text) {
        Ok(record) => Line::from_record(&record),
        Err(_) if is_known_prose(text) => Line::new(Symptom::InfoOther, Stream::Authenticator),
        Err(_) => Line::truncated(),
    }
}

/// Reads a line that somebody pasted or exported: wrapped, coloured, shortened to its error, or what a terminal said.
/// `stream` says where it comes from, if that is known.
#[must_use]
pub fn read_pasted(text: &str, stream: Option<Stream>) -> Line {
    match stream {
        Some(Stream::Client) => return read_client(paste::trimmed(text)),
        Some(stream @ (Stream::Audit | Stream::ApiServer | Stream::Other)) => {
            return Line::new(Symptom::InfoOther, stream);
        }
        Some(Stream::Authenticator) | None => {}
    }
    let text = paste::trimmed(text);
    if is_plainly_granted(text.as_bytes()) {
        return Line::new(Symptom::AccessGranted, Stream::Authenticator);
    }
    let coloured = paste::without_colours(text);
    let mut text = Cow::Borrowed(paste::trimmed(&coloured));
    // Wrappers nest: a JSON string of a CRI line of the line.
    for _ in 0..4 {
        if let Ok(record) = parse(&text).or_else(|_| logrus::parse_terminal(&text)) {
            return Line::from_record(&record);
        }
        let Some(inner) = paste::unwrap_once(&text).map(|inner| paste::trimmed(&inner).to_owned())
        else {
            break;
        };
        text = Cow::Owned(inner);
    }
    read_rest(&text, stream)
}

/// Whether this is the line of a granted login as every release writes it: nine lines of ten, of which nothing is asked.
/// It is compared from its start, where the level and message stand before any text a caller chose, and at its end,
/// where the last pair must be a whole user name that is not empty. What stands between is not looked at; a login that
/// was granted decides nothing. Everything else goes through the grammar.
#[must_use]
pub fn is_plainly_granted(line: &[u8]) -> bool {
    const START: &[u8] = b"time=\"";
    const MIDDLE: &[u8] = b"Z\" level=info msg=\"access granted\" arn=\"";
    const SECONDS: usize = "2006-01-02T15:04:05".len();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let after_time = line
        .strip_prefix(START)
        .and_then(|rest| rest.get(SECONDS..));
    if !after_time.is_some_and(|rest| rest.starts_with(MIDDLE)) {
        return false;
    }
    let last = memchr::memrchr(b' ', line).and_then(|at| line.get(at + 1..));
    let Some(name) = last.and_then(|pair| pair.strip_prefix(b"username=")) else {
        return false;
    };
    let inside = name
        .strip_prefix(b"\"")
        .map_or(Some(name), |rest| rest.strip_suffix(b"\""));
    inside.is_some_and(|name| {
        !name.is_empty() && !name.iter().any(|b| matches!(b, b'"' | b'\\' | b'='))
    })
}

/// The field `arn` of a line that [`read_pasted`] takes for a granted login. There are thousands of those, so it is
/// read only when somebody asks.
#[must_use]
pub fn granted_arn(text: &str) -> Option<String> {
    let record = parse(paste::trimmed(text)).ok()?;
    record.text("arn").map(Cow::into_owned)
}

/// When a login was granted that [`granted_arn`] reads, by the line's own time as far as that of its event bears it out.
#[must_use]
pub fn granted_at(text: &str, of_event: Option<i64>) -> Option<i64> {
    let record = parse(paste::trimmed(text)).ok()?;
    let own = record
        .text("time")
        .and_then(|time| crate::timestamp::parse(&time));
    crate::denial::believed(own, of_event)
}

/// What is no record: another stream's object, prose of the server, a fragment, a terminal's words, or something cut.
fn read_rest(text: &str, stream: Option<Stream>) -> Line {
    let own_stream = stream.unwrap_or(Stream::Authenticator);
    if let Some(object) = object(text) {
        return read_object(&object, stream);
    }
    // What is visibly a piece of a record is cut, whatever a caller wrote into it.
    if has_record_skeleton(text) {
        return Line::new(Symptom::Truncated, own_stream);
    }
    if let Some(symptom) = fragment(text) {
        let mut line = Line::new(symptom, Stream::Authenticator);
        line.error = Some(text.to_owned());
        return line;
    }
    // kubectl logs failed discovery through klog, from `memcache.go`; other programs' klog lines are no terminal's.
    let is_foreign_klog = klog_source(text).is_some_and(|file| file != "memcache.go");
    if stream.is_none() && !is_foreign_klog && client::read(text).is_some() {
        return read_client(text);
    }
    let is_other = text.is_empty() || is_known_prose(text);
    let symptom = if is_other {
        Symptom::InfoOther
    } else {
        Symptom::Truncated
    };
    Line::new(symptom, own_stream)
}

/// A JSON object that is no record: a broken one, or another stream's, such as an audit event. Its texts are not looked
/// at: what an audit event quotes was said to somebody else.
fn read_object(object: &Map<String, Value>, stream: Option<Stream>) -> Line {
    let is_broken_record = object.contains_key("level") && object.contains_key("msg");
    let is_audit_event = object
        .get("apiVersion")
        .and_then(Value::as_str)
        .is_some_and(|version| version.starts_with("audit.k8s.io/"));
    let own_stream = if is_audit_event {
        Stream::Audit
    } else {
        Stream::Authenticator
    };
    let symptom = if is_broken_record {
        Symptom::Truncated
    } else {
        Symptom::InfoOther
    };
    Line::new(symptom, stream.unwrap_or(own_stream))
}

fn object(text: &str) -> Option<Map<String, Value>> {
    text.starts_with('{')
        .then(|| serde_json::from_str(text).ok())
        .flatten()
}

/// The keys that a record can begin with: logrus' own, then the fields of every release, in any order.
const KEYS: [&str; 29] = [
    "time",
    "level",
    "msg",
    "logrus_error",
    "func",
    "file",
    "fields.msg",
    "fields.time",
    "fields.level",
    "accesskeyid",
    "accountid",
    "accountID",
    "arn",
    "certPath",
    "client",
    "error",
    "groups",
    "http",
    "keyPath",
    "method",
    "path",
    "role",
    "session",
    "sts",
    "stsendpoint",
    "uid",
    "user",
    "userid",
    "username",
];

/// Whether a record that is in the grammar shows all the same that its start or end is missing: it begins with a key
/// that no release writes, or it ends within the webhook's constant method or path.
fn is_cut_within_a_word(record: &Record<'_>) -> bool {
    let is_headless = !record.keys().next().is_some_and(|key| KEYS.contains(&key));
    let is_part_of = |key: &str, whole: &str| {
        record
            .text(key)
            .is_some_and(|value| value != whole && whole.starts_with(value.as_ref()))
    };
    let last = record.keys().last();
    // Only what is no login can be asked at another path.
    let is_other_path = record.is("path", "/") && record.is("level", "error");
    is_headless
        || (last == Some("path") && is_part_of("path", "/authenticate") && !is_other_path)
        || (last == Some("method") && is_part_of("method", "POST"))
}

fn read_client(text: &str) -> Line {
    let symptom = client::read(text).unwrap_or(Symptom::InfoOther);
    let mut line = Line::new(symptom, Stream::Client);
    line.error = Some(text.to_owned());
    line
}

fn parse(text: &str) -> Result<Record<'_>, NotARecord> {
    if text.starts_with('{') {
        logrus::parse_json(text)
    } else {
        logrus::parse_text(text)
    }
}

/// The error alone, or `access denied … error="…"` as people abridge it. It names nobody.
fn fragment(text: &str) -> Option<Symptom> {
    if let Some(symptom) = record::read_fragment(text) {
        return Some(symptom);
    }
    let abridged = text.strip_prefix("access denied")?;
    let pairs = abridged.match_indices(' ').take(8).find_map(|(at, _)| {
        let record = logrus::parse_text(abridged.get(at + 1..)?).ok()?;
        record
            .text("error")
            .map(|error| record::denial_error(&error).symptom)
    });
    pairs.or(Some(Symptom::UnknownDenial))
}

/// Whether a text that is no record has pairs that only a record has.
fn has_record_skeleton(text: &str) -> bool {
    const PIECES: [&str; 5] = [
        "level=",
        "msg=\"",
        "client=\"127.0.0.1:",
        "method=POST",
        "path=/authenticate",
    ];
    !klog::is_klog(text) && PIECES.iter().any(|piece| text.contains(piece))
}

/// klog, `Authenticator Version: …`, and what a Go program prints when it panics.
fn is_known_prose(text: &str) -> bool {
    const BEGINNINGS: [&str; 5] = [
        "Authenticator Version:",
        "panic: ",
        "goroutine ",
        "runtime error: ",
        "fatal error: ",
    ];
    klog::is_klog(text) || BEGINNINGS.iter().any(|start| text.starts_with(start)) || is_go_log(text)
}

/// Go's own log package: `2009/11/10 23:00:00 text`.
fn is_go_log(text: &str) -> bool {
    const SHAPE: &[u8] = b"dddd/dd/dd dd:dd:dd ";
    let bytes = text.as_bytes();
    bytes.len() >= SHAPE.len()
        && SHAPE.iter().zip(bytes).all(|(shape, b)| {
            if *shape == b'd' {
                b.is_ascii_digit()
            } else {
                shape == b
            }
        })
}

/// The source file in a klog line's header, `… file.go:NN] …`, also where somebody cut the header's start.
fn klog_source(text: &str) -> Option<&str> {
    let (header, _) = text.split_once("] ")?;
    let place = header.rsplit(' ').next()?;
    let (file, number) = place.rsplit_once(':')?;
    let is_go = file
        .rsplit_once('.')
        .is_some_and(|(_, ending)| ending == "go");
    (is_go && number.bytes().all(|b| b.is_ascii_digit())).then_some(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_line_names_nobody() {
        let whole = r#"time="2026-11-21T22:50:01Z" level=warning msg="access denied" arn="arn:aws:iam::111122223333:role/a" client="127.0.0.1:1" error="Identity is not mapped" method=POST path=/authenticate"#;
        assert!(read_delivered(whole).is_exact);
        for end in 1..whole.len() {
            let line = read_delivered(&whole[..end]);
            assert!(!line.is_exact || end >= whole.len(), "{end}");
        }
        let cut = read_delivered(&whole[..whole.len() - 50]);
        assert_eq!((cut.symptom, cut.arn), (Symptom::Truncated, None));
        assert_eq!(read_delivered(&whole[8..]).symptom, Symptom::Truncated);
    }

    #[test]
    fn pasted_fragments_are_read_and_name_nobody() {
        for (text, symptom) in [
            (
                "sts getCallerIdentity failed: error from AWS (expected 200, got 403). Body: {\\\"Error\\\":{\\\"Code\\\":\\\"ExpiredToken\\\"}}",
                Symptom::StsExpiredCredentials,
            ),
            (
                "could not verify token: input token was not properly formatted: token is too large",
                Symptom::TokenMalformed,
            ),
            (
                "access denied ... error=\"SessionName\"",
                Symptom::UnknownDenial,
            ),
            (
                "error: You must be logged in to the server (Unauthorized)",
                Symptom::ClientUnauthorized,
            ),
            (
                "W0322 10:00:01.123456       1 client_config.go:617] Neither",
                Symptom::InfoOther,
            ),
            ("", Symptom::InfoOther),
            ("and so on and so forth", Symptom::Truncated),
        ] {
            let line = read_pasted(text, None);
            assert_eq!((line.symptom, &line.arn), (symptom, &None), "{text}");
        }
    }
}
