//! An HTTP API in front of real processes: which events they get, and what becomes of their answers.

use std::thread;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fakes::directory::Directory;
use fakes::gateway::{Bodies, Door, Gateway, LARGEST_BODY, SOURCE_IP, TOKEN, plain};
use fakes::http::{Answer as Got, Request};
use fakes::lambda::Answer;
use fakes::pool::Pool;
use serde_json::{Value, json};

const SCRIPTED: &str = env!("CARGO_BIN_EXE_scripted");
const ALICE: &str = "AKIAALICEALICEALICEA";
const SESSION: &str = "ASIADEVDEVDEVDEVDEVD";
const ROUTES: &[(&str, Door)] = &[
    ("POST /slack", Door::Open),
    ("GET /v1/requests", Door::Iam),
    ("GET /v1/requests/{id}", Door::Iam),
    ("POST /v1/requests/{id}/deny", Door::Iam),
];

struct World {
    directory: Directory,
    function: Pool,
    gateway: Gateway,
}

fn world() -> World {
    let directory = Directory::new("aws", "111122223333");
    let alice = directory.user("/people/", "alice");
    directory.signs_with(ALICE, &alice.arn, "");
    let dev = directory.role("/team/", "Dev");
    directory.signs_with(SESSION, &dev.arn, "bob@example.com");
    let function = Pool::new("approver", SCRIPTED, &[]);
    let gateway = Gateway::start("eu-west-1", &directory, &function, ROUTES);
    World {
        directory,
        function,
        gateway,
    }
}

impl World {
    /// The only event that the function was given.
    fn event(&self) -> Value {
        let mut exchanges = self.gateway.exchanges();
        assert_eq!(exchanges.len(), 1);
        exchanges.remove(0).event
    }

    fn answered(&self, answer: &Value) -> Got {
        let mut request = plain("POST", "/slack", &Value::Null);
        let script = json!({"answer": answer}).to_string();
        request.headers.push(("x-script".to_owned(), script));
        self.gateway.ask(&request)
    }
}

fn form(body: &str) -> Request {
    let mut request = plain("POST", "/slack", &Value::Null);
    let kind = "application/x-www-form-urlencoded".to_owned();
    request.headers.push(("content-type".to_owned(), kind));
    request.body = body.as_bytes().to_vec();
    request
}

fn header<'a>(got: &'a Got, name: &str) -> Option<&'a str> {
    let found = got.headers.iter().find(|(key, _)| key == name);
    found.map(|(_, value)| value.as_str())
}

#[test]
fn a_form_comes_in_base64_and_without_an_authorizer() {
    let world = world();
    let mut request = form("payload=%7B%7D");
    for value in ["v0=1", "v0=2"] {
        let signature = ("X-Slack-Signature".to_owned(), value.to_owned());
        request.headers.push(signature);
    }
    request.path = "/slack?a=1&a=2&b=%26".to_owned();
    assert_eq!(world.gateway.ask(&request).status, 200);
    let event = world.event();
    let body = STANDARD.decode(event["body"].as_str().unwrap()).unwrap();
    assert_eq!(body, b"payload=%7B%7D");
    assert_eq!(event["isBase64Encoded"], true);
    assert_eq!(event["version"], "2.0");
    assert_eq!(event["routeKey"], "POST /slack");
    assert_eq!(event["rawPath"], "/slack");
    assert_eq!(event["rawQueryString"], "a=1&a=2&b=%26");
    assert_eq!(
        event["queryStringParameters"],
        json!({"a": "1,2", "b": "&"})
    );
    assert_eq!(event["headers"]["x-slack-signature"], "v0=1,v0=2");
    assert_eq!(event["headers"]["content-length"], "14");
    assert_eq!(event["headers"]["x-forwarded-for"], SOURCE_IP);
    for absent in ["cookies", "pathParameters", "stageVariables"] {
        assert_eq!(event.get(absent), None);
    }
    let context = &event["requestContext"];
    assert_eq!(context["http"]["sourceIp"], SOURCE_IP);
    assert_eq!(context["http"]["userAgent"], "curl/8.5.0");
    assert_eq!(context["http"]["protocol"], "HTTP/1.1");
    assert_eq!(context["stage"], "$default");
    assert_eq!(
        context["domainName"],
        "a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com"
    );
    assert!(context["timeEpoch"].as_i64().unwrap() > 1_700_000_000_000);
    assert_eq!(context.get("authorizer"), None);
}

