//! What people are told of a request for access, in every rendering.
//!
//! In chat stand only words of ours and what was parsed. A reason is text of a person, and stands only where text is literal:
//! in the mail, in the machine form, and in Slack's boxes.

use serde_json::{Value, json};

use super::slack::blocks::code;
use super::sns::{SnsMessage, named};
use super::{chat, email};
use crate::access::{Kind, News, Request, State};
use crate::symptom::Severity;
use crate::text::{LogText, shorten};
use crate::timestamp;

pub mod card;
pub mod modal;

/// The version of the schema: a member may be added in a minor release, none changes its meaning.
pub const SCHEMA: &str = "eks-access-responder/access/1";

/// The JSON Schema of what machines get, draft 2020-12.
pub const JSON_SCHEMA: &str = include_str!("../../../../docs/schemas/access.v1.json");

impl News {
    /// How much it matters.
    #[must_use]
    pub fn severity(self) -> Severity {
        match self {
            Self::BreakGlass | Self::RevokeFailed | Self::Drift | Self::ReviewDue => Severity::High,
            Self::Requested | Self::Reminder | Self::Failed => Severity::Medium,
            _ => Severity::Info,
        }
    }

    /// What happened, in a few words.
    #[must_use]
    pub fn title(self, request: &Request) -> &'static str {
        let is_extension = request.kind == Kind::Extension;
        match self {
            Self::Requested if is_extension => "more time is asked for",
            Self::Requested => "access may be granted",
            Self::Reminder => "a request still waits",
            Self::Approved => "one approver said yes",
            Self::Granted => "access is granted",
            Self::Denied => "access is not granted",
            Self::Expired => "nobody answered a request",
            Self::Failed => "access could not be granted",
            Self::Ending => "access ends soon",
            Self::EndRequested => "access is being taken away",
            Self::Extended => "access has more time",
            Self::Revoked => "access has ended",
            Self::RevokeFailed => "ACCESS DOES NOT END",
            Self::Drift => "an access entry was changed",
            Self::BreakGlass => "THE GLASS WAS BROKEN",
            Self::ReviewDue => "a break-glass waits for its review",
            Self::Reviewed => "a break-glass was reviewed",
        }
    }

    /// What happened, in sentences, without anybody's words.
    #[must_use]
    pub fn summary(self, request: &Request) -> String {
        let until = request
            .ends
            .map_or_else(|| "its end".to_owned(), timestamp::rfc3339);
        let terms = request
            .terms
            .as_ref()
            .map_or_else(String::new, crate::policy::Terms::words);
        let missing = request.needed.saturating_sub(request.approvals.len());
        match self {
            Self::Requested if request.kind == Kind::Extension => format!(
                "More time is asked for a grant that is active: {terms}, from the moment somebody says yes. Whoever asked \
                 can't say yes."
            ),
            Self::Requested => "This principal was refused, and an access entry for a limited time would let it in. The \
                guardrails allow it; somebody has to say yes. Nothing is granted by itself."
                .to_owned(),
            Self::Reminder if request.approvals.is_empty() => "Nobody has answered yet.".to_owned(),
            Self::Reminder if missing == 0 => {
                "It was approved, and nothing has come of it: somebody has to say yes again.".to_owned()
            }
            Self::Reminder => format!("{missing} more must say yes."),
            Self::Approved => format!("{terms}: {missing} more must say yes."),
            Self::Granted => format!(
                "An access entry of type STANDARD is there until {until}: {terms}. It takes some seconds to work. \
                 `kubectl auth can-i --list` does not show what access policies allow."
            ),
            Self::Denied => "Somebody said no. Nothing was changed.".to_owned(),
            Self::Expired if request.kind == Kind::Extension => {
                "It was not decided in time. The grant ends when it would have.".to_owned()
            }
            Self::Expired => "It was not decided in time. Nothing was changed; the next denial of the principal makes a new \
                request."
                .to_owned(),
            Self::Failed => "It was approved and could not be granted. Nothing of it is left.".to_owned(),
            Self::Ending => format!("The grant ends at {until}: {terms}."),
            Self::EndRequested => "Somebody ends it early: the access entry goes within a minute.".to_owned(),
            Self::Extended => format!("The grant now ends at {until}."),
            Self::Revoked => "The access entry is gone. Tokens that were made before work until EKS asks again, which it \
                 does with each request; streams that are open (exec, logs) are not cut."
                .to_owned(),
            Self::RevokeFailed => format!(
                "The grant is over since {until} and the access entry could not be taken away, {} times. It is tried again. \
                 By hand: see the command below.",
                request.attempts
            ),
            Self::Drift if request.state == State::Drifted => {
                "The entry in EKS is not ours any more, so it is left alone; nobody ends it but you.".to_owned()
            }
            Self::Drift => "Our entry is not what the table of requests says; the outcome says how. It goes when its tags say, \
                if it is not gone already."
                .to_owned(),
            Self::BreakGlass => format!(
                "Somebody let this principal in without anybody's yes, as the guardrails allow in an emergency: {terms}. \
                 Somebody else has to review it."
            ),
            Self::ReviewDue => "Somebody other than whoever broke the glass has to look at it.".to_owned(),
            Self::Reviewed => "Somebody looked at it.".to_owned(),
        }
    }
}

