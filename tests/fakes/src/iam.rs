//! AWS IAM as far as it says who a principal is: `GetRole`, `GetUser`, `ListAttachedRolePolicies` (query protocol,
//! 2010-05-08), of the own account only.
//!
//! A name is found whatever its case, and answered in the case it was created with: "Names are not distinguished by
//! case" (API reference of `CreateRole`). That a lookup follows the same rule is not documented, so a client must not
//! rely on it: it has to compare the name of the answer.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::directory::{Directory, Kind, Principal};
use crate::http::{Request, Response, Server};
use crate::record::{Answer, Asked, Call, Desk, Record, Refusal, Service};
use crate::wire::{encoded, form, xml};

const NAMESPACE: &str = "https://iam.amazonaws.com/doc/2010-05-08/";
const VERSION: &str = "2010-05-08";

/// AWS IAM over a directory.
#[derive(Clone)]
pub struct Iam {
    inner: Arc<Inner>,
}

struct Inner {
    region: String,
    directory: Directory,
    desk: Desk,
}

impl Iam {
    /// IAM for clients that live in this region.
    pub fn new(region: &str, directory: &Directory, record: &Record) -> Self {
        Self {
            inner: Arc::new(Inner {
                region: region.to_owned(),
                directory: directory.clone(),
                desk: Desk::new(record.clone()),
            }),
        }
    }

    /// The same on a port of its own; also gives the value of `AWS_ENDPOINT_URL_IAM`.
    pub fn start(region: &str, directory: &Directory) -> (Self, String) {
        let iam = Self::new(region, directory, &Record::default());
        let for_server = iam.clone();
        let server = Server::start(move |request| for_server.answer(request));
        (iam, format!("http://{}", server.address()))
    }

    /// Answers one request.
    pub fn answer(&self, request: &Request) -> Response {
        self.inner.desk.serve(&*self.inner, request)
    }

    /// Lets the test decide about each request from now on.
    pub fn plan(&self, plan: impl Fn(&Asked) -> Answer + Send + Sync + 'static) {
        self.inner.desk.plan(plan);
    }

    /// Calls this with every request from now on that was done or refused, its outcome known, before it is answered.
    pub fn after(&self, hook: impl Fn(&Asked) + Send + Sync + 'static) {
        self.inner.desk.after(hook);
    }

    /// What was asked.
    pub fn record(&self) -> &Record {
        &self.inner.desk.record
    }
}

impl Service for Inner {
    const PREFIX: &'static str = "iam";
    const SIGNED_AS: &'static str = "iam";

    fn call(&self, request: &Request) -> Result<Call, Refusal> {
        query_call(
            request,
            VERSION,
            &["GetRole", "GetUser", "ListAttachedRolePolicies"],
        )
    }

    /// IAM is global: its own endpoints sign for the first region of the partition. The SDK's endpoint rules say so
    /// only for those endpoints; with `AWS_ENDPOINT_URL` a client signs for the region that it was given.
    fn serves(&self, region: &str) -> bool {
        let global = match self.directory.partition() {
            "aws-cn" => "cn-north-1",
            "aws-us-gov" => "us-gov-west-1",
            _ => "us-east-1",
        };
        region == global || region == self.region
    }

    fn denied(&self, asked: &Asked) -> Refusal {
        // IAM names its resources by kind and name where it has not looked them up.
        let resource = match asked.operation.as_str() {
            "GetUser" => format!("user {}", asked.get("UserName")),
            _ => format!("role {}", asked.get("RoleName")),
        };
        let words = self
            .directory
            .not_authorized(&asked.access_key, &asked.action(), &resource);
        Refusal::new(403, "AccessDenied", words)
    }

    fn throttled(&self) -> Refusal {
        Refusal::new(400, "Throttling", "Rate exceeded")
    }

    fn failure(&self) -> Refusal {
        Refusal::new(500, "ServiceFailure", "IAM is unwell")
    }

    fn act(&self, asked: &Asked) -> Result<Response, Refusal> {
        let result = match asked.operation.as_str() {
            "GetRole" => role_xml(&self.find(asked, Kind::Role)?),
            "GetUser" if !asked.input.contains_key("UserName") => {
                // "If you do not specify a user name, IAM determines it from the access key" (API reference).
                let caller = self.directory.caller(&asked.access_key);
                let user = self.directory.find(&caller.arn).ok_or_else(|| {
                    let words = "Must specify userName when calling with non-User credentials";
                    Refusal::new(400, "ValidationError", words)
                })?;
                user_xml(&user)
            }
            "GetUser" => user_xml(&self.find(asked, Kind::User)?),
            _ => policies_xml(&self.find(asked, Kind::Role)?),
        };
        Ok(query_result(NAMESPACE, &asked.operation, &result))
    }

    fn refuse(&self, refusal: &Refusal) -> Response {
        query_error(NAMESPACE, refusal)
    }
}

