//! When agents were last given what: in memory, and written now and then. Issuing inside a known task writes nothing.
//!
//! What was noted since the last flush is lost when the process dies, and nothing else: a report may then show an earlier use.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use handfast_delegation::Scope;
use handfast_identity::UnixTime;
use handfast_registry_model::{AgentId, Expect, Loaded, Organisation, Record, Refusal, Slot, UsageRecord};

use crate::state::{ATTEMPTS, Commit, State};

/// How often uses are written down: what a crash can make a report forget.
pub(crate) const FLUSH_PERIOD: Duration = Duration::from_secs(3600);
/// Agents whose uses wait to be written; some 2 KiB each at most, and a tenth of that in the ordinary (P-18).
pub(crate) const MAX_WAITING_USES: usize = 65_536;

/// Uses that are not written down yet.
#[derive(Default)]
pub(crate) struct Usage(Mutex<HashMap<AgentId, UsageRecord>>);

impl Usage {
    /// Notes that `agent` was given `scope`. Beyond the bound a further agent is not noted until the next flush.
    pub(crate) fn note(&self, agent: &AgentId, organisation: &Organisation, scope: &Scope, at: UnixTime) {
        let mut waiting = self.waiting();
        let used = UsageRecord::new(agent.clone(), organisation.clone(), scope, at);
        let used = match waiting.remove(agent) {
            Some(before) => before.merged(used),
            None if waiting.len() >= MAX_WAITING_USES => return,
            None => used,
        };
        waiting.insert(agent.clone(), used);
    }

    /// How many agents' uses wait. For metrics.
    pub(crate) fn held(&self) -> usize {
        self.waiting().len()
    }

    /// Everything known of an agent: what is written down, and what is not yet.
    pub(crate) async fn of(&self, state: &State, agent: &AgentId) -> Result<Option<UsageRecord>, Refusal> {
        let waiting = self.waiting().get(agent).cloned();
        let written: Option<Loaded<UsageRecord>> = state.load(&Slot::usage(agent)).await?;
        Ok(match (written.map(|written| written.record), waiting) {
            (Some(written), Some(waiting)) => Some(written.merged(waiting)),
            (written, waiting) => written.or(waiting),
        })
    }

    /// Writes everything down. What cannot be written waits on.
    ///
    /// # Errors
    ///
    /// The first [`Refusal`] of the store.
    pub(crate) async fn flush(&self, state: &State) -> Result<(), Refusal> {
        let waiting: Vec<_> = self.waiting().values().cloned().collect();
        for used in waiting {
            written(state, &used).await?;
            let mut waiting = self.waiting();
            // what came in meanwhile waits for the next time
            if waiting.get(used.agent()) == Some(&used) {
                waiting.remove(used.agent());
            }
        }
        Ok(())
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<AgentId, UsageRecord>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn written(state: &State, used: &UsageRecord) -> Result<(), Refusal> {
    for _ in 0..ATTEMPTS {
        let before: Option<Loaded<UsageRecord>> = state.load(&Slot::usage(used.agent())).await?;
        let (expect, merged) = match before {
            Some(before) => (Expect::Version(before.version), before.record.merged(used.clone())),
            None => (Expect::Absent, used.clone()),
        };
        if let Commit::Done { .. } = state.keep(expect, &Record::from(merged)).await? {
            return Ok(());
        }
    }
    Err(Refusal::Overloaded)
}

impl fmt::Debug for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Usage").field("waiting", &self.waiting().len()).finish()
    }
}
