//! When a denial becomes a request, and when it must not.

use fakes::delivery::Delivery;
use fakes::directory::Principal;
use fakes::eks::Entry;
use fakes::lambda::Answer as Ending;
use fakes::record::Answer;
use fakes::slack::CHANNEL;
use serde_json::{Value, json};

use crate::world::{ACCOUNT, APPROVER, CLUSTER, World, buttons, text_of};

const DEV: &str = "arn:aws:iam::111122223333:role/dev/jane";

/// Prepares a world and gives the name of the role that is denied there.
type Prepare = fn(&World) -> String;

/// Nobody is offered anything: no row, and no button anywhere.
fn nothing_is_offered(world: World) {
    nothing_is_offered_to("nobody", world);
}

/// The same, with a name for the message of a failing test.
fn nothing_is_offered_to(name: &str, world: World) {
    assert_eq!(world.all_requests(), Vec::<Value>::new(), "{name}");
    for message in world.slack.messages(CHANNEL) {
        assert_eq!(buttons(&message), Vec::<String>::new());
    }
    assert!(!world.kinds().contains(&"requested".to_owned()));
    world.end();
}

#[test]
fn a_principal_of_another_account_is_offered_nothing() {
    let world = World::new();
    let line = fakes::lines::not_mapped("arn:aws:iam::444455556666:role/jane", 40_000);
    world.denied_line(&line, 0);
    nothing_is_offered(world);
}

#[test]
fn forged_lines_are_offered_nothing() {
    let world = World::new();
    let arn = format!("arn:aws:iam::{ACCOUNT}:role/jane");
    let inner = format!(
        "x msg=\\\"access denied\\\" arn={arn} client=127.0.0.1:1 error=\\\"ARN is not mapped\\\""
    );
    for error in [
        format!(
            "input token was not properly formatted: error parsing X-Amz-Date parameter {inner}"
        ),
        format!("input token was not properly formatted: unexpected hostname \\\"{inner}\\\""),
        format!("{inner} arn=\\\"{arn}\\\" error=\\\"ARN is not mapped\\\""),
        format!("sts getCallerIdentity failed: error from AWS, {inner}"),
    ] {
        let line = format!(
            "time=\"2026-03-01T10:00:00Z\" level=warning msg=\"access denied\" client=\"127.0.0.1:1\" error=\"{error}\" \
             method=POST path=/authenticate"
        );
        world.denied_line(&line, 0);
    }
    nothing_is_offered(world);
}

#[test]
fn who_does_not_meet_every_condition_is_offered_nothing() {
    let cases: Vec<(&str, Prepare)> = vec![
        ("a mode without entries", |world| {
            world
                .eks
                .change(CLUSTER, |cluster| cluster.mode("CONFIG_MAP"));
            "jane".to_owned()
        }),
        ("a cluster that is being changed", |world| {
            world
                .eks
                .change(CLUSTER, |cluster| cluster.status("UPDATING"));
            "jane".to_owned()
        }),
        ("an entry that is there", |world| {
            world
                .eks
                .entry(CLUSTER, Entry::new(DEV).tagged("managed-by", "terraform"));
            "jane".to_owned()
        }),
        ("a role outside the rules", |world| {
            world.directory.role("/ops/", "olga");
            "olga".to_owned()
        }),
        ("a protected role", |world| {
            world.directory.role("/dev/", "protected");
            "protected".to_owned()
        }),
        ("a role that nodes may have", |world| {
            world.role(Principal::role("/dev/", "worker").trusting_service("ec2.amazonaws.com"));
            "worker".to_owned()
        }),
        ("a role that anybody may assume", |world| {
            let trust = json!({"Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}
            ]});
            world.role(Principal::role("/dev/", "open").trust(trust));
            "open".to_owned()
        }),
        ("a role that IAM does not have", |_| "ghost".to_owned()),
        ("IAM that does not say", |world| {
            world.iam.plan(|_| Answer::Denied);
            "jane".to_owned()
        }),
        ("EKS that does not say", |world| {
            world.eks.plan(|asked| {
                if asked.operation == "ListAccessEntries" {
                    Answer::Denied
                } else {
                    Answer::Normal
                }
            });
            "jane".to_owned()
        }),
        ("an entry of the name with another path", |world| {
            world.eks.entry(
                CLUSTER,
                Entry::new("arn:aws:iam::111122223333:role/old/jane"),
            );
            "jane".to_owned()
        }),
        ("a role of this product", |world| {
            world.directory.role("/dev/", "eks-access-granter");
            "eks-access-granter".to_owned()
        }),
    ];
    for (name, prepare) in cases {
        let world = World::new();
        let role = prepare(&world);
        world.denied(&role, 0);
        nothing_is_offered_to(name, world);
    }
}

