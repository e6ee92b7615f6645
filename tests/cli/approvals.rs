//! `requests`, `show`, `approve`, `deny`, `grants`, `extend`, `revoke`, `history`, `break-glass` and `review`.

use std::sync::{Arc, Mutex};

use fakes::http::{Request, Response, Server};
use serde_json::{Value, json};

use crate::world::{World, flat};

const ID: &str = "0123456789abcdef";
const OTHER: &str = "fedcba9876543210";

/// A stand-in for the approver behind API Gateway: answers every request alike by its address, and keeps them.
struct Approver {
    world: World,
    asked: Arc<Mutex<Vec<Request>>>,
}

impl Approver {
    /// Whose answers are these: status and body by method and path.
    fn new(answer: impl Fn(&str, &str) -> (u16, Value) + Send + Sync + 'static) -> Self {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&asked);
        let server = Server::start(move |request| {
            kept.lock().unwrap().push(request.clone());
            let (status, body) = answer(&request.method, &request.path);
            let mut response = Response::new(status, body.to_string());
            let json = ("content-type".into(), "application/json".to_owned());
            response.headers.push(json);
            response
        });
        let mut world = World::new();
        let jo = world.directory.user("/", "jo").arn;
        world
            .sign_in("AKIAJO", &jo)
            .set("AWS_REGION", "eu-west-1")
            .set("EKS_ACCESS_API", &format!("http://{}", server.address()));
        Self { world, asked }
    }

    fn asked(&self) -> Vec<Request> {
        self.asked.lock().unwrap().clone()
    }

    /// Method, path and body of everything that was asked.
    fn calls(&self) -> Vec<(String, String, Value)> {
        let body = |request: &Request| match request.body.as_slice() {
            [] => Value::Null,
            bytes => serde_json::from_slice(bytes).unwrap(),
        };
        let asked = self.asked();
        asked
            .iter()
            .map(|one| (one.method.clone(), one.path.clone(), body(one)))
            .collect()
    }

    /// The body of the one request that changes something.
    fn sent(&self, path: &str) -> Value {
        let mut calls = self.calls();
        calls.retain(|(method, _, _)| method == "POST");
        assert_eq!(calls.len(), 1, "{calls:?}");
        let (_, at, body) = &calls[0];
        assert_eq!(at, path);
        body.clone()
    }
}

fn request() -> Value {
    json!({
        "id": ID, "kind": "access", "state": "pending", "cluster": "prod", "account": "111122223333", "region": "eu-west-1",
        "principal": "arn:aws:iam::111122223333:role/dev/joe", "unique_id": "AROAEXAMPLE", "session": "joe",
        "cause": "principal-not-mapped", "incident": null,
        "hints": ["made 2026-01-01T00:00:00Z (AROAEXAMPLE)", "may be assumed by whoever the account 111122223333 lets assume it"],
        "created": "2026-11-25T10:00:00Z", "expires": "2026-11-25T18:00:00Z", "requested_by": null, "reason": null,
        "extends": null, "seen": "89abcdef01234567", "terms": null, "approvals": [], "needed": 1, "rule": null, "grant": null, "review_by": null,
        "outcome": null,
        "offers": [
            {"rule": "look", "policies": ["AmazonEKSViewPolicy"], "namespaces": ["shop", "web"], "max_seconds": 14400,
             "usual_seconds": 3600, "needed": 1},
            {"rule": "change", "policies": ["AmazonEKSEditPolicy"], "namespaces": ["shop"], "max_seconds": 1800,
             "usual_seconds": 3600, "needed": 2},
        ],
    })
}

/// The request with other members.
fn request_with(members: &Value) -> Value {
    let mut request = request();
    for (name, value) in members.as_object().unwrap() {
        request[name] = value.clone();
    }
    request
}

fn answering(request: Value) -> Approver {
    Approver::new(move |method, _| match method {
        "GET" => (200, json!({"request": request})),
        _ => (
            202,
            json!({"request": request, "message": "it is being granted"}),
        ),
    })
}

