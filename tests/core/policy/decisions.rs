//! Whose yes counts.

use eks_access::policy::{AccessPolicy, Door, Refused};

use crate::world::{Asked, HOUR, guardrails, in_groups, platform, session, slack, user};

const RULES: &str = r#"
version = 1

[[rule]]
name = "look"
clusters = ["prod"]
principals = ["arn:aws:iam::111122223333:role/dev/*", "arn:aws:iam::111122223333:user/*"]
users = true
permission_sets = ["Platform"]
accounts = ["111122223333"]
namespaces = ["shop"]
[rule.approvers]
slack_users = ["U0123456789", "U00000JANE"]
slack_groups = ["S0123456789"]
iam = [
  "arn:aws:iam::111122223333:role/Ops",
  "arn:aws:iam::111122223333:role/AWSReservedSSO_Platform_????????????????",
  "arn:aws:iam::111122223333:user/people/*",
]

[[rule]]
name = "change"
clusters = ["prod"]
principals = ["arn:aws:iam::111122223333:role/dev/*"]
policies = ["AmazonEKSEditPolicy"]
edit_reads_secrets_and_runs_commands = true
namespaces = ["shop"]
channels = ["iam"]
[rule.approvers]
slack_users = ["U0123456789"]
iam = ["arn:aws:iam::111122223333:role/AWSReservedSSO_Platform_????????????????/sam"]

[[rule]]
name = "click"
clusters = ["staging"]
principals = ["arn:aws:iam::111122223333:role/dev/*"]
namespaces = ["shop"]
channels = ["slack"]
[rule.approvers]
slack_users = ["U0123456789"]
iam = ["arn:aws:iam::111122223333:role/Ops"]

[[person]]
name = "jane"
slack = ["U00000JANE"]
iam = ["arn:aws:iam::111122223333:role/AWSReservedSSO_Platform_????????????????/jane"]
sessions = ["jane"]
principals = ["arn:aws:iam::111122223333:role/dev/jane"]

[break_glass]
callers = ["arn:aws:iam::111122223333:role/AWSReservedSSO_Platform_????????????????"]
clusters = ["prod"]
principals = ["arn:aws:iam::111122223333:role/on-call/*"]
namespaces = ["shop"]
max_duration = "30m"
review_within = "2h"

[[deny]]
name = "not max"
principals = ["arn:aws:iam::111122223333:role/on-call/max"]
"#;

#[test]
fn who_is_named_by_id_group_role_session_or_user_may_say_yes_and_nobody_else() {
    let guardrails = guardrails(RULES);
    let joe = Asked::role("dev/joe");
    for approver in [
        slack("U0123456789"),
        in_groups("U0000000001", &["S0000000000", "S0123456789"]),
        session("Ops", "whatever"),
        platform("sam"),
        user("people/ann"),
    ] {
        assert_eq!(joe.decided(&guardrails, &[approver]), Ok("look".to_owned()));
    }
    for approver in [
        slack("U0000000001"),
        slack("u0123456789"),
        in_groups("U0000000001", &["S0000000000"]),
        session("ops", "x"),
        session("Ops2", "x"),
        session("AWSReservedSSO_Platform_Admin_0123456789abcdef", "sam"),
        user("ann"),
        user("Ops"),
    ] {
        assert_eq!(
            joe.decided(&guardrails, std::slice::from_ref(&approver)),
            Err(Refused::NotAnApprover),
            "{approver:?}"
        );
        assert_eq!(
            guardrails.may_decide(&joe.ask(), &approver),
            Err(Refused::NotAnApprover)
        );
    }
    assert_eq!(joe.decided(&guardrails, &[]), Err(Refused::NeedsMore(1)));
}

#[test]
fn one_yes_that_does_not_count_spoils_all() {
    let guardrails = guardrails(RULES);
    let approvers = [slack("U0123456789"), slack("U0000000001")];
    let decided = Asked::role("dev/joe").decided(&guardrails, &approvers);
    assert_eq!(decided, Err(Refused::NotAnApprover));
}

