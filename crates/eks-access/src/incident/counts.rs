//! What a digest counted.

use std::collections::BTreeMap;

use crate::symptom::{Kind, Symptom};

/// What was counted. Every line is in exactly one of `by_symptom`, `ignored`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Lines looked at, ignored ones included.
    pub lines: u64,
    /// Lines of log groups or streams that are not ours to read.
    pub ignored: u64,
    /// Lines by what they say.
    pub by_symptom: BTreeMap<Symptom, u64>,
    /// Denials of AWS' own callers, which are no notices.
    pub aws_internal: u64,
    /// Denials that an access entry had overtaken by the time they were looked at, which are no notices.
    pub overtaken: u64,
    /// Problems of more incidents than one digest holds.
    pub untold: u64,
}

impl Counts {
    /// Lines with this symptom.
    #[must_use]
    pub fn of(&self, symptom: Symptom) -> u64 {
        self.by_symptom.get(&symptom).copied().unwrap_or_default()
    }

    /// Lines of this kind.
    #[must_use]
    pub fn of_kind(&self, kind: Kind) -> u64 {
        self.of_kinds(|other| other == kind)
    }

    fn of_kinds(&self, is_asked: impl Fn(Kind) -> bool) -> u64 {
        self.by_symptom
            .iter()
            .filter(|(symptom, _)| is_asked(symptom.kind()))
            .map(|(_, count)| count)
            .sum()
    }

    /// Lines that say that something was refused or is broken.
    #[must_use]
    pub fn problems(&self) -> u64 {
        self.of_kinds(Kind::is_problem)
    }
}
