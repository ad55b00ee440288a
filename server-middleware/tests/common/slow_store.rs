//! A memory that is waited for: something happens meanwhile.

use std::fmt;
use std::sync::Mutex;

use handfast_dpop::{MemoryReplay, Receipt, ReplayEntry, ReplayError, ReplayLimits, ReplayStore};
use handfast_identity::UnixTime;
use handfast_middleware::store::{SharedStore, StoreAnswer};
use handfast_verifier::budget::{BudgetError, BudgetLimits, Charges, MemoryBudgets, Spent};

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    Proof,
    Budget,
}

type Happens = (Wait, Box<dyn FnOnce() + Send>);

pub(crate) struct SlowStore {
    replay: MemoryReplay,
    budgets: MemoryBudgets,
    next: Mutex<Option<Happens>>,
}

impl SlowStore {
    pub(crate) fn new() -> Self {
        Self {
            replay: MemoryReplay::new(ReplayLimits::default()),
            budgets: MemoryBudgets::new(BudgetLimits::default()),
            next: Mutex::default(),
        }
    }

    /// Happens once, while somebody waits for this next.
    pub(crate) fn meanwhile(&self, wait: Wait, happens: impl FnOnce() + Send + 'static) {
        *self.next.lock().unwrap() = Some((wait, Box::new(happens)));
    }

    async fn wait(&self, wait: Wait) {
        tokio::task::yield_now().await;
        let happens = self.next.lock().unwrap().take_if(|(when, _)| *when == wait);
        if let Some((_, happens)) = happens {
            happens();
        }
        tokio::task::yield_now().await;
    }
}

impl fmt::Debug for SlowStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SlowStore").finish_non_exhaustive()
    }
}

impl SharedStore for SlowStore {
    fn remember<'a>(&'a self, entry: &'a ReplayEntry, now: UnixTime) -> StoreAnswer<'a, Receipt, ReplayError> {
        Box::pin(async move {
            self.wait(Wait::Proof).await;
            self.replay.insert(entry, now)
        })
    }

    fn spend<'a>(&'a self, charges: &'a Charges, now: UnixTime) -> StoreAnswer<'a, Spent, BudgetError> {
        Box::pin(async move {
            self.wait(Wait::Budget).await;
            charges.spend(&self.budgets, now)
        })
    }
}
