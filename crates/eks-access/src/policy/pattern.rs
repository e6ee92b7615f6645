//! Patterns of IAM ARNs, matched as IAM's `ArnLike` does, so that code and IAM policies mean the same.

use std::fmt;
use std::str::FromStr;

use crate::principal::{AccountId, Principal};

/// A pattern of the ARNs of roles or users of one account: `arn:aws:iam::111122223333:role/dev/*`. In the last part `*`
/// stands for any characters, `/` included, and `?` for one (IAM user guide, "ARN condition operators"). Upper and lower
/// case count.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ArnPattern {
    text: String,
    account: AccountId,
}

impl ArnPattern {
    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The account whose principals it means.
    #[must_use]
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// `role/…` or `user/…`.
    #[must_use]
    pub fn resource(&self) -> &str {
        self.text.splitn(6, ':').nth(5).unwrap_or_default()
    }

    /// Whether it can mean users.
    #[must_use]
    pub fn is_of_users(&self) -> bool {
        self.resource().starts_with("user/")
    }

    /// Whether it means every role or every user of the account.
    #[must_use]
    pub fn is_of_everybody(&self) -> bool {
        let (_, rest) = self.resource().split_once('/').unwrap_or_default();
        rest.contains('*') && rest.bytes().all(|b| matches!(b, b'*' | b'?' | b'/'))
    }

    /// Whether it means this ARN.
    #[must_use]
    pub fn matches_text(&self, arn: &str) -> bool {
        let (ours, theirs) = (self.text.splitn(6, ':'), arn.splitn(6, ':'));
        let parts: Vec<_> = ours.zip(theirs).collect();
        parts.len() == 6
            && arn.splitn(6, ':').count() == 6
            && parts.iter().all(|(pattern, text)| glob(pattern, text))
    }

    /// Whether it means this principal.
    #[must_use]
    pub fn matches(&self, principal: &Principal) -> bool {
        self.matches_text(&principal.to_string())
    }
}

impl fmt::Display for ArnPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for ArnPattern {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FORM: &str = "it reads `arn:aws:iam::ACCOUNT:role/PATH/NAME` or `…:user/…`, with `*` and `?` only behind `role/` or `user/`";
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let ["arn", partition, "iam", "", account, resource] = parts.as_slice() else {
            return Err(FORM);
        };
        let is_partition = partition.starts_with("aws")
            && partition
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b == b'-');
        let rest = resource
            .strip_prefix("role/")
            .or_else(|| resource.strip_prefix("user/"));
        let is_resource = rest.is_some_and(|rest| {
            !rest.is_empty() && rest.len() <= 576 && rest.bytes().all(is_pattern_byte)
        });
        match account.parse() {
            Ok(account) if is_partition && is_resource => Ok(Self {
                text: text.to_owned(),
                account,
            }),
            _ => Err(FORM),
        }
    }
}

/// What names and paths of IAM have, but for what CloudFormation and IAM policies read as their own (`${`).
fn is_pattern_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"_+=,.@-/*?".contains(&b)
}

/// `*` stands for any characters, none included; `?` for exactly one.
fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut at, mut of) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while of < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, of));
                at += 1;
            }
            Some(b'?') => {
                at += 1;
                of += 1;
            }
            Some(b) if Some(b) == text.get(of) => {
                at += 1;
                of += 1;
            }
            // Lets the last `*` stand for one more.
            _ => match &mut star {
                Some((after, taken)) => {
                    *taken += 1;
                    (at, of) = (*after + 1, *taken);
                }
                None => return false,
            },
        }
    }
    pattern
        .get(at..)
        .is_some_and(|rest| rest.iter().all(|b| *b == b'*'))
}

#[cfg(test)]
mod tests {
    use super::{ArnPattern, glob};

    #[test]
    fn stars_and_question_marks_stand_for_what_they_do_in_iam() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "abcd", false),
            ("a*b*c", "a/x/b/y/c", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*a", "bab", false),
            ("**", "x", true),
            ("dev/*", "dev", false),
            ("Dev*", "dev", false),
        ] {
            assert_eq!(glob(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn a_pattern_is_of_one_account_and_names_roles_or_users() {
        for text in [
            "arn:aws:iam::111122223333:role/dev/*",
            "arn:aws-cn:iam::111122223333:user/alice",
        ] {
            assert_eq!(text.parse::<ArnPattern>().unwrap().as_str(), text);
        }
        for text in [
            "*",
            "arn:aws:iam::*:role/dev",
            "arn:*:iam::111122223333:role/dev",
            "arn:aws:iam::111122223333:*",
            "arn:aws:iam::111122223333:root",
            "arn:aws:iam::111122223333:role/",
            "arn:aws:iam::111122223333:group/dev",
            "arn:aws:sts::111122223333:assumed-role/dev/x",
            "arn:aws:iam::111122223333:role/${aws:username}",
            "arn:aws:iam::111122223333:role/a\"b",
            "arn:aws:iam::111122223333:role/a b",
        ] {
            assert!(text.parse::<ArnPattern>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_pattern_of_one_account_means_nobody_of_another() {
        let pattern: ArnPattern = "arn:aws:iam::111122223333:role/dev/*".parse().unwrap();
        assert!(pattern.matches_text("arn:aws:iam::111122223333:role/dev/a/b"));
        for other in [
            "arn:aws:iam::444455556666:role/dev/a",
            "arn:aws:iam::111122223333:user/dev/a",
            "arn:aws-cn:iam::111122223333:role/dev/a",
            "arn:aws:sts::111122223333:role/dev/a",
            "arn:aws:iam:",
        ] {
            assert!(!pattern.matches_text(other), "{other}");
        }
    }
}
