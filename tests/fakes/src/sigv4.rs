//! Signatures of AWS, version 4: made and checked to the last byte.

use std::fmt::Write as _;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::http::Request;
use crate::wire::{Scope, encoded, iso, read_instant, scope};

/// A signature is good for so long before and after its time, in milliseconds.
const GOOD_FOR: i64 = 5 * 60 * 1000;

/// Whose signature.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub(crate) id: String,
    pub(crate) secret: String,
    /// Temporary credentials have one.
    pub(crate) token: Option<String>,
}

/// What a signature is for, and when it was made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Purpose<'a> {
    pub(crate) service: &'a str,
    pub(crate) region: &'a str,
    /// Milliseconds since 1970.
    pub(crate) at: i64,
}

/// Signs a request that goes to this host: adds `authorization`, `x-amz-date`, `x-amz-content-sha256`, and the token if
/// there is one. All headers are signed.
pub(crate) fn sign(request: &mut Request, host: &str, key: &Key, purpose: Purpose<'_>) {
    let stamp = stamp(purpose.at);
    let mut add = |name: &str, value: &str| {
        request.headers.push((name.to_owned(), value.to_owned()));
    };
    add("x-amz-date", &stamp);
    if let Some(token) = &key.token {
        add("x-amz-security-token", token);
    }
    let hash = hex(&Sha256::digest(&request.body));
    request
        .headers
        .push(("x-amz-content-sha256".to_owned(), hash.clone()));
    let mut signed: Vec<&str> = request.headers.iter().map(|(name, _)| &**name).collect();
    signed.push("host");
    signed.sort_unstable();
    signed.dedup();
    let signed = signed.join(";");
    let with_host = with_host(request, host);
    let canonical = canonical(&with_host, &signed, &hash);
    let scope = format!(
        "{}/{}/{}/aws4_request",
        &stamp[..8],
        purpose.region,
        purpose.service
    );
    let signature = signature(&key.secret, &stamp, &scope, &canonical);
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={signed}, Signature={signature}",
        key.id
    );
    request
        .headers
        .push(("authorization".to_owned(), authorization));
}

/// Checks a request's signature, whose access key has the secret that `secret_of` says; the error is what is wrong with it.
pub(crate) fn verify(
    request: &Request,
    purpose: Purpose<'_>,
    secret_of: impl Fn(&str) -> Option<String>,
) -> Result<Scope, String> {
    let scope = scope(request).ok_or("there is no signature")?;
    if (scope.service.as_str(), scope.region.as_str()) != (purpose.service, purpose.region) {
        return Err(format!("signed for {} in {}", scope.service, scope.region));
    }
    let authorization = request.header("authorization").unwrap_or("");
    let signed = part(authorization, "SignedHeaders=").ok_or("no signed headers")?;
    let claimed = part(authorization, "Signature=").ok_or("no signature")?;
    let names: Vec<&str> = signed.split(';').collect();
    if !names.is_sorted() || names.iter().any(|name| request.header(name).is_none()) {
        return Err(format!(
            "signed headers that are not sorted or not there: {signed}"
        ));
    }
    let has_token = request.header("x-amz-security-token").is_some();
    if scope.access_key.starts_with("ASIA") && !has_token {
        return Err("temporary credentials without a token".to_owned());
    }
    let tokens = has_token.then_some("x-amz-security-token");
    for name in ["host", "x-amz-date"].into_iter().chain(tokens) {
        if !names.contains(&name) {
            return Err(format!("{name} is not signed"));
        }
    }
    let stamp = request.header("x-amz-date").unwrap_or("");
    let at = read_stamp(stamp).ok_or_else(|| format!("`{stamp}` is no time"))?;
    if (purpose.at - at).abs() > GOOD_FOR {
        return Err(format!("signed at {stamp}"));
    }
    let hash = hex(&Sha256::digest(&request.body));
    if request
        .header("x-amz-content-sha256")
        .is_some_and(|claimed| claimed != hash)
    {
        return Err("x-amz-content-sha256 is not the body's".to_owned());
    }
    let secret = secret_of(&scope.access_key).ok_or("nobody knows the access key")?;
    let canonical = canonical(request, signed, &hash);
    let scope_text = part(authorization, "Credential=")
        .and_then(|credential| credential.split_once('/'))
        .map_or("", |(_, scope)| scope);
    if !scope_text.starts_with(&stamp[..8]) {
        return Err("date and scope are of different days".to_owned());
    }
    if claimed != signature(&secret, stamp, scope_text, &canonical) {
        return Err("the signature is not the request's".to_owned());
    }
    Ok(scope)
}

