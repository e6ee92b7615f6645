//! AWS STS: `GetCallerIdentity` and `AssumeRole` (query protocol, 2011-06-15), by access key.

use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::directory::{Caller, Directory, Kind};
use crate::http::{Request, Response, Server};
use crate::iam::{query_call, query_error, query_result};
use crate::record::{Answer, Asked, Call, Desk, Record, Refusal, Service};
use crate::wire::{iso, now, xml};

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// STS of one region, over a directory.
#[derive(Clone)]
pub struct Sts {
    inner: Arc<Inner>,
}

struct Inner {
    region: String,
    directory: Directory,
    desk: Desk,
    sessions: Mutex<u64>,
}

impl Sts {
    /// STS. Who signs with which access key says [`Directory::signs_with`]; a key nobody knows is refused.
    pub fn new(region: &str, directory: &Directory, record: &Record) -> Self {
        Self {
            inner: Arc::new(Inner {
                region: region.to_owned(),
                directory: directory.clone(),
                desk: Desk::new(record.clone()),
                sessions: Mutex::default(),
            }),
        }
    }

    /// The same on a port of its own; also gives the value of `AWS_ENDPOINT_URL_STS`.
    pub fn start(region: &str, directory: &Directory) -> (Self, String) {
        let sts = Self::new(region, directory, &Record::default());
        let for_server = sts.clone();
        let server = Server::start(move |request| for_server.answer(request));
        (sts, format!("http://{}", server.address()))
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
}

impl Service for Inner {
    const PREFIX: &'static str = "sts";
    const SIGNED_AS: &'static str = "sts";

    fn call(&self, request: &Request) -> Result<Call, Refusal> {
        query_call(request, "2011-06-15", &["GetCallerIdentity", "AssumeRole"])
    }

    fn serves(&self, region: &str) -> bool {
        region == self.region
    }

    /// `GetCallerIdentity` cannot be denied by any policy (API reference); who plans it gets it all the same.
    fn denied(&self, asked: &Asked) -> Refusal {
        let resource = match asked.operation.as_str() {
            "AssumeRole" => asked.get("RoleArn"),
            _ => "*",
        };
        denied(
            &self.directory.caller(&asked.access_key),
            &asked.action(),
            resource,
        )
    }

    fn throttled(&self) -> Refusal {
        Refusal::new(400, "Throttling", "Rate exceeded")
    }

    fn failure(&self) -> Refusal {
        Refusal::new(500, "InternalFailure", "STS is unwell")
    }

    fn act(&self, asked: &Asked) -> Result<Response, Refusal> {
        let caller = self.directory.signer(&asked.access_key).ok_or_else(|| {
            let words = "The security token included in the request is invalid.";
            Refusal::new(403, "InvalidClientTokenId", words)
        })?;
        let result = match asked.operation.as_str() {
            "GetCallerIdentity" => format!(
                "<Arn>{}</Arn><UserId>{}</UserId><Account>{}</Account>",
                xml(&caller.arn),
                xml(&caller.user_id),
                caller.account
            ),
            _ => self.assume(asked, &caller)?,
        };
        Ok(query_result(NAMESPACE, &asked.operation, &result))
    }

    fn refuse(&self, refusal: &Refusal) -> Response {
        query_error(NAMESPACE, refusal)
    }
}

/// What STS says of a role that does not exist or does not trust the caller: the same.
fn denied(caller: &Caller, action: &str, resource: &str) -> Refusal {
    let words = format!(
        "User: {} is not authorized to perform: {action} on resource: {resource}",
        caller.arn
    );
    Refusal::new(403, "AccessDenied", words)
}

impl Inner {
    fn assume(&self, asked: &Asked, caller: &Caller) -> Result<String, Refusal> {
        let (arn, session) = (asked.get("RoleArn"), asked.get("RoleSessionName"));
        let fits = |b: u8| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b);
        if !(2..=64).contains(&session.len()) || !session.bytes().all(fits) {
            let words = format!(
                "1 validation error detected: Value '{session}' at 'roleSessionName' failed to satisfy constraint: \
                 Member must satisfy regular expression pattern: [\\w+=,.@-]*"
            );
            return Err(Refusal::new(400, "ValidationError", words).broken());
        }
        let seconds: i64 = match asked.get("DurationSeconds") {
            "" => 3600,
            text => text.parse().unwrap_or(0),
        };
        // "Role chaining limits your session to a maximum of one hour" (user guide).
        let chained = caller.arn.contains(":assumed-role/");
        if !(900..=43_200).contains(&seconds) || (chained && seconds > 3600) {
            let words = if chained {
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"
            } else {
                "The requested DurationSeconds is outside of 900 to 43200"
            };
            return Err(Refusal::new(400, "ValidationError", words).broken());
        }
        let role = self.directory.find(arn).filter(|p| p.kind == Kind::Role);
        let role = role.ok_or_else(|| denied(caller, &asked.action(), arn))?;
        if !trusts(&role.trust, caller) {
            return Err(denied(caller, &asked.action(), arn));
        }
        let number = {
            let mut sessions = self.sessions.lock().unwrap();
            *sessions += 1;
            *sessions
        };
        let key = format!("ASIAFAKESESSION{number:05}");
        let session = self.directory.signs_with(&key, arn, session);
        Ok(format!(
            "<AssumedRoleUser><AssumedRoleId>{}</AssumedRoleId><Arn>{}</Arn></AssumedRoleUser><Credentials>\
             <AccessKeyId>{key}</AccessKeyId><SecretAccessKey>secret-{number}</SecretAccessKey><SessionToken>\
             session-{number}</SessionToken><Expiration>{}</Expiration></Credentials>",
            xml(&session.user_id),
            xml(&session.arn),
            iso(now() + seconds * 1000)
        ))
    }
}