const YES: [&str; 3] = ["--yes", "--reason", "incident 4711"];

fn approve<'a>(options: &[&'a str]) -> Vec<&'a str> {
    [&["approve", ID], options, &YES].concat()
}

#[test]
fn every_request_is_signed_for_api_gateway_with_the_callers_own_key() {
    let approver = answering(request());
    let ran = approver.world.run(&approve(&["--namespaces", "shop"]));
    assert_eq!(ran.code(), 0, "{}", ran.stderr);
    let asked = approver.asked();
    assert_eq!(asked.len(), 2);
    for one in asked {
        let authorization = one.header("authorization").unwrap();
        let date = one.header("x-amz-date").unwrap();
        let scope = format!(
            "Credential=AKIAJO/{}/eu-west-1/execute-api/aws4_request",
            &date[..8]
        );
        assert!(
            authorization.starts_with("AWS4-HMAC-SHA256 ") && authorization.contains(&scope),
            "{authorization}"
        );
        let signed = authorization
            .split("SignedHeaders=")
            .nth(1)
            .unwrap()
            .split(',')
            .next()
            .unwrap();
        for header in ["host", "x-amz-date", "x-amz-content-sha256"] {
            assert!(signed.split(';').any(|name| name == header), "{signed}");
        }
        assert_eq!(authorization.split("Signature=").nth(1).unwrap().len(), 64);
        let is_json = one.header("content-type") == Some("application/json");
        assert_eq!(is_json, one.method == "POST");
    }
}

#[test]
fn a_session_token_is_signed_and_sent() {
    let mut approver = answering(request());
    let role = approver.world.directory.role("/", "Ops").arn;
    approver
        .world
        .sign_in("ASIAJO", &role)
        .set("AWS_SESSION_TOKEN", "token-of-the-shell");
    let ran = approver.world.run(&["show", ID]);
    assert_eq!(ran.code(), 0, "{}", ran.stderr);
    let asked = approver.asked();
    assert_eq!(
        asked[0].header("x-amz-security-token"),
        Some("token-of-the-shell")
    );
    assert!(
        asked[0]
            .header("authorization")
            .unwrap()
            .contains("x-amz-security-token")
    );
}

#[test]
fn what_waits_and_what_is_granted_are_tables() {
    let approver = Approver::new(|_, path| match path {
        "/v1/requests" => (
            200,
            json!({"requests": [request(), request_with(&json!({
                "id": OTHER, "kind": "extension", "needed": 2, "approvals": [{"by": "U1", "via": "slack"}]
            }))]}),
        ),
        "/v1/grants" => (
            200,
            json!({"grants": [request_with(&json!({
                "state": "active", "terms": {"policy": "AmazonEKSViewPolicy", "namespaces": ["shop", "web"], "seconds": 3600},
                "grant": {"starts": "2026-11-25T10:00:00Z", "ends": "2026-11-25T11:00:00Z"},
            }))]}),
        ),
        _ => panic!("{path}"),
    });
    let ran = approver.world.run(&["requests"]);
    assert_eq!(ran.code(), 0, "{}", ran.stderr);
    assert_eq!(
        ran.stdout,
        "ID                KIND       CLUSTER  ANSWER BY             YES     PRINCIPAL\n\
         0123456789abcdef  access     prod     2026-11-25T18:00:00Z  0 of 1  arn:aws:iam::111122223333:role/dev/joe\n\
         fedcba9876543210  extension  prod     2026-11-25T18:00:00Z  1 of 2  arn:aws:iam::111122223333:role/dev/joe\n"
    );
    let ran = approver.world.run(&["grants"]);
    assert_eq!(
        ran.stdout,
        "ID                STATE   CLUSTER  ENDS                  POLICY               NAMESPACES  PRINCIPAL\n\
         0123456789abcdef  active  prod     2026-11-25T11:00:00Z  AmazonEKSViewPolicy  shop, web   \
         arn:aws:iam::111122223333:role/dev/joe\n"
    );
    let (code, document) = approver.world.json(&["grants"]);
    assert_eq!((code, &document["grants"][0]["id"]), (0, &json!(ID)));
}

