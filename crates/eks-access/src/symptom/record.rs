//! The order of tests on a whole record: the first match wins, on parsed fields only.

use super::{Symptom, mapping, strip_prefix_ci, sts, token};
use crate::catalogue::Detail;
use crate::logrus::Record;
use crate::principal::Principal;

/// What a record says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Said {
    /// The symptom.
    pub symptom: Symptom,
    /// What it shows beyond that.
    pub detail: Detail,
    /// Whether it is a mapping denial in exactly the words of a release, with nothing before or after.
    pub exact: bool,
}

impl Said {
    /// A symptom and nothing more.
    #[must_use]
    pub fn plainly(symptom: Symptom) -> Self {
        Self {
            symptom,
            detail: Detail::None,
            exact: false,
        }
    }

    fn with(symptom: Symptom, detail: Detail) -> Self {
        Self {
            symptom,
            detail,
            exact: false,
        }
    }
}

/// Reads a record of the authenticator (v0.1 to v0.7.18, and EKS' builds).
#[must_use]
pub fn read(record: &Record<'_>) -> Said {
    let Some(message) = record.text("msg").filter(|message| !message.is_empty()) else {
        return Said::plainly(Symptom::Truncated);
    };
    match message.as_ref() {
        "access granted" => {
            let is_nameless = record.text("username").is_some_and(|name| name.is_empty());
            let detail = if is_nameless {
                Detail::EmptyUsername
            } else {
                Detail::None
            };
            Said::with(Symptom::AccessGranted, detail)
        }
        "STS response" => Said::plainly(Symptom::StsIdentity),
        "unexpected request method" | "empty request body" | "could not parse request body" => {
            Said::plainly(Symptom::WebhookMalformedRequest)
        }
        "access denied because ARN is not mapped" => Said::plainly(not_mapped(record)),
        message if message.starts_with("access denied") => denial(record),
        message => other(message, record),
    }
}

fn denial(record: &Record<'_>) -> Said {
    let Some(error) = record.text("error") else {
        // Every release writes the method and path behind the error: without them, the line is cut before it.
        let is_cut = record.get("path").is_none();
        return Said::plainly(if is_cut {
            Symptom::Truncated
        } else {
            Symptom::UnknownDenial
        });
    };
    let mut said = denial_error(&error);
    if said.symptom == Symptom::NotMapped {
        said.symptom = not_mapped(record);
        let arn = record.text("arn").unwrap_or_default();
        said.exact =
            record.is("msg", "access denied") && mapping::is_exactly_not_mapped(&error, &arn);
    }
    said
}

/// What the `error` of a denial says, without its principal.
#[must_use]
pub fn denial_error(error: &str) -> Said {
    let error = error.trim();
    match error
        .strip_prefix('[')
        .and_then(|inside| inside.strip_suffix(']'))
    {
        Some(parts) => most_specific(parts),
        None => one_error(error),
    }
}

/// One backend's error.
fn one_error(error: &str) -> Said {
    let error = error.trim();
    mapping::read(error)
        .or_else(|| token::read(error))
        .map(Said::plainly)
        .or_else(|| sts::read(error).map(|(symptom, detail)| Said::with(symptom, detail)))
        .unwrap_or(Said::plainly(Symptom::UnknownDenial))
}

/// Several backends' errors are printed `[a, b]`. The first part that says more than "not mapped" is it.
fn most_specific(parts: &str) -> Said {
    let mut all_not_mapped = !parts.is_empty();
    let mut rest = Some(parts).filter(|parts| parts.len() <= MAX_AGGREGATE);
    while let Some(text) = rest {
        let (first, next) = text
            .split_once(", ")
            .map_or((text, None), |(first, next)| (first, Some(next)));
        // A part may hold `, ` itself: what its first piece does not say, the text to the end may.
        let said = [first, text]
            .map(one_error)
            .into_iter()
            .find(|said| said.symptom != Symptom::UnknownDenial);
        match said {
            Some(said) if said.symptom != Symptom::NotMapped => return said,
            Some(_) => {}
            None => all_not_mapped = false,
        }
        rest = next;
    }
    let is_not_mapped = all_not_mapped && parts.len() <= MAX_AGGREGATE;
    Said::plainly(if is_not_mapped {
        Symptom::NotMapped
    } else {
        Symptom::UnknownDenial
    })
}

/// Bytes of an aggregate error that are looked at; a longer one is no release's.
const MAX_AGGREGATE: usize = 8 * 1024;

fn not_mapped(record: &Record<'_>) -> Symptom {
    let principal = record
        .text("arn")
        .and_then(|arn| arn.parse::<Principal>().ok());
    match principal {
        Some(principal) if principal.is_root() => Symptom::NotMappedRoot,
        Some(principal) if principal.is_federated_user() => Symptom::NotMappedFederated,
        _ => Symptom::NotMapped,
    }
}

/// Every other line of the stream (`pkg/mapper`, `pkg/server`, `pkg/ec2provider`, v0.1 to v0.7.18).
fn other(message: &str, record: &Record<'_>) -> Said {
    const AWS_AUTH: [&str; 3] = [
        "errors parsing configmap",
        "there was an error parsing the config maps.",
        "error parsing config map:",
    ];
    const WATCH: [&str; 3] = [
        "recieved a watch error",
        "received a watch error",
        "unable to re-establish watch:",
    ];
    const SERVER: [&str; 6] = [
        "could not load/generate a certificate",
        "could not open tls listener",
        "http server exited",
        "http: tls handshake error from ",
        "parsemap: could not unmarshal dynamic file",
        "parsemap: errors parsing dynamic file",
    ];
    let starts = |beginnings: &[&str]| {
        beginnings
            .iter()
            .any(|start| strip_prefix_ci(message, start).is_some())
    };
    if starts(&AWS_AUTH) {
        return Said::plainly(Symptom::AwsAuthMalformed);
    }
    if message.eq_ignore_ascii_case("resetting configmap on delete") {
        return Said::with(Symptom::AwsAuthMalformed, Detail::AwsAuthDeleted);
    }
    if starts(&WATCH) {
        return Said::plainly(Symptom::MappingWatchLost);
    }
    if starts(&["watch channel closed."]) {
        return Said::with(Symptom::InfoOther, Detail::WatchClosed);
    }
    if starts(&SERVER) || record.is("level", "fatal") || record.is("level", "panic") {
        return Said::plainly(Symptom::AuthenticatorServerFault);
    }
    Said::plainly(mapping::read_batch_look_up(message).unwrap_or(Symptom::InfoOther))
}

/// Bare text that people paste: the `error` alone, or what `aws-iam-authenticator verify` prints. It names nobody. Of the
/// token errors only those with their prefix are believed: without it, other programs say the same (`parse error: …`).
#[must_use]
pub fn read_fragment(text: &str) -> Option<Symptom> {
    let error = strip_prefix_ci(text, "could not verify token: ").unwrap_or(text);
    let symptom = denial_error(error).symptom;
    let is_token_error = token::read(error).is_some() && !token::has_prefix(error);
    (symptom != Symptom::UnknownDenial && !is_token_error).then_some(symptom)
}
