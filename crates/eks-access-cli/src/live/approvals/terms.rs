//! What somebody is about to say yes to.

use eks_access::policy::{AccessPolicy, Namespace, Terms};
use serde_json::Value;

use super::super::shown;
use crate::args::approvals::Approve;

/// The longest that is offered if the approver does not say for how long, in seconds.
const USUAL: u64 = 60 * 60;

/// What the options say; what they leave open is as others agreed, or the least that is offered. The error says what to
/// add.
pub(super) fn of(request: &Value, options: &Approve) -> Result<Terms, String> {
    let agreed: Option<Terms> = request
        .get("terms")
        .and_then(|terms| serde_json::from_value(terms.clone()).ok());
    let offers = offers(request);
    let policy = options
        .policy
        .or(agreed.as_ref().map(|terms| terms.policy))
        .unwrap_or(AccessPolicy::View);
    let namespaces = match (&*options.namespaces, &agreed) {
        ([], Some(agreed)) => agreed.namespaces.clone(),
        ([], None) => vec![only_namespace(&offers, policy)?],
        (named, _) => named.to_vec(),
    };
    let time = options.time.map(|time| time.0);
    let seconds = time
        .or(agreed.map(|terms| terms.seconds))
        .unwrap_or_else(|| usual(&offers, policy, &namespaces));
    new(policy, namespaces, seconds)
}

/// Terms with at least one namespace.
pub(super) fn new(
    policy: AccessPolicy,
    namespaces: Vec<Namespace>,
    seconds: u64,
) -> Result<Terms, String> {
    Terms::new(policy, namespaces, seconds)
        .ok_or_else(|| "name at least one namespace with --namespaces".to_owned())
}

/// What one rule of the guardrails offers.
struct Offer {
    policies: Vec<AccessPolicy>,
    namespaces: Vec<Namespace>,
    most_seconds: Option<u64>,
    usual_seconds: Option<u64>,
}

fn offers(request: &Value) -> Vec<Offer> {
    let offers = request.get("offers").and_then(Value::as_array);
    let read = |offer: &Value| Offer {
        policies: list(offer.get("policies")),
        namespaces: list(offer.get("namespaces")),
        most_seconds: offer.get("max_seconds").and_then(Value::as_u64),
        usual_seconds: offer.get("usual_seconds").and_then(Value::as_u64),
    };
    offers.into_iter().flatten().map(read).collect()
}

fn list<T: std::str::FromStr>(items: Option<&Value>) -> Vec<T> {
    let items = items.and_then(Value::as_array).into_iter().flatten();
    items
        .filter_map(|item| item.as_str()?.parse().ok())
        .collect()
}

/// The namespace that is offered, if it is one.
fn only_namespace(offers: &[Offer], policy: AccessPolicy) -> Result<Namespace, String> {
    let fitting = offers
        .iter()
        .filter(|offer| offer.policies.contains(&policy));
    let mut names: Vec<&Namespace> = fitting.flat_map(|offer| &offer.namespaces).collect();
    names.sort_unstable();
    names.dedup();
    match names.as_slice() {
        [] => Err(format!(
            "the guardrails offer {policy} in no namespace here; `eks-access show` says what they offer"
        )),
        [name] => Ok((*name).clone()),
        _ => {
            let names: Vec<String> = names.iter().map(|name| shown(name.as_str())).collect();
            Err(format!(
                "say in which namespaces with --namespaces; these are offered: {}",
                names.join(", ")
            ))
        }
    }
}

/// For how long, by the rule that offers all of this.
fn usual(offers: &[Offer], policy: AccessPolicy, namespaces: &[Namespace]) -> u64 {
    let fitting = offers.iter().filter(|offer| {
        offer.policies.contains(&policy)
            && namespaces
                .iter()
                .all(|name| offer.namespaces.contains(name))
    });
    let seconds = fitting.map(|offer| {
        let usual = offer.usual_seconds.unwrap_or(USUAL);
        offer.most_seconds.map_or(usual, |most| usual.min(most))
    });
    seconds.min().unwrap_or(USUAL)
}
