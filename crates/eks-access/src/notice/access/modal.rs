//! The form in which an approver sees the whole of a request and says yes by sending it, and the one that asks for more
//! time.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use serde_json::{Value, json};

use super::card::plain;
use crate::access::{Request, Token};
use crate::notice::slack::blocks::{context, paragraph, preformatted, rich, section};
use crate::policy::{AccessPolicy, Namespace, Offer, Terms};
use crate::text::shorten;
use crate::timestamp;

/// Sent by whoever says yes.
pub const APPROVE: &str = "req:approve";
/// Sent by whoever asks for more time.
pub const MORE: &str = "req:more";

const POLICY: &str = "policy";
const NAMESPACES: &str = "namespaces";
const DURATION: &str = "duration";
const REASON: &str = "reason";
/// The block that tells why a form is not taken, where nothing else is the reason.
pub const ANY: &str = REASON;

/// Namespaces to choose from; more are typed. (A select takes 100 options, `@slack/types` 3.2, but nobody reads them.)
const MOST_OPTIONS: usize = 60;
/// Durations to choose from, in seconds.
const DURATIONS: [u64; 7] = [900, 1800, 3600, 7200, 14_400, 28_800, 43_200];
/// Characters of a reason.
const LONGEST_REASON: u32 = 500;

/// What a form carries: the button's value, and what its reader saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// The button's value.
    pub token: Token,
    /// [`Request::seen`].
    pub seen: String,
}

impl Metadata {
    fn of(request: &Request, token: &Token) -> Self {
        Self {
            token: token.clone(),
            seen: request.seen(),
        }
    }
}

impl fmt::Display for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.token, self.seen)
    }
}

impl FromStr for Metadata {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (token, seen) = text
            .rsplit_once('.')
            .ok_or("not what a form of ours carries")?;
        Ok(Self {
            token: token.parse()?,
            seen: seen.to_owned(),
        })
    }
}

/// The form of a request. `labels` names accounts; one without a name is called unknown.
#[must_use]
pub fn approve(
    request: &Request,
    offers: &[Offer],
    token: &Token,
    labels: &BTreeMap<String, String>,
) -> Value {
    let mut blocks = vec![
        section(paragraph(
            "To send this form is to say yes. Anyone who can assume this role, or has this user's keys, gets in: a log \
             can't show who that is.",
        )),
        rich(vec![preformatted(&facts(request, labels))]),
    ];
    let powers: BTreeSet<AccessPolicy> = match &request.terms {
        Some(terms) => BTreeSet::from([terms.policy]),
        None => offers
            .iter()
            .flat_map(|offer| &offer.policies)
            .copied()
            .collect(),
    };
    let powers: Vec<String> = powers
        .iter()
        .map(|policy| format!("{policy} {}", policy.power()))
        .collect();
    blocks.push(context(&powers.join("; ")));
    match &request.terms {
        Some(terms) => blocks.push(section(paragraph(&format!(
            "Asked for, or agreed on by another approver: {}",
            shorten(&terms.words(), 2000)
        )))),
        None => blocks.extend(choices(offers)),
    }
    blocks.push(reason("Why is this needed? It is kept in the audit."));
    form(
        APPROVE,
        "Grant access?",
        "Grant",
        &Metadata::of(request, token),
        &blocks,
    )
}

/// The form that asks for more time.
#[must_use]
pub fn extend(request: &Request, offers: &[Offer], token: &Token) -> Value {
    let terms = request
        .terms
        .as_ref()
        .map_or_else(String::new, Terms::words);
    let blocks = [
        section(paragraph(&format!(
            "Somebody else has to say yes to it. The time counts from then. Now it is: {}",
            shorten(&terms, 2000)
        ))),
        rich(vec![preformatted(&request.principal.to_string())]),
        duration(offers),
        reason("Why is more time needed?"),
    ];
    form(
        MORE,
        "More time?",
        "Ask",
        &Metadata::of(request, token),
        &blocks,
    )
}

