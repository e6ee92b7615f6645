//! What `doctor` says.

use std::fmt::Write as _;

use eks_access::doctor::{Examined, Finding, Level};
use eks_access::remedy::Command;
use serde_json::{Value, json};

use crate::live::wrapped;

/// The schema of [`json`].
pub(super) const SCHEMA: &str = include_str!("../../../../../docs/schemas/doctor.v1.json");

/// The report for people.
pub(super) fn text(
    examined: &[(Examined, Vec<Finding>)],
    around: &[Finding],
    columns: usize,
) -> String {
    let mut out = String::new();
    for (cluster, findings) in examined {
        section(
            &mut out,
            &format!("{} ({})", cluster.name, cluster.region),
            findings,
            columns,
        );
    }
    if !around.is_empty() {
        section(&mut out, "notices", around, columns);
    }
    let all = examined
        .iter()
        .flat_map(|(_, findings)| findings)
        .chain(around);
    let mut counts =
        [Level::Error, Level::Warn, Level::Unknown, Level::Ok].map(|level| (level, 0_usize));
    for finding in all {
        for (level, count) in &mut counts {
            *count += usize::from(*level == finding.level);
        }
    }
    let told: Vec<String> = counts
        .iter()
        .map(|(level, count)| format!("{count} {}", level.slug()))
        .collect();
    let _ = writeln!(out, "{}.", told.join(", "));
    out
}

fn section(out: &mut String, title: &str, findings: &[Finding], columns: usize) {
    const INDENT: &str = "           ";
    let _ = writeln!(out, "{title}");
    for finding in findings {
        let level = match finding.level {
            Level::Ok => "ok",
            Level::Unknown => "unknown",
            Level::Warn => "WARN",
            Level::Error => "ERROR",
        };
        let mut what = finding.what.clone();
        if let Some(permission) = finding.permission {
            let _ = write!(what, "; {permission} would tell");
        }
        let _ = write!(
            out,
            "  {level:<9}{}",
            wrapped(&what, columns, INDENT).trim_start()
        );
        for command in &finding.fix {
            for line in command.wrapped(columns.saturating_sub(15)).lines() {
                let _ = writeln!(out, "{INDENT}    {line}");
            }
        }
    }
    out.push('\n');
}

/// The report for machines: one object.
pub(super) fn json(examined: &[(Examined, Vec<Finding>)], around: &[Finding]) -> Value {
    let clusters: Vec<Value> = examined
        .iter()
        .map(|(cluster, findings)| {
            json!({
                "cluster": cluster.name.as_str(),
                "region": cluster.region.as_str(),
                "findings": findings.iter().map(finding).collect::<Vec<_>>(),
            })
        })
        .collect();
    json!({
        "version": 1,
        "worst": super::worst(examined, around).slug(),
        "clusters": clusters,
        "notices": around.iter().map(finding).collect::<Vec<_>>(),
    })
}

fn finding(finding: &Finding) -> Value {
    json!({
        "check": finding.check.slug(),
        "level": finding.level.slug(),
        "what": finding.what,
        "permission": finding.permission,
        "fix": finding.fix.iter().map(Command::line).collect::<Vec<_>>(),
    })
}
