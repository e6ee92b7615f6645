//! `CloudWatch` Logs: groups, subscription filters, and queries of Logs Insights.

use aws_config::SdkConfig;
use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::error::ProvideErrorMetadata;
use aws_sdk_cloudwatchlogs::types::{QueryStatistics, QueryStatus, ResultField};

use super::{Kind, Refused};

/// `CloudWatch` Logs of one Region.
#[derive(Debug, Clone)]
pub struct Logs(Client);

/// A log group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// `STANDARD`, `INFREQUENT_ACCESS`, …; an old answer without one means `STANDARD`.
    pub class: String,
    /// What it holds.
    pub stored_bytes: u64,
    /// How long events are kept; for ever if nothing says so.
    pub retention_days: Option<u32>,
}

/// A subscription filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// Its name.
    pub name: String,
    /// The ARN of where it leads.
    pub destination: String,
}

/// How far a query is.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    /// Whether it is at its end.
    pub is_over: bool,
    /// Whether that is a good one.
    pub is_complete: bool,
    /// `Complete`, `Running`, `Failed`, ….
    pub status: String,
    /// What it found so far: fields and values.
    pub rows: Vec<Vec<(String, String)>>,
    /// What it read, which is what is charged.
    pub bytes_scanned: f64,
}

impl Logs {
    /// A client for the Region of `config`.
    #[must_use]
    pub fn new(config: &SdkConfig) -> Self {
        Self(Client::new(config))
    }

    /// `logs:DescribeLogGroups`: the group of exactly this name.
    ///
    /// # Errors
    /// When AWS does not answer.
    pub async fn group(&self, name: &str) -> Result<Option<Group>, Refused> {
        let mut pages = self
            .0
            .describe_log_groups()
            .log_group_name_prefix(name)
            .into_paginator()
            .items()
            .send();
        while let Some(group) = pages.next().await {
            let group = group.map_err(|error| Refused::new("logs:DescribeLogGroups", &error))?;
            if group.log_group_name() == Some(name) {
                let class = group
                    .log_group_class()
                    .map_or("STANDARD", |class| class.as_str());
                return Ok(Some(Group {
                    class: class.to_owned(),
                    stored_bytes: group.stored_bytes().unwrap_or(0).unsigned_abs(),
                    retention_days: group.retention_in_days().map(i32::unsigned_abs),
                }));
            }
        }
        Ok(None)
    }

    /// `logs:DescribeSubscriptionFilters`; `None` when there is no such group.
    ///
    /// # Errors
    /// When AWS does not answer.
    pub async fn filters(&self, group: &str) -> Result<Option<Vec<Filter>>, Refused> {
        let mut pages = self
            .0
            .describe_subscription_filters()
            .log_group_name(group)
            .into_paginator()
            .items()
            .send();
        let mut filters = Vec::new();
        while let Some(filter) = pages.next().await {
            match filter {
                Ok(filter) => filters.push(Filter {
                    name: filter.filter_name().unwrap_or_default().to_owned(),
                    destination: filter.destination_arn().unwrap_or_default().to_owned(),
                }),
                Err(error) => {
                    let refused = Refused::new("logs:DescribeSubscriptionFilters", &error);
                    if refused.kind == Kind::NotFound {
                        return Ok(None);
                    }
                    return Err(refused);
                }
            }
        }
        Ok(Some(filters))
    }

    /// `logs:StartQuery`: the query's id. Times are seconds since 1970.
    ///
    /// # Errors
    /// When AWS does not start it.
    pub async fn start(
        &self,
        group: &str,
        query: &str,
        from: i64,
        until: i64,
    ) -> Result<String, Refused> {
        const ACTION: &str = "logs:StartQuery";
        let answer = self
            .0
            .start_query()
            .log_group_name(group)
            .query_string(query)
            .start_time(from)
            .end_time(until)
            .send()
            .await
            .map_err(|error| {
                let mut refused = Refused::new(ACTION, &error);
                // Here it means that the account's queries are at their limit.
                let code = error
                    .as_service_error()
                    .and_then(ProvideErrorMetadata::code);
                if code == Some("LimitExceededException") {
                    refused.kind = Kind::Throttled;
                }
                refused
            })?;
        Ok(answer.query_id().unwrap_or_default().to_owned())
    }

    /// `logs:GetQueryResults`.
    ///
    /// # Errors
    /// When AWS does not answer.
    pub async fn look(&self, id: &str) -> Result<Look, Refused> {
        let answer = self.0.get_query_results().query_id(id).send().await;
        let answer = answer.map_err(|error| Refused::new("logs:GetQueryResults", &error))?;
        let status = answer
            .status()
            .cloned()
            .unwrap_or(QueryStatus::UnknownValue);
        let is_over = !matches!(status, QueryStatus::Scheduled | QueryStatus::Running);
        Ok(Look {
            is_over,
            is_complete: status == QueryStatus::Complete,
            status: status.as_str().to_owned(),
            rows: answer.results().iter().map(|row| fields(row)).collect(),
            bytes_scanned: answer
                .statistics()
                .map_or(0.0, QueryStatistics::bytes_scanned),
        })
    }

    /// `logs:StopQuery`; one that ended meanwhile needs no stopping.
    pub async fn stop(&self, id: &str) {
        self.0.stop_query().query_id(id).send().await.ok();
    }
}

fn fields(row: &[ResultField]) -> Vec<(String, String)> {
    row.iter()
        .filter_map(|field| Some((field.field()?.to_owned(), field.value()?.to_owned())))
        .collect()
}
