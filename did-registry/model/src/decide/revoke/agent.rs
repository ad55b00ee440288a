//! The end of an agent.

use handfast_identity::UnixTime;

use crate::change::Write;
use crate::decide::rotate::dropped;
use crate::limits::MAX_WHY_BYTES;
use crate::record::{Life, Revoked, StatusEntry};
use crate::{
    AgentRecord, Caller, Change, Event, Fact, FeedEntry, Loaded, Outcome, Party, PendingRotation, Refusal, ShownText,
};

/// Revokes an agent, for ever (P-12): its owner or an admin decides; every DID of its history goes onto the feed, without
/// cut-off; `pending`, a rotation that waits for the owner, is forgotten. Revoking it again changes nothing and is no error.
///
/// # Errors
///
/// [`Refusal::UnknownAgent`] for none or an expired one; [`Refusal::Forbidden`] for anybody else;
/// [`Refusal::StoreUnavailable`] for a record without its history.
pub fn revoke_agent(
    caller: Caller<'_>,
    agent: Option<&Loaded<AgentRecord>>,
    pending: Option<&Loaded<PendingRotation>>,
    why: Option<ShownText<MAX_WHY_BYTES>>,
    now: UnixTime,
) -> Result<Outcome, Refusal> {
    let agent = agent.filter(|agent| !agent.record.is_expired(now)).ok_or(Refusal::UnknownAgent)?;
    let by = caller.as_manager_of(&agent.record)?;
    let life = match &agent.record.life {
        Life::Revoked(_) => return Ok(Outcome::Unchanged),
        Life::Unclaimed(_) => Revoked { owner: None, claimed_at: None, at: now },
        Life::Claimed(claimed) => Revoked { owner: Some(claimed.owner.clone()), claimed_at: Some(claimed.at), at: now },
    };
    let revoked = AgentRecord { life: Life::Revoked(life), ..agent.record.clone() };
    let dids: Vec<_> = revoked.did_history()?.cloned().collect();
    let feed = dids.iter().map(FeedEntry::revoked_agent).collect();
    let event = Event {
        fact: Fact::AgentRevoked { agent: revoked.id.clone(), dids },
        who: Party::Owner(by.id.clone()),
        why,
        when: now,
        did: Some(revoked.did.clone()),
    };
    let mut writes =
        vec![StatusEntry::left(&agent.record), StatusEntry::entered(&revoked), Write::replace(agent, revoked)];
    writes.extend(dropped(pending, &agent.record));
    Ok(Outcome::Changed(Change { feed, ..Change::new(writes, event) }))
}
