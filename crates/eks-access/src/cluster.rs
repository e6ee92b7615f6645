//! The cluster a line belongs to, and what is known of it.

use std::fmt;
use std::str::FromStr;

use crate::principal::AccountId;

/// A cluster's name: it begins with a letter or digit and has at most 100 of `[0-9A-Za-z_-]` (EKS API reference).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClusterName(String);

impl ClusterName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The cluster whose control plane writes to this log group, `/aws/eks/NAME/cluster`.
    #[must_use]
    pub fn from_log_group(log_group: &str) -> Option<Self> {
        log_group
            .strip_prefix("/aws/eks/")?
            .strip_suffix("/cluster")?
            .parse()
            .ok()
    }
}

impl fmt::Display for ClusterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text can't be what it should name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadName {
    what: &'static str,
    rule: &'static str,
}

impl fmt::Display for BadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let article = if self.what.starts_with(['a', 'e', 'i', 'o', 'u']) {
            "an"
        } else {
            "a"
        };
        write!(f, "not {article} {}; {}", self.what, self.rule)
    }
}

impl std::error::Error for BadName {}

impl FromStr for ClusterName {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_first = |b: &u8| b.is_ascii_alphanumeric();
        let is_rest = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        if text.len() <= 100
            && text.as_bytes().first().is_some_and(is_first)
            && text.bytes().all(is_rest)
        {
            Ok(Self(text.to_owned()))
        } else {
            let rule =
                "it begins with a letter or digit and has at most 100 letters, digits, `-` and `_`";
            Err(BadName {
                what: "cluster name",
                rule,
            })
        }
    }
}

/// An AWS Region's code, such as `eu-west-1`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Region(String);

impl Region {
    /// The code.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Region {
    /// The partition it is part of, by its beginning (AWS General Reference, "Regions").
    #[must_use]
    pub fn partition(&self) -> &'static str {
        const PARTITIONS: [(&str, &str); 7] = [
            ("cn-", "aws-cn"),
            ("us-gov-", "aws-us-gov"),
            ("us-isob-", "aws-iso-b"),
            ("us-isof-", "aws-iso-f"),
            ("us-iso-", "aws-iso"),
            ("eu-isoe-", "aws-iso-e"),
            ("eusc-", "aws-eusc"),
        ];
        let known = PARTITIONS
            .iter()
            .find(|(start, _)| self.0.starts_with(start));
        known.map_or("aws", |(_, partition)| partition)
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Region {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_part = |part: &str| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        };
        if text.len() <= 32 && text.contains('-') && text.split('-').all(is_part) {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadName {
                what: "Region",
                rule: "it reads like `eu-west-1`",
            })
        }
    }
}

/// How a cluster maps principals: `accessConfig.authenticationMode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AuthenticationMode {
    /// Only `aws-auth`. Even reading access entries fails.
    ConfigMap,
    /// Access entries first, `aws-auth` for principals without an entry.
    ApiAndConfigMap,
    /// Only access entries.
    Api,
}

impl AuthenticationMode {
    /// As the EKS API spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ConfigMap => "CONFIG_MAP",
            Self::ApiAndConfigMap => "API_AND_CONFIG_MAP",
            Self::Api => "API",
        }
    }

    /// Whether access entries count.
    #[must_use]
    pub fn has_access_entries(self) -> bool {
        self != Self::ConfigMap
    }
}

impl FromStr for AuthenticationMode {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::ConfigMap, Self::ApiAndConfigMap, Self::Api]
            .into_iter()
            .find(|mode| mode.as_str().eq_ignore_ascii_case(text))
            .ok_or(BadName {
                what: "authentication mode",
                rule: "it is CONFIG_MAP, API_AND_CONFIG_MAP or API",
            })
    }
}

/// What is known of the cluster a line came from. A field that nothing told is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Cluster {
    /// From the log group, or said by the person who asks.
    pub name: Option<ClusterName>,
    /// The Region of the log group.
    pub region: Option<Region>,
    /// The account of the log group, which is the cluster's.
    pub account: Option<AccountId>,
    /// Only when somebody told us; later parts read it from EKS.
    pub mode: Option<AuthenticationMode>,
}

/// The cluster of `eks-access self-test`, which no account is expected to have.
pub const SELF_TEST: &str = "eks-access-self-test";

impl Cluster {
    /// Whether this is only a test of the product itself.
    #[must_use]
    pub fn is_self_test(&self) -> bool {
        self.name
            .as_ref()
            .is_some_and(|name| name.as_str() == SELF_TEST)
    }

    /// The name for people: the cluster's, or words that say that it is not known.
    #[must_use]
    pub fn title(&self) -> &str {
        self.name
            .as_ref()
            .map_or("unknown cluster", ClusterName::as_str)
    }

    /// The name for a command line: the cluster's, or a word to replace.
    #[must_use]
    pub fn name_or_placeholder(&self) -> &str {
        self.name
            .as_ref()
            .map_or("CLUSTER_NAME", ClusterName::as_str)
    }

    /// The Region for a command line: the cluster's, or a word to replace.
    #[must_use]
    pub fn region_or_placeholder(&self) -> &str {
        self.region.as_ref().map_or("REGION", Region::as_str)
    }
}
