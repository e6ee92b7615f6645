//! Access entries that look like a principal's own.

use super::Fact;
use crate::principal::Principal;

/// How an entry's principal differs from the one that was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Near {
    /// The same role with another path: there can only be one role of a name in an account.
    OtherPath,
    /// The same permission set in the same account, with another ending.
    OtherSuffix,
    /// The same name in other letters, upper and lower case.
    OtherCase,
    /// A user of the same name in place of a role, or the other way round.
    OtherKind,
    /// The same name, or the same permission set, in another account.
    OtherAccount,
    /// A user of another name that IAM has no more: perhaps the same one before it was renamed.
    Former,
}

impl Near {
    /// The difference in words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::OtherPath => "the same role with another path",
            Self::OtherSuffix => "the same permission set with another ending",
            Self::OtherCase => "the same name in other letters (upper and lower case)",
            Self::OtherKind => "a user and no role, or a role and no user, of the same name",
            Self::OtherAccount => "the same name in another account",
            Self::Former => "a user that IAM has no more",
        }
    }
}

/// An entry that looks like the principal's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NearMiss {
    /// Whom the entry lets in.
    pub entry: Principal,
    /// How it differs.
    pub near: Near,
    /// Whether IAM still has that principal; asked only for permission sets.
    pub exists: Fact<bool>,
}

/// The entries that look like the principal's, the likeliest first. `principal` is as IAM knows it, or, where IAM does
/// not tell, as the log has it, without path: then an entry with any path is its own, and not a near miss.
#[must_use]
pub fn near_misses<'a>(
    principal: &Principal,
    entries: impl IntoIterator<Item = &'a Principal>,
) -> Vec<NearMiss> {
    let mut misses: Vec<NearMiss> = entries
        .into_iter()
        .filter_map(|entry| {
            Some(NearMiss {
                entry: entry.clone(),
                near: difference(principal, entry)?,
                exists: Fact::default(),
            })
        })
        .collect();
    misses.sort_by(|one, other| (one.near, &one.entry).cmp(&(other.near, &other.entry)));
    misses
}

fn difference(principal: &Principal, entry: &Principal) -> Option<Near> {
    let can_be = |principal: &Principal| principal.is_role() || principal.is_user();
    if principal == entry || !can_be(principal) || !can_be(entry) {
        return None;
    }
    let is_same_account = principal.account() == entry.account();
    let is_same_kind = principal.is_role() == entry.is_role();
    let is_same_name = principal.name() == entry.name();
    let is_same_set = match (principal.permission_set(), entry.permission_set()) {
        (Some(one), Some(other)) => one.name == other.name,
        _ => false,
    };
    match (is_same_account, is_same_kind) {
        (true, true) if is_same_name => Some(Near::OtherPath),
        (true, true) if is_same_set => Some(Near::OtherSuffix),
        (true, true) if principal.name().eq_ignore_ascii_case(entry.name()) => {
            Some(Near::OtherCase)
        }
        (true, false) if is_same_name => Some(Near::OtherKind),
        (false, true) if is_same_name || is_same_set => Some(Near::OtherAccount),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Near, near_misses};
    use crate::principal::Principal;

    fn nearest(principal: &str, entries: &[&str]) -> Option<Near> {
        let principal: Principal = principal.parse().unwrap();
        let entries: Vec<Principal> = entries.iter().map(|arn| arn.parse().unwrap()).collect();
        near_misses(&principal, &entries)
            .first()
            .map(|miss| miss.near)
    }

    #[test]
    fn each_difference_is_told_from_the_others() {
        let role = "arn:aws:iam::111122223333:role/team/Dev";
        for (entry, expected) in [
            ("arn:aws:iam::111122223333:role/Dev", Some(Near::OtherPath)),
            (
                "arn:aws:iam::111122223333:role/old/Dev",
                Some(Near::OtherPath),
            ),
            ("arn:aws:iam::111122223333:role/DEV", Some(Near::OtherCase)),
            ("arn:aws:iam::111122223333:user/Dev", Some(Near::OtherKind)),
            (
                "arn:aws:iam::444455556666:role/team/Dev",
                Some(Near::OtherAccount),
            ),
            ("arn:aws:iam::444455556666:user/Dev", None),
            ("arn:aws:iam::111122223333:role/Developer", None),
            ("arn:aws:iam::111122223333:role/team/Dev", None),
        ] {
            assert_eq!(nearest(role, &[entry]), expected, "{entry}");
        }
    }

    #[test]
    fn a_permission_set_is_known_by_its_name_and_not_by_its_ending() {
        let role = "arn:aws-us-gov:iam::111122223333:role/AWSReservedSSO_Ops_Team_0123456789abcdef";
        let entry = |account: &str, set: &str| {
            format!(
                "arn:aws-us-gov:iam::{account}:role/aws-reserved/sso.amazonaws.com/us-gov-west-1/\
                 AWSReservedSSO_{set}_fedcba9876543210"
            )
        };
        for (entry, expected) in [
            (entry("111122223333", "Ops_Team"), Some(Near::OtherSuffix)),
            (entry("444455556666", "Ops_Team"), Some(Near::OtherAccount)),
            (entry("111122223333", "Ops"), None),
            (entry("111122223333", "Team"), None),
        ] {
            assert_eq!(nearest(role, &[&entry]), expected, "{entry}");
        }
    }

    #[test]
    fn the_likeliest_comes_first() {
        let role = "arn:aws:iam::111122223333:role/Dev";
        let entries = [
            "arn:aws:iam::444455556666:role/Dev",
            "arn:aws:iam::111122223333:user/Dev",
            "arn:aws:iam::111122223333:role/old/Dev",
        ];
        assert_eq!(nearest(role, &entries), Some(Near::OtherPath));
    }
}
