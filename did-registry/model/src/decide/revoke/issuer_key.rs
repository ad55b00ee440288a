//! The end of one of the registry's own token keys.

use handfast_identity::UnixTime;

use super::Stopped;
use crate::change::Write;
use crate::limits::{MAX_REVOCATION_ID_BYTES, MAX_WHY_BYTES};
use crate::{
    Caller, Change, Event, Expect, Fact, FeedEntry, FeedKind, Organisation, Party, Refusal, RevocationRecord, ShownText,
};

/// A token key that somebody wants to stop.
#[derive(Clone, Copy, Debug)]
pub struct IssuerKeyToStop<'a> {
    /// Its `kid`, if it is one of this registry's.
    pub id: Option<&'a str>,
    /// Its revocation, if there was one.
    pub before: Option<&'a RevocationRecord>,
}

/// Revokes a token key, for ever: every token signed with it, and every chain below one. Whoever has stolen it can date tokens as
/// they like, so the entry has neither cut-off nor end. Revoking it again changes nothing.
///
/// # Errors
///
/// [`Refusal::Forbidden`] for anybody but an admin; [`Refusal::InvalidRequest`] for what is no key of this registry.
pub fn revoke_issuer_key(
    caller: Caller<'_>,
    case: IssuerKeyToStop<'_>,
    why: Option<ShownText<MAX_WHY_BYTES>>,
    now: UnixTime,
) -> Result<Stopped, Refusal> {
    let by = Party::Owner(caller.as_admin()?.id().clone());
    if let Some(before) = case.before {
        return Ok(Stopped::Before(before.clone()));
    }
    let id = case.id.filter(|id| id.len() <= MAX_REVOCATION_ID_BYTES).ok_or(Refusal::InvalidRequest)?;
    let record = RevocationRecord {
        organisation: Organisation::default(),
        kind: FeedKind::IssuerKey,
        id: id.to_owned(),
        by: by.clone(),
        why: why.clone(),
        at: now,
        cut: None,
        until: None,
    };
    let event = Event {
        fact: Fact::Revoked { grain: FeedKind::IssuerKey, id: id.to_owned(), cut: None, until: None },
        who: by,
        why,
        when: now,
        did: None,
    };
    let feed = vec![FeedEntry { kind: FeedKind::IssuerKey, id: id.to_owned(), cut: None, until: None }];
    let change = Change { feed, ..Change::new(vec![Write::put(Expect::Absent, record.clone())], event) };
    Ok(Stopped::Now { change, record })
}