#[test]
fn nothing_is_told_as_nothing() {
    let approver = Approver::new(|_, path| match path {
        "/v1/requests" => (200, json!({"requests": []})),
        "/v1/grants" => (200, json!({"grants": []})),
        _ => (200, json!({"history": []})),
    });
    for (arguments, words) in [
        (&["requests"][..], "No request waits for an answer.\n"),
        (&["grants"], "Nothing is granted.\n"),
        (&["history", ID], "Nothing is recorded.\n"),
    ] {
        let ran = approver.world.run(arguments);
        assert_eq!((ran.code(), ran.stdout.as_str()), (0, words));
    }
}

#[test]
fn a_request_is_shown_with_all_that_is_known_of_it() {
    let approver = answering(request());
    let text = flat(&approver.world.run(&["show", ID]).stdout);
    for said in [
        "request 0123456789abcdef: access, pending",
        "principal arn:aws:iam::111122223333:role/dev/joe",
        "cluster prod in account 111122223333, eu-west-1",
        "cause principal-not-mapped",
        "session joe",
        "notes made 2026-01-01T00:00:00Z (AROAEXAMPLE)",
        "may be assumed by whoever the account 111122223333 lets assume it",
        "answer by 2026-11-25T18:00:00Z",
        "offered AmazonEKSViewPolicy in shop, web for at most 4 h 0 min, with one yes (rule `look`)",
        "offered AmazonEKSEditPolicy in shop for at most 30 min, with the yes of 2 (rule `change`)",
    ] {
        assert!(text.contains(said), "`{said}` is not in: {text}");
    }
    assert!(
        !text.contains("outcome") && !text.contains("granted"),
        "{text}"
    );
    assert_eq!(
        approver.calls(),
        [("GET".to_owned(), format!("/v1/requests/{ID}"), Value::Null)]
    );

    let ended = answering(request_with(&json!({
        "state": "revoked", "terms": {"policy": "AmazonEKSViewPolicy", "namespaces": ["shop"], "seconds": 3600},
        "approvals": [{"by": "arn:aws:iam::111122223333:user/jo", "via": "iam", "at": "2026-11-25T10:05:00Z", "reason": "4711"}],
        "grant": {"starts": "2026-11-25T10:05:01Z", "ends": "2026-11-25T11:05:01Z"}, "outcome": "its time was over",
    })));
    let text = flat(&ended.world.run(&["show", ID]).stdout);
    for said in [
        "terms AmazonEKSViewPolicy in shop for 1 h 0 min",
        "yes arn:aws:iam::111122223333:user/jo by way of iam, 2026-11-25T10:05:00Z: 4711",
        "granted 2026-11-25T10:05:01Z to 2026-11-25T11:05:01Z",
        "outcome its time was over",
    ] {
        assert!(text.contains(said), "`{said}` is not in: {text}");
    }
    assert!(!text.contains("offered"), "{text}");
}

