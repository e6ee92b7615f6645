//! Whether a request to our public address is Slack's: signatures of version 0 (docs.slack.dev, "Verifying requests from
//! Slack").

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::order::unhex;

/// How far Slack's clock and ours may differ, in seconds, both ways.
pub const TOLERANCE: u64 = 300;
/// A body of more bytes is none of Slack's, and is refused before anything is computed.
pub const MAX_BODY: usize = 256 * 1024;

/// Why a request is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsigned {
    /// The body is too long.
    TooLong,
    /// The timestamp is no number of seconds.
    Timestamp,
    /// The timestamp is too old or too new.
    Stale,
    /// The signature does not read like one.
    Form,
    /// The signature is another one.
    Mismatch,
}

impl Unsigned {
    /// Its stable name, for our own log.
    #[must_use]
    pub fn slug(self) -> &'static str {
        match self {
            Self::TooLong => "too-long",
            Self::Timestamp => "timestamp",
            Self::Stale => "stale",
            Self::Form => "form",
            Self::Mismatch => "mismatch",
        }
    }
}

/// Verifies the signature of these very bytes, now in seconds since 1970, with any of the secrets; all are tried always.
///
/// # Errors
/// When it is not Slack's.
pub fn verify(
    secrets: &[String],
    now: u64,
    timestamp: &str,
    body: &[u8],
    signature: &str,
) -> Result<(), Unsigned> {
    if body.len() > MAX_BODY {
        return Err(Unsigned::TooLong);
    }
    if !(1..=12).contains(&timestamp.len()) || !timestamp.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Unsigned::Timestamp);
    }
    let at: u64 = timestamp.parse().map_err(|_| Unsigned::Timestamp)?;
    if now.abs_diff(at) > TOLERANCE {
        return Err(Unsigned::Stale);
    }
    let digits = signature
        .strip_prefix("v0=")
        .filter(|digits| digits.len() == 64)
        .ok_or(Unsigned::Form)?;
    let wanted = unhex(digits).ok_or(Unsigned::Form)?;
    let mut is_ours = false;
    // An empty secret would let in whoever knows that it is empty.
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
            continue;
        };
        mac.update(b"v0:");
        mac.update(timestamp.as_bytes());
        mac.update(b":");
        mac.update(body);
        is_ours |= mac.verify_slice(&wanted).is_ok();
    }
    is_ours.then_some(()).ok_or(Unsigned::Mismatch)
}

#[cfg(test)]
mod tests {
    use super::{Unsigned, verify};

    const SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
    const BODY: &[u8] = b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&\
channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2F\
hooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.\
803a0bc887a14d10d2c447fce8b6703c";
    const SIGNATURE: &str = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";

    fn check(now: u64, timestamp: &str, signature: &str) -> Result<(), Unsigned> {
        let secrets = ["x".to_owned(), SECRET.to_owned()];
        verify(&secrets, now, timestamp, BODY, signature)
    }

    #[test]
    fn slack_s_own_example_is_slack_s() {
        assert_eq!(check(1_531_420_618, "1531420618", SIGNATURE), Ok(()));
    }

    #[test]
    fn old_and_new_are_refused_alike() {
        for (now, expected) in [
            (1_531_420_918, Ok(())),
            (1_531_420_919, Err(Unsigned::Stale)),
            (1_531_420_318, Ok(())),
            (1_531_420_317, Err(Unsigned::Stale)),
        ] {
            assert_eq!(check(now, "1531420618", SIGNATURE), expected, "{now}");
        }
    }

    #[test]
    fn without_a_secret_nothing_is_slack_s() {
        let empty = [String::new()];
        let secrets: [&[String]; 2] = [&[], &empty];
        for secrets in secrets {
            let result = verify(secrets, 1_531_420_618, "1531420618", BODY, SIGNATURE);
            assert_eq!(result, Err(Unsigned::Mismatch));
        }
    }
}
