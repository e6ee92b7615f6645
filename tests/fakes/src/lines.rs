//! Lines as aws-iam-authenticator v0.7 logs them, with invented names.

/// Go's `strconv.Quote`, as far as these lines need it.
pub fn quoted(text: &str) -> String {
    let escaped = |c: char| match c {
        '"' => "\\\"".to_owned(),
        '\\' => "\\\\".to_owned(),
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        '\t' => "\\t".to_owned(),
        c if c.is_control() => format!("\\x{:02x}", u32::from(c)),
        c => c.to_string(),
    };
    format!("\"{}\"", text.chars().map(escaped).collect::<String>())
}

/// `ARN is not mapped` for this principal.
pub fn not_mapped(arn: &str, port: u16) -> String {
    format!(
        "time=\"2026-03-01T10:00:00Z\" level=warning msg=\"access denied\" arn={} client=\"127.0.0.1:{port}\" \
         error=\"ARN is not mapped\" method=POST path=/authenticate",
        quoted(arn)
    )
}

/// A denial before STS has vouched for anybody: no `arn`, and an error that the caller had a hand in.
pub fn refused(error: &str, port: u16) -> String {
    format!(
        "time=\"2026-03-01T10:00:00Z\" level=warning msg=\"access denied\" client=\"127.0.0.1:{port}\" error={} \
         method=POST path=/authenticate",
        quoted(error)
    )
}

/// `STS response` of a role's session.
pub fn sts_response(account: &str, role: &str, session: &str, port: u16) -> String {
    let session = if session
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"-._/@^+".contains(&b))
    {
        session.to_owned()
    } else {
        quoted(session)
    };
    format!(
        "time=\"2026-03-01T10:00:00Z\" level=info msg=\"STS response\" accesskeyid=ASIAIOSFODNN7EXAMPLE \
         accountid={account} arn=\"arn:aws:sts::{account}:assumed-role/{role}/{session}\" client=\"127.0.0.1:{port}\" \
         method=POST path=/authenticate session={session} userid=AROAIOSFODNN7EXAMPLE"
    )
}

/// A login that was granted.
pub fn granted(number: usize) -> String {
    let port = 1024 + number % 60_000;
    format!(
        "time=\"2026-03-01T10:00:{:02}Z\" level=info msg=\"access granted\" \
         arn=\"arn:aws:iam::111122223333:role/team-{number}\" client=\"127.0.0.1:{port}\" groups=\"[viewers]\" \
         method=POST path=/authenticate stsendpoint=sts.eu-west-1.amazonaws.com \
         uid=\"aws-iam-authenticator:111122223333:AROA{:016X}\" username=\"team-{number}\"",
        number % 60,
        mixed(number),
    )
}

/// `aws-auth` can't be parsed: what a broken edit leaves in the stream.
pub fn broken_aws_auth() -> String {
    "time=\"2026-03-01T10:00:00Z\" level=error msg=\"There was an error parsing the config maps.  Only saving data that \
     was good, [error converting YAML to JSON: yaml: line 12: did not find expected key]\""
        .to_owned()
}

/// Spreads consecutive numbers, so that a compressor finds them as different as real identifiers.
fn mixed(number: usize) -> u64 {
    let mut x = number as u64 ^ 0x9E37_79B9_7F4A_7C15;
    for _ in 0..3 {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
    }
    x
}

/// A synthetic batch: 88 % granted, 10 % `STS response`, 2 % denied, with identifiers that compress like real ones.
pub fn mix(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|number| {
        let x = mixed(number);
        let port = u16::try_from(1024 + x % 60_000).unwrap_or(1024);
        match number % 50 {
            0 => match number / 50 % 5 {
                0 | 1 => not_mapped(&format!("arn:aws:iam::111122223333:role/dev-{}", number / 50 % 20), port),
                2 => refused("input token was not properly formatted: X-Amz-Date parameter is expired (15 minutes 0s)", port),
                3 => refused(
                    "sts getCallerIdentity failed: error from AWS (expected 200, got 403). Body: \
                     {\"Error\":{\"Code\":\"ExpiredToken\",\"Message\":\"The security token included in the request is \
                     expired\",\"Type\":\"Sender\"},\"RequestId\":\"1e370b71-d40f-4ac4-9c08-7e6a304ddd12\"}",
                    port,
                ),
                _ => refused("input token was not properly formatted: token is missing expected \"k8s-aws-v1.\" prefix", port),
            },
            1..=5 => sts_response("111122223333", &format!("team-{}", number % 40), &format!("{x:016x}"), port),
            _ => granted(number),
        }
    })
}

/// `STS response` of a session of the role with this ARN and unique id.
pub fn sts_response_of(role_arn: &str, unique_id: &str, session: &str, port: u16) -> String {
    let account = role_arn.split(':').nth(4).unwrap_or("");
    let partition = role_arn.split(':').nth(1).unwrap_or("");
    let role = role_arn.rsplit('/').next().unwrap_or("");
    format!(
        "time=\"2026-03-01T10:00:00Z\" level=info msg=\"STS response\" accesskeyid=ASIAIOSFODNN7EXAMPLE \
         accountid={account} arn=\"arn:{partition}:sts::{account}:assumed-role/{role}/{session}\" \
         client=\"127.0.0.1:{port}\" method=POST path=/authenticate session={session} userid={unique_id}"
    )
}

/// A denial whose mapping was found and could not be used.
pub fn mapping_failed(arn: &str, error: &str, port: u16) -> String {
    format!(
        "time=\"2026-03-01T10:00:00Z\" level=warning msg=\"access denied\" arn={} client=\"127.0.0.1:{port}\" error={} \
         method=POST path=/authenticate",
        quoted(arn),
        quoted(error)
    )
}

/// A login of this principal that was granted.
pub fn granted_to(arn: &str) -> String {
    format!(
        "time=\"2026-03-01T10:00:00Z\" level=info msg=\"access granted\" arn={} client=\"127.0.0.1:4000\" \
         groups=\"[viewers]\" method=POST path=/authenticate stsendpoint=sts.eu-west-1.amazonaws.com \
         uid=\"aws-iam-authenticator:111122223333:AROAIOSFODNN7EXAMPLE\" username=\"dev\"",
        quoted(arn)
    )
}

/// A time like `2026-03-01T10:00:00Z` in milliseconds since 1970.
pub fn milliseconds(time: &str) -> i64 {
    crate::wire::instant(time)
}

/// The line with this time in place of its own, in milliseconds since 1970.
pub fn at(line: &str, milliseconds: i64) -> String {
    line.replace("2026-03-01T10:00:00Z", &crate::wire::iso(milliseconds))
}
