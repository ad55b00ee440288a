//! Stopping things for good: one file a grain.

mod agent;
mod hop;
mod issuer_key;
mod key;
mod owner;
mod task;
mod token;

use handfast_identity::{Seconds, UnixTime};

pub use agent::revoke_agent;
pub use hop::{HopToStop, KnownHop, revoke_hop};
pub use issuer_key::{IssuerKeyToStop, revoke_issuer_key};
pub use key::{KeyToStop, revoke_key};
pub use owner::{OwnerToStop, revoke_owner};
pub use task::{TaskToStop, revoke_task};
pub use token::{TokenToStop, revoke_token};

use crate::change::Write;
use crate::limits::MAX_STOPS_PER_HOUR;
use crate::record::Rate;
use crate::{Caller, Change, Expect, Loaded, Refusal, RevocationRecord, StopsRecord};

/// What became of the wish to stop something other than an agent.
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

/// The count of one more revocation by an agent; nothing to count for owners, who have a bigger word for many small ones.
fn counted(caller: Caller<'_>, before: Option<&Loaded<StopsRecord>>, now: UnixTime) -> Result<Option<Write>, Refusal> {
    let Some(agent) = caller.as_agent() else { return Ok(None) };
    let before = before.filter(|before| before.record.agent == agent.id);
    let made = Rate::more(before.map(|before| before.record.made), MAX_STOPS_PER_HOUR, Seconds::new(0), now)?;
    let record = StopsRecord { agent: agent.id.clone(), organisation: agent.organisation.clone(), made };
    Ok(Some(Write::put(before.map_or(Expect::Absent, |before| Expect::Version(before.version)), record)))
}
