//! `incidents` and `mute`: what the responder remembers, and what nobody wants to hear of for a while.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use eks_access::catalogue::find;
use eks_access::incident::Subject;
use eks_access::timestamp::{self, DAY};
use eks_access_aws::store::{IncidentRow, Store, StoreError};
use serde_json::{Value, json};

use super::{Session, wait};
use crate::args::{Incidents, ListFormat, Mute};
use crate::output::{Error, Found, times};

/// Runs `incidents`.
pub(crate) fn run(options: &Incidents) -> Result<Found, Error> {
    let rows = wait(async {
        let session = Session::start(&options.account).await?;
        let store = Store::new(&session.config, &options.table);
        store
            .incidents()
            .await
            .map_err(|error| unread(&error, &options.table))
    })??;
    let now = now();
    let mut rows: Vec<IncidentRow> = rows
        .into_iter()
        .filter(|row| {
            options.all || !(state(row, now) == State::Over || row.cluster.is_self_test())
        })
        .collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.state.last_seen));
    let text = match options.format {
        ListFormat::Text => text(&rows, now),
        ListFormat::Json => format!(
            "{}\n",
            json!({"incidents": rows.iter().map(|row| object(row, now)).collect::<Vec<_>>()})
        ),
    };
    io::stdout()
        .lock()
        .write_all(text.as_bytes())
        .map_err(Error::Output)?;
    let has_open = rows.iter().any(|row| state(row, now) == State::Open);
    Ok(if has_open {
        Found::Denials
    } else {
        Found::Nothing
    })
}

/// Runs `mute`.
pub(crate) fn mute(options: &Mute) -> Result<Found, Error> {
    let (row, until) = wait(async {
        let session = Session::start(&options.account).await?;
        let store = Store::new(&session.config, &options.table);
        let unread = |error| unread(&error, &options.table);
        let row = one(store.incidents().await.map_err(unread)?, &options.incident)?;
        let span = options
            .time
            .map(|span| i64::try_from(span.0.as_millis()).unwrap_or(i64::MAX));
        let until = span.map(|span| now().saturating_add(span));
        let by = session.caller.arn.shown(300);
        let is_there = store
            .mute(&row.id, until, &by, now())
            .await
            .map_err(unread)?;
        is_there
            .then_some((row, until))
            .ok_or_else(|| Error::Ask("the incident is gone by now".to_owned()))
    })??;
    let what = format!("{}, {}", row.cluster.title(), whom(&row));
    let said = match until {
        Some(until) => format!(
            "incident {} ({what}) is muted until {}; its lines are counted all the same\n",
            row.id.short(),
            timestamp::rfc3339(until)
        ),
        None => format!("incident {} ({what}) is heard of again\n", row.id.short()),
    };
    io::stdout()
        .lock()
        .write_all(said.as_bytes())
        .map_err(Error::Output)?;
    Ok(Found::Nothing)
}

/// The incident whose id is or begins so.
fn one(rows: Vec<IncidentRow>, id: &str) -> Result<IncidentRow, Error> {
    let mut found: Vec<IncidentRow> = rows
        .into_iter()
        .filter(|row| row.id.as_str().starts_with(id))
        .collect();
    match (found.pop(), found.len()) {
        (Some(row), 0) => Ok(row),
        (Some(_), others) => Err(Error::Ask(format!(
            "{} incidents begin with `{id}`; give more of its digits",
            others + 1
        ))),
        (None, _) => Err(Error::Ask(format!(
            "no incident begins with `{id}`; `eks-access incidents --all` lists them"
        ))),
    }
}

/// What an incident is up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Muted,
    Resolved,
    Over,
}

fn state(row: &IncidentRow, now: i64) -> State {
    let state = &row.state;
    if state.resolved_at.is_some() {
        State::Resolved
    } else if now.saturating_sub(state.last_seen) > DAY {
        // Nobody was refused for a day.
        State::Over
    } else if state.muted_until.is_some_and(|until| now < until) {
        State::Muted
    } else {
        State::Open
    }
}

impl State {
    fn slug(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Muted => "muted",
            Self::Resolved => "resolved",
            Self::Over => "over",
        }
    }
}

fn text(rows: &[IncidentRow], now: i64) -> String {
    if rows.is_empty() {
        return "No incident is open.\n".to_owned();
    }
    let mut out = String::new();
    for row in rows {
        let state = &row.state;
        let title = find(&state.told_cause).map_or("not told yet", |cause| cause.title);
        let _ = writeln!(
            out,
            "{}  {:<8}  {}: {title}\n          {}\n          at least {}, {}, told {}",
            row.id.short(),
            self::state(row, now).slug(),
            row.cluster.title(),
            whom(row),
            times(state.count, "line"),
            span(state.first_seen, state.last_seen),
            times(state.told, "time"),
        );
        if let (Some(until), Some(by)) = (
            state.muted_until.filter(|until| now < *until),
            &row.muted_by,
        ) {
            let _ = writeln!(
                out,
                "          muted until {} by {by}",
                timestamp::rfc3339(until)
            );
        }
    }
    out
}

fn span(first: i64, last: i64) -> String {
    let (first, last) = (timestamp::rfc3339(first), timestamp::rfc3339(last));
    if first == last {
        first
    } else {
        format!("{first} to {last}")
    }
}

fn whom(row: &IncidentRow) -> String {
    match &row.subject {
        Subject::Principal(principal) => principal.to_string(),
        Subject::ForeignAccounts => "principals of other accounts".to_owned(),
        Subject::Nobody => "nobody is named".to_owned(),
    }
}

fn object(row: &IncidentRow, now: i64) -> Value {
    let state = &row.state;
    json!({
        "incident": row.id.as_str(),
        "state": self::state(row, now).slug(),
        "cluster": row.cluster.name.as_ref().map(ToString::to_string),
        "account": row.cluster.account.as_ref().map(ToString::to_string),
        "region": row.cluster.region.as_ref().map(ToString::to_string),
        "subject": row.subject.slug(),
        "symptom": row.symptom.slug(),
        "cause": find(&state.told_cause).map(|cause| cause.id),
        "count": state.count,
        "first_seen": timestamp::rfc3339(state.first_seen),
        "last_seen": timestamp::rfc3339(state.last_seen),
        "told": state.told,
        "resolved_at": state.resolved_at.map(timestamp::rfc3339),
        "muted_until": state.muted_until.filter(|until| now < *until).map(timestamp::rfc3339),
        "muted_by": row.muted_by,
        "owed": row.owes_sns || row.owes_slack,
    })
}

fn unread(error: &StoreError, table: &str) -> Error {
    let advice = match error.code.as_str() {
        "ResourceNotFoundException" => {
            "the stack's output `TableName` has its name; see --region and --profile too"
        }
        "AccessDeniedException" => "ask for dynamodb:Scan, and for dynamodb:UpdateItem to mute",
        _ => "try again",
    };
    Error::Ask(format!(
        "the table `{table}` did not answer ({error}); {advice}"
    ))
}

/// Milliseconds since 1970.
fn now() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
