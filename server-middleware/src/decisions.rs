//! How often what was decided, for metrics.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Counters of one resource server since its start, by reason. Reasons are a closed list, so the memory is bounded.
#[derive(Debug, Default)]
pub struct Decisions {
    accepted: AtomicU64,
    refused: Mutex<BTreeMap<&'static str, u64>>,
}

/// One counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// The stable reason (spec/reasons.md).
    pub reason: &'static str,
    /// Requests refused for it.
    pub requests: u64,
}

impl Decisions {
    /// Requests that were served.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Requests refused, by reason, in alphabetical order. A reason that did not occur is not listed.
    #[must_use]
    pub fn refused(&self) -> Vec<Count> {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.iter().map(|(reason, requests)| Count { reason, requests: *requests }).collect()
    }

    pub(crate) fn count_accepted(&self) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_refused(&self, reason: &'static str) {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner).entry(reason).or_default() += 1;
    }
}
