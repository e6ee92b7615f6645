//! AWS `CloudTrail`: `LookupEvents` (JSON 1.1, 2013-11-01) over events that a test has put in.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::directory::Directory;
use crate::http::{Request, Response, Server};
use crate::json::{answer, call, number, only, page, refuse};
use crate::record::{Answer, Asked, Call, Desk, Record, Refusal, Service};
use crate::wire::{epoch, instant, now};

const DAY: i64 = 24 * 3600 * 1000;

/// `CloudTrail`'s event history of one region of one account.
#[derive(Clone)]
pub struct CloudTrail {
    inner: Arc<Inner>,
}

struct Inner {
    region: String,
    directory: Directory,
    desk: Desk,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    events: Vec<Value>,
    clock: Option<i64>,
    page: Option<usize>,
}

impl CloudTrail {
    /// An empty history.
    pub fn new(region: &str, directory: &Directory, record: &Record) -> Self {
        Self {
            inner: Arc::new(Inner {
                region: region.to_owned(),
                directory: directory.clone(),
                desk: Desk::new(record.clone()),
                state: Mutex::default(),
            }),
        }
    }

    /// The same on a port of its own; also gives the value of `AWS_ENDPOINT_URL_CLOUDTRAIL`.
    pub fn start(region: &str, directory: &Directory) -> (Self, String) {
        let trail = Self::new(region, directory, &Record::default());
        let for_server = trail.clone();
        let server = Server::start(move |request| for_server.answer(request));
        (trail, format!("http://{}", server.address()))
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

    /// Stops the clock at a time like `2026-03-01T10:00:00Z`.
    pub fn clock(&self, time: &str) {
        self.inner.state.lock().unwrap().clock = Some(instant(time));
    }

    /// No more than so many events at once, whatever a client asks for.
    pub fn page(&self, most: usize) {
        self.inner.state.lock().unwrap().page = Some(most);
    }

    /// Adds an event: the whole document that trails deliver, with `eventID`, `eventName`, `eventTime`, `eventSource`,
    /// `userIdentity`, ….
    pub fn event(&self, document: &Value) {
        instant(
            document["eventTime"]
                .as_str()
                .expect("an event has an `eventTime`"),
        );
        self.inner
            .state
            .lock()
            .unwrap()
            .events
            .push(document.clone());
    }

    /// Adds the `CreateCluster` of a cluster by a user or a session, at a time like `2026-03-01T10:00:00Z`. `error` is
    /// the code that EKS refused it with, if it did.
    pub fn created_cluster(&self, cluster: &str, caller: &str, at: &str, error: Option<&str>) {
        let parts: Vec<_> = caller.splitn(6, ':').collect();
        let [_, partition, _, _, account, resource] = parts.as_slice() else {
            panic!("`{caller}` is no ARN");
        };
        let names: Vec<_> = resource.split('/').collect();
        let identity = if let ["assumed-role", role, session] = names.as_slice() {
            json!({
                "type": "AssumedRole",
                "principalId": format!("AROAFAKECREATOR000000:{session}"),
                "arn": caller,
                "accountId": account,
                "accessKeyId": "ASIAFAKECREATOR",
                "sessionContext": {"sessionIssuer": {
                    "type": "Role",
                    "principalId": "AROAFAKECREATOR000000",
                    "arn": format!("arn:{partition}:iam::{account}:role/{role}"),
                    "accountId": account,
                    "userName": role,
                }},
            })
        } else {
            json!({
                "type": "IAMUser",
                "principalId": "AIDAFAKECREATOR000000",
                "arn": caller,
                "accountId": account,
                "accessKeyId": "AKIAFAKECREATOR",
                "userName": names.last(),
            })
        };
        let number = self.inner.state.lock().unwrap().events.len();
        let mut document = json!({
            "eventVersion": "1.10",
            "userIdentity": identity,
            "eventTime": at,
            "eventSource": "eks.amazonaws.com",
            "eventName": "CreateCluster",
            "awsRegion": self.inner.region,
            "requestParameters": {"name": cluster},
            "responseElements": {"cluster": {"name": cluster}},
            "eventID": format!("{number:08x}-1111-4222-8333-444455556666"),
            "readOnly": false,
            "eventType": "AwsApiCall",
            "managementEvent": true,
            "recipientAccountId": account,
        });
        if let Some(error) = error {
            document["errorCode"] = json!(error);
            document["responseElements"] = Value::Null;
        }
        self.event(&document);
    }
}

impl Service for Inner {
    const PREFIX: &'static str = "cloudtrail";
    const SIGNED_AS: &'static str = "cloudtrail";

    fn call(&self, request: &Request) -> Result<Call, Refusal> {
        call(request, "CloudTrail_20131101", &["LookupEvents"])
    }

