//! The JSON protocol 1.1: everything in the body of a `POST /`, the operation in `x-amz-target`.

use serde_json::{Map, Value, json};

use crate::http::{Request, Response};
use crate::record::{Call, Refusal};

/// Reads a request whose target is one of these operations after this prefix; an SDK may write a longer prefix that
/// ends so (botocore does for `CloudTrail`).
pub(crate) fn call(request: &Request, prefix: &str, operations: &[&str]) -> Result<Call, Refusal> {
    let target = request.header("x-amz-target").unwrap_or("");
    let (found, operation) = target.rsplit_once('.').unwrap_or(("", target));
    let ours = found == prefix || found.ends_with(&format!(".{prefix}"));
    if request.method != "POST" || request.path != "/" || !ours || !operations.contains(&operation)
    {
        let words = format!("the fake has no operation {target}");
        return Err(Refusal::new(400, "UnknownOperationException", words));
    }
    let malformed = |words: String| Refusal::new(400, "SerializationException", words).broken();
    if request.header("content-type") != Some("application/x-amz-json-1.1") {
        return Err(malformed(
            "the content is no application/x-amz-json-1.1".to_owned(),
        ));
    }
    let input: Map<String, Value> = serde_json::from_slice(&request.body)
        .map_err(|error| malformed(format!("the body is no JSON object: {error}")))?;
    Ok(Call {
        operation: operation.to_owned(),
        input,
    })
}

/// Refuses parameters that the operation does not have.
pub(crate) fn only(input: &Map<String, Value>, known: &[&str]) -> Result<(), Refusal> {
    match input.keys().find(|key| !known.contains(&key.as_str())) {
        None => Ok(()),
        Some(key) => {
            let words = format!("no parameter {key}");
            Err(Refusal::new(400, "SerializationException", words).broken())
        }
    }
}

pub(crate) fn answer(body: &Value) -> Response {
    Response {
        status: 200,
        headers: vec![(
            "content-type".into(),
            "application/x-amz-json-1.1".to_owned(),
        )],
        body: body.to_string().into_bytes(),
    }
}

pub(crate) fn refuse(refusal: &Refusal) -> Response {
    Response {
        status: refusal.status,
        headers: vec![(
            "content-type".into(),
            "application/x-amz-json-1.1".to_owned(),
        )],
        body: json!({"__type": refusal.code, "message": refusal.message})
            .to_string()
            .into_bytes(),
    }
}

/// One page of items, from where the token says, if it was given for this question.
pub(crate) struct Page<'a> {
    pub(crate) items: &'a [Value],
    pub(crate) token: Option<String>,
}

/// Cuts a page of at most `size`. The token says of which question it is the answer's rest.
pub(crate) fn page<'a>(
    items: &'a [Value],
    question: &str,
    token: Option<&str>,
    size: usize,
) -> Option<Page<'a>> {
    let from = match token {
        None => 0,
        Some(token) => {
            let (from, of) = token.split_once('~')?;
            let from: usize = from.parse().ok()?;
            if of != question || from > items.len() {
                return None;
            }
            from
        }
    };
    let until = items.len().min(from + size);
    Some(Page {
        items: &items[from..until],
        token: (until < items.len()).then(|| format!("{until}~{question}")),
    })
}

/// A parameter that is a whole number between these, or the default.
pub(crate) fn number(
    input: &Map<String, Value>,
    name: &str,
    (least, most): (u64, u64),
    default: u64,
) -> Result<usize, String> {
    match input.get(name) {
        None | Some(Value::Null) => Ok(usize::try_from(default).unwrap_or(usize::MAX)),
        Some(value) => value
            .as_u64()
            .filter(|number| (least..=most).contains(number))
            .and_then(|number| usize::try_from(number).ok())
            .ok_or_else(|| format!("{name} must be between {least} and {most}, not {value}")),
    }
}