#[test]
fn a_yes_is_to_exactly_what_was_shown() {
    for (options, terms, shown) in [
        (
            &["--namespaces", "web,shop"][..],
            json!({"policy": "AmazonEKSViewPolicy", "namespaces": ["shop", "web"], "seconds": 3600}),
            "You are about to say yes to AmazonEKSViewPolicy in shop, web for 1 h 0 min. Whoever has AmazonEKSViewPolicy \
             reads most objects of the namespaces, and no secrets.",
        ),
        (
            &["--namespaces", "shop", "--for", "90m"],
            json!({"policy": "AmazonEKSViewPolicy", "namespaces": ["shop"], "seconds": 5400}),
            "in shop for 1 h 30 min.",
        ),
        // The one namespace that is offered with this policy, for as long as its rule allows.
        (
            &["--policy", "AmazonEKSEditPolicy"],
            json!({"policy": "AmazonEKSEditPolicy", "namespaces": ["shop"], "seconds": 1800}),
            "AmazonEKSEditPolicy in shop for 30 min. Whoever has AmazonEKSEditPolicy changes most objects of the namespaces, \
             reads and writes their secrets, runs commands in their pods",
        ),
    ] {
        let approver = answering(request());
        let ran = approver.world.run(&approve(options));
        assert_eq!(ran.code(), 0, "{}", ran.stderr);
        let text = flat(&ran.stdout);
        assert!(
            text.contains("request 0123456789abcdef: access, pending"),
            "{text}"
        );
        assert!(text.contains(shown), "`{shown}` is not in: {text}");
        assert!(
            text.ends_with("it is being granted request 0123456789abcdef is pending"),
            "{text}"
        );
        let mut sent = approver.sent(&format!("/v1/requests/{ID}/approve"));
        assert_eq!(sent["reason"].take(), "incident 4711");
        assert_eq!(sent["seen"].take(), "89abcdef01234567", "what was shown");
        let fields = sent.as_object_mut().unwrap();
        fields.remove("reason");
        fields.remove("seen");
        assert_eq!(sent, terms);
    }
}

#[test]
fn a_second_yes_is_to_what_the_first_one_was_to() {
    let agreed = json!({"policy": "AmazonEKSEditPolicy", "namespaces": ["shop"], "seconds": 1200});
    let approver = answering(request_with(&json!({"terms": agreed, "needed": 2})));
    let ran = approver.world.run(&approve(&[]));
    assert_eq!(ran.code(), 0, "{}", ran.stderr);
    let sent = approver.sent(&format!("/v1/requests/{ID}/approve"));
    for name in ["policy", "namespaces", "seconds"] {
        assert_eq!(sent[name], agreed[name], "{name}");
    }
}

#[test]
fn what_is_left_open_is_asked_for_before_anything_is_done() {
    for (options, words) in [
        (
            &["--yes", "--reason", "x"][..],
            "say in which namespaces with --namespaces; these are offered: shop, web",
        ),
        (&["--namespaces", "shop", "--yes"], "say why with --reason"),
        (
            &["--namespaces", "shop", "--reason", "4711"],
            "nothing was done; without a terminal, --yes says that you say yes",
        ),
        (
            &["--namespaces", "kube-system", "--yes", "--reason", "x"],
            "it is a namespace of Kubernetes itself",
        ),
        (
            &["--policy", "AmazonEKSClusterAdminPolicy", "--yes"],
            "the others are never granted for a time",
        ),
        (
            &["--namespaces", "shop", "--for", "1w", "--yes"],
            "such as `90m`",
        ),
        (
            &["--namespaces", "shop", "--for", "0m", "--yes"],
            "such as `90m`",
        ),
    ] {
        let approver = answering(request());
        let ran = approver.world.run(&[&["approve", ID], options].concat());
        assert_eq!(ran.code(), 2, "{}", ran.stdout);
        assert!(
            flat(&ran.stderr).contains(words),
            "`{words}` is not in: {}",
            ran.stderr
        );
        assert!(
            approver
                .calls()
                .iter()
                .all(|(method, _, _)| method == "GET")
        );
    }
    let nothing = answering(request_with(&json!({"offers": []})));
    let ran = nothing.world.run(&approve(&[]));
    assert_eq!(ran.code(), 2);
    assert!(
        ran.stderr
            .contains("offer AmazonEKSViewPolicy in no namespace here"),
        "{}",
        ran.stderr
    );
}