fn part<'a>(authorization: &'a str, name: &str) -> Option<&'a str> {
    let parts = authorization.strip_prefix("AWS4-HMAC-SHA256 ")?.split(',');
    parts
        .map(str::trim)
        .find_map(|part| part.strip_prefix(name))
}

fn with_host(request: &Request, host: &str) -> Request {
    let mut request = request.clone();
    request.headers.push(("host".to_owned(), host.to_owned()));
    request
}

fn canonical(request: &Request, signed: &str, body_hash: &str) -> String {
    let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
    // A path is encoded as it was sent, and then once more (all services but S3).
    let path: Vec<_> = path.split('/').map(encoded).collect();
    let mut query: Vec<_> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .collect();
    query.sort_unstable();
    let query: Vec<_> = query.iter().map(|(k, v)| format!("{k}={v}")).collect();
    let mut out = format!(
        "{}\n{}\n{}\n",
        request.method,
        path.join("/"),
        query.join("&")
    );
    for name in signed.split(';') {
        let values: Vec<_> = request
            .headers
            .iter()
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.split_ascii_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        let _ = writeln!(out, "{name}:{}", values.join(","));
    }
    let _ = write!(out, "\n{signed}\n{body_hash}");
    out
}

fn signature(secret: &str, stamp: &str, scope: &str, canonical: &str) -> String {
    let key = scope
        .split('/')
        .fold(format!("AWS4{secret}").into_bytes(), |key, part| {
            mac(&key, part.as_bytes())
        });
    let hash = hex(&Sha256::digest(canonical));
    let text = format!("AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hash}");
    hex(&mac(&key, text.as_bytes()))
}

fn mac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length");
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// `20260301T100000Z`.
fn stamp(at: i64) -> String {
    iso(at).replace(['-', ':'], "")
}

