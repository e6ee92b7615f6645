//! Why a principal would not get in, without waiting for a denial.

use crate::catalogue::{Case, Detail, Judgement, judge};
use crate::cluster::Cluster;
use crate::facts::{EntryType, Facts, Trust};
use crate::incident::Subject;
use crate::notice::{Evidence, Notice, Standing};
use crate::principal::Principal;
use crate::symptom::Symptom;
use crate::whoami::{self, Verdict};

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

/// Whether the cluster lets the principal in, be it a person's, a program's or a node's: nobody is signed in as it here.
#[must_use]
pub fn verdict(principal: &Principal, facts: &Facts) -> Verdict {
    let trust = facts.trust();
    let is_named_so = principal.is_named_like_a_node_role();
    let is_of = |is_of: fn(&Trust) -> bool| trust.map_or(is_named_so, is_of);
    let is_auto_modes = facts
        .cluster
        .known()
        .and_then(|cluster| cluster.auto_mode_node_role.as_ref())
        .is_some_and(|role| role.is_of_the_same_name(principal));
    let is_of_nodes = principal.is_role()
        && (is_auto_modes
            || trust.map_or(is_named_so, |trust| {
                trust.is_of_fargate() || (is_named_so && trust.may_be_of_nodes())
            }));
    match whoami::verdict(principal, facts) {
        Verdict::ForNodes(kind)
            if match kind {
                EntryType::FargateLinux => is_of(Trust::is_of_fargate),
                EntryType::HybridLinux => is_of(Trust::is_of_hybrid_nodes),
                EntryType::Ec2Linux | EntryType::Ec2Windows | EntryType::Ec2 => {
                    is_of(Trust::is_of_ec2)
                }
                _ => is_of(Trust::may_be_of_nodes),
            } =>
        {
            Verdict::NodesLetIn
        }
        Verdict::RowForNodes if is_of(Trust::is_of_ec2) => Verdict::NodesLetIn,
        Verdict::LetIn | Verdict::Powerless if is_of_nodes => Verdict::NodesNotLetIn,
        verdict => verdict,
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
