//! `cause` and `causes`: the catalogue.

use std::io::{self, Write};

use eks_access::catalogue::{self, Tier};
use eks_access::page;
use eks_access::symptom::Symptom;
use serde_json::json;

use crate::args::{Cause, Causes, ListFormat};
use crate::output::{Error, Found};

/// Shows the page of a cause, or of a symptom's general cause.
pub(crate) fn show(options: &Cause) -> Result<Found, Error> {
    let id = options.id.trim().to_ascii_lowercase();
    let cause = catalogue::find(&id)
        .or_else(|| general(&id))
        .ok_or_else(|| Error::NoSuchCause(id.clone(), near(&id)))?;
    io::stdout()
        .lock()
        .write_all(page::markdown(cause).as_bytes())
        .map_err(Error::Output)?;
    Ok(Found::Nothing)
}

fn general(slug: &str) -> Option<&'static catalogue::Cause> {
    let symptom: Symptom = slug.parse().ok()?;
    catalogue::CAUSES
        .iter()
        .copied()
        .find(|cause| cause.tier == Tier::General && cause.symptoms.contains(&symptom))
}

/// Ids that share a word with what was typed.
fn near(id: &str) -> Vec<&'static str> {
    let words: Vec<&str> = id.split('-').filter(|word| word.len() > 2).collect();
    let shared = |candidate: &str| {
        candidate
            .split('-')
            .filter(|word| words.contains(word))
            .count()
    };
    let mut near: Vec<_> = catalogue::CAUSES
        .iter()
        .map(|cause| (shared(cause.id), cause.id))
        .filter(|(n, _)| *n > 0)
        .collect();
    near.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    near.into_iter().take(3).map(|(_, id)| id).collect()
}

/// Lists every cause.
pub(crate) fn list(options: &Causes) -> Result<Found, Error> {
    let mut out = io::stdout().lock();
    let written = catalogue::CAUSES.iter().try_for_each(|cause| match options.format {
        ListFormat::Text => writeln!(out, "{:36} {:9} {}", cause.id, cause.severity.slug(), cause.title),
        ListFormat::Json => writeln!(
            out,
            "{}",
            json!({
                "id": cause.id,
                "title": cause.title,
                "summary": cause.summary,
                "severity": cause.severity.slug(),
                "actor": cause.actor.slug(),
                "specific": cause.tier == Tier::Specific,
                "symptoms": cause.symptoms.iter().map(|symptom| symptom.slug()).collect::<Vec<_>>(),
            })
        ),
    });
    written.map_err(Error::Output)?;
    Ok(Found::Nothing)
}
