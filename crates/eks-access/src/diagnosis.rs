//! A line that was read and what is known of its cluster make a diagnosis.

use crate::catalogue::{Cause, Judgement, Possibility, judge};
use crate::cluster::Cluster;
use crate::denial::Seen;

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

/// Diagnoses a line that needs explaining.
#[must_use]
pub fn diagnose(seen: &Seen, cluster: &Cluster) -> Diagnosis {
    let case = seen.case(cluster);
    let Judgement { cause, perhaps } = judge(&case);
    let is_grantable =
        cause.is_some_and(|cause| cause.id == "principal-not-mapped") && seen.is_grantable(cluster);
    Diagnosis {
        cause,
        perhaps,
        is_grantable,
    }
}
