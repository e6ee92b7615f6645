//! Amazon API Gateway, an HTTP API with payload format 2.0, in front of a function's real processes.
//!
//! What an event looks like is taken from events that were captured: of IAM routes from the tests of
//! `swift-aws-lambda-events`. That the path comes decoded, and cut at a `?` that was encoded, is what live captures showed
//! (middleapi/standard-server pull request 93); the headers of a signed request come along, its session token as well.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use crate::directory::{Caller, Directory};
use crate::http::{Answer as Got, Request, Response, Server, ask};
use crate::lambda::Answer;
use crate::pool::{self, Pool, THROTTLED, fresh_id};
use crate::process::PATIENCE;
use crate::sigv4::{Key, Purpose, sign, verify};
use crate::wire::{decoded, now, pairs};

/// The address that requests seem to come from.
pub const SOURCE_IP: &str = "198.51.100.7";
/// The largest body that API Gateway takes.
pub const LARGEST_BODY: usize = 10 * 1024 * 1024;

const SERVICE: &str = "execute-api";
const API: &str = "a1b2c3d4e5";

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// Everybody.
    Open,
    /// Whoever signs with an access key that the directory knows: `AWS_IAM`.
    Iam,
}

/// How bodies travel in events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bodies {
    /// Text types and JSON as text, everything else, forms among it, in base64.
    Usual,
    /// As text, unless they are none.
    Text,
    /// In base64.
    Base64,
}

/// An event that the function was given, and what became of it.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// The event.
    pub event: Value,
    /// What the function answered.
    pub answer: Answer,
    /// The status that the client saw.
    pub status: u16,
}

/// An HTTP API in one region.
pub struct Gateway {
    inner: Arc<Inner>,
    address: String,
    /// The server's thread never ends and must not keep the function.
    _function: Pool,
}

struct Inner {
    region: String,
    directory: Directory,
    function: Weak<pool::Inner>,
    routes: Vec<Route>,
    numbers: AtomicUsize,
    state: Mutex<State>,
}

struct Route {
    key: String,
    door: Door,
}

struct State {
    bodies: Bodies,
    exchanges: Vec<Exchange>,
    refused: Vec<String>,
    complaints: Vec<String>,
}

/// Why a request does not get to the function.
struct Refused {
    status: u16,
    message: &'static str,
    why: String,
}

fn refused(status: u16, message: &'static str, why: impl Into<String>) -> Refused {
    Refused {
        status,
        message,
        why: why.into(),
    }
}

impl Gateway {
    /// An API in this region, whose routes look like `POST /v1/requests/{id}/deny`. A route that takes any path is
    /// `$default`.
    pub fn start(
        region: &str,
        directory: &Directory,
        function: &Pool,
        routes: &[(&str, Door)],
    ) -> Self {
        let route = |(key, door): &(&str, Door)| Route {
            key: (*key).to_owned(),
            door: *door,
        };
        let inner = Arc::new(Inner {
            region: region.to_owned(),
            directory: directory.clone(),
            function: function.weak(),
            routes: routes.iter().map(route).collect(),
            numbers: AtomicUsize::new(0),
            state: Mutex::new(State {
                bodies: Bodies::Usual,
                exchanges: Vec::new(),
                refused: Vec::new(),
                complaints: Vec::new(),
            }),
        });
        let for_server = Arc::clone(&inner);
        let server = Server::start(move |request| for_server.answer(request));
        Self {
            inner,
            address: server.address(),
            _function: function.clone(),
        }
    }

    /// `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on bodies travel so.
    pub fn bodies(&self, bodies: Bodies) {
        self.inner.state.lock().unwrap().bodies = bodies;
    }