/// Whether a trust policy names the caller: its account, its role, its user or everybody. Conditions are not read.
fn trusts(policy: &Value, caller: &Caller) -> bool {
    let listed = |value: &Value, wanted: &dyn Fn(&str) -> bool| match value {
        Value::String(one) => wanted(one),
        Value::Array(many) => many.iter().filter_map(Value::as_str).any(wanted),
        _ => false,
    };
    let role = caller.arn.split(":assumed-role/").nth(1);
    let role = role.and_then(|rest| rest.split('/').next());
    let is_caller = |name: &str| {
        let of_account = name.contains(&format!("::{}:", caller.account));
        name == "*"
            || name == caller.account
            || name == caller.arn
            || of_account && name.ends_with(":root")
            || of_account
                && name.contains(":role/")
                && role.is_some_and(|role| name.rsplit('/').next() == Some(role))
    };
    let allows = |statement: &Value| {
        statement["Effect"] == "Allow"
            && listed(&statement["Action"], &|action| {
                action == "sts:AssumeRole" || action == "sts:*"
            })
            && (listed(&statement["Principal"]["AWS"], &is_caller)
                || listed(&statement["Principal"], &is_caller))
    };
    match &policy["Statement"] {
        Value::Array(statements) => statements.iter().any(allows),
        one => allows(one),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::Sts;
    use crate::directory::{Directory, Principal};
    use crate::http::{Request, ask};

    #[test]
    fn a_key_is_whom_the_directory_says_and_can_become_a_role_that_trusts_it() {
        let directory = Directory::new("aws", "111122223333");
        let alice = directory.user("/people/", "alice");
        let admin = directory.role("/", "Admin");
        let closed = directory.add(Principal::role("/", "Closed").trust(json!({"Statement": []})));
        directory.signs_with("AKIAALICE", &alice.arn, "");
        let (sts, endpoint) = Sts::start("eu-west-1", &directory);
        let post = |key: &str, body: String| {
            let request = Request {
                method: "POST".to_owned(),
                path: "/".to_owned(),
                headers: vec![(
                    "authorization".to_owned(),
                    format!(
                        "AWS4-HMAC-SHA256 Credential={key}/20260301/eu-west-1/sts/aws4_request, SignedHeaders=host, \
                         Signature=0"
                    ),
                )],
                body: body.into_bytes(),
            };
            let answer = ask(
                &endpoint.replace("http://", ""),
                &request,
                Duration::from_secs(10),
            )
            .unwrap();
            (answer.status, String::from_utf8(answer.body).unwrap())
        };
        let who = |key: &str| {
            post(
                key,
                "Action=GetCallerIdentity&Version=2011-06-15".to_owned(),
            )
        };
        let become_ = |key: &str, arn: &str| {
            let body =
                format!("Action=AssumeRole&Version=2011-06-15&RoleArn={arn}&RoleSessionName=me");
            post(key, body)
        };
        assert!(
            who("AKIAALICE")
                .1
                .contains(&format!("<Arn>{}</Arn>", alice.arn))
        );
        assert_eq!(who("AKIAOTHER").0, 403);
        assert!(
            become_("AKIAALICE", &admin.arn)
                .1
                .contains("<AccessKeyId>ASIAFAKESESSION00001<")
        );
        assert!(
            who("ASIAFAKESESSION00001")
                .1
                .contains("assumed-role/Admin/me")
        );
        let (status, body) = become_("AKIAALICE", &closed.arn);
        assert_eq!(status, 403);
        assert!(body.contains("is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/Closed"));
        assert_eq!(sts.record().broken_rules(), Vec::<String>::new());
    }
}
