//! The one reader of the command's environment. (The AWS SDK reads its own variables besides.)

use std::collections::BTreeMap;

/// Whether a variable is set, whatever it says.
pub(crate) fn is_set(name: &str) -> bool {
    std::env::var_os(name).is_some()
}

/// Where the approver's API is, if a variable says so.
pub(crate) fn approvals() -> Option<String> {
    let text = std::env::var_os("EKS_ACCESS_API")?.into_string().ok()?;
    (!text.is_empty()).then_some(text)
}

/// The variables that are set to text, `AWS_…` and those that say where files are; an empty one is one that is not set.
pub(crate) fn about_aws() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| {
            name.starts_with("AWS_")
                || matches!(name.as_str(), "HOME" | "USERPROFILE" | "KUBECONFIG")
        })
        .filter(|(_, value)| !value.is_empty())
        .collect()
}
