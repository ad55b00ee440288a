//! Stopping things for good: one file a grain.

mod agent;
mod task;

pub use agent::revoke_agent;
pub use task::{TaskToStop, revoke_task};

use crate::{Change, RevocationRecord};

/// What became of the wish to stop something smaller than an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// Commit this; then it is stopped, as the record says.
    Now {
        /// To commit.
        change: Change,
        /// The answer once that is done.
        record: RevocationRecord,
    },
    /// It was stopped before: write nothing, answer as then.
    Before(RevocationRecord),
}
