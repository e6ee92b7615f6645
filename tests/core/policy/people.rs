//! How many people said yes.

use eks_access::policy::{Approver, Refused};

use crate::world::{Asked, guardrails, in_groups, platform, session, slack, user};

const TWO: &str = r#"
version = 1

[[rule]]
name = "two"
clusters = ["prod"]
principals = ["arn:aws:iam::111122223333:role/dev/*"]
namespaces = ["shop"]
approvals = 2
[rule.approvers]
slack_groups = ["S0123456789"]
iam = [
  "arn:aws:iam::111122223333:role/Ops",
  "arn:aws:iam::111122223333:role/AWSReservedSSO_Platform_????????????????",
  "arn:aws:iam::111122223333:user/*",
]

[[person]]
name = "jane"
slack = ["U00000JANE", "W00000JANE"]
iam = ["arn:aws:iam::111122223333:role/AWSReservedSSO_*/jane", "arn:aws:iam::111122223333:user/jane"]

[[person]]
name = "max"
slack = ["U000000MAX"]

[[person]]
name = "kim"
iam = ["arn:aws:iam::111122223333:role/AWSReservedSSO_*/kim"]
"#;

fn of(user: &str) -> Approver {
    in_groups(user, &["S0123456789"])
}

fn decided(text: &str, approvers: &[Approver]) -> Result<String, Refused> {
    Asked::role("dev/joe").decided(&guardrails(text), approvers)
}

#[test]
fn two_yeses_of_one_human_are_one() {
    for approvers in [
        [of("U0000000001"), of("U0000000001")],
        // In another group by now.
        [
            of("U0000000001"),
            in_groups("U0000000001", &["S0123456789", "S0000000002"]),
        ],
        [platform("sam"), platform("sam")],
        // Whoever may assume the role chooses the session's name.
        [session("Ops", "sam"), session("Ops", "kim")],
        // One person, by the map of people.
        [of("U00000JANE"), platform("jane")],
        [of("U00000JANE"), of("W00000JANE")],
        [user("jane"), platform("jane")],
        // Nobody knows them, and they may be one human by both ways.
        [of("U0000000001"), platform("sam")],
        [of("U0000000001"), session("Ops", "x")],
        // One is known by one way only, and may be whom nobody knows.
        [of("U000000MAX"), platform("sam")],
        [of("U0000000001"), platform("kim")],
    ] {
        assert_eq!(
            decided(TWO, &approvers),
            Err(Refused::NeedsMore(1)),
            "{approvers:?}"
        );
        let [one, other] = &approvers;
        assert!(
            !guardrails(TWO).are_different_people(one, other),
            "{approvers:?}"
        );
    }
}

#[test]
fn two_humans_are_two() {
    for approvers in [
        [of("U0000000001"), of("U0000000002")],
        [platform("sam"), platform("ann")],
        [of("U00000JANE"), platform("sam")],
        [of("U0000000001"), platform("jane")],
        [of("U000000MAX"), platform("kim")],
        [of("U000000MAX"), of("U0000000001")],
        [user("sam"), user("ann")],
    ] {
        assert_eq!(
            decided(TWO, &approvers),
            Ok("two".to_owned()),
            "{approvers:?}"
        );
        let [one, other] = &approvers;
        assert!(
            guardrails(TWO).are_different_people(one, other),
            "{approvers:?}"
        );
    }
}

#[test]
fn what_is_missing_is_counted() {
    let many = |number: usize| TWO.replace("approvals = 2", &format!("approvals = {number}"));
    assert_eq!(decided(&many(3), &[]), Err(Refused::NeedsMore(3)));
    let two_by_each_way = [
        of("U0000000001"),
        of("U0000000002"),
        platform("sam"),
        platform("ann"),
    ];
    assert_eq!(decided(&many(2), &two_by_each_way), Ok("two".to_owned()));
    assert_eq!(
        decided(&many(3), &two_by_each_way),
        Err(Refused::NeedsMore(1))
    );
    let with_jane: Vec<Approver> = two_by_each_way
        .into_iter()
        .chain([of("U00000JANE")])
        .collect();
    assert_eq!(decided(&many(3), &with_jane), Ok("two".to_owned()));
    // Max and Kim are two, and the one whom nobody knows is one of them at worst.
    let known = [of("U000000MAX"), platform("kim"), platform("sam")];
    assert_eq!(decided(&many(3), &known), Err(Refused::NeedsMore(1)));
    assert_eq!(decided(&many(2), &known), Ok("two".to_owned()));
}

#[test]
fn the_rule_that_needs_fewest_is_enough() {
    let easier = TWO.replacen(
        "[[person]]",
        r#"[[rule]]
name = "one"
clusters = ["prod"]
principals = ["arn:aws:iam::111122223333:role/dev/*"]
namespaces = ["shop"]
approvers.slack_users = ["U0000000009"]

[[person]]"#,
        1,
    );
    assert_eq!(
        decided(&easier, &[slack("U0000000009")]),
        Ok("one".to_owned())
    );
    assert_eq!(
        decided(&easier, &[platform("sam")]),
        Err(Refused::NeedsMore(1))
    );
    // Who may say yes by the one rule is no approver of the other.
    assert_eq!(
        decided(&easier, &[platform("sam"), slack("U0000000009")]),
        Ok("one".to_owned())
    );
}
