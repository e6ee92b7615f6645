//! A function that decides or grants does not start with guardrails that have mistakes.

use fakes::process::Function;

/// The function whose package this test is built for.
const BINARY: &str = match (
    option_env!("CARGO_BIN_EXE_approver"),
    option_env!("CARGO_BIN_EXE_granter"),
) {
    (Some(approver), _) => approver,
    (None, Some(granter)) => granter,
    (None, None) => "",
};

#[test]
fn mistakes_in_the_guardrails_are_told_with_their_lines() {
    let file = std::env::temp_dir().join(format!("guardrails-{}.toml", std::process::id()));
    std::fs::write(
        &file,
        "version = 1\n[[rule]]\nname = \"r\"\nnamespaces = [\"*\"]\n",
    )
    .ok();
    let path = file.display().to_string();
    let ended = Function::start(
        BINARY,
        &[
            ("GUARDRAILS_FILE", path.as_str()),
            ("AWS_REGION", "eu-west-1"),
        ],
    )
    .ended();
    let (_, message) = ended.init_error.unwrap_or_default();
    for words in [
        "line 4: rule `r`, `namespaces`: `*`",
        "name at least one cluster",
        "nobody may say yes",
    ] {
        assert!(message.contains(words), "{words} in {message}");
    }
    std::fs::remove_file(&file).ok();
}
