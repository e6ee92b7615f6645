//! Errors of the call to STS (`pkg/token`): the token's form was right, STS or the way to it was not.

use quick_xml::Reader;
use quick_xml::events::Event;

use super::{Symptom, strip_prefix_ci};
use crate::catalogue::Detail;

/// Reads an STS error; `None` if it is none.
pub(super) fn read(error: &str) -> Option<(Symptom, Detail)> {
    // v0.6.28 and later; an old STS error "…throttled" is an ordinary answer with a code.
    if strip_prefix_ci(error, "sts getcalleridentity was throttled").is_some() {
        return Some((Symptom::StsThrottled, Detail::None));
    }
    let tail = strip_prefix_ci(error, "sts getcalleridentity failed: ")?;
    if let Some(answer) = strip_prefix_ci(tail, "error from aws (expected 200, got ") {
        return answer_error(answer);
    }
    let symptom = if strip_prefix_ci(tail, "error during get").is_some() {
        Symptom::StsUnreachable
    } else if is_no_answer(tail) {
        Symptom::StsUnavailable
    } else {
        identity_error(tail)?
    };
    Some((symptom, Detail::None))
}

/// STS answered 200 with something that is no answer, or broke off.
fn is_no_answer(tail: &str) -> bool {
    const BEGINNINGS: [&str; 4] = [
        "error reading http result",
        "invalid character ",
        "unexpected end of json input",
        "json: ",
    ];
    BEGINNINGS
        .iter()
        .any(|start| strip_prefix_ci(tail, start).is_some())
}

/// How the errors begin that name an identity which can't log in (`pkg/arn`, `pkg/token`).
const UNSUPPORTED: [&str; 6] = [
    "arn '",
    "assumed-role arn '",
    "unrecognized resource ",
    "service ",
    "malformed userid \"",
    "not able to canonicalize arn",
];

/// STS vouched, but for nothing that can log in.
fn identity_error(tail: &str) -> Option<Symptom> {
    // A 200 without an ARN comes from another STS action than GetCallerIdentity: the token was built to trick.
    if strip_prefix_ci(tail, "arn '' is invalid: ").is_some() {
        return Some(Symptom::TokenForged);
    }
    UNSUPPORTED
        .iter()
        .any(|start| strip_prefix_ci(tail, start).is_some())
        .then_some(Symptom::IdentityUnsupported)
}

/// `N)`, `N). Body: …` (v0.5), `N) on <region> endpoint. Body: …` (v0.6.28).
fn answer_error(answer: &str) -> Option<(Symptom, Detail)> {
    let (status, rest) = answer.split_once(')')?;
    let status: u16 = status.parse().ok()?;
    let body = rest.split_once("Body: ").map_or("", |(_, body)| body);
    let error = StsError::read(body);
    let symptom = error
        .as_ref()
        .and_then(StsError::symptom)
        .or_else(|| by_status(status, error.is_some()))?;
    let is_scope = symptom == Symptom::StsSignatureMismatch
        && error.is_some_and(|error| error.is_region_scope());
    Some((
        symptom,
        if is_scope {
            Detail::RegionScope
        } else {
            Detail::None
        },
    ))
}

/// Where no code says more. A 4xx with a code that nobody knows is a new wording.
fn by_status(status: u16, has_code: bool) -> Option<Symptom> {
    match status {
        500..=599 | 300..=399 => Some(Symptom::StsUnavailable),
        429 => Some(Symptom::StsThrottled),
        400..=499 if !has_code => Some(Symptom::StsRejectedUnspecified),
        _ => None,
    }
}

/// The `Code` and `Message` of an STS error, in JSON or XML.
struct StsError {
    code: String,
    message: String,
}

impl StsError {
    fn read(body: &str) -> Option<Self> {
        let body = body.trim();
        if body.starts_with('{') {
            Self::from_json(body)
        } else {
            Self::from_xml(body)
        }
    }

    fn from_json(body: &str) -> Option<Self> {
        let document: serde_json::Value = match serde_json::from_str(body) {
            Ok(document) => document,
            // Pasted text often keeps the line's own escapes.
            Err(_) => serde_json::from_str(&crate::logrus::unescape(body)).ok()?,
        };
        let error = document.get("Error").unwrap_or(&document);
        let text = |key: &str| {
            error
                .get(key)
                .and_then(serde_json::Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let code = ["Code", "code", "__type"]
            .into_iter()
            .map(text)
            .find(|code| !code.is_empty())?;
        Some(Self {
            code,
            message: ["Message", "message"]
                .into_iter()
                .map(text)
                .find(|text| !text.is_empty())
                .unwrap_or_default(),
        })
    }

    /// The first `Code` and `Message` elements. An HTML page or an empty element has none.
    fn from_xml(body: &str) -> Option<Self> {
        let mut reader = Reader::from_str(body);
        let mut element = String::new();
        let (mut code, mut message) = (String::new(), String::new());
        loop {
            match reader.read_event() {
                Ok(Event::Start(start)) => start.local_name().as_ref().clone_into(&mut element),
                Ok(Event::Text(text)) => match element.as_str() {
                    "Code" => code.push_str(text.trim()),
                    "Message" => message.push_str(text.trim()),
                    _ => {}
                },
                Ok(Event::End(_)) => element.clear(),
                Ok(Event::Eof) | Err(_) => break,
                Ok(_) => {}
            }
        }
        (!code.is_empty()).then_some(Self { code, message })
    }

    /// The codes that STS documents (STS API reference, "Common errors") and that public threads show.
    fn symptom(&self) -> Option<Symptom> {
        Some(match self.code.as_str() {
            "InvalidClientTokenId" | "UnrecognizedClientException" => Symptom::StsInvalidToken,
            "ExpiredToken" | "ExpiredTokenException" => Symptom::StsExpiredCredentials,
            "SignatureDoesNotMatch" | "InvalidSignatureException" if self.is_clock_skew() => {
                Symptom::StsClockSkew
            }
            "SignatureDoesNotMatch" | "InvalidSignatureException" => Symptom::StsSignatureMismatch,
            "RegionDisabledException" => Symptom::StsRegionDisabled,
            "AccessDenied" | "AccessDeniedException" | "OptInRequired" => Symptom::StsAccessDenied,
            "IncompleteSignature" | "MissingAuthenticationToken" | "MissingParameter" => {
                Symptom::TokenMalformed
            }
            "InvalidAction" => Symptom::TokenForged,
            "Throttling"
            | "ThrottlingException"
            | "RequestLimitExceeded"
            | "TooManyRequestsException" => Symptom::StsThrottled,
            "InternalFailure"
            | "InternalError"
            | "ServiceUnavailable"
            | "ServiceUnavailableException" => Symptom::StsUnavailable,
            _ => return None,
        })
    }

    fn is_clock_skew(&self) -> bool {
        ["signature expired", "signature not yet current"]
            .iter()
            .any(|start| strip_prefix_ci(&self.message, start).is_some())
    }

    fn is_region_scope(&self) -> bool {
        strip_prefix_ci(
            &self.message,
            "credential should be scoped to a valid region",
        )
        .is_some()
    }
}
