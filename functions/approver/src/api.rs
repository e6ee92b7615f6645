//! The door for the command: API Gateway has proven with IAM who calls.

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use eks_access::access::life::{No, grantee};
use eks_access::access::{Kind, Request, RequestId, State};
use eks_access::policy::{AccessPolicy, Approver, Namespace, Terms};
use eks_access::principal::AccountId;
use eks_access_aws::emf::Metric;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::desk::{Call, Desk, Done, Saying, Stopped};

/// A body of more bytes is none that the command sends.
const MAX_BODY: usize = 16 * 1024;

/// What somebody decides.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Body {
    cluster: Option<String>,
    principal: Option<String>,
    policy: Option<String>,
    namespaces: Option<Vec<String>>,
    seconds: Option<u64>,
    reason: Option<String>,
    /// What stood for the request when it was looked at.
    seen: Option<String>,
}

/// Answers a request to `/v1/…`.
pub(crate) async fn answer(
    desk: &Desk,
    request: &ApiGatewayV2httpRequest,
    path: &str,
    call: Call<'_>,
) -> Answer {
    let Some(caller) = caller(request) else {
        return Answer::error(
            403,
            "not-allowed",
            "API Gateway named no role's session and no user of IAM; sign with credentials of one",
        );
    };
    let method = request.request_context.http.method.as_str();
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let answered = match (method, parts.as_slice()) {
        ("GET", ["v1", "requests"]) => {
            list(desk, "requests", |request| request.state == State::Pending).await
        }
        ("GET", ["v1", "grants"]) => {
            list(desk, "grants", |request| request.state.has_entry()).await
        }
        ("GET", ["v1", "requests", id]) => one(desk, id).await,
        ("GET", ["v1", "requests", id, "history"]) => history(desk, id).await,
        ("POST", ["v1", "break-glass"]) => glass(desk, request, &caller, call).await,
        ("POST", ["v1", "requests", id, verb]) => {
            decide(desk, (id, verb), request, &caller, call).await
        }
        _ => return Answer::error(404, "not-found", "there is nothing at this address"),
    };
    answered.unwrap_or_else(|wrong| wrong.answer(call))
}

/// Whoever signed, as API Gateway says.
fn caller(request: &ApiGatewayV2httpRequest) -> Option<Approver> {
    let authorizer = request.request_context.authorizer.as_ref()?;
    let arn = authorizer.iam.as_ref()?.user_arn.as_deref()?;
    Approver::from_caller_arn(arn)
}

/// Why there is no better answer.
enum Wrong {
    Stopped(Stopped),
    Body(String),
}

impl From<Stopped> for Wrong {
    fn from(stopped: Stopped) -> Self {
        Self::Stopped(stopped)
    }
}

impl Wrong {
    fn answer(self, call: Call<'_>) -> Answer {
        match self {
            Self::Body(why) => Answer::error(400, "bad-request", &why),
            Self::Stopped(Stopped::NotFound) => Answer::error(
                404,
                "not-found",
                "there is no such request; `eks-access requests` and `eks-access grants` list those there are",
            ),
            Self::Stopped(Stopped::No(no)) => {
                call.tally.add(Metric::Refusals, 1);
                Answer::error(status(&no), no.slug(), &no.to_string())
            }
            Self::Stopped(Stopped::Fault(why)) => {
                Answer::error(503, "try-again", &format!("{why}; try again"))
            }
        }
    }
}

fn status(no: &No) -> u16 {
    match no.slug() {
        "already-decided" | "not-active" => 409,
        "expired" => 410,
        "bad-request" => 400,
        _ => 403,
    }
}

async fn list(
    desk: &Desk,
    name: &str,
    is_meant: impl Fn(&Request) -> bool,
) -> Result<Answer, Wrong> {
    let open = desk.requests.open().await;
    let open = open.map_err(|error| Stopped::Fault(error.to_string()))?;
    let meant: Vec<Value> = open
        .iter()
        .filter(|request| {
            is_meant(request) && !(name == "grants" && request.kind == Kind::Extension)
        })
        .map(|request| desk.shown(request))
        .collect();
    Ok(Answer::json(200, json!({name: meant})))
}

async fn one(desk: &Desk, id: &str) -> Result<Answer, Wrong> {
    let request = desk.get(&named(id)?).await?;
    Ok(Answer::json(200, json!({"request": desk.shown(&request)})))
}

async fn history(desk: &Desk, id: &str) -> Result<Answer, Wrong> {
    let id = named(id)?;
    let records = desk.requests.history(&id).await;
    let records = records.map_err(|error| Stopped::Fault(error.to_string()))?;
    if records.is_empty() {
        return Err(Stopped::NotFound.into());
    }
    Ok(Answer::json(200, json!({"history": records})))
}

