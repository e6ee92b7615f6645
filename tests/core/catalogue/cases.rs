//! Every kind of case: symptoms, principals, details and knowledge of the cluster.

use std::sync::LazyLock;

use eks_access::catalogue::{Case, Cause, Detail};
use eks_access::cluster::{AuthenticationMode, Cluster};
use eks_access::facts::NO_FACTS;
use eks_access::principal::Principal;
use eks_access::symptom::Symptom;

/// The cluster's account in every case that has one.
pub(crate) const OWN: &str = "111122223333";

/// As strange as IAM allows a name to be.
pub(crate) const STRANGE: &str = "a+=,.@_-b";

/// Lines that are no denial, and need no cause.
pub(crate) const QUIET: [Symptom; 4] = [
    Symptom::InfoOther,
    Symptom::StsIdentity,
    Symptom::AccessGranted,
    Symptom::Truncated,
];

/// One of each kind of principal, by a name for messages.
pub(crate) const PRINCIPALS: [&str; 18] = [
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

pub(crate) const DETAILS: [Detail; 5] = [
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
pub(crate) static CASES: LazyLock<Vec<Case<'static>>> = LazyLock::new(|| {
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
                            facts: &NO_FACTS,
                        });
                    }
                }
            }
        }
    }
    cases
});

pub(crate) fn cases_of(symptom: Symptom) -> impl Iterator<Item = &'static Case<'static>> {
    CASES.iter().filter(move |case| case.symptom == symptom)
}

/// A case of which no more is known.
pub(crate) fn plain<'a>(
    symptom: Symptom,
    principal: Option<&'a Principal>,
    cluster: &'a Cluster,
) -> Case<'a> {
    Case {
        symptom,
        principal,
        aws_internal_session: false,
        detail: Detail::None,
        cluster,
        facts: &NO_FACTS,
    }
}

/// A cluster of which no more than the account is known.
pub(crate) fn of_account(account: Option<&str>) -> Cluster {
    Cluster {
        account: account.map(|account| account.parse().unwrap()),
        ..Cluster::default()
    }
}

pub(crate) fn describe(cause: &Cause, case: &Case<'_>) -> String {
    format!("{} for {case:?}", cause.id)
}
