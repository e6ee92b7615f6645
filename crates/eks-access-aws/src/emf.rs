//! Metrics, in the `CloudWatch` embedded metric format: a log line that `CloudWatch` makes metrics of, without a call.

use std::fmt;
use std::str::FromStr;

use eks_access::symptom::Symptom;
use serde_json::{Map, Value, json};

/// A metric of ours; all are counts, but for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Metric {
    /// Lines looked at.
    Lines,
    /// Lines that say that something was refused or is broken; also by `Symptom`.
    Denials,
    /// Denials in words that no known release of the authenticator uses.
    Unrecognised,
    /// Lines that are cut or not in the grammar.
    Unreadable,
    /// Lines of log groups or streams that are not ours to read.
    Ignored,
    /// Denials that an access entry had overtaken by the time they were looked at; no notice is sent.
    Overtaken,
    /// Facts that AWS was asked for and that stay unknown.
    FactsUnknown,
    /// Notices published.
    Notices,
    /// Notices left out because of `MAX_NOTICES`.
    NoticesHeldBack,
    /// Notices that could not be published; the invocation fails and is tried again.
    DeliveryFailures,
    /// Payloads that could not be read; trying again can't help.
    PayloadsRejected,
    /// Notices that were not sent because people were told lately, or do not want to be.
    Suppressed,
    /// Lines of new incidents that were too many to be told one by one.
    Digested,
    /// Incidents whose principal gets in again.
    Resolved,
    /// Notices that people are owed still, after a tick.
    Owed,
    /// Seconds for which the oldest of them has been owed.
    OldestOwed,
    /// Notices that were owed for a day and are given up.
    GivenUp,
    /// Cards that Slack took, new or brought up to date because people were told.
    Cards,
    /// Messages that Slack did not take this time.
    SlackFailures,
    /// Messages that Slack will not take before somebody mends the token, the channel or the secret.
    SlackRefused,
    /// Deliveries and ticks for which the table of incidents could not be read or written.
    TableFailures,
    /// Requests for access that followed from denials.
    Requested,
    /// Approvals that were taken.
    Approvals,
    /// Decisions of people that were not taken: the wrong person, too late, or against the guardrails.
    Refusals,
    /// Requests to the public address that were not signed by Slack.
    BadSignatures,
    /// Requests that the approver could not answer because of a fault of ours or of AWS.
    ApproverFaults,
    /// Access entries that were made, or got more time.
    Granted,
    /// Approvals that came to nothing.
    GrantsFailed,
    /// Instructions that the granter could not carry out this time; Lambda tries them again.
    GranterFaults,
    /// Ticks of the revoker that reached their end.
    Ticks,
    /// Grants that are more than two minutes past their end.
    Overdue,
    /// Access entries that were taken away.
    Revoked,
    /// Access entries that could not be taken away this time.
    RevokeFailures,
    /// Access entries of ours that somebody changed.
    Drifted,
    /// Access entries with our mark whose other tags can't be read, and rows that can't be; nothing is done to them.
    UnreadableEntries,
    /// Comparisons of all grants with EKS.
    Reconciled,
    /// News of requests that SNS or Slack did not take this time.
    NewsFailures,
}

/// The metrics of every delivery.
const OF_DELIVERIES: [Metric; 11] = [
    Metric::Lines,
    Metric::Denials,
    Metric::Unrecognised,
    Metric::Unreadable,
    Metric::Ignored,
    Metric::Overtaken,
    Metric::FactsUnknown,
    Metric::Notices,
    Metric::NoticesHeldBack,
    Metric::DeliveryFailures,
    Metric::PayloadsRejected,
];

