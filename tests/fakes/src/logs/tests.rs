//! The rules, over HTTP, without an SDK.

use std::time::Duration;

use serde_json::{Value, json};

use super::query::grammar;
use super::{Ending, LogGroup, Logs};
use crate::directory::Directory;
use crate::http::{Request, ask};

const GROUP: &str = "/aws/eks/prod/cluster";

struct World {
    logs: Logs,
    address: String,
}

fn world() -> World {
    let (logs, endpoint) = Logs::start("eu-west-1", &Directory::new("aws", "111122223333"));
    logs.group(LogGroup::new(GROUP).retention(30).filter(
        "denials",
        "\"access denied\"",
        "arn:aws:lambda:eu-west-1:111122223333:function:responder",
    ));
    logs.group(LogGroup::new("/aws/eks/other/cluster").class("INFREQUENT_ACCESS"));
    World {
        logs,
        address: endpoint.replace("http://", ""),
    }
}

impl World {
    fn ask(&self, operation: &str, body: &Value) -> Value {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let request = Request {
            method: "POST".to_owned(),
            path: "/".to_owned(),
            headers: vec![
                header(
                    "authorization",
                    "AWS4-HMAC-SHA256 Credential=AKID/20260301/eu-west-1/logs/aws4_request, SignedHeaders=host, \
                     Signature=0",
                ),
                header("x-amz-target", &format!("Logs_20140328.{operation}")),
                header("content-type", "application/x-amz-json-1.1"),
            ],
            body: body.to_string().into_bytes(),
        };
        let answer = ask(&self.address, &request, Duration::from_secs(10)).unwrap();
        serde_json::from_slice(&answer.body).unwrap()
    }

    fn start(&self, group: &str, text: &str) -> Value {
        let until = crate::wire::now() / 1000;
        let body = json!({
            "logGroupName": group, "startTime": until - 3600, "endTime": until, "queryString": text,
        });
        self.ask("StartQuery", &body)
    }
}

#[test]
fn groups_and_their_filters_are_described() {
    let world = world();
    let groups = world.ask(
        "DescribeLogGroups",
        &json!({"logGroupNamePrefix": "/aws/eks/prod"}),
    );
    assert_eq!(groups["logGroups"][0]["retentionInDays"], 30);
    assert_eq!(groups["logGroups"].as_array().unwrap().len(), 1);
    world.logs.page(1);
    let first = world.ask("DescribeLogGroups", &json!({}));
    let second = world.ask(
        "DescribeLogGroups",
        &json!({"nextToken": first["nextToken"]}),
    );
    assert_eq!(second["logGroups"][0]["logGroupName"], GROUP);
    let filters = world.ask(
        "DescribeSubscriptionFilters",
        &json!({"logGroupName": GROUP}),
    );
    assert_eq!(filters["subscriptionFilters"][0]["filterName"], "denials");
    let none = world.ask(
        "DescribeSubscriptionFilters",
        &json!({"logGroupName": "/aws/eks/none/cluster"}),
    );
    assert_eq!(none["__type"], "ResourceNotFoundException");
    assert_eq!(world.logs.record().broken_rules(), Vec::<String>::new());
}

#[test]
fn a_query_is_scheduled_then_running_then_complete() {
    let world = world();
    world.logs.polls(2);
    world.logs.results(|query| {
        assert_eq!(query.groups, [GROUP]);
        Ending::Complete(vec![vec![("@message".to_owned(), "x".to_owned())]])
    });
    let id = world.start(
        GROUP,
        "fields @message | filter @logStream like /authenticator/ | limit 5",
    )["queryId"]
        .clone();
    let mut statuses = Vec::new();
    let last = loop {
        let results = world.ask("GetQueryResults", &json!({"queryId": id}));
        statuses.push(results["status"].as_str().unwrap().to_owned());
        if results["status"] == "Complete" {
            break results;
        }
    };
    assert_eq!(statuses, ["Scheduled", "Running", "Complete"]);
    assert_eq!(
        last["results"][0][0],
        json!({"field": "@message", "value": "x"})
    );
    assert_eq!(last["results"][0][1]["field"], "@ptr");
    assert_eq!(
        world.ask("StopQuery", &json!({"queryId": id}))["__type"],
        "InvalidParameterException"
    );
    assert_eq!(world.logs.left_running(), Vec::<String>::new());
}

#[test]
fn a_query_that_is_stopped_is_cancelled() {
    let world = world();
    world.logs.results(|_| Ending::Never);
    let id = world.start(GROUP, "fields @message")["queryId"].clone();
    assert_eq!(world.logs.left_running(), ["query-1"]);
    assert_eq!(
        world.ask("StopQuery", &json!({"queryId": id}))["success"],
        true
    );
    assert_eq!(
        world.ask("GetQueryResults", &json!({"queryId": id}))["status"],
        "Cancelled"
    );
    assert_eq!(world.logs.left_running(), Vec::<String>::new());
}

#[test]
fn what_is_wrong_with_a_query_is_said() {
    let world = world();
    let code = |answer: Value| answer["__type"].as_str().unwrap_or("").to_owned();
    assert_eq!(
        code(world.start("/aws/eks/none/cluster", "fields @message")),
        "ResourceNotFoundException"
    );
    let old = json!({"logGroupName": GROUP, "startTime": 1, "endTime": 2, "queryString": "fields @message"});
    assert_eq!(
        code(world.ask("StartQuery", &old)),
        "MalformedQueryException"
    );
    assert_eq!(world.logs.record().broken_rules(), Vec::<String>::new());
    assert_eq!(
        code(world.start(GROUP, "select *")),
        "MalformedQueryException"
    );
    let milliseconds = json!({
        "logGroupName": GROUP, "startTime": 1, "endTime": crate::wire::now(), "queryString": "fields @message",
    });
    assert_eq!(
        code(world.ask("StartQuery", &milliseconds)),
        "InvalidParameterException"
    );
    assert_eq!(
        code(world.ask("GetQueryResults", &json!({"queryId": "none"}))),
        "ResourceNotFoundException"
    );
    assert_eq!(world.logs.record().broken_rules().len(), 3);
}

#[test]
fn pipes_in_patterns_and_strings_part_no_commands() {
    assert_eq!(
        grammar("filter @message like /a|b/ | sort @timestamp desc"),
        Ok(())
    );
    assert_eq!(
        grammar("filter a = \"x | y\" and (b = 'z')\n| stats count(*) by arn"),
        Ok(())
    );
    assert_eq!(grammar("stats a/b as c"), Ok(()));
    for bad in [
        "",
        "fields @message | where x",
        "filter (a",
        "filter a = \"b",
        "filter a like /b",
    ] {
        assert!(grammar(bad).is_err(), "{bad}");
    }
}
