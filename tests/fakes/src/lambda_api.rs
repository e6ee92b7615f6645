//! AWS Lambda's own API (rest-json, 2015-03-31), of functions that are deployed: `GetFunction`, `GetFunctionConfiguration`
//! and `GetPolicy`.

use std::sync::{Arc, Mutex};

use serde_json::{Map, Value, json};

use crate::directory::Directory;
use crate::http::{Request, Response, Server};
use crate::record::{Answer, Asked, Call, Desk, Record, Refusal, Service};
use crate::wire::decoded;

/// The functions of one region of one account.
#[derive(Clone)]
pub struct LambdaApi {
    inner: Arc<Inner>,
}

struct Inner {
    region: String,
    directory: Directory,
    desk: Desk,
    functions: Mutex<Vec<(String, Value, Option<Value>)>>,
}

impl LambdaApi {
    /// No functions.
    pub fn new(region: &str, directory: &Directory, record: &Record) -> Self {
        Self {
            inner: Arc::new(Inner {
                region: region.to_owned(),
                directory: directory.clone(),
                desk: Desk::new(record.clone()),
                functions: Mutex::default(),
            }),
        }
    }

    /// The same on a port of its own; also gives the value of `AWS_ENDPOINT_URL_LAMBDA`.
    pub fn start(region: &str, directory: &Directory) -> (Self, String) {
        let api = Self::new(region, directory, &Record::default());
        let for_server = api.clone();
        let server = Server::start(move |request| for_server.answer(request));
        (api, format!("http://{}", server.address()))
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

    /// Deploys a function with these variables; `fields` are further fields of its configuration (`State`, …). `policy` is
    /// its resource policy, if it has one.
    pub fn function(
        &self,
        name: &str,
        variables: &[(&str, &str)],
        fields: &Value,
        policy: Option<Value>,
    ) {
        let variables: Map<_, _> = variables
            .iter()
            .map(|(key, value)| ((*key).to_owned(), json!(value)))
            .collect();
        let mut configuration = json!({
            "FunctionName": name,
            "FunctionArn": self.inner.arn(name),
            "Runtime": "provided.al2023",
            "Handler": "bootstrap",
            "Role": format!(
                "arn:{}:iam::{}:role/{name}",
                self.inner.directory.partition(),
                self.inner.directory.account()
            ),
            "Timeout": 60,
            "MemorySize": 128,
            "Version": "$LATEST",
            "LastModified": "2026-01-01T00:00:00.000+0000",
            "State": "Active",
            "LastUpdateStatus": "Successful",
            "PackageType": "Zip",
            "Architectures": ["arm64"],
            "Environment": {"Variables": variables},
        });
        for (key, value) in fields.as_object().into_iter().flatten() {
            configuration[key] = value.clone();
        }
        let mut functions = self.inner.functions.lock().unwrap();
        functions.retain(|(other, _, _)| other != name);
        functions.push((name.to_owned(), configuration, policy));
    }
}

impl Inner {
    fn arn(&self, name: &str) -> String {
        format!(
            "arn:{}:lambda:{}:{}:function:{name}",
            self.directory.partition(),
            self.region,
            self.directory.account()
        )
    }
}

/// The name in a name, a whole ARN or a partial one (API reference, `FunctionName`).
fn name(text: &str) -> &str {
    text.rsplit_once("function:").map_or(text, |(_, name)| name)
}

impl Service for Inner {
    const PREFIX: &'static str = "lambda";
    const SIGNED_AS: &'static str = "lambda";

    fn call(&self, request: &Request) -> Result<Call, Refusal> {
        let path = request.path.split('?').next().unwrap_or("");
        let parts: Vec<_> = path.split('/').collect();
        let operation = match (request.method.as_str(), parts.as_slice()) {
            ("GET", ["", "2015-03-31", "functions", _]) => "GetFunction",
            ("GET", ["", "2015-03-31", "functions", _, "configuration"]) => {
                "GetFunctionConfiguration"
            }
            ("GET", ["", "2015-03-31", "functions", _, "policy"]) => "GetPolicy",
            _ => {
                let words = "the fake has no such operation";
                return Err(Refusal::new(404, "UnknownOperationException", words));
            }
        };
        let name = decoded(parts[3].as_bytes());
        Ok(Call {
            operation: operation.to_owned(),
            input: Map::from_iter([("FunctionName".to_owned(), Value::String(name))]),
        })
    }

