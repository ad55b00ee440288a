//! The end of one access token, before its time.

use handfast_delegation::{AccessToken, VerifiedAccessToken};
use handfast_identity::{DidKey, UnixTime};

use super::{Stopped, counted};
use crate::change::Write;
use crate::limits::{MAX_REVOCATION_ID_BYTES, MAX_WHY_BYTES, REVOCATION_MARGIN};
use crate::{
    AgentRecord, Caller, Change, Event, Expect, Fact, FeedEntry, FeedKind, Loaded, Refusal, RevocationRecord,
    ShownText, StopsRecord,
};

/// An access token that somebody wants to stop. No record of it is kept, so it is shown.
#[derive(Clone, Copy, Debug)]
pub struct TokenToStop<'a> {
    /// The token, signed by this registry.
    pub token: &'a VerifiedAccessToken,
    /// The record of its client, if that is an agent here.
    pub agent: Option<&'a AgentRecord>,
    /// How much the caller stopped lately, if it is an agent.
    pub stops: Option<&'a Loaded<StopsRecord>>,
    /// Its revocation, if there was one.
    pub before: Option<&'a RevocationRecord>,
}

/// Revokes one access token, and as a root every chain below it. Others of the same task go on.
///
/// The entry is kept until nothing below the token can be alive: no hop or exchanged token outlives it. Revoking it again
/// changes nothing.
///
/// # Errors
///
/// As [`Caller::stops_token`]; [`Refusal::InvalidEvidence`] for one that is over, or whose id is not one of ours;
/// [`Refusal::SlowDown`] for an agent that stops too much.
pub fn revoke_token(
    caller: Caller<'_>,
    case: TokenToStop<'_>,
    why: Option<ShownText<MAX_WHY_BYTES>>,
    now: UnixTime,
) -> Result<Stopped, Refusal> {
    let token = case.token.claims();
    let (by, organisation) = caller.stops_token(token, case.agent)?;
    if let Some(before) = case.before {
        return Ok(Stopped::Before(before.clone()));
    }
    let until = token_end(token);
    let feed = FeedEntry::until(FeedKind::Token, &token.token_id, until, now);
    let feed = feed.filter(|entry| entry.id.len() <= MAX_REVOCATION_ID_BYTES).ok_or(Refusal::InvalidEvidence)?;
    let record = RevocationRecord {
        organisation,
        kind: FeedKind::Token,
        id: token.token_id.to_string(),
        by: by.clone(),
        why: why.clone(),
        at: now,
        cut: None,
        until: Some(until),
    };
    let mut writes = vec![Write::put(Expect::Absent, record.clone())];
    writes.extend(counted(caller, case.stops, now)?);
    let event = Event {
        fact: Fact::Revoked { grain: FeedKind::Token, id: token.token_id.to_string(), cut: None, until: Some(until) },
        who: by,
        why,
        when: now,
        did: DidKey::parse(&token.client_id).ok(),
    };
    Ok(Stopped::Now { change: Change { feed: vec![feed], ..Change::new(writes, event) }, record })
}

/// When nothing of a token can be alive any more.
const fn token_end(token: &AccessToken) -> UnixTime {
    token.authority.expires_at.saturating_add(REVOCATION_MARGIN)
}
