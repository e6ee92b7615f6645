//! What holds for any file, anything that is asked, and anybody who says yes.

use eks_access::policy::{ArnPattern, Guardrails, Refused, template};
use proptest::prelude::*;

use crate::files::{approvers, asked, file};
use crate::world::{Asked, guardrails, user};

/// Whatever can be asked of the guardrails.
fn ask_everything(guardrails: &Guardrails, asked: &Asked) {
    let caller = user("people/ann");
    let _ = guardrails.offers(&asked.ask());
    let _ = asked.is_permitted(guardrails);
    let _ = guardrails.may_decide(&asked.ask(), &caller);
    let _ = asked.decided(guardrails, &[caller.clone(), caller.clone()]);
    let _ = asked.glass(guardrails, &caller);
    for case in guardrails.cases() {
        let _ = case.run(guardrails);
    }
    let _ = template(guardrails);
}

/// `*` and `?`, written as they are defined.
fn naive(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => {
            naive(rest, text)
                || text
                    .split_first()
                    .is_some_and(|(_, after)| naive(pattern, after))
        }
        (Some((b'?', rest)), Some((_, after))) => naive(rest, after),
        (Some((one, rest)), Some((other, after))) => one == other && naive(rest, after),
        _ => false,
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in any::<String>(), asked in asked()) {
        if let Ok(guardrails) = Guardrails::parse(&text) {
            ask_everything(&guardrails, &asked);
        }
    }

    #[test]
    fn no_damage_to_a_sound_file_makes_it_panic(
        text in file(2, 0),
        at in any::<prop::sample::Index>(),
        length in 0_usize..20,
        put in prop_oneof![Just(String::new()), "[\\[\\]{}=\",'.#\n0-9a-z]{0,6}", any::<String>()],
        asked in asked(),
    ) {
        let bounds: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        let start = *at.get(&bounds);
        let end = (start + length).min(text.len());
        let damaged = format!("{}{put}{}", &text[..start], &text[end..]);
        match Guardrails::parse(&damaged) {
            Ok(guardrails) => ask_everything(&guardrails, &asked),
            Err(mistakes) => {
                let lines = damaged.matches('\n').count() + 1;
                prop_assert!(!mistakes.0.is_empty());
                for mistake in mistakes.0 {
                    prop_assert!((1..=lines).contains(&mistake.line), "{mistake:?}");
                }
            }
        }
    }

    #[test]
    fn a_file_is_read_the_same_every_time(text in file(3, 0)) {
        prop_assert_eq!(guardrails(&text), guardrails(&text));
        let other = guardrails(&format!("{text}\n"));
        prop_assert_ne!(other.version, guardrails(&text).version);
    }

    #[test]
    fn what_is_granted_is_permitted_and_every_yes_counts(text in file(3, 0), asked in asked(), approvers in approvers()) {
        let guardrails = guardrails(&text);
        let granted = asked.decided(&guardrails, &approvers);
        if let Ok(name) = &granted {
            prop_assert_eq!(asked.is_permitted(&guardrails), Ok(()));
            prop_assert!(guardrails.offers(&asked.ask()).is_ok());
            let rule = guardrails.rules().iter().find(|rule| rule.name == *name).unwrap();
            prop_assert!(rule.needed <= approvers.len());
            prop_assert!(asked.terms().seconds <= rule.reach.most_seconds);
            for approver in &approvers {
                prop_assert_eq!(guardrails.counts(&asked.ask(), asked.terms(), approver), Ok(()));
                prop_assert_eq!(guardrails.may_decide(&asked.ask(), approver), Ok(()));
                prop_assert!(!guardrails.is_own(&asked.ask(), approver));
            }
        }
        if asked.is_permitted(&guardrails).is_err() {
            prop_assert!(granted.is_err());
        }
    }

    #[test]
    fn another_yes_that_counts_never_takes_away_what_others_granted(
        text in file(3, 0), asked in asked(), approvers in approvers(), more in approvers()
    ) {
        let guardrails = guardrails(&text);
        if asked.decided(&guardrails, &approvers).is_ok() {
            for approver in more {
                if guardrails.counts(&asked.ask(), asked.terms(), &approver).is_ok() {
                    let all: Vec<_> = approvers.iter().cloned().chain([approver]).collect();
                    prop_assert!(asked.decided(&guardrails, &all).is_ok());
                }
            }
        }
    }

    #[test]
    fn so_many_more_yeses_are_never_fewer_than_it_takes(text in file(3, 0), asked in asked(), approvers in approvers()) {
        let guardrails = guardrails(&text);
        if let Err(Refused::NeedsMore(more)) = asked.decided(&guardrails, &approvers) {
            prop_assert!(more >= 1);
            let least = guardrails.rules().iter().map(|rule| rule.needed).min().unwrap();
            prop_assert!(more + approvers.len() >= least);
        }
    }

    #[test]
    fn no_more_is_granted_than_each_part_of_it(text in file(3, 0), asked in asked()) {
        let guardrails = guardrails(&text);
        let caller = user("people/ann");
        for part in &asked.terms().namespaces {
            let less = asked.clone().namespaces(&[part.as_str()]);
            if asked.is_permitted(&guardrails).is_ok() {
                prop_assert_eq!(less.is_permitted(&guardrails), Ok(()));
            }
            if asked.glass(&guardrails, &caller).is_ok() {
                prop_assert!(less.glass(&guardrails, &caller).is_ok());
            }
        }
        let shorter = asked.clone().seconds(1);
        prop_assert!(asked.is_permitted(&guardrails).is_err() || shorter.is_permitted(&guardrails).is_ok());
    }

    #[test]
    fn what_is_offered_is_permitted_in_every_namespace_by_some_policy(text in file(3, 0), asked in asked()) {
        let guardrails = guardrails(&text);
        let Ok(offers) = guardrails.offers(&asked.ask()) else {
            return Ok(());
        };
        for offer in offers {
            prop_assert!(offer.usual_seconds <= offer.most_seconds);
            for name in &offer.namespaces {
                let one = asked.clone().namespaces(&[name.as_str()]).seconds(offer.most_seconds);
                let mut policies = offer.policies.iter();
                prop_assert!(policies.any(|policy| one.clone().policy(*policy).is_permitted(&guardrails).is_ok()));
            }
        }
    }

    #[test]
    fn a_deny_of_everything_leaves_nothing(text in file(3, 0), asked in asked(), approvers in approvers()) {
        let guardrails = guardrails(&format!("{text}\n[[deny]]\nname = \"all\"\n"));
        prop_assert!(guardrails.offers(&asked.ask()).is_err());
        prop_assert!(asked.is_permitted(&guardrails).is_err());
        prop_assert!(asked.decided(&guardrails, &approvers).is_err());
        prop_assert!(asked.glass(&guardrails, &user("people/ann")).is_err());
    }

    #[test]
    fn patterns_mean_what_they_are_defined_to(pattern in "[ab/*?]{1,8}", text in "[ab/]{1,10}") {
        let arn = format!("arn:aws:iam::111122223333:role/{text}");
        let read: ArnPattern = format!("arn:aws:iam::111122223333:role/{pattern}").parse().unwrap();
        prop_assert_eq!(read.matches_text(&arn), naive(pattern.as_bytes(), text.as_bytes()));
    }
}