impl Inner {
    fn find(&self, asked: &Asked, kind: Kind) -> Result<Principal, Refusal> {
        let (parameter, shown) = match kind {
            Kind::Role => ("RoleName", "roleName"),
            Kind::User => ("UserName", "userName"),
        };
        let name = asked.get(parameter);
        let fits = |b: u8| b.is_ascii_alphanumeric() || b"+=,.@_-".contains(&b);
        if name.is_empty() || !name.bytes().all(fits) {
            let words = format!(
                "The specified value for {shown} is invalid. It must contain only alphanumeric characters and/or the \
                 following: +=,.@_-"
            );
            return Err(Refusal::new(400, "ValidationError", words).broken());
        }
        // Quotas of IAM: 64 characters; `existingUserNameType` of `GetUser` allows 128.
        let longest = if kind == Kind::Role { 64 } else { 128 };
        if name.len() > longest {
            let words = format!(
                "1 validation error detected: Value '{name}' at '{shown}' failed to satisfy constraint: Member must \
                 have length less than or equal to {longest}"
            );
            return Err(Refusal::new(400, "ValidationError", words).broken());
        }
        self.directory.by_name(kind, name).ok_or_else(|| {
            let words = format!("The {} with name {name} cannot be found.", kind.word());
            Refusal::new(404, "NoSuchEntity", words)
        })
    }
}

fn role_xml(role: &Principal) -> String {
    // The document is "URL-encoded compliant with RFC 3986" (API reference of `GetRole`).
    format!(
        "<Role>{}<AssumeRolePolicyDocument>{}</AssumeRolePolicyDocument><MaxSessionDuration>3600</MaxSessionDuration>\
         <RoleLastUsed></RoleLastUsed></Role>",
        common_xml(role, "Role"),
        encoded(&role.trust.to_string()),
    )
}

fn user_xml(user: &Principal) -> String {
    format!("<User>{}</User>", common_xml(user, "User"))
}

fn common_xml(principal: &Principal, kind: &str) -> String {
    let tags = members(&principal.tags, |(key, value)| {
        format!("<Key>{}</Key><Value>{}</Value>", xml(key), xml(value))
    });
    let tags = if tags.is_empty() {
        tags
    } else {
        format!("<Tags>{tags}</Tags>")
    };
    format!(
        "<Path>{}</Path><{kind}Name>{}</{kind}Name><{kind}Id>{}</{kind}Id><Arn>{}</Arn><CreateDate>{}</CreateDate>{tags}",
        xml(&principal.path),
        xml(&principal.name),
        principal.id,
        xml(&principal.arn),
        principal.created_at,
    )
}

fn policies_xml(role: &Principal) -> String {
    let policies = members(&role.policies, |arn| {
        let name = arn.rsplit('/').next().unwrap_or(arn);
        format!(
            "<PolicyName>{}</PolicyName><PolicyArn>{}</PolicyArn>",
            xml(name),
            xml(arn)
        )
    });
    format!("<AttachedPolicies>{policies}</AttachedPolicies><IsTruncated>false</IsTruncated>")
}

/// A list of the query protocol: each item in a `<member>`.
pub(crate) fn members<T>(
    items: impl IntoIterator<Item = T>,
    write: impl Fn(T) -> String,
) -> String {
    let items: Vec<_> = items
        .into_iter()
        .map(|item| format!("<member>{}</member>", write(item)))
        .collect();
    items.concat()
}

/// Reads the query protocol: a form that names action and version.
pub(crate) fn query_call(
    request: &Request,
    version: &str,
    operations: &[&str],
) -> Result<Call, Refusal> {
    let mut input: Map<String, Value> = form(&request.body)
        .into_iter()
        .map(|(key, value)| (key, Value::String(value)))
        .collect();
    let mut take = |key: &str| match input.remove(key) {
        Some(Value::String(text)) => text,
        _ => String::new(),
    };
    let (operation, asked_version) = (take("Action"), take("Version"));
    let known = request.method == "POST" && request.path == "/";
    if !known || !operations.contains(&operation.as_str()) {
        let words = format!("Could not find operation {operation} for version {asked_version}");
        return Err(Refusal::new(400, "InvalidAction", words));
    }
    if asked_version != version {
        let words = format!("Could not find operation {operation} for version {asked_version}");
        return Err(Refusal::new(400, "InvalidAction", words).broken());
    }
    Ok(Call { operation, input })
}

/// Writes a result of the query protocol.
pub(crate) fn query_result(namespace: &str, operation: &str, result: &str) -> Response {
    let body = format!(
        "<{operation}Response xmlns=\"{namespace}\"><{operation}Result>{result}</{operation}Result><ResponseMetadata>\
         <RequestId>00000000-0000-4000-8000-000000000000</RequestId></ResponseMetadata></{operation}Response>"
    );
    Response {
        status: 200,
        headers: vec![("content-type".into(), "text/xml".to_owned())],
        body: body.into_bytes(),
    }
}