    /// Every event that the function was given, in the order of the answers.
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.inner.state.lock().unwrap().exchanges.clone()
    }

    /// Why requests did not get to the function, in order.
    pub fn refused(&self) -> Vec<String> {
        self.inner.state.lock().unwrap().refused.clone()
    }

    /// What the function answered that is no answer, or is one only by API Gateway's kindness: empty at the end of a good
    /// test.
    pub fn complaints(&self) -> Vec<String> {
        self.inner.state.lock().unwrap().complaints.clone()
    }

    /// The event that this request would become. Stops the test if it would not become any.
    pub fn event(&self, request: &Request) -> Value {
        let mut request = request.clone();
        if request.header("host").is_none() {
            let host = ("host".to_owned(), self.address.clone());
            request.headers.push(host);
        }
        match self.inner.event(&request) {
            Ok(event) => event,
            Err(refused) => panic!("{} {}: {}", refused.status, refused.message, refused.why),
        }
    }

    /// Gives the function this event, whatever it is, and answers what a client would get.
    pub fn pass(&self, event: &Value) -> Response {
        self.inner.pass(event)
    }

    /// A request that is signed with this access key for this API: send it with [`Gateway::ask`]. With the token, if it is
    /// temporary.
    pub fn signed(&self, access_key: &str, method: &str, path: &str, body: &Value) -> Request {
        let mut request = plain(method, path, body);
        let key = Key {
            id: access_key.to_owned(),
            secret: self
                .inner
                .directory
                .secret_of(access_key)
                .unwrap_or_else(|| "secret".to_owned()),
            token: access_key.starts_with("ASIA").then(|| TOKEN.to_owned()),
        };
        sign(&mut request, &self.address, &key, self.inner.purpose());
        request
    }

    /// Sends a request. It says itself where to and how long the body is.
    pub fn ask(&self, request: &Request) -> Got {
        ask(&self.address, request, PATIENCE).expect("API Gateway answers")
    }

    /// Sends a signed request: status, and body if it is JSON.
    pub fn call(&self, access_key: &str, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let got = self.ask(&self.signed(access_key, method, path, body));
        let body = serde_json::from_slice(&got.body).unwrap_or_default();
        (got.status, body)
    }
}

/// The session token that [`Gateway::signed`] sends with temporary credentials.
pub const TOKEN: &str = "IQoJb3JpZ2luX2VjFAKESESSIONTOKENFAKE";

/// A request that is not signed; without a body if it is null.
pub fn plain(method: &str, path: &str, body: &Value) -> Request {
    let mut request = Request {
        method: method.to_owned(),
        path: path.to_owned(),
        headers: vec![("user-agent".to_owned(), "curl/8.5.0".to_owned())],
        body: Vec::new(),
    };
    if !body.is_null() {
        let json = ("content-type".to_owned(), "application/json".to_owned());
        request.headers.push(json);
        request.body = body.to_string().into_bytes();
    }
    request
}

