//! Amazon `CloudWatch`: `GetMetricStatistics` and `GetMetricData` in the protocol `rpcv2Cbor`, which `aws-sdk-cloudwatch`
//! speaks (1.140). The service knows JSON and the query protocol as well, and botocore prefers JSON; this fake does not.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use serde_json::{Map, Value, json};

use crate::cbor::{decode, encode};
use crate::directory::Directory;
use crate::http::{Request, Response, Server};
use crate::record::{Answer, Asked, Call, Desk, Record, Refusal, Service};
use crate::wire::instant;

const STATISTICS: &[&str] = &["SampleCount", "Average", "Sum", "Minimum", "Maximum"];

/// `CloudWatch`'s metrics of one region of one account.
#[derive(Clone)]
pub struct CloudWatch {
    inner: Arc<Inner>,
}

struct Inner {
    region: String,
    directory: Directory,
    desk: Desk,
    metrics: Mutex<Vec<Metric>>,
}

struct Metric {
    namespace: String,
    name: String,
    dimensions: BTreeMap<String, String>,
    /// Seconds since 1970, and the value.
    values: Vec<(i64, f64)>,
}

impl CloudWatch {
    /// No metrics.
    pub fn new(region: &str, directory: &Directory, record: &Record) -> Self {
        Self {
            inner: Arc::new(Inner {
                region: region.to_owned(),
                directory: directory.clone(),
                desk: Desk::new(record.clone()),
                metrics: Mutex::default(),
            }),
        }
    }

    /// The same on a port of its own; also gives the value of `AWS_ENDPOINT_URL_CLOUDWATCH`.
    pub fn start(region: &str, directory: &Directory) -> (Self, String) {
        let cloudwatch = Self::new(region, directory, &Record::default());
        let for_server = cloudwatch.clone();
        let server = Server::start(move |request| for_server.answer(request));
        (cloudwatch, format!("http://{}", server.address()))
    }

    /// Answers one request.
    pub fn answer(&self, request: &Request) -> Response {
        self.inner.desk.serve(&*self.inner, request)
    }

    /// Lets the test decide about each request from now on.
    pub fn plan(&self, plan: impl Fn(&Asked) -> Answer + Send + Sync + 'static) {
        self.inner.desk.plan(plan);
    }

    /// What was asked.
    pub fn record(&self) -> &Record {
        &self.inner.desk.record
    }

    /// Adds samples of a metric at times like `2026-03-01T10:00:00Z`.
    pub fn metric(
        &self,
        namespace: &str,
        name: &str,
        dimensions: &[(&str, &str)],
        samples: &[(&str, f64)],
    ) {
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        self.inner.metrics.lock().unwrap().push(Metric {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            dimensions: dimensions.iter().map(owned).collect(),
            values: samples
                .iter()
                .map(|(at, value)| (instant(at) / 1000, *value))
                .collect(),
        });
    }
}

fn invalid(words: impl Into<String>) -> Refusal {
    Refusal::new(400, "InvalidParameterValue", words).broken()
}

impl Service for Inner {
    const PREFIX: &'static str = "cloudwatch";
    const SIGNED_AS: &'static str = "monitoring";

    fn call(&self, request: &Request) -> Result<Call, Refusal> {
        let operation = request
            .path
            .strip_prefix("/service/GraniteServiceVersion20100801/operation/")
            .unwrap_or("");
        let cbor = request.header("smithy-protocol") == Some("rpc-v2-cbor");
        let known = ["GetMetricStatistics", "GetMetricData"].contains(&operation);
        if request.method != "POST" || !cbor || !known {
            let words = format!("the fake has no operation `{operation}`");
            return Err(Refusal::new(404, "UnknownOperationException", words));
        }
        let Some(Value::Object(input)) = decode(&request.body) else {
            let words = "the body is no map of CBOR";
            return Err(Refusal::new(400, "SerializationException", words).broken());
        };
        Ok(Call {
            operation: operation.to_owned(),
            input,
        })
    }

