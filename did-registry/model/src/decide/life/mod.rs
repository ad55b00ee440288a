//! What happens to an agent between claiming and its end (spec/lifecycle.md): one file a decision.

mod ceiling;
mod environment;
mod retire;
mod suspend;
mod transfer;
mod version;

use handfast_identity::{DidKey, UnixTime};

pub use ceiling::change_ceiling;
pub use environment::change_environment;
pub use retire::retire_agent;
pub use suspend::{resume_agent, suspend_agent};
pub(super) use transfer::handed_over;
pub use transfer::{OfferedAgent, Recipient, accept_agent, offer_agent, withdraw_offer};
pub use version::state_version;

use crate::change::Write;
use crate::limits::{AGENT_CUT_AHEAD, LONGEST_TOKEN_LIFETIME, MAX_WHY_BYTES, REVOCATION_MARGIN};
use crate::record::{Claimed, Life, Tenure};
use crate::{
    AgentRecord, Caller, Change, Event, Fact, FeedEntry, LifeChange, LifeFact, Loaded, OwnerRecord, Party, Profile,
    Refusal, ShownText,
};

/// Refuses for an agent that is retired or suspended.
pub(crate) fn require_active(agent: &AgentRecord) -> Result<(), Refusal> {
    if agent.retired_at().is_some() {
        return Err(Refusal::AgentRetired);
    }
    if agent.suspended_at().is_some() { Err(Refusal::AgentSuspended) } else { Ok(()) }
}

/// What the feed has to say of the newest DID of `agent` as of those before it: a suspension, or a cut-off that still lies ahead.
/// Nothing can have been issued to it up to one that is past.
pub(super) fn inherited(agent: &AgentRecord, now: UnixTime) -> Vec<FeedEntry> {
    let Some(tenure) = agent.tenure() else { return Vec::new() };
    let newest = core::slice::from_ref(&agent.did);
    match (tenure.suspended, tenure.cut.filter(|cut| now <= *cut)) {
        (Some(_), _) => FeedEntry::agent_state(newest),
        (None, Some(cut)) => FeedEntry::agent_cut(newest, cut, Some(end_of(cut))),
        (None, None) => Vec::new(),
    }
}

/// When nothing that a cut-off stops can be alive any more.
const fn end_of(cut: UnixTime) -> UnixTime {
    cut.saturating_add(LONGEST_TOKEN_LIFETIME).saturating_add(REVOCATION_MARGIN)
}

/// Why somebody does something, in their words.
type Why = Option<ShownText<MAX_WHY_BYTES>>;

/// An agent with an owner, in use or suspended.
#[derive(Clone, Copy)]
struct Held<'a> {
    loaded: &'a Loaded<AgentRecord>,
    claimed: &'a Claimed,
}

/// The agent, if there is one that is not expired.
fn found(agent: Option<&Loaded<AgentRecord>>, now: UnixTime) -> Result<&Loaded<AgentRecord>, Refusal> {
    agent.filter(|agent| !agent.record.is_expired(now)).ok_or(Refusal::UnknownAgent)
}

impl<'a> Held<'a> {
    /// The agent as one whose life can still be changed.
    ///
    /// # Errors
    ///
    /// [`Refusal::AgentRevoked`], [`Refusal::NotClaimed`], [`Refusal::AgentRetired`].
    fn of(loaded: &'a Loaded<AgentRecord>) -> Result<Self, Refusal> {
        match &loaded.record.life {
            Life::Revoked(_) => Err(Refusal::AgentRevoked),
            Life::Unclaimed(_) => Err(Refusal::NotClaimed),
            Life::Claimed(claimed) if claimed.tenure.retired.is_some() => Err(Refusal::AgentRetired),
            Life::Claimed(claimed) => Ok(Self { loaded, claimed }),
        }
    }

