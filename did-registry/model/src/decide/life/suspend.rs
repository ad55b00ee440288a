//! An agent is stopped for a while, and goes on.

use handfast_identity::UnixTime;

use super::{Held, Step, Why, found};
use crate::decide::rotate::dropped;
use crate::record::{Claimed, Suspension, Tenure};
use crate::{AgentRecord, Caller, FeedEntry, LifeChange, Loaded, Outcome, PendingRotation, Refusal};

/// Suspends an agent: nothing is issued to it, no hop to it is exchanged, and every DID of its history is on the feed while it
/// lasts. Its tasks wait; `pending`, a rotation that waits for the owner, is forgotten. Suspending it again changes nothing.
///
/// # Errors
///
/// [`Refusal::UnknownAgent`]; [`Refusal::Forbidden`] for anybody but its owner and admins; [`Refusal::AgentRevoked`],
/// [`Refusal::NotClaimed`], [`Refusal::AgentRetired`].
pub fn suspend_agent(
    caller: Caller<'_>,
    agent: Option<&Loaded<AgentRecord>>,
    pending: Option<&Loaded<PendingRotation>>,
    why: Why,
    now: UnixTime,
) -> Result<Outcome, Refusal> {
    let agent = found(agent, now)?;
    let by = caller.as_manager_of(&agent.record)?;
    let held = Held::of(agent)?;
    let by_admin = agent.record.owner() != Some(by.id());
    match held.claimed.tenure.suspended {
        // an owner's suspension becomes an admin's, and never the other way round
        Some(before) if before.by_admin || !by_admin => return Ok(Outcome::Unchanged),
        Some(_) | None => {}
    }
    let at = held.claimed.tenure.suspended.map_or(now, |before| before.at);
    let tenure = Tenure { suspended: Some(Suspension { at, by_admin }), ..held.claimed.tenure.clone() };
    let step = Step::new(LifeChange::Suspended, by, why, now);
    let step = match held.claimed.tenure.suspended {
        // it is on the feed already
        Some(_) => step,
        None => step.with_state(held.dids()?),
    };
    let mut change = held.into(Claimed { tenure, ..held.claimed.clone() }, step);
    change.writes.extend(dropped(pending, held.agent()));
    Ok(Outcome::Changed(change))
}

/// Lets a suspended agent go on, with new tokens and in its old tasks. A cut-off takes the suspension's place, so that what was
/// issued before stays dead. One that is not suspended stays as it is.
///
/// Nothing was issued since the suspension, and what was being issued at its beginning is older than this: the cut-off need not
/// lie ahead.
///
/// # Errors
///
/// As [`suspend_agent`]; [`Refusal::Forbidden`] also for the owner of an agent that an admin suspended.
pub fn resume_agent(
    caller: Caller<'_>,
    agent: Option<&Loaded<AgentRecord>>,
    why: Why,
    now: UnixTime,
) -> Result<Outcome, Refusal> {
    let agent = found(agent, now)?;
    let by = caller.as_manager_of(&agent.record)?;
    let held = Held::of(agent)?;
    let before = &held.claimed.tenure;
    let Some(suspension) = before.suspended else { return Ok(Outcome::Unchanged) };
    if suspension.by_admin && agent.record.owner() == Some(by.id()) {
        caller.as_admin()?;
    }
    // a clock that was set back since must not let anything from before come back
    let cut = now.max(suspension.at).max(before.cut.unwrap_or(now));
    let tenure = Tenure { suspended: None, cut: Some(cut), ..before.clone() };
    let dids = held.dids()?;
    let feed = FeedEntry::agent_cut(&dids, cut, None);
    let step = Step { cut: Some(cut), feed, dids, ..Step::new(LifeChange::Resumed, by, why, now) };
    Ok(Outcome::Changed(held.into(Claimed { tenure, ..held.claimed.clone() }, step)))
}