/// The news as one SNS publish.
#[must_use]
pub fn sns(request: &Request, news: News) -> SnsMessage {
    let document = json!({
        "default": machine(request, news).to_string(),
        "email": mail(request, news),
        "https": chat_text(request, news).to_string(),
    });
    SnsMessage {
        subject: email::ascii_subject(&format!("[EKS] {}", headline(request, news))),
        message: document.to_string(),
        attributes: named([
            ("kind", news.slug().to_owned()),
            ("severity", news.severity().slug().to_owned()),
            ("cluster", request.cluster.to_string()),
            ("account", request.account.to_string()),
        ]),
    }
}

/// A record of the audit as one SNS publish. No e-mail is written for people: the machine form is all there is.
#[must_use]
pub fn audit(request: &Request, object: &Value) -> SnsMessage {
    let action = object
        .get("action")
        .and_then(Value::as_str)
        .unwrap_or("unknown");
    let text = json!({"schema": SCHEMA, "kind": "audit", "audit": object}).to_string();
    let what = format!("{}: {action} {}", request.cluster, request.id);
    SnsMessage {
        subject: email::ascii_subject(&format!("[EKS] audit {what}")),
        message: json!({"default": text}).to_string(),
        attributes: named([
            ("kind", "audit".to_owned()),
            ("severity", Severity::Info.slug().to_owned()),
            ("cluster", request.cluster.to_string()),
            ("account", request.account.to_string()),
        ]),
    }
}

/// What, where and who, in a line.
fn headline(request: &Request, news: News) -> String {
    format!(
        "{}: {} ({})",
        request.cluster,
        news.title(request),
        request.principal.resource()
    )
}

/// The request, as machines and the command read it. Times are RFC 3339.
#[must_use]
pub fn object(request: &Request) -> Value {
    let approvals: Vec<Value> = request
        .approvals
        .iter()
        .map(|approval| {
            json!({
                "by": approval.by.to_string(),
                "via": approval.by.door().slug(),
                "at": timestamp::rfc3339(approval.at),
                "reason": approval.reason,
            })
        })
        .collect();
    let grant = request.starts.zip(request.ends).map(|(starts, ends)| {
        json!({"starts": timestamp::rfc3339(starts), "ends": timestamp::rfc3339(ends)})
    });
    json!({
        "id": request.id.as_str(),
        "kind": request.kind.slug(),
        "state": request.state.slug(),
        "standing": request.standing(),
        "cluster": request.cluster.as_str(),
        "account": request.account.as_str(),
        "region": request.region.as_str(),
        "principal": request.principal.to_string(),
        "unique_id": request.unique_id,
        "session": request.session.as_ref().map(|session| LogText::new(session.as_str()).shown(64)),
        "cause": request.cause,
        "incident": request.incident,
        "hints": request.hints,
        "created": timestamp::rfc3339(request.created),
        "expires": timestamp::rfc3339(request.expires),
        "requested_by": request.requested_by.as_ref().map(ToString::to_string),
        "reason": request.reason,
        "extends": request.extends.as_ref().map(ToString::to_string),
        "seen": request.seen(),
        "terms": request.terms,
        "approvals": approvals,
        "needed": request.needed,
        "rule": request.rule,
        "grant": grant,
        "review_by": request.review_by.map(timestamp::rfc3339),
        "outcome": request.outcome,
    })
}