#[test]
fn what_is_decided_is_sent_where_it_belongs() {
    let because = ["--reason", "4711"];
    for (arguments, path, body) in [
        (
            &["deny", ID][..],
            "requests/0123456789abcdef/deny",
            json!({"reason": "4711"}),
        ),
        (
            &["revoke", ID],
            "requests/0123456789abcdef/revoke",
            json!({"reason": "4711"}),
        ),
        (
            &["review", ID],
            "requests/0123456789abcdef/review",
            json!({"reason": "4711"}),
        ),
        (
            &["extend", ID],
            "requests/0123456789abcdef/extend",
            json!({"reason": "4711", "seconds": 3600}),
        ),
        (
            &["extend", ID, "--for", "30m"],
            "requests/0123456789abcdef/extend",
            json!({"reason": "4711", "seconds": 1800}),
        ),
        (
            &[
                "break-glass",
                "--cluster",
                "prod",
                "--principal",
                "arn:aws:iam::111122223333:role/on-call",
                "--policy",
                "AmazonEKSEditPolicy",
                "--namespaces",
                "shop,web",
                "--for",
                "20m",
                "--yes",
            ],
            "break-glass",
            json!({
                "cluster": "prod", "principal": "arn:aws:iam::111122223333:role/on-call", "policy": "AmazonEKSEditPolicy",
                "namespaces": ["shop", "web"], "seconds": 1200, "reason": "4711",
            }),
        ),
    ] {
        let approver = answering(request());
        let ran = approver.world.run(&[arguments, &because].concat());
        assert_eq!(ran.code(), 0, "{}", ran.stderr);
        assert!(ran.stdout.contains("it is being granted"), "{}", ran.stdout);
        assert_eq!(approver.sent(&format!("/v1/{path}")), body);
    }
}

#[test]
fn the_glass_is_not_broken_by_a_slip() {
    let approver = answering(request());
    let arguments = [
        "break-glass",
        "--cluster",
        "prod",
        "--principal",
        "arn:aws:iam::111122223333:role/on-call",
        "--namespaces",
        "shop",
        "--reason",
        "4711",
    ];
    let ran = approver.world.run(&arguments);
    assert_eq!(ran.code(), 2);
    let text = flat(&ran.stdout);
    assert!(text.contains("break glass: at once, and everybody is told principal arn:aws:iam::111122223333:role/on-call"), "{text}");
    assert!(
        text.contains("You are about to grant AmazonEKSViewPolicy in shop for 1 h 0 min."),
        "{text}"
    );
    assert!(
        ran.stderr
            .contains("nothing was done; without a terminal, --yes"),
        "{}",
        ran.stderr
    );
    assert_eq!(approver.calls(), []);
}

#[test]
fn history_is_a_table_of_what_was_done_by_whom_and_why() {
    let approver = Approver::new(|_, _| {
        (
            200,
            json!({"history": [
                {"at": "2026-11-25T10:00:00Z", "action": "requested", "channel": "product", "actor": {"kind": "product", "id": "responder"},
                 "result": "ok", "reason": "a denial"},
                {"at": "2026-11-25T10:05:00Z", "action": "approved", "channel": "iam",
                 "actor": {"kind": "iam", "id": "arn:aws:iam::111122223333:role/Ops", "session": "jo"}, "result": "ok", "reason": "4711"},
            ]}),
        )
    });
    let ran = approver.world.run(&["history", ID]);
    assert_eq!(
        ran.stdout,
        "AT                    WHAT       BY WAY OF  WHO                                    RESULT  REASON\n\
         2026-11-25T10:00:00Z  requested  product    responder                              ok      a denial\n\
         2026-11-25T10:05:00Z  approved   iam        arn:aws:iam::111122223333:role/Ops/jo  ok      4711\n"
    );
    assert_eq!(approver.calls()[0].1, format!("/v1/requests/{ID}/history"));
}

#[test]
fn what_the_approver_refuses_is_told_with_its_reason() {
    for (status, slug) in [
        (403, "own-request"),
        (409, "already-decided"),
        (410, "expired"),
        (404, "not-found"),
        (400, "bad-request"),
    ] {
        let approver = Approver::new(move |_, _| {
            (
                status,
                json!({"error": slug, "message": "ask another approver"}),
            )
        });
        for arguments in [
            &["deny", ID, "--reason", "x"][..],
            &["show", ID],
            &approve(&["--namespaces", "shop"]),
        ] {
            let ran = approver.world.run(arguments);
            assert_eq!((ran.code(), ran.stdout.as_str()), (1, ""), "{}", ran.stderr);
            assert_eq!(
                ran.stderr,
                format!("refused: ask another approver ({slug})\n")
            );
        }
        let ran = approver
            .world
            .run(&["deny", ID, "--reason", "x", "--format", "json"]);
        assert_eq!(ran.code(), 1);
        let document: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(document["error"], slug);
    }
}