impl Inner {
    fn purpose(&self) -> Purpose<'_> {
        Purpose {
            service: SERVICE,
            region: &self.region,
            at: now(),
        }
    }

    fn answer(&self, request: &Request) -> Response {
        match self.event(request) {
            Ok(event) => self.pass(&event),
            Err(refused) => {
                let why = format!("{} {}: {}", request.method, request.path, refused.why);
                self.state.lock().unwrap().refused.push(why);
                said(refused.status, refused.message)
            }
        }
    }

    fn event(&self, request: &Request) -> Result<Value, Refused> {
        if request.body.len() > LARGEST_BODY {
            let length = request.body.len();
            let why = format!("a body of {length} bytes");
            return Err(refused(413, "Request Entity Too Large", why));
        }
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        let (route, parameters) = self
            .route(&request.method, path)
            .ok_or_else(|| refused(404, "Not Found", "no such route"))?;
        let caller = match route.door {
            Door::Open => None,
            Door::Iam => Some(self.caller(request)?),
        };
        let path = decoded(path.as_bytes());
        let path = path.split('?').next().unwrap_or("");
        let mut event = json!({
            "version": "2.0",
            "routeKey": route.key,
            "rawPath": path,
            "rawQueryString": query,
            "headers": self.headers(request),
            "requestContext": self.context(request, &route.key, path, caller.as_ref()),
            "isBase64Encoded": false,
        });
        let query = joined(pairs(query.as_bytes()));
        for (name, values) in [
            ("queryStringParameters", query),
            ("pathParameters", parameters),
        ] {
            if !values.is_empty() {
                event[name] = json!(values);
            }
        }
        if !request.body.is_empty() {
            let (body, is_base64) = self.body(request);
            event["body"] = json!(body);
            event["isBase64Encoded"] = json!(is_base64);
        }
        Ok(event)
    }

    /// The first route that fits, with the parameters of its path. A path is cut at its own slashes, and decoded then.
    fn route(&self, method: &str, path: &str) -> Option<(&Route, BTreeMap<String, String>)> {
        self.routes
            .iter()
            .find_map(|route| Some((route, parameters(&route.key, method, path)?)))
    }

    fn caller(&self, request: &Request) -> Result<(String, Caller), Refused> {
        let forbidden = |why: String| refused(403, "Forbidden", why);
        let secret = |access_key: &str| self.directory.secret_of(access_key);
        let scope = verify(request, self.purpose(), secret).map_err(forbidden)?;
        let caller = self.directory.signer(&scope.access_key);
        let caller = caller.ok_or_else(|| forbidden("nobody signs with the access key".into()))?;
        Ok((scope.access_key, caller))
    }

    fn headers(&self, request: &Request) -> BTreeMap<String, String> {
        let number = self.numbers.load(Ordering::SeqCst);
        let ours = [
            ("x-amzn-trace-id", format!("Root=1-00000000-{number:024x}")),
            ("x-forwarded-for", SOURCE_IP.to_owned()),
            ("x-forwarded-port", "443".to_owned()),
            ("x-forwarded-proto", "https".to_owned()),
        ];
        let ours = ours.map(|(name, value)| (name.to_owned(), value));
        let sent = request.headers.iter().cloned();
        let mut headers = joined(sent.chain(ours));
        for of_connection in ["connection", "transfer-encoding", "cookie"] {
            headers.remove(of_connection);
        }
        headers
    }

    fn context(
        &self,
        request: &Request,
        route: &str,
        path: &str,
        caller: Option<&(String, Caller)>,
    ) -> Value {
        let number = self.numbers.fetch_add(1, Ordering::SeqCst) + 1;
        let at = now();
        let mut context = json!({
            "accountId": self.directory.account(),
            "apiId": API,
            "domainName": format!("{API}.{SERVICE}.{}.amazonaws.com", self.region),
            "domainPrefix": API,
            "http": {
                "method": request.method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": SOURCE_IP,
                "userAgent": request.header("user-agent").unwrap_or(""),
            },
            "requestId": format!("FakeRequest{number:04}="),
            "routeKey": route,
            "stage": "$default",
            "time": common_log_time(at),
            "timeEpoch": at,
        });
        if let Some((access_key, caller)) = caller {
            context["authorizer"] = json!({"iam": {
                "accessKey": access_key,
                "accountId": caller.account,
                "callerId": caller.user_id,
                "cognitoIdentity": null,
                "principalOrgId": "aws:PrincipalOrgID",
                "userArn": caller.arn,
                "userId": caller.user_id,
            }});
        }
        context
    }

    fn body(&self, request: &Request) -> (String, bool) {
        let bodies = self.state.lock().unwrap().bodies;
        let kind = request.header("content-type").unwrap_or("text/plain");
        let kind = kind.split(';').next().unwrap_or("").trim();
        let kind = kind.to_ascii_lowercase();
        let is_text = kind.starts_with("text/")
            || ["json", "xml", "javascript"]
                .iter()
                .any(|of| kind.ends_with(of));
        let wants_text = match bodies {
            Bodies::Usual => is_text,
            Bodies::Text => true,
            Bodies::Base64 => false,
        };
        match std::str::from_utf8(&request.body) {
            Ok(text) if wants_text => (text.to_owned(), false),
            _ => (STANDARD.encode(&request.body), true),
        }
    }

    fn pass(&self, event: &Value) -> Response {
        let Some(function) = self.function.upgrade() else {
            return said(503, "Service Unavailable");
        };
        let answer = function.run(&fresh_id(), event.to_string().as_bytes());
        let response = match &answer {
            Answer::Response(text) => self.response(text),
            Answer::Error { kind, .. } if kind == THROTTLED => said(503, "Service Unavailable"),
            Answer::Error { .. } => said(500, "Internal Server Error"),
        };
        self.state.lock().unwrap().exchanges.push(Exchange {
            event: event.clone(),
            answer,
            status: response.status,
        });
        response
    }

    fn response(&self, text: &str) -> Response {
        let complain = |what: &str| {
            let complaint = format!("{what}: {text}");
            self.state.lock().unwrap().complaints.push(complaint);
        };
        let Ok(answer) = serde_json::from_str::<Value>(text) else {
            complain("an answer that is no JSON");
            return said(500, "Internal Server Error");
        };
        if answer.get("statusCode").is_none() {
            // "If your function doesn't return a statusCode, API Gateway assumes 200 and that all of it is the body".
            complain("an answer without a statusCode");
            let mut response = Response::new(200, text);
            let kind = ("content-type".into(), "application/json".to_owned());
            response.headers.push(kind);
            return response;
        }
        read(&answer).unwrap_or_else(|| {
            complain("an answer that is malformed");
            said(500, "Internal Server Error")
        })
    }
}

