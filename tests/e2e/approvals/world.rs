//! The whole product: four functions' real binaries, `MiniStack`, a strict EKS and IAM, Lambda, API Gateway and Slack, all on
//! loopback.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use fakes::delivery::Delivery;
use fakes::directory::{Directory, Principal};
use fakes::eks::{Cluster, Eks};
use fakes::gateway::{Door, Gateway};
use fakes::iam::Iam;
use fakes::invoke::Invoke;
use fakes::lambda::Answer as Ending;
use fakes::ministack::MiniStack;
use fakes::pool::Pool;
use fakes::slack::{APP, CHANNEL, SIGNING_SECRET, Slack, TEAM, TOKEN};
use fakes::sns::{Answer, Published, Sns};
use serde_json::{Value, json};

pub(crate) const ACCOUNT: &str = "111122223333";
pub(crate) const REGION: &str = "eu-west-1";
pub(crate) const CLUSTER: &str = "prod-eu";
const TOPIC: &str = "arn:aws:sns:eu-west-1:111122223333:eks-access";
const INCIDENTS: &str = "incidents";
pub(crate) const REQUESTS: &str = "requests";
const KEY: &str = "0123456789abcdef0123456789abcdef0123456789abcdef";
const SECRET_KEY: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
/// Access keys of those who call the API.
pub(crate) const ALICE: &str = "AKIAALICEALICEALICE1";
pub(crate) const BOB: &str = "ASIABOBBOBBOBBOBBOB1";
pub(crate) const JANE_KEY: &str = "ASIAJANEJANEJANEJAN1";
/// An approver in Slack, one who is in the user group, and one who is nothing.
pub(crate) const APPROVER: &str = "U0000000011";
pub(crate) const IN_GROUP: &str = "U0000000012";
pub(crate) const NOBODY: &str = "U0000000013";
/// Jane, in Slack.
pub(crate) const JANE: &str = "U0000000014";
pub(crate) const MINUTE: i64 = 60_000;
pub(crate) const HOUR: i64 = 60 * MINUTE;

/// Roles in `/dev/` may view two namespaces for up to four hours, by one yes; those in `/edit/` may edit, by two.
const GUARDRAILS: &str = r#"
version = 1
protected = ["arn:aws:iam::111122223333:role/dev/protected"]

[[rule]]
name = "developers look"
clusters = ["prod-eu"]
principals = ["arn:aws:iam::111122223333:role/dev/*"]
namespaces = ["shop", "web"]
max_duration = "4h"
[rule.approvers]
slack_users = ["U0000000011", "U0000000014"]
slack_groups = ["S0000000002"]
iam = ["arn:aws:iam::111122223333:user/alice", "arn:aws:iam::111122223333:role/Platform", "arn:aws:iam::111122223333:role/jane-admin"]

[[rule]]
name = "editors change, with two to agree"
clusters = ["prod-eu"]
principals = ["arn:aws:iam::111122223333:role/edit/*"]
policies = ["AmazonEKSViewPolicy", "AmazonEKSEditPolicy"]
edit_reads_secrets_and_runs_commands = true
namespaces = ["shop"]
max_duration = "1h"
approvals = 2
[rule.approvers]
slack_users = ["U0000000011"]
slack_groups = ["S0000000002"]
iam = ["arn:aws:iam::111122223333:user/alice"]

[[deny]]
name = "never in web for contractors"
principals = ["arn:aws:iam::111122223333:role/dev/contractor"]
namespaces = ["web"]

[[person]]
name = "jane"
slack = ["U0000000014"]
iam = ["arn:aws:iam::111122223333:role/jane-admin"]
sessions = ["jane@example.com"]
principals = ["arn:aws:iam::111122223333:role/dev/jane"]

[break_glass]
callers = ["arn:aws:iam::111122223333:role/Platform"]
clusters = ["prod-eu"]
principals = ["arn:aws:iam::111122223333:role/dev/*"]
namespaces = ["shop"]
max_duration = "30m"
review_within = "4h"
"#;

