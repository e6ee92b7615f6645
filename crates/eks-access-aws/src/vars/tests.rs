use std::collections::BTreeSet;
use std::ffi::OsString;

use super::{Need, RESPONDER, Responder, Variable};

const TOPIC: &str = "arn:aws:sns:eu-west-1:111122223333:eks-access";

fn read(set: &[(&str, &str)]) -> Result<Responder, String> {
    let get = |name: &str| {
        set.iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| OsString::from(value))
    };
    Responder::read(get).map_err(|mistakes| mistakes.to_string())
}

#[test]
fn what_is_required_is_enough() {
    let read = read(&[("TOPIC_ARN", TOPIC), ("AWS_REGION", "eu-west-1")]).unwrap();
    assert_eq!(read.topic.to_string(), TOPIC);
    assert_eq!((read.max_notices, read.max_decoded_bytes), (50, 64 << 20));
    assert_eq!(read.namespace.as_str(), "EksAccessResponder");
    assert_eq!(read.own_accounts, BTreeSet::new());
}

#[test]
fn all_mistakes_are_told_at_once() {
    let set = [
        ("FACTS", "yes"),
        ("TABLE_NAME", "a/b"),
        ("MAX_NEW_PER_HOUR", "0"),
        ("WATCH_LOGINS", "yes"),
        ("SLACK_SECRET", "xoxb-1-2"),
        ("SLACK_CHANNEL", "#general"),
        ("SLACK_ROUTES", "{}"),
        ("SLACK_PEOPLE", "example"),
        ("SLACK_API_URL", "https://slack.example/api/"),
        ("MAX_NOTICES", "0"),
        ("MAX_DECODED_BYTES", "64MB"),
        ("OWN_ACCOUNTS", "111122223333,12"),
        ("REQUESTS_TABLE", "a"),
        ("METRICS_NAMESPACE", "AWS/Lambda"),
        ("AWS_REGION", "Ireland"),
    ];
    let told = read(&set).unwrap_err();
    // The guardrails are looked for only where there is a table for requests.
    let told_of = RESPONDER
        .iter()
        .filter(|variable| !variable.name.starts_with("GUARDRAILS"));
    assert_eq!(told.lines().count(), 1 + told_of.clone().count(), "{told}");
    for variable in told_of {
        assert!(
            told.contains(&format!("\n  {} is ", variable.name)),
            "{told}"
        );
    }
}

#[test]
fn a_secret_in_a_variable_is_not_repeated() {
    let set = [
        ("TOPIC_ARN", TOPIC),
        ("AWS_REGION", "eu-west-1"),
        ("SLACK_SECRET", "xoxb-1-2-abc"),
        ("SLACK_CHANNEL", "C0123456789"),
    ];
    let told = read(&set).unwrap_err();
    assert!(
        told.contains("replace it in Slack") && !told.contains("xoxb"),
        "{told}"
    );
}

#[test]
fn slack_needs_a_channel_and_a_webhook_takes_no_routes() {
    let base = [
        ("TOPIC_ARN", TOPIC),
        ("AWS_REGION", "eu-west-1"),
        ("SLACK_SECRET", "slack"),
    ];
    assert!(
        read(&base)
            .unwrap_err()
            .contains("SLACK_CHANNEL is not set and SLACK_SECRET is")
    );
    let routes = ("SLACK_ROUTES", r#"[{"channel": "C0123456789"}]"#);
    let webhook = ("SLACK_CHANNEL", "webhook");
    let with = |more: &[(&'static str, &'static str)]| read(&[&base[..], more].concat());
    assert!(
        with(&[routes, webhook])
            .unwrap_err()
            .contains("one channel only")
    );
    assert_eq!(with(&[webhook]).unwrap().slack.unwrap().routes, None);
    assert!(with(&[routes]).unwrap().slack.unwrap().routes.is_some());
    assert_eq!(read(&base[..2]).unwrap().slack, None);
}

#[test]
fn an_empty_variable_is_one_that_is_not_set() {
    let told = read(&[
        ("TOPIC_ARN", " "),
        ("MAX_NOTICES", ""),
        ("AWS_REGION", "eu-west-1"),
    ])
    .unwrap_err();
    assert!(
        told.starts_with("the configuration has a mistake:\n  TOPIC_ARN is not set; "),
        "{told}"
    );
}

#[test]
fn accounts_may_have_spaces_between() {
    let set = [
        ("TOPIC_ARN", TOPIC),
        ("AWS_REGION", "eu-west-1"),
        ("OWN_ACCOUNTS", "111122223333, 444455556666,"),
    ];
    assert_eq!(read(&set).unwrap().own_accounts.len(), 2);
}

#[test]
fn the_tables_hold_no_variable_twice_and_every_meaning_is_a_part_of_a_sentence() {
    let names: BTreeSet<_> = RESPONDER.iter().map(|variable| variable.name).collect();
    assert_eq!(names.len(), RESPONDER.len());
    for Variable {
        name,
        need,
        meaning,
    } in RESPONDER
    {
        assert!(!meaning.ends_with('.') && !meaning.contains('\n'), "{name}");
        assert!(*need != Need::Default(""), "{name}");
    }
}
