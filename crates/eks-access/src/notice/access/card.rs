//! The request's message in Slack: one message that is edited as the request goes on, and what is new in its thread.

use serde_json::{Value, json};

use crate::access::{Kind, News, Request, State, Token};
use crate::notice::slack::blocks::{
    code, context, fields, header, paragraph, preformatted, rich, section,
};
use crate::notice::slack::{Card, local_time};
use crate::text::shorten;

/// Opens the form.
pub const REVIEW: &str = "req:review";
/// Says no.
pub const DISMISS: &str = "req:dismiss";
/// Ends the grant.
pub const END: &str = "req:end";
/// Opens the form to ask for more time.
pub const EXTEND: &str = "req:extend";

/// Characters of one line of literal text.
const LINE: usize = 400;
/// Characters of all of it.
const LITERAL: usize = 2400;

/// The message. The token is what its buttons carry; without one it has none.
#[must_use]
pub fn card(request: &Request, token: Option<&Token>) -> Card {
    let headline = format!("{} {}", symbol(request), headline(request));
    let mut blocks = vec![header(&headline), section(paragraph(&summary(request)))];
    let mut facts = vec![
        format!("*Cluster*\n{}", code(request.cluster.as_str())),
        format!("*Account*\n{}, {}", request.account, request.region),
    ];
    if let Some(terms) = &request.terms {
        facts.push(format!(
            "*Access*\n{} in {}",
            code(terms.policy.name()),
            code(&shorten(&terms.namespaces_listed(), 200))
        ));
    }
    if let Some(ends) = request.ends {
        facts.push(format!("*Until*\n{}", local_time(ends)));
    } else if request.state == State::Pending {
        facts.push(format!("*Open until*\n{}", local_time(request.expires)));
    }
    if request.needed > 1 {
        facts.push(format!(
            "*Said yes*\n{} of {}",
            request.approvals.len(),
            request.needed
        ));
    }
    blocks.push(fields(&facts));
    blocks.push(rich(vec![preformatted(&literal(request))]));
    let buttons = token.map_or_else(Vec::new, |token| buttons(request, token));
    if !buttons.is_empty() {
        blocks.push(json!({"type": "actions", "elements": buttons}));
    }
    blocks.push(context(&format!(
        "Request {id}. More: eks-access show {id}",
        id = request.id
    )));
    Card::new(&headline, blocks)
}

/// What is new, for the thread.
#[must_use]
pub fn reply(request: &Request, news: News) -> Card {
    let words = news.summary(request);
    let mut blocks = vec![section(paragraph(&words))];
    let said = match news {
        News::Denied | News::Failed | News::Drift | News::Revoked | News::RevokeFailed => {
            request.outcome.clone()
        }
        News::Granted | News::Approved | News::BreakGlass | News::Extended => {
            Some(yes(request).join("\n"))
        }
        _ => None,
    };
    if let Some(said) = said.filter(|said| !said.is_empty()) {
        blocks.push(rich(vec![preformatted(&shorten(&said, LITERAL))]));
    }
    Card::new(
        &format!("{}: {}", request.cluster, news.title(request)),
        blocks,
    )
}

/// Whether the whole channel is to see what is new, and not only the thread.
#[must_use]
pub fn is_for_all(news: News) -> bool {
    matches!(
        news,
        News::Requested
            | News::BreakGlass
            | News::RevokeFailed
            | News::Drift
            | News::ReviewDue
            | News::Failed
    )
}

/// What the message says when Slack takes none of its blocks.
#[must_use]
pub fn words(request: &Request) -> String {
    format!(
        "{}\n{}\n{}\nMore: eks-access show {}",
        headline(request),
        summary(request),
        request.principal,
        request.id
    )
}

/// An answer that only one person sees.
#[must_use]
pub fn whisper(words: &str) -> Card {
    Card::new(words, vec![section(paragraph(words))])
}

fn symbol(request: &Request) -> &'static str {
    match request.state {
        State::Pending => "\u{1F511}",
        State::Active => "\u{2705}",
        State::Granting | State::Revoking | State::Cleanup => "\u{23F3}",
        State::Drifted => "\u{26A0}",
        State::Denied | State::Failed => "\u{26D4}",
        State::Revoked | State::Expired | State::Done => "\u{2611}",
    }
}