/// As the template has them.
const ROUTES: [&str; 10] = [
    "GET /v1/requests",
    "GET /v1/requests/{id}",
    "GET /v1/requests/{id}/history",
    "POST /v1/requests/{id}/approve",
    "POST /v1/requests/{id}/deny",
    "POST /v1/requests/{id}/extend",
    "POST /v1/requests/{id}/revoke",
    "POST /v1/requests/{id}/review",
    "GET /v1/grants",
    "POST /v1/break-glass",
];

/// Everything.
pub(crate) struct World {
    pub(crate) stack: MiniStack,
    pub(crate) slack: Slack,
    pub(crate) sns: Sns,
    /// SNS fails while this is set.
    pub(crate) is_sns_down: Arc<AtomicBool>,
    pub(crate) directory: Directory,
    pub(crate) eks: Eks,
    pub(crate) iam: Iam,
    pub(crate) lambda: Invoke,
    pub(crate) gateway: Gateway,
    pub(crate) responder: Pool,
    pub(crate) approver: Pool,
    pub(crate) granter: Pool,
    pub(crate) revoker: Pool,
    folder: PathBuf,
    /// When it began, in milliseconds since 1970.
    pub(crate) start: i64,
}

/// What the functions wrote.
pub(crate) struct Written {
    pub(crate) log: String,
}

/// A function's binary beside the granter's, which this test belongs to; all of them are built for a run of the workspace.
pub(crate) fn binary(name: &str) -> PathBuf {
    let granter = PathBuf::from(env!("CARGO_BIN_EXE_granter"));
    let path = granter.with_file_name(name);
    assert!(
        path.is_file(),
        "{name} is not built; run `cargo build --workspace`"
    );
    path
}

/// The tables, the secrets, and who is in Slack.
fn furnish(stack: &MiniStack, slack: &Slack) {
    stack.table(INCIDENTS);
    stack.table(REQUESTS);
    let secret = json!({"bot_token": TOKEN, "signing": ["older", SIGNING_SECRET]});
    stack.secret("slack", &secret.to_string());
    stack.secret("key", KEY);
    slack.state(&json!({
        "users": {APPROVER: {}, IN_GROUP: {}, NOBODY: {}, JANE: {"email": "jane@example.com"}},
        "usergroups": {"S0000000002": {"users": [IN_GROUP]}},
    }));
}

/// Who is in IAM, and who calls with which access key.
fn people() -> Directory {
    let directory = Directory::new("aws", ACCOUNT);
    directory.role("/dev/", "jane");
    directory.role("/edit/", "joe");
    let alice = directory.user("/", "alice");
    directory.signs_with(ALICE, &alice.arn, "");
    for (key, role) in [(BOB, "Platform"), (JANE_KEY, "jane-admin")] {
        let arn = directory.role("/", role).arn;
        directory.signs_with(key, &arn, "session");
    }
    directory
}

