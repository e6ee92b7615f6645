//! What watches the watcher: a function's metrics, and the topic of the notices.

use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_sdk_cloudwatch::types::{Dimension, Metric, MetricDataQuery, MetricDataResult, MetricStat};

use super::{Kind, Refused};

/// A day in seconds.
const DAY: i32 = 24 * 3600;
/// The metrics of a function that are asked for (Lambda developer guide, "Types of metrics for Lambda functions").
const METRICS: [(&str, &str); 3] = [
    ("invocations", "Invocations"),
    ("errors", "Errors"),
    ("throttles", "Throttles"),
];

/// What a function did in the last 24 hours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Day {
    /// How often it was invoked.
    pub invocations: u64,
    /// How often it failed.
    pub errors: u64,
    /// How often there was no room for it.
    pub throttles: u64,
}

/// `cloudwatch:GetMetricData`. A function that does not exist has no data either.
///
/// # Errors
/// When AWS does not answer.
pub async fn day(config: &SdkConfig, function: &str, now: SystemTime) -> Result<Day, Refused> {
    const ACTION: &str = "cloudwatch:GetMetricData";
    let queries = METRICS.map(|(id, name)| {
        let dimension = Dimension::builder().name("FunctionName").value(function);
        let metric = Metric::builder()
            .namespace("AWS/Lambda")
            .metric_name(name)
            .dimensions(dimension.build());
        let statistic = MetricStat::builder()
            .metric(metric.build())
            .period(DAY)
            .stat("Sum");
        MetricDataQuery::builder()
            .id(id)
            .metric_stat(statistic.build())
            .build()
    });
    let answer = aws_sdk_cloudwatch::Client::new(config)
        .get_metric_data()
        .set_metric_data_queries(Some(queries.to_vec()))
        .start_time((now - Duration::from_hours(24)).into())
        .end_time(now.into())
        .send()
        .await
        .map_err(|error| Refused::new(ACTION, &error))?;
    let sum = |id: &str| {
        let results = answer.metric_data_results().iter();
        let values = results
            .filter(|result| result.id() == Some(id))
            .flat_map(MetricDataResult::values);
        // A count of a day: exact in a double.
        format!("{:.0}", values.sum::<f64>()).parse().unwrap_or(0)
    };
    Ok(Day {
        invocations: sum("invocations"),
        errors: sum("errors"),
        throttles: sum("throttles"),
    })
}

/// `sns:GetTopicAttributes`: confirmed and pending subscriptions; `None` if there is no such topic. `config` is for the
/// topic's Region.
///
/// # Errors
/// When AWS does not answer.
pub async fn subscriptions(config: &SdkConfig, arn: &str) -> Result<Option<(u64, u64)>, Refused> {
    let answer = aws_sdk_sns::Client::new(config)
        .get_topic_attributes()
        .topic_arn(arn)
        .send()
        .await;
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => {
            let refused = Refused::new("sns:GetTopicAttributes", &error);
            return if refused.kind == Kind::NotFound {
                Ok(None)
            } else {
                Err(refused)
            };
        }
    };
    let count = |name: &str| {
        let attributes = answer.attributes()?;
        attributes.get(name)?.parse().ok()
    };
    let confirmed = count("SubscriptionsConfirmed").unwrap_or(0);
    Ok(Some((
        confirmed,
        count("SubscriptionsPending").unwrap_or(0),
    )))
}
