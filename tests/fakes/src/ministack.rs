//! `MiniStack`, somebody else's stand-in for AWS, behind a relay that keeps what was asked and can fail on demand.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::http::{Request, Response, Server, ask, relay};
use crate::record::never;
use crate::wire::scope;

const PATIENCE: Duration = Duration::from_secs(30);
const REGION: &str = "eu-west-1";

/// Where this repository is.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// What the relay does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relayed {
    /// Passes it on.
    Pass,
    /// Answers it itself: `ThrottlingException`, status 400.
    Throttled,
    /// Answers it itself: `InternalServerError`, status 500.
    Failure,
    /// Does not pass it on, and never answers.
    Silence,
    /// Does not pass it on, and ends the connection.
    Dropped,
    /// Passes it on, and never answers: the client does not know that it was done.
    Unanswered,
    /// Passes it on, and ends the connection without an answer: the client does not know that it was done.
    Lost,
}

type Plan = Arc<dyn Fn(&Call) -> Relayed + Send + Sync>;
type Hook = Arc<dyn Fn(&Call) + Send + Sync>;

/// One call that was relayed.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// 1 for the first call since it was started; in the order of arrival.
    pub number: usize,
    /// `dynamodb`, `secretsmanager`, `logs`.
    pub service: String,
    /// `UpdateItem`.
    pub operation: String,
    /// The parameters.
    pub input: Value,
    /// The status of the answer; 0 while there is none.
    pub status: u16,
}

/// What the relay keeps.
struct Relay {
    upstream: String,
    numbers: AtomicUsize,
    calls: Mutex<Vec<Call>>,
    plan: Mutex<Plan>,
    after: Mutex<Hook>,
}

/// `MiniStack` with its relay. It ends with this.
pub struct MiniStack {
    child: Child,
    folder: PathBuf,
    upstream: String,
    endpoint: String,
    relay: Arc<Relay>,
}