/// A folder with the guardrails.
fn written(guardrails: &str) -> PathBuf {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, Ordering::SeqCst);
    let folder = std::env::temp_dir().join(format!("approvals-{}-{number}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("guardrails.toml"), guardrails).unwrap();
    folder
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(GUARDRAILS, true)
    }

    /// Without Slack: SNS and the command are all there is.
    pub(crate) fn without_slack() -> Self {
        Self::with(GUARDRAILS, false)
    }

    pub(crate) fn with(guardrails: &str, has_slack: bool) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let is_sns_down = Arc::new(AtomicBool::new(false));
        let is_down = Arc::clone(&is_sns_down);
        let plan = move |_: &Published| {
            if is_down.load(Ordering::SeqCst) {
                Answer::InternalError
            } else {
                Answer::Accept
            }
        };
        let (stack, slack, sns) = (MiniStack::start(), Slack::start(), Sns::with(TOPIC, plan));
        furnish(&stack, &slack);
        let directory = people();
        let (eks, eks_url) = Eks::start(REGION, &directory);
        eks.cluster(Cluster::new(CLUSTER).mode("API"));
        let (iam, iam_url) = Iam::start(REGION, &directory);
        let lambda = Invoke::start(REGION, &directory);
        let folder = written(guardrails);
        let file = folder.join("guardrails.toml");
        let file = file.to_str().unwrap().to_owned();
        let (endpoint, sns_url, api, lambda_url) = (
            stack.endpoint().to_owned(),
            sns.endpoint(),
            slack.api(),
            lambda.endpoint().to_owned(),
        );
        let mut variables: Vec<(&str, &str)> = vec![
            ("AWS_ENDPOINT_URL_DYNAMODB", &endpoint),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", &endpoint),
            ("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", &endpoint),
            ("AWS_ENDPOINT_URL_SNS", &sns_url),
            ("AWS_ENDPOINT_URL_EKS", &eks_url),
            ("AWS_ENDPOINT_URL_IAM", &iam_url),
            ("AWS_ENDPOINT_URL_LAMBDA", &lambda_url),
            ("AWS_REGION", REGION),
            ("AWS_ACCESS_KEY_ID", "ASIAIOSFODNN7EXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", SECRET_KEY),
            ("TOPIC_ARN", TOPIC),
            ("TABLE_NAME", INCIDENTS),
            ("WATCH_LOGINS", "off"),
            ("MAX_NEW_PER_HOUR", "1000"),
            ("REQUESTS_TABLE", REQUESTS),
            ("GUARDRAILS_FILE", &file),
            ("GRANTER", "granter"),
            ("APPROVAL_KEY", "key"),
            ("ACCOUNT_LABELS", "111122223333=production"),
        ];
        if has_slack {
            variables.extend([
                ("SLACK_SECRET", "slack"),
                ("SLACK_CHANNEL", CHANNEL),
                ("SLACK_API_URL", &api),
                ("SLACK_TEAMS", TEAM),
                ("SLACK_APP", APP),
            ]);
        }
        let pool = |name: &str| Pool::new(name, binary(name), &variables);
        let (responder, approver, granter, revoker) = (
            pool("responder"),
            pool("approver"),
            pool("granter"),
            pool("revoker"),
        );
        lambda.function(&granter);
        let mut routes = vec![("POST /slack", Door::Open)];
        routes.extend(ROUTES.map(|route| (route, Door::Iam)));
        let gateway = Gateway::start(REGION, &directory, &approver, &routes);
        Self {
            stack,
            slack,
            sns,
            is_sns_down,
            directory,
            eks,
            iam,
            lambda,
            gateway,
            responder,
            approver,
            granter,
            revoker,
            folder,
            start: i64::try_from(now.as_secs()).unwrap() * 1000,
        }
    }

    /// Writes what nobody can read in place of the guardrails. Functions that run already do not see it.
    pub(crate) fn spoil_guardrails(&self) {
        std::fs::write(self.folder.join("guardrails.toml"), "version = 1\n[[rule").unwrap();
    }

    /// The address that Slack calls.
    pub(crate) fn slack_url(&self) -> String {
        format!("{}/slack", self.gateway.endpoint())
    }

    /// Replaces the one request's document, as somebody could who may write the table.
    pub(crate) fn edit_row(&self, change: impl FnOnce(&mut Value)) {
        let mut request = self.request();
        change(&mut request);
        let key = json!({"pk": {"S": format!("request#{}", request["id"].as_str().unwrap())}, "sk": {"S": "state"}});
        self.stack.update(
            REQUESTS,
            &key,
            "document",
            &json!({"S": request.to_string()}),
        );
    }

    /// A denial of this role (without path), at a time after the beginning.
    pub(crate) fn denied(&self, role: &str, at: i64) {
        let arn = format!("arn:aws:iam::{ACCOUNT}:role/{role}");
        self.denied_line(&fakes::lines::not_mapped(&arn, 40_000), at);
    }

    /// The event of such a denial.
    pub(crate) fn denial(&self, role: &str, at: i64) -> Vec<u8> {
        let arn = format!("arn:aws:iam::{ACCOUNT}:role/{role}");
        let line = fakes::lines::not_mapped(&arn, 40_000);
        Delivery::of(CLUSTER).at(self.start + at, &line).event()
    }

    pub(crate) fn denied_line(&self, line: &str, at: i64) {
        let event = Delivery::of(CLUSTER).at(self.start + at, line).event();
        assert_eq!(
            self.responder.run(&event),
            Ending::Response("null".to_owned())
        );
    }

    /// A tick of the revoker, so long after the beginning.
    pub(crate) fn tick(&self, after: i64) -> Ending {
        self.revoker.run(&tick(self.start + after))
    }

    /// A tick that must succeed.
    pub(crate) fn ticks(&self, after: i64) {
        assert_eq!(self.tick(after), Ending::Response("null".to_owned()));
    }

    /// The messages that are about requests and not incidents.
    pub(crate) fn request_cards(&self) -> Vec<Value> {
        let mut messages = self.slack.messages(CHANNEL);
        messages.retain(|message| text_of(message).contains("eks-access show"));
        messages
    }

    /// The one message about a request.
    pub(crate) fn card(&self) -> Value {
        let mut cards = self.request_cards();
        assert_eq!(cards.len(), 1, "{cards:#?}");
        cards.remove(0)
    }

    /// The one request's document.
    pub(crate) fn request(&self) -> Value {
        let mut all = self.all_requests();
        assert_eq!(all.len(), 1, "{all:#?}");
        all.remove(0)
    }

    /// The request for this principal.
    pub(crate) fn request_of(&self, arn: &str) -> Value {
        let mut all = self.all_requests();
        all.retain(|request| request["principal"] == arn);
        assert_eq!(all.len(), 1, "{arn}: {all:#?}");
        all.remove(0)
    }

    /// The request with this id.
    pub(crate) fn request_of_id(&self, id: &str) -> Value {
        let all = self.all_requests();
        let found = all.into_iter().find(|request| request["id"] == id);
        found.unwrap_or_else(|| panic!("no request {id}"))
    }

    /// Every request's document.
    pub(crate) fn all_requests(&self) -> Vec<Value> {
        let rows = self.stack.rows(REQUESTS);
        let documents = rows.iter().filter(|row| row["sk"]["S"] == "state");
        documents
            .filter_map(|row| serde_json::from_str(row["document"]["S"].as_str()?).ok())
            .collect()
    }

    pub(crate) fn state(&self) -> String {
        self.request()["state"].as_str().unwrap().to_owned()
    }

    /// The one request's id.
    pub(crate) fn id(&self) -> String {
        self.request()["id"].as_str().unwrap().to_owned()
    }

    /// The actions of the audit, in order.
    pub(crate) fn audit(&self) -> Vec<String> {
        let action = |record: &Value| record["action"].as_str().unwrap().to_owned();
        self.records().iter().map(action).collect()
    }

    /// The records of the audit, in order.
    pub(crate) fn records(&self) -> Vec<Value> {
        let mut rows = self.stack.rows(REQUESTS);
        rows.retain(|row| row["sk"]["S"].as_str().unwrap().starts_with("audit#"));
        rows.sort_by_key(|row| row["sk"]["S"].as_str().unwrap().to_owned());
        let record =
            |row: &Value| serde_json::from_str(row["record"]["S"].as_str().unwrap()).unwrap();
        rows.iter().map(record).collect()
    }

    /// The kinds of what SNS took.
    pub(crate) fn kinds(&self) -> Vec<String> {
        self.sns
            .published()
            .iter()
            .map(|published| published.attributes["kind"].clone())
            .collect()
    }

    /// The entry of a principal, as EKS has it.
    pub(crate) fn entry(&self, arn: &str) -> Option<Value> {
        self.eks.entry_now(CLUSTER, arn)
    }

    /// How often EKS did this.
    pub(crate) fn did(&self, operation: &str) -> usize {
        let asked = self.eks.record().asked();
        asked
            .iter()
            .filter(|asked| asked.operation == operation)
            .count()
    }

    /// Somebody reviews the card, fills the form in and sends it: the answer to the form.
    pub(crate) fn approves_in_slack(&self, user: &str) -> Value {
        let opened = self
            .slack
            .click(&self.slack_url(), &self.card(), "req:review", user);
        assert_eq!(opened.status, Some(200), "{opened:?}");
        let sent = self.slack.submit(&self.slack_url(), &form(), user);
        assert_eq!(sent.status, Some(200), "{sent:?}");
        serde_json::from_str(&sent.body).unwrap_or_default()
    }

    /// Somebody says yes by the API.
    pub(crate) fn approves(&self, key: &str, id: &str) -> (u16, Value) {
        let body = json!({"namespaces": ["shop"], "seconds": 3600, "reason": "incident 4711"});
        self.call(key, "POST", &format!("/v1/requests/{id}/approve"), &body)
    }

    pub(crate) fn call(&self, key: &str, method: &str, path: &str, body: &Value) -> (u16, Value) {
        self.gateway.call(key, method, path, body)
    }

    /// Makes a role, and gives its ARN.
    pub(crate) fn role(&self, role: Principal) -> String {
        self.directory.add(role).arn
    }

    /// Ends it, and asserts the silence: nobody was asked for anything they don't have, everybody was content, and no
    /// secret is in any log or message.
    pub(crate) fn end(self) -> Written {
        self.lambda.wait_until_idle();
        let mut log = String::new();
        for pool in [
            &self.responder,
            &self.approver,
            &self.granter,
            &self.revoker,
        ] {
            let remains = pool.end();
            assert_eq!(remains.unasked, Vec::<String>::new());
            assert_eq!(remains.init_errors, Vec::new());
            assert_eq!(remains.stderr, "");
            log.push_str(&remains.stdout);
        }
        for record in [self.eks.record(), self.iam.record(), self.lambda.record()] {
            assert_eq!(record.unasked(), Vec::<String>::new());
            assert_eq!(record.broken_rules(), Vec::<String>::new());
        }
        assert_eq!(self.sns.unasked(), Vec::<String>::new());
        assert_eq!(self.sns.broken_rules(), Vec::<String>::new());
        assert_eq!(self.slack.complaints(), Vec::<Value>::new());
        assert_eq!(self.gateway.complaints(), Vec::<String>::new());
        let said = format!(
            "{log}{:?}{:?}",
            self.sns.asked(),
            self.slack.messages(CHANNEL)
        );
        for secret in [
            TOKEN,
            SIGNING_SECRET,
            KEY,
            SECRET_KEY,
            "ASIAIOSFODNN7EXAMPLE",
            "trigger_id",
            "response_url",
        ] {
            assert!(!said.contains(secret), "{secret} in {said}");
        }
        if let Err(rule) = fakes::emf::totals(&log) {
            panic!("{rule}");
        }
        std::fs::remove_dir_all(&self.folder).ok();
        Written { log }
    }
}

