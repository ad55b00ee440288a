//! One key takes another's place: signed by both, and where policy says so approved by the owner (spec/rotation.md).

use handfast_identity::history::KeyChangeKind;
use handfast_identity::{ContentHash, DidKey, UnixTime};

use super::free::DidSlot;
use super::life::{inherited, require_active};
use crate::change::Write;
use crate::event::KeyChanged;
use crate::limits::{KEY_CUT_AHEAD, MAX_ROTATED_KEYS, MAX_WHY_BYTES, ROTATION_APPROVAL_LIFETIME, ROTATION_PAUSE};
use crate::record::{KeyGround, Life};
use crate::{
    AgentRecord, Caller, Change, DidHolder, DidRecord, Event, Expect, Fact, FeedEntry, KeyRecord, Loaded, Party,
    PendingRotation, Refusal, RegistryPolicy, ShownText, Stored, VerifiedKeyChange,
};

/// The record of the key that is current, as loaded; the first one has none before another follows it.
#[derive(Clone, Debug)]
pub struct NewestKey {
    /// The record, or what it will be.
    pub record: KeyRecord,
    /// What is there.
    pub expect: Expect,
}

impl NewestKey {
    /// The record as loaded.
    #[must_use]
    pub fn known(loaded: Loaded<KeyRecord>) -> Self {
        Self { record: loaded.record, expect: Expect::Version(loaded.version) }
    }

    /// The first key of an agent, whose registration has this hash.
    #[must_use]
    pub fn first(agent: &AgentRecord, registration: ContentHash) -> Self {
        Self { record: KeyRecord::registered(agent, registration), expect: Expect::Absent }
    }
}

/// An agent whose key is to be replaced, and what belongs to it, as loaded.
#[derive(Clone, Copy, Debug)]
pub struct RotationCase<'a> {
    /// The agent, with its history.
    pub agent: Option<&'a Loaded<AgentRecord>>,
    /// Its current key.
    pub newest: Option<&'a NewestKey>,
    /// The rotation that waits for its owner, if there is one.
    pub pending: Option<&'a Loaded<PendingRotation>>,
    /// What is known about the new DID.
    pub did: &'a DidSlot,
}

/// What became of a rotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// Commit this; then the new key is current.
    Done {
        /// To commit.
        change: Change,
        /// The agent as it will be.
        agent: Box<AgentRecord>,
    },
    /// This very statement was taken before: write nothing.
    DoneBefore,
    /// Commit this; then it waits for its owner.
    Waits {
        /// To commit.
        change: Change,
        /// The rotation.
        pending: PendingRotation,
    },
    /// A rotation to this key waits already: write nothing.
    WaitsBefore(PendingRotation),
}

/// An agent in a condition in which its key can be replaced.
struct Replaced<'a> {
    agent: &'a Loaded<AgentRecord>,
    newest: &'a NewestKey,
}

impl<'a> RotationCase<'a> {
    fn found(&self, now: UnixTime) -> Result<Replaced<'a>, Refusal> {
        let agent = self.agent.filter(|agent| !agent.record.is_expired(now)).ok_or(Refusal::UnknownAgent)?;
        match agent.record.life {
            Life::Revoked(_) => return Err(Refusal::AgentRevoked),
            Life::Unclaimed(_) => return Err(Refusal::NotClaimed),
            Life::Claimed(_) => {}
        }
        let newest = self.newest.filter(|newest| newest.record.agent == agent.record.id);
        // another key's record was not loaded as it should have been
        let newest = newest.filter(|newest| newest.record.did == agent.record.did).ok_or(Refusal::StoreUnavailable)?;
        Ok(Replaced { agent, newest })
    }
}

/// Puts the new key of `statement` in the place of the current one, or has it wait for the owner where policy says so.
///
/// Record, handle, owner, ceiling and tasks stay. What the old key made up to the cut-off lives to its end, and nothing it makes
/// afterwards is good (DEL-40).
///
/// # Errors
///
/// In this order: [`Refusal::UnknownAgent`]; [`Refusal::AgentRevoked`]; [`Refusal::NotClaimed`]; [`Refusal::Forbidden`] for a
/// statement by a key that never was this agent's (TH62); [`Refusal::AgentRetired`], [`Refusal::AgentSuspended`];
/// [`Refusal::StaleSequence`] unless it follows the newest statement (TH61); [`Refusal::KeyCompromised`]; [`Refusal::TooManyKeys`]; [`Refusal::SlowDown`]; [`Refusal::DidRegistered`].
pub fn rotate(
    statement: &VerifiedKeyChange,
    case: RotationCase<'_>,
    policy: &RegistryPolicy,
    now: UnixTime,
) -> Result<Rotation, Refusal> {
    let Replaced { agent, newest } = case.found(now)?;
    let said = statement.change();
    // TH62
    if !agent.record.did_history()?.any(|did| *did == said.signer) {
        return Err(Refusal::Forbidden);
    }
    if newest.record.hash == said.hash {
        return Ok(Rotation::DoneBefore);
    }
    require_active(&agent.record)?;
    require_next(statement, agent, newest)?;
    let open = case.pending.filter(|pending| pending.record.is_open(now));
    if let Some(pending) = open.filter(|pending| pending.record.did == said.key) {
        return Ok(Rotation::WaitsBefore(pending.record.clone()));
    }
    require_room(agent, newest, open, now)?;
    if policy.rotation_waits(agent.record.profile.environment) {
        // only whether it is free: it is taken when the owner agrees
        case.did.free(&said.key, now)?;
        return Ok(waiting(statement, agent, case.pending, now));
    }
    let who = Party::Agent(agent.record.did.clone());
    let (change, agent) = replaced(statement, &case, who, None, now)?;
    Ok(Rotation::Done { change, agent: Box::new(agent) })
}

