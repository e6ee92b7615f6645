//! The catalogue's rules, held for every cause and every kind of case.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails where it finds something missing"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use eks_access::catalogue::{CAUSES, Case, Cause, Claim, Detail, Tier, find, judge};
use eks_access::cluster::{AuthenticationMode, Cluster};
use eks_access::page;
use eks_access::principal::Principal;
use eks_access::remedy::{Modes, Remedy, Step};
use eks_access::symptom::Symptom;

/// The cluster's account in every case that has one.
const OWN: &str = "111122223333";

/// As strange as IAM allows a name to be.
const STRANGE: &str = "a+=,.@_-b";

/// Lines that are no denial, and need no cause.
const QUIET: [Symptom; 4] = [
    Symptom::InfoOther,
    Symptom::StsIdentity,
    Symptom::AccessGranted,
    Symptom::Truncated,
];

/// One of each kind of principal, by a name for messages.
const PRINCIPALS: [&str; 18] = [
    "arn:aws:iam::111122223333:role/DevRole",
    "arn:aws:iam::111122223333:role/team/dev/DevRole",
    "arn:aws:iam::111122223333:role/a+=,.@_-b",
    "arn:aws:iam::111122223333:role/system",
    "arn:aws:iam::111122223333:user/dana",
    "arn:aws:iam::111122223333:user/teams/a+=,.@_-b",
    "arn:aws:iam::111122223333:root",
    "arn:aws:sts::111122223333:federated-user/dana",
    "arn:aws:iam::111122223333:role/AWSReservedSSO_Developer_0123456789abcdef",
    "arn:aws:iam::111122223333:role/AWSServiceRoleForBatch",
    "arn:aws:iam::111122223333:role/KarpenterNodeRole-prod",
    "arn:aws:iam::111122223333:role/AmazonEKSFargatePodExecutionRole",
    "arn:aws:iam::444455556666:role/AWSWesleyClusterManagerLambda-Role",
    "arn:aws:iam::444455556666:role/AWSServiceRoleForBatch",
    "arn:aws:iam::444455556666:role/DevRole",
    "arn:aws:iam::444455556666:user/dana",
    "arn:aws:iam::444455556666:root",
    "arn:aws-cn:iam::111122223333:role/DevRole",
];

const DETAILS: [Detail; 5] = [
    Detail::None,
    Detail::AwsAuthDeleted,
    Detail::EmptyUsername,
    Detail::RegionScope,
    Detail::WatchClosed,
];

const MODES: [Option<AuthenticationMode>; 4] = [
    None,
    Some(AuthenticationMode::ConfigMap),
    Some(AuthenticationMode::ApiAndConfigMap),
    Some(AuthenticationMode::Api),
];

fn clusters() -> Vec<Cluster> {
    let mut clusters = vec![Cluster::default()];
    for account in [None, Some(OWN)] {
        for mode in MODES {
            clusters.push(Cluster {
                name: "prod-eu".parse().ok(),
                region: "eu-west-1".parse().ok(),
                account: account.map(|account| account.parse().unwrap()),
                mode,
            });
        }
    }
    clusters
}

/// Every combination of symptom, principal, detail and knowledge of the cluster.
static CASES: LazyLock<Vec<Case<'static>>> = LazyLock::new(|| {
    let clusters: &'static [Cluster] = clusters().leak();
    let principals: &'static [Principal] = PRINCIPALS
        .iter()
        .map(|arn| arn.parse().unwrap())
        .collect::<Vec<_>>()
        .leak();
    let mut cases = Vec::new();
    for cluster in clusters {
        for principal in std::iter::once(None).chain(principals.iter().map(Some)) {
            for &symptom in Symptom::ALL {
                for detail in DETAILS {
                    for aws_internal_session in [false, true] {
                        cases.push(Case {
                            symptom,
                            principal,
                            aws_internal_session,
                            detail,
                            cluster,
                        });
                    }
                }
            }
        }
    }
    cases
});

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
    all
});

