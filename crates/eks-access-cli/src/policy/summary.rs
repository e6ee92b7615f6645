//! What guardrails allow, for whoever reviews them.

use std::fmt::Display;
use std::fmt::Write as _;

use eks_access::policy::{Approvers, BreakGlass, Deny, Door, Guardrails, Reach, Rule};
use eks_access::timestamp;
use serde_json::{Value, json};

use super::doubts::Doubt;
use crate::output::fact;

/// One block for each rule, and for what goes against rules and around them.
pub(super) fn text(guardrails: &Guardrails, columns: usize) -> String {
    let mut out = format!(
        "version {}, partition {}; a request waits {} for an answer\n",
        guardrails.version,
        guardrails.partition,
        time(guardrails.request_expires)
    );
    if guardrails.rules().is_empty() {
        out.push_str("\nno rule: nobody is offered anything\n");
    }
    for rule in guardrails.rules() {
        let _ = writeln!(out, "\nrule `{}`", rule.name);
        reach(&mut out, &rule.reach, columns);
        let usual = time(rule.usual_seconds);
        let most = time(rule.reach.most_seconds);
        fact(
            &mut out,
            "how long",
            &format!("{most} at most, {usual} if nobody says otherwise"),
            columns,
        );
        approvers(&mut out, rule, columns);
    }
    if let Some(glass) = guardrails.break_glass() {
        break_glass(&mut out, glass, columns);
    }
    for one in guardrails.denies() {
        let _ = writeln!(out, "\ndeny `{}`", one.name);
        deny(&mut out, one, columns);
    }
    if !guardrails.protected().is_empty() {
        out.push_str("\nprotected\n");
        fact(&mut out, "never", &list(guardrails.protected()), columns);
    }
    let cases = guardrails.cases().len();
    let people = guardrails.people().len();
    let _ = writeln!(out, "\n[[person]]: {people}; [[case]]: {cases}");
    out
}

fn reach(out: &mut String, reach: &Reach, columns: usize) {
    fact(out, "who", &whom(reach).join(", "), columns);
    let clusters = list(&reach.clusters);
    let namespaces = list(&reach.namespaces);
    fact(
        out,
        "where",
        &format!("cluster {clusters}; namespace {namespaces}"),
        columns,
    );
    for (number, policy) in reach.policies.iter().enumerate() {
        let name = if number == 0 { "what" } else { "" };
        fact(out, name, &format!("{policy}: {}", policy.power()), columns);
    }
}

fn whom(reach: &Reach) -> Vec<String> {
    let written = reach.principals.iter().map(ToString::to_string);
    let sets = reach
        .permission_sets
        .iter()
        .map(|(account, set)| format!("the permission set {set} in account {account}"));
    written.chain(sets).collect()
}

fn approvers(out: &mut String, rule: &Rule, columns: usize) {
    let how_many = match rule.needed {
        1 => "one of".to_owned(),
        many => format!("{many} different people of"),
    };
    fact(
        out,
        "yes from",
        &format!("{how_many}: {}", named(&rule.approvers, &rule.doors)),
        columns,
    );
}

/// Those who can say yes by the ways that are open.
fn named<'a>(approvers: &Approvers, doors: impl IntoIterator<Item = &'a Door>) -> String {
    let mut all = Vec::new();
    for door in doors {
        match door {
            Door::Slack => {
                all.extend(
                    approvers
                        .slack_users
                        .iter()
                        .map(|user| format!("{user} (Slack)")),
                );
                all.extend(
                    approvers
                        .slack_groups
                        .iter()
                        .map(|group| format!("members of {group} (Slack)")),
                );
            }
            Door::Iam => all.extend(approvers.iam.iter().map(ToString::to_string)),
        }
    }
    all.join(", ")
}

fn break_glass(out: &mut String, glass: &BreakGlass, columns: usize) {
    out.push_str("\nbreak glass: in an emergency, at once\n");
    reach(out, &glass.reach, columns);
    fact(
        out,
        "how long",
        &format!("{} at most", time(glass.reach.most_seconds)),
        columns,
    );
    let callers = named(&glass.callers, &[Door::Iam]);
    fact(
        out,
        "by",
        &format!("nobody's yes but their own: {callers}"),
        columns,
    );
    let within = time(glass.review_within);
    fact(
        out,
        "review",
        &format!("by somebody else within {within}"),
        columns,
    );
}

