//! Cases of refused roles and users, over facts known and unknown: symptom, mode, principal, IAM, access entries,
//! `aws-auth` and administrators. Combinations that cannot be are left out.

use std::collections::BTreeSet;
use std::mem::discriminant;
use std::sync::LazyLock;

use eks_access::catalogue::{CAUSES, Case, Cause, Claim, Detail, Tier, judge};
use eks_access::cluster::{AuthenticationMode, Cluster};
use eks_access::example::worlds;
use eks_access::facts::{
    AccessEntry, Administrator, AssociatedPolicy, AwsAuthRow, ClusterFacts, EntryType, Fact, Facts,
    IamPrincipal, Near, NearMiss, Permission, RowFault, Trust, Unknown,
};
use eks_access::finding::{Finding, PROPAGATION};
use eks_access::principal::Principal;
use eks_access::symptom::Symptom;
use eks_access::text::LogText;

use crate::cases::OWN;

const DAY: i64 = 86_400_000;
const MADE: i64 = 1_767_225_600_000;
const DENIED: i64 = MADE + 60 * DAY;

const MODES: [Option<AuthenticationMode>; 4] = [
    None,
    Some(AuthenticationMode::ConfigMap),
    Some(AuthenticationMode::ApiAndConfigMap),
    Some(AuthenticationMode::Api),
];

const PRINCIPALS: [&str; 6] = [
    "arn:aws:iam::111122223333:role/DevRole",
    "arn:aws:iam::111122223333:role/AWSReservedSSO_Developer_0123456789abcdef",
    "arn:aws:iam::111122223333:user/dana",
    "arn:aws:iam::444455556666:role/DevRole",
    "arn:aws:iam::111122223333:role/AWSServiceRoleForBatch",
    "arn:aws:iam::444455556666:role/AWSWesleyClusterManagerLambda-Role",
];