/// TH61: it has to be by the current key and to follow the newest statement, by number and by hash.
fn require_next(statement: &VerifiedKeyChange, agent: &Loaded<AgentRecord>, newest: &NewestKey) -> Result<(), Refusal> {
    let (said, agent) = (statement.change(), &agent.record);
    let follows = said.after == agent.key_number && said.previous == Some(newest.record.hash);
    if said.kind != KeyChangeKind::Rotation || said.signer != agent.did || !follows {
        return Err(Refusal::StaleSequence);
    }
    if agent.is_key_compromised { Err(Refusal::KeyCompromised) } else { Ok(()) }
}

/// P-18: each rotation is an entry on the feed for ever.
fn require_room(
    agent: &Loaded<AgentRecord>,
    newest: &NewestKey,
    open: Option<&Loaded<PendingRotation>>,
    now: UnixTime,
) -> Result<(), Refusal> {
    if agent.record.key_number >= MAX_ROTATED_KEYS {
        return Err(Refusal::TooManyKeys);
    }
    // the first key was not rotated to; a time that lies ahead is of a clock since set back
    let rotated = (agent.record.key_number > 1).then_some(newest.record.since);
    let last = rotated.into_iter().chain(open.map(|pending| pending.record.requested)).max();
    let until = last.map(|last| last.min(now).saturating_add(ROTATION_PAUSE));
    match until.filter(|until| now < *until) {
        Some(until) => Err(Refusal::SlowDown { retry_after: until.since(now) }),
        None => Ok(()),
    }
}

fn waiting(
    statement: &VerifiedKeyChange,
    agent: &Loaded<AgentRecord>,
    before: Option<&Loaded<PendingRotation>>,
    now: UnixTime,
) -> Rotation {
    let record = &agent.record;
    let pending = PendingRotation {
        agent: record.id.clone(),
        organisation: record.organisation.clone(),
        did: statement.change().key.clone(),
        statement: statement.text().clone(),
        requested: now,
        expires: now.saturating_add(ROTATION_APPROVAL_LIFETIME),
    };
    let event = Event {
        fact: Fact::RotationRequested(changed(statement, record)),
        who: Party::Agent(record.did.clone()),
        why: None,
        when: now,
        did: Some(record.did.clone()),
    };
    let expect = before.map_or(Expect::Absent, |before| Expect::Version(before.version));
    let writes = vec![
        Write::put(expect, pending.clone()),
        // so that whoever stops the agent at the same moment loads again, and forgets this
        Write::replace(agent, record.clone()),
    ];
    Rotation::Waits { change: Change::new(writes, event), pending }
}

/// Approves the rotation to the key `wanted`, which was waiting. The same again, once it is done, changes nothing.
///
/// # Errors
///
/// [`Refusal::UnknownAgent`], [`Refusal::Forbidden`] for anybody but the owner and admins; [`Refusal::AgentRevoked`],
/// [`Refusal::NotClaimed`], [`Refusal::AgentRetired`], [`Refusal::AgentSuspended`]; [`Refusal::UnknownRotation`] for a key that does not wait, or whose time is over;
/// [`Refusal::StaleSequence`], [`Refusal::KeyCompromised`], [`Refusal::DidRegistered`] for what happened since.
pub fn approve_rotation(
    caller: Caller<'_>,
    case: RotationCase<'_>,
    wanted: &DidKey,
    why: Option<ShownText<MAX_WHY_BYTES>>,
    now: UnixTime,
) -> Result<Rotation, Refusal> {
    let agent = case.agent.ok_or(Refusal::UnknownAgent)?;
    let who = Party::Owner(caller.as_manager_of(&agent.record)?.id().clone());
    let Replaced { agent, newest } = case.found(now)?;
    if agent.record.did == *wanted {
        return Ok(Rotation::DoneBefore);
    }
    require_active(&agent.record)?;
    let statement = VerifiedKeyChange::kept(&waiting_for(&case, wanted, now)?.record.statement)?;
    require_next(&statement, agent, newest)?;
    let (change, agent) = replaced(&statement, &case, who, why, now)?;
    Ok(Rotation::Done { change, agent: Box::new(agent) })
}

