use crate::catalogue::{Case, Cause, Example, Page, Tier, by_symptom};
use crate::remedy::{Command, Remedy, Tool};
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "clock-skew",
    title: "clock too far off",
    summary: "The time in your token's signature is too far from AWS's time; your clock is wrong, or the token is old.",
    tier: Tier::General,
    symptoms: &[Symptom::StsClockSkew],
    actor: Actor::Caller,
    severity: Severity::Medium,
    page: Page {
        what_happened: "\
AWS found the signature too old or not valid yet: `Signature expired` or `Signature not yet current`. The clock of the
machine that made the token is wrong by more than some minutes, or the token is used long after it was made.",
        why: "\
Most likely first:

1. The machine's clock is off: a virtual machine or laptop after sleep, a container host without time service.
2. A token or signed request is kept and used later.",
        how_to_be_sure: "\
Compare your clock with AWS's as below. More than five minutes apart is too much. `Signature not yet current` means
that your clock is fast.",
        what_to_do: "\
Set the clock by a time service, then make a new token. On EC2, the time service is at 169.254.169.123. In WSL and
virtual machines, restart after sleep or synchronise with the host.",
        if_it_comes_back: "\
Run a time service (chrony, systemd-timesyncd, W32Time) wherever tokens are made, and alarm on drift.",
    },
    perhaps: &["token-expired", "signature-mismatch"],
    claim: by_symptom,
    remedies,
    examples: &[Example { line: r#"time="2026-03-03T08:09:57Z" level=warning msg="access denied" client="127.0.0.1:50288" error="sts getCallerIdentity failed: error from AWS (expected 200, got 403) on eu-west-1 endpoint. Body: {\"Error\":{\"Code\":\"SignatureDoesNotMatch\",\"Message\":\"Signature expired: 20260302T080012Z is now earlier than 20260302T082501Z (20260302T084001Z - 15 min.)\",\"Type\":\"Sender\"},\"RequestId\":\"0d3f1a52-7c44-4f0e-9a1b-5be2c1d7e604\"}" method=POST path=/authenticate"#, symptom: Symptom::StsClockSkew }, Example { line: r#"time="2026-03-03T15:22:26Z" level=warning msg="access denied" client="127.0.0.1:50606" error="sts getCallerIdentity failed: error from AWS (expected 200, got 403) on eu-west-1 endpoint. Body: {\"Error\":{\"Code\":\"SignatureDoesNotMatch\",\"Message\":\"Signature not yet current: 20260302T091500Z is still later than 20260302T085501Z (20260302T085001Z + 5 min.)\",\"Type\":\"Sender\"},\"RequestId\":\"0d3f1a52-7c44-4f0e-9a1b-5be2c1d7e604\"}" method=POST path=/authenticate"#, symptom: Symptom::StsClockSkew },],
};

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    let host = format!("https://{}", steps::sts_host(case));
    vec![
        Remedy::new(Actor::Caller, "Compare your clock with AWS's")
            .command(Tool::Shell, Command::new("date -u"))
            .command(Tool::Shell, Command::new("curl --silent --head").arg(&host).then("| grep -i ^date")),
        Remedy::new(Actor::Caller, "Turn the time service on").command(Tool::Shell, Command::new("sudo timedatectl set-ntp true")),
        steps::token_and_clock(case),
    ]
}