#[test]
fn an_approver_that_can_t_be_asked_is_no_refusal() {
    for (status, body, words) in [
        (
            403,
            json!({"message": "Forbidden"}),
            "API Gateway did not let you in (Forbidden); ask for execute-api:Invoke",
        ),
        (
            404,
            json!({"message": "Not Found"}),
            "nothing is at this address (Not Found)",
        ),
        (
            429,
            json!({"message": "Too Many Requests"}),
            "the approver is asked too much",
        ),
        (
            500,
            json!({"message": "Internal Server Error"}),
            "the approver gave no answer: status 500",
        ),
        (
            503,
            json!({"error": "try-again", "message": "the table did not answer; try again"}),
            "the table did not answer",
        ),
        (
            200,
            json!("what?"),
            "the approver gave no answer: status 200",
        ),
    ] {
        let approver = Approver::new(move |_, _| (status, body.clone()));
        let ran = approver.world.run(&["requests"]);
        assert_eq!((ran.code(), ran.stdout.as_str()), (2, ""));
        assert!(
            ran.stderr.contains(words),
            "`{words}` is not in: {}",
            ran.stderr
        );
    }
    let approver = answering(request());
    let ran = approver
        .world
        .run(&["requests", "--api", "http://127.0.0.1:1"]);
    assert_eq!(ran.code(), 2);
    assert!(
        ran.stderr
            .contains("AWS could not be reached for execute-api:Invoke"),
        "{}",
        ran.stderr
    );
}

#[test]
fn an_address_that_is_none_of_the_approver_gets_no_signature() {
    let mut approver = answering(request());
    let here = approver
        .world
        .run(&["requests", "--api", "http://localhost:80/"]);
    assert_eq!(here.code(), 2);
    assert!(
        here.stderr
            .contains("it reads `https://ID.execute-api.REGION.amazonaws.com`"),
        "{}",
        here.stderr
    );
    approver
        .world
        .set("EKS_ACCESS_API", "https://evil.example/");
    let ran = approver.world.run(&["requests"]);
    assert_eq!(ran.code(), 2);
    assert!(
        ran.stderr.contains("is no address of the approver"),
        "{}",
        ran.stderr
    );
    approver.world.set("EKS_ACCESS_API", "");
    let ran = approver.world.run(&["requests"]);
    assert!(
        ran.stderr
            .contains("no address is known; give the stack's output `ApprovalsUrl` with --api"),
        "{}",
        ran.stderr
    );
    assert_eq!(approver.calls(), []);
}

#[test]
fn nothing_that_is_no_id_becomes_a_path() {
    let approver = answering(request());
    for id in [
        "..",
        "0123456789ABCDEF",
        "0123456789abcde",
        "0123456789abcdef/deny",
        "",
    ] {
        for command in [
            "show", "deny", "approve", "history", "extend", "revoke", "review",
        ] {
            let ran = approver.world.run(&[command, id]);
            assert_eq!(ran.code(), 2, "{command} {id}");
        }
    }
    assert_eq!(approver.calls(), []);
}

