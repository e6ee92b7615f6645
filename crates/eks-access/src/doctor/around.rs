//! What the clusters share: the topic of the notices and the responder.

use super::{Check, Expected, Finding, Gap, Level, found, unknown};
use crate::remedy::Command;
use crate::text::LogText;

/// A topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    /// Its ARN.
    pub arn: LogText,
    /// Subscriptions that get messages.
    pub confirmed: u64,
    /// Subscriptions that wait for somebody to confirm them.
    pub pending: u64,
}

/// What a function did in the last 24 hours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionDay {
    /// Its name.
    pub name: LogText,
    /// `AWS/Lambda Invocations`.
    pub invocations: u64,
    /// `AWS/Lambda Errors`.
    pub errors: u64,
    /// `AWS/Lambda Throttles`.
    pub throttles: u64,
}

/// What was learned; `None` where nobody asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Around {
    /// The topic; the inner `None` if there is no such topic.
    pub topic: Option<Result<Option<Topic>, Gap>>,
    /// The function.
    pub function: Option<Result<FunctionDay, Gap>>,
}

/// The findings.
#[must_use]
pub fn around(learned: &Around, expected: &Expected) -> Vec<Finding> {
    let topic = learned.topic.as_ref().map(topic);
    let function = learned.function.as_ref().map(|day| function(day, expected));
    topic.into_iter().chain(function).collect()
}

fn topic(topic: &Result<Option<Topic>, Gap>) -> Finding {
    let check = Check::Topic;
    match topic {
        Err(gap) => unknown(check, gap, "the topic"),
        Ok(None) => found(check, Level::Error, "there is no such topic, so nobody gets a notice"),
        Ok(Some(topic)) if topic.confirmed > 0 => found(
            check,
            Level::Ok,
            format!("the topic has {} confirmed subscriptions, and {} that wait", topic.confirmed, topic.pending),
        ),
        Ok(Some(topic)) => found(
            check,
            Level::Error,
            format!("nobody has confirmed a subscription of the topic ({} wait), so nobody gets a notice", topic.pending),
        )
        .mended_by(
            Command::new("aws sns subscribe")
                .option("--topic-arn", &topic.arn.shown(300))
                .then("--protocol email --notification-endpoint ADDRESS"),
        ),
    }
}

fn function(day: &Result<FunctionDay, Gap>, expected: &Expected) -> Finding {
    let check = Check::Function;
    let day = match day {
        Err(gap) => return unknown(check, gap, "the function's errors"),
        Ok(day) => day,
    };
    let name = day.name.shown(140);
    if day.errors > 0 || day.throttles > 0 {
        let what = format!(
            "the function {name} failed {} times and was throttled {} times in the last 24 hours ({} invocations)",
            day.errors, day.throttles, day.invocations
        );
        return found(check, Level::Error, what).mended_by(log(&name, expected));
    }
    if day.invocations == 0 {
        let what = format!(
            "the function {name} was not invoked in the last 24 hours: no line came, or there is no function of that name here"
        );
        return found(check, Level::Warn, what);
    }
    let what = format!(
        "the function {name} was invoked {} times in the last 24 hours, without an error",
        day.invocations
    );
    found(check, Level::Ok, what)
}

/// The stack's function logs where the template says; any other names its group itself.
fn log(name: &str, expected: &Expected) -> Command {
    match &expected.stack {
        Some(stack) => {
            let group = format!(
                "/eks-access-responder/{}",
                LogText::new(stack.as_str()).shown(128)
            );
            Command::new("aws logs tail").arg(&group).then("--since 1d")
        }
        None => Command::new("aws lambda get-function-configuration")
            .option("--function-name", name)
            .then("--query LoggingConfig.LogGroup --output text"),
    }
}
