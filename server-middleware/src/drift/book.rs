//! The drift of one resource server: counted, acted on, listed and released.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use handfast_identity::{ContentHash, UnixTime};
use handfast_verifier::{ProvenDrift, Stop, Stops, Work};

use super::issuer::IssuerDrift;
use super::{DriftAction, DriftNotice, DriftPolicy, DriftRecord, OnDrift};
use crate::Clock;

/// What callers asked for beyond what their tasks were given, and what this server stopped because of it.
///
/// It is kept in the memory of this process: another node counts for itself, and a new process begins anew. Who wants more
/// takes [`Builder::on_drift`](crate::Builder::on_drift) and revokes at the registry.
pub struct DriftBook {
    policy: DriftPolicy,
    on_drift: Option<OnDrift>,
    clock: Arc<dyn Clock>,
    issuers: RwLock<HashMap<String, IssuerDrift>>,
    /// Tasks with stops, of all issuers: mostly none, and then no request waits for the lock.
    stopped: AtomicUsize,
}

impl DriftBook {
    pub(crate) fn new(policy: DriftPolicy, on_drift: Option<OnDrift>, clock: Arc<dyn Clock>) -> Self {
        Self { policy, on_drift, clock, issuers: RwLock::default(), stopped: AtomicUsize::new(0) }
    }

    /// Every task that is kept count of or has something stopped, in no order.
    #[must_use]
    pub fn list(&self) -> Vec<DriftRecord> {
        self.read().values().flat_map(IssuerDrift::records).collect()
    }

    /// How many tasks are kept count of or have something stopped, of all issuers.
    #[must_use]
    pub fn len(&self) -> usize {
        self.read().values().map(IssuerDrift::len).sum()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Halts a task here until it is released: requests of it are answered with `task_halted`. False if too many are kept.
    pub fn halt(&self, issuer: &str, task: &str) -> bool {
        let now = self.clock.now();
        self.change(issuer, |drift| drift.halt(task, now))
    }

    /// Suspends a hop of a task here, and all below it, until the task is released: `delegation_suspended`. False if too many
    /// are kept.
    pub fn suspend(&self, issuer: &str, task: &str, hop: ContentHash) -> bool {
        let now = self.clock.now();
        self.change(issuer, |drift| drift.suspend(task, hop, now))
    }

    /// Lets a task go on, with every hop of it and with its agent's own tasks if they were halted with it, and begins to count
    /// anew. Says whether anything was known of it.
    pub fn release(&self, issuer: &str, task: &str) -> bool {
        self.change(issuer, |drift| drift.release(task))
    }

    /// Counts a wish, acts on it, logs it and tells whoever wants to know.
    pub(crate) fn count(&self, drift: &ProvenDrift, now: UnixTime) {
        let wish = drift.wish();
        let Some((wishes, action)) = self.change(&wish.issuer, |kept| kept.count(wish, &self.policy, now)) else {
            tracing::error!(issuer = wish.issuer, "too many tasks are stopped: the drift of another is not counted");
            return;
        };
        let (issuer, task, client, reason) = (&wish.issuer, &wish.task, &wish.client_id, wish.reason);
        let hop = wish.hop.map(|hop| hop.to_string());
        match action {
            DriftAction::Logged => tracing::info!(issuer, task, client, hop, reason, wishes, "a task drifts"),
            DriftAction::Suspended => {
                tracing::warn!(issuer, task, client, hop, reason, wishes, "a delegation is suspended");
            }
            DriftAction::Halted => tracing::warn!(issuer, task, client, hop, reason, wishes, "a task is halted"),
        }
        if let Some(OnDrift(tell)) = &self.on_drift {
            tell(&DriftNotice { wish: wish.clone(), wishes, action });
        }
    }

    fn change<T>(&self, issuer: &str, apply: impl FnOnce(&mut IssuerDrift) -> T) -> T {
        let mut issuers = self.write();
        let result = match issuers.get_mut(issuer) {
            Some(drift) => apply(drift),
            None => apply(issuers.entry(issuer.to_owned()).or_insert_with(|| IssuerDrift::new(issuer))),
        };
        self.stopped.store(issuers.values().map(IssuerDrift::stopped).sum(), Ordering::Release);
        result
    }

    fn read(&self) -> RwLockReadGuard<'_, HashMap<String, IssuerDrift>> {
        self.issuers.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<String, IssuerDrift>> {
        // indexes are rebuilt with the record they are of, so a panic elsewhere leaves none half done
        self.issuers.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stops for DriftBook {
    fn stop(&self, work: &Work<'_>) -> Option<Stop> {
        if self.stopped.load(Ordering::Acquire) == 0 {
            return None;
        }
        self.read().get(work.issuer)?.stop(work)
    }
}

impl fmt::Debug for DriftBook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DriftBook")
            .field("policy", &self.policy)
            .field("stopped", &self.stopped)
            .finish_non_exhaustive()
    }
}
