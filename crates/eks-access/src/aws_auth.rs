//! The `aws-auth` `ConfigMap`, read as the authenticator reads it.
//!
//! The rules are those of kubernetes-sigs/aws-iam-authenticator, `pkg/mapper/configmap` and `pkg/config`:
//!
//! - `mapRoles`, `mapUsers` and `mapAccounts` are text, and their names are spelt exactly so. The keys of a row are
//!   read in any case, for the YAML becomes JSON, and Go's JSON ignores it.
//! - A section that is no YAML, or no list, is lost as a whole; the others still load. A value of the wrong kind is
//!   left out, and its row stays.
//! - A row without an ARN is skipped. Of several rows with one ARN the last counts. ARNs are compared without regard
//!   to case, and otherwise as they are written: nothing takes a path out of them, and nothing is a wildcard.
//! - Roles are searched before users, whatever kind of ARN a row holds, and accounts last.
//! - `sso:` is behind a feature gate that EKS does not open.

use std::fmt;

use crate::text::LogText;

mod document;

pub mod lint;
mod lookup;
mod rows;
mod tabs;
pub mod translate;

mod yaml;

pub use lookup::{Lookup, NearRow, WhyNot};

/// Longer than any `ConfigMap`: Kubernetes takes 1 MiB, and JSON escapes make it longer.
pub const MAX_LENGTH: usize = 4 << 20;

/// A section of aws-auth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Section {
    /// `mapRoles`
    Roles,
    /// `mapUsers`
    Users,
    /// `mapAccounts`
    Accounts,
}

impl Section {
    /// Every section, in the order in which the authenticator searches them.
    pub const ALL: [Self; 3] = [Self::Roles, Self::Users, Self::Accounts];

    /// The key, as the authenticator reads it.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Roles => "mapRoles",
            Self::Users => "mapUsers",
            Self::Accounts => "mapAccounts",
        }
    }

    /// The section that a key names or means: `maproles`, `map_roles`.
    fn like(key: &str) -> Option<Self> {
        let letters: String = key.chars().filter(char::is_ascii_alphabetic).collect();
        let like = |section: &Self| section.key().eq_ignore_ascii_case(&letters);
        Self::ALL.into_iter().find(like)
    }

    /// The key of a row's ARN; accounts have none.
    fn arn_key(self) -> Option<&'static str> {
        match self {
            Self::Roles => Some("rolearn"),
            Self::Users => Some("userarn"),
            Self::Accounts => None,
        }
    }
}

/// What becomes of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// The authenticator has it.
    Counts,
    /// A row with the same ARN counts in its place, and is in this line.
    Overridden {
        /// The line of the row that counts.
        by: usize,
    },
    /// It has no ARN under the key of its section, and is skipped.
    NoArn,
    /// It matches a permission set, which EKS' authenticator does not.
    PermissionSet,
    /// Its section's key is not spelt as the authenticator reads it.
    WrongSectionKey,
    /// Its section can't be read.
    BrokenSection,
}

/// Something wrong with a row that loads nevertheless, or is skipped alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// The line of the file, from 1.
    pub line: usize,
    /// What is wrong.
    pub kind: FlawKind,
}

/// What is wrong with a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FlawKind {
    /// The row is no mapping.
    NotAMapping,
    /// The ARN is a number or a truth value.
    ArnNotText,
    /// The user name is a number, a truth value or no text at all.
    UsernameNotText,
    /// `groups` is no list, and counts as none.
    GroupsNotAList,
    /// A group is no text, and counts as one without a name.
    GroupNotText,
    /// The ARN stands under the key of the other section.
    OtherArnKey,
    /// A key that the authenticator does not know.
    UnknownKey(LogText),
    /// A key that stands in the row again, in this line, which counts: most often two rows with a dash missing.
    KeyTwice(LogText, usize),
}

/// One row of `mapRoles` or `mapUsers`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Where it is.
    pub section: Section,
    /// Which row of its section it is, from 1.
    pub index: usize,
    /// The line of the file that it begins in, from 1.
    pub line: usize,
    /// The ARN as it is written; empty if there is none.
    pub arn: LogText,
    /// The user name as it is written.
    pub username: Option<LogText>,
    /// The groups as they are written.
    pub groups: Vec<LogText>,
    /// What becomes of it.
    pub standing: Standing,
    /// What is wrong with it.
    pub flaws: Vec<Flaw>,
}

impl Row {
    /// Whether it has this group.
    #[must_use]
    pub fn has_group(&self, group: &str) -> bool {
        self.groups.iter().any(|own| own.raw() == group)
    }

    /// Whether only sessions of EC2 instances can be given its user name (the authenticator's `renderTemplate`).
    #[must_use]
    pub fn renders_for_instances_only(&self) -> bool {
        let username = self.username.as_ref().map_or("", LogText::raw);
        username.contains("{{EC2PrivateDNSName}}")
    }

    /// Whether it lets nodes in: by its group, or by its user name.
    #[must_use]
    pub fn is_for_nodes(&self) -> bool {
        let username = self.username.as_ref().map_or("", LogText::raw);
        self.has_group("system:nodes") || username.starts_with("system:node:")
    }
}

/// An account of `mapAccounts`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// As it is written.
    pub id: LogText,
    /// The line of the file, from 1.
    pub line: usize,
    /// Whether the authenticator has it.
    pub counts: bool,
}