/// The response that an answer with a status stands for.
fn read(answer: &Value) -> Option<Response> {
    let status = u16::try_from(answer["statusCode"].as_u64()?).ok()?;
    let body = match &answer["body"] {
        Value::Null => Vec::new(),
        Value::String(text) if answer["isBase64Encoded"] == true => STANDARD.decode(text).ok()?,
        Value::String(text) => text.clone().into_bytes(),
        _ => return None,
    };
    let mut response = Response::new(status, body);
    let none = Map::new();
    let headers = match &answer["headers"] {
        Value::Null => &none,
        headers => headers.as_object()?,
    };
    for (name, value) in headers {
        let value = match value {
            Value::String(text) => text.clone(),
            Value::Number(_) | Value::Bool(_) => value.to_string(),
            _ => return None,
        };
        let name = name.to_ascii_lowercase();
        if name != "content-length" && name != "connection" {
            response.headers.push((name.into(), value));
        }
    }
    if !response
        .headers
        .iter()
        .any(|(name, _)| name == "content-type")
    {
        let kind = "text/plain;charset=UTF-8".to_owned();
        response.headers.push(("content-type".into(), kind));
    }
    (100..600).contains(&status).then_some(response)
}

fn said(status: u16, message: &str) -> Response {
    let mut response = Response::new(status, json!({"message": message}).to_string());
    let kind = ("content-type".into(), "application/json".to_owned());
    response.headers.push(kind);
    response
}

/// "Duplicate headers are combined with commas", and so are duplicate parameters of a query (developer guide).
fn joined(pairs: impl IntoIterator<Item = (String, String)>) -> BTreeMap<String, String> {
    let mut all: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in pairs {
        all.entry(name)
            .and_modify(|before| *before = format!("{before},{value}"))
            .or_insert(value);
    }
    all
}

fn parameters(key: &str, method: &str, path: &str) -> Option<BTreeMap<String, String>> {
    if key == "$default" {
        return Some(BTreeMap::new());
    }
    let (of_route, route) = key.split_once(' ')?;
    if of_route != "ANY" && of_route != method {
        return None;
    }
    let (route, path): (Vec<_>, Vec<_>) = (route.split('/').collect(), path.split('/').collect());
    if route.len() != path.len() {
        return None;
    }
    let mut found = BTreeMap::new();
    for (wanted, part) in route.into_iter().zip(path) {
        match wanted
            .strip_prefix('{')
            .and_then(|name| name.strip_suffix('}'))
        {
            Some(name) if !part.is_empty() => {
                found.insert(name.to_owned(), decoded(part.as_bytes()));
            }
            None if wanted == part => {}
            _ => return None,
        }
    }
    Some(found)
}

/// `12/Mar/2020:19:03:58 +0000`.
fn common_log_time(at: i64) -> String {
    let at = OffsetDateTime::from_unix_timestamp(at.div_euclid(1000));
    let at = at.expect("a time within range");
    let month = at.month().to_string();
    format!(
        "{:02}/{}/{}:{:02}:{:02}:{:02} +0000",
        at.day(),
        &month[..3],
        at.year(),
        at.hour(),
        at.minute(),
        at.second()
    )
}

#[cfg(test)]
mod tests {
    use super::{common_log_time, parameters};
    use crate::wire::instant;

    #[test]
    fn a_time_is_written_as_web_servers_do() {
        assert_eq!(
            common_log_time(instant("2026-03-01T09:05:07Z")),
            "01/Mar/2026:09:05:07 +0000"
        );
    }

    #[test]
    fn a_route_fits_by_its_own_slashes() {
        let fits = |key: &str, path: &str| {
            let found = parameters(key, "GET", path)?;
            Some(found.values().cloned().collect::<Vec<_>>().join(" "))
        };
        let route = "GET /v1/requests/{id}";
        assert_eq!(fits(route, "/v1/requests/a"), Some("a".to_owned()));
        assert_eq!(fits(route, "/v1/requests/a%2Fb"), Some("a/b".to_owned()));
        assert_eq!(fits("$default", "/any/thing"), Some(String::new()));
        for path in [
            "/v1/requests",
            "/v1/requests/",
            "/v1/requests/a/b",
            "/v2/requests/a",
        ] {
            assert_eq!(fits(route, path), None, "{path}");
        }
        assert_eq!(fits("POST /v1/requests/{id}", "/v1/requests/a"), None);
    }
}