fn read_stamp(stamp: &str) -> Option<i64> {
    let bytes = stamp.as_bytes();
    let is_plain = bytes.len() == 16 && bytes.iter().all(u8::is_ascii_alphanumeric);
    let cut = |from: usize, to: usize| stamp.get(from..to);
    let (day, time) = (cut(0, 8)?, cut(8, 16).filter(|_| is_plain)?);
    read_instant(&format!(
        "{}-{}-{}{}:{}:{}",
        &day[..4],
        &day[4..6],
        &day[6..],
        &time[..3],
        &time[3..5],
        &time[5..]
    ))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::{Key, Purpose, read_stamp, sign, stamp, verify};
    use crate::http::Request;
    use crate::ministack::root;
    use crate::wire::{instant, now};

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    const HOST: &str = "127.0.0.1:4000";

    fn purpose(at: i64) -> Purpose<'static> {
        Purpose {
            service: "execute-api",
            region: "eu-west-1",
            at,
        }
    }

    fn key(id: &str, token: Option<&str>) -> Key {
        Key {
            id: id.to_owned(),
            secret: SECRET.to_owned(),
            token: token.map(str::to_owned),
        }
    }

    fn signed(path: &str, key: &Key) -> Request {
        let mut request = Request {
            method: "POST".to_owned(),
            path: path.to_owned(),
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: "{\"reason\": \"Störung\"}".as_bytes().to_vec(),
        };
        sign(&mut request, HOST, key, purpose(now()));
        request.headers.push(("host".to_owned(), HOST.to_owned()));
        request
    }

    fn wrong(request: &Request) -> String {
        verify(request, purpose(now()), |_| Some(SECRET.to_owned())).unwrap_err()
    }

    fn set(request: &mut Request, name: &str, value: &str) {
        request.headers.retain(|(key, _)| key != name);
        request.headers.push((name.to_owned(), value.to_owned()));
    }

    /// `get-vanilla` of the test suite that AWS published.
    #[test]
    fn the_vector_of_aws_is_accepted() {
        let mut request = Request {
            method: "GET".to_owned(),
            path: "/".to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        };
        set(&mut request, "host", "example.amazonaws.com");
        set(&mut request, "x-amz-date", "20150830T123600Z");
        let authorization = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
             SignedHeaders=host;x-amz-date, \
             Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
        set(&mut request, "authorization", authorization);
        let then = Purpose {
            service: "service",
            region: "us-east-1",
            at: instant("2015-08-30T12:36:00Z"),
        };
        let scope = verify(&request, then, |_| Some(SECRET.to_owned())).unwrap();
        assert_eq!(scope.access_key, "AKIDEXAMPLE");
        let later = Purpose {
            at: then.at + 300_001,
            ..then
        };
        assert!(verify(&request, later, |_| Some(SECRET.to_owned())).is_err());
    }

    #[test]
    fn what_is_signed_here_is_accepted_and_what_is_changed_is_not() {
        for key in [key("AKIA1", None), key("ASIA1", Some("IQoJ//token+"))] {
            let good = signed("/v1/requests/0123456789abcdef/deny?b=2&a=1%2F", &key);
            assert!(verify(&good, purpose(now()), |_| Some(SECRET.to_owned())).is_ok());
            for change in [
                |request: &mut Request| request.method = "PUT".to_owned(),
                |request: &mut Request| request.path.push('0'),
                |request: &mut Request| request.body.push(b' '),
                |request: &mut Request| set(request, "content-type", "text/plain"),
                |request: &mut Request| set(request, "host", "127.0.0.1:4001"),
                |request: &mut Request| set(request, "x-amz-date", "20150830T123600Z"),
                |request: &mut Request| set(request, "x-amz-date", "yesterday"),
                |request: &mut Request| set(request, "authorization", "Bearer x"),
            ] {
                let mut bad = good.clone();
                change(&mut bad);
                assert!(!wrong(&bad).is_empty());
            }
            assert!(verify(&good, purpose(now()), |_| None).is_err());
            assert!(verify(&good, purpose(now()), |_| Some("other".to_owned())).is_err());
            let there = Purpose {
                region: "eu-west-2",
                ..purpose(now())
            };
            assert!(verify(&good, there, |_| Some(SECRET.to_owned())).is_err());
        }
    }

    #[test]
    fn temporary_credentials_need_their_token() {
        assert_eq!(
            wrong(&signed("/", &key("ASIA1", None))),
            "temporary credentials without a token"
        );
        let mut unsigned = signed("/", &key("ASIA1", None));
        set(&mut unsigned, "x-amz-security-token", "token");
        assert_eq!(wrong(&unsigned), "x-amz-security-token is not signed");
    }

    #[test]
    fn a_time_is_read_as_it_is_written() {
        let at = instant("2026-03-01T10:00:00Z");
        assert_eq!(read_stamp(&stamp(at)), Some(at));
        for bad in [
            "",
            "20260301T100000",
            "20261301T100000Z",
            "2026030éT10000Z",
            "20260301 100000Z",
        ] {
            assert_eq!(read_stamp(bad), None, "{bad}");
        }
    }

    /// What AWS' own client signs is accepted: methods, paths, queries, bodies, tokens.
    #[test]
    fn a_signature_of_botocore_is_accepted() {
        const PROGRAM: &str = r#"
import sys
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
method, url, body, access_key, secret, token = sys.argv[1:]
headers = {"content-type": "application/json"} if body else {}
request = AWSRequest(method=method, url=url, data=body.encode(), headers=headers)
SigV4Auth(Credentials(access_key, secret, token or None), "execute-api", "eu-west-1").add_auth(request)
for name, value in request.headers.items():
    print(f"{name.lower()}: {value}")
"#;
        for (method, path, body, token) in [
            ("GET", "/v1/requests", "", ""),
            (
                "GET",
                "/v1/requests?state=open&cluster=prod-eu",
                "",
                "IQoJ//t+==",
            ),
            (
                "POST",
                "/v1/requests/0123456789abcdef/approve",
                r#"{"seconds": 3600}"#,
                "",
            ),
            ("POST", "/v1/a%20b/%C3%A9", "é", "token"),
        ] {
            let url = format!("http://{HOST}{path}");
            let access_key = if token.is_empty() { "AKIA1" } else { "ASIA1" };
            let output = Command::new(root().join(".tools/run/bin/python"))
                .args(["-c", PROGRAM, method, &url, body, access_key, SECRET, token])
                .output()
                .unwrap();
            let text = String::from_utf8(output.stdout).unwrap();
            let headers: Vec<_> = text
                .lines()
                .filter_map(|line| line.split_once(": "))
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect();
            let mut request = Request {
                method: method.to_owned(),
                path: path.to_owned(),
                headers,
                body: body.as_bytes().to_vec(),
            };
            set(&mut request, "host", HOST);
            let found = verify(&request, purpose(now()), |_| Some(SECRET.to_owned()));
            assert!(found.is_ok(), "{method} {path}: {found:?} {request:?}");
        }
    }
}
