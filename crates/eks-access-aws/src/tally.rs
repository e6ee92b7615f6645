//! What an invocation of approver, granter or revoker counted.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::clock;
use crate::emf::{self, Metric, Namespace};
use crate::log;

/// What was counted; shared by what goes on at the same time.
#[derive(Debug, Default)]
pub struct Tally(Mutex<BTreeMap<Metric, u64>>);

impl Tally {
    /// So many more.
    pub fn add(&self, metric: Metric, count: u64) {
        let mut totals = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *totals.entry(metric).or_default() += count;
    }

    /// Writes these metrics, zeros included.
    pub fn write(
        &self,
        metrics: &[Metric],
        namespace: &Namespace,
        function: &str,
        request_id: &str,
    ) {
        let totals = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let values: Vec<_> = metrics
            .iter()
            .map(|metric| (*metric, totals.get(metric).copied().unwrap_or_default()))
            .collect();
        let origin = emf::Origin {
            namespace,
            function,
            request_id,
            at: u64::try_from(clock::now()).unwrap_or(0),
        };
        for document in emf::documents(origin, &values, &[]) {
            log::write_line(&document);
        }
    }
}
