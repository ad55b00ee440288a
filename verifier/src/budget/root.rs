//! What a root token says about its budget: kept of the root where a chain stands on it.

use handfast_delegation::{AccessToken, Budget, TriggerKind};
use handfast_identity::{Text, UnixTime};

use super::TASK_COUNT_LIFETIME;

/// The budget of a root token, and who pays it beside the task.
#[derive(Debug)]
pub(crate) struct RootBudget {
    pub(crate) budget: Budget,
    /// The agent that made the task itself: its tasks share one count, or it could make itself a new budget.
    pub(crate) agent: Option<Text>,
    /// The last second of every token of the task, without leeway.
    pub(crate) until: UnixTime,
}

impl RootBudget {
    /// None where the root has no budget.
    pub(crate) fn of(root: &AccessToken) -> Option<Self> {
        let budget = root.authority.budget?;
        let is_own = root.task.as_ref().is_some_and(|task| task.trigger.kind == TriggerKind::OnItsOwn);
        Some(Self {
            budget,
            agent: is_own.then(|| root.client_id.clone()),
            // no token of the task is older than it, and it lives no longer than this
            until: root.issued_at.saturating_add(TASK_COUNT_LIFETIME).max(root.authority.expires_at),
        })
    }
}
