//! Amazon `CloudWatch` Logs (JSON 1.1, 2014-03-28): log groups, subscription filters, and Logs Insights queries whose rows
//! a test makes.

mod query;

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use self::query::Running;
use crate::directory::Directory;
use crate::http::{Request, Response, Server};
use crate::json::{answer, call, number, only, page, refuse};
use crate::record::{Answer, Asked, Call, Desk, Record, Refusal, Service};
use crate::wire::{instant, now};

/// A log group and its subscription filters.
#[derive(Debug, Clone)]
pub struct LogGroup {
    name: String,
    class: String,
    retention: Option<u32>,
    created_at: i64,
    stored_bytes: u64,
    filters: Vec<Value>,
}

impl LogGroup {
    /// A standard group of the year 2026 that keeps its events for ever.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            class: "STANDARD".to_owned(),
            retention: None,
            created_at: instant("2026-01-01T00:00:00Z"),
            stored_bytes: 1_000_000,
            filters: Vec::new(),
        }
    }

    /// `STANDARD`, `INFREQUENT_ACCESS` or `DELIVERY`.
    #[must_use]
    pub fn class(mut self, class: &str) -> Self {
        class.clone_into(&mut self.class);
        self
    }

    /// Keeps events for so many days.
    #[must_use]
    pub fn retention(mut self, days: u32) -> Self {
        self.retention = Some(days);
        self
    }

    /// Created at a time like `2026-03-01T10:00:00Z`.
    #[must_use]
    pub fn created_at(mut self, time: &str) -> Self {
        self.created_at = instant(time);
        self
    }

    /// Holds so many bytes.
    #[must_use]
    pub fn stored_bytes(mut self, bytes: u64) -> Self {
        self.stored_bytes = bytes;
        self
    }

    /// With a subscription filter. A group has room for two (quota "Subscription filters per log group").
    #[must_use]
    pub fn filter(mut self, name: &str, pattern: &str, destination: &str) -> Self {
        assert!(
            self.filters.len() < 2,
            "a log group has two filters at most"
        );
        self.filters.push(json!({
            "filterName": name,
            "logGroupName": self.name,
            "filterPattern": pattern,
            "destinationArn": destination,
            "distribution": "ByLogStream",
            "applyOnTransformedLogs": false,
            "creationTime": self.created_at,
        }));
        self
    }
}

/// A query as it was started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// `query-1` is the first.
    pub id: String,
    /// The text.
    pub text: String,
    /// The names of the groups.
    pub groups: Vec<String>,
    /// Seconds since 1970.
    pub from: i64,
    /// Seconds since 1970.
    pub until: i64,
    /// The most rows it wants.
    pub limit: usize,
}

/// One row: fields and values.
pub type Row = Vec<(String, String)>;

/// How a query ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// `Complete`, with these rows.
    Complete(Vec<Row>),
    /// `Failed`, `Timeout` or `Cancelled`.
    Other(&'static str),
    /// It never ends.
    Never,
}

type Rows = Arc<dyn Fn(&Query) -> Ending + Send + Sync>;

/// `CloudWatch` Logs of one region of one account.
#[derive(Clone)]
pub struct Logs {
    inner: Arc<Inner>,
}

struct Inner {
    region: String,
    directory: Directory,
    desk: Desk,
    state: Mutex<State>,
}

struct State {
    groups: Vec<LogGroup>,
    rows: Rows,
    queries: Vec<Running>,
    polls: usize,
    page: Option<usize>,
}

impl Logs {
    /// No groups; every query completes at the second look and finds nothing.
    pub fn new(region: &str, directory: &Directory, record: &Record) -> Self {
        Self {
            inner: Arc::new(Inner {
                region: region.to_owned(),
                directory: directory.clone(),
                desk: Desk::new(record.clone()),
                state: Mutex::new(State {
                    groups: Vec::new(),
                    rows: Arc::new(|_: &Query| Ending::Complete(Vec::new())),
                    queries: Vec::new(),
                    polls: 1,
                    page: None,
                }),
            }),
        }
    }

