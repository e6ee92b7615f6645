//! Each cause by itself: its id, title, summary, examples and relatives.

use std::collections::BTreeSet;

use eks_access::catalogue::{CAUSES, find};

#[test]
fn ids_are_unique_and_kebab_case() {
    let mut seen = BTreeSet::new();
    for cause in CAUSES {
        assert!(
            seen.insert(cause.id),
            "two causes are called `{}`",
            cause.id
        );
        assert!(
            cause.id.split('-').all(|word| !word.is_empty()
                && word
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())),
            "`{}` is not kebab-case",
            cause.id
        );
    }
}

#[test]
fn titles_fit_a_subject_line_and_summaries_are_one_sentence() {
    let mut titles = BTreeSet::new();
    for cause in CAUSES {
        assert!(
            titles.insert(cause.title),
            "two causes have the title `{}`",
            cause.title
        );
        assert!(
            !cause.title.is_empty() && cause.title.len() <= 48 && cause.title.is_ascii(),
            "{}",
            cause.title
        );
        assert!(!cause.title.ends_with('.'), "{}", cause.title);
        assert!(
            cause.summary.is_ascii() && cause.summary.ends_with('.'),
            "{}",
            cause.summary
        );
        assert!(
            !cause.summary.contains(". ") && cause.summary.len() <= 140,
            "{}",
            cause.summary
        );
    }
}

#[test]
fn every_cause_has_an_example_of_a_symptom_of_its_own() {
    for cause in CAUSES {
        assert!(!cause.examples.is_empty(), "{} has no example", cause.id);
        for example in cause.examples {
            assert!(
                !example.line.trim().is_empty(),
                "{} has an empty example",
                cause.id
            );
            assert!(
                cause.symptoms.contains(&example.symptom),
                "{}: {}",
                cause.id,
                example.symptom
            );
        }
    }
}

#[test]
fn related_causes_exist_and_are_named_once() {
    for cause in CAUSES {
        let mut seen = BTreeSet::new();
        for id in cause.perhaps {
            assert!(
                find(id).is_some(),
                "{} names `{id}`, which is no cause",
                cause.id
            );
            assert_ne!(*id, cause.id);
            assert!(seen.insert(id), "{} names `{id}` twice", cause.id);
        }
    }
}
