//! What can be granted: an access policy, in namespaces, for a time.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Namespaces that are named in a sentence.
const SHOWN: usize = 8;

/// An access policy that this product may ever associate. There is no value for the others, so that none of them can be
/// asked for by any way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum AccessPolicy {
    /// `AmazonEKSViewPolicy`: reads most objects of a namespace, and no secrets.
    #[serde(rename = "AmazonEKSViewPolicy")]
    View,
    /// `AmazonEKSEditPolicy`: changes most objects of a namespace, reads and writes its secrets, runs commands in its pods
    /// and acts as its service accounts.
    #[serde(rename = "AmazonEKSEditPolicy")]
    Edit,
}

impl AccessPolicy {
    /// Every one.
    pub const ALL: &'static [Self] = &[Self::View, Self::Edit];

    /// The last part of its ARN.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::View => "AmazonEKSViewPolicy",
            Self::Edit => "AmazonEKSEditPolicy",
        }
    }

    /// Its ARN in a partition.
    #[must_use]
    pub fn arn(self, partition: &str) -> String {
        format!(
            "arn:{partition}:eks::aws:cluster-access-policy/{}",
            self.name()
        )
    }

    /// What whoever has it can do, for those who decide (EKS user guide, "Review access policy permissions").
    #[must_use]
    pub fn power(self) -> &'static str {
        match self {
            Self::View => "reads most objects of the namespaces, and no secrets",
            Self::Edit => {
                "changes most objects of the namespaces, reads and writes their secrets, runs commands in their pods and \
                 acts as their service accounts"
            }
        }
    }
}

impl fmt::Display for AccessPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for AccessPolicy {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let name = text
            .split_once(":eks::aws:cluster-access-policy/")
            .filter(|(partition, _)| partition.starts_with("arn:aws"))
            .map_or(text, |(_, name)| name);
        let known = Self::ALL.iter().find(|policy| policy.name() == name);
        known.copied().ok_or(
            "it is AmazonEKSViewPolicy or AmazonEKSEditPolicy; the others are never granted for a time (they reach the \
             whole cluster, secrets of all namespaces, or RBAC itself)",
        )
    }
}

/// The name of a namespace: a label of RFC 1123, without any `*`. Those of Kubernetes itself are none.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Namespace(String);

impl Namespace {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Namespace> for String {
    fn from(namespace: Namespace) -> Self {
        namespace.0
    }
}

impl TryFrom<String> for Namespace {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl FromStr for Namespace {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_fit = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if !(1..=63).contains(&text.len())
            || !text.bytes().all(is_fit)
            || text.starts_with('-')
            || text.ends_with('-')
        {
            return Err(
                "it is the whole name of a namespace: at most 63 lower-case letters, digits and `-`; no `*`, for a new \
                 namespace should not be open by accident",
            );
        }
        // Kubernetes keeps this prefix for itself (Kubernetes documentation, "Namespaces").
        if text.starts_with("kube-") {
            return Err(
                "it is a namespace of Kubernetes itself, whose service accounts rule the cluster",
            );
        }
        Ok(Self(text.to_owned()))
    }
}

/// What is asked for, or granted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// The access policy.
    pub policy: AccessPolicy,
    /// The namespaces: at least one, in order, none twice.
    pub namespaces: Vec<Namespace>,
    /// For how long, in seconds.
    pub seconds: u64,
}

impl Terms {
    /// The terms, with the namespaces put in order. `None` without a namespace or without time.
    #[must_use]
    pub fn new(policy: AccessPolicy, mut namespaces: Vec<Namespace>, seconds: u64) -> Option<Self> {
        namespaces.sort();
        namespaces.dedup();
        (!namespaces.is_empty() && seconds > 0).then_some(Self {
            policy,
            namespaces,
            seconds,
        })
    }

    /// The same for people: `AmazonEKSViewPolicy in shop, web for 1 h 0 min`.
    #[must_use]
    pub fn words(&self) -> String {
        format!(
            "{} in {} for {}",
            self.policy,
            self.namespaces_listed(),
            crate::timestamp::duration(
                i64::try_from(self.seconds)
                    .unwrap_or(i64::MAX)
                    .saturating_mul(1000)
            )
        )
    }

    /// The namespaces with commas between; of many the first, and how many more.
    #[must_use]
    pub fn namespaces_listed(&self) -> String {
        let names: Vec<&str> = self
            .namespaces
            .iter()
            .take(SHOWN)
            .map(Namespace::as_str)
            .collect();
        let listed = names.join(", ");
        match self.namespaces.len().saturating_sub(SHOWN) {
            0 => listed,
            more => format!("{listed} and {more} more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{AccessPolicy, Namespace, Terms};

    #[test]
    fn only_what_may_be_granted_for_a_time_can_be_named() {
        for text in [
            "AmazonEKSViewPolicy",
            "arn:aws-cn:eks::aws:cluster-access-policy/AmazonEKSViewPolicy",
        ] {
            assert_eq!(text.parse(), Ok(AccessPolicy::View));
        }
        for text in [
            "AmazonEKSClusterAdminPolicy",
            "AmazonEKSAdminPolicy",
            "AmazonEKSAdminViewPolicy",
            "AmazonEKSSecretReaderPolicy",
            "arn:aws:iam::aws:policy/AmazonEKSViewPolicy",
            "x:eks::aws:cluster-access-policy/AmazonEKSViewPolicy",
            "system:masters",
            "view",
            "",
        ] {
            assert!(text.parse::<AccessPolicy>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_namespace_is_a_whole_name() {
        for text in ["shop", "a", "team-a1"] {
            assert!(text.parse::<Namespace>().is_ok(), "{text}");
        }
        let long = "a".repeat(64);
        for text in [
            "",
            "*",
            "dev-*",
            "kube-system",
            "Shop",
            "-a",
            "a-",
            "a.b",
            "a b",
            &long,
        ] {
            assert!(text.parse::<Namespace>().is_err(), "{text}");
        }
    }

    #[test]
    fn terms_have_a_namespace_and_a_time() {
        let of = |names: &[&str], seconds| {
            let names = names.iter().map(|name| name.parse().unwrap()).collect();
            Terms::new(AccessPolicy::View, names, seconds)
        };
        assert_eq!(of(&[], 60), None);
        assert_eq!(of(&["a"], 0), None);
        let terms = of(&["b", "a", "b"], 3600).unwrap();
        assert_eq!(terms.words(), "AmazonEKSViewPolicy in a, b for 1 h 0 min");
    }
}