    /// The same on a port of its own; also gives the value of `AWS_ENDPOINT_URL_CLOUDWATCH_LOGS`.
    pub fn start(region: &str, directory: &Directory) -> (Self, String) {
        let logs = Self::new(region, directory, &Record::default());
        let for_server = logs.clone();
        let server = Server::start(move |request| for_server.answer(request));
        (logs, format!("http://{}", server.address()))
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

    /// Adds a group, or puts it in place of the one of the same name.
    pub fn group(&self, group: LogGroup) {
        let mut state = self.inner.state.lock().unwrap();
        state.groups.retain(|other| other.name != group.name);
        state.groups.push(group);
        state.groups.sort_by(|a, b| a.name.cmp(&b.name));
    }

    /// Says how queries end.
    pub fn results(&self, rows: impl Fn(&Query) -> Ending + Send + Sync + 'static) {
        self.inner.state.lock().unwrap().rows = Arc::new(rows);
    }

    /// A query is not at its end until `GetQueryResults` was asked so many times: `Scheduled` once, then `Running`.
    pub fn polls(&self, polls: usize) {
        self.inner.state.lock().unwrap().polls = polls;
    }

    /// No more than so many groups or filters at once.
    pub fn page(&self, most: usize) {
        self.inner.state.lock().unwrap().page = Some(most);
    }

    /// All queries that were started.
    pub fn queries(&self) -> Vec<Query> {
        let state = self.inner.state.lock().unwrap();
        state.queries.iter().map(|q| q.query.clone()).collect()
    }

    /// Queries that were neither stopped nor came to an end that somebody saw.
    pub fn left_running(&self) -> Vec<String> {
        let state = self.inner.state.lock().unwrap();
        let running = state.queries.iter().filter(|q| !q.over);
        running.map(|q| q.query.id.clone()).collect()
    }
}

fn invalid(words: impl Into<String>) -> Refusal {
    Refusal::new(400, "InvalidParameterException", words)
}

impl Service for Inner {
    const PREFIX: &'static str = "logs";
    const SIGNED_AS: &'static str = "logs";

    fn call(&self, request: &Request) -> Result<Call, Refusal> {
        call(
            request,
            "Logs_20140328",
            &[
                "DescribeLogGroups",
                "DescribeSubscriptionFilters",
                "StartQuery",
                "GetQueryResults",
                "StopQuery",
            ],
        )
    }

    fn serves(&self, region: &str) -> bool {
        region == self.region
    }

    fn denied(&self, asked: &Asked) -> Refusal {
        let group = match asked.operation.as_str() {
            "DescribeLogGroups" => "",
            "DescribeSubscriptionFilters" => asked.get("logGroupName"),
            "StartQuery" => match asked.get("logGroupName") {
                "" => asked
                    .input
                    .get("logGroupNames")
                    .and_then(|names| names[0].as_str())
                    .unwrap_or(""),
                name => name,
            },
            _ => "*",
        };
        let resource = format!("{}:log-stream:", self.group_arn(group));
        let words = self
            .directory
            .not_authorized(&asked.access_key, &asked.action(), &resource);
        Refusal::new(400, "AccessDeniedException", words)
    }

    fn throttled(&self) -> Refusal {
        Refusal::new(400, "ThrottlingException", "Rate exceeded")
    }

    fn failure(&self) -> Refusal {
        Refusal::new(500, "ServiceUnavailableException", "Logs are unwell")
    }

    fn act(&self, asked: &Asked) -> Result<Response, Refusal> {
        let mut state = self.state.lock().unwrap();
        let body = match asked.operation.as_str() {
            "DescribeLogGroups" => self.describe_groups(&state, asked)?,
            "DescribeSubscriptionFilters" => self.describe_filters(&state, asked)?,
            "StartQuery" => self.start(&mut state, asked)?,
            "GetQueryResults" => query::results(&mut state.queries, asked)?,
            _ => query::stop(&mut state.queries, asked)?,
        };
        Ok(answer(&body))
    }

    fn refuse(&self, refusal: &Refusal) -> Response {
        refuse(refusal)
    }
}

impl Inner {
    fn group_arn(&self, name: &str) -> String {
        format!(
            "arn:{}:logs:{}:{}:log-group:{name}",
            self.directory.partition(),
            self.region,
            self.directory.account()
        )
    }

