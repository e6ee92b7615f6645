//! The audit: one record for each decision and each thing that was done, which nobody changes afterwards.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Evidence, Request};
use crate::policy::{Approver, Terms};
use crate::timestamp;

/// How the keys of records begin.
pub const AUDIT: &str = "audit#";

/// What was decided or done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Somebody was refused, or broke the glass.
    Requested,
    /// Somebody said yes.
    Approved,
    /// Somebody said no.
    Denied,
    /// Nobody answered in time.
    Expired,
    /// The granter began: the end is written down.
    Granting,
    /// There is an access entry.
    Granted,
    /// It could not be granted.
    Failed,
    /// Somebody asked for more time.
    ExtensionRequested,
    /// The grant has more time.
    Extended,
    /// Somebody ended the grant early.
    EndRequested,
    /// The entry is gone.
    Revoked,
    /// The entry should be gone, and is not.
    RevokeFailed,
    /// Somebody changed the entry.
    Drifted,
    /// Somebody looked at a break-glass afterwards.
    Reviewed,
}

impl Action {
    /// Its stable name.
    #[must_use]
    pub fn slug(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Expired => "expired",
            Self::Granting => "granting",
            Self::Granted => "granted",
            Self::Failed => "failed",
            Self::ExtensionRequested => "extension_requested",
            Self::Extended => "extended",
            Self::EndRequested => "end_requested",
            Self::Revoked => "revoked",
            Self::RevokeFailed => "revoke_failed",
            Self::Drifted => "drifted",
            Self::Reviewed => "reviewed",
        }
    }
}

/// Who decided or did it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Actor {
    /// A person or program outside.
    Approver(Approver),
    /// A function of this product.
    Product(String),
}

impl Actor {
    /// A function of this product.
    #[must_use]
    pub fn product(function: &str) -> Self {
        Self::Product(function.to_owned())
    }

    /// For people.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Approver(approver) => approver.to_string(),
            Self::Product(function) => format!("the {function}"),
        }
    }

    fn json(&self) -> Value {
        match self {
            Self::Approver(Approver::Slack { team, user, .. }) => {
                json!({"kind": "slack", "id": user, "team": team})
            }
            Self::Approver(Approver::Iam { principal, session }) => {
                json!({"kind": "iam", "id": principal, "session": session})
            }
            Self::Product(function) => json!({"kind": "product", "id": function}),
        }
    }

    fn channel(&self) -> &'static str {
        match self {
            Self::Approver(approver) => approver.door().slug(),
            Self::Product(_) => "product",
        }
    }
}

/// One record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// What.
    pub action: Action,
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// Who.
    pub actor: Actor,
    /// Why, in their words or ours.
    pub reason: String,
    /// What came of it: `ok`, or what was wrong.
    pub result: String,
    /// The request as it is after this.
    request: Box<Request>,
    terms: Option<Terms>,
    evidence: Evidence,
}

impl Record {
    /// The record of an action, of the request as it is after it.
    #[must_use]
    pub fn new(action: Action, request: &Request, actor: Actor, reason: &str, at: i64) -> Self {
        Self {
            action,
            at,
            actor,
            reason: reason.to_owned(),
            result: "ok".to_owned(),
            terms: request.terms.clone(),
            evidence: request.evidence.clone(),
            request: Box::new(request.clone()),
        }
    }

    /// With a result other than `ok`.
    #[must_use]
    pub fn with_result(mut self, result: &str) -> Self {
        result.clone_into(&mut self.result);
        self
    }

    /// Names the record within its request, in the order of the changes: each change has one, and there is one of each.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{AUDIT}{:08}#{}", self.request.version, self.action.slug())
    }

    /// The record as JSON: the same in the table, in the function's log and in SNS.
    #[must_use]
    pub fn json(&self, guardrails: &str, invocation: &str, eks_request_id: Option<&str>) -> Value {
        let request = &self.request;
        let time = |at: Option<i64>| at.map(timestamp::rfc3339);
        json!({
            "at": timestamp::rfc3339(self.at),
            "at_ms": self.at,
            "action": self.action.slug(),
            "request_id": request.id.as_str(),
            "kind": request.kind.slug(),
            "extends": request.extends.as_ref().map(ToString::to_string),
            "state": request.state.slug(),
            "actor": self.actor.json(),
            "channel": self.actor.channel(),
            "principal": request.principal.to_string(),
            "unique_id": request.unique_id,
            "cluster": request.cluster.as_str(),
            "account": request.account.as_str(),
            "region": request.region.as_str(),
            "cause": request.cause,
            "policy": self.terms.as_ref().map(|terms| terms.policy.name()),
            "namespaces": self.terms.as_ref().map(|terms| terms.namespaces.clone()),
            "seconds": self.terms.as_ref().map(|terms| terms.seconds),
            "until": time(request.ends),
            "rule": request.rule,
            "reason": self.reason,
            "evidence": {
                "log_group": self.evidence.log_group,
                "log_stream": self.evidence.log_stream,
                "event_id": self.evidence.event_id,
                "timestamp": time(self.evidence.timestamp),
                "error_sha256": self.evidence.error_sha256,
            },
            "result": self.result,
            "guardrails": guardrails,
            "invocation": invocation,
            "eks_request_id": eks_request_id,
        })
    }
}
