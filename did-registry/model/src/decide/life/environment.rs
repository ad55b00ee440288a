//! An agent runs elsewhere from now on.

use handfast_delegation::Environment;
use handfast_identity::UnixTime;

use super::{Held, Step, Why, found, owner_of};
use crate::record::{Claimed, Tenure};
use crate::{AgentRecord, Caller, LifeChange, Loaded, Outcome, Profile, Refusal};

/// Says where an agent runs. Its tokens name the environment, so a cut-off ends those that name the old one; its tasks go on. The
/// same one changes nothing.
///
/// # Errors
///
/// [`Refusal::UnknownAgent`]; [`Refusal::Forbidden`] for anybody but its owner; [`Refusal::AgentRevoked`], [`Refusal::NotClaimed`],
/// [`Refusal::AgentRetired`].
pub fn change_environment(
    caller: Caller<'_>,
    agent: Option<&Loaded<AgentRecord>>,
    environment: Environment,
    why: Why,
    now: UnixTime,
) -> Result<Outcome, Refusal> {
    let agent = found(agent, now)?;
    let by = owner_of(caller, &agent.record)?;
    let held = Held::of(agent)?;
    let profile = &held.agent().profile;
    if profile.environment == environment {
        return Ok(Outcome::Unchanged);
    }
    let cut = held.cut(now)?;
    let tenure = Tenure { cut: Some(cut.at), ..held.claimed.tenure.clone() };
    let step = Step::new(LifeChange::EnvironmentChanged { environment }, by, why, now).with_cut(cut);
    let profile = Profile { environment, ..profile.clone() };
    Ok(Outcome::Changed(held.into_with(Claimed { tenure, ..held.claimed.clone() }, profile, step)))
}