async fn decide(
    desk: &Desk,
    (id, verb): (&str, &str),
    request: &ApiGatewayV2httpRequest,
    caller: &Approver,
    call: Call<'_>,
) -> Result<Answer, Wrong> {
    let id = named(id)?;
    let body = body(request)?;
    let reason = body.reason.as_deref().unwrap_or_default();
    let done = match verb {
        "approve" => {
            let known = desk.get(&id).await?;
            let terms = terms(desk, &known, &body)?;
            let saying = Saying {
                terms: &terms,
                reason,
                seen: body.seen.as_deref(),
            };
            desk.approve(&id, caller, saying, call).await?
        }
        "deny" => desk.deny(&id, caller, reason, call).await?,
        "revoke" => desk.end(&id, caller, reason, call).await?,
        "review" => desk.review(&id, caller, reason, call).await?,
        "extend" => {
            let seconds = body.seconds.ok_or_else(|| {
                Wrong::Body(
                    "`seconds` is missing: for how long, from when somebody says yes".to_owned(),
                )
            })?;
            desk.extend(&id, caller, (seconds, reason), call).await?
        }
        _ => return Err(Stopped::NotFound.into()),
    };
    Ok(told(desk, &done))
}

async fn glass(
    desk: &Desk,
    request: &ApiGatewayV2httpRequest,
    caller: &Approver,
    call: Call<'_>,
) -> Result<Answer, Wrong> {
    let body = body(request)?;
    let missing = |what: &str| Wrong::Body(format!("`{what}` is missing, or is none"));
    let cluster = body.cluster.as_deref().and_then(|name| name.parse().ok());
    let cluster = cluster.ok_or_else(|| missing("cluster"))?;
    let principal = body.principal.as_deref().and_then(grantee);
    let principal = principal.ok_or_else(|| {
        Wrong::Body(
            "`principal` is the ARN of a role, with its path, or of a user, as IAM has it"
                .to_owned(),
        )
    })?;
    let account: Option<AccountId> = request
        .request_context
        .account_id
        .as_deref()
        .and_then(|account| account.parse().ok());
    let account = account.ok_or_else(|| missing("accountId"))?;
    let terms = asked(&body, body.seconds.ok_or_else(|| missing("seconds"))?)?;
    let reason = body.reason.as_deref().unwrap_or_default();
    let done = desk
        .break_glass(
            (cluster, account, principal),
            caller,
            (&terms, reason),
            call,
        )
        .await?;
    Ok(told(desk, &done))
}

fn told(desk: &Desk, done: &Done) -> Answer {
    let status = if done.is_under_way { 202 } else { 200 };
    Answer::json(
        status,
        json!({"request": desk.shown(&done.request), "message": done.message}),
    )
}

/// The terms that somebody says yes to: those that were agreed on, unless they say others.
fn terms(desk: &Desk, request: &Request, body: &Body) -> Result<Terms, Wrong> {
    let says_none = body.policy.is_none() && body.namespaces.is_none() && body.seconds.is_none();
    if let Some(agreed) = request.terms.as_ref().filter(|_| says_none) {
        if body.seen.is_none() {
            return Err(Wrong::Body(
                "say which terms (`policy`, `namespaces`, `seconds`), or send `seen` as the request has it".to_owned(),
            ));
        }
        return Ok(agreed.clone());
    }
    let usual = desk.guardrails.offers(&request.ask()).ok();
    let usual = usual.and_then(|offers| offers.iter().map(|offer| offer.usual_seconds).min());
    let seconds = body
        .seconds
        .or(usual)
        .ok_or_else(|| Wrong::Body("`seconds` is missing: for how long".to_owned()))?;
    asked(body, seconds)
}

fn asked(body: &Body, seconds: u64) -> Result<Terms, Wrong> {
    let policy = body
        .policy
        .as_deref()
        .map_or(Ok(AccessPolicy::View), str::parse);
    let policy = policy.map_err(|why| Wrong::Body(format!("`policy`: {why}")))?;
    let names = body
        .namespaces
        .iter()
        .flatten()
        .map(|name| name.parse::<Namespace>());
    let names: Vec<Namespace> = names
        .collect::<Result<_, _>>()
        .map_err(|why| Wrong::Body(format!("`namespaces`: {why}")))?;
    Terms::new(policy, names, seconds).ok_or_else(|| {
        Wrong::Body("name at least one of `namespaces`, and `seconds` above 0".to_owned())
    })
}

fn named(id: &str) -> Result<RequestId, Wrong> {
    id.parse().map_err(|why: &str| Wrong::Body(why.to_owned()))
}

fn body(request: &ApiGatewayV2httpRequest) -> Result<Body, Wrong> {
    let text = request.body.as_deref().unwrap_or("{}");
    if text.len() > MAX_BODY {
        return Err(Wrong::Body("the body is too long".to_owned()));
    }
    let decoded = if request.is_base64_encoded {
        STANDARD.decode(text).unwrap_or_default()
    } else {
        text.as_bytes().to_vec()
    };
    serde_json::from_slice(&decoded)
        .map_err(|error| Wrong::Body(format!("the body is not what it should be: {error}")))
}
