//! Which cause claims which case.

use std::collections::BTreeSet;

use eks_access::catalogue::{CAUSES, Case, Claim, Tier, judge};
use eks_access::example::worlds;
use eks_access::principal::Principal;
use eks_access::symptom::Symptom;

use crate::cases::{CASES, OWN, QUIET, of_account, plain};

#[test]
fn every_symptom_but_the_quiet_ones_has_exactly_one_general_cause() {
    for &symptom in Symptom::ALL {
        let general: Vec<&str> = CAUSES
            .iter()
            .filter(|cause| cause.tier == Tier::General && cause.symptoms.contains(&symptom))
            .map(|cause| cause.id)
            .collect();
        let expected = usize::from(!QUIET.contains(&symptom));
        assert_eq!(
            general.len(),
            expected,
            "{symptom} has the general causes {general:?}"
        );
    }
}

#[test]
fn no_two_causes_of_one_tier_claim_the_same_case() {
    for case in &*CASES {
        for tier in [Tier::Specific, Tier::General] {
            let claiming: Vec<&str> = CAUSES
                .iter()
                .filter(|cause| cause.tier == tier && cause.symptoms.contains(&case.symptom))
                .filter(|cause| (cause.claim)(case) == Claim::Yes)
                .map(|cause| cause.id)
                .collect();
            assert!(claiming.len() <= 1, "{claiming:?} all claim {case:?}");
        }
    }
}

#[test]
fn every_case_of_a_denial_is_claimed_and_no_quiet_line_is() {
    for case in &*CASES {
        let claimed = judge(case).cause.is_some();
        assert_eq!(claimed, !QUIET.contains(&case.symptom), "{case:?}");
    }
}

#[test]
fn every_specific_cause_claims_some_case() {
    let mut claimed = BTreeSet::new();
    for case in &*CASES {
        claimed.extend(judge(case).cause.map(|cause| cause.id));
    }
    claimed.extend(worlds().iter().map(|world| world.cause));
    for cause in CAUSES {
        assert!(
            claimed.contains(cause.id),
            "nothing is ever diagnosed as {}",
            cause.id
        );
    }
}

#[test]
fn a_foreign_principal_is_only_called_foreign_when_the_clusters_account_is_known() {
    let principal: Principal = "arn:aws:iam::444455556666:role/DevRole".parse().unwrap();
    let of = |account: Option<&str>| {
        let cluster = of_account(account);
        let judgement = judge(&plain(Symptom::NotMapped, Some(&principal), &cluster));
        (
            judgement.cause.unwrap().id,
            judgement
                .perhaps
                .iter()
                .find(|possibility| possibility.cause.id == "foreign-account-principal")
                .and_then(|possibility| possibility.fact.map(|fact| (possibility.cause.id, fact))),
        )
    };
    assert_eq!(of(Some(OWN)), ("foreign-account-principal", None));
    assert_eq!(
        of(None),
        (
            "principal-not-mapped",
            Some(("foreign-account-principal", "the account of the cluster"))
        )
    );
    assert_eq!(of(Some("444455556666")), ("principal-not-mapped", None));
}

#[test]
fn a_name_like_one_of_aws_is_not_believed_in_the_clusters_own_account() {
    let principal: Principal = "arn:aws:iam::111122223333:role/AWSWesleyClusterManagerLambda-X"
        .parse()
        .unwrap();
    let cluster = of_account(Some(OWN));
    let case = Case {
        aws_internal_session: true,
        ..plain(Symptom::NotMapped, Some(&principal), &cluster)
    };
    assert_eq!(judge(&case).cause.unwrap().id, "principal-not-mapped");
}

#[test]
fn a_session_like_one_of_aws_counts_only_for_a_role_of_an_account_known_to_be_another() {
    let judged = |name: &str, account: Option<&str>, aws_internal_session| {
        let principal: Principal = format!("arn:aws:iam::444455556666:role/{name}")
            .parse()
            .unwrap();
        let cluster = of_account(account);
        judge(&Case {
            aws_internal_session,
            ..plain(Symptom::NotMapped, Some(&principal), &cluster)
        })
        .cause
        .unwrap()
        .id
    };
    let (named, aws) = ("AWSWesleyClusterManagerLambda-X", "aws-internal-principal");
    let (person, foreign) = ("principal-not-mapped", "foreign-account-principal");
    for (name, account, session, expected) in [
        ("DevRole", None, true, person),
        ("DevRole", None, false, person),
        ("DevRole", Some(OWN), true, aws),
        ("DevRole", Some(OWN), false, foreign),
        ("DevRole", Some("444455556666"), true, person),
        (named, None, false, aws),
        (named, None, true, aws),
        (named, Some(OWN), false, aws),
        (named, Some("444455556666"), true, person),
    ] {
        assert_eq!(
            judged(name, account, session),
            expected,
            "{name} {account:?} {session}"
        );
    }
}