#[test]
fn a_yes_that_came_by_the_wrong_way_is_told_as_that() {
    let guardrails = guardrails(RULES);
    let edit = Asked::role("dev/joe").policy(AccessPolicy::Edit);
    assert_eq!(
        edit.decided(&guardrails, &[slack("U0123456789")]),
        Err(Refused::WrongDoor(Door::Slack))
    );
    assert_eq!(
        edit.decided(&guardrails, &[slack("U0000000001")]),
        Err(Refused::NotAnApprover)
    );
    assert_eq!(
        edit.decided(&guardrails, &[platform("sam")]),
        Ok("change".to_owned())
    );
    let staging = Asked::role("dev/joe").in_cluster("staging");
    assert_eq!(
        staging.decided(&guardrails, &[session("Ops", "x")]),
        Err(Refused::WrongDoor(Door::Iam))
    );
    assert_eq!(
        staging.decided(&guardrails, &[slack("U0123456789")]),
        Ok("click".to_owned())
    );
}

#[test]
fn a_session_is_believed_of_identity_center_only() {
    let guardrails = guardrails(RULES);
    let edit = Asked::role("dev/joe").policy(AccessPolicy::Edit);
    for approver in [
        platform("kim"),
        session("Ops", "sam"),
        session("Platform", "sam"),
    ] {
        assert_eq!(
            edit.decided(&guardrails, &[approver]),
            Err(Refused::NotAnApprover)
        );
    }
}

#[test]
fn nobody_says_yes_to_their_own_request() {
    let guardrails = guardrails(RULES);
    let (in_slack, through_aws) = (slack("U00000JANE"), platform("jane"));
    let home = "aws-reserved/sso.amazonaws.com";
    for (asked, approver) in [
        // Theirs by the map of people.
        (Asked::role("dev/jane"), in_slack.clone()),
        (Asked::role("dev/jane"), through_aws.clone()),
        // A session of theirs was refused.
        (
            Asked::role("dev/shared").in_session("jane"),
            in_slack.clone(),
        ),
        (
            Asked::role("dev/shared").in_session("jane"),
            through_aws.clone(),
        ),
        // What they call as, be it somebody else's session of it.
        (
            Asked::role(&format!("{home}/AWSReservedSSO_Platform_0123456789abcdef")),
            platform("sam"),
        ),
        (
            Asked::by("arn:aws:iam::111122223333:user/people/ann"),
            user("people/ann"),
        ),
    ] {
        assert_eq!(
            asked.decided(&guardrails, std::slice::from_ref(&approver)),
            Err(Refused::OwnRequest),
            "{asked:?} {approver:?}"
        );
        assert!(guardrails.is_own(&asked.ask(), &approver));
        assert_eq!(
            guardrails.may_decide(&asked.ask(), &approver),
            Err(Refused::OwnRequest)
        );
    }
    for (asked, approver) in [
        (Asked::role("dev/joe"), in_slack),
        (Asked::role("dev/shared").in_session("joe"), through_aws),
        (
            Asked::by("arn:aws:iam::111122223333:user/people/joe"),
            user("people/ann"),
        ),
        (Asked::role("dev/jane"), slack("U0123456789")),
    ] {
        assert_eq!(
            asked.decided(&guardrails, std::slice::from_ref(&approver)),
            Ok("look".to_owned()),
            "{asked:?} {approver:?}"
        );
    }
}

#[test]
fn the_glass_is_broken_by_whom_the_file_names_and_within_its_reach() {
    let guardrails = guardrails(RULES);
    let on_call = || Asked::role("on-call/ann").seconds(HOUR / 2);
    assert_eq!(on_call().glass(&guardrails, &platform("ann")), Ok(2 * HOUR));
    for (asked, caller, expected) in [
        (on_call(), session("Ops", "ann"), Refused::NotAnApprover),
        (on_call(), user("people/ann"), Refused::NotAnApprover),
        (on_call(), slack("U0123456789"), Refused::NotAnApprover),
        (
            on_call().in_cluster("staging"),
            platform("ann"),
            Refused::NotOffered,
        ),
        (Asked::role("dev/joe"), platform("ann"), Refused::NotOffered),
        (
            on_call().seconds(HOUR),
            platform("ann"),
            Refused::TooMuch("more than 30 min here".to_owned()),
        ),
        (
            on_call().namespaces(&["web"]),
            platform("ann"),
            Refused::TooMuch("the namespace `web` here".to_owned()),
        ),
        (
            on_call().policy(AccessPolicy::Edit),
            platform("ann"),
            Refused::TooMuch("AmazonEKSEditPolicy here".to_owned()),
        ),
        (
            Asked::role("on-call/max").seconds(60),
            platform("ann"),
            Refused::Denied("not max".to_owned()),
        ),
    ] {
        assert_eq!(
            asked.glass(&guardrails, &caller),
            Err(expected),
            "{asked:?}"
        );
    }
    // It is a path of its own: nobody's yes opens it to whom no rule means.
    assert_eq!(
        on_call().decided(&guardrails, &[platform("ann")]),
        Err(Refused::NotOffered)
    );
    assert_eq!(
        guardrails.may_decide(&on_call().ask(), &platform("ann")),
        Err(Refused::NotOffered)
    );
}