/// What a known role may be for, by its trust policy; the first trusts nobody that tells.
const TRUSTS: [Option<&str>; 7] = [
    None,
    Some(r#"{"Service":"ec2.amazonaws.com"}"#),
    Some(r#"{"Service":"eks-fargate-pods.amazonaws.com"}"#),
    Some(r#"{"Service":"ssm.amazonaws.com"}"#),
    Some(
        r#"{"Federated":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B716D3041E"}"#,
    ),
    Some(r#"{"Service":"pods.eks.amazonaws.com"}"#),
    Some(
        r#"{"Federated":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"}"#,
    ),
];

const NEAR: [(Near, Fact<bool>); 8] = [
    (Near::OtherPath, Fact::Unknown(Unknown::NotAsked)),
    (Near::OtherSuffix, Fact::Unknown(Unknown::Throttled)),
    (Near::OtherSuffix, Fact::Known(false)),
    (Near::OtherSuffix, Fact::Known(true)),
    (Near::OtherCase, Fact::Unknown(Unknown::NotAsked)),
    (Near::OtherKind, Fact::Unknown(Unknown::NotAsked)),
    (Near::OtherAccount, Fact::Unknown(Unknown::NotAsked)),
    (Near::Former, Fact::Known(false)),
];

const FAULTS: [RowFault; 5] = [
    RowFault::KeepsPath,
    RowFault::MatchesNobody,
    RowFault::OtherSuffix,
    RowFault::OtherAccount,
    RowFault::OtherKind,
];

fn denied<T>(permission: Permission) -> Fact<T> {
    Fact::Unknown(Unknown::Denied(permission))
}

/// What IAM may have said of a principal.
fn in_iam(principal: &Principal) -> Vec<Fact<Option<IamPrincipal>>> {
    let mut all = vec![
        denied(Permission::GetRole),
        Fact::Unknown(Unknown::OtherAccount),
    ];
    if principal.account().as_str() != OWN {
        return all;
    }
    let known = |principal: &Principal, trust: Option<&str>| {
        let policy = trust
            .map(|trust| format!(r#"{{"Statement":{{"Effect":"Allow","Principal":{trust}}}}}"#));
        Fact::Known(Some(IamPrincipal {
            principal: principal.clone(),
            unique_id: "AROAIOSFODNN7EXAMPLE".to_owned(),
            created: MADE,
            trust: policy.and_then(|policy| Trust::parse(&policy)),
        }))
    };
    all.push(Fact::Known(None));
    if principal.is_role() {
        let with_path = principal.to_string().replace(":role/", ":role/team/dev/");
        all.push(known(&with_path.parse().unwrap(), None));
        all.extend(TRUSTS.map(|trust| known(principal, trust)));
    } else {
        all.push(known(principal, None));
    }
    all
}

/// The principal's own entry, and those that look like it.
type Entries = (Fact<Option<AccessEntry>>, Fact<Vec<NearMiss>>);

/// What EKS may have said of access entries.
fn entries(
    principal: &Principal,
    iam: &Fact<Option<IamPrincipal>>,
    mode: Option<AuthenticationMode>,
) -> Vec<Entries> {
    let unknown = || {
        (
            denied(Permission::DescribeAccessEntry),
            denied(Permission::ListAccessEntries),
        )
    };
    let none = (Fact::Known(None), Fact::Known(Vec::new()));
    match mode {
        None => return vec![unknown()],
        Some(AuthenticationMode::ConfigMap) => return vec![none],
        Some(_) => {}
    }
    let mut all = vec![
        unknown(),
        (Fact::Known(None), denied(Permission::ListAccessEntries)),
        none,
    ];
    let full = iam
        .known()
        .and_then(Option::as_ref)
        .map_or(principal, |known| &known.principal);
    for (kind, created) in [
        (EntryType::Standard, DENIED - PROPAGATION / 2),
        (EntryType::Standard, MADE + 30 * DAY),
        (EntryType::Standard, MADE - 30 * DAY),
        (EntryType::Ec2Linux, MADE - 30 * DAY),
        (EntryType::Other, MADE - 30 * DAY),
    ] {
        let entry = entry(full, kind, created);
        all.push((Fact::Known(Some(entry)), Fact::default()));
    }
    all.extend(NEAR.into_iter().filter_map(|(near, exists)| {
        let entry = lookalike(principal, near)?;
        let miss = NearMiss {
            entry,
            near,
            exists,
        };
        Some((Fact::Known(None), Fact::Known(vec![miss])))
    }));
    all
}

fn entry(principal: &Principal, kind: EntryType, created: i64) -> AccessEntry {
    let is_standard = kind == EntryType::Standard;
    let group = if is_standard {
        "$(id) 'viewers'"
    } else {
        "system:nodes"
    };
    let username = if is_standard {
        "dev:{{SessionName}}"
    } else {
        "system:node:{{EC2PrivateDNSName}}"
    };
    AccessEntry {
        principal: principal.clone(),
        kind,
        username: LogText::new(username),
        groups: vec![LogText::new(group)],
        created,
        policies: if is_standard {
            Fact::Known(
                ["AmazonEKSClusterAdminPolicy", "AmazonEKSEditPolicy"]
                    .map(|name| AssociatedPolicy {
                        arn: LogText::new(format!("arn:aws:eks::aws:cluster-access-policy/{name}")),
                        namespaces: vec![LogText::new("shop-*")],
                    })
                    .to_vec(),
            )
        } else {
            denied(Permission::ListAssociatedAccessPolicies)
        },
    }
}

/// A principal that looks like another in one way, if there can be one.
fn lookalike(principal: &Principal, near: Near) -> Option<Principal> {
    let arn = principal.to_string();
    let kind = if principal.is_user() { "user" } else { "role" };
    let other = if principal.is_user() { "role" } else { "user" };
    let arn = match near {
        Near::OtherPath => arn.replace(&format!(":{kind}/"), &format!(":{kind}/old/")),
        Near::OtherSuffix => {
            principal.permission_set()?;
            arn.replace("0123456789abcdef", "fedcba9876543210")
        }
        Near::OtherCase => arn.replace(principal.name(), &principal.name().to_uppercase()),
        Near::OtherKind => arn.replace(&format!(":{kind}/"), &format!(":{other}/")),
        Near::OtherAccount => arn.replace(principal.account().as_str(), "777788889999"),
        Near::Former => "arn:aws:iam::111122223333:user/dana.smith".to_owned(),
    };
    arn.parse().ok()
}

/// What `aws-auth` may have.
fn rows(principal: &Principal) -> Vec<Fact<AwsAuthRow>> {
    let mut all = vec![
        Fact::default(),
        Fact::Known(AwsAuthRow::None),
        Fact::Known(AwsAuthRow::Fits),
        Fact::Known(AwsAuthRow::Broken),
    ];
    all.extend(FAULTS.into_iter().filter_map(|fault| {
        let arn = match fault {
            RowFault::KeepsPath if principal.is_user() => return None,
            RowFault::KeepsPath => principal.to_string().replace("role/", "role/team/*/dev/"),
            RowFault::MatchesNobody => format!(
                "arn:aws:sts::111122223333:assumed-role/{}/*\n- rolearn: $(id)",
                principal.name()
            ),
            RowFault::OtherSuffix => lookalike(principal, Near::OtherSuffix)?.to_string(),
            RowFault::OtherAccount => lookalike(principal, Near::OtherAccount)?.to_string(),
            RowFault::OtherKind => lookalike(principal, Near::OtherKind)?.to_string(),
        };
        Some(Fact::Known(AwsAuthRow::Near(fault, LogText::new(arn))))
    }));
    all
}

/// Who administers the cluster, and whether an entry of somebody else has groups.
type Administration = (Fact<Vec<Administrator>>, Fact<bool>);

fn administrators(mode: Option<AuthenticationMode>) -> Vec<Administration> {
    let known = |exists: bool| {
        Fact::Known(vec![Administrator {
            principal: "arn:aws:iam::111122223333:role/PlatformAdmin"
                .parse()
                .unwrap(),
            exists: Fact::Known(exists),
        }])
    };
    match mode {
        None => vec![(denied(Permission::ListAccessEntries), Fact::default())],
        Some(AuthenticationMode::ConfigMap) => vec![(Fact::Known(Vec::new()), Fact::default())],
        Some(_) => vec![
            (denied(Permission::ListAccessEntries), Fact::default()),
            (known(true), Fact::default()),
            (known(false), Fact::Known(false)),
            (known(false), Fact::Known(true)),
        ],
    }
}

fn cluster_facts(mode: AuthenticationMode) -> ClusterFacts {
    let world = worlds().into_iter().next().unwrap();
    let known = world.facts.cluster.known().unwrap().clone();
    ClusterFacts { mode, ..known }
}

fn cluster(mode: Option<AuthenticationMode>) -> Cluster {
    Cluster {
        name: "prod-eu".parse().ok(),
        region: "eu-west-1".parse().ok(),
        account: OWN.parse().ok(),
        mode,
    }
}

/// Shows every case of one principal to `show`.
fn for_every_case_of(arn: &str, mut show: impl FnMut(&Case<'_>)) {
    let principal: Principal = arn.parse().unwrap();
    let rows = rows(&principal);
    for mode in MODES {
        let cluster = cluster(mode);
        let mut facts = Facts {
            cluster: mode.map_or_else(
                || denied(Permission::DescribeCluster),
                |mode| Fact::Known(cluster_facts(mode)),
            ),
            last_denied: Some(DENIED),
            ..Facts::none()
        };
        for iam in in_iam(&principal) {
            for (entry, near) in entries(&principal, &iam, mode) {
                facts.entry = entry;
                facts.near = near;
                facts.iam = iam.clone();
                for row in &rows {
                    facts.aws_auth = row.clone();
                    for (administrators, groups_left) in administrators(mode) {
                        facts.administrators = administrators;
                        facts.groups_left = groups_left;
                        for symptom in [Symptom::NotMapped, Symptom::NotMappedNode] {
                            show(&Case {
                                symptom,
                                principal: Some(&principal),
                                aws_internal_session: false,
                                detail: Detail::None,
                                cluster: &cluster,
                                facts: &facts,
                            });
                        }
                    }
                }
            }
        }
    }
}

/// Does it for every principal, two at a time.
fn for_every_case(show: impl Fn(&Case<'_>) + Sync) {
    let show = &show;
    std::thread::scope(|scope| {
        let (one, other) = PRINCIPALS.split_at(1);
        scope.spawn(move || one.iter().for_each(|arn| for_every_case_of(arn, show)));
        for arn in other {
            for_every_case_of(arn, show);
        }
    });
}

#[test]
fn over_all_facts_one_cause_claims_each_case_and_contradicts_nothing_that_is_known() {
    for_every_case(|case| {
        let mut specific: Option<&Cause> = None;
        let mut general = 0;
        for cause in CAUSES
            .iter()
            .filter(|cause| cause.symptoms.contains(&case.symptom))
        {
            match (cause.tier, (cause.claim)(case)) {
                (Tier::Specific, Claim::Yes) => {
                    assert!(
                        specific.is_none(),
                        "{} and {} claim {case:#?}",
                        cause.id,
                        specific.unwrap().id
                    );
                    specific = Some(cause);
                    assert!(is_true(cause, case), "{} claims {case:#?}", cause.id);
                }
                (Tier::General, Claim::Yes) => general += 1,
                (_, Claim::Perhaps(fact)) => assert!(
                    is_unknown(fact, case),
                    "{}: {fact} is known of {case:#?}",
                    cause.id
                ),
                (_, Claim::No) => {}
            }
        }
        assert_eq!(general, 1, "{case:#?}");
    });
}

/// Entries that may have been meant for somebody.
const LOOKS_ALIKE: [Near; 5] = [
    Near::OtherPath,
    Near::OtherSuffix,
    Near::OtherCase,
    Near::OtherKind,
    Near::OtherAccount,
];

/// Whether a cause says nothing that the facts contradict.
fn is_true(cause: &Cause, case: &Case<'_>) -> bool {
    use AuthenticationMode::{Api, ConfigMap};
    let facts = case.facts;
    let mode = case.cluster.mode;
    let has_entry = facts.own_entry().is_some();
    let reads_rows = mode.is_some_and(|mode| mode != Api);
    let row = facts.aws_auth.known().filter(|_| reads_rows);
    let has_row = |fault| matches!(row, Some(AwsAuthRow::Near(is, _)) if *is == fault);
    let near = |is: &[Near]| {
        let all = facts.near.known().map_or(&[][..], Vec::as_slice);
        all.iter()
            .any(|miss| is.contains(&miss.near) && miss.exists != Fact::Known(true))
    };
    let is_suffix_gone = facts.near.known().is_some_and(|all| {
        let is_gone = |miss: &NearMiss| miss.exists == Fact::Known(false);
        all.iter()
            .any(|miss| miss.near == Near::OtherSuffix && is_gone(miss))
    });
    let is_foreign = case.foreign_principal().is_some();
    let is_gone = facts.iam == Fact::Known(None);
    let may_be_mapped = facts.entry != Fact::Known(None) && mode != Some(ConfigMap);
    let trust = facts.trust();
    match cause.id {
        "principal-never-mapped" | "no-administrator-left" => {
            !may_be_mapped
                && !near(&LOOKS_ALIKE[..3])
                && (cause.id == "no-administrator-left" || !near(&LOOKS_ALIKE))
                && facts.iam_principal().is_some()
                && facts.near.known().is_some()
                && (mode == Some(Api) || row == Some(&AwsAuthRow::None))
                && (cause.id == "principal-never-mapped" || facts.is_without_administrator())
        }
        "entry-outlived-its-role" => facts
            .own_entry()
            .zip(facts.iam_principal())
            .is_some_and(|(entry, iam)| iam.created > entry.created),
        "access-entry-not-yet-effective" => facts
            .own_entry()
            .is_some_and(|entry| DENIED <= entry.created + PROPAGATION),
        "mapping-without-effect" => {
            let is_older = facts
                .own_entry()
                .zip(facts.iam_principal())
                .is_some_and(|(entry, iam)| iam.created > entry.created);
            !is_older && !is_gone && (has_entry || row == Some(&AwsAuthRow::Fits))
        }
        "sso-role-reprovisioned" => {
            case.principal.unwrap().permission_set().is_some()
                && !has_entry
                && (is_suffix_gone || has_row(RowFault::OtherSuffix))
        }
        "access-entry-has-another-path" => {
            let is_path_known =
                case.principal.unwrap().is_user() || facts.iam_principal().is_some();
            !has_entry && is_path_known && near(&[Near::OtherPath])
        }
        "mapped-under-a-lookalike" => {
            !has_entry
                && (near(&[Near::OtherCase, Near::OtherKind]) || has_row(RowFault::OtherKind))
        }
        "mapped-in-another-account" => {
            !has_entry && (near(&[Near::OtherAccount]) || has_row(RowFault::OtherAccount))
        }
        "principal-no-longer-exists" => is_gone,
        "not-in-aws-auth" => {
            mode == Some(ConfigMap) && row.is_none_or(|row| *row == AwsAuthRow::None)
        }
        "mapped-only-in-aws-auth" => {
            mode == Some(Api) && !has_entry && facts.aws_auth == Fact::Known(AwsAuthRow::Fits)
        }
        "aws-auth-row-keeps-path" => !has_entry && has_row(RowFault::KeepsPath),
        "aws-auth-row-matches-nobody" => !has_entry && has_row(RowFault::MatchesNobody),
        "mapping-lost-in-broken-aws-auth" => !has_entry && row == Some(&AwsAuthRow::Broken),
        "foreign-account-principal" => is_foreign && !has_entry,
        "service-linked-role" => case.principal.unwrap().is_service_linked(),
        "aws-internal-principal" => is_foreign,
        _ if has_entry || is_gone || is_foreign => false,
        "ec2-instance-role-not-mapped" => trust.is_some_and(Trust::is_of_ec2),
        "fargate-role-not-mapped" => trust.is_some_and(Trust::is_of_fargate),
        "hybrid-node-role-not-mapped" => trust.is_some_and(Trust::is_of_hybrid_nodes),
        "irsa-role-not-mapped" => trust.is_some_and(Trust::is_of_service_account),
        "pod-identity-role-not-mapped" => trust.is_some_and(Trust::is_of_pod_identity),
        "pipeline-role-not-mapped" => trust.is_some_and(|trust| trust.pipeline().is_some()),
        other => panic!("what would {other} contradict?"),
    }
}

/// Whether a fact that would settle something is really unknown.
fn is_unknown(fact: &str, case: &Case<'_>) -> bool {
    let facts = case.facts;
    match fact {
        "the access entries of the cluster" => {
            case.cluster.mode != Some(AuthenticationMode::ConfigMap)
                && facts.own_entry().is_none()
                && (facts.entry.known().is_none() || facts.near.known().is_none())
        }
        "the rows of aws-auth" => facts.aws_auth.known().is_none(),
        "when the role or user was made, in IAM"
        | "the trust policy of the role, in IAM"
        | "the path of the role, in IAM" => facts.iam.known().is_none(),
        "the account of the cluster" => case.cluster.account.is_none(),
        "whether IAM has the role or user" => {
            facts.iam.known().is_none() && facts.own_entry().is_none()
        }
        "whether IAM has the other role of the permission set" => {
            let near = facts.near.known().map_or(&[][..], Vec::as_slice);
            near.iter().any(|miss| miss.exists.known().is_none())
        }
        "whether a group of another access entry lets somebody administer the cluster" => {
            facts.groups_left != Fact::Known(false)
        }
        "whom the entry or row of the same name is meant for"
        | "which of those that may assume the role called"
        | "whether a node or a program called"
        | "whether it is refused still, now that it has an entry" => true,
        other => panic!("who knows whether {other} is known?"),
    }
}

/// One case for each kind of facts that remedies turn on, with the cause that claims it.
pub(crate) static CLAIMED: LazyLock<Vec<(&'static Cause, Case<'static>)>> = LazyLock::new(|| {
    let mut claimed = Vec::new();
    for arn in PRINCIPALS {
        let principal: &'static Principal = Box::leak(Box::new(arn.parse().unwrap()));
        let mut seen = BTreeSet::new();
        for_every_case_of(arn, |case| {
            let facts = case.facts;
            let kind = (
                case.symptom,
                case.cluster.mode,
                format!("{:?}", discriminant(&Finding::of(case))),
                facts.own_entry().map(|entry| entry.kind),
                facts
                    .iam_principal()
                    .map(|known| known.principal.has_path()),
                facts.is_without_administrator(),
            );
            if seen.insert(kind) {
                let case = Case {
                    principal: Some(principal),
                    cluster: Box::leak(Box::new(case.cluster.clone())),
                    facts: Box::leak(Box::new(facts.clone())),
                    ..*case
                };
                claimed.push((judge(&case).cause.unwrap(), case));
            }
        });
    }
    claimed
});

/// Facts that are taken away, with those that are asked for only after them.
const TAKEN: [fn(&mut Facts); 6] = [
    |facts| {
        facts.cluster = denied(Permission::DescribeCluster);
        facts.entry = denied(Permission::DescribeCluster);
        facts.near = denied(Permission::DescribeCluster);
        facts.administrators = denied(Permission::DescribeCluster);
    },
    |facts| facts.iam = denied(Permission::GetRole),
    |facts| {
        facts.entry = denied(Permission::DescribeAccessEntry);
        facts.near = denied(Permission::DescribeAccessEntry);
    },
    |facts| facts.near = denied(Permission::ListAccessEntries),
    |facts| facts.administrators = denied(Permission::ListAccessEntries),
    |facts| facts.aws_auth = Fact::default(),
];

#[test]
fn whatever_is_not_known_no_cause_is_claimed_that_the_whole_truth_contradicts() {
    for_every_case(|truth| {
        let is_whole =
            truth.facts.cluster.known().is_some() && truth.facts.administrators.known().is_some();
        if !is_whole || Finding::of(truth) == Finding::Open {
            return;
        }
        for (at, take) in TAKEN.into_iter().enumerate() {
            let mut facts = truth.facts.clone();
            take(&mut facts);
            let told = cluster(None);
            let cluster = facts.cluster_as_known(&told);
            let case = Case {
                cluster: &cluster,
                facts: &facts,
                ..*truth
            };
            let cause = judge(&case).cause.unwrap();
            assert!(
                cause.tier == Tier::General || is_still_true(cause, truth),
                "without {at}, {} claims {truth:#?}",
                cause.id
            );
        }
    });
}

/// Whether a cause is true of all that is the case, or only says less of it than could be said.
fn is_still_true(cause: &Cause, truth: &Case<'_>) -> bool {
    let facts = truth.facts;
    let near = facts.near.known().map_or(&[][..], Vec::as_slice);
    match cause.id {
        "principal-never-mapped" | "no-administrator-left" => {
            let alike = if cause.id == "principal-never-mapped" {
                &LOOKS_ALIKE[..]
            } else {
                &LOOKS_ALIKE[..3]
            };
            let is_meant =
                |miss: &NearMiss| alike.contains(&miss.near) && miss.exists != Fact::Known(true);
            let can_be = cause.id == "principal-never-mapped" || facts.is_without_administrator();
            can_be && facts.own_entry().is_none() && !near.iter().any(is_meant)
        }
        // The entry or row is there; that it outlived its principal is the first reason on the page.
        "mapping-without-effect" => {
            facts.own_entry().is_some() || facts.aws_auth == Fact::Known(AwsAuthRow::Fits)
        }
        // Whatever a row says, the authenticator did not take it.
        "not-in-aws-auth" => truth.cluster.mode == Some(AuthenticationMode::ConfigMap),
        "foreign-account-principal" => truth.foreign_principal().is_some(),
        _ => is_true(cause, truth) || is_true_of_the_rows(cause, truth),
    }
}

/// Whether a cause is true of a row that does not do what it is for, whatever an entry says: the authenticator asks both.
fn is_true_of_the_rows(cause: &Cause, truth: &Case<'_>) -> bool {
    let facts = Facts {
        entry: Fact::Known(None),
        ..truth.facts.clone()
    };
    let is_row = matches!(
        facts.aws_auth,
        Fact::Known(AwsAuthRow::Near(..) | AwsAuthRow::Broken)
    );
    let facts = &facts;
    is_row && is_true(cause, &Case { facts, ..*truth })
}

#[test]
fn a_world_with_a_fact_taken_away_is_claimed_by_a_cause_that_is_still_true_or_perhaps() {
    for world in worlds() {
        if !matches!(world.symptom, Symptom::NotMapped | Symptom::NotMappedNode) {
            continue;
        }
        for (at, take) in TAKEN.into_iter().enumerate() {
            let mut less = world.clone();
            take(&mut less.facts);
            let told = cluster(None);
            let cluster = less.facts.cluster_as_known(&told);
            let judgement = judge(&less.case(&cluster));
            let cause = judgement.cause.unwrap();
            // What a node's role is for is proved by the commands of the general cause.
            let is_node = cause.id == "node-not-mapped";
            let is_settled = cause.tier == Tier::Specific || is_node;
            let names_a_fact = judgement.perhaps.iter().any(|it| it.fact.is_some());
            assert!(is_settled || names_a_fact, "{} without {at}", world.cause);
        }
    }
}
