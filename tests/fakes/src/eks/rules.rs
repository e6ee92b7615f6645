//! What EKS refuses, with its own words where a public thread or page has them. Words marked "ours" are made up: match
//! on the code only.

use serde_json::{Map, Value};

use crate::record::Refusal;

/// Quota L-C56B9FC3, not adjustable.
pub(crate) const MAX_ENTRIES: usize = 3_000;

/// The policies that can be associated with a principal of one's own (user guide, "Review access policy permissions").
pub(crate) const POLICIES: &[&str] = &[
    "AmazonEKSAdminPolicy",
    "AmazonEKSAdminViewPolicy",
    "AmazonEKSAutoNodePolicy",
    "AmazonEKSClusterAdminPolicy",
    "AmazonEKSEditPolicy",
    "AmazonEKSSecretReaderPolicy",
    "AmazonEKSViewPolicy",
];

/// The policies that only principals of AWS itself get.
pub(crate) const SERVICE_POLICIES: &[&str] = &[
    "AmazonEKSBlockStorageClusterPolicy",
    "AmazonEKSBlockStoragePolicy",
    "AmazonEKSClusterInsightsPolicy",
    "AmazonEKSComputeClusterPolicy",
    "AmazonEKSComputePolicy",
    "AmazonEKSHybridPolicy",
    "AmazonEKSLoadBalancingClusterPolicy",
    "AmazonEKSLoadBalancingPolicy",
    "AmazonEKSNetworkingClusterPolicy",
    "AmazonEKSNetworkingPolicy",
];

const TYPES: &[&str] = &[
    "STANDARD",
    "EC2_LINUX",
    "EC2_WINDOWS",
    "FARGATE_LINUX",
    "EC2",
    "HYBRID_LINUX",
    "HYPERPOD_LINUX",
];

/// Prefixes of usernames that EKS keeps for itself (user guide, "Create access entries"). That they hold for groups as
/// well is documented for `system:` only; a client should not try the others either.
const RESERVED: &[&str] = &["system:", "eks:", "aws:", "amazon:", "iam:"];

pub(crate) fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(400, "InvalidParameterException", message)
}

pub(crate) fn invalid_principal() -> Refusal {
    invalid("The specified principalArn is invalid: invalid principal.")
}

pub(crate) fn only_standard() -> Refusal {
    invalid("This operation can only be performed on Access Entries with a type of \"STANDARD\".")
}

pub(crate) fn not_found(message: impl Into<String>) -> Refusal {
    Refusal::new(404, "ResourceNotFoundException", message)
}

/// terraform-aws-modules/terraform-aws-eks issue 3024.
pub(crate) fn no_entry() -> Refusal {
    not_found(
        "The specified principalArn could not be found. You can view your available access entries with \
         'list-access-entries'.",
    )
}

/// An ARN of IAM, taken apart.
pub(crate) struct Arn<'a> {
    pub(crate) partition: &'a str,
    pub(crate) account: &'a str,
    /// `role`, `user` or `root`.
    pub(crate) kind: &'a str,
    /// With a slash at both ends.
    pub(crate) path: &'a str,
}

/// The grammar of a principal's ARN: no session of STS, no group, no instance profile, nothing else.
pub(crate) fn arn(text: &str) -> Option<Arn<'_>> {
    let parts: Vec<_> = text.splitn(6, ':').collect();
    let ["arn", partition, "iam", "", account, resource] = parts.as_slice() else {
        return None;
    };
    let of_account = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
    if !of_account || !partition.starts_with("aws") {
        return None;
    }
    let (kind, rest) = match *resource {
        "root" => ("root", "/"),
        other => {
            let cut = other.find('/')?;
            (&other[..cut], &other[cut..])
        }
    };
    let cut = rest.rfind('/')?;
    let (path, name) = (&rest[..=cut], &rest[cut + 1..]);
    let fits = match kind {
        "root" => true,
        "role" | "user" => {
            let of_name = |b: u8| b.is_ascii_alphanumeric() || b"+=,.@_-".contains(&b);
            // `pathType` of IAM: any printable ASCII between slashes.
            !name.is_empty()
                && name.bytes().all(of_name)
                && path.bytes().all(|b| (0x21..=0x7e).contains(&b))
        }
        _ => false,
    };
    fits.then_some(Arn {
        partition,
        account,
        kind,
        path,
    })
}

