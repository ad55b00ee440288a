//! What is done when callers in good standing ask for what their task was not given (spec/delegation.md, drift).

mod book;
mod issuer;

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;

use handfast_verifier::Wish;

pub use book::DriftBook;
pub use issuer::DriftRecord;

/// At how many wishes of a task something is stopped. Every wish is counted and logged; by default nothing more happens.
///
/// ```
/// use std::num::NonZeroU32;
/// use handfast_middleware::DriftPolicy;
/// let policy = DriftPolicy { suspend_after: NonZeroU32::new(3), halt_after: NonZeroU32::new(10) };
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DriftPolicy {
    /// From this wish on, the delegation it came by is suspended: the last hop and all below it. A wish of the root's agent came
    /// by none, and halts the task.
    pub suspend_after: Option<NonZeroU32>,
    /// From this wish on, the task is halted, and with a task that was its agent's own idea all such tasks of the agent.
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
    /// What to do about a wish that is number `wishes` of its task.
    fn action(&self, wishes: u32, has_hop: bool) -> DriftAction {
        let is_due = |after: Option<NonZeroU32>| after.is_some_and(|after| wishes >= after.get());
        match (is_due(self.halt_after), is_due(self.suspend_after), has_hop) {
            (true, _, _) | (false, true, false) => DriftAction::Halted,
            (false, true, true) => DriftAction::Suspended,
            (false, false, _) => DriftAction::Logged,
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_graver_action_wins_and_what_has_no_hop_is_halted() {
        let policy = DriftPolicy { suspend_after: NonZeroU32::new(2), halt_after: NonZeroU32::new(4) };
        let actions = |has_hop| [1, 2, 3, 4, 5].map(|wishes| policy.action(wishes, has_hop));
        let (logged, suspended, halted) = (DriftAction::Logged, DriftAction::Suspended, DriftAction::Halted);
        assert_eq!(actions(true), [logged, suspended, suspended, halted, halted]);
        assert_eq!(actions(false), [logged, halted, halted, halted, halted]);
        assert_eq!(DriftPolicy::default().action(u32::MAX, true), logged);
    }
}
