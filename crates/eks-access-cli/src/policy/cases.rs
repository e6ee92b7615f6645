//! The cases by which guardrails test themselves, and what came of them.

use std::fmt::Write as _;

use eks_access::policy::{Case, CaseFailed, Guardrails};
use serde_json::{Value, json};

use crate::output::times;

/// A case, and what came of it.
pub(super) type Tried<'a> = (&'a Case, Result<(), CaseFailed>);

/// Tries every case.
pub(super) fn run(guardrails: &Guardrails) -> Vec<Tried<'_>> {
    let cases = guardrails.cases().iter();
    cases.map(|case| (case, case.run(guardrails))).collect()
}

/// How many came out otherwise than they say.
pub(super) fn failed(tried: &[Tried<'_>]) -> usize {
    tried.iter().filter(|(_, result)| result.is_err()).count()
}

/// For people, one line for each.
pub(super) fn text(tried: &[Tried<'_>]) -> String {
    let mut out = String::new();
    for (case, result) in tried {
        let (line, name) = (case.line, &case.name);
        let _ = match result {
            Ok(()) => writeln!(out, "ok      line {line:<4} {name}"),
            Err(failed) => writeln!(out, "FAILED  line {line:<4} {name}: {failed}"),
        };
    }
    let sum = match (tried.len(), failed(tried)) {
        (0, _) => {
            "there are no cases; add a [[case]] for what must be granted, and for what must not"
                .to_owned()
        }
        (all, 0) => format!("{}, none failed", times(all, "case")),
        (all, failed) => format!("{}, {failed} failed", times(all, "case")),
    };
    out + &sum + "\n"
}

/// The same as one object.
pub(super) fn object(guardrails: &Guardrails, tried: &[Tried<'_>]) -> Value {
    let cases: Vec<Value> = tried
        .iter()
        .map(|(case, result)| {
            let failed = result.as_ref().err();
            json!({
                "line": case.line,
                "name": case.name,
                "ok": failed.is_none(),
                "expected": failed.map(|failed| &failed.expected),
                "came": failed.map(|failed| &failed.came),
                "why": failed.map(|failed| &failed.why),
            })
        })
        .collect();
    json!({"version": guardrails.version, "cases": cases, "failed": failed(tried)})
}