/// A principal that somebody wants to write an entry for.
pub(crate) fn writable<'a>(text: &'a str, partition: &str) -> Result<Arn<'a>, Refusal> {
    let arn = arn(text).ok_or_else(|| invalid_principal().broken())?;
    // Whether EKS takes the root user is not documented; nobody should try.
    if arn.partition != partition || arn.kind == "root" {
        return Err(invalid_principal().broken());
    }
    if arn.path.starts_with("/aws-service-role/") {
        let words = "The caller is not allowed to modify access entries with a principalArn value of a Service Linked \
                     Role";
        return Err(invalid(words).broken());
    }
    Ok(arn)
}

/// Types: node types are for roles of the cluster's own account (user guide, "Create access entries").
pub(crate) fn of_type(kind: &str, arn: &Arn<'_>, account: &str) -> Result<(), Refusal> {
    if !TYPES.contains(&kind) {
        return Err(invalid(format!("The specified type {kind} is invalid.")).broken()); // ours
    }
    if kind != "STANDARD" && (arn.kind != "role" || arn.account != account) {
        return Err(invalid_principal().broken());
    }
    Ok(())
}

pub(crate) fn username(username: &str) -> Result<(), Refusal> {
    if let Some(prefix) = RESERVED.iter().find(|p| username.starts_with(**p)) {
        return Err(invalid(format!("The username must not begin with {prefix}")).broken());
    }
    // "If the username includes {{SessionName}}, it must have a colon before it" (user guide).
    let session = ["{{SessionName}}", "{{SessionNameRaw}}"]
        .iter()
        .filter_map(|template| username.find(template))
        .min();
    if session.is_some_and(|at| !username[..at].contains(':')) || username.is_empty() {
        let words = "The username must have a colon before {{SessionName}}"; // ours
        return Err(invalid(words).broken());
    }
    Ok(())
}

pub(crate) fn groups(groups: &[String]) -> Result<(), Refusal> {
    for group in groups {
        if let Some(prefix) = RESERVED.iter().find(|p| group.starts_with(**p)) {
            let words = format!(
                "The kubernetes group name {group} is invalid, it cannot start with {prefix}"
            );
            return Err(invalid(words).broken());
        }
        if group.is_empty() {
            return Err(invalid("The kubernetes group name is empty").broken()); // ours
        }
    }
    Ok(())
}

/// `TagMap` of the model: 1 to 50, keys up to 128, values up to 256 characters; `aws:` is reserved.
pub(crate) fn tags(tags: &Map<String, Value>) -> Result<(), Refusal> {
    let fits = |(key, value): (&String, &Value)| {
        let length = |text: &str| text.chars().count();
        (1..=128).contains(&length(key))
            && !key.to_ascii_lowercase().starts_with("aws:")
            && value.as_str().is_some_and(|value| length(value) <= 256)
    };
    if tags.len() > 50 || !tags.iter().all(fits) {
        return Err(invalid("The specified tags are invalid").broken()); // ours
    }
    Ok(())
}

/// Which policies go with which type, by name.
pub(crate) fn policy<'a>(arn: &'a str, partition: &str, kind: &str) -> Result<&'a str, Refusal> {
    let prefix = format!("arn:{partition}:eks::aws:cluster-access-policy/");
    let name = arn.strip_prefix(&prefix).unwrap_or("");
    if !POLICIES.contains(&name) {
        return Err(invalid(format!("The specified policyArn is invalid: {arn}")).broken()); // ours
    }
    // Auto Mode: "associate AmazonEKSAutoNodePolicy with an entry of type EC2" (user guide, "Create a node class").
    if (kind == "EC2") != (name == "AmazonEKSAutoNodePolicy") || !matches!(kind, "EC2" | "STANDARD")
    {
        return Err(only_standard());
    }
    Ok(name)
}

/// An access scope: `None` for the whole cluster.
pub(crate) fn scope(scope: &Value) -> Result<Option<Vec<String>>, Refusal> {
    let refused = || invalid("The specified accessScope is invalid").broken(); // ours
    let namespaces = match &scope["namespaces"] {
        Value::Null => Vec::new(),
        Value::Array(names) => names
            .iter()
            .map(|name| name.as_str().map(str::to_owned).ok_or_else(refused))
            .collect::<Result<_, _>>()?,
        _ => return Err(refused()),
    };
    // A namespace is a label of RFC 1123; a `*` stands for any characters (user guide, "Associate access policies").
    let fits = |name: &String| {
        (1..=63).contains(&name.len())
            && name
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'*')
            && !name.starts_with('-')
            && !name.ends_with('-')
    };
    match scope["type"].as_str() {
        Some("cluster") if namespaces.is_empty() => Ok(None),
        Some("namespace") if !namespaces.is_empty() && namespaces.iter().all(fits) => {
            Ok(Some(namespaces))
        }
        _ => Err(refused()),
    }
}
