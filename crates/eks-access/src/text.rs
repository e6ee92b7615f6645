//! Text that came from a log, which cannot be shown by accident.

use std::borrow::Cow;

/// Text from a log line. Anyone who reaches the API endpoint can write about 3 KB of it, so it has no
/// `Display`: [`LogText::shown`] is the only way out, [`LogText::raw`] is for comparing only.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LogText(String);

impl std::fmt::Debug for LogText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LogText({:?})", self.shown(80))
    }
}

impl LogText {
    /// Wraps text from a log.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text as it was logged: for comparing, never for showing.
    #[must_use]
    pub fn raw(&self) -> &str {
        &self.0
    }

    /// The text made fit to be shown as literal text: secrets redacted, control, bidirectional and
    /// zero-width characters replaced, addresses broken so that no mail or chat program makes links of them, at most
    /// `limit` characters with an ellipsis where it was cut.
    #[must_use]
    pub fn shown(&self, limit: usize) -> String {
        shorten(&without_links(&redact(&printable(&self.0))), limit)
    }
}

/// Bytes as text; what is not UTF-8 becomes U+FFFD. (`from_utf8_lossy` alone looks at every byte of sound text.)
#[must_use]
pub fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

/// Replaces characters that could forge lines, reverse text or hide in it by U+FFFD.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if is_deceptive(c) { '\u{FFFD}' } else { c })
        .collect()
}

fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00AD}' | '\u{061C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}'
            | '\u{E0000}'..='\u{E0FFF}')
}

/// Breaks what mail and chat programs turn into links.
fn without_links(text: &str) -> String {
    text.replace("://", "[:]//")
        .replace("www.", "www[.]")
        .replace("mailto:", "mailto[:]")
}