#[test]
fn a_signed_request_says_who_signed_it() {
    let world = world();
    let body = json!({"reason": "Störung"});
    let path = "/v1/requests/0123456789abcdef/deny";
    assert_eq!(world.gateway.call(ALICE, "POST", path, &body).0, 200);
    let event = world.event();
    assert_eq!(event["routeKey"], "POST /v1/requests/{id}/deny");
    assert_eq!(event["pathParameters"], json!({"id": "0123456789abcdef"}));
    assert_eq!(event["body"], body.to_string());
    assert_eq!(event["isBase64Encoded"], false);
    let alice = world.directory.signer(ALICE).unwrap();
    assert_eq!(
        event["requestContext"]["authorizer"],
        json!({"iam": {
            "accessKey": ALICE,
            "accountId": "111122223333",
            "callerId": alice.user_id,
            "cognitoIdentity": null,
            "principalOrgId": "aws:PrincipalOrgID",
            "userArn": "arn:aws:iam::111122223333:user/people/alice",
            "userId": alice.user_id,
        }})
    );
    assert!(
        event["headers"]["authorization"]
            .as_str()
            .unwrap()
            .starts_with("AWS4-HMAC-SHA256")
    );
}

#[test]
fn a_session_has_its_token_and_its_name_with_it() {
    let world = world();
    assert_eq!(
        world
            .gateway
            .call(SESSION, "GET", "/v1/requests", &Value::Null)
            .0,
        200
    );
    let event = world.event();
    let iam = &event["requestContext"]["authorizer"]["iam"];
    assert_eq!(
        iam["userArn"],
        "arn:aws:sts::111122223333:assumed-role/Dev/bob@example.com"
    );
    assert!(
        iam["callerId"]
            .as_str()
            .unwrap()
            .ends_with(":bob@example.com")
    );
    assert_eq!(event["headers"]["x-amz-security-token"], TOKEN);
    assert_eq!(event.get("body"), None);
    assert_eq!(event["isBase64Encoded"], false);
}

