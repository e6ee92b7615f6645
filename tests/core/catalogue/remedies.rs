//! Every remedy for every case, and what is true of each.

use std::sync::LazyLock;

use eks_access::catalogue::{CAUSES, Case, Cause, find, judge};
use eks_access::cluster::{AuthenticationMode, Cluster};
use eks_access::example::{World, worlds};
use eks_access::facts::Fact;
use eks_access::principal::Principal;
use eks_access::remedy::{Command, Remedy, Step};
use eks_access::symptom::Symptom;

use crate::cases::{CASES, DETAILS, cases_of, describe, plain};
use crate::worlds::cluster_of;

/// Every remedy that any cause gives for any case of its symptoms. What two details of a case have in common is
/// there once.
static REMEDIES: LazyLock<Vec<(&'static Cause, Case<'static>, Remedy)>> = LazyLock::new(|| {
    let of_one_line = DETAILS.len() * 2;
    let mut all = Vec::new();
    for cases in CASES.chunks(of_one_line) {
        for cause in CAUSES
            .iter()
            .filter(|cause| cause.symptoms.contains(&cases[0].symptom))
        {
            let mut seen: Vec<Remedy> = Vec::new();
            for case in cases {
                for remedy in (cause.remedies)(case) {
                    if !seen.contains(&remedy) {
                        seen.push(remedy.clone());
                        all.push((*cause, *case, remedy));
                    }
                }
            }
        }
    }
    let claimed = crate::facts::CLAIMED.iter().copied();
    for (cause, case) in of_worlds().into_iter().chain(claimed) {
        all.extend(
            (cause.remedies)(&case)
                .into_iter()
                .map(|remedy| (cause, case, remedy)),
        );
    }
    all
});

/// The worlds of all facts, in every mode, with each cause of their symptom.
fn of_worlds() -> Vec<(&'static Cause, Case<'static>)> {
    let mut cases = Vec::new();
    for mode in [
        AuthenticationMode::ConfigMap,
        AuthenticationMode::ApiAndConfigMap,
        AuthenticationMode::Api,
    ] {
        for mut world in worlds() {
            if let Fact::Known(cluster) = &mut world.facts.cluster {
                cluster.mode = mode;
            }
            let world: &'static World = Box::leak(Box::new(world));
            let cluster: &'static Cluster = Box::leak(Box::new(cluster_of(world)));
            let case = world.case(cluster);
            let causes = CAUSES
                .iter()
                .filter(|cause| cause.symptoms.contains(&case.symptom));
            cases.extend(causes.map(|cause| (*cause, case)));
        }
    }
    cases
}

