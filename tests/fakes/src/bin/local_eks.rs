//! The strict EKS of the local stack (`make run`, `make local`), on 127.0.0.1 and a free port: `AWS_ENDPOINT_URL_EKS` points
//! every function here.
//!
//! Prints its address as the first line, and ends when its standard input does, so that it never outlives whoever started
//! it. `/control/…` is theirs, everything else is EKS':
//!
//! ```text
//! POST /control/clusters    {"name", "mode"}               there is a cluster
//! POST /control/principals  {"arn", "id"}                  IAM has this role, by this unique id
//! POST /control/gone        {"arn"}                        IAM has it no more
//! POST /control/login       {"cluster", "arn", "id"}       what the authenticator would make of a session of it now
//! GET  /control/complaints                                 what nobody should have asked
//! ```

#![expect(clippy::expect_used, reason = "what can't go on ends")]

use std::io::{Write, copy, sink, stderr, stdin, stdout};
use std::process::exit;

use fakes::directory::{Directory, Principal};
use fakes::eks::{Cluster, Eks, Login};
use fakes::http::{Request, Response, Server};
use fakes::record::Record;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [region, account] = arguments.as_slice() else {
        writeln!(stderr(), "usage: local_eks REGION ACCOUNT").ok();
        exit(2);
    };
    let directory = Directory::new("aws", account);
    let eks = Eks::new(region, &directory, &Record::default());
    let server = Server::start(
        move |request| match request.path.strip_prefix("/control/") {
            Some(what) => told(&eks, &directory, what, request),
            None => eks.answer(request),
        },
    );
    let mut out = stdout();
    writeln!(out, "http://{}", server.address()).expect("somebody reads the address");
    out.flush().expect("somebody reads the address");
    copy(&mut stdin(), &mut sink()).ok();
}

fn told(eks: &Eks, directory: &Directory, what: &str, request: &Request) -> Response {
    let asked: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let (status, answer) = match done(eks, directory, what, &asked) {
        Some(answer) => (200, answer),
        None => (400, json!({"error": format!("no `{what}` with {asked}")})),
    };
    let mut response = Response::new(status, answer.to_string());
    let kind = ("content-type".into(), "application/json".to_owned());
    response.headers.push(kind);
    response
}

fn done(eks: &Eks, directory: &Directory, what: &str, asked: &Value) -> Option<Value> {
    let text = |name: &str| asked.get(name)?.as_str();
    match what {
        "clusters" => eks.cluster(Cluster::new(text("name")?).mode(text("mode")?)),
        "principals" => {
            let role = role(text("arn")?)?.with_id(text("id")?);
            directory.add(role);
        }
        "gone" => {
            directory.find(text("arn")?)?;
            directory.delete(text("arn")?);
        }
        "login" => return Some(login(eks, text("cluster")?, text("arn")?, text("id")?)),
        "complaints" => {
            let record = eks.record();
            return Some(json!([record.broken_rules(), record.unasked()].concat()));
        }
        _ => return None,
    }
    Some(json!({}))
}

/// `arn:aws:iam::111122223333:role/dev/jane`.
fn role(arn: &str) -> Option<Principal> {
    let (_, path) = arn.split_once(":role/")?;
    let name = path.rsplit('/').next()?;
    let path = path.strip_suffix(name)?;
    Some(Principal::role(&format!("/{path}"), name))
}

fn login(eks: &Eks, cluster: &str, arn: &str, id: &str) -> Value {
    let now = OffsetDateTime::now_utc().format(&Rfc3339);
    let now = now.expect("the time of this machine");
    match eks.would_log_in(cluster, arn, id, &now) {
        Login::Granted { username, groups } => json!({"username": username, "groups": groups}),
        Login::NotMapped => json!({"refused": "identity is not mapped"}),
        Login::OtherArn => json!({"refused": "ARN does not match User ID"}),
    }
}
