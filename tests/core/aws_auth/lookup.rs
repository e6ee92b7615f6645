//! What the authenticator would do with a principal, and why it would not.

use eks_access::aws_auth::{AwsAuth, Lookup, WhyNot};
use eks_access::principal::Principal;

use crate::{manifest, roles, section};

fn principal(arn: &str) -> Principal {
    arn.parse().unwrap()
}

/// The line of the row that lets it in, or why rows near it do not.
fn answer(auth: &AwsAuth, arn: &str) -> Result<usize, Vec<WhyNot>> {
    match auth.lookup(&principal(arn)) {
        Lookup::Mapped(row) => Ok(row.line),
        Lookup::Account => Ok(0),
        Lookup::NotMapped { near } => Err(near.iter().map(|near| near.why).collect()),
    }
}

const DEV: &str = "arn:aws:iam::111122223333:role/Dev";

#[test]
fn a_row_lets_in_whom_it_names_in_any_case_and_with_any_path_of_the_role() {
    let auth = roles("- rolearn: arn:aws:iam::111122223333:role/DEV");
    assert_eq!(answer(&auth, DEV), Ok(8));
    assert_eq!(
        answer(&auth, "arn:aws:iam::111122223333:role/team/Dev"),
        Ok(8)
    );
    assert_eq!(
        answer(&auth, "arn:aws:sts::111122223333:assumed-role/Dev/jo"),
        Ok(8)
    );
    // The mapper does not ask what kind of ARN a row holds.
    let auth = roles("- rolearn: arn:aws:iam::111122223333:user/team/jo");
    assert_eq!(
        answer(&auth, "arn:aws:iam::111122223333:user/team/jo"),
        Ok(8)
    );
}

#[test]
fn of_rows_with_one_arn_the_last_answers() {
    let auth = roles(&format!("- rolearn: {DEV}\n- rolearn: {DEV}"));
    assert_eq!(answer(&auth, DEV), Ok(9));
}

#[test]
fn an_account_lets_in_what_no_row_does() {
    let auth = AwsAuth::parse(&manifest(&section("mapAccounts", "- \"111122223333\""))).unwrap();
    assert_eq!(auth.lookup(&principal(DEV)), Lookup::Account);
    assert_eq!(
        answer(&auth, "arn:aws:iam::222233334444:role/Dev"),
        Err(vec![])
    );
}

#[test]
fn a_row_that_looks_right_is_named_with_its_mistake() {
    const SSO: &str = "arn:aws:iam::111122223333:role/AWSReservedSSO_Admin_0123456789abcdef";
    for (arn, who, why) in [
        (
            "arn:aws:iam::111122223333:role/team/a/Dev",
            DEV,
            WhyNot::KeepsPath,
        ),
        (
            "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Admin_0123456789abcdef",
            SSO,
            WhyNot::KeepsPath,
        ),
        (
            "arn:aws:iam::111122223333:role/AWSReservedSSO_Admin_fedcba9876543210",
            SSO,
            WhyNot::OtherSuffix,
        ),
        (
            "arn:aws:sts::111122223333:assumed-role/Dev/jo@example.com",
            DEV,
            WhyNot::NamesSession,
        ),
        (
            "arn:aws:iam::111122223333:instance-profile/Dev",
            DEV,
            WhyNot::NamesInstanceProfile,
        ),
        (
            "arn:aws:iam::222233334444:role/Dev",
            DEV,
            WhyNot::OtherAccount,
        ),
        ("arn:aws:iam::111122223333:user/Dev", DEV, WhyNot::OtherKind),
        (DEV, "arn:aws:iam::111122223333:user/Dev", WhyNot::OtherKind),
        ("arn:aws:iam::111122223333:role/*", DEV, WhyNot::Wildcard),
        ("arn:aws:iam::111122223333:role/D?v", DEV, WhyNot::Wildcard),
        (
            "arn:aws:iam::111122223333:role /Dev",
            DEV,
            WhyNot::Whitespace,
        ),
        (
            "\"arn:aws:iam::111122223333:role/Dev \"",
            DEV,
            WhyNot::Whitespace,
        ),
        (
            "\"arn:aws:iam::111122223333:role/De\u{200b}v\"",
            DEV,
            WhyNot::Whitespace,
        ),
        (
            "arn:aws:iam::111122223333:user/jo",
            "arn:aws:iam::111122223333:user/team/jo",
            WhyNot::OtherPath,
        ),
    ] {
        assert_eq!(
            answer(&roles(&format!("- rolearn: {arn}")), who),
            Err(vec![why]),
            "{arn}"
        );
    }
}

#[test]
fn rows_that_are_not_near_are_not_named() {
    for arn in [
        "arn:aws:iam::111122223333:role/Other",
        "arn:aws:iam::222233334444:role/Other",
        "arn:aws:iam::111122223333:role/team/Other",
        "arn:aws:iam::111122223333:role/AWSReservedSSO_Dev_0123456789abcdef",
        "arn:aws-cn:iam::111122223333:role/Dev",
        "arn:aws:iam::222233334444:user/Dev",
        "arn:aws:iam::111122223333:root",
        "arn:aws:iam::111122223333:role/Prod*",
        "words",
    ] {
        assert_eq!(
            answer(&roles(&format!("- rolearn: {arn}")), DEV),
            Err(vec![]),
            "{arn}"
        );
    }
}

#[test]
fn a_row_that_the_authenticator_does_not_have_is_named_with_the_reason() {
    let wrong_key = AwsAuth::parse(&manifest(&section(
        "maproles",
        &format!("- rolearn: {DEV}"),
    )))
    .unwrap();
    assert_eq!(answer(&wrong_key, DEV), Err(vec![WhyNot::WrongSectionKey]));
    let broken = roles(&format!("- rolearn: {DEV}\n  groups: [x"));
    assert_eq!(answer(&broken, DEV), Err(vec![WhyNot::LostInBrokenSection]));
    let under_users = AwsAuth::parse(&manifest(&section(
        "mapUsers",
        &format!("- rolearn: {DEV}"),
    )))
    .unwrap();
    assert_eq!(answer(&under_users, DEV), Err(vec![WhyNot::OtherKind]));
}

#[test]
fn the_plainest_mistakes_come_first_and_few_are_named() {
    let many: String = (0..30).fold(String::new(), |rows, i| {
        rows + &format!("- rolearn: arn:aws:iam::{:012}:role/Dev\n", i + 1)
    });
    let auth = roles(&format!(
        "{many}- rolearn: arn:aws:iam::111122223333:role/x/Dev"
    ));
    let near = answer(&auth, DEV).unwrap_err();
    assert_eq!((near.len(), near[0]), (8, WhyNot::KeepsPath));
}
