//! What is done when callers in good standing ask for what their task was not given (spec/delegation.md, drift).

mod book;
mod issuer;
mod record;

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;

use handfast_verifier::Wish;

pub use book::DriftBook;
pub(crate) use issuer::MAX_TASKS;
pub use record::DriftRecord;

/// At how many wishes something is stopped. Every wish is counted and logged; by default nothing more happens.
///
/// ```
/// use std::num::NonZeroU32;
/// use handfast_middleware::DriftPolicy;
/// let policy = DriftPolicy { suspend_after: NonZeroU32::new(3), halt_after: NonZeroU32::new(10) };
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DriftPolicy {
    /// From so many wishes of one delegation on, it is suspended: the last hop and all below it. Wishes of the root's agent itself
    /// came by none: so many of them halt the task. So do wishes by more than 64 delegations of one task.
    pub suspend_after: Option<NonZeroU32>,
    /// From so many wishes of a task on, by whomever, it is halted, and with a task that was its agent's own idea all such tasks of
    /// the agent.
    pub halt_after: Option<NonZeroU32>,
}

/// What was done about a wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DriftAction {
    /// It was counted and logged.
    Logged,
    /// The delegation was suspended.
    Suspended,
    /// The task was halted.
    Halted,
}

impl DriftPolicy {
    /// Whether a delegation is to be suspended that has come to so many wishes.
    fn suspends_at(&self, wishes: u32) -> bool {
        self.suspend_after.is_some_and(|after| wishes >= after.get())
    }

    /// Whether a task is to be halted that has come to so many.
    fn halts_at(&self, wishes: u32) -> bool {
        self.halt_after.is_some_and(|after| wishes >= after.get())
    }
}

/// One wish, counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DriftNotice {
    /// Who wished for what.
    pub wish: Wish,
    /// How many wishes of the task were counted, this one included.
    pub wishes: u32,
    /// What was done.
    pub action: DriftAction,
}

/// What is called with every wish: to tell people, or to revoke the task at its registry. It must not block.
#[derive(Clone)]
pub(crate) struct OnDrift(pub(crate) Arc<dyn Fn(&DriftNotice) + Send + Sync>);

impl fmt::Debug for OnDrift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnDrift")
    }
}