    fn serves(&self, region: &str) -> bool {
        region == self.region
    }

    /// Metrics are no resources: always `*` (service authorization reference).
    fn denied(&self, asked: &Asked) -> Refusal {
        let action = asked.action();
        let caller = self.directory.caller(&asked.access_key).arn;
        let words = format!(
            "User: {caller} is not authorized to perform: {action} because no identity-based policy allows the {action} \
             action"
        );
        Refusal::new(403, "AccessDenied", words)
    }

    fn throttled(&self) -> Refusal {
        Refusal::new(400, "Throttling", "Rate exceeded")
    }

    fn failure(&self) -> Refusal {
        Refusal::new(500, "InternalServiceError", "CloudWatch is unwell")
    }

    fn act(&self, asked: &Asked) -> Result<Response, Refusal> {
        let body = match asked.operation.as_str() {
            "GetMetricStatistics" => self.statistics(&asked.input)?,
            _ => self.data(&asked.input)?,
        };
        Ok(Response {
            status: 200,
            headers: headers(),
            body: encode(&body),
        })
    }

    /// `x-amzn-query-error` keeps the codes of the query protocol ("awsQueryCompatible" of Smithy).
    fn refuse(&self, refusal: &Refusal) -> Response {
        let mut headers = headers();
        let fault = if refusal.status < 500 {
            "Sender"
        } else {
            "Receiver"
        };
        headers.push((
            "x-amzn-query-error".into(),
            format!("{};{fault}", refusal.code),
        ));
        let body = json!({"__type": refusal.code, "message": refusal.message});
        Response {
            status: refusal.status,
            headers,
            body: encode(&body),
        }
    }
}

fn headers() -> Vec<(Cow<'static, str>, String)> {
    vec![
        ("content-type".into(), "application/cbor".to_owned()),
        ("smithy-protocol".into(), "rpc-v2-cbor".to_owned()),
    ]
}

/// Start and end, in whole seconds.
fn range(input: &Map<String, Value>) -> Result<(i64, i64), Refusal> {
    let moment = |name: &str| {
        let seconds = input.get(name).and_then(Value::as_f64);
        let seconds: Option<i64> = seconds.and_then(|s| format!("{s:.0}").parse().ok());
        seconds.ok_or_else(|| {
            let words = format!("The parameter {name} is required.");
            Refusal::new(400, "MissingParameter", words).broken()
        })
    };
    let (from, until) = (moment("StartTime")?, moment("EndTime")?);
    if from >= until {
        return Err(invalid(
            "The parameter StartTime must be less than the parameter EndTime.",
        ));
    }
    Ok((from, until))
}

/// "A period can be as short as one minute (60 seconds) and must be a multiple of 60", or 1, 5, 10 or 30 for metrics of
/// high resolution.
fn period(input: &Value) -> Result<i64, Refusal> {
    let period = input["Period"].as_i64().unwrap_or(0);
    if period > 0 && (period % 60 == 0 || [1, 5, 10, 30].contains(&period)) {
        return Ok(period);
    }
    Err(invalid(format!(
        "The parameter Period must be a multiple of 60, not {period}."
    )))
}

fn statistic(name: &str, values: &[f64]) -> f64 {
    let sum: f64 = values.iter().sum();
    let count = f64::from(u32::try_from(values.len()).unwrap_or(u32::MAX));
    match name {
        "SampleCount" => count,
        "Average" => sum / count,
        "Minimum" => values.iter().copied().fold(f64::INFINITY, f64::min),
        "Maximum" => values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        _ => sum,
    }
}

