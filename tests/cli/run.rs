//! Runs the binary.

use std::io::Write;
use std::process::{Command, Stdio};

/// What a run printed, and its exit code.
pub(crate) struct Output {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Output {
    /// The lines of standard output as JSON.
    pub(crate) fn json(&self) -> Vec<serde_json::Value> {
        self.stdout
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// One member of each JSON line, as text.
    pub(crate) fn column(&self, member: &str) -> Vec<String> {
        let text = |value: &serde_json::Value| value.as_str().unwrap_or("null").to_owned();
        self.json().iter().map(|line| text(&line[member])).collect()
    }
}

/// Runs `eks-access` with an empty environment.
pub(crate) fn run(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_eks-access"))
        .args(arguments)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // A run that reads nothing closes its end early.
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    Output {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A denial of a role, with the `STS response` line of its request before it.
pub(crate) const IDENTITY: &str = r#"time="2026-11-21T22:50:01Z" level=info msg="STS response" accesskeyid=ASIAIOSFODNN7EXAMPLE accountid=111122223333 arn="arn:aws:sts::111122223333:assumed-role/Dev/jo@example.com" client="127.0.0.1:41000" method=POST path=/authenticate session=jo@example.com stsendpoint=sts.eu-west-1.amazonaws.com userid=AROA1234567890EXAMPLE"#;
pub(crate) const NOT_MAPPED: &str = r#"time="2026-11-21T22:50:01Z" level=warning msg="access denied" arn="arn:aws:iam::111122223333:role/Dev" client="127.0.0.1:41000" error="identity is not mapped" method=POST path=/authenticate"#;
pub(crate) const EXPIRED: &str = r#"time="2026-11-21T22:50:02Z" level=warning msg="access denied" client="127.0.0.1:41002" error="input token was not properly formatted: X-Amz-Date parameter is expired (15 minute expiration) 2026-11-21 21:50:02 +0000 UTC" method=POST path=/authenticate"#;
pub(crate) const GRANTED: &str = r#"time="2026-11-21T22:50:03Z" level=info msg="access granted" arn="arn:aws:iam::111122223333:role/Ops" client="127.0.0.1:41003" groups="[ops]" method=POST path=/authenticate stsendpoint=sts.eu-west-1.amazonaws.com uid="aws-iam-authenticator:111122223333:AROA1" username=ops"#;

/// The lines, one below the other.
pub(crate) fn lines(lines: &[&str]) -> Vec<u8> {
    (lines.join("\n") + "\n").into_bytes()
}
