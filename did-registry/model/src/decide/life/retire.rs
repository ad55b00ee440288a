//! An agent is put out of use.

use handfast_identity::UnixTime;

use super::{Held, Step, Why, found};
use crate::record::{Claimed, Tenure};
use crate::{AgentRecord, Caller, LifeChange, Loaded, Outcome, Refusal};

/// Retires an agent, for ever: no tokens, no exchanges, its tasks are over, an offer of it is no more. Record and handle are kept, and
/// the handle is never given to anybody else. Retiring it again changes nothing; revoking it is still possible.
///
/// # Errors
///
/// [`Refusal::UnknownAgent`]; [`Refusal::Forbidden`] for anybody but its owner and admins; [`Refusal::AgentRevoked`],
/// [`Refusal::NotClaimed`].
pub fn retire_agent(
    caller: Caller<'_>,
    agent: Option<&Loaded<AgentRecord>>,
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
    Ok(Outcome::Changed(held.into(Claimed { tenure, ..held.claimed.clone() }, step)))
}