impl Inner {
    /// The samples of the metric with exactly these dimensions, by the start of their period.
    fn buckets(
        &self,
        metric: &Value,
        period: i64,
        (from, until): (i64, i64),
    ) -> Result<BTreeMap<i64, Vec<f64>>, Refusal> {
        let text = |name: &str| metric[name].as_str().unwrap_or("");
        let (namespace, name) = (text("Namespace"), text("MetricName"));
        if namespace.is_empty() || name.is_empty() || namespace.starts_with(':') {
            let words = "The parameters Namespace and MetricName are required.";
            return Err(Refusal::new(400, "MissingParameter", words).broken());
        }
        let mut dimensions = BTreeMap::new();
        for dimension in metric["Dimensions"].as_array().into_iter().flatten() {
            let (Some(key), Some(value)) =
                (dimension["Name"].as_str(), dimension["Value"].as_str())
            else {
                return Err(invalid(format!("no dimension: {dimension}")));
            };
            if key.is_empty() || value.is_empty() || value.len() > 1024 {
                return Err(invalid(format!("no dimension: {dimension}")));
            }
            dimensions.insert(key.to_owned(), value.to_owned());
        }
        let mut buckets: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
        for metric in self.metrics.lock().unwrap().iter() {
            let same = metric.namespace == namespace && metric.name == name;
            if same && metric.dimensions == dimensions {
                for (at, value) in &metric.values {
                    // The start is inclusive, the end exclusive.
                    if (from..until).contains(at) {
                        buckets
                            .entry(at - at.rem_euclid(period))
                            .or_default()
                            .push(*value);
                    }
                }
            }
        }
        Ok(buckets)
    }