pub(crate) fn for_every_remedy(mut test: impl FnMut(&Cause, &Case<'_>, &Remedy)) {
    for (cause, case, remedy) in &*REMEDIES {
        test(cause, case, remedy);
    }
}

pub(crate) fn texts(remedy: &Remedy) -> String {
    remedy
        .steps
        .iter()
        .map(Step::text)
        .collect::<Vec<_>>()
        .join("\n")
}

pub(crate) fn all_texts(remedies: &[Remedy]) -> String {
    remedies.iter().map(texts).collect::<Vec<_>>().join("\n")
}

pub(crate) fn commands(remedy: &Remedy) -> impl Iterator<Item = &Command> {
    remedy.steps.iter().filter_map(|step| match step {
        Step::Command(_, command) => Some(command),
        Step::Snippet(..) => None,
    })
}

pub(crate) fn is_grant(text: &str) -> bool {
    [
        "create-access-entry",
        "update-access-entry",
        "associate-access-policy",
        "create accessentry",
        "create iamidentitymapping",
        "create rolebinding",
        "aws_eks_access_entry",
        "rolearn:",
        "userarn:",
    ]
    .iter()
    .any(|grant| text.contains(grant))
}

#[test]
fn remedy_titles_are_one_imperative_sentence_without_a_full_stop() {
    for_every_remedy(|cause, _, remedy| {
        let title = &remedy.title;
        assert!(
            title.starts_with(|c: char| c.is_ascii_uppercase()),
            "{}: {title}",
            cause.id
        );
        assert!(
            !title.ends_with('.') && !title.contains(". ") && title.is_ascii(),
            "{}: {title}",
            cause.id
        );
    });
}

#[test]
fn every_command_that_reaches_a_cluster_names_it_and_its_region() {
    for_every_remedy(|cause, case, remedy| {
        for command in commands(remedy) {
            let line = command.line();
            let needs_region = [
                "aws eks ",
                "aws ec2 ",
                "aws logs ",
                "aws cloudtrail ",
                "eksctl ",
            ];
            if needs_region.iter().any(|tool| line.contains(tool)) {
                assert!(line.contains("--region "), "{}: {line}", cause.id);
                let is_account_wide = ["aws ec2 ", "aws cloudtrail ", "aws eks list-clusters "];
                if !is_account_wide.iter().any(|tool| line.contains(tool)) {
                    assert!(
                        line.contains(case.cluster.name_or_placeholder()),
                        "{}: {line}",
                        cause.id
                    );
                }
            }
        }
        if remedy.steps.iter().any(|step| {
            step.text().starts_with("kubectl -n kube-system")
                || step.text().starts_with("kubectl create")
        }) {
            assert!(
                texts(remedy).contains("aws eks update-kubeconfig --name "),
                "{}: {}",
                cause.id,
                remedy.title
            );
        }
    });
}

#[test]
fn commands_name_the_partition_that_the_clusters_region_lies_in() {
    for (region, partition, host) in [
        ("eu-west-1", "aws", "sts.eu-west-1.amazonaws.com "),
        (
            "us-gov-west-1",
            "aws-us-gov",
            "sts.us-gov-west-1.amazonaws.com ",
        ),
        ("cn-north-1", "aws-cn", "sts.cn-north-1.amazonaws.com.cn "),
        ("us-iso-east-1", "aws-iso", "sts.us-iso-east-1.c2s.ic.gov "),
        (
            "us-isob-east-1",
            "aws-iso-b",
            "sts.us-isob-east-1.sc2s.sgov.gov ",
        ),
    ] {
        let cluster = Cluster {
            region: region.parse().ok(),
            ..Cluster::default()
        };
        let of = |symptom| {
            let case = plain(symptom, None, &cluster);
            let remedies = (judge(&case).cause.unwrap().remedies)(&case);
            all_texts(&remedies)
        };
        let policy = format!("--policy-arn arn:{partition}:eks::aws:cluster-access-policy/");
        assert!(of(Symptom::NotMapped).contains(&policy), "{region}");
        assert!(of(Symptom::StsClockSkew).contains(host), "{region}");
    }
}

#[test]
fn accounts_are_compared_first_where_the_clusters_is_not_known() {
    let cause = find("principal-not-mapped").unwrap();
    for case in cases_of(Symptom::NotMapped) {
        let remedies = (cause.remedies)(case);
        let compares = remedies[0].title.starts_with("Compare the accounts");
        let principal = case.principal.filter(|_| case.cluster.account.is_none());
        assert_eq!(compares, principal.is_some(), "{}", describe(cause, case));
        if let Some(principal) = principal {
            assert!(remedies[0].title.contains(principal.account().as_str()));
        }
    }
}

#[test]
fn a_cluster_without_aws_auth_is_told_that_nothing_is_locked_out() {
    for case in cases_of(Symptom::AwsAuthMalformed) {
        let cause = judge(case).cause.unwrap();
        let remedies = (cause.remedies)(case);
        let says_so = remedies[0].title.contains("nothing is locked out by it");
        let is_api = case.cluster.mode == Some(AuthenticationMode::Api);
        assert_eq!(says_so, is_api, "{}", describe(cause, case));
        assert_eq!(remedies.len() == 1, is_api, "{}", describe(cause, case));
    }
}

#[test]
fn a_permission_sets_role_is_told_both_forms_of_its_arn() {
    let principal: Principal =
        "arn:aws:iam::111122223333:role/AWSReservedSSO_Developer_0123456789abcdef"
            .parse()
            .unwrap();
    let cluster = Cluster::default();
    let case = plain(Symptom::NotMapped, Some(&principal), &cluster);
    let remedies = (judge(&case).cause.unwrap().remedies)(&case);
    let all: Vec<String> = remedies
        .iter()
        .map(|remedy| format!("{}\n{}", remedy.title, texts(remedy)))
        .collect();
    let all = all.join("\n");
    for expected in [
        "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/[REGION/]AWSReservedSSO_Developer_0123456789abcdef",
        "--arn arn:aws:iam::111122223333:role/AWSReservedSSO_Developer_0123456789abcdef",
        "ARN=$(aws iam get-role --role-name AWSReservedSSO_Developer_0123456789abcdef",
        "the ending changes whenever the set is provisioned anew",
        "grep -F AWSReservedSSO_Developer_",
        "Developer:{{SessionName}}",
    ] {
        assert!(all.contains(expected), "no `{expected}` in\n{all}");
    }
}
