//! An agent changes hands: its owner offers it, the other takes it.

use handfast_identity::UnixTime;

use super::{Held, Step, Why, found, owner_of};
use crate::change::Write;
use crate::decide::rotate::dropped;
use crate::limits::OFFER_LIFETIME;
use crate::record::{Claimed, Life, Offer, Tenure};
use crate::{
    AgentRecord, Caller, Ceiling, Change, Expect, LifeChange, Loaded, Outcome, OwnedAgent, OwnerId, OwnerRecord,
    PendingRotation, Refusal, RevocationRecord, Stored,
};

/// Somebody who is to have an agent, as loaded.
#[derive(Clone, Copy, Debug)]
pub struct Recipient<'a> {
    /// The owner; `None` if there is none of that id.
    pub owner: Option<&'a OwnerRecord>,
    /// The newest revocation of everything on that owner's behalf.
    pub stopped: Option<&'a RevocationRecord>,
}

impl<'a> Recipient<'a> {
    /// The owner, who can have `agent`.
    ///
    /// # Errors
    ///
    /// [`Refusal::InvalidRequest`] for nobody here, or whoever has it; [`Refusal::OwnerClosed`].
    pub(in crate::decide) fn other_than(self, from: &OwnerRecord) -> Result<&'a OwnerRecord, Refusal> {
        let to = self.owner.filter(|to| to.organisation() == from.organisation() && to.id() != from.id());
        let to = to.ok_or(Refusal::InvalidRequest)?;
        if self.is_closed() { Err(Refusal::OwnerClosed) } else { Ok(to) }
    }

    /// Whether that owner left.
    pub(in crate::decide) fn is_closed(self) -> bool {
        let is_theirs = |stopped: &RevocationRecord| self.owner.is_some_and(|to| stopped.id() == to.id().as_str());
        self.stopped.is_some_and(|stopped| stopped.is_final() && is_theirs(stopped))
    }
}

/// Offers an agent to another owner, for [`OFFER_LIFETIME`]; it goes on as it is until then. Another offer takes the place of the
/// one before; the same one again changes nothing.
///
/// # Errors
///
/// [`Refusal::UnknownAgent`]; [`Refusal::Forbidden`] for anybody but its owner; [`Refusal::AgentRevoked`], [`Refusal::NotClaimed`],
/// [`Refusal::AgentRetired`]; [`Refusal::InvalidRequest`] for the owner itself and for nobody; [`Refusal::OwnerClosed`].
pub fn offer_agent(
    caller: Caller<'_>,
    agent: Option<&Loaded<AgentRecord>>,
    to: Recipient<'_>,
    why: Why,
    now: UnixTime,
) -> Result<Outcome, Refusal> {
    let agent = found(agent, now)?;
    let by = owner_of(caller, &agent.record)?;
    let held = Held::of(agent)?;
    let to = to.other_than(by)?.id().clone();
    let before = &held.claimed.tenure;
    if before.open_offer(now).is_some_and(|offer| offer.to == to) {
        return Ok(Outcome::Unchanged);
    }
    let expires = now.saturating_add(OFFER_LIFETIME);
    let tenure = Tenure { offer: Some(Offer { to: to.clone(), expires }), ..before.clone() };
    let step = Step::new(LifeChange::TransferOffered { to, until: expires }, by, why, now);
    Ok(Outcome::Changed(held.into(Claimed { tenure, ..held.claimed.clone() }, step)))
}

/// Takes an offer back, or declines it.
///
/// # Errors
///
/// [`Refusal::UnknownTransfer`] where none is open, and for whoever it does not concern.
pub fn withdraw_offer(
    caller: Caller<'_>,
    agent: Option<&Loaded<AgentRecord>>,
    why: Why,
    now: UnixTime,
) -> Result<Outcome, Refusal> {
    let (held, to) = open_offer(agent, now)?;
    let manager = caller.as_manager_of(held.agent());
    let addressee = || caller.as_owner().ok().filter(|owner| *owner.id() == to);
    let by = manager.ok().or_else(addressee).ok_or(Refusal::UnknownTransfer)?;
    let tenure = Tenure { offer: None, ..held.claimed.tenure.clone() };
    let step = Step::new(LifeChange::TransferWithdrawn { to }, by, why, now);
    Ok(Outcome::Changed(held.into(Claimed { tenure, ..held.claimed.clone() }, step)))
}

