//! The end of everything that is being done on an owner's behalf.

use handfast_identity::UnixTime;

use super::Stopped;
use crate::change::Write;
use crate::limits::{LONGEST_TOKEN_LIFETIME, MAX_WHY_BYTES, OWNER_CUT_AHEAD, REVOCATION_MARGIN};
use crate::{
    Caller, Change, Event, Expect, Fact, FeedEntry, FeedKind, Loaded, OwnerRecord, Party, Refusal, RevocationRecord,
    ShownText,
};

/// An owner, everything on whose behalf somebody wants to stop, as loaded.
#[derive(Clone, Copy, Debug)]
pub struct OwnerToStop<'a> {
    /// The owner; `None` if there is none of that id.
    pub owner: Option<&'a OwnerRecord>,
    /// The newest revocation, if there was one.
    pub before: Option<&'a Loaded<RevocationRecord>>,
}

/// Revokes every token for an owner up to a cut-off, the owner's own among them, and every chain below one. Owner, agents and
/// tasks go on: tokens made after the cut-off are good.
///
/// The cut-off lies [`OWNER_CUT_AHEAD`] ahead, so that nothing that is being issued now escapes it; until then nothing is to be
/// issued for the owner. The same again before the cut-off, or for an owner who was
/// off-boarded, changes nothing; afterwards it is another cut-off.
///
/// # Errors
///
/// As [`Caller::stops_owner`]; [`Refusal::InvalidRequest`] from an admin for none.
pub fn revoke_owner(
    caller: Caller<'_>,
    case: OwnerToStop<'_>,
    why: Option<ShownText<MAX_WHY_BYTES>>,
    now: UnixTime,
) -> Result<Stopped, Refusal> {
    let Some(owner) = case.owner else { return caller.as_admin().and(Err(Refusal::InvalidRequest)) };
    let by = Party::Owner(caller.stops_owner(&owner.id)?.id().clone());
    if let Some(before) = case.before.filter(|before| before.record.cut.is_none_or(|cut| now <= cut)) {
        return Ok(Stopped::Before(before.record.clone()));
    }
    let id = owner.id.to_string();
    let cut = now.saturating_add(OWNER_CUT_AHEAD);
    let until = cut.saturating_add(LONGEST_TOKEN_LIFETIME).saturating_add(REVOCATION_MARGIN);
    let record = RevocationRecord {
        organisation: owner.organisation.clone(),
        kind: FeedKind::Owner,
        id: id.clone(),
        by: by.clone(),
        why: why.clone(),
        at: now,
        cut: Some(cut),
        until: Some(until),
    };
    let expect = case.before.map_or(Expect::Absent, |before| Expect::Version(before.version));
    let event = Event {
        fact: Fact::Revoked { grain: FeedKind::Owner, id: id.clone(), cut: Some(cut), until: Some(until) },
        who: by,
        why,
        when: now,
        did: Some(owner.did.clone()),
    };
    let feed = vec![FeedEntry { kind: FeedKind::Owner, id, cut: Some(cut), until: Some(until) }];
    let change = Change { feed, ..Change::new(vec![Write::put(expect, record.clone())], event) };
    Ok(Stopped::Now { change, record })
}