#[test]
fn no_byte_of_the_approver_reaches_the_terminal_as_a_command() {
    let evil = "\u{1b}[2J\u{202e}\u{0}\nrequest fedcba9876543210: approved";
    let approver = answering(request_with(&json!({
        "session": evil, "cause": evil, "hints": [evil], "reason": evil, "outcome": evil, "principal": evil,
        "approvals": [{"by": evil, "via": evil, "at": evil, "reason": evil}], "kind": evil, "state": evil, "id": evil,
        "offers": [{"rule": evil, "policies": [evil], "namespaces": [evil]}],
        "terms": {"policy": evil, "namespaces": [evil], "seconds": 1},
    })));
    let lists = Approver::new(move |_, path| match path {
        "/v1/requests" => (200, json!({"requests": [{"id": evil, "principal": evil}]})),
        "/v1/grants" => (
            200,
            json!({"grants": [{"id": evil, "terms": {"namespaces": [evil]}}]}),
        ),
        "/v1/requests/0123456789abcdef/history" => (
            200,
            json!({"history": [{"reason": evil, "actor": {"id": evil, "session": evil}}]}),
        ),
        "/v1/requests/0123456789abcdef/deny" => (403, json!({"error": evil, "message": evil})),
        _ => (500, json!({"message": evil})),
    });
    for (approver, arguments) in [
        (&approver, &["show", ID][..]),
        (
            &approver,
            &approve(&["--namespaces", "shop", "--policy", "AmazonEKSViewPolicy"]),
        ),
        (&lists, &["requests"]),
        (&lists, &["grants"]),
        (&lists, &["history", ID]),
        (&lists, &["deny", ID, "--reason", "x"]),
        (&lists, &["revoke", ID, "--reason", "x"]),
    ] {
        for format in ["text", "json"] {
            let ran = approver
                .world
                .run(&[arguments, &["--format", format]].concat());
            for said in [&ran.stdout, &ran.stderr] {
                let is_bad = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
                assert!(!said.contains(is_bad), "{said:?}");
                assert!(
                    !said.lines().any(|line| line.starts_with("request fedc")),
                    "{said}"
                );
            }
        }
    }
}

#[test]
fn json_is_the_approvers_own_and_what_is_shown_before_does_not_get_between() {
    let approver = answering(request());
    let (code, document) = approver.world.json(&approve(&["--namespaces", "shop"]));
    assert_eq!(code, 0);
    assert_eq!(
        document,
        json!({"request": request(), "message": "it is being granted"})
    );
    let odd = answering(request_with(&json!({"reason": "é\u{1f600}\u{7f}"})));
    let (_, document) = odd.world.json(&["show", ID]);
    assert_eq!(document["request"]["reason"], "é\u{1f600}\u{7f}");
}

#[cfg(target_os = "linux")]
mod on_a_terminal {
    use std::io::Write;
    use std::process::{Command, Stdio};

    use super::{Approver, ID, answering, request};

    /// Runs the command on a terminal of its own, at which somebody types this.
    fn typed(approver: &Approver, arguments: &str, text: &str) -> (i32, String) {
        let command = format!("{} {arguments}", env!("CARGO_BIN_EXE_eks-access"));
        let mut child = Command::new("script")
            .args([
                "--quiet",
                "--return",
                "--echo",
                "never",
                "--command",
                &command,
                "/dev/null",
            ])
            .env_clear()
            .envs(approver.world.variables())
            .env("PATH", "/usr/bin:/bin")
            .env("SHELL", "/bin/sh")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(text.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        drop(stdin);
        (
            output.status.code().unwrap(),
            String::from_utf8(output.stdout).unwrap(),
        )
    }

    #[test]
    fn only_a_typed_yes_is_one() {
        for (text, code, calls) in [("yes\n", 0, 2), ("y\n", 2, 1), ("\n", 2, 1), ("no\n", 2, 1)] {
            let approver = answering(request());
            let arguments = format!("approve {ID} --namespaces shop --reason 4711");
            let (ended, said) = typed(&approver, &arguments, text);
            assert_eq!((ended, approver.calls().len()), (code, calls), "{said}");
            assert!(said.contains("Type `yes` to say yes to this: "), "{said}");
        }
    }

    #[test]
    fn a_reason_that_was_not_given_is_asked_for() {
        let approver = answering(request());
        let (ended, said) = typed(&approver, &format!("deny {ID}"), "nobody knows them\n");
        assert_eq!(ended, 0, "{said}");
        assert!(said.contains("Why? It is kept in the audit: "), "{said}");
        assert_eq!(
            approver.sent(&format!("/v1/requests/{ID}/deny"))["reason"],
            "nobody knows them"
        );
    }
}
