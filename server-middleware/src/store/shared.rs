//! The port of a memory that several servers share.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use handfast_dpop::{Receipt, ReplayEntry, ReplayError};
use handfast_identity::UnixTime;
use handfast_verifier::budget::{BudgetError, Charges, Spent};

/// An answer that has to be waited for.
pub type StoreAnswer<'a, T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'a>>;

/// Remembers proofs and counts uses for all servers of one resource, and outlives each of them.
///
/// The rules are those of [`ReplayStore`](handfast_dpop::ReplayStore) and [`BudgetStore`](handfast_verifier::budget::BudgetStore): a wrong
/// yes repeats a request or exceeds a budget, so whenever a store is full, out of reach or unsure, it refuses. That holds for what
/// it may have forgotten, too: servers that share a memory ask for no nonce of their own after a start.
///
/// Each answer is waited for while the request waits, so a store bounds its time. What is revoked meanwhile is looked at behind the last
/// answer, and refuses the request although its proof is remembered and its budgets have paid.
pub trait SharedStore: fmt::Debug + Send + Sync {
    /// Remembers `entry` if it is unknown: test and insertion are one atomic step for all servers.
    fn remember<'a>(&'a self, entry: &'a ReplayEntry, now: UnixTime) -> StoreAnswer<'a, Receipt, ReplayError>;

    /// Counts one use of every charge, or none: all tests and all additions are one atomic step for all servers. Not called with
    /// nothing to pay.
    fn spend<'a>(&'a self, charges: &'a Charges, now: UnixTime) -> StoreAnswer<'a, Spent, BudgetError>;
}
