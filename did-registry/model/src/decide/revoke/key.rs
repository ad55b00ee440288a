//! A key that somebody else has.

use handfast_identity::{DidKey, UnixTime};

use super::Stopped;
use crate::change::Write;
use crate::limits::MAX_WHY_BYTES;
use crate::{
    AgentRecord, Caller, Change, Event, Expect, Fact, FeedEntry, FeedKind, KeyRecord, Loaded, Organisation, Party,
    Refusal, RevocationRecord, ShownText, Slot,
};

/// A key that somebody wants to stop, as loaded.
#[derive(Clone, Copy, Debug)]
pub struct KeyToStop<'a> {
    /// Its DID.
    pub did: &'a DidKey,
    /// The agent whose key it is or was, with its history.
    pub agent: Option<&'a Loaded<AgentRecord>>,
    /// The record of the key, if it was replaced or took another's place.
    pub key: Option<&'a Loaded<KeyRecord>>,
    /// Its revocation, if there was one.
    pub before: Option<&'a RevocationRecord>,
}

/// Declares one key compromised, for ever: every token bound to it, and every chain with a hop by it or for it, is dead
/// (DEL-40). The agent goes on, with another key: if it was the current one, only its owner can give it one, by a recovery.
///
/// # Errors
///
/// [`Refusal::Forbidden`] for anybody but the agent's owner and admins; of a key that no agent has, for anybody but admins.
pub fn revoke_key(
    caller: Caller<'_>,
    case: KeyToStop<'_>,
    why: Option<ShownText<MAX_WHY_BYTES>>,
    now: UnixTime,
) -> Result<Stopped, Refusal> {
    let agent = match case.agent {
        Some(agent) if agent.record.did_history()?.any(|did| did == case.did) => Some(agent),
        Some(_) => return Err(Refusal::StoreUnavailable),
        None => None,
    };
    let owner = match agent {
        Some(agent) => caller.as_manager_of(&agent.record).map_err(|_| Refusal::Forbidden)?,
        None => caller.as_admin()?,
    };
    if let Some(before) = case.before {
        return Ok(Stopped::Before(before.clone()));
    }
    let (id, by) = (case.did.to_string(), Party::Owner(owner.id().clone()));
    let record = RevocationRecord {
        organisation: agent.map_or_else(Organisation::default, |agent| agent.record.organisation.clone()),
        kind: FeedKind::Key,
        id: id.clone(),
        by: by.clone(),
        why: why.clone(),
        at: now,
        cut: None,
        until: None,
    };
    let mut writes = vec![Write::put(Expect::Absent, record.clone())];
    writes.extend(agent.map(|agent| match agent.record.did == *case.did {
        true => Write::replace(agent, AgentRecord { is_key_compromised: true, ..agent.record.clone() }),
        // a rotation at once does not slip through
        false => Write::Keep { slot: Slot::agent(&agent.record.id), version: agent.version },
    }));
    let key = case.key.filter(|key| key.record.did == *case.did);
    writes.extend(key.map(|key| Write::replace(key, KeyRecord { compromised: Some(now), ..key.record.clone() })));
    let event = Event {
        fact: Fact::Revoked { grain: FeedKind::Key, id, cut: None, until: None },
        who: by,
        why,
        when: now,
        did: Some(case.did.clone()),
    };
    let feed = vec![FeedEntry::compromised_key(case.did)];
    Ok(Stopped::Now { change: Change { feed, ..Change::new(writes, event) }, record })
}