    const fn agent(self) -> &'a AgentRecord {
        &self.loaded.record
    }

    /// Every DID it ever had: what the feed has to name.
    fn dids(self) -> Result<Vec<DidKey>, Refusal> {
        Ok(self.agent().did_history()?.cloned().collect())
    }

    /// A cut-off that nothing being issued now escapes, and what the feed tells of it.
    fn cut(self, now: UnixTime) -> Result<Cut, Refusal> {
        let tenure = &self.claimed.tenure;
        let ahead = now.saturating_add(AGENT_CUT_AHEAD);
        let at = tenure.cut.map_or(ahead, |before| before.max(ahead));
        // a suspension stops everything already, and an entry with a cut-off behind its own would end it
        let feed = match tenure.suspended {
            Some(_) => Vec::new(),
            None => FeedEntry::agent_cut(&self.dids()?, at, Some(end_of(at))),
        };
        Ok(Cut { at, feed })
    }

    /// The change of the agent into `claimed`, its profile as it is.
    fn into(self, claimed: Claimed, step: Step<'_>) -> Change {
        self.into_with(claimed, self.agent().profile.clone(), step)
    }

    fn into_with(self, claimed: Claimed, profile: Profile, step: Step<'_>) -> Change {
        let before = self.agent();
        let after = AgentRecord { life: Life::Claimed(claimed), profile, ..before.clone() };
        let fact = LifeFact { agent: after.id.clone(), change: step.change, dids: step.dids, cut: step.cut };
        let event = Event {
            fact: Fact::Life(fact),
            who: Party::Owner(step.by.id().clone()),
            why: step.why,
            when: step.now,
            did: Some(after.did.clone()),
        };
        Change { feed: step.feed, ..Change::new(vec![Write::replace(self.loaded, after)], event) }
    }
}

/// A cut-off, and its entries for the feed.
struct Cut {
    at: UnixTime,
    feed: Vec<FeedEntry>,
}

/// One step in an agent's life: what, by whom, why, when, and what the feed tells of it.
struct Step<'a> {
    change: LifeChange,
    by: &'a OwnerRecord,
    why: Why,
    now: UnixTime,
    cut: Option<UnixTime>,
    feed: Vec<FeedEntry>,
    dids: Vec<DidKey>,
}

impl<'a> Step<'a> {
    fn new(change: LifeChange, by: &'a OwnerRecord, why: Why, now: UnixTime) -> Self {
        Self { change, by, why, now, cut: None, feed: Vec::new(), dids: Vec::new() }
    }

    fn with_cut(self, cut: Cut) -> Self {
        Self { cut: Some(cut.at), feed: cut.feed, ..self }
    }

    /// The same, telling the feed that every DID of the agent is stopped until it says otherwise.
    fn with_state(self, dids: Vec<DidKey>) -> Self {
        Self { feed: FeedEntry::agent_state(&dids), dids, ..self }
    }
}

/// The owner of `agent`, and nobody in the owner's place.
fn owner_of<'a>(caller: Caller<'a>, agent: &AgentRecord) -> Result<&'a OwnerRecord, Refusal> {
    let owner = caller.as_owner()?;
    if owner.organisation() != agent.organisation() {
        return Err(Refusal::UnknownAgent);
    }
    if agent.owner() == Some(owner.id()) { Ok(owner) } else { Err(Refusal::Forbidden) }
}

/// Sets the agent's cut-off again, where a change was not durable by its own: what was issued meanwhile would have escaped it.
///
/// # Errors
///
/// As the change that set the first one.
pub fn cut_again(caller: Caller<'_>, agent: Option<&Loaded<AgentRecord>>, now: UnixTime) -> Result<Change, Refusal> {
    let agent = found(agent, now)?;
    let by = caller.as_manager_of(&agent.record)?;
    let held = Held::of(agent)?;
    let cut = held.cut(now)?;
    let tenure = Tenure { cut: Some(cut.at), ..held.claimed.tenure.clone() };
    let claimed = Claimed { tenure, ..held.claimed.clone() };
    Ok(held.into(claimed, Step::new(LifeChange::CutAgain, by, None, now).with_cut(cut)))
}
