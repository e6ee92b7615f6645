//! The plan in HCL (AWS provider, `aws_eks_access_entry` and `aws_eks_access_policy_association`).

use std::fmt::Write as _;

use crate::escape::hcl;
use crate::remedy::Command;

use super::names::Labels;
use super::render::{LEAST, LITERAL_MASTERS, about, commented_out, comments, head};
use super::{Move, Plan, Target};

/// The file.
pub(super) fn file(plan: &Plan, target: &Target) -> String {
    let mut lines = head(plan, target);
    lines.push(format!(
        "The provider's Region has to be {}.",
        target.region
    ));
    let mut out = comments("", &lines);
    if plan.moves.iter().any(Move::is_viewer) {
        out.push_str(
            "\nvariable \"namespaces\" {\n  description = \"The namespaces that former administrators may view\"\n  \
             type        = list(string)\n}\n",
        );
    }
    let mut labels = Labels::default();
    for entry in &plan.moves {
        let kind = if entry.principal.is_role() {
            "role"
        } else {
            "user"
        };
        let label = labels.snake(kind, entry.principal.name());
        let _ = write!(out, "\n{}", comments("", &about(entry)));
        if entry.existing.is_some() && !entry.is_standard() {
            let said = "It has an entry already; leave it to EKS.".to_owned();
            out.push_str(&comments("", &[said]));
            continue;
        }
        out.push_str(&import(entry, target, &label));
        out.push_str(&resources(entry, target, &label));
    }
    out
}

/// Takes an entry that exists into the state; its id is the cluster's name and the ARN.
fn import(entry: &Move, target: &Target, label: &str) -> String {
    if entry.existing.is_none() {
        return String::new();
    }
    let id = format!("{}:{}", target.cluster, entry.arn());
    let address = format!("aws_eks_access_entry.{label}");
    let command = Command::new("terraform import").arg(&address).arg(&id);
    let said = [
        "It has an entry already, which comes under Terraform; the plan shows what would change."
            .to_owned(),
        format!("Before Terraform 1.5: {}", command.line()),
        "Its associations have ids of their own: CLUSTER#PRINCIPAL_ARN#POLICY_ARN.".to_owned(),
    ];
    format!(
        "{}import {{\n  to = {address}\n  id = {}\n}}\n\n",
        comments("", &said),
        hcl(&id)
    )
}

fn resources(entry: &Move, target: &Target, label: &str) -> String {
    let mut out = String::new();
    if entry.is_looked_up() {
        out.push_str(&look_up(entry, label));
    }
    let arn = if entry.is_looked_up() {
        format!("data.aws_iam_role.{label}.arn")
    } else {
        hcl(&entry.arn())
    };
    let groups: Vec<String> = entry.groups.iter().map(|group| hcl(group)).collect();
    let username = entry.username.as_ref();
    let attributes = [
        ("cluster_name", Some(hcl(target.cluster.as_str()))),
        ("principal_arn", Some(arn)),
        ("type", Some(hcl(entry.entry_type.as_str()))),
        (
            "kubernetes_groups",
            (!groups.is_empty()).then(|| format!("[{}]", groups.join(", "))),
        ),
        ("user_name", username.map(|username| hcl(username))),
    ];
    let given: Vec<_> = attributes
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect();
    let width = given.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let _ = writeln!(out, "resource \"aws_eks_access_entry\" \"{label}\" {{");
    for (name, value) in given {
        let _ = writeln!(out, "  {name:width$} = {value}");
    }
    out.push_str("}\n");
    if entry.is_standard() {
        out.push_str(&policies(entry, target, label));
    }
    out
}

fn look_up(entry: &Move, label: &str) -> String {
    format!(
        "data \"aws_iam_role\" \"{label}\" {{
  name = {}

  lifecycle {{
    postcondition {{
      condition     = startswith(self.arn, {})
      error_message = \"The role is not of the account of the row.\"
    }}
  }}
}}

",
        hcl(entry.principal.name()),
        hcl(&entry.arn_beginning())
    )
}

fn policies(entry: &Move, target: &Target, label: &str) -> String {
    let association = |policy: &str, scope: &str| {
        format!(
            "resource \"aws_eks_access_policy_association\" \"{label}\" {{
  cluster_name  = aws_eks_access_entry.{label}.cluster_name
  principal_arn = aws_eks_access_entry.{label}.principal_arn
  policy_arn    = {}

  access_scope {{
{scope}
  }}
}}
",
            hcl(&target.policy(policy))
        )
    };
    let view = "AmazonEKSViewPolicy";
    let some =
        |namespaces: &str| format!("    type       = \"namespace\"\n    namespaces = {namespaces}");
    if entry.is_viewer() {
        let whole = association("AmazonEKSClusterAdminPolicy", "    type = \"cluster\"");
        format!(
            "\n{}{}{}",
            association(view, &some("var.namespaces")),
            comments("", &[LITERAL_MASTERS.to_owned()]),
            commented_out("", &whole)
        )
    } else {
        let view = association(view, &some("[\"NAMESPACE\"]"));
        format!(
            "{}{}",
            comments("", &[LEAST.to_owned()]),
            commented_out("", &view)
        )
    }
}
