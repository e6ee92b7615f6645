use std::collections::BTreeMap;

use super::{Environment, Profiles, Situation, Source};
use crate::kubeconfig::Program;

const CONFIG: &str = "[default]\nregion = eu-west-1\n[profile work]\nsso_start_url = https://x\nsso_account_id = 1\n\
    sso_role_name = Dev\n[profile role]\nrole_arn = arn:aws:iam::111122223333:role/R\nsource_profile = work\n[profile empty]\nregion=x\n";

type Variables<'a> = &'a [(&'a str, &'a str)];

fn owned(variables: Variables<'_>) -> Vec<(String, String)> {
    variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// What wins, and what is ignored with the reasons.
fn asked(
    program: Program,
    named: Option<&str>,
    shell: Variables<'_>,
    kubeconfig: Variables<'_>,
) -> (Option<Source>, Vec<String>) {
    let shell: BTreeMap<String, String> = owned(shell).into_iter().collect();
    let environment = Environment::new(&shell, &owned(kubeconfig));
    let profiles = Profiles::read(CONFIG, "");
    let situation = Situation {
        program,
        named,
        environment: &environment,
        profiles: &profiles,
    };
    let mut candidates = situation.candidates().into_iter();
    let first = candidates.next().map(|winner| {
        assert_eq!(winner.ignored, None);
        winner.source
    });
    let rest = candidates
        .map(|other| format!("{}: {}", other.source.slug(), other.ignored.unwrap()))
        .collect();
    (first, rest)
}

const KEYS: [(&str, &str); 2] = [
    ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
    ("AWS_SECRET_ACCESS_KEY", "s3cr3t"),
];
const TOKEN: [(&str, &str); 2] = [
    ("AWS_WEB_IDENTITY_TOKEN_FILE", "/token"),
    ("AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/Pod"),
];

fn profile(name: &str) -> Source {
    Source::Profile(name.to_owned())
}

#[test]
fn keys_of_the_shell_beat_aws_profile_but_not_a_profile_on_the_command_line() {
    let shell = [&KEYS[..], &[("AWS_PROFILE", "work")]].concat();
    assert_eq!(
        asked(Program::AwsCli, None, &shell, &[]),
        (
            Some(Source::Keys),
            vec!["profile: keys in the environment count more".to_owned()]
        )
    );
    assert_eq!(
        asked(Program::AwsCli, Some("role"), &shell, &[]),
        (
            Some(profile("role")),
            vec![
                "environment-keys: a profile that is named on the command line counts more"
                    .to_owned(),
                "profile: a profile that is named on the command line counts more".to_owned()
            ]
        )
    );
    assert_eq!(
        asked(Program::AwsCli, None, &[], &shell).0,
        Some(Source::Keys)
    );
}

#[test]
fn what_the_kubeconfig_sets_hides_the_shell_s() {
    let (winner, ignored) = asked(
        Program::AwsCli,
        None,
        &[("AWS_PROFILE", "role")],
        &[("AWS_PROFILE", "work")],
    );
    assert_eq!(winner, Some(profile("work")));
    assert_eq!(
        ignored,
        ["profile: the kubeconfig sets the same variable for the program"]
    );
    let (winner, ignored) = asked(
        Program::AwsCli,
        None,
        &KEYS,
        &[("AWS_ACCESS_KEY_ID", ""), ("AWS_PROFILE", "work")],
    );
    assert_eq!(winner, Some(profile("work")));
    assert_eq!(
        ignored,
        ["environment-keys: the kubeconfig sets the same variable for the program"]
    );
}

#[test]
fn a_web_identity_token_stands_between_a_role_and_other_profiles() {
    let with = |name| [&TOKEN[..], &[("AWS_PROFILE", name)]].concat();
    assert_eq!(
        asked(Program::AwsCli, None, &with("role"), &[]).0,
        Some(profile("role"))
    );
    assert_eq!(
        asked(Program::AwsCli, None, &with("work"), &[]).0,
        Some(Source::WebIdentity)
    );
    assert_eq!(
        asked(Program::Authenticator, None, &with("role"), &[]).0,
        Some(Source::WebIdentity),
        "the SDK for Go asks the environment first"
    );
}

#[test]
fn a_profile_that_does_not_exist_stops_the_aws_cli_whatever_else_there_is() {
    let shell = [&KEYS[..], &[("AWS_PROFILE", "gone")]].concat();
    assert_eq!(
        asked(Program::AwsCli, None, &shell, &[]).0,
        Some(profile("gone"))
    );
    assert_eq!(
        asked(Program::Authenticator, None, &shell, &[]).0,
        Some(Source::Keys)
    );
}

#[test]
fn of_two_variables_that_name_profiles_one_counts() {
    let shell = [("AWS_DEFAULT_PROFILE", "role"), ("AWS_PROFILE", "work")];
    let (winner, ignored) = asked(Program::AwsCli, None, &shell, &[]);
    assert_eq!(winner, Some(profile("work")));
    assert_eq!(ignored.len(), 1);
    assert!(ignored[0].contains("version 1"), "{ignored:?}");
    assert_eq!(
        asked(Program::AwsCli, None, &shell[..1], &[]).0,
        Some(profile("role"))
    );
}

#[test]
fn machines_have_roles_of_their_own() {
    let container = [(
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "http://169.254.170.23/v1",
    )];
    assert_eq!(
        asked(Program::AwsCli, None, &container, &[]).0,
        Some(Source::Container)
    );
    assert_eq!(
        asked(Program::AwsCli, None, &[], &[]).0,
        Some(Source::Instance)
    );
    let off = [("AWS_EC2_METADATA_DISABLED", "true")];
    assert_eq!(asked(Program::AwsCli, None, &off, &[]), (None, Vec::new()));
    let empty = [("AWS_PROFILE", "empty"), off[0]];
    assert_eq!(asked(Program::AwsCli, None, &empty, &[]).0, None);
}