fn deny(out: &mut String, deny: &Deny, columns: usize) {
    let or = |listed: String, everything: &str| {
        if listed.is_empty() {
            everything.to_owned()
        } else {
            listed
        }
    };
    fact(
        out,
        "who",
        &or(list(&deny.principals), "everybody"),
        columns,
    );
    let clusters = or(list(&deny.clusters), "any");
    let namespaces = or(list(&deny.namespaces), "any");
    fact(
        out,
        "where",
        &format!("cluster {clusters}; namespace {namespaces}"),
        columns,
    );
    fact(
        out,
        "what",
        &or(list(&deny.policies), "any policy"),
        columns,
    );
}

fn list<'a, T: Display + 'a>(items: impl IntoIterator<Item = &'a T>) -> String {
    texts(items).join(", ")
}

fn texts<'a, T: Display + 'a>(items: impl IntoIterator<Item = &'a T>) -> Vec<String> {
    items.into_iter().map(ToString::to_string).collect()
}

fn time(seconds: u64) -> String {
    let milliseconds = i64::try_from(seconds)
        .unwrap_or(i64::MAX)
        .saturating_mul(1000);
    timestamp::duration(milliseconds)
}

/// The same as one object.
pub(super) fn object(guardrails: &Guardrails, doubts: &[Doubt]) -> Value {
    let rules: Vec<Value> = guardrails.rules().iter().map(rule_object).collect();
    let denies: Vec<Value> = guardrails.denies().iter().map(deny_object).collect();
    json!({
        "ok": true,
        "version": guardrails.version,
        "partition": guardrails.partition,
        "request_expires_seconds": guardrails.request_expires,
        "rules": rules,
        "break_glass": guardrails.break_glass().map(glass_object),
        "denies": denies,
        "protected": texts(guardrails.protected()),
        "people": guardrails.people().iter().map(|person| &person.name).collect::<Vec<_>>(),
        "cases": guardrails.cases().len(),
        "mistakes": [],
        "warnings": doubts.iter().map(|doubt| json!({"place": doubt.place, "what": doubt.what})).collect::<Vec<_>>(),
    })
}

fn rule_object(rule: &Rule) -> Value {
    let mut object = reach_object(&rule.reach);
    let more = json!({
        "name": rule.name,
        "usual_seconds": rule.usual_seconds,
        "needed": rule.needed,
        "channels": rule.doors.iter().map(|door| door.slug()).collect::<Vec<_>>(),
        "approvers": approvers_object(&rule.approvers),
    });
    extend(&mut object, more);
    object
}

fn glass_object(glass: &BreakGlass) -> Value {
    let mut object = reach_object(&glass.reach);
    let more =
        json!({"callers": texts(&glass.callers.iam), "review_within_seconds": glass.review_within});
    extend(&mut object, more);
    object
}

fn extend(object: &mut Value, more: Value) {
    if let (Value::Object(object), Value::Object(more)) = (object, more) {
        object.extend(more);
    }
}

fn reach_object(reach: &Reach) -> Value {
    let sets: Vec<Value> = reach
        .permission_sets
        .iter()
        .map(|(account, set)| json!({"account": account.as_str(), "name": set}))
        .collect();
    json!({
        "principals": texts(&reach.principals),
        "permission_sets": sets,
        "clusters": texts(&reach.clusters),
        "policies": reach.policies.iter().map(|policy| json!({"name": policy.name(), "power": policy.power()})).collect::<Vec<_>>(),
        "namespaces": texts(&reach.namespaces),
        "max_seconds": reach.most_seconds,
    })
}

fn approvers_object(approvers: &Approvers) -> Value {
    json!({
        "slack_users": approvers.slack_users,
        "slack_groups": approvers.slack_groups,
        "iam": texts(&approvers.iam),
    })
}

fn deny_object(deny: &Deny) -> Value {
    json!({
        "name": deny.name,
        "principals": texts(&deny.principals),
        "clusters": texts(&deny.clusters),
        "policies": texts(&deny.policies),
        "namespaces": texts(&deny.namespaces),
    })
}
