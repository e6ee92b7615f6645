//! Errors of the mapping backends (`pkg/mapper`, `pkg/ec2provider`): STS vouched for the caller.

use super::{Symptom, strip_prefix_ci, strip_suffix_ci};
use crate::logrus::take_quoted;

/// The texts that mean "nothing maps this principal", in the order they appeared: v0.1 to v0.6.13, v0.5.21 to v0.7.6,
/// v0.7.7.
const NOT_MAPPED: [&str; 2] = ["arn is not mapped", "identity is not mapped"];

/// Reads a mapping error; `None` if it is none.
pub(super) fn read(error: &str) -> Option<Symptom> {
    let is_not_mapped = NOT_MAPPED
        .iter()
        .any(|text| error.eq_ignore_ascii_case(text))
        || strip_prefix_ci(error, "arn is not mapped: ").is_some();
    if is_not_mapped {
        return Some(Symptom::NotMapped);
    }
    for start in ["failed mapping username: ", "failed mapping group: "] {
        if let Some(inner) = strip_prefix_ci(error, start) {
            return template_error(inner);
        }
    }
    // `invalid username '<u>' for mapper <X>: username must not begin with …` (v0.5.15, v0.6.6).
    if strip_prefix_ci(error, "invalid username '").is_some() {
        return Some(Symptom::ReservedUsername);
    }
    backend(error)
}

/// Whether the error is one of the texts and nothing else; the older form repeats the ARN in lower case.
pub(super) fn is_exactly_not_mapped(error: &str, arn: &str) -> bool {
    let error = error.trim();
    NOT_MAPPED
        .iter()
        .any(|text| error.eq_ignore_ascii_case(text))
        || strip_prefix_ci(error, "arn is not mapped: ")
            .is_some_and(|repeated| repeated == arn.to_lowercase())
}

/// `mapper <X> renderTemplates error: …` and `mapper <X> Map error: …` (v0.5 and later).
fn backend(error: &str) -> Option<Symptom> {
    let rest = strip_prefix_ci(error, "mapper ")?;
    let (name, rest) = rest.split_once(' ')?;
    if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return None;
    }
    if let Some(rendering) = strip_prefix_ci(rest, "rendertemplates error: ") {
        return rendering_error(rendering);
    }
    let inner = strip_prefix_ci(rest, "map error: ")?;
    inner
        .trim()
        .eq_ignore_ascii_case("arn does not match user id")
        .then_some(Symptom::PrincipalIdMismatch)
}

/// `error rendering username template "<template>": <inner>`, where the template is quoted as Go does.
fn rendering_error(text: &str) -> Option<Symptom> {
    let rest = [
        "error rendering username template \"",
        "error rendering group template \"",
    ]
    .into_iter()
    .find_map(|start| strip_prefix_ci(text, start))?;
    let (_template, after, _) = take_quoted(rest).ok()?;
    template_error(after.strip_prefix(": ")?)
}

fn template_error(inner: &str) -> Option<Symptom> {
    let inner = inner.trim();
    if inner.eq_ignore_ascii_case("sessionname did not contain an instance id") {
        return Some(Symptom::NodeSessionNotInstance);
    }
    if let Some(node_and_error) =
        strip_prefix_ci(inner, "failed querying private dns from ec2 api for node ")
    {
        let (_node, error) = node_and_error.split_once(": ")?;
        return ec2_error(error);
    }
    let rest = strip_prefix_ci(inner, "failed to find node ")?;
    // The look-up waited five seconds for a batch answer that did not come: EC2 was slow or throttled.
    if strip_suffix_ci(rest, " in privatednsnamecache returning from loop").is_some() {
        return Some(Symptom::NodeDnsLookupThrottled);
    }
    Some(Symptom::NodeDnsLookupNotFound)
}

/// `Batch call failed querying private DNS from EC2 API for nodes [i-… i-…] : with error = []<err>` (v0.5.1).
pub(super) fn read_batch_look_up(message: &str) -> Option<Symptom> {
    let rest = strip_prefix_ci(
        message,
        "batch call failed querying private dns from ec2 api for nodes [",
    )?;
    let (_nodes, error) = rest.split_once("] : with error = []")?;
    Some(ec2_error(error).unwrap_or(Symptom::UnknownDenial))
}

/// What EC2 (or STS, for the cluster role) answered: the error code decides.
fn ec2_error(error: &str) -> Option<Symptom> {
    let error = error.trim().trim_start_matches("... ");
    let code = error_code(error)?;
    match code {
        "UnauthorizedOperation"
        | "AccessDenied"
        | "AccessDeniedException"
        | "AuthFailure"
        | "OptInRequired"
        | "Blocked"
        | "PendingVerification"
        | "NoCredentialProviders"
        | "ExpiredToken"
        | "ExpiredTokenException"
        | "RequestExpired"
        | "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "SignatureDoesNotMatch"
        | "RegionDisabledException" => Some(Symptom::NodeDnsLookupDenied),
        "RequestLimitExceeded"
        | "Throttling"
        | "ThrottlingException"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "TooManyRequestsException"
        | "EC2ThrottledException"
        | "SlowDown" => Some(Symptom::NodeDnsLookupThrottled),
        "InvalidInstanceID.NotFound" | "InvalidInstanceID.Malformed" | "InvalidInstanceID" => {
            Some(Symptom::NodeDnsLookupNotFound)
        }
        _ => None,
    }
}

/// The code in either SDK's rendering of an error: version 1 (up to v0.7.2) begins with `Code: `, version 2 has a part
/// `api error Code: `. A failed `AssumeRole` of the cluster role is a refusal whatever its code.
fn error_code(error: &str) -> Option<&str> {
    let is_code = |text: &&str| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.')
    };
    if strip_prefix_ci(error, "operation error ").is_some() {
        let parts = || error.split(", ");
        let code = parts()
            .filter_map(|part| part.strip_prefix("api error "))
            .filter_map(|part| part.split_once(':').map(|(code, _)| code))
            .find(is_code);
        let is_assume_role =
            parts().any(|part| part.starts_with("operation error STS: AssumeRole"));
        return code.or(is_assume_role.then_some("AccessDenied"));
    }
    // People abridge: "… not authorized to perform: ec2:DescribeInstances".
    let is_prose = [
        "not authorized to perform",
        "you are not authorized to perform",
    ]
    .iter()
    .any(|start| strip_prefix_ci(error, start).is_some());
    if is_prose {
        return Some("UnauthorizedOperation");
    }
    error.split_once(':').map(|(code, _)| code).filter(is_code)
}
