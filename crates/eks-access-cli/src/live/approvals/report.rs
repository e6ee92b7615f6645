//! What the approver answered, for people. All of it is text of others.

use std::fmt::Write as _;

use eks_access::policy::Terms;
use eks_access::text::LogText;
use eks_access::timestamp;
use serde_json::Value;

use super::super::{fact, shown};
use crate::args::approvals::BreakGlass;
use crate::output::wrapped;

/// Characters of a reason.
const REASON: usize = 600;

/// Requests that wait.
pub(super) fn requests(body: &Value) -> String {
    let rows = items(body, "requests").map(|request| {
        let yes = format!(
            "{} of {}",
            items(request, "approvals").count(),
            text(request, "/needed")
        );
        [
            text(request, "/id"),
            text(request, "/kind"),
            text(request, "/cluster"),
            text(request, "/expires"),
            yes,
            text(request, "/principal"),
        ]
    });
    let header = ["ID", "KIND", "CLUSTER", "ANSWER BY", "YES", "PRINCIPAL"];
    table(&header, rows).unwrap_or_else(|| "No request waits for an answer.\n".to_owned())
}

/// Grants that are there.
pub(super) fn grants(body: &Value) -> String {
    let rows = items(body, "grants").map(|grant| {
        [
            text(grant, "/id"),
            text(grant, "/state"),
            text(grant, "/cluster"),
            text(grant, "/grant/ends"),
            text(grant, "/terms/policy"),
            names(grant.pointer("/terms/namespaces")),
            text(grant, "/principal"),
        ]
    });
    let header = [
        "ID",
        "STATE",
        "CLUSTER",
        "ENDS",
        "POLICY",
        "NAMESPACES",
        "PRINCIPAL",
    ];
    table(&header, rows).unwrap_or_else(|| "Nothing is granted.\n".to_owned())
}

/// The audit of one request.
pub(super) fn history(body: &Value) -> String {
    let rows = items(body, "history").map(|record| {
        [
            text(record, "/at"),
            text(record, "/action"),
            text(record, "/channel"),
            actor(record),
            text(record, "/result"),
            long(record, "/reason"),
        ]
    });
    let header = ["AT", "WHAT", "BY WAY OF", "WHO", "RESULT", "REASON"];
    table(&header, rows).unwrap_or_else(|| "Nothing is recorded.\n".to_owned())
}

fn actor(record: &Value) -> String {
    let id = text(record, "/actor/id");
    match record.pointer("/actor/session").and_then(Value::as_str) {
        Some(session) => format!("{id}/{}", shown(session)),
        None => id,
    }
}

/// One request, with what is known of it.
pub(super) fn request(body: &Value, columns: usize) -> String {
    let request = body.get("request").unwrap_or(&Value::Null);
    let mut out = format!(
        "request {}: {}, {}\n",
        text(request, "/id"),
        text(request, "/kind"),
        text(request, "/state")
    );
    let mut say = |name: &str, value: String| {
        if value != NOTHING {
            fact(&mut out, name, &value, columns);
        }
    };
    say("principal", text(request, "/principal"));
    let cluster = ["/cluster", "/account", "/region"].map(|at| text(request, at));
    let [cluster, account, region] = cluster;
    say(
        "cluster",
        format!("{cluster} in account {account}, {region}"),
    );
    say("cause", text(request, "/cause"));
    say("session", text(request, "/session"));
    for (number, hint) in strings(request.get("hints")).into_iter().enumerate() {
        say(if number == 0 { "notes" } else { "" }, hint);
    }
    say("asked", text(request, "/created"));
    say("asked by", text(request, "/requested_by"));
    say("because", long(request, "/reason"));
    say("extends", text(request, "/extends"));
    if request.get("state").and_then(Value::as_str) == Some("pending") {
        say("answer by", text(request, "/expires"));
        for offer in items(request, "offers") {
            say("offered", offered(offer));
        }
    }
    if let Some(terms) = request.get("terms").filter(|terms| terms.is_object()) {
        say("terms", in_words(terms));
    }
    for approval in items(request, "approvals") {
        say("yes", approved(approval));
    }
    if request.get("grant").is_some_and(Value::is_object) {
        let (starts, ends) = (text(request, "/grant/starts"), text(request, "/grant/ends"));
        say("granted", format!("{starts} to {ends}"));
    }
    say("review by", text(request, "/review_by"));
    say("outcome", long(request, "/outcome"));
    out
}