impl Written {
    /// Distinct `reason`s of refusals.
    pub(crate) fn has(&self, words: &str) -> bool {
        self.log.contains(words)
    }
}

/// What an approver fills in.
pub(crate) fn form() -> Value {
    json!({
        "policy": "AmazonEKSViewPolicy",
        "namespaces": ["shop"],
        "duration": "3600",
        "reason": "incident 4711",
    })
}

/// All text of a message.
pub(crate) fn text_of(message: &Value) -> String {
    let mut all = BTreeSet::new();
    collect(message, &mut all);
    all.into_iter().collect::<Vec<_>>().join("\n")
}

fn collect(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => {
            into.insert(text.clone());
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, into)),
        Value::Object(fields) => {
            for (name, inner) in fields {
                if name != "history" {
                    collect(inner, into);
                }
            }
        }
        _ => {}
    }
}

/// The action ids of a message.
pub(crate) fn buttons(message: &Value) -> Vec<String> {
    let blocks = message["blocks"].as_array().cloned().unwrap_or_default();
    let actions = blocks.iter().filter(|block| block["type"] == "actions");
    actions
        .flat_map(|block| block["elements"].as_array().cloned().unwrap_or_default())
        .map(|element| element["action_id"].as_str().unwrap().to_owned())
        .collect()
}

/// The event of a scheduled rule.
fn tick(time: i64) -> Vec<u8> {
    let at = fakes::lines::at("2026-03-01T10:00:00Z", time);
    json!({
        "version": "0",
        "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT,
        "time": at,
        "region": REGION,
        "resources": ["arn:aws:events:eu-west-1:111122223333:rule/tick"],
        "detail": {},
    })
    .to_string()
    .into_bytes()
}
