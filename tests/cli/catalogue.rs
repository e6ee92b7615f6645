//! `cause`, `causes`, `completions`, and the examples of the catalogue.

use std::collections::BTreeSet;

use eks_access::catalogue::{CAUSES, Tier};
use eks_access::example::worlds;
use eks_access::symptom::Symptom;

use crate::run::run;

#[test]
fn every_cause_is_listed_and_has_a_page() {
    let listed = run(&["causes"], b"").stdout;
    for cause in CAUSES {
        assert!(
            listed.lines().any(|line| line.starts_with(cause.id)),
            "{}",
            cause.id
        );
        let page = run(&["cause", cause.id], b"");
        assert_eq!(page.code, 0);
        assert!(page.stdout.contains("What to do"), "{}", cause.id);
    }
    let json = run(&["causes", "--format", "json"], b"");
    assert_eq!(json.json().len(), CAUSES.len());
}

#[test]
fn a_symptom_leads_to_its_general_cause_and_a_typo_to_near_ones() {
    assert!(
        run(&["cause", "not-mapped"], b"")
            .stdout
            .contains("principal-not-mapped")
    );
    let typo = run(&["cause", "principle-not-mapped"], b"");
    assert_eq!(typo.code, 2);
    assert!(
        typo.stderr.contains("did you mean") && typo.stderr.contains("not-mapped"),
        "{}",
        typo.stderr
    );
}

#[test]
fn completions_are_made_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let output = run(&["completions", shell], b"");
        assert_eq!(output.code, 0);
        assert!(output.stdout.contains("eks-access"));
    }
}

/// The examples of every cause show its symptom and are claimed by it, by the real binary.
#[test]
fn every_example_is_claimed_by_its_own_cause() {
    let by_facts: BTreeSet<&str> = worlds().iter().map(|world| world.cause).collect();
    for cause in CAUSES {
        for example in cause.examples {
            let mut arguments = vec!["explain", "--format", "json"];
            if cause.id == "foreign-account-principal" {
                arguments.extend(["--account", "000000000000"]);
            }
            let output = run(&arguments, format!("{}\n", example.line).as_bytes());
            let line = output.json().pop().unwrap();
            let symptom = match example.symptom {
                // The line itself is one of a granted login.
                Symptom::EmptyUsernameAggregatedApi => Symptom::AccessGranted,
                symptom => symptom,
            };
            // A line alone can't show a cause that facts tell, and says the one that stands for its symptom.
            let general = CAUSES
                .iter()
                .find(|other| {
                    other.tier == Tier::General && other.symptoms.contains(&example.symptom)
                })
                .filter(|_| by_facts.contains(cause.id))
                .map_or(cause.id, |general| general.id);
            assert_eq!(
                (line["cause"].as_str(), line["symptom"].as_str()),
                (Some(general), Some(symptom.slug())),
                "{}",
                example.line
            );
        }
    }
}
