//! What the protocols of AWS have in common: percent-encoding, forms, times, XML, and the scope of a signature.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::http::Request;

/// The parameters of an `application/x-www-form-urlencoded` body, or of the query of a URL.
pub(crate) fn form(body: &[u8]) -> BTreeMap<String, String> {
    pairs(body).into_iter().collect()
}

/// The same in their order, names that come twice included.
pub(crate) fn pairs(body: &[u8]) -> Vec<(String, String)> {
    body.split(|b| *b == b'&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let cut = pair.iter().position(|b| *b == b'=').unwrap_or(pair.len());
            (
                of_form(&pair[..cut]),
                of_form(pair.get(cut + 1..).unwrap_or(b"")),
            )
        })
        .collect()
}

fn of_form(text: &[u8]) -> String {
    let spaced: Vec<u8> = text
        .iter()
        .map(|b| if *b == b'+' { b' ' } else { *b })
        .collect();
    decoded(&spaced)
}

/// Text without its percent-encoding. A `+` stays what it is.
pub(crate) fn decoded(text: &[u8]) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        let (byte, next) = match (first, tail) {
            (b'%', [high, low, after @ ..]) => {
                let digits = [*high, *low];
                let hex = std::str::from_utf8(&digits)
                    .ok()
                    .and_then(|hex| u8::from_str_radix(hex, 16).ok());
                hex.map_or((b'%', tail), |byte| (byte, after))
            }
            _ => (*first, tail),
        };
        out.push(byte);
        rest = next;
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Text with everything encoded that RFC 3986 does not call unreserved.
pub(crate) fn encoded(text: &str) -> String {
    text.bytes()
        .map(|b| match b {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                char::from(b).to_string()
            }
            _ => format!("%{b:02X}"),
        })
        .collect()
}

/// Text between the tags of XML.
pub(crate) fn xml(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// For whom a request was signed: `Credential=KEY/DATE/REGION/SERVICE/aws4_request`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scope {
    pub(crate) access_key: String,
    pub(crate) region: String,
    pub(crate) service: String,
}

/// The scope of the request's `SigV4` signature, if it bears one.
pub(crate) fn scope(request: &Request) -> Option<Scope> {
    let signed = request
        .header("authorization")?
        .strip_prefix("AWS4-HMAC-SHA256 ")?;
    let credential = signed
        .split(',')
        .find_map(|part| part.trim().strip_prefix("Credential="))?;
    let parts: Vec<_> = credential.split('/').collect();
    let [access_key, date, region, service, "aws4_request"] = parts.as_slice() else {
        return None;
    };
    let complete = date.len() == 8
        && !access_key.is_empty()
        && ["SignedHeaders=", "Signature="]
            .iter()
            .all(|name| signed.contains(name));
    complete.then(|| Scope {
        access_key: (*access_key).to_owned(),
        region: (*region).to_owned(),
        service: (*service).to_owned(),
    })
}

/// `2026-03-01T10:00:00Z` in milliseconds since 1970.
pub(crate) fn instant(text: &str) -> i64 {
    read_instant(text).unwrap_or_else(|| panic!("`{text}` is no time like 2026-03-01T10:00:00Z"))
}

/// The same of a text that may be no time.
pub(crate) fn read_instant(text: &str) -> Option<i64> {
    let time = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    Some(time.unix_timestamp() * 1000 + i64::from(time.millisecond()))
}

/// Milliseconds since 1970 as the query protocol writes them.
pub(crate) fn iso(milliseconds: i64) -> String {
    OffsetDateTime::from_unix_timestamp(milliseconds.div_euclid(1000))
        .expect("a time within range")
        .format(&Rfc3339)
        .expect("a year of four digits")
}

/// Milliseconds since 1970 as JSON protocols write them: a number of seconds.
pub(crate) fn epoch(milliseconds: i64) -> Value {
    if milliseconds % 1000 == 0 {
        return Value::from(milliseconds / 1000);
    }
    let number = format!(
        "{}.{:03}",
        milliseconds.div_euclid(1000),
        milliseconds.rem_euclid(1000)
    );
    serde_json::from_str(&number).expect("a number")
}

/// Now, in milliseconds since 1970.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a clock after 1970");
    i64::try_from(since.as_millis()).expect("a time within range")
}

#[cfg(test)]
mod tests {
    use super::{decoded, encoded, epoch, form, instant, iso, scope};
    use crate::http::Request;

    #[test]
    fn a_form_is_read_back() {
        let form = form(b"Action=Publish&Message=%7B%22a%22%3A+%22%C3%A9%22%7D&Empty=");
        assert_eq!(form["Message"], "{\"a\": \"é\"}");
        assert_eq!(form["Empty"], "");
    }

    #[test]
    fn percent_encoding_is_undone_but_a_plus_is_a_plus() {
        let text = "arn:aws:iam::111122223333:role/a b+é";
        assert_eq!(decoded(encoded(text).as_bytes()), text);
        assert_eq!(decoded(b"a+b%2"), "a+b%2");
    }

    #[test]
    fn times_are_written_as_both_protocols_do() {
        let at = instant("2026-03-01T10:00:00Z");
        assert_eq!(epoch(at).to_string(), "1772359200");
        assert_eq!(epoch(at + 25).to_string(), "1772359200.025");
        assert_eq!(iso(at), "2026-03-01T10:00:00Z");
    }

    #[test]
    fn a_scope_has_five_parts() {
        let signed = |credential: &str| {
            scope(&Request {
                method: "GET".to_owned(),
                path: "/".to_owned(),
                headers: vec![(
                    "authorization".to_owned(),
                    format!(
                        "AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0"
                    ),
                )],
                body: Vec::new(),
            })
        };
        let scope = signed("AKID/20260301/eu-west-1/eks/aws4_request").unwrap();
        assert_eq!(
            (scope.access_key, scope.region, scope.service),
            ("AKID".to_owned(), "eu-west-1".to_owned(), "eks".to_owned())
        );
        assert_eq!(signed("AKID/20260301/eks/aws4_request"), None);
    }
}
