//! An owner sets another ceiling.

use handfast_identity::UnixTime;

use super::{Held, Step, Why, found, owner_of};
use crate::decide::approve::check_ceiling;
use crate::record::{Claimed, Tenure};
use crate::{AgentRecord, Caller, Ceiling, LifeChange, Loaded, Outcome, Refusal, RegistryPolicy};

/// Sets another ceiling. One that allows all that the old one did counts for new tokens and leaves everything else alone; any other
/// ends the agent's tasks and sets a cut-off, so that nothing wider than the new one is alive. The same one changes nothing.
///
/// # Errors
///
/// [`Refusal::UnknownAgent`]; [`Refusal::Forbidden`] for anybody but its owner; [`Refusal::AgentRevoked`], [`Refusal::NotClaimed`],
/// [`Refusal::AgentRetired`]; [`Refusal::InvalidTarget`] or [`Refusal::InvalidScope`] for a ceiling over resources this registry
/// does not know.
pub fn change_ceiling(
    caller: Caller<'_>,
    agent: Option<&Loaded<AgentRecord>>,
    ceiling: Ceiling,
    why: Why,
    policy: &RegistryPolicy,
    now: UnixTime,
) -> Result<Outcome, Refusal> {
    let agent = found(agent, now)?;
    let by = owner_of(caller, &agent.record)?;
    let held = Held::of(agent)?;
    check_ceiling(&ceiling, policy)?;
    let before = held.claimed;
    if ceiling == before.ceiling {
        return Ok(Outcome::Unchanged);
    }
    let step = Step::new(LifeChange::CeilingChanged { ceiling: Box::new(ceiling.clone()) }, by, why, now);
    let (tenure, step) = if ceiling.covers(&before.ceiling) {
        (before.tenure.clone(), step)
    } else {
        let cut = held.cut(now)?;
        let era = before.tenure.era.saturating_add(1);
        (Tenure { cut: Some(cut.at), era, ..before.tenure.clone() }, step.with_cut(cut))
    };
    Ok(Outcome::Changed(held.into(Claimed { ceiling, tenure, ..before.clone() }, step)))
}
