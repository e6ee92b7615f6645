//! Pages: `maxResults` and `nextToken`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::rules::invalid;
use crate::record::{Asked, Refusal};

/// One page of a list under this name. Up to 100 at once (model); a token is good for the same question only, and
/// contains characters that must be encoded.
pub(super) fn page(
    asked: &Asked,
    name: &str,
    items: &[Value],
    most: Option<usize>,
) -> Result<Value, Refusal> {
    let wanted = match asked.input.get("maxResults").and_then(Value::as_str) {
        None => 100,
        Some(text) => text
            .parse()
            .ok()
            .filter(|wanted| (1..=100).contains(wanted))
            .ok_or_else(|| {
                invalid(format!("maxResults must be between 1 and 100, not {text}")).broken() // ours
            })?,
    };
    let from = match asked.input.get("nextToken").and_then(Value::as_str) {
        None => 0,
        Some(text) => read(asked, text)
            .filter(|from| *from <= items.len())
            .ok_or_else(|| invalid("The specified nextToken is invalid.").broken())?, // ours
    };
    let size = most.map_or(wanted, |most| wanted.min(most));
    let until = items.len().min(from + size);
    let mut answer = json!({name: items[from..until]});
    if until < items.len() {
        answer["nextToken"] = json!(written(asked, until));
    }
    Ok(answer)
}

fn question(asked: &Asked) -> String {
    let filter = asked.get("associatedPolicyArn");
    format!(
        "{}~{}~{}~{filter}",
        asked.operation,
        asked.get("clusterName"),
        asked.get("principalArn")
    )
}

fn written(asked: &Asked, from: usize) -> String {
    // The prefix makes a `+` and a `/` of base64 out of every token.
    let mut bytes = vec![0xfb, 0xff, 0xbe];
    bytes.extend(format!("{from}~{}", question(asked)).bytes());
    STANDARD.encode(bytes)
}

fn read(asked: &Asked, token: &str) -> Option<usize> {
    let bytes = STANDARD.decode(token).ok()?;
    let text = String::from_utf8(bytes.get(3..)?.to_vec()).ok()?;
    let (from, rest) = text.split_once('~')?;
    (rest == question(asked)).then(|| from.parse().ok())?
}
