//! Which request is which operation.

use serde_json::{Map, Value};

use crate::wire::decoded;

/// Method, path, operation, fields of the body (service model).
pub(super) const ROUTES: &[(&str, &str, &str, &[&str])] = &[
    ("GET", "/clusters", "ListClusters", &[]),
    ("GET", "/clusters/{name}", "DescribeCluster", &[]),
    ("GET", "/access-policies", "ListAccessPolicies", &[]),
    ("GET", "/tags/{resourceArn}", "ListTagsForResource", &[]),
    ("POST", "/tags/{resourceArn}", "TagResource", &["tags"]),
    ("DELETE", "/tags/{resourceArn}", "UntagResource", &[]),
    (
        "GET",
        "/clusters/{clusterName}/node-groups",
        "ListNodegroups",
        &[],
    ),
    (
        "GET",
        "/clusters/{clusterName}/node-groups/{nodegroupName}",
        "DescribeNodegroup",
        &[],
    ),
    (
        "GET",
        "/clusters/{clusterName}/access-entries",
        "ListAccessEntries",
        &[],
    ),
    (
        "POST",
        "/clusters/{clusterName}/access-entries",
        "CreateAccessEntry",
        &[
            "principalArn",
            "kubernetesGroups",
            "tags",
            "clientRequestToken",
            "username",
            "type",
        ],
    ),
    (
        "GET",
        "/clusters/{clusterName}/access-entries/{principalArn}",
        "DescribeAccessEntry",
        &[],
    ),
    (
        "POST",
        "/clusters/{clusterName}/access-entries/{principalArn}",
        "UpdateAccessEntry",
        &["kubernetesGroups", "clientRequestToken", "username"],
    ),
    (
        "DELETE",
        "/clusters/{clusterName}/access-entries/{principalArn}",
        "DeleteAccessEntry",
        &[],
    ),
    (
        "GET",
        "/clusters/{clusterName}/access-entries/{principalArn}/access-policies",
        "ListAssociatedAccessPolicies",
        &[],
    ),
    (
        "POST",
        "/clusters/{clusterName}/access-entries/{principalArn}/access-policies",
        "AssociateAccessPolicy",
        &["policyArn", "accessScope"],
    ),
    (
        "DELETE",
        "/clusters/{clusterName}/access-entries/{principalArn}/access-policies/{policyArn}",
        "DisassociateAccessPolicy",
        &[],
    ),
];

/// The parameters in the path, if this is the route. The path is cut at its own slashes, before `%2F` becomes one.
pub(super) fn matched(route: &str, path: &str) -> Option<Map<String, Value>> {
    let (expected, found): (Vec<_>, Vec<_>) =
        (route.split('/').collect(), path.split('/').collect());
    if expected.len() != found.len() {
        return None;
    }
    let mut input = Map::new();
    for (expected, found) in expected.iter().zip(found) {
        match expected.strip_prefix('{') {
            Some(name) if !found.is_empty() => {
                let name = name.trim_end_matches('}').to_owned();
                input.insert(name, Value::String(decoded(found.as_bytes())));
            }
            None if *expected == found => {}
            _ => return None,
        }
    }
    Some(input)
}