    fn serves(&self, region: &str) -> bool {
        region == self.region
    }

    fn denied(&self, asked: &Asked) -> Refusal {
        let words = self.directory.not_authorized(
            &asked.access_key,
            &asked.action(),
            &format!(
                "arn:{}:cloudtrail:{}:{}:*",
                self.directory.partition(),
                self.region,
                self.directory.account()
            ),
        );
        Refusal::new(400, "AccessDeniedException", words)
    }

    /// Two requests a second are allowed (API reference).
    fn throttled(&self) -> Refusal {
        Refusal::new(400, "ThrottlingException", "Rate exceeded")
    }

    fn failure(&self) -> Refusal {
        Refusal::new(500, "InternalFailure", "CloudTrail is unwell")
    }

    fn act(&self, asked: &Asked) -> Result<Response, Refusal> {
        only(
            &asked.input,
            &[
                "LookupAttributes",
                "StartTime",
                "EndTime",
                "MaxResults",
                "NextToken",
            ],
        )?;
        let state = self.state.lock().unwrap();
        let now = state.clock.unwrap_or_else(now);
        let from = moment(asked, "StartTime")?.unwrap_or(now - 90 * DAY);
        let until = moment(asked, "EndTime")?.unwrap_or(now);
        // "Either the start time occurs after the end time, or the time range is outside the range of possible values";
        // the history has 90 days. The hour is for clocks and for the time that a request takes.
        if from > until || from < now - 90 * DAY - 3_600_000 {
            let words = "The timestamp values are not valid.";
            return Err(Refusal::new(400, "InvalidTimeRangeException", words).broken());
        }
        let attribute = attribute(asked)?;
        let size = number(&asked.input, "MaxResults", (1, 50), 50)
            .map_err(|words| Refusal::new(400, "InvalidMaxResultsException", words).broken())?;
        let mut found: Vec<_> = state
            .events
            .iter()
            .map(|document| (instant(document["eventTime"].as_str().unwrap()), document))
            .filter(|(at, _)| (from..=until).contains(at) && *at >= now - 90 * DAY)
            .filter(|(_, document)| {
                attribute
                    .as_ref()
                    .is_none_or(|(key, value)| matches(document, key, value))
            })
            .collect();
        // "The most recent event is listed first."
        found.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        let events: Vec<_> = found
            .iter()
            .map(|(at, event)| described(*at, event))
            .collect();
        let mut question = asked.input.clone();
        question.remove("NextToken");
        let question = Value::Object(question).to_string();
        let size = state.page.map_or(size, |most| most.min(size));
        let token = asked.input.get("NextToken").and_then(Value::as_str);
        // The token "must be passed in with the same parameters that were specified in the original call".
        let page = page(&events, &question, token, size).ok_or_else(|| {
            let words = "Invalid token. NextToken must be for the same question.";
            Refusal::new(400, "InvalidNextTokenException", words).broken()
        })?;
        let mut body = json!({"Events": page.items});
        if let Some(token) = page.token {
            body["NextToken"] = json!(token);
        }
        Ok(answer(&body))
    }

    fn refuse(&self, refusal: &Refusal) -> Response {
        refuse(refusal)
    }
}

fn moment(asked: &Asked, name: &str) -> Result<Option<i64>, Refusal> {
    match asked.input.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            // Exact enough: the history is in seconds.
            let seconds = value.as_f64().map(|seconds| format!("{seconds:.0}"));
            let seconds: Option<i64> = seconds.and_then(|text| text.parse().ok());
            seconds.map(|seconds| Some(seconds * 1000)).ok_or_else(|| {
                let words = format!("{name} is no number of seconds: {value}");
                Refusal::new(400, "SerializationException", words).broken()
            })
        }
    }
}

/// "Currently the list can contain only one item."
fn attribute(asked: &Asked) -> Result<Option<(String, String)>, Refusal> {
    const KEYS: &[&str] = &[
        "EventId",
        "EventName",
        "ReadOnly",
        "Username",
        "ResourceType",
        "ResourceName",
        "EventSource",
        "AccessKeyId",
    ];
    let refused = || {
        let words = "Lookup attributes must be one pair of a known key and a value.";
        Err(Refusal::new(400, "InvalidLookupAttributesException", words).broken())
    };
    let list = match asked.input.get("LookupAttributes") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Array(list)) => list.as_slice(),
        Some(_) => return refused(),
    };
    match list {
        [] => Ok(None),
        [one] => match (one["AttributeKey"].as_str(), one["AttributeValue"].as_str()) {
            (Some(key), Some(value)) if KEYS.contains(&key) && !value.is_empty() => {
                Ok(Some((key.to_owned(), value.to_owned())))
            }
            _ => refused(),
        },
        _ => refused(),
    }
}