#[test]
fn who_does_not_sign_rightly_is_forbidden_and_the_function_hears_nothing_of_it() {
    let world = world();
    let gateway = &world.gateway;
    let get = |access_key: &str| gateway.signed(access_key, "GET", "/v1/requests", &Value::Null);
    let without = |name: &str| {
        let mut request = get(ALICE);
        request.headers.retain(|(key, _)| key != name);
        request
    };
    let mut tampered = get(ALICE);
    tampered.path = "/v1/requests?all".to_owned();
    let mut other_body = gateway.signed(ALICE, "POST", "/v1/requests/1/deny", &json!({}));
    other_body.body = b"[]".to_vec();
    world.directory.secret(ALICE, "another");
    let other_secret = get(ALICE);
    world.directory.secret(ALICE, "secret");
    for request in [
        plain("GET", "/v1/requests", &Value::Null),
        get("AKIANOBODY"),
        without("x-amz-date"),
        without("authorization"),
        tampered,
        other_body,
        other_secret,
    ] {
        let got = gateway.ask(&request);
        let body = String::from_utf8(got.body).unwrap();
        assert_eq!(
            (got.status, body.as_str()),
            (403, r#"{"message":"Forbidden"}"#)
        );
    }
    assert_eq!(gateway.refused().len(), 7);
    assert_eq!(world.function.end().instances, 0);
}

#[test]
fn what_has_no_route_is_not_found_and_what_is_too_large_is_refused() {
    let world = world();
    for (method, path) in [
        ("GET", "/slack"),
        ("POST", "/slack/"),
        ("GET", "/v1/requests/"),
        ("GET", "/"),
    ] {
        assert_eq!(
            world.gateway.ask(&plain(method, path, &Value::Null)).status,
            404
        );
    }
    let mut large = form("");
    large.body = vec![b'a'; LARGEST_BODY + 1];
    assert_eq!(world.gateway.ask(&large).status, 413);
    assert_eq!(world.function.end().instances, 0);
}

#[test]
fn a_path_comes_decoded_and_ends_where_an_encoded_query_begins() {
    let world = world();
    let event = |path: &str| {
        let request = world.gateway.signed(ALICE, "GET", path, &Value::Null);
        world.gateway.event(&request)
    };
    let encoded = event("/v1/requests/a%2Fb%20c");
    assert_eq!(encoded["rawPath"], "/v1/requests/a/b c");
    assert_eq!(encoded["pathParameters"]["id"], "a/b c");
    assert_eq!(event("/v1/requests/a%3Fb")["rawPath"], "/v1/requests/a");
}

#[test]
fn bodies_can_travel_the_other_way() {
    let world = world();
    world.gateway.bodies(Bodies::Text);
    let event = world.gateway.event(&form("a=b"));
    assert_eq!(
        (&event["body"], &event["isBase64Encoded"]),
        (&json!("a=b"), &json!(false))
    );
    let mut binary = form("");
    binary.body = vec![0xff];
    assert_eq!(world.gateway.event(&binary)["isBase64Encoded"], true);
    world.gateway.bodies(Bodies::Base64);
    let event = world.gateway.event(&plain("POST", "/slack", &json!({})));
    assert_eq!(
        (&event["body"], &event["isBase64Encoded"]),
        (&json!("e30="), &json!(true))
    );
}

#[test]
fn an_answer_becomes_a_response() {
    let world = world();
    let got = world.answered(&json!({
        "statusCode": 202,
        "headers": {"X-Number": 1, "content-type": "application/json", "Content-Length": "99"},
        "body": "e30=",
        "isBase64Encoded": true,
    }));
    assert_eq!((got.status, got.body.as_slice()), (202, &b"{}"[..]));
    assert_eq!(header(&got, "x-number"), Some("1"));
    assert_eq!(header(&got, "content-type"), Some("application/json"));
    let empty = world.answered(&json!({"statusCode": 401}));
    assert_eq!((empty.status, empty.body.len()), (401, 0));
    assert_eq!(
        header(&empty, "content-type"),
        Some("text/plain;charset=UTF-8")
    );
    assert_eq!(world.gateway.complaints(), Vec::<String>::new());
}

#[test]
fn an_answer_that_is_none_is_complained_of() {
    let world = world();
    let guessed = world.answered(&json!({"message": "hello"}));
    assert_eq!(
        (guessed.status, guessed.body.as_slice()),
        (200, &br#"{"message":"hello"}"#[..])
    );
    for answer in [
        json!({"statusCode": "200"}),
        json!({"statusCode": 1000}),
        json!({"statusCode": 200, "body": {}}),
        json!({"statusCode": 200, "headers": []}),
        json!({"statusCode": 200, "headers": {"a": ["b"]}}),
        json!({"statusCode": 200, "body": "%", "isBase64Encoded": true}),
    ] {
        assert_eq!(world.answered(&answer).status, 500, "{answer}");
    }
    assert_eq!(world.gateway.complaints().len(), 7);
}

#[test]
fn a_function_that_fails_or_dies_is_an_internal_server_error() {
    let world = world();
    for (script, kind) in [
        (json!({"fail": "Sad"}), "Sad"),
        (json!({"exit": 1}), "Runtime.ExitError"),
    ] {
        let mut request = plain("POST", "/slack", &Value::Null);
        request
            .headers
            .push(("x-script".to_owned(), script.to_string()));
        let got = world.gateway.ask(&request);
        let body = String::from_utf8(got.body).unwrap();
        assert_eq!(
            (got.status, body.as_str()),
            (500, r#"{"message":"Internal Server Error"}"#)
        );
        let last = world.gateway.exchanges().pop().unwrap();
        assert!(matches!(&last.answer, Answer::Error { kind: found, .. } if found == kind));
        assert_eq!(last.status, 500);
    }
}

#[test]
fn a_broken_event_can_be_made_and_passed_by_hand() {
    let world = world();
    let mut event = world.gateway.event(&form("a=b"));
    event["body"] = json!("%%%");
    event["headers"]["x-script"] = json!(r#"{"answer": {"statusCode": 400}}"#);
    assert_eq!(world.gateway.pass(&event).status, 400);
    assert_eq!(
        world.gateway.pass(&json!({"script": {"fail": "X"}})).status,
        500
    );
    assert_eq!(world.gateway.exchanges().len(), 2);
}

#[test]
fn many_requests_are_answered_at_once() {
    let world = world();
    world.function.warm(4);
    let started = Instant::now();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut request = plain("POST", "/slack", &Value::Null);
                let script = json!({"sleep": 300, "answer": {"statusCode": 200}});
                request
                    .headers
                    .push(("x-script".to_owned(), script.to_string()));
                assert_eq!(world.gateway.ask(&request).status, 200);
            });
        }
    });
    assert!(started.elapsed() < Duration::from_secs(1));
    assert_eq!(world.function.end().instances, 4);
}

#[test]
fn an_api_whose_function_is_gone_is_unavailable() {
    let World {
        function, gateway, ..
    } = world();
    function.end();
    assert_eq!(gateway.ask(&form("a=b")).status, 503);
}