/// Writes an error of the query protocol.
pub(crate) fn query_error(namespace: &str, refusal: &Refusal) -> Response {
    let kind = if refusal.status < 500 {
        "Sender"
    } else {
        "Receiver"
    };
    let body = format!(
        "<ErrorResponse xmlns=\"{namespace}\"><Error><Type>{kind}</Type><Code>{}</Code><Message>{}</Message></Error>\
         <RequestId>00000000-0000-4000-8000-000000000000</RequestId></ErrorResponse>",
        refusal.code.trim_end_matches("Exception"),
        xml(&refusal.message)
    );
    Response {
        status: refusal.status,
        headers: vec![("content-type".into(), "text/xml".to_owned())],
        body: body.into_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Iam;
    use crate::directory::{Directory, Principal};
    use crate::http::{Answer as Got, Request, ask};
    use crate::record::Answer;

    struct World {
        directory: Directory,
        iam: Iam,
        address: String,
    }

    fn world() -> World {
        let directory = Directory::new("aws", "111122223333");
        directory.add(
            Principal::role("/team/dev/", "DevRole")
                .with_id("AROADEV")
                .tagged("a", "<b>"),
        );
        directory.add(Principal::role("/", "There").in_account("444455556666"));
        let (iam, endpoint) = Iam::start("eu-west-1", &directory);
        World {
            directory,
            iam,
            address: endpoint.replace("http://", ""),
        }
    }

    impl World {
        fn ask(&self, scope: &str, body: &str) -> (u16, String) {
            let request = Request {
                method: "POST".to_owned(),
                path: "/".to_owned(),
                headers: vec![(
                    "authorization".to_owned(),
                    format!(
                        "AWS4-HMAC-SHA256 Credential=AKID/20260301/{scope}/aws4_request, SignedHeaders=host, Signature=0"
                    ),
                )],
                body: body.as_bytes().to_vec(),
            };
            let Got { status, body, .. } =
                ask(&self.address, &request, Duration::from_secs(10)).unwrap();
            (status, String::from_utf8(body).unwrap())
        }

        fn role(&self, name: &str) -> (u16, String) {
            self.ask(
                "us-east-1/iam",
                &format!("Action=GetRole&Version=2010-05-08&RoleName={name}"),
            )
        }
    }

    #[test]
    fn a_role_is_answered_with_its_path_id_and_encoded_trust() {
        let world = world();
        let (status, body) = world.role("devrole");
        assert_eq!(status, 200);
        for part in [
            "<Path>/team/dev/</Path>",
            "<RoleName>DevRole</RoleName>",
            "<RoleId>AROADEV</RoleId>",
            "<Arn>arn:aws:iam::111122223333:role/team/dev/DevRole</Arn>",
            "<CreateDate>2026-01-01T00:00:00Z</CreateDate>",
            "<AssumeRolePolicyDocument>%7B%22",
            "<Value>&lt;b&gt;</Value>",
        ] {
            assert!(body.contains(part), "{part} in {body}");
        }
        world.directory.recreate(
            "arn:aws:iam::111122223333:role/team/dev/DevRole",
            "2026-03-01T00:00:00Z",
        );
        assert!(!world.role("DevRole").1.contains("AROADEV"));
        assert_eq!(world.iam.record().asked()[0].action(), "iam:GetRole");
        assert_eq!(world.iam.record().broken_rules(), Vec::<String>::new());
    }

    #[test]
    fn who_does_not_exist_here_is_no_such_entity() {
        let world = world();
        for name in ["Nobody", "There"] {
            let (status, body) = world.role(name);
            assert_eq!(status, 404);
            assert!(body.contains("<Code>NoSuchEntity</Code>"));
            assert!(body.contains(&format!("The role with name {name} cannot be found.")));
        }
        let body = "Action=GetUser&Version=2010-05-08&UserName=alice";
        assert!(
            world
                .ask("eu-west-1/iam", body)
                .1
                .contains("The user with name alice cannot be found.")
        );
        assert_eq!(world.iam.record().asked()[2].outcome, "NoSuchEntity");
    }

    #[test]
    fn what_nobody_should_send_is_kept() {
        let world = world();
        assert_eq!(world.role("team/dev/DevRole").0, 400);
        assert_eq!(world.ask("us-east-1/sts", "").0, 403);
        assert_eq!(world.ask("us-west-2/iam", "").0, 403);
        assert_eq!(
            world.ask("us-east-1/iam", "Action=GetRole&Version=1").0,
            400
        );
        assert_eq!(world.iam.record().broken_rules().len(), 4);
        assert_eq!(
            world
                .ask("us-east-1/iam", "Action=CreateRole&Version=2010-05-08")
                .0,
            400
        );
        assert_eq!(world.iam.record().unasked().len(), 1);
    }

    #[test]
    fn a_plan_can_deny_and_throttle() {
        let world = world();
        world.iam.plan(|asked| {
            if asked.number == 1 {
                Answer::Denied
            } else {
                Answer::Throttled
            }
        });
        let (status, body) = world.role("DevRole");
        assert_eq!(status, 403);
        assert!(body.contains(
            "is not authorized to perform: iam:GetRole on resource: role DevRole because no identity-based policy"
        ));
        let (status, body) = world.role("DevRole");
        assert_eq!(
            (status, body.contains("<Code>Throttling</Code>")),
            (400, true)
        );
    }
}
