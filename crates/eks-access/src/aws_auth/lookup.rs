//! What the authenticator would do with a principal, and which rows look as if they should let it in.

use super::{AwsAuth, Row, Section, Standing};
use crate::principal::Principal;

/// Rows that are shown at most.
const MAX_NEAR: usize = 8;

/// What the authenticator would do with a principal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup<'a> {
    /// This row lets it in.
    Mapped(&'a Row),
    /// `mapAccounts` lets it in, with its ARN for a user name and without groups.
    Account,
    /// Nothing lets it in.
    NotMapped {
        /// The rows that look as if they should, the plainest mistakes first.
        near: Vec<NearRow<'a>>,
    },
}

/// A row that looks as if it should let a principal in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NearRow<'a> {
    /// The row.
    pub row: &'a Row,
    /// Why it does not.
    pub why: WhyNot,
}

/// Why a row does not let a principal in, the plainest mistakes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum WhyNot {
    /// Its section can't be read, and is lost.
    LostInBrokenSection,
    /// Its section's key is not spelt as the authenticator reads it, such as `maproles`.
    WrongSectionKey,
    /// It keeps the role's path, which STS leaves out.
    KeepsPath,
    /// It names a session, `assumed-role/NAME/SESSION`, and not the role.
    NamesSession,
    /// It names an instance profile, and not its role.
    NamesInstanceProfile,
    /// White space or a sign that is easily overlooked stands in it.
    Whitespace,
    /// It has a wildcard, and nothing is one.
    Wildcard,
    /// It names the role that the same permission set had in the same account before it was provisioned anew.
    OtherSuffix,
    /// It names a user where a role called, or the other way round, or holds its ARN under the key of the other.
    OtherKind,
    /// It leaves out, or has another, path of a user; users keep theirs.
    OtherPath,
    /// It names a principal of the same kind and name in another account.
    OtherAccount,
}

impl WhyNot {
    /// The stable name in machine output.
    #[must_use]
    pub fn slug(self) -> &'static str {
        match self {
            Self::LostInBrokenSection => "lost-in-broken-section",
            Self::WrongSectionKey => "wrong-section-key",
            Self::KeepsPath => "keeps-path",
            Self::NamesSession => "names-session",
            Self::NamesInstanceProfile => "names-instance-profile",
            Self::Whitespace => "whitespace",
            Self::Wildcard => "wildcard",
            Self::OtherSuffix => "other-suffix",
            Self::OtherKind => "other-kind",
            Self::OtherPath => "other-path",
            Self::OtherAccount => "other-account",
        }
    }
}

impl AwsAuth {
    /// What the authenticator would do with this principal. A role's path does not matter: STS leaves it out.
    #[must_use]
    pub fn lookup(&self, principal: &Principal) -> Lookup<'_> {
        let canonical = canonical(principal);
        let lower = canonical.to_lowercase();
        let counting = |section| {
            self.rows
                .iter()
                .filter(move |row| row.section == section && row.standing == Standing::Counts)
        };
        let row = counting(Section::Roles)
            .chain(counting(Section::Users))
            .find(|row| row.arn.raw().to_lowercase() == lower);
        if let Some(row) = row {
            return Lookup::Mapped(row);
        }
        let account = principal.account().as_str();
        if self
            .accounts
            .iter()
            .any(|own| own.counts && own.id.raw() == account)
        {
            return Lookup::Account;
        }
        let mut near: Vec<NearRow<'_>> = self
            .rows
            .iter()
            .filter_map(|row| {
                let why = why_not(row, principal, &lower)?;
                Some(NearRow { row, why })
            })
            .collect();
        near.sort_by_key(|near| near.why);
        near.truncate(MAX_NEAR);
        Lookup::NotMapped { near }
    }
}

/// The ARN as the authenticator has it: of a role without path, of a user with it (`pkg/arn`).
pub(super) fn canonical(principal: &Principal) -> String {
    if principal.is_role() {
        format!(
            "arn:{}:iam::{}:role/{}",
            principal.partition(),
            principal.account(),
            principal.name()
        )
    } else {
        principal.to_string()
    }
}

fn why_not(row: &Row, principal: &Principal, canonical: &str) -> Option<WhyNot> {
    let written = row.arn.raw().to_lowercase();
    let is_meant = written == canonical;
    match row.standing {
        // The row that counts in its place answers for it.
        Standing::Overridden { .. } | Standing::PermissionSet => None,
        Standing::NoArn if is_meant => Some(WhyNot::OtherKind),
        Standing::WrongSectionKey if is_meant => Some(WhyNot::WrongSectionKey),
        Standing::BrokenSection if is_meant => Some(WhyNot::LostInBrokenSection),
        _ => mistake(&written, row.arn.raw(), principal, canonical),
    }
}

/// The mistake in an ARN that keeps it from being this principal's.
fn mistake(written: &str, raw: &str, principal: &Principal, canonical: &str) -> Option<WhyNot> {
    if squeezed(written) == canonical {
        return Some(WhyNot::Whitespace);
    }
    if written.contains(['*', '?']) {
        return matches_glob(written, canonical).then_some(WhyNot::Wildcard);
    }
    if let Some((account, profile)) = instance_profile(written) {
        let is_same = account == principal.account().as_str()
            && profile == principal.name().to_lowercase()
            && principal.is_role();
        return is_same.then_some(WhyNot::NamesInstanceProfile);
    }
    let other: Principal = raw.trim().parse().ok()?;
    let has_same_name = other.name().eq_ignore_ascii_case(principal.name());
    let is_same_kind =
        other.is_role() == principal.is_role() && other.is_user() == principal.is_user();
    let is_same_account = other.account() == principal.account();
    match (is_same_account, is_same_kind, has_same_name) {
        (true, true, true) if written.contains(":assumed-role/") => Some(WhyNot::NamesSession),
        (true, true, true) if other.partition() != principal.partition() => None,
        (true, true, true) if principal.is_role() => Some(WhyNot::KeepsPath),
        (true, true, true) => Some(WhyNot::OtherPath),
        (true, true, false) => {
            is_same_permission_set(&other, principal).then_some(WhyNot::OtherSuffix)
        }
        (true, false, true) if !principal.is_root() => Some(WhyNot::OtherKind),
        (false, true, true) if !principal.is_root() => Some(WhyNot::OtherAccount),
        _ => None,
    }
}

fn is_same_permission_set(one: &Principal, other: &Principal) -> bool {
    match (one.permission_set(), other.permission_set()) {
        (Some(one), Some(other)) => one.name == other.name,
        _ => false,
    }
}

/// Without what is easily overlooked.
fn squeezed(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_ascii_graphic() && !matches!(c, '"' | '\'' | '`' | ';'))
        .collect::<String>()
        .trim_end_matches([',', '.'])
        .to_owned()
}

/// The account and the last part of the name of an instance profile.
pub(super) fn instance_profile(lower: &str) -> Option<(&str, &str)> {
    let (before, path) = lower.split_once(":instance-profile/")?;
    let account = before.rsplit(':').next()?;
    Some((account, path.rsplit('/').next()?))
}

/// Whether a text is what a pattern of `*` and `?` means, in time that grows with both lengths.
fn matches_glob(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t, mut retry) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                retry = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || Some(c) == text.get(t) => {
                p += 1;
                t += 1;
            }
            _ => match retry {
                Some((star, from)) => {
                    p = star + 1;
                    t = from + 1;
                    retry = Some((star, from + 1));
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(p).all(|c| *c == '*')
}
