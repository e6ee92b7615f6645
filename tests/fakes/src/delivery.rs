//! Deliveries of a `CloudWatch` Logs subscription, good and bad.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::write::{DeflateEncoder, GzEncoder};
use flate2::{Compression, Crc};
use serde_json::json;

/// One delivery, before it is compressed.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// `DATA_MESSAGE` or `CONTROL_MESSAGE`.
    pub message_type: String,
    /// The account of the log group.
    pub owner: String,
    /// `/aws/eks/NAME/cluster`.
    pub log_group: String,
    /// `authenticator-…`.
    pub log_stream: String,
    /// Timestamps in milliseconds, and messages.
    pub events: Vec<(u64, String)>,
}

/// 2026-03-01T10:00:00Z.
pub const START: u64 = 1_772_359_200_000;

impl Delivery {
    /// A delivery from the authenticator stream of `cluster` in account 111122223333, without lines yet.
    pub fn of(cluster: &str) -> Self {
        Self {
            message_type: "DATA_MESSAGE".to_owned(),
            owner: "111122223333".to_owned(),
            log_group: format!("/aws/eks/{cluster}/cluster"),
            log_stream: "authenticator-0123456789abcdef0123456789abcdef".to_owned(),
            events: Vec::new(),
        }
    }

    /// The probe that `CloudWatch` Logs sends when a subscription is made.
    pub fn control() -> Self {
        Self {
            message_type: "CONTROL_MESSAGE".to_owned(),
            owner: "CloudwatchLogs".to_owned(),
            log_group: String::new(),
            log_stream: String::new(),
            events: vec![(
                START,
                "CWL CONTROL MESSAGE: Checking health of destination Lambda.".to_owned(),
            )],
        }
    }

    /// With one more line, a second after the one before.
    #[must_use]
    pub fn line(mut self, message: impl Into<String>) -> Self {
        let at = self.events.last().map_or(START, |(at, _)| at + 1000);
        self.events.push((at, message.into()));
        self
    }

    /// With a line of this time, in milliseconds since 1970.
    #[must_use]
    pub fn at(mut self, milliseconds: i64, line: &str) -> Self {
        let at = u64::try_from(milliseconds).expect("a time after 1970");
        self.events.push((at, crate::lines::at(line, milliseconds)));
        self
    }

    /// With more lines.
    #[must_use]
    pub fn lines<T: Into<String>>(self, messages: impl IntoIterator<Item = T>) -> Self {
        messages.into_iter().fold(self, Self::line)
    }

    /// The document, compact and in the order of keys that `CloudWatch` Logs writes.
    pub fn document(&self) -> Vec<u8> {
        let filters = if self.message_type == "CONTROL_MESSAGE" {
            json!([])
        } else {
            json!(["responder"])
        };
        let mut out = format!(
            r#"{{"messageType":{},"owner":{},"logGroup":{},"logStream":{},"subscriptionFilters":{filters},"logEvents":["#,
            json!(self.message_type),
            json!(self.owner),
            json!(self.log_group),
            json!(self.log_stream),
        );
        let event = |(index, (at, message)): (usize, &(u64, String))| {
            // Ids of `CloudWatch` Logs are 56 digits and grow with time.
            let id = format!("{at:030}{index:026}");
            format!(
                r#"{{"id":"{id}","timestamp":{at},"message":{}}}"#,
                json!(message)
            )
        };
        let events: Vec<_> = self.events.iter().enumerate().map(event).collect();
        out.push_str(&events.join(","));
        out.push_str("]}");
        out.into_bytes()
    }

    /// The document, compressed.
    pub fn gzip(&self) -> Vec<u8> {
        gzip(&self.document())
    }

    /// The event a Lambda function gets.
    pub fn event(&self) -> Vec<u8> {
        event(&self.gzip())
    }
}

/// The event a Lambda function gets for these compressed bytes.
pub fn event(compressed: &[u8]) -> Vec<u8> {
    format!(
        r#"{{"awslogs":{{"data":"{}"}}}}"#,
        STANDARD.encode(compressed)
    )
    .into_bytes()
}

/// The event of a Kinesis stream with one record for each of these compressed payloads.
pub fn kinesis_event(payloads: &[Vec<u8>]) -> Vec<u8> {
    let records: Vec<_> = payloads
        .iter()
        .map(|payload| {
            json!({
                "eventSource": "aws:kinesis",
                "eventName": "aws:kinesis:record",
                "kinesis": {"partitionKey": "1", "sequenceNumber": "1", "data": STANDARD.encode(payload)},
            })
        })
        .collect();
    json!({"Records": records}).to_string().into_bytes()
}

/// One gzip member.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// The same bytes in several gzip members, one after the other.
pub fn gzip_in_members(bytes: &[u8], members: usize) -> Vec<u8> {
    bytes
        .chunks(bytes.len().div_ceil(members))
        .flat_map(gzip)
        .collect()
}