/// Why a section is lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Breakage {
    /// It is no YAML; in the parser's words.
    Yaml(LogText),
    /// A value such as `{{SessionName}}` is not in quotes, and reads as a mapping within a mapping.
    UnquotedBraces,
    /// It is no text: the `|` after the key is missing.
    NotText,
    /// It is no list of rows.
    NotAList,
    /// It is larger or deeper than the sections people write.
    TooLarge,
}

/// A section that is lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SectionError {
    /// Which.
    pub section: Section,
    /// The line of the file, from 1.
    pub line: usize,
    /// The line within the section, which is what the authenticator's log counts.
    pub inner_line: usize,
    /// Why.
    pub breakage: Breakage,
}

/// A key of the `ConfigMap` that the authenticator does not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherKey {
    /// As it is written.
    pub key: LogText,
    /// The section that is meant, if one is.
    pub like: Option<Section>,
    /// The line of the file, from 1.
    pub line: usize,
}

/// Why a text is no aws-auth `ConfigMap`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AwsAuthError {
    /// The file itself is no YAML or JSON.
    Yaml {
        /// The line of the file, from 1.
        line: usize,
        /// In the parser's words.
        what: LogText,
    },
    /// It is YAML, but has none of the sections.
    NotAwsAuth,
    /// It is longer than [`MAX_LENGTH`].
    TooLarge,
}

impl fmt::Display for AwsAuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Yaml { line, what } => {
                write!(f, "line {line} is not YAML: {}", what.shown(200))
            }
            Self::NotAwsAuth => f.write_str(
                "it has no mapRoles, mapUsers or mapAccounts; \
                 save one with: kubectl -n kube-system get configmap aws-auth -o yaml",
            ),
            Self::TooLarge => f.write_str("it is longer than a ConfigMap can be"),
        }
    }
}

impl std::error::Error for AwsAuthError {}

/// An aws-auth `ConfigMap`: what the authenticator has of it, and what it has lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwsAuth {
    rows: Vec<Row>,
    accounts: Vec<Account>,
    errors: Vec<SectionError>,
    other_keys: Vec<OtherKey>,
    elsewhere: Option<(LogText, usize)>,
    /// Where a second document begins in a section.
    unread: Vec<(Section, usize)>,
    is_without_data: bool,
}

impl AwsAuth {
    /// Reads a manifest (YAML or JSON, also in a list or among other documents), its `data`, or the sections alone.
    ///
    /// # Errors
    ///
    /// When the file itself is no YAML, or holds no section. A section that can't be read is no such error, for the
    /// authenticator goes on without it: see [`AwsAuth::errors`].
    pub fn parse(text: &str) -> Result<Self, AwsAuthError> {
        let document = document::Document::find(text)?;
        let mut found = Self {
            rows: Vec::new(),
            accounts: Vec::new(),
            errors: Vec::new(),
            other_keys: document
                .others
                .iter()
                .map(|(key, line)| OtherKey {
                    key: LogText::new(key.as_str()),
                    like: None,
                    line: *line,
                })
                .collect(),
            elsewhere: document
                .elsewhere
                .map(|(what, line)| (LogText::new(what), line)),
            unread: Vec::new(),
            is_without_data: document.is_without_data,
        };
        for written in &document.sections {
            if let Some(key) = &written.wrong_key {
                found.other_keys.push(OtherKey {
                    key: LogText::new(key.as_str()),
                    like: Some(written.section),
                    line: written.line,
                });
            }
            rows::load(written, &mut found);
        }
        rows::find_overridden(&mut found.rows);
        Ok(found)
    }

    /// Every row, in the order of the file, also those that do not count.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The accounts of `mapAccounts`.
    #[must_use]
    pub fn accounts(&self) -> &[Account] {
        &self.accounts
    }

    /// Whether a section is lost.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        !self.errors.is_empty()
    }

    /// The sections that are lost.
    #[must_use]
    pub fn errors(&self) -> &[SectionError] {
        &self.errors
    }

    /// Why this section is lost, if it is.
    #[must_use]
    pub fn error_in(&self, section: Section) -> Option<&SectionError> {
        self.errors.iter().find(|error| error.section == section)
    }

    /// The keys that the authenticator does not read.
    #[must_use]
    pub fn other_keys(&self) -> &[OtherKey] {
        &self.other_keys
    }

    /// The sections that have a second document, which nobody reads, with the line of the file in which it begins.
    #[must_use]
    pub fn unread(&self) -> &[(Section, usize)] {
        &self.unread
    }

    /// Whether the `ConfigMap` has no data at all.
    #[must_use]
    pub fn is_without_data(&self) -> bool {
        self.is_without_data
    }

    /// The name or namespace with its line, if the `ConfigMap` is not `kube-system/aws-auth`.
    #[must_use]
    pub fn elsewhere(&self) -> Option<(&LogText, usize)> {
        self.elsewhere.as_ref().map(|(what, line)| (what, *line))
    }
}

fn words(what: &yaml::What) -> LogText {
    LogText::new(match what {
        yaml::What::Syntax(words) => words.as_str(),
        yaml::What::Key => "a mapping or list where the name of a key is expected",
        yaml::What::Size => "nested deeper, or larger, than anything people write",
    })
}
