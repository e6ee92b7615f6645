//! The cases by which a guardrails file tests itself.

use std::fmt;

use super::{Approver, Ask, Guardrails, Refused, Terms};
use crate::cluster::ClusterName;
use crate::principal::{AccountId, Principal};

/// One case: who asks for what, who says yes, and what is to come of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// Where it begins in the file.
    pub line: usize,
    /// What it says.
    pub name: String,
    pub(super) cluster: ClusterName,
    pub(super) principal: Principal,
    pub(super) account: Option<AccountId>,
    pub(super) terms: Option<Terms>,
    pub(super) session: Option<String>,
    pub(super) approvers: Vec<Approver>,
    pub(super) is_glass: bool,
    pub(super) expected: String,
}

/// A case that came out otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseFailed {
    /// What was to come of it.
    pub expected: String,
    /// What did.
    pub came: String,
    /// The reason, in words.
    pub why: String,
}

impl fmt::Display for CaseFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected `{}`, and it is `{}`", self.expected, self.came)?;
        if self.why.is_empty() {
            Ok(())
        } else {
            write!(f, ": {}", self.why)
        }
    }
}

impl Case {
    /// What may be expected: that it is granted, that it is offered (with nobody's yes yet), or why it is refused.
    pub const EXPECTATIONS: [&str; 10] = [
        "granted",
        "offered",
        "never",
        "denied",
        "not-offered",
        "too-much",
        "not-an-approver",
        "wrong-channel",
        "own-request",
        "needs-more",
    ];

    /// Tries it.
    ///
    /// # Errors
    /// When something else comes of it.
    pub fn run(&self, guardrails: &Guardrails) -> Result<(), CaseFailed> {
        let ask = Ask {
            cluster: &self.cluster,
            account: self.account.as_ref().unwrap_or(self.principal.account()),
            principal: &self.principal,
            session: self.session.as_deref(),
        };
        let came = self.outcome(guardrails, &ask);
        let slug = came.as_ref().map_or_else(Refused::slug, |slug| *slug);
        if slug == self.expected {
            return Ok(());
        }
        Err(CaseFailed {
            expected: self.expected.clone(),
            came: slug.to_owned(),
            why: came
                .err()
                .map_or_else(String::new, |refused| refused.to_string()),
        })
    }

    fn outcome(&self, guardrails: &Guardrails, ask: &Ask<'_>) -> Result<&'static str, Refused> {
        let Some(terms) = &self.terms else {
            return guardrails.offers(ask).map(|_| "offered");
        };
        match self.approvers.as_slice() {
            [caller] if self.is_glass => guardrails
                .may_break_glass(ask, terms, caller)
                .map(|_| "granted"),
            [] => guardrails.permits(ask, terms).map(|()| "offered"),
            approvers => guardrails.decide(ask, terms, approvers).map(|_| "granted"),
        }
    }
}
