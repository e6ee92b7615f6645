//! Remedies that let somebody in: whom, as what, and after which checks.

use eks_access::catalogue::{find, judge};
use eks_access::principal::Principal;
use eks_access::remedy::Modes;
use eks_access::symptom::Symptom;

use crate::cases::{CASES, cases_of, describe};
use crate::remedies::{all_texts, for_every_remedy, is_grant, texts};

#[test]
fn every_remedy_that_grants_names_the_principal_of_the_case() {
    let placeholders = [
        "OLD_ENTRY_ARN",
        "RESCUE_ROLE_ARN",
        "NODE_ROLE",
        "ADMINISTRATORS_ROLE_ARN",
        "GROUP",
        "SERVICE_ACCOUNT",
    ];
    for_every_remedy(|cause, case, remedy| {
        let text = texts(remedy);
        let Some(principal) = case.principal.filter(|_| is_grant(&text)) else {
            return;
        };
        assert!(
            text.contains(principal.name()) || placeholders.iter().any(|word| text.contains(word)),
            "{}: {}\n{text}",
            describe(cause, case),
            remedy.title
        );
    });
}

#[test]
fn nothing_lets_in_root_federated_users_service_linked_roles_strangers_or_aws() {
    // These two repair the cluster for others, and name a role to replace.
    let repairs = [Symptom::AwsAuthMalformed, Symptom::ClientCreatorDeleted];
    for_every_remedy(|cause, case, remedy| {
        let Some(principal) = case.principal else {
            return;
        };
        let is_barred = principal.is_root()
            || principal.is_federated_user()
            || principal.is_service_linked()
            || case.foreign_principal().is_some();
        let text = texts(remedy);
        if is_barred && is_grant(&text) {
            assert!(
                repairs.contains(&case.symptom),
                "{}: {}\n{text}",
                describe(cause, case),
                remedy.title
            );
            assert!(
                !text.contains(principal.name()),
                "{}: {text}",
                describe(cause, case)
            );
        }
    });
}

#[test]
fn nothing_is_suggested_for_aws_itself() {
    for case in &*CASES {
        let judgement = judge(case);
        if let Some(cause) = judgement
            .cause
            .filter(|cause| cause.id == "aws-internal-principal")
        {
            assert_eq!((cause.remedies)(case), []);
        }
    }
}

#[test]
fn a_node_role_is_never_given_a_standard_entry() {
    for_every_remedy(|cause, case, remedy| {
        let Some(principal) = case
            .principal
            .filter(|principal| principal.is_named_like_a_node_role())
        else {
            return;
        };
        let text = texts(remedy);
        if !text.contains(principal.name()) {
            return;
        }
        assert!(
            !text.contains("STANDARD"),
            "{}: {text}",
            describe(cause, case)
        );
        for line in text.lines().filter(|line| {
            line.contains("create-access-entry") || line.contains("create accessentry")
        }) {
            assert!(
                line.contains("--type "),
                "{}: {line}",
                describe(cause, case)
            );
        }
        if text.contains("\"aws_eks_access_entry\"") {
            assert!(
                text.contains("type          = "),
                "{}: {text}",
                describe(cause, case)
            );
        }
    });
}

#[test]
fn a_role_is_proved_to_be_a_nodes_before_it_is_let_in_as_one() {
    let cause = find("node-not-mapped").unwrap();
    for case in cases_of(Symptom::NotMappedNode) {
        let remedies = (cause.remedies)(case);
        if remedies.iter().any(|remedy| is_grant(&texts(remedy))) {
            let first = texts(&remedies[0]);
            for look in [
                "list-instance-profiles-for-role ",
                "AssumeRolePolicyDocument",
            ] {
                assert!(first.contains(look), "{first}");
            }
        }
    }
}

#[test]
fn mapping_remedies_say_where_they_work_and_never_shadow_another_row() {
    for_every_remedy(|cause, _, remedy| {
        let text = texts(remedy);
        if text.contains("create iamidentitymapping") {
            assert_eq!(
                remedy.modes,
                Modes::AwsAuth,
                "{}: {}",
                cause.id,
                remedy.title
            );
            assert!(
                text.contains("--no-duplicate-arns") && text.contains("--username "),
                "{}: {text}",
                cause.id
            );
        }
        if text.contains("aws eks create-access-entry")
            || text.contains("eksctl create accessentry")
        {
            assert_eq!(
                remedy.modes,
                Modes::AccessEntries,
                "{}: {}",
                cause.id,
                remedy.title
            );
        }
    });
}

#[test]
fn a_role_of_an_access_entry_is_looked_up_because_the_log_has_no_path() {
    for_every_remedy(|cause, case, remedy| {
        let text = texts(remedy);
        if case.principal.is_some_and(Principal::is_role)
            && text.contains("--principal-arn \"${ARN:?")
        {
            let name = case.principal.unwrap().name();
            assert!(
                text.contains("ARN=$(aws iam get-role --role-name "),
                "{}: {text}",
                cause.id
            );
            assert!(text.contains(name), "{}: {text}", cause.id);
        }
        assert!(!text.contains("\"$ARN\""), "{}: {text}", cause.id);
    });
}

#[test]
fn an_old_entry_is_deleted_only_after_it_is_noted_down_and_the_new_arn_is_found() {
    let cause = find("access-entry-names-another-principal").unwrap();
    for case in cases_of(Symptom::PrincipalIdMismatch) {
        let remedies = (cause.remedies)(case);
        let all = all_texts(&remedies);
        let Some(delete) = all.find("aws eks delete-access-entry") else {
            continue;
        };
        let (before, after) = all.split_at(delete);
        assert!(before.contains("describe-access-entry --cluster-name "));
        assert!(before.contains("list-associated-access-policies "));
        assert!(after.contains("create-access-entry "));
        if case.principal.is_none_or(Principal::is_role) {
            assert!(
                before.contains("ARN=$(") && before.ends_with("}\" && "),
                "{all}"
            );
        }
    }
}
