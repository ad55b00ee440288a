//! An owner leaves: nothing is issued on their behalf any more, and every agent of theirs goes to somebody else or out of use.
//!
//! One decision begins it and ends the owner's tokens; then each agent is a change of its own, so that whoever goes on after a crash
//! finds done what is done; the last one says that nothing is left.

use handfast_identity::UnixTime;

use super::life::{OfferedAgent, Recipient, handed_over, retire_agent};
use crate::change::Write;
use crate::limits::{LONGEST_TOKEN_LIFETIME, MAX_WHY_BYTES, OWNER_CUT_AHEAD, REVOCATION_MARGIN};
use crate::record::Life;
use crate::{
    AgentRecord, Caller, Change, Event, Expect, Fact, FeedEntry, FeedKind, Loaded, OffboardingRecord, Outcome,
    OwnerRecord, Party, Refusal, RevocationRecord, ShownText,
};

/// An owner who is to be off-boarded, as loaded.
#[derive(Clone, Copy, Debug)]
pub struct Leaving<'a> {
    /// The owner; `None` if there is none of that id.
    pub owner: Option<&'a OwnerRecord>,
    /// Who is to have the agents; they are retired if nobody is named.
    pub to: Option<Recipient<'a>>,
    /// The newest revocation of everything on the owner's behalf.
    pub stopped: Option<&'a Loaded<RevocationRecord>>,
    /// The off-boarding, if it began before.
    pub before: Option<&'a Loaded<OffboardingRecord>>,
    /// Who that one named to have the agents, as it is now.
    pub named: Option<Recipient<'a>>,
}

/// What became of the wish to off-board an owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Offboarding {
    /// Commit this; then it has begun, or goes on with another wish.
    Begins {
        /// To commit.
        change: Change,
        /// How far it has come then.
        record: OffboardingRecord,
    },
    /// It began before: go on from here.
    GoesOn(OffboardingRecord),
}

/// Begins to off-board an owner, or goes on. From its beginning nothing is issued to the owner or on their behalf, and what was is
/// dead. It cannot be undone.
///
/// # Errors
///
/// [`Refusal::Forbidden`] for anybody but an admin; [`Refusal::InvalidRequest`] for nobody, for the admin themselves, and for a
/// recipient that is nobody or leaves too; [`Refusal::OwnerClosed`] for a recipient who left, and where it began
/// otherwise, unless whoever was named then left since: the rest may then go to somebody else, or out of use.
pub fn begin_offboarding(
    caller: Caller<'_>,
    case: Leaving<'_>,
    why: Option<ShownText<MAX_WHY_BYTES>>,
    now: UnixTime,
) -> Result<Offboarding, Refusal> {
    let by = caller.as_admin()?;
    let is_other = |owner: &&OwnerRecord| owner.organisation() == by.organisation() && owner.id() != by.id();
    let owner = case.owner.filter(is_other).ok_or(Refusal::InvalidRequest)?;
    if let Some(before) = case.before.filter(|before| before.record.owner == owner.id) {
        let wanted = case.to.map(|to| to.owner.map(OwnerRecord::id).ok_or(Refusal::InvalidRequest)).transpose()?;
        let is_same = before.record.to.as_ref() == wanted;
        let was_named = |named: &Recipient<'_>| named.owner.map(OwnerRecord::id) == before.record.to.as_ref();
        let is_stuck = before.record.done.is_none() && case.named.filter(was_named).is_some_and(Recipient::is_closed);
        return match (is_same, is_stuck) {
            (true, false) => Ok(Offboarding::GoesOn(before.record.clone())),
            (false, true) => otherwise(before, owner, case.to, by, why, now),
            (true, true) | (false, false) => Err(Refusal::OwnerClosed),
        };
    }
    let to = case.to.map(|to| to.other_than(owner)).transpose()?.map(|to| to.id().clone());
    let record = OffboardingRecord {
        owner: owner.id.clone(),
        organisation: owner.organisation.clone(),
        to: to.clone(),
        by: by.id().clone(),
        why: why.clone(),
        at: now,
        agents: 0,
        after: None,
        found: false,
        done: None,
    };
    let id = owner.id.to_string();
    let until =
        now.saturating_add(OWNER_CUT_AHEAD).saturating_add(LONGEST_TOKEN_LIFETIME).saturating_add(REVOCATION_MARGIN);
    // without cut-off: nothing is issued for the owner again
    let stop = RevocationRecord {
        organisation: owner.organisation.clone(),
        kind: FeedKind::Owner,
        id: id.clone(),
        by: Party::Owner(by.id().clone()),
        why: why.clone(),
        at: now,
        cut: None,
        until: Some(until),
    };
    let expect = case.stopped.map_or(Expect::Absent, |before| Expect::Version(before.version));
    let fact = Fact::OwnerOffboarding { owner: owner.id.clone(), to, done: false };
    let writes = vec![Write::put(expect, stop), Write::put(Expect::Absent, record.clone())];
    let feed = vec![FeedEntry { kind: FeedKind::Owner, id, cut: None, until: Some(until) }];
    let change = Change { feed, ..Change::new(writes, event(fact, owner, by, why, now)) };
    Ok(Offboarding::Begins { change, record })
}

