//! What becomes of sending, in metrics and in the function's own log.

use eks_access_aws::courier::Sent;
use eks_access_aws::emf::Metric;
use eks_access_aws::log::{Entry, Level};
use eks_access_aws::slack::SlackError;
use eks_access_aws::store::StoreError;

/// What sending counts as.
pub(crate) fn counts(sent: &Sent) -> Vec<(Metric, u64)> {
    let of_sns = sent.sns.as_ref().map(|answer| match answer {
        Ok(()) => Metric::Notices,
        Err(_) => Metric::DeliveryFailures,
    });
    let of_slack = sent.slack.as_ref().map(|answer| match answer {
        Ok(_) => Metric::Cards,
        Err(SlackError::Refused(_)) => Metric::SlackRefused,
        Err(_) => Metric::SlackFailures,
    });
    let of_blocks = sent.blocks.as_ref().map(|_| Metric::SlackFailures);
    let metrics = [of_sns, of_slack, of_blocks].into_iter().flatten();
    metrics.map(|metric| (metric, 1)).collect()
}

/// Says what did not go as it should.
pub(crate) fn report(sent: &Sent, cluster: &str, cause: &str, request_id: &str) {
    if let Some(Err(error)) = &sent.sns {
        Entry::new(Level::Error, "a notice was not published")
            .with("request_id", request_id)
            .with("cluster", cluster)
            .with("cause", cause)
            .with("reason", error.code.as_str())
            .with("detail", error.message.as_str())
            .write();
    }
    if let Some(Err(error)) = &sent.slack {
        report_slack(error, cluster, cause, request_id);
    }
    if let Some(why) = &sent.blocks {
        Entry::new(
            Level::Error,
            "Slack did not take a card, and got plain text; report this as a bug",
        )
        .with("request_id", request_id)
        .with("cluster", cluster)
        .with("cause", cause)
        .with("detail", why.as_str())
        .write();
    }
    if let Some(error) = &sent.person {
        Entry::new(Level::Warn, "the person who was refused was not told")
            .with("request_id", request_id)
            .with("cluster", cluster)
            .with("cause", cause)
            .with("detail", error.to_string())
            .write();
    }
}

pub(crate) fn report_slack(error: &SlackError, cluster: &str, cause: &str, request_id: &str) {
    let (level, message) = match error {
        SlackError::Refused(_) => (
            Level::Error,
            "Slack takes no message before somebody mends something",
        ),
        _ => (Level::Warn, "Slack did not take a message"),
    };
    Entry::new(level, message)
        .with("request_id", request_id)
        .with("cluster", cluster)
        .with("cause", cause)
        .with("detail", error.to_string())
        .write();
}

pub(crate) fn report_table(error: &StoreError, request_id: &str) {
    Entry::new(
        Level::Error,
        "the table of incidents did not answer as it should",
    )
    .with("request_id", request_id)
    .with("reason", error.code.as_str())
    .with("detail", error.message.as_str())
    .write();
}
