//! The plan as a script for the AWS CLI, or for eksctl.

use std::fmt::Write as _;

use crate::remedy::Command;

use super::render::{LEAST, LITERAL_MASTERS, about, commented_out, comments, head};
use super::{Move, Plan, Target};

/// How wide commands are written.
const WIDTH: usize = 110;

/// Which tool makes the entries.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Script {
    AwsCli,
    Eksctl,
}

/// The script. It stops at the first thing that goes wrong.
pub(super) fn script(plan: &Plan, target: &Target, tool: Script) -> String {
    let mut lines = head(plan, target);
    lines.push(
        "It stops at the first error. To run it again, translate again with --existing, for EKS makes no entry twice."
            .to_owned(),
    );
    if plan.moves.iter().any(Move::is_viewer) {
        lines.push(
            "Say which namespaces may be viewed: NAMESPACES=team-a,team-b sh FILE".to_owned(),
        );
    }
    let mut out = format!("#!/bin/sh\n{}set -eu\n", comments("", &lines));
    for entry in &plan.moves {
        let _ = write!(out, "\n{}", comments("", &about(entry)));
        match &entry.existing {
            Some(_) => out.push_str(&existing(entry, target)),
            None => out.push_str(&create(entry, target, tool)),
        }
    }
    out
}

/// An entry that is there is never changed unasked.
fn existing(entry: &Move, target: &Target) -> String {
    let named = |constant| eks(constant, target).option("--principal-arn", &entry.arn());
    let mut out = comments(
        "",
        &["It has an entry already, which counts more than the row. This shows it:".to_owned()],
    );
    out.push_str(&line(&named("aws eks describe-access-entry")));
    if entry.is_standard() && !entry.groups.is_empty() {
        let said = "This replaces its groups with those of the row:".to_owned();
        out.push_str(&comments("", &[said]));
        let update = groups(named("aws eks update-access-entry"), &entry.groups);
        out.push_str(&commented_out("", &line(&update)));
    }
    out
}

fn create(entry: &Move, target: &Target, tool: Script) -> String {
    let mut out = String::new();
    if entry.is_looked_up() {
        out.push_str(&line(&look_up(entry)));
    }
    out.push_str(&line(&match tool {
        Script::AwsCli => create_with_aws_cli(entry, target),
        Script::Eksctl => create_with_eksctl(entry, target),
    }));
    if !entry.is_standard() {
        return out;
    }
    let view = associate(entry, target, "AmazonEKSViewPolicy")
        .then("--access-scope \"type=namespace,namespaces=${NAMESPACES:?say which namespaces it may view}\"");
    if entry.is_viewer() {
        out.push_str(&line(&view));
        let whole = associate(entry, target, "AmazonEKSClusterAdminPolicy")
            .option("--access-scope", "type=cluster");
        out.push_str(&comments("", &[LITERAL_MASTERS.to_owned()]));
        out.push_str(&commented_out("", &line(&whole)));
    } else {
        out.push_str(&comments("", &[LEAST.to_owned()]));
        out.push_str(&commented_out("", &line(&view)));
    }
    out
}

/// Finds the ARN with its path. A role of the same name in another account leaves `ARN` empty.
fn look_up(entry: &Move) -> Command {
    Command::new("ARN=$(aws iam get-role")
        .option("--role-name", entry.principal.name())
        .then("--query Role.Arn --output text")
        .option("| grep", &format!("^{}", entry.arn_beginning()))
        .then("|| true)")
}

/// Names the principal. A shell refuses the command where no ARN was found.
fn principal(command: Command, entry: &Move) -> Command {
    if entry.is_looked_up() {
        command.then("--principal-arn \"${ARN:?no role of that name in that account}\"")
    } else {
        command.option("--principal-arn", &entry.arn())
    }
}

fn eks(constant: &'static str, target: &Target) -> Command {
    Command::new(constant)
        .option("--cluster-name", target.cluster.as_str())
        .option("--region", target.region.as_str())
}

fn create_with_aws_cli(entry: &Move, target: &Target) -> Command {
    let command = principal(eks("aws eks create-access-entry", target), entry)
        .option("--type", entry.entry_type.as_str());
    let command = groups(command, &entry.groups);
    match &entry.username {
        Some(username) => command.option("--username", username),
        None => command,
    }
}

fn groups(command: Command, groups: &[String]) -> Command {
    let Some((first, rest)) = groups.split_first() else {
        return command;
    };
    rest.iter().fold(
        command.option("--kubernetes-groups", first),
        |command, group| command.arg(group),
    )
}

fn create_with_eksctl(entry: &Move, target: &Target) -> Command {
    let command = Command::new("eksctl create accessentry")
        .option("--cluster", target.cluster.as_str())
        .option("--region", target.region.as_str());
    let command = principal(command, entry).option("--type", entry.entry_type.as_str());
    let command = entry.groups.iter().fold(command, |command, group| {
        command.option("--kubernetes-groups", &field_of_csv(group))
    });
    match &entry.username {
        Some(username) => command.option("--kubernetes-username", username),
        None => command,
    }
}

/// eksctl reads its lists as lines of CSV.
fn field_of_csv(text: &str) -> String {
    if text.contains([',', '"']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

fn associate(entry: &Move, target: &Target, policy: &str) -> Command {
    principal(eks("aws eks associate-access-policy", target), entry)
        .option("--policy-arn", &target.policy(policy))
}

fn line(command: &Command) -> String {
    command.wrapped(WIDTH) + "\n"
}
