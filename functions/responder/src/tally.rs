//! What an invocation counted.

use std::collections::BTreeMap;
use std::time::SystemTime;

use eks_access::incident::Counts;
use eks_access::symptom::{Kind, Symptom};
use eks_access_aws::emf::{self, Metric};
use eks_access_aws::log;

/// What an invocation counted.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    totals: BTreeMap<Metric, u64>,
    by_symptom: BTreeMap<Symptom, u64>,
}

/// Who measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin<'a> {
    pub(crate) namespace: &'a emf::Namespace,
    pub(crate) function: &'a str,
    pub(crate) request_id: &'a str,
}

impl Tally {
    pub(crate) fn add(&mut self, metric: Metric, count: usize) {
        self.add_lines(metric, u64::try_from(count).unwrap_or(u64::MAX));
    }

    pub(crate) fn add_lines(&mut self, metric: Metric, count: u64) {
        *self.totals.entry(metric).or_default() += count;
    }

    /// The most of what is measured, and not the sum.
    pub(crate) fn most(&mut self, metric: Metric, value: u64) {
        let most = self.totals.entry(metric).or_default();
        *most = (*most).max(value);
    }

    pub(crate) fn count(&mut self, counts: &Counts) {
        self.add_lines(Metric::Lines, counts.lines);
        self.add_lines(Metric::Denials, counts.problems());
        self.add_lines(Metric::Unrecognised, counts.of(Symptom::UnknownDenial));
        self.add_lines(Metric::Unreadable, counts.of_kind(Kind::Unreadable));
        self.add_lines(Metric::Ignored, counts.ignored);
        self.add_lines(Metric::Overtaken, counts.overtaken);
        for (symptom, count) in counts
            .by_symptom
            .iter()
            .filter(|(symptom, _)| symptom.kind().is_problem())
        {
            *self.by_symptom.entry(*symptom).or_default() += count;
        }
    }

    /// Writes these metrics, zeros included, so that alarms have data.
    pub(crate) fn write(&self, metrics: &[Metric], origin: Origin<'_>) {
        self.write_if(metrics, |_| true, origin);
    }

    /// Writes what there is of these metrics: a tick every minute writes the zeros, and in a storm of deliveries the log
    /// would cost more than all the rest.
    pub(crate) fn write_without_zeros(&self, metrics: &[Metric], origin: Origin<'_>) {
        self.write_if(metrics, |value| value > 0, origin);
    }

    fn write_if(&self, metrics: &[Metric], is_written: impl Fn(u64) -> bool, origin: Origin<'_>) {
        let total = |metric: &Metric| self.totals.get(metric).copied().unwrap_or_default();
        let totals: Vec<_> = metrics
            .iter()
            .map(|metric| (*metric, total(metric)))
            .filter(|(_, value)| is_written(*value))
            .collect();
        let by_symptom: Vec<_> = self
            .by_symptom
            .iter()
            .map(|(symptom, count)| (*symptom, *count))
            .collect();
        let at = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default()
            .as_millis();
        let origin = emf::Origin {
            namespace: origin.namespace,
            function: origin.function,
            request_id: origin.request_id,
            at: u64::try_from(at).unwrap_or(u64::MAX),
        };
        if !totals.is_empty() {
            for document in emf::documents(origin, &totals, &by_symptom) {
                log::write_line(&document);
            }
        }
    }
}
