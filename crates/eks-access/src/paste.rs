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
        return json_string(line)
            .or_else(|| csv_row(line))
            .or_else(|| csv_field(line));
    }
    if line.starts_with('{') {
        return object(line).map(Cow::Owned);
    }
    if let Some(field) = csv_row(line) {
        return Some(field);
    }
    let unwrappers = [
        cri,
        kubectl_prefix,
        after_timestamp,
        syslog,
        syslog_5424,
        program,
        compose,
        stern,
        kail,
    ];
    unwrappers
        .into_iter()
        .find_map(|unwrapper| unwrapper(line))
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

/// A row of a table whose last cell is the line: `2026-05-04 10:11:12.000,"…"`.
fn csv_row(line: &str) -> Option<Cow<'_, str>> {
    let (before, rest) = line.split_once(",\"")?;
    let is_cell = |b: u8| {
        b.is_ascii_alphanumeric()
            || matches!(b, b' ' | b':' | b'.' | b'-' | b'+' | b'"' | b',' | b'_')
    };
    let inside = rest.strip_suffix('"')?;
    before
        .bytes()
        .all(is_cell)
        .then(|| Cow::Owned(inside.replace("\"\"", "\"")))
}

/// An object around the line: Docker's json-file, `{"log":"…\n","stream":"stderr","time":"…"}`, or what exporters write.
fn object(line: &str) -> Option<String> {
    let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(line).ok()?;
    let is_record = object.contains_key("level") && object.contains_key("msg");
    let names = ["log", "message", "line", "@message"];
    let text = names
        .iter()
        .find_map(|name| object.get(*name)?.as_str())
        .filter(|_| !is_record)?;
    Some(text.to_owned())
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
    let (time, rest) = line
        .split_once([' ', '\t'])
        .filter(|(time, _)| is_timestamp(time))
        .or(line.split_once([' ', '\t', ',']))?;
    let rest = if is_timestamp(time) {
        rest
    } else {
        after_spaced_timestamp(time, rest)?
    };
    let stream = rest
        .split_once(' ')
        .filter(|(name, _)| name.starts_with("authenticator-") && is_name(name));
    Some(stream.map_or(rest, |(_, rest)| rest).trim_start())
}

/// `2026-05-04 10:11:12.123 <line>`: the date was taken, the clock is to come.
fn after_spaced_timestamp<'a>(date: &str, rest: &'a str) -> Option<&'a str> {
    let (clock, rest) = rest.split_once([' ', '\t', ','])?;
    is_timestamp(&format!("{date}T{clock}")).then_some(rest)
}

/// RFC 5424: `<14>1 2026-05-04T10:11:12Z host app pid msgid - <line>`, also with structured data.
fn syslog_5424(line: &str) -> Option<&str> {
    let (priority, rest) = line.strip_prefix('<')?.split_once(">1 ")?;
    let (time, rest) = rest.split_once(' ')?;
    let mut rest = rest;
    for _ in 0..4 {
        let (word, next) = rest.split_once(' ')?;
        if !word
            .bytes()
            .all(|b| b.is_ascii_graphic() && b != b'"' && b != b'=')
        {
            return None;
        }
        rest = next;
    }
    let is_header = priority.bytes().all(|b| b.is_ascii_digit()) && is_timestamp(time);
    let line = rest.strip_prefix("- ").or_else(|| {
        rest.strip_prefix('[')?
            .split_once("] ")
            .map(|(_, line)| line)
    })?;
    is_header.then_some(line)
}

/// What is left of journald's short-iso form when the time is gone: `host program[pid]: <line>`.
fn program(line: &str) -> Option<&str> {
    let (host, rest) = line.split_once(' ')?;
    let (program, rest) = rest.split_once("]: ")?;
    let (name, pid) = program.split_once('[')?;
    let is_pid = !pid.is_empty() && pid.bytes().all(|b| b.is_ascii_digit());
    (is_name(host) && is_name(name) && is_pid).then_some(rest)
}

/// Docker Compose: `authenticator-1  | <line>`.
fn compose(line: &str) -> Option<&str> {
    let (name, rest) = line.split_once('|')?;
    is_name(name.trim_end()).then(|| rest.trim_start())
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
    let is_line = rest.contains('=') || rest.starts_with('{');
    (is_name(pod) && pod.contains('-') && is_container && is_line).then_some(rest)
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
        .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b',' | b'Z' | b'z' | b'+' | b'-' | b':'));
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
            format!("<14>1 2026-11-21T22:50:01.5Z host authenticator 12 - - {LINE}"),
            format!("<14>1 2026-11-21T22:50:01Z host authenticator 12 ID47 [a@1 b=\"c\"] {LINE}"),
            format!("2026-11-21 22:50:01.123 {LINE}"),
            format!("2026-11-21T22:50:01,123456+00:00 {LINE}"),
            format!("host authenticator[12]: {LINE}"),
            format!("authenticator-1  | {LINE}"),
            format!("2026-11-21 22:50:01.000,\"{}\"", LINE.replace('"', "\"\"")),
            format!("\"1795301401000\",\"{}\"", LINE.replace('"', "\"\"")),
            serde_json::json!({"message": LINE, "kubernetes": {}}).to_string(),
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