fn machine(request: &Request, news: News) -> Value {
    json!({
        "schema": SCHEMA,
        "kind": news.slug(),
        "severity": news.severity().slug(),
        "cluster": request.cluster.as_str(),
        "account": request.account.as_str(),
        "region": request.region.as_str(),
        "cause": request.cause,
        "principal": request.principal.to_string(),
        "request_id": request.id.as_str(),
        "title": news.title(request),
        "summary": news.summary(request),
        "request": object(request),
    })
}

fn mail(request: &Request, news: News) -> String {
    let mut lines = vec![
        headline(request, news),
        String::new(),
        news.summary(request),
        String::new(),
    ];
    let mut fact = |name: &str, value: String| lines.push(format!("  {name:<10} {value}"));
    fact("principal", request.principal.to_string());
    fact(
        "cluster",
        format!(
            "{} in account {}, {}",
            request.cluster, request.account, request.region
        ),
    );
    if request.state == State::Pending {
        fact("open until", timestamp::rfc3339(request.expires));
    }
    for hint in &request.hints {
        fact("note", hint.clone());
    }
    for approval in &request.approvals {
        fact("yes", format!("{}: {}", approval.by, approval.reason));
    }
    if let Some(outcome) = &request.outcome {
        fact("outcome", outcome.clone());
    }
    lines.extend([String::new(), "Commands:".to_owned()]);
    lines.extend(
        commands(request, news)
            .into_iter()
            .map(|command| format!("  {command}")),
    );
    let mut text = email::wrapped(&lines);
    text.push_str("\n--\nSent by eks-access-responder. An e-mail can't approve anything. It holds no secret.\n");
    text
}

/// What can be done by the command: with the address of the API in `EKS_ACCESS_API`.
#[must_use]
pub fn commands(request: &Request, news: News) -> Vec<String> {
    let id = &request.id;
    let mut all = vec![format!("eks-access show {id}")];
    match (news, request.state) {
        (_, State::Pending) if request.kind == Kind::BreakGlass => {}
        (_, State::Pending) => all.extend([
            format!("eks-access approve {id}"),
            format!("eks-access deny {id}"),
        ]),
        (News::RevokeFailed, _) => all.push(
            crate::remedy::Command::new("aws eks delete-access-entry")
                .option("--cluster-name", request.cluster.as_str())
                .option("--region", request.region.as_str())
                .option("--principal-arn", &request.principal.to_string())
                .line(),
        ),
        (_, State::Active) => all.extend([
            format!("eks-access extend {id}"),
            format!("eks-access revoke {id}"),
        ]),
        _ => {}
    }
    if request.review_by.is_some() {
        all.push(format!("eks-access review {id}"));
    }
    all.push(format!("eks-access history {id}"));
    all
}

/// For Amazon Q Developer: facts from closed sets, and nobody's words.
fn chat_text(request: &Request, news: News) -> Value {
    let open = match request.state {
        State::Pending => format!(", open until {}", timestamp::rfc3339(request.expires)),
        _ => String::new(),
    };
    let description = [
        news.summary(request),
        String::new(),
        format!("*Who:* {}", code(&request.principal.to_string())),
        format!(
            "*Cluster:* {} in account {}, {}",
            code(request.cluster.as_str()),
            request.account,
            request.region
        ),
        format!("*Request:* {}{open}", code(request.id.as_str())),
    ];
    let steps: Vec<String> = commands(request, news)
        .into_iter()
        .take(3)
        .map(|command| shorten(&command, 350))
        .collect();
    json!({
        "version": "1.0",
        "source": "custom",
        "content": {
            "textType": "client-markdown",
            "title": shorten(&format!("EKS {}", headline(request, news)), chat::MAX_TITLE),
            "description": shorten(&description.join("\n"), chat::MAX_DESCRIPTION),
            "nextSteps": steps,
            "keywords": [news.slug(), news.severity().slug()],
        },
        "metadata": {
            "threadId": format!("request/{}", request.id),
            "summary": shorten(&headline(request, news), chat::MAX_TITLE),
            "eventType": news.slug(),
            "enableCustomActions": false,
        },
    })
}
