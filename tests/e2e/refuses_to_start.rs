//! A function that is set up wrongly does not start, and says everything that is wrong at once.

use fakes::process::Function;

/// The function whose package this test is built for, and whether it can do without guardrails.
const FUNCTION: (&str, bool) = match (
    option_env!("CARGO_BIN_EXE_approver"),
    option_env!("CARGO_BIN_EXE_granter"),
    option_env!("CARGO_BIN_EXE_revoker"),
) {
    (Some(approver), ..) => (approver, false),
    (None, Some(granter), _) => (granter, false),
    (None, None, Some(revoker)) => (revoker, true),
    (None, None, None) => ("", false),
};

#[test]
fn all_mistakes_of_a_configuration_are_told_at_once() {
    let (binary, does_without_guardrails) = FUNCTION;
    let ended = Function::start(
        binary,
        &[("TOPIC_ARN", "a topic"), ("AWS_REGION", "eu-west-1")],
    )
    .ended();
    assert!(!ended.status.success());
    let (kind, message) = ended.init_error.unwrap_or_default();
    assert_eq!(kind, "Configuration");
    for words in ["TOPIC_ARN is `a topic`", "REQUESTS_TABLE is not set"] {
        assert!(message.contains(words), "{words} in {message}");
    }
    let is_missed = message.contains("GUARDRAILS_FILE is `guardrails.toml`");
    assert_eq!(is_missed, !does_without_guardrails, "{message}");
    assert!(ended.stderr.contains("REQUESTS_TABLE"));
}
