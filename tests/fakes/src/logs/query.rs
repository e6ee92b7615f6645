//! Logs Insights queries: what is wrong with one, and how it goes on.

use serde_json::{Value, json};

use super::{Ending, Query, invalid};
use crate::json::{number, only};
use crate::record::{Asked, Refusal};

pub(super) struct Running {
    pub(super) query: Query,
    pub(super) ending: Ending,
    pub(super) polls: usize,
    pub(super) asked: usize,
    pub(super) over: bool,
}

/// Commands of the query language (user guide, "CloudWatch Logs Insights language query syntax").
const COMMANDS: &[&str] = &[
    "anomaly",
    "dedup",
    "diff",
    "display",
    "fields",
    "filter",
    "filterIndex",
    "join",
    "limit",
    "lookup",
    "parse",
    "pattern",
    "sort",
    "source",
    "stats",
    "unmask",
    "unnest",
];

/// Reads a `StartQuery`.
pub(super) fn read(asked: &Asked) -> Result<Query, Refusal> {
    only(
        &asked.input,
        &[
            "logGroupName",
            "logGroupNames",
            "logGroupIdentifiers",
            "startTime",
            "endTime",
            "queryString",
            "queryLanguage",
            "limit",
        ],
    )?;
    let mut groups = Vec::new();
    let mut ways = 0;
    if !asked.get("logGroupName").is_empty() {
        groups.push(asked.get("logGroupName").to_owned());
        ways += 1;
    }
    for parameter in ["logGroupNames", "logGroupIdentifiers"] {
        if let Some(list) = asked.input.get(parameter).and_then(Value::as_array) {
            let names = list.iter().filter_map(Value::as_str);
            // "If you specify an ARN, the ARN can't end with an asterisk."
            groups.extend(
                names.map(|name| name.rsplit("log-group:").next().unwrap_or(name).to_owned()),
            );
            ways += 1;
        }
    }
    // "A StartQuery operation must include exactly one of the following parameters"; up to 50 groups.
    if ways != 1 || groups.is_empty() || groups.len() > 50 {
        return Err(
            invalid("exactly one of logGroupName, logGroupNames and logGroupIdentifiers").broken(),
        );
    }
    let moment = |name: &str| {
        let seconds = asked.input.get(name).and_then(Value::as_i64);
        // "The number of seconds since January 1, 1970": a number of milliseconds is a year far away.
        seconds
            .filter(|seconds| (0..100_000_000_000).contains(seconds))
            .ok_or_else(|| invalid(format!("{name} must be a number of seconds")).broken())
    };
    let (from, until) = (moment("startTime")?, moment("endTime")?);
    if from > until {
        return Err(invalid("End time should not be before start time").broken());
    }
    let limit =
        number(&asked.input, "limit", (1, 10_000), 10_000).map_err(|w| invalid(w).broken())?;
    let text = asked.get("queryString").to_owned();
    if let Err(words) = grammar(&text) {
        return Err(Refusal::new(400, "MalformedQueryException", words).broken());
    }
    Ok(Query {
        id: String::new(),
        text,
        groups,
        from,
        until,
        limit,
    })
}

/// As much of the grammar as a typing mistake breaks: commands between pipes, and closed quotes, patterns and brackets.
pub(super) fn grammar(text: &str) -> Result<(), String> {
    if text.trim().is_empty() || text.len() > 10_000 {
        return Err("the query is empty or longer than 10000 characters".to_owned());
    }
    let mut stages = vec![String::new()];
    let mut depth = 0_i32;
    let mut open: Option<char> = None;
    let mut before = ' ';
    let mut escaped = false;
    for c in text.chars() {
        match open {
            Some(_) if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some(quote) if c == quote => open = None,
            Some(_) => {}
            None => match c {
                '"' | '\'' | '`' => open = Some(c),
                // A slash begins a pattern after `like`, `=~` and `parse field`, and divides after a name.
                '/' if matches!(before, ' ' | '~' | '(') => open = Some('/'),
                '(' | '[' => depth += 1,
                ')' | ']' => depth -= 1,
                '|' => {
                    stages.push(String::new());
                    before = ' ';
                    continue;
                }
                _ => {}
            },
        }
        before = c;
        stages.last_mut().expect("one at least").push(c);
    }
    if open.is_some() || depth != 0 {
        return Err("mismatched quotes or brackets".to_owned());
    }
    for stage in stages {
        let stage = stage.trim();
        let word: String = stage
            .chars()
            .take_while(char::is_ascii_alphabetic)
            .collect();
        if !COMMANDS
            .iter()
            .any(|command| command.eq_ignore_ascii_case(&word))
        {
            return Err(format!("unexpected symbol found {word} in `{stage}`"));
        }
    }
    Ok(())
}

fn find<'a>(queries: &'a mut [Running], asked: &Asked) -> Result<&'a mut Running, Refusal> {
    let id = asked.get("queryId");
    queries
        .iter_mut()
        .find(|q| q.query.id == id)
        .ok_or_else(|| {
            let words = format!("Query with id {id} does not exist.");
            Refusal::new(400, "ResourceNotFoundException", words).broken()
        })
}

/// `GetQueryResults`.
pub(super) fn results(queries: &mut [Running], asked: &Asked) -> Result<Value, Refusal> {
    only(&asked.input, &["queryId", "nextToken", "maxItems"])?;
    let running = find(queries, asked)?;
    running.asked += 1;
    let scanned = |part: usize| {
        json!({
            "recordsMatched": part,
            "recordsScanned": 1000 * part,
            "bytesScanned": 250_000 * part,
            "estimatedRecordsSkipped": 0,
            "estimatedBytesSkipped": 0,
            "logGroupsScanned": running.query.groups.len(),
        })
    };
    let early = running.asked <= running.polls || running.ending == Ending::Never;
    let body = |status: &str, rows: Vec<Value>| {
        json!({
            "queryLanguage": "CWLI",
            "results": rows,
            "statistics": scanned(running.asked),
            "status": status,
        })
    };
    let body = match &running.ending {
        Ending::Other("Cancelled") => body("Cancelled", Vec::new()),
        _ if early && running.asked == 1 => body("Scheduled", Vec::new()),
        _ if early => body("Running", Vec::new()),
        Ending::Other(status) => body(status, Vec::new()),
        Ending::Never => body("Running", Vec::new()),
        Ending::Complete(rows) => {
            let rows = rows
                .iter()
                .take(running.query.limit)
                .enumerate()
                .map(|(number, row)| {
                    let mut fields: Vec<_> = row
                        .iter()
                        .map(|(field, value)| json!({"field": field, "value": value}))
                        .collect();
                    if !running.query.text.contains("stats") {
                        // Rows that are log events come with a pointer to the event.
                        fields.push(json!({"field": "@ptr", "value": format!("ptr-{number}")}));
                    }
                    Value::Array(fields)
                });
            body("Complete", rows.collect())
        }
    };
    running.over = !matches!(body["status"].as_str(), Some("Scheduled" | "Running"));
    Ok(body)
}

/// `StopQuery`.
pub(super) fn stop(queries: &mut [Running], asked: &Asked) -> Result<Value, Refusal> {
    let running = find(queries, asked)?;
    if running.over {
        // "If you attempt to stop a query that has already ended, the operation returns an error."
        return Err(invalid("The query has ended already."));
    }
    running.ending = Ending::Other("Cancelled");
    running.over = true;
    Ok(json!({"success": true}))
}
