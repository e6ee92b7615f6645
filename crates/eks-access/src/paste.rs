//! Unwraps lines that people paste: what Docker, CRI, syslog, stern, kubectl, an export to S3 or a spreadsheet put
//! around the authenticator's own line. A subscription delivers the bare line, so deliveries never come through here.

use std::borrow::Cow;

/// Takes off what no record has: byte order mark, NUL, carriage return, line feed, spaces at the ends.
#[must_use]
pub fn trimmed(line: &str) -> &str {
    line.trim_matches(|c: char| c == '\u{FEFF}' || c == '\0' || c.is_whitespace())
}

/// Takes off terminal colours (`ESC [ … m`).
#[must_use]
pub fn without_colours(line: &str) -> Cow<'_, str> {
    if !line.contains('\u{1b}') {
        return Cow::Borrowed(line);
    }
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        out.push_str(before);
        let parameters = after
            .bytes()
            .take_while(|b| b.is_ascii_digit() || *b == b';')
            .count();
        rest = after.get(parameters..).unwrap_or("");
        rest = rest.strip_prefix('m').unwrap_or(rest);
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Takes one wrapper off, if the line has one that is known.
#[must_use]
pub fn unwrap_once(line: &str) -> Option<Cow<'_, str>> {
    if line.starts_with('"') {
        return json_string(line).or_else(|| csv_field(line));
    }
    if line.starts_with('{') {
        return docker(line).map(Cow::Owned);
    }
    cri(line)
        .or_else(|| kubectl_prefix(line))
        .or_else(|| after_timestamp(line))
        .or_else(|| syslog(line))
        .or_else(|| stern(line))
        .or_else(|| kail(line))
        .map(Cow::Borrowed)
}

/// The whole line as a JSON string.
fn json_string(line: &str) -> Option<Cow<'_, str>> {
    serde_json::from_str::<String>(line).ok().map(Cow::Owned)
}

/// A CSV field: quotes around it, quotes inside doubled.
fn csv_field(line: &str) -> Option<Cow<'_, str>> {
    let inside = line.strip_prefix('"')?.strip_suffix('"')?;
    inside
        .contains("\"\"")
        .then(|| Cow::Owned(inside.replace("\"\"", "\"")))
}

/// Docker's json-file: `{"log":"…\n","stream":"stderr","time":"…"}`.
fn docker(line: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Docker {
        log: String,
    }
    serde_json::from_str::<Docker>(line)
        .ok()
        .map(|docker| docker.log)
}

/// CRI: `<time> stderr F <line>`.
fn cri(line: &str) -> Option<&str> {
    let (time, rest) = line.split_once(' ')?;
    let rest = rest
        .strip_prefix("stderr ")
        .or_else(|| rest.strip_prefix("stdout "))?;
    let rest = rest
        .strip_prefix("F ")
        .or_else(|| rest.strip_prefix("P "))?;
    is_timestamp(time).then_some(rest)
}

/// `kubectl logs --prefix`: `[pod/NAME/CONTAINER] <line>`.
fn kubectl_prefix(line: &str) -> Option<&str> {
    let (name, rest) = line.strip_prefix("[pod/")?.split_once("] ")?;
    name.bytes()
        .all(|b| is_name_byte(b) || b == b'/')
        .then_some(rest)
}

/// An S3 export or `aws logs tail`: a time, maybe the stream's name, the line.
fn after_timestamp(line: &str) -> Option<&str> {
    let (time, rest) = line.split_once([' ', '\t', ','])?;
    if !is_timestamp(time) {
        return None;
    }
    let stream = rest
        .split_once(' ')
        .filter(|(name, _)| name.starts_with("authenticator-") && is_name(name));
    Some(stream.map_or(rest, |(_, rest)| rest).trim_start())
}

