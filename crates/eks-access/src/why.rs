//! Why a principal would not get in, without waiting for a denial.

use crate::catalogue::{Case, Detail, Judgement, judge};
use crate::cluster::Cluster;
use crate::facts::Facts;
use crate::incident::Subject;
use crate::notice::{Evidence, Notice, Standing};
use crate::principal::Principal;
use crate::symptom::Symptom;

/// What the authenticator would say of a principal that nothing maps.
#[must_use]
pub fn symptom(principal: &Principal, facts: &Facts) -> Symptom {
    let is_of_nodes = facts
        .trust()
        .is_some_and(|trust| trust.is_of_fargate() || trust.is_of_hybrid_nodes());
    if principal.is_root() {
        Symptom::NotMappedRoot
    } else if principal.is_federated_user() {
        Symptom::NotMappedFederated
    } else if is_of_nodes || principal.is_named_like_a_node_role() {
        Symptom::NotMappedNode
    } else {
        Symptom::NotMapped
    }
}

/// The case that a login of the principal would be.
#[must_use]
pub fn case<'a>(principal: &'a Principal, cluster: &'a Cluster, facts: &'a Facts) -> Case<'a> {
    Case {
        symptom: symptom(principal, facts),
        principal: Some(principal),
        aws_internal_session: false,
        detail: Detail::None,
        cluster,
        facts,
    }
}

/// Why the principal would be refused, as a notice that nobody was refused for. `None` if no cause claims it.
#[must_use]
pub fn notice(principal: &Principal, cluster: &Cluster, facts: Facts) -> Option<Notice> {
    let cluster = facts.cluster_as_known(cluster);
    let principal = principal.canonical();
    let case = case(&principal, &cluster, &facts);
    let Judgement { cause, perhaps } = judge(&case);
    let cause = cause?;
    let symptom = case.symptom;
    Some(Notice {
        severity: cause.severity,
        subject: Subject::Principal(principal),
        symptom,
        detail: Detail::None,
        cause,
        perhaps,
        is_grantable: false,
        count: 0,
        principals: Vec::new(),
        sessions: Vec::new(),
        first_seen: None,
        last_seen: None,
        evidence: Evidence::default(),
        cluster,
        learned: Some(Box::new(facts)),
        standing: Standing::First,
    })
}
