//! Errors of the token's form (`pkg/token`): nothing was asked of STS, and the caller wrote every byte.

use super::{Symptom, strip_prefix_ci, strip_suffix_ci};

const PREFIX: &str = "input token was not properly formatted: ";

/// Texts without a variable part.
const EXACT: [(&str, Symptom); 12] = [
    (
        "token is missing expected \"k8s-aws-v1.\" prefix",
        Symptom::TokenNotIam,
    ),
    ("token is too large", Symptom::TokenMalformed),
    ("unexpected path in pre-signed url", Symptom::TokenMalformed),
    ("malformed query parameter", Symptom::TokenMalformed),
    (
        "x-amz-date parameter must be present in pre-signed url",
        Symptom::TokenMalformed,
    ),
    (
        "query parameter with multiple values not supported",
        Symptom::TokenForged,
    ),
    (
        "unexpected action parameter in pre-signed url",
        Symptom::TokenForged,
    ),
    (
        "client did not sign the x-k8s-aws-id header in the pre-signed url",
        Symptom::TokenWrongCluster,
    ),
    // v0.1 to v0.3, without the host or scheme.
    (
        "unexpected hostname in pre-signed url",
        Symptom::TokenWrongEndpoint,
    ),
    (
        "unexpected scheme in pre-signed url",
        Symptom::TokenMalformed,
    ),
    (
        "net/url: invalid control character in url",
        Symptom::TokenMalformed,
    ),
    (
        "invalid x-amz-expires parameter in pre-signed url",
        Symptom::TokenMalformed,
    ),
];

/// Texts with a variable part, which the caller may have written: the beginning decides, and the end where the text
/// goes on after it.
const BEGINNINGS: [(&str, &str, Symptom); 15] = [
    (
        "illegal base64 data at input byte ",
        "",
        Symptom::TokenMalformed,
    ),
    ("parse ", "", Symptom::TokenMalformed),
    (
        "unexpected scheme \"",
        " in pre-signed url",
        Symptom::TokenMalformed,
    ),
    (
        "unexpected hostname \"",
        " in pre-signed url",
        Symptom::TokenWrongEndpoint,
    ),
    (
        "could not parse region for pre-signed url ",
        "",
        Symptom::TokenWrongEndpoint,
    ),
    (
        "global endpoint unsupported in partition ",
        "",
        Symptom::TokenWrongEndpoint,
    ),
    (
        "invalid region identifier format provided: ",
        "",
        Symptom::TokenWrongEndpoint,
    ),
    ("partition {", "", Symptom::TokenWrongEndpoint),
    (
        "invalid host format, too few labels: ",
        "",
        Symptom::TokenWrongEndpoint,
    ),
    (
        "duplicate query parameter found: ",
        "",
        Symptom::TokenForged,
    ),
    (
        "non-whitelisted query parameter \"",
        "",
        Symptom::TokenMalformed,
    ),
    (
        "invalid x-amz-expires parameter in pre-signed url: ",
        "",
        Symptom::TokenMalformed,
    ),
    (
        "error parsing x-amz-date parameter ",
        "",
        Symptom::TokenMalformed,
    ),
    (
        "x-amz-date parameter is expired (15 minute expiration) ",
        "",
        Symptom::TokenExpired,
    ),
    ("error creating http request: ", "", Symptom::TokenMalformed),
];

/// Whether an error has the prefix of v0.3.
pub(super) fn has_prefix(error: &str) -> bool {
    strip_prefix_ci(error, PREFIX).is_some()
}

/// Reads an error of the token's form; `None` if it is none. The prefix came with v0.3, and one text of v0.7.5 goes
/// without it.
pub(super) fn read(error: &str) -> Option<Symptom> {
    let tail = strip_prefix_ci(error, PREFIX).unwrap_or(error);
    let exact = EXACT
        .iter()
        .find(|(text, _)| tail.eq_ignore_ascii_case(text))
        .map(|(_, symptom)| *symptom);
    exact.or_else(|| {
        BEGINNINGS
            .iter()
            .find(|(start, end, _)| {
                strip_prefix_ci(tail, start)
                    .is_some_and(|rest| strip_suffix_ci(rest, end).is_some())
            })
            .map(|(_, _, symptom)| *symptom)
    })
}