#[test]
fn a_case_expects_what_the_functions_would_say() {
    let case = |more: &str, expect: &str| {
        let text = format!(
            "{RULES}\n[[case]]\nname = \"x\"\ncluster = \"prod\"\nprincipal = \"arn:aws:iam::111122223333:role/{more}\n\
             expect = \"{expect}\"\n"
        );
        let guardrails = guardrails(&text);
        guardrails.cases()[0].run(&guardrails)
    };
    let shop = "namespaces = [\"shop\"]";
    let slack = "approver = [{ slack = \"U0123456789\" }]";
    for (more, expect) in [
        ("dev/joe\"".to_owned(), "offered"),
        (format!("dev/joe\"\n{shop}"), "offered"),
        (format!("dev/joe\"\n{shop}\n{slack}"), "granted"),
        (
            format!(
                "dev/joe\"\n{shop}\nduration = \"1h\"\napprover = [{{ slack = \"U1\", groups = [\"S0123456789\"] }}]"
            ),
            "granted",
        ),
        (
            format!("dev/joe\"\naccount = \"444455556666\"\n{shop}"),
            "never",
        ),
        (
            "on-call/max\"\nnamespaces = [\"shop\"]".to_owned(),
            "denied",
        ),
        ("stranger\"".to_owned(), "not-offered"),
        ("dev/joe\"\nnamespaces = [\"web\"]".to_owned(), "too-much"),
        (format!("dev/joe\"\n{shop}\nduration = \"5h\""), "too-much"),
        (
            format!("dev/joe\"\n{shop}\napprover = [{{ slack = \"U1\" }}]"),
            "not-an-approver",
        ),
        (
            format!("dev/joe\"\npolicy = \"AmazonEKSEditPolicy\"\n{shop}\n{slack}"),
            "wrong-channel",
        ),
        (
            format!(
                "dev/x\"\nsession = \"jane\"\n{shop}\napprover = [{{ iam = \
                 \"arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Platform_0123456789abcdef/jane\" }}]"
            ),
            "own-request",
        ),
        (
            format!(
                "on-call/ann\"\n{shop}\nduration = \"30m\"\nbreak_glass = true\napprover = [{{ iam = \
                 \"arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Platform_0123456789abcdef/ann\" }}]"
            ),
            "granted",
        ),
    ] {
        assert_eq!(case(&more, expect), Ok(()), "{more}");
    }
    let failed = case("stranger\"", "offered").unwrap_err();
    assert_eq!(
        (failed.expected.as_str(), failed.came.as_str()),
        ("offered", "not-offered")
    );
    assert!(
        failed
            .to_string()
            .starts_with("expected `offered`, and it is `not-offered`: no rule"),
        "{failed}"
    );
}

#[test]
fn every_refusal_has_a_name_of_its_own_that_a_case_can_expect() {
    let all = [
        Refused::Never("x"),
        Refused::Denied(String::new()),
        Refused::NotOffered,
        Refused::TooMuch(String::new()),
        Refused::NotAnApprover,
        Refused::WrongDoor(Door::Iam),
        Refused::OwnRequest,
        Refused::NeedsMore(2),
    ];
    assert_eq!(all.map(|refused| refused.slug()), Refused::SLUGS);
    for slug in Refused::SLUGS {
        assert!(
            eks_access::policy::Case::EXPECTATIONS.contains(&slug),
            "{slug}"
        );
    }
}
