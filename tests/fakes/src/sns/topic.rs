//! Reading the topic.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde_json::Value;

use super::{State, addressed, error};
use crate::http::{Request, Response};
use crate::iam::{members, query_result};
use crate::record::{Asked, Record};
use crate::wire::{scope, xml};

/// Keeps a request in the record that is shared with other services, if there is one.
pub(super) fn note(
    shared: &Mutex<State>,
    action: &str,
    parameters: &BTreeMap<String, String>,
    request: &Request,
) -> Option<(Record, Asked)> {
    let record = shared.lock().unwrap().record.clone();
    let (record, scope) = (record?, scope(request)?);
    let asked = Asked {
        number: 0,
        service: "sns",
        operation: action.to_owned(),
        input: parameters
            .iter()
            .filter(|(name, _)| !["Action", "Version"].contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), Value::String(value.clone())))
            .collect(),
        access_key: scope.access_key,
        outcome: "pending".to_owned(),
    };
    let asked = record.begin(asked);
    Some((record, asked))
}

/// What can be read of the topic. Another topic is no broken rule here: who asks whether it is there may be told no.
pub(super) fn read(
    shared: &Mutex<State>,
    topic: &str,
    parameters: &BTreeMap<String, String>,
    request: &Request,
) -> Response {
    let action = parameters.get("Action").map_or("", String::as_str);
    let mut state = shared.lock().unwrap();
    if let Err((status, code, rule)) = addressed(request, parameters, topic) {
        if code != "NotFound" {
            state.broken_rules.push(format!("{code}: {rule}"));
        }
        return error(status, "Sender", code, &rule);
    }
    if state.unreadable {
        let words = format!("not authorized to perform: SNS:{action} on resource: {topic}");
        return error(403, "Sender", "AuthorizationError", &words);
    }
    let owner = topic.split(':').nth(4).unwrap_or("");
    let result = if action == "GetTopicAttributes" {
        let mut attributes = state.attributes.clone();
        for (name, value) in [
            ("TopicArn", topic.to_owned()),
            ("Owner", owner.to_owned()),
            (
                "SubscriptionsConfirmed",
                state.subscriptions.len().to_string(),
            ),
            ("SubscriptionsPending", "0".to_owned()),
            ("SubscriptionsDeleted", "0".to_owned()),
        ] {
            attributes.entry(name.to_owned()).or_insert(value);
        }
        let entries: Vec<_> = attributes
            .iter()
            .map(|(name, value)| {
                format!(
                    "<entry><key>{}</key><value>{}</value></entry>",
                    xml(name),
                    xml(value)
                )
            })
            .collect();
        format!("<Attributes>{}</Attributes>", entries.concat())
    } else {
        let subscriptions = members(
            state.subscriptions.iter().enumerate(),
            |(number, (protocol, endpoint))| {
                format!(
                    "<TopicArn>{topic}</TopicArn><Protocol>{}</Protocol><SubscriptionArn>{topic}:{number:08}\
                 </SubscriptionArn><Owner>{owner}</Owner><Endpoint>{}</Endpoint>",
                    xml(protocol),
                    xml(endpoint)
                )
            },
        );
        format!("<Subscriptions>{subscriptions}</Subscriptions>")
    };
    query_result("http://sns.amazonaws.com/doc/2010-03-31/", action, &result)
}
