//! Everything that Slack may get of requests for access, at their worst.

use std::collections::BTreeMap;

use eks_access::access::{Kind, Random, Request, State, Token};
use eks_access::notice::access::{card, modal};
use eks_access::policy::{AccessPolicy, Offer};
use serde_json::Value;

use crate::worst::{NEWS, namespaces, request};

fn offers(count: usize) -> Vec<Offer> {
    vec![Offer {
        rule: "r".repeat(80),
        policies: AccessPolicy::ALL.to_vec(),
        namespaces: namespaces(count),
        most_seconds: 43_200,
        usual_seconds: 3_600,
        needed: 1,
    }]
}

/// Everything that Slack may get of requests.
pub(crate) fn documents(words: &str) -> Vec<Value> {
    let labels = BTreeMap::from([("111122223333".to_owned(), "l".repeat(60))]);
    let mut documents = Vec::new();
    for state in State::ALL {
        for kind in [Kind::Access, Kind::Extension, Kind::BreakGlass] {
            let request = request(*state, kind, words);
            let random = Random([9; 24]);
            let token = Token {
                id: random.id(),
                nonce: random.nonce(),
            };
            let message = card::card(&request, Some(&token));
            documents.push(in_a_channel(&message.message()));
            documents.push(in_a_channel(
                &message.plain(&card::words(&request)).message(),
            ));
            for news in NEWS {
                documents.push(in_a_channel(&card::reply(&request, news).message()));
            }
            let unasked = Request {
                terms: None,
                ..request.clone()
            };
            for count in [1, 60, 61] {
                documents.push(modal::approve(&unasked, &offers(count), &token, &labels));
            }
            documents.push(modal::approve(
                &request,
                &offers(1),
                &token,
                &BTreeMap::new(),
            ));
            documents.push(modal::extend(&request, &offers(1), &token));
        }
    }
    documents.push(in_a_channel(&card::whisper(words).message()));
    documents
}

fn in_a_channel(message: &Value) -> Value {
    let mut message = message.clone();
    if let Some(fields) = message.as_object_mut() {
        fields.insert("channel".to_owned(), "C0123456789".into());
    }
    message
}