fn form(callback: &str, title: &str, submit: &str, metadata: &Metadata, blocks: &[Value]) -> Value {
    json!({
        "type": "modal",
        "callback_id": callback,
        "title": plain(title),
        "submit": plain(submit),
        "close": plain("Cancel"),
        "private_metadata": metadata.to_string(),
        "blocks": blocks,
    })
}

fn facts(request: &Request, labels: &BTreeMap<String, String>) -> String {
    let label = labels
        .get(request.account.as_str())
        .map_or("UNKNOWN ACCOUNT", String::as_str);
    let mut lines = vec![
        request.principal.to_string(),
        format!("account   {} ({label})", request.account),
        format!("cluster   {} in {}", request.cluster, request.region),
        format!("cause     {}", request.cause),
    ];
    if let Some(session) = &request.session {
        let session = crate::text::LogText::new(session.as_str()).shown(64);
        lines.push(format!("session   {session} (whoever called chose it)"));
    }
    lines.extend(request.hints.iter().map(|hint| format!("note      {hint}")));
    if let (Some(by), Some(reason)) = (&request.requested_by, &request.reason) {
        lines.push(format!("asked by  {by}: {reason}"));
    }
    lines.extend(request.approvals.iter().map(|approval| {
        format!(
            "yes       {} at {}: {}",
            approval.by,
            timestamp::rfc3339(approval.at),
            approval.reason
        )
    }));
    lines.push(format!(
        "request   {}, open until {}",
        request.id,
        timestamp::rfc3339(request.expires)
    ));
    // The principal is shown whole: its name stands at the end.
    let whole = lines.remove(0);
    let lines: Vec<String> = lines.iter().map(|line| shorten(line, 500)).collect();
    format!("{whole}\n{}", shorten(&lines.join("\n"), 2000))
}

/// What may be chosen from, of all rules together; what goes together the guardrails say when the form comes back.
fn choices(offers: &[Offer]) -> Vec<Value> {
    let policies: BTreeSet<AccessPolicy> = offers
        .iter()
        .flat_map(|offer| &offer.policies)
        .copied()
        .collect();
    let namespaces: BTreeSet<&Namespace> =
        offers.iter().flat_map(|offer| &offer.namespaces).collect();
    let policies: Vec<Value> = policies
        .iter()
        .map(|policy| option(policy.name(), policy.name()))
        .collect();
    let first = policies.first().cloned();
    let names: Vec<Value> = namespaces
        .iter()
        .map(|name| option(name.as_str(), name.as_str()))
        .collect();
    let namespaces = if names.len() > MOST_OPTIONS {
        json!({
            "type": "plain_text_input",
            "action_id": NAMESPACES,
            "max_length": LONGEST_REASON,
            "placeholder": plain("names, with commas between"),
        })
    } else {
        json!({
            "type": "multi_static_select",
            "action_id": NAMESPACES,
            "options": names,
            "placeholder": plain("the least that is needed"),
        })
    };
    vec![
        input(
            POLICY,
            "Access policy",
            &json!({"type": "static_select", "action_id": POLICY, "options": policies, "initial_option": first}),
        ),
        input(NAMESPACES, "Namespaces", &namespaces),
        duration(offers),
    ]
}

fn duration(offers: &[Offer]) -> Value {
    let most = offers
        .iter()
        .map(|offer| offer.most_seconds)
        .max()
        .unwrap_or(0);
    let usual = offers
        .iter()
        .map(|offer| offer.usual_seconds)
        .min()
        .unwrap_or(most);
    let mut all: BTreeSet<u64> = DURATIONS
        .into_iter()
        .filter(|seconds| *seconds <= most)
        .collect();
    all.extend([most, usual]);
    let options: Vec<Value> = all.iter().map(|seconds| of_seconds(*seconds)).collect();
    let element = json!({
        "type": "static_select",
        "action_id": DURATION,
        "options": options,
        "initial_option": of_seconds(usual),
    });
    input(DURATION, "For how long", &element)
}