/// The user's name, or the session's for a role.
fn username(document: &Value) -> &str {
    let identity = &document["userIdentity"];
    identity["userName"].as_str().unwrap_or_else(|| {
        let arn = identity["arn"].as_str().unwrap_or("");
        arn.rsplit('/').next().unwrap_or("")
    })
}

/// Names of resources in the request.
fn resource(document: &Value) -> &str {
    document["requestParameters"]["name"].as_str().unwrap_or("")
}

fn matches(document: &Value, key: &str, value: &str) -> bool {
    match key {
        "EventId" => document["eventID"] == value,
        "EventName" => document["eventName"] == value,
        "EventSource" => document["eventSource"] == value,
        "ReadOnly" => document["readOnly"] == (value == "true"),
        "AccessKeyId" => document["userIdentity"]["accessKeyId"] == value,
        "Username" => username(document) == value,
        "ResourceName" => resource(document) == value,
        _ => value == "AWS::EKS::Cluster" && document["eventSource"] == "eks.amazonaws.com",
    }
}

fn described(at: i64, document: &Value) -> Value {
    json!({
        "EventId": document["eventID"],
        "EventName": document["eventName"],
        "ReadOnly": document["readOnly"].to_string(),
        "AccessKeyId": document["userIdentity"]["accessKeyId"],
        "EventTime": epoch(at),
        "EventSource": document["eventSource"],
        "Username": username(document),
        "Resources": [{"ResourceType": "AWS::EKS::Cluster", "ResourceName": resource(document)}],
        "CloudTrailEvent": document.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::CloudTrail;
    use crate::directory::Directory;
    use crate::http::{Request, ask};

    #[test]
    fn events_of_a_name_come_newest_first_in_pages_for_ninety_days() {
        let directory = Directory::new("aws", "111122223333");
        let (trail, endpoint) = CloudTrail::start("eu-west-1", &directory);
        trail.clock("2026-03-01T00:00:00Z");
        let alice = "arn:aws:iam::111122223333:user/alice";
        let session = "arn:aws:sts::111122223333:assumed-role/Admin/bob";
        trail.created_cluster("old", alice, "2025-11-01T00:00:00Z", None);
        trail.created_cluster("one", alice, "2026-01-01T00:00:00Z", None);
        trail.created_cluster(
            "two",
            session,
            "2026-02-01T00:00:00Z",
            Some("ResourceInUseException"),
        );
        let lookup = |body: Value| {
            let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
            let request = Request {
                method: "POST".to_owned(),
                path: "/".to_owned(),
                headers: vec![
                    header(
                        "authorization",
                        "AWS4-HMAC-SHA256 Credential=AKID/20260301/eu-west-1/cloudtrail/aws4_request, \
                         SignedHeaders=host, Signature=0",
                    ),
                    header("x-amz-target", "CloudTrail_20131101.LookupEvents"),
                    header("content-type", "application/x-amz-json-1.1"),
                ],
                body: body.to_string().into_bytes(),
            };
            let address = endpoint.replace("http://", "");
            let answer = ask(&address, &request, Duration::from_secs(10)).unwrap();
            serde_json::from_slice::<Value>(&answer.body).unwrap()
        };
        let attributes = json!([{"AttributeKey": "EventName", "AttributeValue": "CreateCluster"}]);
        let first = lookup(json!({"LookupAttributes": attributes, "MaxResults": 1}));
        assert_eq!(first["Events"][0]["Username"], "bob");
        let document: Value =
            serde_json::from_str(first["Events"][0]["CloudTrailEvent"].as_str().unwrap()).unwrap();
        assert_eq!(document["errorCode"], "ResourceInUseException");
        let token = &first["NextToken"];
        let second =
            lookup(json!({"LookupAttributes": attributes, "MaxResults": 1, "NextToken": token}));
        assert_eq!(second["Events"][0]["Resources"][0]["ResourceName"], "one");
        assert_eq!(second.get("NextToken"), None);
        assert_eq!(trail.record().broken_rules(), Vec::<String>::new());
        let code = |body: Value| lookup(body)["__type"].as_str().unwrap_or("").to_owned();
        let start = crate::wire::instant("2025-11-01T00:00:00Z") / 1000;
        assert_eq!(
            code(json!({"StartTime": start})),
            "InvalidTimeRangeException"
        );
        assert_eq!(
            code(json!({"NextToken": token})),
            "InvalidNextTokenException"
        );
        assert_eq!(
            code(json!({"MaxResults": 51})),
            "InvalidMaxResultsException"
        );
        let two = json!([attributes[0], attributes[0]]);
        assert_eq!(
            code(json!({"LookupAttributes": two})),
            "InvalidLookupAttributesException"
        );
        assert_eq!(trail.record().broken_rules().len(), 4);
    }
}