/// With the last member's checksum wrong.
#[must_use]
pub fn with_wrong_checksum(mut compressed: Vec<u8>) -> Vec<u8> {
    let crc = compressed.len() - 8;
    compressed[crc] ^= 0xFF;
    compressed
}

/// What a bomb is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bomb {
    /// One line that does not end.
    Line,
    /// A document that begins with spaces without end.
    Spaces,
    /// An unknown field whose text does not end.
    Field,
    /// A good document, and then zeros.
    Trailer,
}

/// One valid gzip member with a document of about `megabytes` MB: a thousandth of that, compressed.
pub fn bomb(kind: Bomb, megabytes: usize) -> Vec<u8> {
    const CHUNK: usize = 1 << 20;
    let good = Delivery::of("bombed")
        .line(crate::lines::granted(1))
        .document();
    let good = String::from_utf8(good).unwrap();
    let (before, filler, after) = match kind {
        Bomb::Line => {
            let (before, after) = good.rsplit_once("\"}]}").unwrap();
            (before.to_owned(), b'a', format!("\"}}]}}{after}"))
        }
        Bomb::Spaces => (String::new(), b' ', good),
        Bomb::Field => (
            r#"{"unknown":""#.to_owned(),
            b'a',
            format!("\",{}", good.strip_prefix('{').unwrap()),
        ),
        Bomb::Trailer => (good, 0, String::new()),
    };
    let filler = vec![filler; CHUNK];
    // A flush at the end of a chunk makes its block independent of what stands before, so that one compressed
    // chunk can be repeated instead of compressing the same megabyte a thousand times.
    let mut head = DeflateEncoder::new(Vec::new(), Compression::best());
    head.write_all(before.as_bytes()).unwrap();
    let head = flushed(head);
    let mut chunk = DeflateEncoder::new(Vec::new(), Compression::best());
    chunk.write_all(&filler).unwrap();
    let chunk = flushed(chunk);
    let mut tail = DeflateEncoder::new(Vec::new(), Compression::best());
    tail.write_all(after.as_bytes()).unwrap();
    let tail = tail.finish().unwrap();

    let mut crc = Crc::new();
    crc.update(before.as_bytes());
    let mut of_chunk = Crc::new();
    of_chunk.update(&filler);
    let mut out = vec![0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255];
    out.extend_from_slice(&head);
    for _ in 0..megabytes {
        out.extend_from_slice(&chunk);
        crc.combine(&of_chunk);
    }
    out.extend_from_slice(&tail);
    crc.update(after.as_bytes());
    out.extend_from_slice(&crc.sum().to_le_bytes());
    let size = (before.len() + megabytes * CHUNK + after.len()) % (1 << 32);
    out.extend_from_slice(&u32::try_from(size).unwrap().to_le_bytes());
    out
}

fn flushed(mut encoder: DeflateEncoder<Vec<u8>>) -> Vec<u8> {
    encoder.flush().unwrap();
    encoder.get_ref().clone()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::{GzDecoder, MultiGzDecoder};

    use super::{Bomb, Delivery, bomb, gzip_in_members, with_wrong_checksum};

    fn unpacked(mut reader: impl Read) -> std::io::Result<Vec<u8>> {
        let mut out = Vec::new();
        reader.read_to_end(&mut out).map(|_| out)
    }

    #[test]
    fn a_bomb_is_a_valid_member_with_a_valid_document() {
        for kind in [Bomb::Line, Bomb::Spaces, Bomb::Field] {
            let bytes = bomb(kind, 2);
            let document = unpacked(GzDecoder::new(&bytes[..])).unwrap();
            assert!(document.len() > 2 << 20);
            assert!(
                bytes.len() < document.len() / 500,
                "{kind:?} has {} bytes",
                bytes.len()
            );
            let value: serde_json::Value = serde_json::from_slice(&document).unwrap();
            assert_eq!(value["messageType"], "DATA_MESSAGE");
        }
        assert!(
            unpacked(GzDecoder::new(&bomb(Bomb::Trailer, 1)[..]))
                .unwrap()
                .ends_with(&[0, 0])
        );
    }

    #[test]
    fn members_join_to_the_document() {
        let delivery = Delivery::of("a").line("x").line("y");
        let bytes = gzip_in_members(&delivery.document(), 3);
        assert_eq!(
            unpacked(MultiGzDecoder::new(&bytes[..])).unwrap(),
            delivery.document()
        );
    }

    #[test]
    fn a_wrong_checksum_is_wrong() {
        let bytes = with_wrong_checksum(Delivery::of("a").line("x").gzip());
        assert!(unpacked(GzDecoder::new(&bytes[..])).is_err());
    }
}