    fn statistics(&self, input: &Map<String, Value>) -> Result<Value, Refusal> {
        let metric = Value::Object(input.clone());
        let (from, until) = range(input)?;
        let period = period(&metric)?;
        let names: Vec<_> = metric["Statistics"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        if names.is_empty() || !names.iter().all(|name| STATISTICS.contains(name)) {
            let words = "At least one of the parameters Statistics and ExtendedStatistics must be specified.";
            return Err(Refusal::new(400, "InvalidParameterCombination", words).broken());
        }
        // "The maximum number of data points returned from a single call is 1,440."
        if (until - from) / period > 1440 {
            let words = format!(
                "You have requested up to {} datapoints, which exceeds the limit of 1,440.",
                (until - from) / period
            );
            return Err(Refusal::new(400, "InvalidParameterCombination", words).broken());
        }
        let points: Vec<_> = self
            .buckets(&metric, period, (from, until))?
            .iter()
            .rev() // "The data points are not returned in chronological order."
            .map(|(at, values)| {
                let mut point = json!({"Timestamp": at, "Unit": "Count"});
                for name in &names {
                    point[*name] = json!(statistic(name, values));
                }
                point
            })
            .collect();
        Ok(json!({"Label": metric["MetricName"], "Datapoints": points}))
    }

    fn data(&self, input: &Map<String, Value>) -> Result<Value, Refusal> {
        let range = range(input)?;
        let queries = input.get("MetricDataQueries").and_then(Value::as_array);
        let queries = queries.filter(|q| (1..=500).contains(&q.len()));
        let queries = queries.ok_or_else(|| invalid("1 to 500 MetricDataQueries are required."))?;
        let mut ids = BTreeSet::new();
        let mut results = Vec::new();
        for query in queries {
            let id = query["Id"].as_str().unwrap_or("");
            let fits = id.starts_with(|c: char| c.is_ascii_lowercase())
                && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            if !fits || !ids.insert(id) {
                let words = format!(
                    "The value {id} for parameter MetricDataQueries.Id must be unique and match ^[a-z][a-zA-Z0-9_]*$."
                );
                return Err(Refusal::new(400, "ValidationError", words).broken());
            }
            let stat = &query["MetricStat"];
            let name = stat["Stat"].as_str().unwrap_or("");
            if !STATISTICS.contains(&name) {
                let words = format!("the fake knows no expression and no statistic `{name}`");
                return Err(Refusal::new(400, "ValidationError", words).broken());
            }
            let buckets = self.buckets(&stat["Metric"], period(stat)?, range)?;
            let label = query["Label"]
                .as_str()
                .or(stat["Metric"]["MetricName"].as_str());
            let mut points: Vec<_> = buckets.iter().collect();
            // "TimestampDescending", the default, "returns the newest data first".
            if input.get("ScanBy").and_then(Value::as_str) != Some("TimestampAscending") {
                points.reverse();
            }
            let (times, values): (Vec<_>, Vec<_>) = points
                .into_iter()
                .map(|(at, values)| (json!(at), json!(statistic(name, values))))
                .unzip();
            if query["ReturnData"] != json!(false) {
                results.push(json!({
                    "Id": id, "Label": label, "Timestamps": times, "Values": values, "StatusCode": "Complete",
                }));
            }
        }
        Ok(json!({"MetricDataResults": results, "Messages": []}))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::CloudWatch;
    use crate::cbor::{decode, encode};
    use crate::directory::Directory;
    use crate::http::{Request, ask};

    #[test]
    fn samples_are_summed_by_period() {
        let (cloudwatch, endpoint) =
            CloudWatch::start("eu-west-1", &Directory::new("aws", "111122223333"));
        cloudwatch.metric(
            "AWS/Lambda",
            "Errors",
            &[("FunctionName", "responder")],
            &[
                ("2026-03-01T10:00:10Z", 1.0),
                ("2026-03-01T10:04:59Z", 2.0),
                ("2026-03-01T10:05:00Z", 4.0),
            ],
        );
        let call = |operation: &str, body: &Value| {
            let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
            let request = Request {
                method: "POST".to_owned(),
                path: format!("/service/GraniteServiceVersion20100801/operation/{operation}"),
                headers: vec![
                    header(
                        "authorization",
                        "AWS4-HMAC-SHA256 Credential=AKID/20260301/eu-west-1/monitoring/aws4_request, \
                         SignedHeaders=host, Signature=0",
                    ),
                    header("smithy-protocol", "rpc-v2-cbor"),
                ],
                body: encode(body),
            };
            let address = endpoint.replace("http://", "");
            let answer = ask(&address, &request, Duration::from_secs(10)).unwrap();
            (answer.status, decode(&answer.body).unwrap())
        };
        let (from, until) = (1_772_359_200, 1_772_359_200 + 3600);
        let mut body = json!({
            "Namespace": "AWS/Lambda", "MetricName": "Errors", "StartTime": from, "EndTime": until, "Period": 300,
            "Statistics": ["Sum"], "Dimensions": [{"Name": "FunctionName", "Value": "responder"}],
        });
        let (_, answer) = call("GetMetricStatistics", &body);
        assert_eq!(
            answer["Datapoints"][1],
            json!({"Timestamp": from, "Unit": "Count", "Sum": 3.0})
        );
        let metric = json!({
            "Namespace": "AWS/Lambda", "MetricName": "Errors", "Dimensions": body["Dimensions"],
        });
        let query = json!({"Id": "errors", "MetricStat": {"Metric": metric, "Period": 3600, "Stat": "Maximum"}});
        let data = json!({"MetricDataQueries": [query], "StartTime": from, "EndTime": until});
        assert_eq!(
            call("GetMetricData", &data).1["MetricDataResults"][0]["Values"],
            json!([4.0])
        );
        assert_eq!(cloudwatch.record().actions().len(), 2);
        assert_eq!(cloudwatch.record().broken_rules(), Vec::<String>::new());
        body["Period"] = json!(90);
        assert_eq!(call("GetMetricStatistics", &body).0, 400);
        body["Period"] = json!(1);
        assert_eq!(
            call("GetMetricStatistics", &body).1["__type"],
            "InvalidParameterCombination"
        );
        assert_eq!(cloudwatch.record().broken_rules().len(), 2);
    }
}