fn for_every_remedy(mut test: impl FnMut(&Cause, &Case<'_>, &Remedy)) {
    for (cause, case, remedy) in &*REMEDIES {
        test(cause, case, remedy);
    }
}

fn texts(remedy: &Remedy) -> String {
    remedy
        .steps
        .iter()
        .map(Step::text)
        .collect::<Vec<_>>()
        .join("\n")
}

fn describe(cause: &Cause, case: &Case<'_>) -> String {
    format!("{} for {case:?}", cause.id)
}

fn parts(cause: &Cause) -> [(&'static str, &'static str); 5] {
    [
        ("What happened", cause.page.what_happened),
        ("Why", cause.page.why),
        ("How to be sure", cause.page.how_to_be_sure),
        ("What to do", cause.page.what_to_do),
        ("If it comes back", cause.page.if_it_comes_back),
    ]
}

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
        let cluster = Cluster {
            account: account.map(|account| account.parse().unwrap()),
            ..Cluster::default()
        };
        let judgement = judge(&Case {
            symptom: Symptom::NotMapped,
            principal: Some(&principal),
            aws_internal_session: false,
            detail: Detail::None,
            cluster: &cluster,
        });
        (
            judgement.cause.unwrap().id,
            judgement
                .perhaps
                .iter()
                .find_map(|(cause, fact)| fact.map(|fact| (cause.id, fact))),
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
    let cluster = Cluster {
        account: OWN.parse().ok(),
        ..Cluster::default()
    };
    let case = Case {
        symptom: Symptom::NotMapped,
        principal: Some(&principal),
        aws_internal_session: true,
        detail: Detail::None,
        cluster: &cluster,
    };
    assert_eq!(judge(&case).cause.unwrap().id, "principal-not-mapped");
}

#[test]
fn a_session_like_one_of_aws_counts_only_for_a_role_of_an_account_known_to_be_another() {
    let judged = |name: &str, account: Option<&str>, aws_internal_session| {
        let principal: Principal = format!("arn:aws:iam::444455556666:role/{name}")
            .parse()
            .unwrap();
        let cluster = Cluster {
            account: account.map(|account| account.parse().unwrap()),
            ..Cluster::default()
        };
        judge(&Case {
            symptom: Symptom::NotMapped,
            principal: Some(&principal),
            aws_internal_session,
            detail: Detail::None,
            cluster: &cluster,
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

#[test]
fn every_page_has_its_headings_in_order_and_something_under_each() {
    for cause in CAUSES {
        let page = page::markdown(cause);
        let mut from = 0;
        for (heading, text) in parts(cause) {
            assert!(text.len() > 20, "{}: nothing under `{heading}`", cause.id);
            assert!(text.is_ascii(), "{}: `{heading}` is not ASCII", cause.id);
            let at = page[from..]
                .find(&format!("\n## {heading}\n\n"))
                .unwrap_or_else(|| {
                    panic!("{}: no heading `{heading}` after byte {from}", cause.id);
                });
            from += at + 1;
        }
    }
}

#[test]
fn pages_link_only_to_causes_that_exist_and_by_their_title() {
    for cause in CAUSES {
        let page = page::markdown(cause);
        for piece in page.split("](").skip(1) {
            let target = piece.split(')').next().unwrap();
            let id = target
                .strip_suffix(".md")
                .unwrap_or_else(|| panic!("{}: `{target}`", cause.id));
            let linked = find(id)
                .unwrap_or_else(|| panic!("{} links to `{id}`, which is no cause", cause.id));
            assert!(
                page.contains(&format!("[{}]({target})", linked.title)),
                "{} links to {id} by another name than `{}`",
                cause.id,
                linked.title
            );
        }
    }
}

#[test]
fn committed_pages_equal_the_generated_ones() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/causes");
    let mut pages: BTreeMap<PathBuf, String> = CAUSES
        .iter()
        .map(|cause| {
            (
                folder.join(format!("{}.md", cause.id)),
                page::markdown(cause),
            )
        })
        .collect();
    pages.insert(folder.join("README.md"), page::index());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::create_dir_all(&folder).unwrap();
        for (path, text) in &pages {
            std::fs::write(path, text).unwrap();
        }
    }
    for (path, text) in &pages {
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            committed == *text,
            "{} is not what the catalogue says; run the tests with UPDATE_DOCS=1 and commit the pages",
            path.display()
        );
    }
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
        for step in &remedy.steps {
            let Step::Command(_, command) = step else {
                continue;
            };
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
fn every_remedy_that_grants_names_the_principal_of_the_case() {
    let placeholders = [
        "OLD_ENTRY_ARN",
        "RESCUE_ROLE_ARN",
        "NODE_ROLE",
        "ADMINISTRATORS_ROLE_ARN",
        "GROUP",
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
fn a_role_of_the_same_name_in_another_account_gets_nothing_and_costs_nothing() {
    // The reader's profile points to another account, or the role is gone.
    let found = "printf '%s\\n' arn:aws:iam::999988887777:role/x/DevRole";
    let denied = "printf '%s\\n' arn:aws:iam::111122223333:role/x/DevRole";
    let ran = |answer: &str, line: &str| {
        let programs = format!(
            "aws() {{ if [ \"$1\" = iam ]; then {answer}; else printf 'ran %s\\n' \"$*\"; fi; }}
             eksctl() {{ aws \"$@\"; }}
             grep() {{ while IFS= read -r word; do case $word in \"${{1#^}}\"*) printf '%s\\n' \"$word\";; esac; done; }}"
        );
        let output = shell(&format!("{programs}\n{line}"), &["-c"]);
        String::from_utf8(output.stdout).unwrap()
    };
    let mut scripts = BTreeSet::new();
    for_every_remedy(|_, case, remedy| {
        let is_dev_role = case
            .principal
            .is_some_and(|principal| principal.to_string() == PRINCIPALS[0]);
        let lines: Vec<String> = remedy.steps.iter().map(Step::text).collect();
        let is_find = |line: &String| line.starts_with("ARN=");
        if let Some(at) = lines.iter().position(is_find).filter(|_| is_dev_role) {
            for line in lines[at + 1..].iter().filter(|line| line.contains("ARN:?")) {
                scripts.insert(format!("{}\n{line}", lines[at]));
            }
        }
    });
    assert!(scripts.len() > 4);
    for script in scripts {
        for answer in [found, "return 1"] {
            assert_eq!(ran(answer, &script), "", "{script}");
        }
        assert!(ran(denied, &script).starts_with("ran "), "{script}");
    }
}

#[test]
fn an_old_entry_is_deleted_only_after_it_is_noted_down_and_the_new_arn_is_found() {
    let cause = find("access-entry-names-another-principal").unwrap();
    for case in CASES
        .iter()
        .filter(|case| case.symptom == Symptom::PrincipalIdMismatch)
    {
        let remedies = (cause.remedies)(case);
        let all: Vec<String> = remedies.iter().map(texts).collect();
        let all = all.join("\n");
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

#[test]
fn a_role_is_proved_to_be_a_nodes_before_it_is_let_in_as_one() {
    let cause = find("node-not-mapped").unwrap();
    for case in CASES
        .iter()
        .filter(|case| case.symptom == Symptom::NotMappedNode)
    {
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
fn accounts_are_compared_first_where_the_clusters_is_not_known() {
    let cause = find("principal-not-mapped").unwrap();
    for case in CASES
        .iter()
        .filter(|case| case.symptom == Symptom::NotMapped)
    {
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
    for case in CASES
        .iter()
        .filter(|case| case.symptom == Symptom::AwsAuthMalformed)
    {
        let cause = judge(case).cause.unwrap();
        let remedies = (cause.remedies)(case);
        let says_so = remedies[0].title.contains("nothing is locked out by it");
        let is_api = case.cluster.mode == Some(AuthenticationMode::Api);
        assert_eq!(says_so, is_api, "{}", describe(cause, case));
        assert_eq!(remedies.len() == 1, is_api, "{}", describe(cause, case));
    }
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
            let case = Case {
                symptom,
                principal: None,
                aws_internal_session: false,
                detail: Detail::None,
                cluster: &cluster,
            };
            let remedies = (judge(&case).cause.unwrap().remedies)(&case);
            let all: Vec<String> = remedies.iter().map(texts).collect();
            all.join("\n")
        };
        let policy = format!("--policy-arn arn:{partition}:eks::aws:cluster-access-policy/");
        assert!(of(Symptom::NotMapped).contains(&policy), "{region}");
        assert!(of(Symptom::StsClockSkew).contains(host), "{region}");
    }
}

fn shell(script: &str, arguments: &[&str]) -> Output {
    Command::new("/bin/sh")
        .args(arguments)
        .arg(script)
        .env_clear()
        .env("PATH", "/nonexistent")
        .current_dir(env!("CARGO_TARGET_TMPDIR"))
        .output()
        .unwrap()
}

#[test]
fn every_command_is_a_command_to_a_posix_shell_on_one_line_and_wrapped() {
    let mut commands = BTreeSet::new();
    for_every_remedy(|_, _, remedy| {
        for step in &remedy.steps {
            if let Step::Command(_, command) = step {
                commands.insert(command.line());
                commands.insert(command.wrapped(40));
            }
        }
    });
    assert!(commands.len() > 100);
    for command in &commands {
        let output = shell(command, &["-n", "-c"]);
        assert!(
            output.status.success(),
            "{command}\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

#[test]
fn no_shell_takes_a_word_of_ours_for_a_pattern_of_file_names() {
    for_every_remedy(|cause, _, remedy| {
        for step in &remedy.steps {
            let Step::Command(_, command) = step else {
                continue;
            };
            let line = command.line();
            let mut quote = None;
            for c in line.chars() {
                match quote {
                    Some(open) if c == open => quote = None,
                    Some(_) => {}
                    None if c == '\'' || c == '"' => quote = Some(c),
                    None => assert!(!"[]*?~".contains(c), "{}: `{c}` in {line}", cause.id),
                }
            }
        }
    });
}

#[test]
fn a_permission_sets_role_is_told_both_forms_of_its_arn() {
    let principal: Principal =
        "arn:aws:iam::111122223333:role/AWSReservedSSO_Developer_0123456789abcdef"
            .parse()
            .unwrap();
    let cluster = Cluster::default();
    let case = Case {
        symptom: Symptom::NotMapped,
        principal: Some(&principal),
        aws_internal_session: false,
        detail: Detail::None,
        cluster: &cluster,
    };
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

#[test]
fn the_strangest_name_iam_allows_arrives_intact_through_a_shell() {
    // Each program prints its words, one a line.
    let programs = "aws() { printf '%s\\n' \"$@\"; }; eksctl() { aws \"$@\"; }; kubectl() { aws \"$@\"; }; jq() { :; }; yq() { :; }; \
        grep() { while IFS= read -r word; do printf '%s\\n' \"$word\"; done; }\n";
    let role_arn = format!("arn:aws:iam::{OWN}:role/{STRANGE}");
    let user_arn = format!("arn:aws:iam::{OWN}:user/teams/{STRANGE}");
    let words = [
        STRANGE.to_owned(),
        format!("{STRANGE}:{{{{SessionName}}}}"),
        role_arn,
        user_arn,
    ];
    let mut scripts = BTreeSet::new();
    for_every_remedy(|_, case, remedy| {
        let commands: Vec<String> = remedy
            .steps
            .iter()
            .filter_map(|step| match step {
                Step::Command(_, command) => Some(command.line()),
                Step::Snippet(..) => None,
            })
            .collect();
        let script = commands.join("\n");
        if script.contains(STRANGE)
            && case
                .principal
                .is_some_and(|principal| principal.name() == STRANGE)
        {
            scripts.insert(script);
        }
    });
    assert!(scripts.len() > 5);
    for script in scripts {
        let output = shell(
            &format!("{programs}{script}\nprintf '%s\\n' \"$ARN\""),
            &["-c"],
        );
        let printed = String::from_utf8(output.stdout).unwrap();
        let strange: Vec<&str> = printed.lines().filter(|line| line.contains("a+")).collect();
        assert!(
            !strange.is_empty(),
            "the name is lost in\n{script}\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        for line in strange {
            assert!(
                words.iter().any(|word| word == line),
                "`{line}` came out of\n{script}"
            );
        }
    }
}

fn is_grant(text: &str) -> bool {
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

/// Reference: denials.md, 7.5. Checked in lower case.
const NEVER_IN_A_REMEDY: [&str; 26] = [
    "system:masters",
    "cluster-admin",
    "amazoneksclusteradminpolicy",
    "amazoneksadminpolicy",
    "kubectl apply",
    "kubectl replace",
    "kubectl delete",
    "delete configmap",
    "delete iamidentitymapping",
    "insecure",
    "no-verify",
    "assumed-role",
    "clusterrolebinding",
    "system:anonymous",
    "system:authenticated",
    "system:unauthenticated",
    "duration",
    "x-amz-",
    "paste",
    "--force",
    "delete-nodegroup",
    "delete-fargate-profile",
    "authenticationmode=api\"",
    "authenticationmode=config_map",
    "secret-access-key",
    "status.token",
];

#[test]
fn what_must_never_be_suggested_is_in_no_remedy() {
    for_every_remedy(|cause, case, remedy| {
        let text = format!("{}\n{}", remedy.title, texts(remedy));
        let lower = text.to_ascii_lowercase();
        // The one command that removes secrets from a line names what it removes.
        let is_redaction = lower.contains("sed -e");
        for never in NEVER_IN_A_REMEDY {
            assert!(
                !lower.contains(never) || is_redaction,
                "{}: `{never}` in\n{text}",
                describe(cause, case)
            );
        }
        for word in text
            .split_ascii_whitespace()
            .filter(|word| word.contains("arn:"))
        {
            assert!(!word.contains('*'), "{}: {word}", describe(cause, case));
        }
        if lower.contains("authenticationmode=") {
            assert!(
                remedy.title.contains("one-way"),
                "{}: {}",
                cause.id,
                remedy.title
            );
        }
    });
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

/// The sentences of a part of a page; a list item begins a new one.
fn sentences(markdown: &str) -> Vec<String> {
    let mut blocks: Vec<String> = vec![String::new()];
    for line in markdown.lines() {
        let item = line.strip_prefix("- ").or_else(|| {
            let (number, rest) = line.split_once(". ")?;
            (!number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())).then_some(rest)
        });
        match item {
            Some(item) => blocks.push(item.to_owned()),
            None if line.is_empty() => blocks.push(String::new()),
            None => {
                let block = blocks.last_mut().unwrap();
                block.push(' ');
                block.push_str(line.trim());
            }
        }
    }
    blocks
        .iter()
        .flat_map(|block| block.split(". "))
        .map(|sentence| sentence.trim().to_owned())
        .collect()
}

/// What a sentence may hold only if it warns: all the words of one row, in lower case.
const ONLY_IN_A_WARNING: [&[&str]; 19] = [
    &["system:masters"],
    &["cluster-admin"],
    &["amazoneksclusteradminpolicy"],
    &["insecure"],
    &["kubectl apply"],
    &["kubectl delete"],
    &["apply", "whole", "aws-auth"],
    &["delete `aws-auth`"],
    &["delete aws-auth"],
    &["wildcard"],
    &["clusterrolebinding"],
    &["bind ", "system:anonymous"],
    &["bind ", "system:authenticated"],
    &["bind ", "system:unauthenticated"],
    &["standard`", "node"],
    &["tokens", "longer"],
    &["send", "token", " ticket"],
    &["paste", "token"],
    &["--principal-arn", "assumed-role"],
];

#[test]
fn what_must_never_be_suggested_is_on_pages_only_as_a_warning() {
    for cause in CAUSES {
        for (heading, text) in parts(cause)
            .into_iter()
            .chain([("summary", cause.summary), ("title", cause.title)])
        {
            for sentence in sentences(text) {
                let warns = ["Never ", "Do not ", "Nobody can "]
                    .iter()
                    .any(|begin| sentence.starts_with(begin));
                let lower = sentence.to_ascii_lowercase();
                for row in ONLY_IN_A_WARNING {
                    let holds = row.iter().all(|word| lower.contains(word));
                    assert!(
                        !holds || warns,
                        "{}, {heading}: {row:?} in `{sentence}`",
                        cause.id
                    );
                }
                let changes_mode = ["chang", "switch", "set the"]
                    .iter()
                    .any(|verb| lower.contains(verb))
                    && lower.contains("authentication mode");
                assert!(
                    !changes_mode || lower.contains("one-way"),
                    "{}, {heading}: `{sentence}`",
                    cause.id
                );
                for word in lower
                    .split_ascii_whitespace()
                    .filter(|word| word.contains("arn:"))
                {
                    assert!(!word.contains('*'), "{}, {heading}: `{word}`", cause.id);
                }
            }
        }
    }
}

#[test]
fn a_warning_is_told_from_a_suggestion() {
    assert_eq!(
        sentences("One. Two\nlines.\n\n- Item. More\n2. Second"),
        ["One", "Two lines.", "", "Item", "More", "Second"]
    );
}
