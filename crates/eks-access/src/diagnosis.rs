//! A line that was read and what is known of its cluster make a diagnosis.

use crate::catalogue::{Case, Cause, Judgement, Possibility, judge};
use crate::cluster::{AuthenticationMode, Cluster};
use crate::denial::Seen;
use crate::facts::{Fact, Facts};

/// Why something was refused. What to do is [`Cause::remedies_for`] the case.
#[derive(Debug, Clone)]
pub struct Diagnosis {
    /// The cause; `None` when no cause claims the case.
    pub cause: Option<&'static Cause>,
    /// What looks the same from outside, most likely first.
    pub perhaps: Vec<Possibility>,
    /// Whether an access entry could be offered, as far as a line alone can show.
    pub is_grantable: bool,
}

/// The causes of a denial that an access entry would mend.
const MENDED_BY_AN_ENTRY: [&str; 2] = ["principal-not-mapped", "principal-never-mapped"];

/// Diagnoses a line that needs explaining.
#[must_use]
pub fn diagnose(seen: &Seen, cluster: &Cluster, facts: &Facts) -> Diagnosis {
    let case = seen.case(cluster, facts);
    let Judgement { cause, perhaps } = judge(&case);
    let is_grantable =
        seen.is_grantable(cluster) && cause.is_some_and(|cause| facts_allow_a_grant(&case, cause));
    Diagnosis {
        cause,
        perhaps,
        is_grantable,
    }
}

/// Whether nothing that is known speaks against an access entry for the principal of the case: the cause is one that an
/// entry mends, the mode has entries, IAM has the principal, and it is no role of nodes or pods.
pub(crate) fn facts_allow_a_grant(case: &Case<'_>, cause: &Cause) -> bool {
    let facts = case.facts;
    let is_of_machines = facts.trust().is_some_and(|trust| {
        trust.is_of_ec2()
            || trust.is_of_fargate()
            || trust.is_of_hybrid_nodes()
            || trust.is_of_eks()
            || trust.is_of_pod_identity()
            || trust.is_of_service_account()
    });
    MENDED_BY_AN_ENTRY.contains(&cause.id)
        && case
            .cluster
            .mode
            .is_none_or(AuthenticationMode::has_access_entries)
        && facts.iam != Fact::Known(None)
        && facts.own_entry().is_none()
        && !is_of_machines
}