impl Metric {
    /// Every metric.
    pub const ALL: &'static [Self] = &[
        Self::Lines,
        Self::Denials,
        Self::Unrecognised,
        Self::Unreadable,
        Self::Ignored,
        Self::Overtaken,
        Self::FactsUnknown,
        Self::Notices,
        Self::NoticesHeldBack,
        Self::DeliveryFailures,
        Self::PayloadsRejected,
        Self::Suppressed,
        Self::Digested,
        Self::Resolved,
        Self::Owed,
        Self::OldestOwed,
        Self::GivenUp,
        Self::Cards,
        Self::SlackFailures,
        Self::SlackRefused,
        Self::TableFailures,
        Self::Requested,
        Self::Approvals,
        Self::Refusals,
        Self::BadSignatures,
        Self::ApproverFaults,
        Self::Granted,
        Self::GrantsFailed,
        Self::GranterFaults,
        Self::Ticks,
        Self::Overdue,
        Self::Revoked,
        Self::RevokeFailures,
        Self::Drifted,
        Self::UnreadableEntries,
        Self::Reconciled,
        Self::NewsFailures,
    ];
    /// Those of a delivery, with or without a table and Slack. Each costs money, so nothing is written that can't be.
    #[must_use]
    pub fn of_a_delivery(has_table: bool, has_slack: bool) -> Vec<Self> {
        let mut all = OF_DELIVERIES.to_vec();
        if has_table {
            all.extend([Self::Suppressed, Self::Digested, Self::TableFailures]);
        }
        if has_slack {
            all.extend([Self::Cards, Self::SlackFailures, Self::SlackRefused]);
        }
        all
    }

    /// Those of a tick: its own, and the zeros of the deliveries.
    #[must_use]
    pub fn of_a_tick(has_slack: bool) -> Vec<Self> {
        let mut all = Self::of_a_delivery(true, has_slack);
        all.extend([Self::Owed, Self::OldestOwed, Self::GivenUp, Self::Resolved]);
        all
    }

    /// Those of the approver.
    pub const OF_THE_APPROVER: &'static [Self] = &[
        Self::Approvals,
        Self::Refusals,
        Self::BadSignatures,
        Self::ApproverFaults,
        Self::NewsFailures,
    ];
    /// Those of the granter.
    pub const OF_THE_GRANTER: &'static [Self] = &[
        Self::Granted,
        Self::GrantsFailed,
        Self::GranterFaults,
        Self::NewsFailures,
    ];
    /// Those of the revoker.
    pub const OF_THE_REVOKER: &'static [Self] = &[
        Self::Ticks,
        Self::Overdue,
        Self::Revoked,
        Self::RevokeFailures,
        Self::Drifted,
        Self::UnreadableEntries,
        Self::Reconciled,
        Self::NewsFailures,
        Self::TableFailures,
    ];

    fn unit(self) -> &'static str {
        match self {
            Self::OldestOwed => "Seconds",
            _ => "Count",
        }
    }

    /// Its name in `CloudWatch`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Lines => "Lines",
            Self::Denials => "Denials",
            Self::Unrecognised => "Unrecognised",
            Self::Unreadable => "Unreadable",
            Self::Ignored => "Ignored",
            Self::Overtaken => "Overtaken",
            Self::FactsUnknown => "FactsUnknown",
            Self::Notices => "Notices",
            Self::NoticesHeldBack => "NoticesHeldBack",
            Self::DeliveryFailures => "DeliveryFailures",
            Self::PayloadsRejected => "PayloadsRejected",
            Self::Suppressed => "Suppressed",
            Self::Digested => "Digested",
            Self::Resolved => "Resolved",
            Self::Owed => "Owed",
            Self::OldestOwed => "OldestOwed",
            Self::GivenUp => "GivenUp",
            Self::Cards => "Cards",
            Self::SlackFailures => "SlackFailures",
            Self::SlackRefused => "SlackRefused",
            Self::TableFailures => "TableFailures",
            Self::Requested => "Requested",
            Self::Approvals => "Approvals",
            Self::Refusals => "Refusals",
            Self::BadSignatures => "BadSignatures",
            Self::ApproverFaults => "ApproverFaults",
            Self::Granted => "Granted",
            Self::GrantsFailed => "GrantsFailed",
            Self::GranterFaults => "GranterFaults",
            Self::Ticks => "Ticks",
            Self::Overdue => "Overdue",
            Self::Revoked => "Revoked",
            Self::RevokeFailures => "RevokeFailures",
            Self::Drifted => "Drifted",
            Self::UnreadableEntries => "UnreadableEntries",
            Self::Reconciled => "Reconciled",
            Self::NewsFailures => "NewsFailures",
        }
    }
}

/// A `CloudWatch` namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namespace(String);

