//! Tags of access entries, by the entry's ARN. All words are ours; codes and limits are the service model's.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Inner, Kept, State};
use crate::record::{Asked, Refusal};

const MOST: usize = 50;

fn bad(message: impl Into<String>) -> Refusal {
    Refusal::new(400, "BadRequestException", message).broken()
}

impl Inner {
    pub(super) fn tags(&self, state: &mut State, asked: &Asked) -> Result<Value, Refusal> {
        let arn = asked.get("resourceArn");
        self.require_entry_arn(arn)?;
        let now = state.now();
        let kept = of_arn(state, arn).ok_or_else(not_found)?;
        match asked.operation.as_str() {
            "ListTagsForResource" if kept.visible_at > now => Err(not_found()),
            "ListTagsForResource" => Ok(json!({"tags": kept.entry.tags})),
            "TagResource" => {
                let mut tags = kept.entry.tags.clone();
                tags.extend(new_tags(asked)?);
                if tags.len() > MOST {
                    let words = format!("A resource has at most {MOST} tags.");
                    return Err(Refusal::new(400, "BadRequestException", words));
                }
                kept.entry.tags = tags;
                Ok(json!({}))
            }
            _ => {
                for key in old_tags(asked)? {
                    kept.entry.tags.remove(&key);
                }
                Ok(json!({}))
            }
        }
    }

    fn require_entry_arn(&self, arn: &str) -> Result<(), Refusal> {
        let ours = format!(
            "arn:{}:eks:{}:{}:access-entry/",
            self.directory.partition(),
            self.region,
            self.directory.account()
        );
        if arn.starts_with(&ours) {
            return Ok(());
        }
        Err(bad(format!("The fake keeps no tags of `{arn}`.")))
    }
}

fn not_found() -> Refusal {
    Refusal::new(404, "NotFoundException", "The access entry was not found.")
}

fn of_arn<'a>(state: &'a mut State, arn: &str) -> Option<&'a mut Kept> {
    let mut entries = state
        .clusters
        .iter_mut()
        .flat_map(|held| held.entries.iter_mut());
    entries.find(|kept| kept.arn == arn)
}

/// `TagMap` of the model: 1 to 50, keys up to 128, values up to 256 characters; `aws:` is reserved.
fn new_tags(asked: &Asked) -> Result<BTreeMap<String, String>, Refusal> {
    let tags = asked.input.get("tags").and_then(Value::as_object);
    let tags = tags.ok_or_else(|| bad("tags is missing"))?;
    super::rules::tags(tags).map_err(|refusal| bad(refusal.message))?;
    if tags.is_empty() {
        return Err(bad("tags is empty"));
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Ok(tags
        .iter()
        .map(|(key, value)| (key.clone(), text(value)))
        .collect())
}

fn old_tags(asked: &Asked) -> Result<Vec<String>, Refusal> {
    let keys = asked.input.get("tagKeys").and_then(Value::as_array);
    let keys: Vec<String> = keys
        .into_iter()
        .flatten()
        .filter_map(|key| key.as_str().map(str::to_owned))
        .collect();
    let fits = |key: &String| (1..=128).contains(&key.chars().count());
    if !(1..=MOST).contains(&keys.len()) || !keys.iter().all(fits) {
        return Err(bad("tagKeys has 1 to 50 keys of 1 to 128 characters"));
    }
    Ok(keys)
}
