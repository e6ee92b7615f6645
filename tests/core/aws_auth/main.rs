//! aws-auth: the authenticator's rules, what is said of mistakes, and what becomes of rows as access entries.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails where it finds something missing"
)]

mod lint;
mod lookup;
mod parse;
mod translate;

use eks_access::aws_auth::AwsAuth;

/// A manifest with these rows of `mapRoles`, indented as they have to be.
fn roles(rows: &str) -> AwsAuth {
    AwsAuth::parse(&manifest(&section("mapRoles", rows))).unwrap()
}

/// A section of a manifest.
fn section(key: &str, text: &str) -> String {
    let lines: Vec<String> = text.lines().map(|line| format!("    {line}")).collect();
    format!("  {key}: |\n{}\n", lines.join("\n"))
}

/// A manifest with these sections.
fn manifest(sections: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: aws-auth\n  namespace: kube-system\ndata:\n{sections}"
    )
}