impl Namespace {
    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Namespace {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_fit = |b: u8| {
            b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'/' | b'#' | b':')
        };
        if (1..=255).contains(&text.len()) && text.bytes().all(is_fit) && !text.starts_with("AWS/")
        {
            Ok(Self(text.to_owned()))
        } else {
            Err("it has 1 to 255 of letters, digits and `.-_/#:`, and does not begin with `AWS/`")
        }
    }
}

/// Tells the functions of several stacks apart.
const FUNCTION: &str = "FunctionName";
/// Its values are the closed list of symptoms, so that nobody who can write a log line can make metrics.
const SYMPTOM: &str = "Symptom";

/// Which function measured, and when.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    /// Where the metrics go.
    pub namespace: &'a Namespace,
    /// The function's name, a dimension of every metric.
    pub function: &'a str,
    /// The invocation.
    pub request_id: &'a str,
    /// Milliseconds since 1970.
    pub at: u64,
}

/// The lines to log: one with all totals, zeros included so that alarms have data, and one for each symptom that was
/// seen.
#[must_use]
pub fn documents(
    origin: Origin<'_>,
    totals: &[(Metric, u64)],
    by_symptom: &[(Symptom, u64)],
) -> Vec<String> {
    let by_symptom = by_symptom
        .iter()
        .map(|(symptom, count)| document(origin, Some(*symptom), &[(Metric::Denials, *count)]));
    std::iter::once(document(origin, None, totals))
        .chain(by_symptom)
        .collect()
}

fn document(origin: Origin<'_>, symptom: Option<Symptom>, values: &[(Metric, u64)]) -> String {
    let definitions: Vec<Value> = values
        .iter()
        .map(|(metric, _)| json!({"Name": metric.name(), "Unit": metric.unit()}))
        .collect();
    let dimensions: &[&str] = if symptom.is_some() {
        &[FUNCTION, SYMPTOM]
    } else {
        &[FUNCTION]
    };
    let metadata = json!({
        "Timestamp": origin.at,
        "CloudWatchMetrics": [{"Namespace": origin.namespace.as_str(), "Dimensions": [dimensions], "Metrics": definitions}],
    });
    let mut root = Map::new();
    root.insert("_aws".to_owned(), metadata);
    root.insert("request_id".to_owned(), origin.request_id.into());
    root.insert(FUNCTION.to_owned(), origin.function.into());
    root.extend(symptom.map(|symptom| (SYMPTOM.to_owned(), symptom.slug().into())));
    root.extend(
        values
            .iter()
            .map(|(metric, value)| (metric.name().to_owned(), (*value).into())),
    );
    Value::Object(root).to_string()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use eks_access::symptom::Symptom;

    use super::{Metric, Namespace, Origin, documents};

    #[test]
    fn totals_are_one_document_and_each_symptom_is_another() {
        let namespace: Namespace = "N".parse().unwrap();
        let totals = [(Metric::Lines, 7), (Metric::Denials, 2)];
        let origin = Origin {
            namespace: &namespace,
            function: "f",
            request_id: "r",
            at: 1_772_359_200_000,
        };
        let documents = documents(origin, &totals, &[(Symptom::NotMapped, 2)]);
        assert_eq!(
            documents,
            [
                r#"{"Denials":2,"FunctionName":"f","Lines":7,"_aws":{"CloudWatchMetrics":[{"Dimensions":[["FunctionName"]],"Metrics":[{"Name":"Lines","Unit":"Count"},{"Name":"Denials","Unit":"Count"}],"Namespace":"N"}],"Timestamp":1772359200000},"request_id":"r"}"#,
                r#"{"Denials":2,"FunctionName":"f","Symptom":"not-mapped","_aws":{"CloudWatchMetrics":[{"Dimensions":[["FunctionName","Symptom"]],"Metrics":[{"Name":"Denials","Unit":"Count"}],"Namespace":"N"}],"Timestamp":1772359200000},"request_id":"r"}"#,
            ]
        );
    }

    #[test]
    fn no_two_metrics_share_a_name() {
        let names: BTreeSet<_> = Metric::ALL.iter().map(|metric| metric.name()).collect();
        assert_eq!(names.len(), Metric::ALL.len());
    }

    #[test]
    fn a_namespace_of_aws_is_refused() {
        for text in ["", "AWS/Lambda", "with space", "é"] {
            assert!(text.parse::<Namespace>().is_err(), "{text}");
        }
    }
}