    fn serves(&self, region: &str) -> bool {
        region == self.region
    }

    fn denied(&self, asked: &Asked) -> Refusal {
        let arn = self.arn(name(asked.get("FunctionName")));
        let words = self
            .directory
            .not_authorized(&asked.access_key, &asked.action(), &arn);
        Refusal::new(403, "AccessDeniedException", words)
    }

    fn throttled(&self) -> Refusal {
        Refusal::new(429, "TooManyRequestsException", "Rate exceeded")
    }

    fn failure(&self) -> Refusal {
        Refusal::new(500, "ServiceException", "Lambda is unwell")
    }

    fn act(&self, asked: &Asked) -> Result<Response, Refusal> {
        let wanted = name(asked.get("FunctionName"));
        // `FunctionName` of the model.
        let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if !(1..=64).contains(&wanted.len()) || !wanted.bytes().all(fits) {
            let words = format!("1 validation error detected: Value '{wanted}' at 'functionName'");
            return Err(Refusal::new(400, "ValidationException", words).broken());
        }
        let functions = self.functions.lock().unwrap();
        let found = functions.iter().find(|(name, _, _)| name == wanted);
        let (_, configuration, policy) = found.ok_or_else(|| {
            let words = format!("Function not found: {}", self.arn(wanted));
            Refusal::new(404, "ResourceNotFoundException", words)
        })?;
        let body = match asked.operation.as_str() {
            "GetFunctionConfiguration" => configuration.clone(),
            "GetFunction" => json!({"Configuration": configuration, "Tags": {}}),
            _ => {
                let policy = policy.as_ref().ok_or_else(|| {
                    let words = "The resource you requested does not exist.";
                    Refusal::new(404, "ResourceNotFoundException", words)
                })?;
                json!({"Policy": policy.to_string(), "RevisionId": "1"})
            }
        };
        Ok(Response {
            status: 200,
            headers: vec![("content-type", "application/json".to_owned())],
            body: body.to_string().into_bytes(),
        })
    }

    /// Lambda spells `Message` with a capital where other services do not.
    fn refuse(&self, refusal: &Refusal) -> Response {
        Response {
            status: refusal.status,
            headers: vec![
                ("content-type", "application/json".to_owned()),
                ("x-amzn-errortype", refusal.code.to_owned()),
            ],
            body: json!({"Type": "User", "Message": refusal.message})
                .to_string()
                .into_bytes(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::LambdaApi;
    use crate::directory::Directory;
    use crate::http::{Request, ask};

    #[test]
    fn a_function_is_found_by_name_and_by_arn() {
        let (api, endpoint) = LambdaApi::start("eu-west-1", &Directory::new("aws", "111122223333"));
        api.function(
            "responder",
            &[("TOPIC", "t")],
            &json!({"State": "Inactive"}),
            None,
        );
        let get = |name: &str, rest: &str| {
            let request = Request {
                method: "GET".to_owned(),
                path: format!("/2015-03-31/functions/{name}{rest}"),
                headers: vec![(
                    "authorization".to_owned(),
                    "AWS4-HMAC-SHA256 Credential=AKID/20260301/eu-west-1/lambda/aws4_request, SignedHeaders=host, \
                     Signature=0"
                        .to_owned(),
                )],
                body: Vec::new(),
            };
            let address = endpoint.replace("http://", "");
            let answer = ask(&address, &request, Duration::from_secs(10)).unwrap();
            serde_json::from_slice::<Value>(&answer.body).unwrap()
        };
        let arn = "arn%3Aaws%3Alambda%3Aeu-west-1%3A111122223333%3Afunction%3Aresponder";
        assert_eq!(
            get(arn, "/configuration")["Environment"]["Variables"]["TOPIC"],
            "t"
        );
        assert_eq!(get("responder", "")["Configuration"]["State"], "Inactive");
        assert_eq!(
            get("responder", "/policy")["Message"],
            "The resource you requested does not exist."
        );
        let missing = "Function not found: arn:aws:lambda:eu-west-1:111122223333:function:none";
        assert_eq!(get("none", "/configuration")["Message"], missing);
        assert_eq!(api.record().broken_rules(), Vec::<String>::new());
    }
}