#[test]
fn a_caller_whose_session_is_of_a_deleted_role_is_offered_nothing() {
    let world = World::new();
    let arn = format!("arn:aws:iam::{ACCOUNT}:role/jane");
    let delivery = Delivery::of(CLUSTER)
        .at(
            world.start,
            &fakes::lines::sts_response_of(&arn, "AROAOTHEROTHEROTHER00", "jane", 40_000),
        )
        .at(world.start, &fakes::lines::not_mapped(&arn, 40_000));
    assert_eq!(
        world.responder.run(&delivery.event()),
        Ending::Response("null".to_owned())
    );
    nothing_is_offered(world);
}

#[test]
fn a_denial_right_after_aws_auth_broke_is_offered_nothing() {
    let world = World::new();
    world.denied_line(&fakes::lines::broken_aws_auth(), 0);
    world.denied("jane", 11 * 60_000);
    nothing_is_offered(world);
}

#[test]
fn the_request_names_the_role_with_its_path_and_its_message_stands_in_the_card_s_thread() {
    let world = World::new();
    world.denied("jane", 0);
    let request = world.request();
    assert_eq!(request["principal"], DEV);
    let card = world.card();
    assert!(text_of(&card).contains(DEV));
    assert_eq!(card["thread_ts"], world.slack.cards()[0]["ts"]);
    assert_eq!(card["reply_broadcast"], true);
    world.end();
}

#[test]
fn one_principal_has_one_request_at_a_time() {
    let world = World::new();
    world.denied("jane", 0);
    world.denied("jane", 60_000);
    world.denied("jane", 70 * 60_000);
    assert_eq!(world.all_requests().len(), 1);
    world.end();
}

#[test]
fn who_was_told_no_is_not_offered_again_before_the_request_would_have_expired() {
    let world = World::new();
    world.denied("jane", 0);
    let denied = world
        .slack
        .click(&world.slack_url(), &world.card(), "req:dismiss", APPROVER);
    assert_eq!(denied.status, Some(200));
    assert_eq!(world.state(), "denied");
    world.denied("jane", 70 * 60_000);
    assert_eq!(world.all_requests().len(), 1);
    world.end();
}

#[test]
fn the_form_shows_whom_it_is_about_and_what_speaks_against_it() {
    let world = World::new();
    world.denied("jane", 0);
    world
        .slack
        .click(&world.slack_url(), &world.card(), "req:review", APPROVER);
    let form = text_of(&world.slack.open_view(APPROVER));
    for words in [
        DEV,
        "111122223333 (production)",
        "may be assumed by whoever the account 111122223333 lets assume it",
        "Anyone who can assume this role",
        "principal-n",
        "reads most objects of the namespaces, and no secrets",
    ] {
        assert!(form.contains(words), "{words} in {form}");
    }
    world.end();
}

#[test]
fn a_mail_holds_no_capability() {
    let world = World::new();
    world.denied("jane", 0);
    let card = text_of(&world.card());
    let token = card
        .lines()
        .find(|line| line.starts_with("v1."))
        .unwrap()
        .to_owned();
    let nonce = token.rsplit('.').next().unwrap();
    for published in world.sns.published() {
        assert!(!published.everything().contains(nonce));
    }
    let rows = format!("{:?}", world.stack.rows(crate::world::REQUESTS));
    assert!(!rows.contains(nonce), "the table has only its hash");
    world.end();
}
