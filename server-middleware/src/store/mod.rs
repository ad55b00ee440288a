//! Where proofs and uses of budgets are remembered: in this process, or by several servers of one resource together.

#[cfg(feature = "redis")]
pub mod redis;
mod shared;

use std::sync::Arc;

use handfast_dpop::{ForeseenEntry, Receipt, ReplayEntry, ReplayError, ReplayStore, StoreFill};
use handfast_identity::UnixTime;
use handfast_verifier::budget::{BudgetError, BudgetStore, Charges, Spent};

pub use shared::{SharedStore, StoreAnswer};

/// The memory of one server.
pub(crate) enum Stores {
    /// Asked without waiting.
    Own { replay: Arc<dyn ReplayStore>, budgets: Arc<dyn BudgetStore> },
    /// Asked over a network.
    Shared(Arc<dyn SharedStore>),
}

impl Stores {
    /// Whether time passes, and with it what is known of revocations, while they are asked.
    pub(crate) const fn are_waited_for(&self) -> bool {
        matches!(self, Self::Shared(_))
    }

    /// Lets the memory of this process get ready for a proof. Nobody is asked over a network.
    pub(crate) fn foresee(&self, entry: ForeseenEntry<'_>) {
        match self {
            Self::Own { replay, .. } => replay.foresee(entry),
            Self::Shared(_) => {}
        }
    }

    /// Remembers a proof if it is unknown.
    pub(crate) async fn remember(&self, entry: &ReplayEntry, now: UnixTime) -> Result<Receipt, ReplayError> {
        match self {
            Self::Own { replay, .. } => replay.insert(entry, now),
            Self::Shared(store) => store.remember(entry, now).await,
        }
    }

    /// How full the memories of proofs and of budgets are, in this order, as far as it is known. Nobody is asked over a network.
    pub(crate) fn fills(&self) -> [Option<StoreFill>; 2] {
        match self {
            Self::Own { replay, budgets } => [replay.fill(), budgets.fill()],
            Self::Shared(_) => [None, None],
        }
    }

    /// Counts one use for each payer, or for none. Nobody is asked where there is nothing to pay.
    pub(crate) async fn spend(&self, charges: &Charges, now: UnixTime) -> Result<Spent, BudgetError> {
        match self {
            Self::Own { budgets, .. } => charges.spend(&**budgets, now),
            Self::Shared(_) if charges.is_empty() => Ok(Spent::nothing()),
            Self::Shared(store) => store.spend(charges, now).await,
        }
    }
}
