//! An agent is put out of use.

use handfast_identity::UnixTime;

use super::{Held, Step, Why, found};
use crate::decide::rotate::dropped;
use crate::record::{Claimed, Tenure};
use crate::{AgentRecord, Caller, LifeChange, Loaded, Outcome, PendingRotation, Refusal};

/// Retires an agent, for ever: no tokens, no exchanges, its tasks are over, an offer of it is no more, and neither
/// is `pending`, a rotation that waits for the owner. Record and handle are kept, and
/// the handle is never given to anybody else. Retiring it again changes nothing; revoking it is still possible.
///
/// # Errors
///
/// [`Refusal::UnknownAgent`]; [`Refusal::Forbidden`] for anybody but its owner and admins; [`Refusal::AgentRevoked`],
/// [`Refusal::NotClaimed`].
pub fn retire_agent(
    caller: Caller<'_>,
    agent: Option<&Loaded<AgentRecord>>,
    pending: Option<&Loaded<PendingRotation>>,
    why: Why,
    now: UnixTime,
) -> Result<Outcome, Refusal> {
    let agent = found(agent, now)?;
    let by = caller.as_manager_of(&agent.record)?;
    let held = match Held::of(agent) {
        Err(Refusal::AgentRetired) => return Ok(Outcome::Unchanged),
        held => held?,
    };
    let before = &held.claimed.tenure;
    let era = before.era.saturating_add(1);
    let tenure = Tenure { suspended: None, retired: Some(now), era, offer: None, cut: before.cut };
    let step = Step::new(LifeChange::Retired, by, why, now).with_state(held.dids()?);
    let mut change = held.into(Claimed { tenure, ..held.claimed.clone() }, step);
    change.writes.extend(dropped(pending, held.agent()));
    Ok(Outcome::Changed(change))
}