/// Refuses the rotation to the key `wanted`, which was waiting: it is forgotten, and the current key stays.
///
/// # Errors
///
/// As [`approve_rotation`], as far as they concern caller, agent and what waits.
pub fn refuse_rotation(
    caller: Caller<'_>,
    case: RotationCase<'_>,
    wanted: &DidKey,
    why: Option<ShownText<MAX_WHY_BYTES>>,
    now: UnixTime,
) -> Result<Change, Refusal> {
    let agent = case.agent.ok_or(Refusal::UnknownAgent)?;
    let who = Party::Owner(caller.as_manager_of(&agent.record)?.id().clone());
    let Replaced { agent, .. } = case.found(now)?;
    require_active(&agent.record)?;
    let pending = waiting_for(&case, wanted, now)?;
    let statement = VerifiedKeyChange::kept(&pending.record.statement)?;
    let event = Event {
        fact: Fact::RotationRefused(changed(&statement, &agent.record)),
        who,
        why,
        when: now,
        did: Some(agent.record.did.clone()),
    };
    Ok(Change::new(vec![forgotten(pending)], event))
}

fn waiting_for<'a>(
    case: &RotationCase<'a>,
    wanted: &DidKey,
    now: UnixTime,
) -> Result<&'a Loaded<PendingRotation>, Refusal> {
    let pending = case.pending.filter(|pending| pending.record.did == *wanted && pending.record.is_open(now));
    pending.ok_or(Refusal::UnknownRotation)
}

/// What is written about a rotation of `agent` that waits, when the agent is out of use for its owner or has another one.
pub(super) fn dropped(pending: Option<&Loaded<PendingRotation>>, agent: &AgentRecord) -> Option<Write> {
    pending.filter(|pending| pending.record.agent == agent.id).map(forgotten)
}

pub(super) fn forgotten(pending: &Loaded<PendingRotation>) -> Write {
    Write::Delete { slot: pending.record.slot(), version: pending.version }
}

/// The change by which the current key is rotated out.
fn replaced(
    statement: &VerifiedKeyChange,
    case: &RotationCase<'_>,
    who: Party,
    why: Option<ShownText<MAX_WHY_BYTES>>,
    now: UnixTime,
) -> Result<(Change, AgentRecord), Refusal> {
    let Replaced { agent, newest } = case.found(now)?;
    let ground = KeyGround::Rotated(statement.text().clone());
    let (mut writes, rotated) = succession(statement, agent, newest, case.did, ground, now)?;
    writes.extend(case.pending.map(forgotten));
    let event = Event {
        fact: Fact::KeyRotated(changed(statement, &agent.record)),
        who,
        why,
        when: now,
        did: Some(rotated.did.clone()),
    };
    let mut feed = vec![FeedEntry::replaced_key(&agent.record.did, now.saturating_add(KEY_CUT_AHEAD))];
    feed.extend(inherited(&rotated, now));
    Ok((Change { feed, ..Change::new(writes, event) }, rotated))
}

/// What is written when a key takes its place, and the agent as it will be: the same record under another key.
pub(super) fn succession(
    statement: &VerifiedKeyChange,
    agent: &Loaded<AgentRecord>,
    newest: &NewestKey,
    did: &DidSlot,
    ground: KeyGround,
    now: UnixTime,
) -> Result<(Vec<Write>, AgentRecord), Refusal> {
    let (said, before) = (statement.change(), &agent.record);
    let free = did.free(&said.key, now)?;
    let number = before.key_number.checked_add(1).ok_or(Refusal::TooManyKeys)?;
    let key = KeyRecord {
        agent: before.id.clone(),
        organisation: before.organisation.clone(),
        number,
        did: said.key.clone(),
        ground,
        hash: said.hash,
        since: now,
        replaced: None,
        compromised: None,
    };
    let old = KeyRecord { replaced: Some(now), ..newest.record.clone() };
    let holder = DidRecord {
        did: said.key.clone(),
        organisation: before.organisation.clone(),
        holder: DidHolder::Agent(before.id.clone()),
    };
    let former = before.did_history()?.cloned().collect();
    let after =
        AgentRecord { did: said.key.clone(), key_number: number, is_key_compromised: false, former, ..before.clone() };
    let mut writes = free.clear;
    writes.extend([
        Write::replace(agent, after.clone()),
        Write::put(newest.expect, old),
        Write::put(Expect::Absent, key),
        Write::put(free.expect, holder),
    ]);
    Ok((writes, after))
}

/// What the log's statement says.
pub(super) fn changed(statement: &VerifiedKeyChange, agent: &AgentRecord) -> KeyChanged {
    let said = statement.change();
    KeyChanged {
        agent: agent.id.clone(),
        number: agent.key_number.saturating_add(1),
        last_good: (said.kind == KeyChangeKind::Recovery).then_some(said.after),
        statement: statement.text().clone(),
    }
}
