//! A line that was read and what is known of its cluster make a diagnosis.

use crate::catalogue::{Cause, judge};
use crate::cluster::Cluster;
use crate::denial::Seen;
use crate::remedy::Remedy;

/// Why something was refused, and what to do.
#[derive(Debug, Clone)]
pub struct Diagnosis {
    /// The cause; `None` when no cause claims the case.
    pub cause: Option<&'static Cause>,
    /// What looks the same from outside, most likely first.
    pub perhaps: Vec<Possibility>,
    /// What to do, the least first. Only what can work in this cluster's authentication mode.
    pub remedies: Vec<Remedy>,
    /// Whether an access entry could be offered, as far as a line alone can show.
    pub is_grantable: bool,
}

/// Another cause that the case could have.
#[derive(Debug, Clone, Copy)]
pub struct Possibility {
    /// The cause.
    pub cause: &'static Cause,
    /// The fact that would settle it, where one would.
    pub fact: Option<&'static str>,
}

/// Diagnoses a line that needs explaining.
#[must_use]
pub fn diagnose(seen: &Seen, cluster: &Cluster) -> Diagnosis {
    let case = seen.case(cluster);
    let judgement = judge(&case);
    let mut remedies = judgement
        .cause
        .map_or_else(Vec::new, |cause| (cause.remedies)(&case));
    remedies.retain(|remedy| remedy.modes.allow(cluster.mode));
    let perhaps = judgement
        .perhaps
        .into_iter()
        .map(|(cause, fact)| Possibility { cause, fact })
        .collect();
    let is_grantable = judgement
        .cause
        .is_some_and(|cause| cause.id == "principal-not-mapped")
        && seen.is_grantable(cluster);
    Diagnosis {
        cause: judgement.cause,
        perhaps,
        remedies,
        is_grantable,
    }
}