fn of_seconds(seconds: u64) -> Value {
    let milliseconds = i64::try_from(seconds)
        .unwrap_or(i64::MAX)
        .saturating_mul(1000);
    let words = timestamp::duration(milliseconds);
    option(
        words.strip_suffix(" 0 min").unwrap_or(&words),
        &seconds.to_string(),
    )
}

fn option(text: &str, value: &str) -> Value {
    json!({"text": plain(text), "value": value})
}

fn reason(label: &str) -> Value {
    input(
        REASON,
        label,
        &json!({"type": "plain_text_input", "action_id": REASON, "multiline": true, "min_length": 3, "max_length": LONGEST_REASON}),
    )
}

fn input(block: &str, label: &str, element: &Value) -> Value {
    json!({"type": "input", "block_id": block, "label": plain(label), "element": element})
}

/// What somebody filled in. Nothing of it is believed before the guardrails have seen it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filled {
    /// The access policy.
    pub policy: Option<AccessPolicy>,
    /// The namespaces.
    pub namespaces: Vec<Namespace>,
    /// For how long, in seconds.
    pub seconds: Option<u64>,
    /// Why.
    pub reason: String,
}

impl Filled {
    /// Whether the form let somebody choose the terms.
    #[must_use]
    pub fn has_terms(&self) -> bool {
        self.policy.is_some() || !self.namespaces.is_empty()
    }

    /// Reads `view.state.values`.
    ///
    /// # Errors
    /// For each block that can't be read, why.
    pub fn read(values: &Value) -> Result<Self, BTreeMap<&'static str, String>> {
        let mut wrong = BTreeMap::new();
        let chosen = |block: &str| {
            values
                .pointer(&format!("/{block}/{block}/selected_option/value"))?
                .as_str()
        };
        let policy = chosen(POLICY).map(str::parse).transpose();
        let policy = policy.unwrap_or_else(|why: &str| {
            wrong.insert(POLICY, why.to_owned());
            None
        });
        let seconds = chosen(DURATION).map(str::parse).transpose();
        let seconds = seconds.unwrap_or_else(|_: std::num::ParseIntError| {
            wrong.insert(DURATION, "choose one of the times".to_owned());
            None
        });
        let names = names(values);
        let namespaces: Result<Vec<Namespace>, &str> =
            names.iter().map(|name| name.parse()).collect();
        let namespaces = namespaces.unwrap_or_else(|why| {
            wrong.insert(NAMESPACES, shorten(why, 150));
            Vec::new()
        });
        let reason = values
            .pointer("/reason/reason/value")
            .and_then(Value::as_str);
        if wrong.is_empty() {
            Ok(Self {
                policy,
                namespaces,
                seconds,
                reason: reason.unwrap_or_default().to_owned(),
            })
        } else {
            Err(wrong)
        }
    }

    /// The terms that were filled in.
    ///
    /// # Errors
    /// Which block is empty.
    pub fn terms(&self) -> Result<Terms, (&'static str, &'static str)> {
        let policy = self.policy.ok_or((POLICY, "choose an access policy"))?;
        let seconds = self.seconds.ok_or((DURATION, "choose a time"))?;
        Terms::new(policy, self.namespaces.clone(), seconds)
            .ok_or((NAMESPACES, "choose at least one namespace"))
    }
}

fn names(values: &Value) -> Vec<String> {
    let block = values.pointer("/namespaces/namespaces");
    let selected = block
        .and_then(|block| block.get("selected_options"))
        .and_then(Value::as_array);
    if let Some(selected) = selected {
        let values = selected
            .iter()
            .filter_map(|option| option.get("value")?.as_str());
        return values.map(str::to_owned).collect();
    }
    let typed = block
        .and_then(|block| block.get("value")?.as_str())
        .unwrap_or_default();
    typed
        .split(',')
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .collect()
}