fn headline(request: &Request) -> String {
    let what = match (request.state, request.kind) {
        (State::Pending, Kind::Extension) => "more time?",
        (State::Pending, Kind::BreakGlass) => "the glass was broken",
        (State::Pending, _) => "grant access?",
        (State::Granting, _) => "access is being granted",
        (State::Active, _) if request.ended_by.is_some() => "access is being taken away",
        (State::Active, Kind::BreakGlass) => "access granted (break-glass)",
        (State::Active, _) => "access granted",
        (State::Revoking | State::Cleanup, _) => "access is being taken away",
        (State::Done, _) => "more time granted",
        (State::Revoked, _) => "access has ended",
        (State::Denied, _) => "access denied",
        (State::Expired, _) => "nobody answered",
        (State::Failed, _) => "access could not be granted",
        (State::Drifted, _) => "access entry is not ours any more",
    };
    format!(
        "{}: {what} ({})",
        request.cluster,
        request.principal.resource()
    )
}

fn summary(request: &Request) -> String {
    match request.state {
        State::Pending if request.kind == Kind::BreakGlass => News::BreakGlass.summary(request),
        State::Pending if request.approvals.is_empty() => News::Requested.summary(request),
        State::Pending => News::Approved.summary(request),
        State::Active if request.ended_by.is_some() => News::EndRequested.summary(request),
        State::Active => News::Granted.summary(request),
        State::Denied => News::Denied.summary(request),
        State::Expired => News::Expired.summary(request),
        State::Failed => News::Failed.summary(request),
        State::Drifted => News::Drift.summary(request),
        State::Done => News::Extended.summary(request),
        State::Revoked => News::Revoked.summary(request),
        State::Granting => "Somebody said yes, and the access entry is being made.".to_owned(),
        State::Revoking | State::Cleanup => "The access entry is being taken away.".to_owned(),
    }
}

fn yes(request: &Request) -> Vec<String> {
    request
        .approvals
        .iter()
        .map(|approval| {
            shorten(
                &format!("yes       {}: {}", approval.by, approval.reason),
                LINE,
            )
        })
        .collect()
}

/// Names and people's words, as literal text.
fn literal(request: &Request) -> String {
    let mut lines = vec![request.principal.to_string()];
    let mut fact =
        |name: &str, value: &str| lines.push(shorten(&format!("{name:<9} {value}"), LINE));
    if let Some(session) = &request.session {
        fact(
            "session",
            &crate::text::LogText::new(session.as_str()).shown(64),
        );
    }
    for hint in &request.hints {
        fact("note", hint);
    }
    if let Some(by) = &request.requested_by {
        fact("asked by", &by.to_string());
    }
    if let Some(reason) = &request.reason {
        fact("because", reason);
    }
    lines.extend(yes(request));
    if let Some(outcome) = &request.outcome {
        lines.push(shorten(&format!("{:<9} {outcome}", "outcome"), LINE));
    }
    shorten(&lines.join("\n"), LITERAL)
}

fn buttons(request: &Request, token: &Token) -> Vec<Value> {
    match request.state {
        // Nobody is asked.
        State::Pending if request.kind == Kind::BreakGlass => Vec::new(),
        State::Pending => vec![
            button(REVIEW, "Review", token, Some("primary")),
            asking(
                button(DISMISS, "Dismiss", token, None),
                "Say no?",
                match request.kind {
                    Kind::Extension => "The grant goes on, and gets no more time by this request.",
                    _ => {
                        "Nobody is let in, and this principal is not offered again before the request would have expired."
                    }
                },
                "Say no",
            ),
        ],
        State::Active if request.ended_by.is_some() => Vec::new(),
        State::Active => vec![
            asking(
                button(END, "End now", token, Some("danger")),
                "End this access?",
                "The access entry goes within a minute.",
                "End it",
            ),
            button(EXTEND, "More time", token, None),
        ],
        _ => Vec::new(),
    }
}

fn button(action: &str, text: &str, token: &Token, style: Option<&str>) -> Value {
    let mut button = json!({
        "type": "button",
        "action_id": action,
        "text": plain(text),
        "value": token.to_string(),
    });
    if let (Some(fields), Some(style)) = (button.as_object_mut(), style) {
        fields.insert("style".to_owned(), style.into());
    }
    button
}

fn asking(mut button: Value, title: &str, text: &str, yes: &str) -> Value {
    if let Some(fields) = button.as_object_mut() {
        let confirm = json!({"title": plain(title), "text": plain(text), "confirm": plain(yes), "deny": plain("Cancel")});
        fields.insert("confirm".to_owned(), confirm);
    }
    button
}

pub(super) fn plain(text: &str) -> Value {
    json!({"type": "plain_text", "text": text, "emoji": false})
}