fn offered(offer: &Value) -> String {
    let policies = names(offer.get("policies").or_else(|| offer.get("policy")));
    let most = offer
        .get("max_seconds")
        .and_then(Value::as_u64)
        .unwrap_or(0);
    let needed = match offer.get("needed").and_then(Value::as_u64) {
        None | Some(1) => "one yes".to_owned(),
        Some(many) => format!("the yes of {many}"),
    };
    format!(
        "{policies} in {} for at most {}, with {needed} (rule `{}`)",
        names(offer.get("namespaces")),
        time(most),
        text(offer, "/rule")
    )
}

fn in_words(terms: &Value) -> String {
    let seconds = terms.get("seconds").and_then(Value::as_u64).unwrap_or(0);
    let names = names(terms.get("namespaces"));
    format!(
        "{} in {names} for {}",
        text(terms, "/policy"),
        time(seconds)
    )
}

fn approved(approval: &Value) -> String {
    format!(
        "{} by way of {}, {}: {}",
        text(approval, "/by"),
        text(approval, "/via"),
        text(approval, "/at"),
        long(approval, "/reason")
    )
}

/// What somebody is about to do (such as `say yes to`) with these terms, whose power is spelt out.
pub(super) fn about_to(act: &str, terms: &Terms, columns: usize) -> String {
    let words = format!("You are about to {act} {}.", terms.words());
    let power = format!("Whoever has {} {}.", terms.policy, terms.policy.power());
    let lines = [words, power].map(|text| wrapped(&text, columns, ""));
    format!("\n{}\n", lines.concat())
}

/// Whom somebody is about to let in without anybody's yes.
pub(super) fn glass(options: &BreakGlass, columns: usize) -> String {
    let mut out = "break glass: at once, and everybody is told\n".to_owned();
    fact(
        &mut out,
        "principal",
        &shown(options.principal.as_str()),
        columns,
    );
    fact(&mut out, "cluster", options.cluster.as_str(), columns);
    out
}

/// What was done, and where the request stands by it.
pub(super) fn done(body: &Value) -> String {
    let request = body.get("request").unwrap_or(&Value::Null);
    format!(
        "{}\nrequest {} is {}\n",
        long(body, "/message"),
        text(request, "/id"),
        text(request, "/state")
    )
}

/// Why the approver refused, with its slug.
pub(super) fn refusal(body: &Value) -> String {
    format!("{} ({})", long(body, "/message"), text(body, "/error"))
}

/// Stands for what is not there.
const NOTHING: &str = "-";

/// Text or a number at this place.
fn text(value: &Value, at: &str) -> String {
    cut(value, at, 300)
}

fn long(value: &Value, at: &str) -> String {
    cut(value, at, REASON)
}

fn cut(value: &Value, at: &str, limit: usize) -> String {
    let text = match value.pointer(at) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    if text.trim().is_empty() {
        NOTHING.to_owned()
    } else {
        LogText::new(text).shown(limit)
    }
}

fn items<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value
        .get(name)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn strings(value: Option<&Value>) -> Vec<String> {
    let items = match value {
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(text)) => vec![text.as_str()],
        _ => Vec::new(),
    };
    items.into_iter().map(shown).collect()
}

fn names(value: Option<&Value>) -> String {
    let all = strings(value);
    if all.is_empty() {
        NOTHING.to_owned()
    } else {
        all.join(", ")
    }
}

fn time(seconds: u64) -> String {
    let milliseconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    timestamp::duration(milliseconds.saturating_mul(1000))
}

/// A table with a header; `None` without a row.
fn table<const N: usize>(
    header: &[&str; N],
    rows: impl Iterator<Item = [String; N]>,
) -> Option<String> {
    let rows: Vec<[String; N]> = rows.collect();
    if rows.is_empty() {
        return None;
    }
    let header = header.map(str::to_owned);
    let mut widths = [0; N];
    for row in rows.iter().chain([&header]) {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut out = String::new();
    for row in [&header].into_iter().chain(&rows) {
        let mut line = String::new();
        for (width, cell) in widths.iter().zip(row) {
            let _ = write!(line, "{cell:<width$}  ");
        }
        let _ = writeln!(out, "{}", line.trim_end());
    }
    Some(out)
}

/// JSON that a terminal shows and no byte of which it obeys: what is not ASCII is escaped.
pub(super) fn ascii(value: &Value) -> String {
    let mut out = String::new();
    for c in value.to_string().chars() {
        if c.is_ascii() && !c.is_ascii_control() {
            out.push(c);
        } else {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
    }
    out
}
