//! The log, and whether it leads to the function.

use super::{Check, Examined, Expected, Filter, Finding, Level, found, unknown};
use crate::facts::ClusterFacts;
use crate::remedy::Command;

/// Subscription filters that a log group takes (CloudWatch Logs user guide, "CloudWatch Logs quotas"; not adjustable).
const SLOTS: usize = 2;

pub(super) fn findings(
    cluster: &Examined,
    facts: &ClusterFacts,
    expected: &Expected,
) -> Vec<Finding> {
    vec![
        logging(cluster, facts),
        group(cluster, facts),
        subscription(cluster, expected),
    ]
}

fn logging(cluster: &Examined, facts: &ClusterFacts) -> Finding {
    if facts.logs_authenticator {
        return found(
            Check::AuthenticatorLog,
            Level::Ok,
            "the authenticator's log is on",
        );
    }
    let logging = r#"{"clusterLogging":[{"types":["authenticator"],"enabled":true}]}"#;
    found(
        Check::AuthenticatorLog,
        Level::Error,
        "the authenticator's log is off: no refused login is seen",
    )
    .mended_by(
        cluster
            .named("aws eks update-cluster-config")
            .option("--logging", logging),
    )
}

fn group(cluster: &Examined, facts: &ClusterFacts) -> Finding {
    let check = Check::LogGroup;
    match &cluster.group {
        Err(gap) => unknown(check, gap, "the log group"),
        Ok(None) if facts.logs_authenticator => found(
            check,
            Level::Warn,
            format!(
                "there is no log group {}; EKS makes it with the first line, unless somebody deleted it just now",
                cluster.log_group()
            ),
        ),
        Ok(None) => found(
            check,
            Level::Warn,
            format!(
                "there is no log group {}; EKS makes it once the log is on",
                cluster.log_group()
            ),
        ),
        Ok(Some(group)) if group.class.raw() == "STANDARD" => found(
            check,
            Level::Ok,
            "the log group is there, of class STANDARD",
        ),
        Ok(Some(group)) => found(
            check,
            Level::Error,
            format!(
                "the log group is of class {}, which takes no subscription; a class can't be changed, so the group has to be \
                 deleted, with what is in it, and made anew",
                group.class.shown(40)
            ),
        ),
    }
}

fn subscription(cluster: &Examined, expected: &Expected) -> Finding {
    let check = Check::Subscription;
    let filters = match &cluster.filters {
        Err(gap) => return unknown(check, gap, "the subscription"),
        Ok(None) => {
            return found(
                check,
                Level::Error,
                "there is no log group, so nothing is subscribed to it",
            )
            .mended_by(deploy(expected));
        }
        Ok(Some(filters)) => filters,
    };
    let slots = SLOTS.saturating_sub(filters.len());
    let left = format!("{slots} of {SLOTS} subscriptions left");
    if let Some(filter) = filters.iter().find(|filter| is_expected(filter, expected)) {
        let name = filter.name.shown(80);
        let whose = if *expected == Expected::default() {
            "; whether that is the responder, --function or --stack would tell"
        } else {
            ""
        };
        let function = filter.function().map_or_else(String::new, |name| {
            format!(
                " to the function {}",
                crate::text::LogText::new(name).shown(140)
            )
        });
        return found(
            check,
            Level::Ok,
            format!("subscription {name} leads{function}{whose}; {left}"),
        );
    }
    let others: Vec<String> = filters
        .iter()
        .map(|filter| {
            format!(
                "{} to {}",
                filter.name.shown(80),
                filter.destination.shown(140)
            )
        })
        .collect();
    let others = if others.is_empty() {
        "none at all".to_owned()
    } else {
        others.join(", ")
    };
    let what = format!(
        "no subscription leads to {} (there is {others}; {left})",
        wanted(expected)
    );
    if slots == 0 {
        let what = format!("{what}; one of the others has to go first");
        let list = Command::new("aws logs describe-subscription-filters")
            .option("--log-group-name", &cluster.log_group())
            .option("--region", cluster.region.as_str());
        return found(check, Level::Error, what)
            .mended_by(list)
            .mended_by(deploy(expected));
    }
    found(check, Level::Error, what).mended_by(deploy(expected))
}

fn wanted(expected: &Expected) -> String {
    let shown = |text: &String| crate::text::LogText::new(text.as_str()).shown(140);
    match (&expected.function, &expected.stack) {
        (Some(function), _) => format!("the function {}", shown(function)),
        (None, Some(stack)) => format!("the stack {}", shown(stack)),
        (None, None) => "any Lambda function".to_owned(),
    }
}

/// The stack names its filters like itself (`infra/sam/template.yaml`).
fn is_expected(filter: &Filter, expected: &Expected) -> bool {
    let function = filter.function();
    let is_function = expected
        .function
        .as_deref()
        .is_none_or(|name| function == Some(name));
    let is_stack = expected
        .stack
        .as_deref()
        .is_none_or(|name| filter.name.raw() == name);
    function.is_some() && is_function && is_stack
}

/// The stack makes the subscriptions of all clusters it is given.
fn deploy(expected: &Expected) -> Command {
    Command::new("sam deploy --template infra/sam/template.yaml --language-extensions --resolve-s3")
        .then("--capabilities CAPABILITY_IAM CAPABILITY_AUTO_EXPAND")
        .option(
            "--stack-name",
            expected.stack.as_deref().unwrap_or("eks-access-responder"),
        )
        .then("--parameter-overrides Clusters=ALL_CLUSTERS")
}
