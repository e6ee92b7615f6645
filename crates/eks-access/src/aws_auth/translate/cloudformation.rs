//! The plan as a `CloudFormation` template (`AWS::EKS::AccessEntry`).
//!
//! A template can't look a role's path up, so that every role's ARN is a parameter which takes no other role's.

use std::fmt::Write as _;

use crate::escape::yaml;
use crate::remedy::Command;

use super::names::Labels;
use super::render::{LEAST, LITERAL_MASTERS, about, commented_out, comments, head};
use super::{Move, Plan, Target};

/// The template.
pub(super) fn template(plan: &Plan, target: &Target) -> String {
    let mut labels = Labels::default();
    let entries: Vec<(String, &Move)> = plan
        .moves
        .iter()
        .map(|entry| {
            let kind = if entry.principal.is_role() {
                "Role"
            } else {
                "User"
            };
            (labels.pascal(kind, entry.principal.name()), entry)
        })
        .collect();
    let mut out = comments("", &head(plan, target));
    let _ = writeln!(
        out,
        "AWSTemplateFormatVersion: \"2010-09-09\"\nDescription: {}",
        yaml(&format!("Access entries of the cluster {}", target.cluster))
    );
    out.push_str(&parameters(&entries));
    out.push_str("Resources:\n");
    for (label, entry) in &entries {
        out.push_str(&comments("  ", &about(entry)));
        if entry.existing.is_some() {
            out.push_str(&existing(entry, target));
        } else {
            out.push_str(&resource(label, entry, target));
        }
    }
    if entries.iter().all(|(_, entry)| entry.existing.is_some()) {
        out.push_str(
            "  # A template needs a resource; nothing is left for this one to make.\n  {}\n",
        );
    }
    out
}

fn parameters(entries: &[(String, &Move)]) -> String {
    let mut out = String::new();
    let looked_up = entries.iter().filter(|(_, entry)| entry.is_looked_up());
    for (label, entry) in looked_up {
        let name = entry.principal.name();
        let command = Command::new("aws iam get-role")
            .option("--role-name", name)
            .then("--query Role.Arn --output text");
        let pattern = format!(
            "^{}role/(.*/)?{}$",
            entry.arn_beginning(),
            name.replace('.', "\\.").replace('+', "\\+")
        );
        let _ = writeln!(
            out,
            "  ArnOf{label}:\n    Type: String\n    Description: {}\n    AllowedPattern: {}",
            yaml(&format!("The ARN with its path: {}", command.line())),
            yaml(&pattern)
        );
    }
    if entries.iter().any(|(_, entry)| needs_namespaces(entry)) {
        out.push_str(
            "  Namespaces:\n    Type: CommaDelimitedList\n    Description: \"The namespaces that former administrators may view\"\n",
        );
    }
    if out.is_empty() {
        out
    } else {
        format!("Parameters:\n{out}")
    }
}

fn needs_namespaces(entry: &Move) -> bool {
    entry.is_viewer() && entry.existing.is_none()
}

/// What exists stays outside the stack: it would have to be imported into it.
fn existing(entry: &Move, target: &Target) -> String {
    let said = [
        "It has an entry already, and a stack that made another would fail. To import it into a stack".to_owned(),
        "(aws cloudformation create-change-set --change-set-type IMPORT), these identify it:".to_owned(),
        format!(
            "PrincipalArn {}, ClusterName {}",
            yaml(&entry.arn()),
            yaml(target.cluster.as_str())
        ),
    ];
    comments("  ", &said)
}

fn resource(label: &str, entry: &Move, target: &Target) -> String {
    let arn = if entry.is_looked_up() {
        format!("!Ref ArnOf{label}")
    } else {
        yaml(&entry.arn())
    };
    let mut out = format!(
        "  {label}:
    Type: AWS::EKS::AccessEntry
    Properties:
      ClusterName: {}
      PrincipalArn: {arn}
      Type: {}
",
        yaml(target.cluster.as_str()),
        yaml(entry.entry_type.as_str())
    );
    if !entry.groups.is_empty() {
        out.push_str("      KubernetesGroups:\n");
        for group in &entry.groups {
            let _ = writeln!(out, "        - {}", yaml(group));
        }
    }
    if let Some(username) = &entry.username {
        let _ = writeln!(out, "      Username: {}", yaml(username));
    }
    if entry.is_standard() {
        out.push_str(&policies(entry, target));
    }
    out
}

fn policies(entry: &Move, target: &Target) -> String {
    let list = |policy: &str, scope: &str| {
        format!(
            "AccessPolicies:\n  - PolicyArn: {}\n    AccessScope:\n{scope}",
            yaml(&target.policy(policy))
        )
    };
    let some =
        |namespaces: &str| format!("      Type: namespace\n      Namespaces: {namespaces}\n");
    let indent = "      ";
    if entry.is_viewer() {
        let view = list("AmazonEKSViewPolicy", &some("!Ref Namespaces"));
        let whole = list("AmazonEKSClusterAdminPolicy", "      Type: cluster\n");
        let lines = view.lines().fold(String::new(), |mut out, line| {
            let _ = writeln!(out, "{indent}{line}");
            out
        });
        lines + &comments(indent, &[LITERAL_MASTERS.to_owned()]) + &commented_out(indent, &whole)
    } else {
        let view = list("AmazonEKSViewPolicy", &some("[NAMESPACE]"));
        comments(indent, &[LEAST.to_owned()]) + &commented_out(indent, &view)
    }
}