/// The agent of an offer that is open, and to whom it is.
fn open_offer(agent: Option<&Loaded<AgentRecord>>, now: UnixTime) -> Result<(Held<'_>, OwnerId), Refusal> {
    let held = found(agent, now).and_then(Held::of).map_err(|_| Refusal::UnknownTransfer)?;
    let to = held.claimed.tenure.open_offer(now).map(|offer| offer.to.clone());
    Ok((held, to.ok_or(Refusal::UnknownTransfer)?))
}

/// An agent that may change hands, as loaded.
#[derive(Clone, Copy, Debug)]
pub struct OfferedAgent<'a> {
    /// The agent.
    pub agent: Option<&'a Loaded<AgentRecord>>,
    /// The entry that makes it one of its present owner's.
    pub owned: Option<&'a Loaded<OwnedAgent>>,
    /// The rotation that waits for its present owner, if there is one.
    pub pending: Option<&'a Loaded<PendingRotation>>,
}

/// Takes over an agent that was offered to the caller. Its ceiling is empty until the new owner sets one, its tasks are over, and a
/// cut-off ends everything it was given for the owner before; a suspension stays, and a rotation that waited is forgotten. Whoever has it already hears so without error.
///
/// # Errors
///
/// [`Refusal::Forbidden`] for no owner; [`Refusal::UnknownTransfer`] where nothing is offered to the caller.
/// [`Refusal::StoreUnavailable`] for an agent that its owner's list does not have.
pub fn accept_agent(caller: Caller<'_>, case: OfferedAgent<'_>, why: Why, now: UnixTime) -> Result<Outcome, Refusal> {
    let owner = caller.as_owner()?;
    let is_theirs = |agent: &&Loaded<AgentRecord>| match &agent.record.life {
        Life::Claimed(claimed) => claimed.owner == owner.id && claimed.tenure.retired.is_none(),
        Life::Unclaimed(_) | Life::Revoked(_) => false,
    };
    if case.agent.filter(is_theirs).is_some() {
        return Ok(Outcome::Unchanged);
    }
    let (held, to) = open_offer(case.agent, now)?;
    if to != owner.id {
        return Err(Refusal::UnknownTransfer);
    }
    handed_over(held.loaded, case, owner, owner, why, now).map(Outcome::Changed)
}

/// The change by which `to` has the agent, as decided by `by`.
pub(in crate::decide) fn handed_over(
    agent: &Loaded<AgentRecord>,
    case: OfferedAgent<'_>,
    to: &OwnerRecord,
    by: &OwnerRecord,
    why: Why,
    now: UnixTime,
) -> Result<Change, Refusal> {
    let held = Held::of(agent)?;
    let before = held.claimed;
    let listed = case.owned.filter(|owned| owned.record.agent == agent.record.id && owned.record.owner == before.owner);
    let listed = listed.ok_or(Refusal::StoreUnavailable)?;
    let cut = held.cut(now)?;
    let era = before.tenure.era.saturating_add(1);
    let tenure = Tenure { cut: Some(cut.at), era, offer: None, ..before.tenure.clone() };
    let claimed = Claimed { owner: to.id.clone(), ceiling: Ceiling::nothing(), tenure, ..before.clone() };
    let fact = LifeChange::Transferred { from: before.owner.clone(), to: to.id.clone() };
    let mut change = held.into(claimed, Step::new(fact, by, why, now).with_cut(cut));
    let mine = OwnedAgent {
        owner: to.id.clone(),
        agent: agent.record.id.clone(),
        organisation: agent.record.organisation.clone(),
        since: now,
    };
    change.writes.push(Write::Delete { slot: listed.record.slot(), version: listed.version });
    change.writes.push(Write::put(Expect::Absent, mine));
    change.writes.extend(dropped(case.pending, held.agent()));
    Ok(change)
}