    fn find<'a>(&self, state: &'a State, name: &str) -> Result<&'a LogGroup, Refusal> {
        // `LogGroupName` of the model.
        let fits = |b: u8| b.is_ascii_alphanumeric() || b".-_/#".contains(&b);
        if !(1..=512).contains(&name.len()) || !name.bytes().all(fits) {
            return Err(invalid(format!("`{name}` is no name of a log group")).broken());
        }
        state.groups.iter().find(|g| g.name == name).ok_or_else(|| {
            let words = match self.directory.account() {
                account if name.starts_with("/aws/") => {
                    format!("Log group '{name}' does not exist for account ID '{account}'")
                }
                _ => "The specified log group does not exist.".to_owned(),
            };
            Refusal::new(400, "ResourceNotFoundException", words)
        })
    }

    fn listed(
        &self,
        state: &State,
        asked: &Asked,
        name: &str,
        items: &[Value],
    ) -> Result<Value, Refusal> {
        let size = number(&asked.input, "limit", (1, 50), 50).map_err(|w| invalid(w).broken())?;
        let size = state.page.map_or(size, |most| most.min(size));
        let mut question = asked.input.clone();
        question.remove("nextToken");
        let question = format!("{}{}", self.region, Value::Object(question));
        let token = asked.input.get("nextToken").and_then(Value::as_str);
        let page = page(items, &question, token, size)
            .ok_or_else(|| invalid("The specified nextToken is invalid.").broken())?;
        let mut body = json!({name: page.items});
        if let Some(token) = page.token {
            body["nextToken"] = json!(token);
        }
        Ok(body)
    }

    fn describe_groups(&self, state: &State, asked: &Asked) -> Result<Value, Refusal> {
        only(
            &asked.input,
            &[
                "logGroupNamePrefix",
                "logGroupNamePattern",
                "logGroupClass",
                "nextToken",
                "limit",
            ],
        )?;
        let (prefix, pattern) = (
            asked.get("logGroupNamePrefix"),
            asked.get("logGroupNamePattern"),
        );
        // "logGroupNamePattern and logGroupNamePrefix are mutually exclusive."
        if !prefix.is_empty() && !pattern.is_empty() {
            let words =
                "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.";
            return Err(invalid(words).broken());
        }
        let class = asked.get("logGroupClass");
        let groups: Vec<_> = state
            .groups
            .iter()
            .filter(|group| group.name.starts_with(prefix))
            .filter(|group| {
                let (name, pattern) = (&group.name, pattern);
                name.to_lowercase().contains(&pattern.to_lowercase())
            })
            .filter(|group| class.is_empty() || group.class == class)
            .map(|group| {
                let arn = self.group_arn(&group.name);
                let mut described = json!({
                    "logGroupName": group.name,
                    "creationTime": group.created_at,
                    "metricFilterCount": 0,
                    "arn": format!("{arn}:*"),
                    "logGroupArn": arn,
                    "storedBytes": group.stored_bytes,
                    "logGroupClass": group.class,
                });
                if let Some(days) = group.retention {
                    described["retentionInDays"] = json!(days);
                }
                described
            })
            .collect();
        self.listed(state, asked, "logGroups", &groups)
    }

    fn describe_filters(&self, state: &State, asked: &Asked) -> Result<Value, Refusal> {
        only(
            &asked.input,
            &["logGroupName", "filterNamePrefix", "nextToken", "limit"],
        )?;
        let prefix = asked.get("filterNamePrefix");
        let group = self.find(state, asked.get("logGroupName"))?;
        let filters: Vec<_> = group
            .filters
            .iter()
            .filter(|filter| {
                filter["filterName"]
                    .as_str()
                    .unwrap_or("")
                    .starts_with(prefix)
            })
            .cloned()
            .collect();
        self.listed(state, asked, "subscriptionFilters", &filters)
    }

    fn start(&self, state: &mut State, asked: &Asked) -> Result<Value, Refusal> {
        let mut started = query::read(asked)?;
        for name in &started.groups {
            let group = self.find(state, name)?;
            let kept = group
                .retention
                .map(|days| now() - i64::from(days) * 86_400_000);
            let oldest = kept.map_or(group.created_at, |kept| kept.max(group.created_at));
            if started.until * 1000 < oldest {
                let words = "Query's end date and time is either before the log groups creation time or exceeds the \
                             log groups log retention settings";
                return Err(Refusal::new(400, "MalformedQueryException", words));
            }
        }
        started.id = format!("query-{}", state.queries.len() + 1);
        let ending = (state.rows)(&started);
        let id = started.id.clone();
        state.queries.push(Running {
            query: started,
            ending,
            polls: state.polls,
            asked: 0,
            over: false,
        });
        Ok(json!({"queryId": id}))
    }
}

#[cfg(test)]
mod tests;