impl MiniStack {
    /// Starts it, empty.
    pub fn start() -> Self {
        let python = root().join(".tools/run/bin/python");
        assert!(
            python.is_file(),
            "there is no MiniStack in .tools/run; run `make tools`"
        );
        let port = free_port();
        let folder = std::env::temp_dir().join(format!("ministack-{}-{port}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder for MiniStack");
        let text = folder.display().to_string();
        let child = Command::new(python)
            .args(["-m", "ministack"])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", &text)
            .env("TMPDIR", &text)
            .env("STATE_DIR", format!("{text}/state"))
            .env("S3_DATA_DIR", format!("{text}/s3"))
            .env("BIND_HOST", "127.0.0.1")
            .env("GATEWAY_PORT", port.to_string())
            .env("MINISTACK_ACCOUNT_ID", "111122223333")
            .env("MINISTACK_REGION", REGION)
            .env("SFTP_ENABLED", "0")
            .env("DOCKER_HOST", format!("unix://{text}/no-docker"))
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("start MiniStack");
        let upstream = format!("127.0.0.1:{port}");
        let relay = Arc::new(Relay::to(&upstream));
        let for_server = Arc::clone(&relay);
        let server = Server::start(move |request| for_server.answer(request));
        let stack = Self {
            child,
            folder,
            upstream,
            endpoint: format!("http://{}", server.address()),
            relay,
        };
        stack.wait();
        stack
    }

    fn wait(&self) {
        let until = Instant::now() + PATIENCE;
        let request = Request {
            method: "GET".to_owned(),
            path: "/_ministack/health".to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        };
        while !ask(&self.upstream, &request, PATIENCE).is_ok_and(|answer| answer.status == 200) {
            assert!(Instant::now() < until, "MiniStack did not start");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// The value of `AWS_ENDPOINT_URL_…` for the services that it plays.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Lets the test decide about each call from now on.
    pub fn plan(&self, plan: impl Fn(&Call) -> Relayed + Send + Sync + 'static) {
        *self.relay.plan.lock().unwrap() = Arc::new(plan);
    }

    /// Calls this with every call from now on that was passed on or refused, its status known, before it is answered.
    pub fn after(&self, hook: impl Fn(&Call) + Send + Sync + 'static) {
        *self.relay.after.lock().unwrap() = Arc::new(hook);
    }

    /// What was asked through the relay and has a status, in order of the answers.
    pub fn calls(&self) -> Vec<Call> {
        self.relay.calls.lock().unwrap().clone()
    }

    /// Forgets what was asked so far.
    pub fn forget(&self) {
        self.relay.calls.lock().unwrap().clear();
    }

    /// How often each operation of this service was asked for.
    pub fn counts(&self, service: &str) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for call in self.calls().iter().filter(|call| call.service == service) {
            *counts.entry(call.operation.clone()).or_default() += 1;
        }
        counts
    }

    /// Calls a service as the test itself: the relay does not see it.
    pub fn call(&self, service: &str, target: &str, input: &Value) -> Value {
        let version = if target.starts_with("DynamoDB") {
            "1.0"
        } else {
            "1.1"
        };
        let request = Request {
            method: "POST".to_owned(),
            path: "/".to_owned(),
            headers: vec![
                (
                    "content-type".to_owned(),
                    format!("application/x-amz-json-{version}"),
                ),
                ("x-amz-target".to_owned(), target.to_owned()),
                (
                    "authorization".to_owned(),
                    format!(
                        "AWS4-HMAC-SHA256 Credential=test/20260301/{REGION}/{service}/aws4_request, SignedHeaders=host, \
                         Signature=0"
                    ),
                ),
            ],
            body: input.to_string().into_bytes(),
        };
        let answer = ask(&self.upstream, &request, PATIENCE).expect("MiniStack answers");
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert_eq!(answer.status, 200, "{target} {input}: {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Makes a table of incidents or of requests, as the template does.
    pub fn table(&self, name: &str) {
        let key = |name: &str, kind: &str| json!({"AttributeName": name, "KeyType": kind});
        let attribute =
            |name: &str, kind: &str| json!({"AttributeName": name, "AttributeType": kind});
        self.call(
            "dynamodb",
            "DynamoDB_20120810.CreateTable",
            &json!({
                "TableName": name,
                "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [
                    attribute("pk", "S"), attribute("sk", "S"), attribute("owed", "S"), attribute("due_at", "N"),
                ],
                "KeySchema": [key("pk", "HASH"), key("sk", "RANGE")],
                "GlobalSecondaryIndexes": [{
                    "IndexName": "owed",
                    "KeySchema": [key("owed", "HASH"), key("due_at", "RANGE")],
                    "Projection": {"ProjectionType": "KEYS_ONLY"},
                }],
            }),
        );
    }

    /// All rows of a table.
    pub fn rows(&self, table: &str) -> Vec<Value> {
        let answer = self.call(
            "dynamodb",
            "DynamoDB_20120810.Scan",
            &json!({"TableName": table}),
        );
        answer["Items"].as_array().cloned().unwrap_or_default()
    }

    /// Sets an attribute of a row, as somebody could who may write the table.
    pub fn update(&self, table: &str, key: &Value, attribute: &str, value: &Value) {
        let input = json!({
            "TableName": table,
            "Key": key,
            "UpdateExpression": "SET #a = :v",
            "ExpressionAttributeNames": {"#a": attribute},
            "ExpressionAttributeValues": {":v": value},
        });
        self.call("dynamodb", "DynamoDB_20120810.UpdateItem", &input);
    }

    /// Deletes a row.
    pub fn delete(&self, table: &str, key: &Value) {
        let input = json!({"TableName": table, "Key": key});
        self.call("dynamodb", "DynamoDB_20120810.DeleteItem", &input);
    }

    /// Makes a secret.
    pub fn secret(&self, name: &str, text: &str) {
        let input = json!({"Name": name, "SecretString": text});
        self.call("secretsmanager", "secretsmanager.CreateSecret", &input);
    }

    /// Puts another text in a secret.
    pub fn replace_secret(&self, name: &str, text: &str) {
        let input = json!({"SecretId": name, "SecretString": text});
        self.call("secretsmanager", "secretsmanager.PutSecretValue", &input);
    }

    /// Puts lines into the authenticator's stream of a cluster: times in milliseconds, and messages, which get that time.
    pub fn log(&self, cluster: &str, lines: &[(i64, String)]) {
        const STREAM: &str = "authenticator-0123456789abcdef0123456789abcdef";
        let group = format!("/aws/eks/{cluster}/cluster");
        let groups = self.call(
            "logs",
            "Logs_20140328.DescribeLogGroups",
            &json!({"logGroupNamePrefix": group}),
        );
        if groups["logGroups"].as_array().is_none_or(Vec::is_empty) {
            self.call(
                "logs",
                "Logs_20140328.CreateLogGroup",
                &json!({"logGroupName": group}),
            );
            let stream = json!({"logGroupName": group, "logStreamName": STREAM});
            self.call("logs", "Logs_20140328.CreateLogStream", &stream);
        }
        let events: Vec<Value> = lines
            .iter()
            .map(
                |(at, message)| json!({"timestamp": at, "message": crate::lines::at(message, *at)}),
            )
            .collect();
        let input = json!({"logGroupName": group, "logStreamName": STREAM, "logEvents": events});
        self.call("logs", "Logs_20140328.PutLogEvents", &input);
    }
}

impl Drop for MiniStack {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
        std::fs::remove_dir_all(&self.folder).ok();
    }
}

pub(crate) fn free_port() -> u16 {
    let listener =
        std::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener
        .local_addr()
        .expect("the port that was bound")
        .port()
}

impl Relay {
    fn to(upstream: &str) -> Self {
        Self {
            upstream: upstream.to_owned(),
            numbers: AtomicUsize::new(0),
            calls: Mutex::default(),
            plan: Mutex::new(Arc::new(|_: &Call| Relayed::Pass)),
            after: Mutex::new(Arc::new(|_: &Call| {})),
        }
    }

    fn call(&self, request: &Request) -> Call {
        let target = request.header("x-amz-target").unwrap_or("");
        Call {
            number: self.numbers.fetch_add(1, Ordering::SeqCst) + 1,
            service: scope(request)
                .map(|scope| scope.service)
                .unwrap_or_default(),
            operation: target.rsplit('.').next().unwrap_or("").to_owned(),
            input: serde_json::from_slice(&request.body).unwrap_or_default(),
            status: 0,
        }
    }

    fn answer(&self, request: &Request) -> Response {
        let mut call = self.call(request);
        let plan = Arc::clone(&*self.plan.lock().unwrap());
        let decided = plan(&call);
        let response = match decided {
            Relayed::Pass | Relayed::Unanswered | Relayed::Lost => passed(&self.upstream, request),
            Relayed::Throttled => error(400, "ThrottlingException"),
            Relayed::Failure => error(500, "InternalServerError"),
            Relayed::Silence => never(),
            Relayed::Dropped => return Response::hang_up(),
        };
        call.status = response.status;
        self.calls.lock().unwrap().push(call.clone());
        let after = Arc::clone(&*self.after.lock().unwrap());
        after(&call);
        match decided {
            Relayed::Unanswered => never(),
            Relayed::Lost => Response::hang_up(),
            _ => response,
        }
    }
}

fn error(status: u16, code: &str) -> Response {
    let body = json!({"__type": format!("com.amazonaws#{code}"), "message": "on demand"});
    Response {
        status,
        headers: vec![(
            "content-type".into(),
            "application/x-amz-json-1.0".to_owned(),
        )],
        body: body.to_string().into_bytes(),
    }
}

fn passed(upstream: &str, request: &Request) -> Response {
    relay(upstream, request, PATIENCE)
        .unwrap_or_else(|error| Response::new(502, format!("MiniStack: {error}")))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::{Call, MiniStack, PATIENCE, Relayed};
    use crate::http::{Request, ask};

    const TABLE: &str = "requests";

    fn put(stack: &MiniStack, pk: &str, patience: Duration) -> std::io::Result<u16> {
        let input = json!({
            "TableName": TABLE,
            "Item": {"pk": {"S": pk}, "sk": {"S": "state"}},
            "ConditionExpression": "attribute_not_exists(pk)",
        });
        send(stack, "PutItem", &input, patience)
    }

    fn send(
        stack: &MiniStack,
        operation: &str,
        input: &Value,
        patience: Duration,
    ) -> std::io::Result<u16> {
        let request = Request {
            method: "POST".to_owned(),
            path: "/".to_owned(),
            headers: vec![
                (
                    "x-amz-target".to_owned(),
                    format!("DynamoDB_20120810.{operation}"),
                ),
                (
                    "authorization".to_owned(),
                    "AWS4-HMAC-SHA256 Credential=test/20260301/eu-west-1/dynamodb/aws4_request, \
                     SignedHeaders=host, Signature=0"
                        .to_owned(),
                ),
            ],
            body: input.to_string().into_bytes(),
        };
        Ok(ask(&stack.endpoint().replace("http://", ""), &request, patience)?.status)
    }

    fn keys(stack: &MiniStack) -> Vec<String> {
        let key = |row: &Value| row["pk"]["S"].as_str().unwrap_or("").to_owned();
        let mut keys: Vec<_> = stack.rows(TABLE).iter().map(key).collect();
        keys.sort();
        keys
    }

    #[test]
    fn a_call_can_be_done_without_an_answer_or_not_be_done_at_all() {
        let stack = MiniStack::start();
        stack.table(TABLE);
        let (sender, seen) = mpsc::channel();
        stack.after(move |call: &Call| sender.send((call.number, call.status)).unwrap());
        let short = Duration::from_millis(300);
        for (number, (relayed, patience)) in [
            (Relayed::Dropped, PATIENCE),
            (Relayed::Silence, short),
            (Relayed::Lost, PATIENCE),
            (Relayed::Unanswered, short),
        ]
        .into_iter()
        .enumerate()
        {
            stack.plan(move |_| relayed);
            let pk = format!("request#{number}");
            assert!(put(&stack, &pk, patience).is_err(), "{relayed:?}");
        }
        for number in [3, 4] {
            assert_eq!(seen.recv_timeout(PATIENCE).unwrap(), (number, 200));
        }
        assert_eq!(keys(&stack), ["request#2", "request#3"]);
        stack.plan(|_| Relayed::Failure);
        assert_eq!(put(&stack, "request#4", PATIENCE).unwrap(), 500);
        stack.plan(|_| Relayed::Pass);
        assert_eq!(put(&stack, "request#3", PATIENCE).unwrap(), 400);
        let rest: Vec<_> = seen.try_iter().collect();
        assert_eq!(rest, [(5, 500), (6, 400)]);
        assert_eq!(stack.counts("dynamodb")["PutItem"], 4);
    }

    #[test]
    fn a_transaction_is_done_as_a_whole_or_not_at_all() {
        let stack = MiniStack::start();
        stack.table(TABLE);
        let put = |pk: &str| {
            json!({"Put": {
                "TableName": TABLE,
                "Item": {"pk": {"S": pk}, "sk": {"S": "state"}},
                "ConditionExpression": "attribute_not_exists(pk)",
            }})
        };
        let both = |one: &str, other: &str| {
            let input = json!({"TransactItems": [put(one), put(other)]});
            send(&stack, "TransactWriteItems", &input, PATIENCE).unwrap()
        };
        assert_eq!(both("a", "b"), 200);
        assert_eq!(both("c", "b"), 400);
        assert_eq!(keys(&stack), ["a", "b"]);
    }
}