/// Another wish for the agents that are left, since whoever was named left as well.
fn otherwise(
    before: &Loaded<OffboardingRecord>,
    owner: &OwnerRecord,
    to: Option<Recipient<'_>>,
    by: &OwnerRecord,
    why: Option<ShownText<MAX_WHY_BYTES>>,
    now: UnixTime,
) -> Result<Offboarding, Refusal> {
    let to = to.map(|to| to.other_than(owner)).transpose()?.map(|to| to.id().clone());
    let record = OffboardingRecord { to: to.clone(), ..before.record.next_pass() };
    let fact = Fact::OwnerOffboarding { owner: owner.id.clone(), to, done: false };
    let writes = vec![Write::replace(before, record.clone())];
    Ok(Offboarding::Begins { change: Change::new(writes, event(fact, owner, by, why, now)), record })
}

/// One agent of an off-boarded owner: handed over, or retired. One that is another's by now, or out of use, stays as it is.
///
/// `to` is the record of who takes it over.
///
/// # Errors
///
/// [`Refusal::Forbidden`] for anybody but an admin; [`Refusal::StoreUnavailable`] where `to` is not who was named.
pub fn offboard_agent(
    caller: Caller<'_>,
    record: &OffboardingRecord,
    case: OfferedAgent<'_>,
    to: Option<&OwnerRecord>,
    now: UnixTime,
) -> Result<Outcome, Refusal> {
    let by = caller.as_admin()?;
    if record.to.as_ref() != to.map(OwnerRecord::id) {
        return Err(Refusal::StoreUnavailable);
    }
    let is_left = |agent: &&Loaded<AgentRecord>| match &agent.record.life {
        Life::Claimed(claimed) => claimed.owner == record.owner && claimed.tenure.retired.is_none(),
        Life::Unclaimed(_) | Life::Revoked(_) => false,
    };
    match (case.agent.filter(is_left), to) {
        (None, _) => Ok(Outcome::Unchanged),
        (Some(agent), None) => retire_agent(caller, Some(agent), case.pending, record.why.clone(), now),
        (Some(agent), Some(to)) => handed_over(agent, case, to, by, record.why.clone(), now).map(Outcome::Changed),
    }
}

/// Says that nothing is left to be done for an off-boarded owner; nothing if something may be.
///
/// # Errors
///
/// [`Refusal::Forbidden`] for anybody but an admin.
pub fn finish_offboarding(
    caller: Caller<'_>,
    record: &Loaded<OffboardingRecord>,
    owner: &OwnerRecord,
    now: UnixTime,
) -> Result<Outcome, Refusal> {
    let by = caller.as_admin()?;
    if record.record.done.is_some() || !record.record.is_through(now) {
        return Ok(Outcome::Unchanged);
    }
    let done = OffboardingRecord { done: Some(now), ..record.record.clone() };
    let fact = Fact::OwnerOffboarding { owner: owner.id.clone(), to: done.to.clone(), done: true };
    let event = event(fact, owner, by, None, now);
    Ok(Outcome::Changed(Change::new(vec![Write::replace(record, done)], event)))
}

fn event(
    fact: Fact,
    owner: &OwnerRecord,
    by: &OwnerRecord,
    why: Option<ShownText<MAX_WHY_BYTES>>,
    when: UnixTime,
) -> Event {
    Event { fact, who: Party::Owner(by.id().clone()), why, when, did: Some(owner.did.clone()) }
}
