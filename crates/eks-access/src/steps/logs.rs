//! Control-plane logs and `CloudTrail`.

use crate::catalogue::Case;
use crate::remedy::{Command, Remedy};
use crate::symptom::Actor;

use super::cluster::eks_named;

/// Turns the log on, which is off by default.
pub(crate) fn turn_logging_on(case: &Case<'_>) -> Remedy {
    let logging = r#"{"clusterLogging":[{"types":["authenticator"],"enabled":true}]}"#;
    Remedy::new(
        Actor::ClusterAdministrator,
        "Turn the authenticator's log on, if there is none",
    )
    .aws(eks_named("aws eks update-cluster-config", case).option("--logging", logging))
}

/// Reads the last hour of one kind of control-plane log.
pub(crate) fn read_log(case: &Case<'_>, streams: &'static str, pattern: &'static str) -> Command {
    Command::new("aws logs filter-log-events")
        .option(
            "--log-group-name",
            &format!("/aws/eks/{}/cluster", case.cluster.name_or_placeholder()),
        )
        .option("--region", case.cluster.region_or_placeholder())
        .option("--log-stream-name-prefix", streams)
        .option("--filter-pattern", pattern)
        .then("--start-time \"$(( $(date +%s) - 3600 ))000\"")
}

/// Logins that failed in the last hour.
pub(crate) fn read_denials(case: &Case<'_>) -> Remedy {
    Remedy::new(
        Actor::ClusterAdministrator,
        "Read the denials of the last hour in the authenticator's log",
    )
    .aws(read_log(case, "authenticator", "\"access denied\""))
}

/// Who calls with a credential that the API server refuses. Only the audit log knows addresses and programs.
pub(crate) fn find_caller(case: &Case<'_>) -> Remedy {
    Remedy::new(
        Actor::ClusterAdministrator,
        "Find the caller's address and program in the audit log",
    )
    .aws(read_log(
        case,
        "kube-apiserver-audit",
        "{ $.responseStatus.code = 401 }",
    ))
}

/// Changes of aws-auth; EKS logs them in full.
pub(crate) fn read_aws_auth_changes(case: &Case<'_>) -> Command {
    let changes = r#"{ $.objectRef.name = "aws-auth" && $.verb != "get" && $.verb != "watch" }"#;
    read_log(case, "kube-apiserver-audit", changes)
}

/// What `CloudTrail` knows of one kind of call in the Region.
pub(crate) fn events(name: &str, case: &Case<'_>) -> Command {
    Command::new("aws cloudtrail lookup-events")
        .option("--region", case.cluster.region_or_placeholder())
        .option(
            "--lookup-attributes",
            &format!("AttributeKey=EventName,AttributeValue={name}"),
        )
}

/// Who made most of the last calls of one kind.
pub(crate) fn busiest_callers(title: &'static str, event: &str, case: &Case<'_>) -> Remedy {
    Remedy::new(Actor::ClusterAdministrator, title).aws(
        events(event, case)
            .option("--query", "Events[].Username")
            .then("--max-items 200 --output text")
            .then("| tr '\\t' '\\n' | sort | uniq -c | sort -rn"),
    )
}
