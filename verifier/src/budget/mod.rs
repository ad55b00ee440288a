//! Budgets where they are used: who pays for a request, and the port behind which uses are counted (spec/delegation.md, counting).
//!
//! A request with budgets has [`Charges`]; a [`BudgetStore`] counts one more use for each payer, or for none, and gives a
//! [`Spent`], which admission asks for. A request without budgets needs no store: [`Spent::nothing`] costs nothing.
//!
//! Which budgets there are, and that none is larger than the one above it, the check has established before. A count lives as
//! long as its store: [`MemoryBudgets`] ends with its process, and a new one begins at zero.

mod charge;
mod memory;
mod payer;
mod root;

use core::fmt;

pub use handfast_dpop::StoreFill;
use handfast_identity::{Seconds, UnixTime};

pub use charge::{Charge, Charges, Counter, CounterName, Limit, TASK_COUNT_LIFETIME, Window};
pub use memory::{BudgetLimits, MemoryBudgets};
pub use payer::{Payer, PayerKind};
pub(crate) use root::RootBudget;

/// Evidence that a store counted one use for each of these charges. Admission asks for one; it cannot be copied.
#[derive(Debug)]
#[must_use = "a request is admitted with what was spent for it"]
pub struct Spent {
    charges: Charges,
}

impl Spent {
    /// What a request without budgets spends. It covers no charges, and no request that has some.
    pub const fn nothing() -> Self {
        Self { charges: Charges::none() }
    }

    /// Claims that one more use of each of `charges` was within its limits and is counted from now on, all in one atomic step.
    ///
    /// Only for budget stores, right after that step succeeded. A store that answers asynchronously need not implement
    /// [`BudgetStore`]: it counts every [`Counter`] of every charge and calls this. Searching for this name lists every place
    /// that makes the claim.
    pub fn assertion(charges: &Charges) -> Self {
        Self { charges: charges.clone() }
    }

    /// Whether exactly these charges were paid, with these limits, and no others.
    #[must_use]
    pub fn covers(&self, charges: &Charges) -> bool {
        self.charges == *charges
    }
}

/// A store of counts.
///
/// A wrong yes lets somebody act more often than the owner said. A wrong no stops an honest agent, who may have no budget left
/// to try again; "unavailable" in its place costs the same and tells the truth. So whenever a store is full, out of reach or
/// unsure, it refuses, and never forgets a count before its time.
///
/// It is called on the way of a request and must not block: a store that is asked over a network keeps its counts at hand, a
/// share of each limit say, and answers from there.
///
/// Called last of all, after the proof was remembered: what is refused for any other reason uses no budget.
pub trait BudgetStore: fmt::Debug + Send + Sync {
    /// Counts one use of every charge, or none: all tests and all additions are one atomic step for all callers.
    ///
    /// # Errors
    ///
    /// [`BudgetError::Spent`] when a counter has reached its limit, and the others for reasons that are the server's own.
    /// After any of them every counter is what it was before.
    fn spend(&self, charges: &Charges, now: UnixTime) -> Result<Spent, BudgetError>;

    /// How full it is, for metrics: it decides nothing. `None` for a store that does not know.
    fn fill(&self) -> Option<StoreFill> {
        None
    }
}

/// Why a use was not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BudgetError {
    /// A budget is used up.
    Spent {
        /// How long until a rate allows more; none where waiting does not help.
        retry_after: Option<Seconds>,
    },
    /// The store holds all it may.
    Full,
    /// The store holds all it may of this owner's counts; other owners are not affected.
    ShareFull,
    /// The charge's time is over by a clock that this store has already seen: its count may have been forgotten.
    ClockWentBack,
    /// The store cannot be asked.
    Unavailable,
}

impl BudgetError {
    /// The error of charges whose counters are spent: the one that takes longest decides, and no waiting helps against a total.
    /// None where none is spent.
    #[must_use]
    pub fn spent(counters: &[(&Charge, Counter)], now: UnixTime) -> Option<Self> {
        let waits = counters.iter().map(|(charge, counter)| charge.wait(counter, now));
        let longest = waits.reduce(|one, two| one.zip(two).map(|(one, two)| one.max(two)))?;
        Some(Self::Spent { retry_after: longest })
    }

    /// The stable reason code.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Spent { .. } => "budget_spent",
            Self::Full => "budget_store_full",
            Self::ShareFull => "budget_share_full",
            Self::ClockWentBack => "clock_went_back",
            Self::Unavailable => "budget_store_unavailable",
        }
    }
}

impl fmt::Display for BudgetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Spent { .. } => "a budget is used up",
            Self::Full => "the budget store is full",
            Self::ShareFull => "this owner's share of the budget store is full",
            Self::ClockWentBack => "the clock went back behind what the budget store has forgotten",
            Self::Unavailable => "the budget store cannot be asked",
        })
    }
}

impl core::error::Error for BudgetError {}

/// A store that cannot be asked: nothing that has a budget is admitted. For tests, and for servers that are to count nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct RefuseBudgets;

impl BudgetStore for RefuseBudgets {
    fn spend(&self, _: &Charges, _: UnixTime) -> Result<Spent, BudgetError> {
        Err(BudgetError::Unavailable)
    }
}