/// Cuts to `limit` characters; the last one says that something was cut.
#[must_use]
pub fn shorten(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(limit.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// How credentials begin: JSON Web Tokens, EKS tokens (with and without their prefix, for the address inside is a
/// pre-signed one), STS session tokens. The rest of the word is one.
const TOKEN_PREFIXES: [&str; 6] = [
    "eyJ",
    "k8s-aws-v1.",
    "aHR0cHM6Ly9zdHMu",
    "IQoJb3JpZ2lu",
    "FwoGZXIv",
    "FQoGZXIv",
];
/// How access key ids begin (IAM user guide, "unique identifiers"), in any case.
const KEY_ID_PREFIXES: [&str; 2] = ["AKIA", "ASIA"];
/// Shorter words that begin like an access key id are none.
const SHORTEST_KEY_ID: usize = 12;
/// Names whose value is a credential: query parameters of a pre-signed URL (AWS `SigV4`), of an `Authorization` header,
/// of a credentials file.
const SECRET_NAMES: [&str; 8] = [
    "x-amz-signature",
    "x-amz-security-token",
    "x-amz-credential",
    "aws_secret_access_key",
    "aws_session_token",
    "secretaccesskey",
    "sessiontoken",
    "signature",
];

fn redact(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut rest = text;
    let mut changed = false;
    while let Some(at) = rest.find(|c: char| c.is_ascii_alphanumeric()) {
        let (before, word_on) = rest.split_at(at);
        out.push_str(before);
        let end = word_on.find(|c: char| !is_word(c)).unwrap_or(word_on.len());
        let (word, after) = word_on.split_at(end);
        let hidden = redact_word(word, after);
        if let Some((replacement, used)) = hidden {
            changed = true;
            out.push_str(&replacement);
            rest = word_on.get(used..).unwrap_or("");
        } else {
            out.push_str(word);
            rest = after;
        }
    }
    if !changed {
        return Cow::Borrowed(text);
    }
    out.push_str(rest);
    Cow::Owned(out)
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}

/// What to print instead of a word, and how many bytes of the text it stands for.
fn redact_word(word: &str, after: &str) -> Option<(String, usize)> {
    let upper = word.to_ascii_uppercase();
    // The authenticator itself prints the bare prefix `k8s-aws-v1.`, which is no token.
    let token = TOKEN_PREFIXES
        .iter()
        .filter_map(|prefix| word.find(prefix).map(|at| (at, *prefix)))
        .filter(|(at, prefix)| word.len() > at + prefix.len());
    let key_id = KEY_ID_PREFIXES
        .iter()
        .filter_map(|prefix| upper.find(prefix).map(|at| (at, *prefix)))
        .filter(|(at, _)| word.len() - at >= SHORTEST_KEY_ID);
    if let Some((at, prefix)) = token.chain(key_id).min() {
        let kept = word.get(..at).unwrap_or("");
        // A session token goes on with what base64 and percent-encoding have.
        return Some((
            format!("{kept}{prefix}[redacted]"),
            word.len() + secret_length(after),
        ));
    }
    let lower = word.to_ascii_lowercase();
    if SECRET_NAMES.iter().any(|name| lower.ends_with(name)) {
        let glue = glue_length(after);
        let value = after.get(glue..)?;
        let length = secret_length(value);
        let shown_glue = after.get(..glue)?;
        return (glue > 0 && length > 0).then(|| {
            (
                format!("{word}{shown_glue}[redacted]"),
                word.len() + glue + length,
            )
        });
    }
    None
}

/// How long what stands between a name and its value is: `=`, `: "`, `%3D`, `%253D`, `\u003d`, …; none if it has no sign.
fn glue_length(text: &str) -> usize {
    const SIGNS: [&str; 8] = [
        "=", ":", "%3d", "%253d", "\\u003d", "%3D", "%253D", "\\u003D",
    ];
    const FILLERS: [&str; 5] = [" ", "\"", "'", "[", "\\\""];
    let mut length = 0;
    let mut has_sign = false;
    while let Some(rest) = text.get(length..) {
        let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
        let filler = FILLERS.iter().find(|filler| rest.starts_with(**filler));
        has_sign |= sign.is_some();
        match sign.or(filler) {
            Some(piece) => length += piece.len(),
            None => break,
        }
    }
    if has_sign { length } else { 0 }
}

/// How far a secret goes on.
fn secret_length(text: &str) -> usize {
    let is_secret = |c: char| is_word(c) || matches!(c, '%' | '+' | '/' | '~' | '*' | '=');
    text.find(|c| !is_secret(c)).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::LogText;

    #[test]
    fn credentials_are_never_shown() {
        for (raw, shown) in [
            (
                "token eyJhbGciOiJSUzI1NiJ9.eyJz.c2ln end",
                "token eyJ[redacted] end",
            ),
            ("k8s-aws-v1.aHR0cHM6Ly9zdHM", "k8s-aws-v1.[redacted]"),
            ("key a-AKIAIOSFODNN7EXAMPLE.", "key a-AKIA[redacted]"),
            (
                "https://sts/?X-Amz-Credential=AKIA%2F2026%2Fx&X-Amz-Signature=00ff&Action=G",
                "https[:]//sts/?X-Amz-Credential=[redacted]&X-Amz-Signature=[redacted]&Action=G",
            ),
            (
                "\"X-Amz-Signature\": \"00ff\" x",
                "\"X-Amz-Signature\": \"[redacted]\" x",
            ),
            (
                "X-Amz-Signature\\u003d00ff",
                "X-Amz-Signature\\u003d[redacted]",
            ),
            ("X-Amz-Signature%253D00ff", "X-Amz-Signature%253D[redacted]"),
            (
                "aws_secret_access_key = abc/def",
                "aws_secret_access_key = [redacted]",
            ),
            ("key akiaiosfodnn7example", "key AKIA[redacted]"),
            (
                "missing expected \"k8s-aws-v1.\" prefix",
                "missing expected \"k8s-aws-v1.\" prefix",
            ),
            ("the signature we calculated", "the signature we calculated"),
        ] {
            assert_eq!(LogText::new(raw).shown(400), shown);
        }
    }

    #[test]
    fn deceptive_characters_are_replaced() {
        assert_eq!(
            LogText::new("a\u{202E}b\nc\u{200B}").shown(9),
            "a\u{FFFD}b\u{FFFD}c\u{FFFD}"
        );
    }

    #[test]
    fn long_text_is_cut_with_a_mark() {
        assert_eq!(LogText::new("日本語テキスト").shown(4), "日本語…");
    }
}