/// RFC 3164 as journald writes it: `Mar 16 17:10:28 host program[pid]: <line>`.
fn syslog(line: &str) -> Option<&str> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let line = line
        .strip_prefix('<')
        .and_then(|rest| rest.split_once('>'))
        .map_or(line, |(_, rest)| rest);
    let (month, rest) = line.split_once(' ')?;
    let (day, rest) = rest.trim_start().split_once(' ')?;
    let (clock, rest) = rest.split_once(' ')?;
    let (host, rest) = rest.split_once(' ')?;
    let (program, rest) = rest.split_once(": ")?;
    let is_clock = clock.len() >= 8
        && clock
            .bytes()
            .all(|b| b.is_ascii_digit() || matches!(b, b':' | b'.'));
    let is_program = program
        .bytes()
        .all(|b| is_name_byte(b) || matches!(b, b'[' | b']' | b'/'));
    let is_header =
        MONTHS.contains(&month) && day.len() <= 2 && is_clock && is_name(host) && is_program;
    is_header.then_some(rest)
}

/// stern: `pod container <line>`.
fn stern(line: &str) -> Option<&str> {
    let (pod, rest) = line.split_once(' ')?;
    let (container, rest) = rest.split_once(' ')?;
    let is_container = is_name(container) && container.bytes().any(|b| b.is_ascii_lowercase());
    // A pod's name has dashes; a sentence's first word has none.
    (is_name(pod) && pod.contains('-') && is_container && rest.contains('=')).then_some(rest)
}

/// kail: `namespace/pod[container]: <line>`.
fn kail(line: &str) -> Option<&str> {
    let (source, rest) = line.split_once("]: ")?;
    let (pod, container) = source.split_once('[')?;
    let (namespace, pod) = pod.split_once('/')?;
    (is_name(namespace) && is_name(pod) && is_name(container)).then_some(rest)
}

/// A DNS-1123 name, as Kubernetes and hosts have it.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_name_byte)
}

fn is_name_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_')
}

/// Begins like RFC 3339: `2026-11-21T22:50:01`, or with a space or `t` between.
fn is_timestamp(text: &str) -> bool {
    const SHAPE: &[u8] = b"dddd-dd-ddTdd:dd:dd";
    let bytes = text.as_bytes();
    let shaped = SHAPE.iter().zip(bytes).all(|(shape, b)| match shape {
        b'd' => b.is_ascii_digit(),
        b'T' => matches!(b, b'T' | b't'),
        other => other == b,
    });
    let is_rest = bytes
        .iter()
        .skip(SHAPE.len())
        .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'Z' | b'z' | b'+' | b'-' | b':'));
    bytes.len() >= SHAPE.len() && shaped && is_rest
}

#[cfg(test)]
mod tests {
    use super::{trimmed, unwrap_once, without_colours};

    const LINE: &str = r#"time="2026-11-21T22:50:01Z" level=info msg="x y""#;

    #[test]
    fn every_wrapper_gives_the_line_back() {
        for wrapped in [
            format!("2026-11-21T22:50:01.123456789Z stderr F {LINE}"),
            format!("2026-11-21T22:50:01.123Z {LINE}"),
            format!("2026-11-21T22:50:01.123000+00:00 authenticator-0123abc {LINE}"),
            format!("Mar 16 17:10:28 ip-10-0-0-1.ec2.internal authenticator[11191]: {LINE}"),
            format!("aws-iam-authenticator-kjt9t aws-iam-authenticator {LINE}"),
            format!("kube-system/aws-iam-authenticator-kjt9t[aws-iam-authenticator]: {LINE}"),
            format!("[pod/aws-iam-authenticator-kjt9t/aws-iam-authenticator] {LINE}"),
            serde_json::to_string(LINE).unwrap(),
            format!("\"{}\"", LINE.replace('"', "\"\"")),
            serde_json::json!({"log": format!("{LINE}\n"), "stream": "stderr", "time": "x"})
                .to_string(),
        ] {
            assert_eq!(
                unwrap_once(&wrapped)
                    .map(|line| trimmed(&line).to_owned())
                    .as_deref(),
                Some(LINE),
                "{wrapped}"
            );
        }
        assert_eq!(unwrap_once(LINE), None);
    }

    #[test]
    fn colours_and_ends_are_taken_off() {
        assert_eq!(
            without_colours("\u{1b}[33mWARN\u{1b}[0m[0012]"),
            "WARN[0012]"
        );
        assert_eq!(trimmed("\u{FEFF}a b\0\r\n"), "a b");
    }
}
