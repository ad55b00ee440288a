//! The owner takes an agent back: every key after the last good one is compromised, and a new one is current (spec/rotation.md).

use handfast_identity::history::{KeyChangeKind, MAX_KEYS_PER_AGENT};
use handfast_identity::{ContentHash, UnixTime};

use super::free::DidSlot;
use super::life::inherited;
use super::rotate::{NewestKey, changed, forgotten, succession};
use crate::limits::{KEY_CUT_AHEAD, MAX_WHY_BYTES};
use crate::record::{KeyGround, Life};
use crate::{
    AgentRecord, Caller, Change, Event, Expect, Fact, FeedEntry, KeyRecord, Loaded, Party, PendingRotation, Refusal,
    ShownText, VerifiedKeyChange,
};

/// An agent to be recovered, and everything that belongs to its keys, as loaded.
#[derive(Clone, Debug)]
pub struct RecoveryCase<'a> {
    /// The agent, with its history.
    pub agent: Option<&'a Loaded<AgentRecord>>,
    /// The records of its keys, in their order; of one that never had another key this is empty.
    pub keys: &'a [Loaded<KeyRecord>],
    /// The hash of its registration.
    pub registration: ContentHash,
    /// The rotation that waits, if there is one.
    pub pending: Option<&'a Loaded<PendingRotation>>,
    /// What is known about the new DID.
    pub did: &'a DidSlot,
}

/// What became of a recovery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// Commit this; then the new key is current.
    Done {
        /// To commit.
        change: Change,
        /// The agent as it will be.
        agent: Box<AgentRecord>,
    },
    /// This very statement was taken before: write nothing.
    DoneBefore,
}

/// Puts the new key of `statement` in the place of every key after the last good one, which the statement names; 0 says that none
/// was good. Those keys are compromised: everything by them, and made for them, is dead at once (DEL-40).
///
/// It hangs on the last good statement and not on the newest one, so no rotation that is faster can make it stale: it wins over
/// whatever the keys signed. An agent that is suspended stays so, under its new key too.
///
/// # Errors
///
/// In this order: [`Refusal::UnknownAgent`]; [`Refusal::Forbidden`] for anybody but the agent's owner, and for a statement that
/// is not by the owner's own key; [`Refusal::AgentRevoked`], [`Refusal::AgentRetired`]; [`Refusal::StaleSequence`] for a number, key or hash that no good
/// statement has; [`Refusal::KeyCompromised`] for a last good key that is not good; [`Refusal::DidRegistered`];
/// [`Refusal::TooManyKeys`].
pub fn recover(
    caller: Caller<'_>,
    statement: &VerifiedKeyChange,
    case: &RecoveryCase<'_>,
    why: Option<ShownText<MAX_WHY_BYTES>>,
    now: UnixTime,
) -> Result<Recovery, Refusal> {
    let agent = case.agent.filter(|agent| !agent.record.is_expired(now)).ok_or(Refusal::UnknownAgent)?;
    let owner = caller.as_owner()?;
    if owner.organisation != agent.record.organisation {
        return Err(Refusal::UnknownAgent);
    }
    let said = statement.change();
    let is_theirs = agent.record.owner() == Some(&owner.id);
    if !is_theirs || said.kind != KeyChangeKind::Recovery || said.signer != owner.did {
        return Err(Refusal::Forbidden);
    }
    if matches!(agent.record.life, Life::Revoked(_)) {
        return Err(Refusal::AgentRevoked);
    }
    if agent.record.retired_at().is_some() {
        return Err(Refusal::AgentRetired);
    }
    let keys = History::of(&agent.record, case)?;
    if keys.newest.record.hash == said.hash {
        return Ok(Recovery::DoneBefore);
    }
    keys.require_good(statement, &agent.record)?;
    if agent.record.key_number >= MAX_KEYS_PER_AGENT {
        return Err(Refusal::TooManyKeys);
    }
    let mut feed = keys.stopped(said.after, now);
    let ground = KeyGround::Recovered { statement: statement.text().clone(), last_good: said.after };
    let (mut writes, recovered) = succession(statement, agent, &keys.newest, case.did, ground, now)?;
    writes.extend(case.pending.map(forgotten));
    feed.extend(inherited(&recovered, now));
    let event = Event {
        fact: Fact::KeyRecovered(changed(statement, &agent.record)),
        who: Party::Owner(owner.id.clone()),
        why,
        when: now,
        did: Some(recovered.did.clone()),
    };
    let change = Change { feed, ..Change::new(writes, event) };
    Ok(Recovery::Done { change, agent: Box::new(recovered) })
}

/// The keys of an agent, all of them.
struct History {
    keys: Vec<KeyRecord>,
    newest: NewestKey,
}

impl History {
    fn of(agent: &AgentRecord, case: &RecoveryCase<'_>) -> Result<Self, Refusal> {
        let newest = match case.keys.last() {
            Some(last) => NewestKey::known(last.clone()),
            None => NewestKey { record: KeyRecord::registered(agent, case.registration), expect: Expect::Absent },
        };
        let mut keys: Vec<_> = case.keys.iter().map(|key| key.record.clone()).collect();
        if keys.is_empty() {
            keys.push(newest.record.clone());
        }
        let is_whole = keys.len() == usize::from(agent.key_number)
            && keys.iter().zip(1_u16..).all(|(key, number)| key.number == number && key.agent == agent.id)
            && newest.record.did == agent.did;
        // records of another time or agent were not loaded as they should have been
        if is_whole { Ok(Self { keys, newest }) } else { Err(Refusal::StoreUnavailable) }
    }

    /// The statement names a place in this history behind which it is good to begin anew.
    fn require_good(&self, statement: &VerifiedKeyChange, agent: &AgentRecord) -> Result<(), Refusal> {
        let said = statement.change();
        let Some(index) = said.after.checked_sub(1) else {
            let is_first = self.keys.first().is_some_and(|first| first.did == said.predecessor);
            return if is_first { Ok(()) } else { Err(Refusal::StaleSequence) };
        };
        let key = self.keys.get(usize::from(index)).ok_or(Refusal::StaleSequence)?;
        if key.did != said.predecessor || said.previous != Some(key.hash) {
            return Err(Refusal::StaleSequence);
        }
        let is_current = key.number == agent.key_number;
        if key.is_compromised(&self.keys) || (is_current && agent.is_key_compromised) {
            return Err(Refusal::KeyCompromised);
        }
        Ok(())
    }

    /// What resource servers must learn: the keys after `last_good` are compromised, unless they were that already. If it is the
    /// current one that was the last good, it is rotated out.
    fn stopped(&self, last_good: u16, now: UnixTime) -> Vec<FeedEntry> {
        let fresh = self.keys.iter().filter(|key| key.number > last_good && !key.is_compromised(&self.keys));
        let mut feed: Vec<_> = fresh.map(|key| FeedEntry::compromised_key(&key.did)).collect();
        if self.newest.record.number == last_good {
            feed.push(FeedEntry::replaced_key(&self.newest.record.did, now.saturating_add(KEY_CUT_AHEAD)));
        }
        feed
    }
}
