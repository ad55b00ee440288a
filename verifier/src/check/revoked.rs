//! Step 4: nothing the token names was revoked, as far as is known, and enough is known.

use handfast_delegation::{AccessToken, ActorChain, StatusReference};
use handfast_identity::{DidKey, Seconds, UnixTime};

use super::Standing;
use crate::chain::ChainVerdict;
use crate::introspection::Introspections;
use crate::revocation::{RevocationKind, RevocationName, RevocationSet, Revoked};
use crate::status_list::StatusLists;
use crate::token::{KnownToken, TokenNames};
use crate::trust::{Facts, IssuerFacts, Status};
use crate::{Rejection, Stops, Work};

/// What is known of revocations, and when it is asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known<'a> {
    pub(crate) facts: &'a Facts,
    pub(crate) staleness: Seconds,
    pub(crate) now: UnixTime,
}

impl<'a> Known<'a> {
    fn word(&self, status: &'a Status) -> Result<Word<'a>, Rejection> {
        current_word(status, self.staleness, self.now)
    }

    /// What `listing` says. Sound trust records name only followed feeds as listings; an absent one is unknown, not clear, and so are
    /// lists and answers about tokens, which say nothing of names.
    fn set_of(&self, listing: &str) -> Result<Option<&'a RevocationSet>, Rejection> {
        match self.word(&self.facts.issuer(listing).ok_or(Rejection::StatusUnknown)?.status)? {
            Word::Set(set) => Ok(Some(set)),
            Word::NotAsked => Ok(None),
            Word::Lists(_) | Word::Introspected(_) => Err(Rejection::StatusUnknown),
        }
    }

    /// Refuses what the issuer's list speaks against, or does not speak of (TSL-20 to TSL-24).
    fn require_listed(
        &self,
        lists: &StatusLists,
        reference: Option<&StatusReference>,
        issuer: &IssuerFacts,
    ) -> Result<(), Rejection> {
        let reference = reference.ok_or(Rejection::StatusReferenceInvalid)?;
        match lists.require_valid(reference, self.staleness, self.now) {
            // TSL-30: what is not held is fetched, but not from anywhere
            Err(Rejection::StatusListMissing { uri }) if !issuer.trust.may_list_at(&uri) => {
                Err(Rejection::StatusReferenceInvalid)
            }
            judged => judged,
        }
    }
}

/// Refuses a token that names anything revoked. Asked only about tokens whose signature is good: never an oracle (wire order).
pub(crate) fn require_not_revoked(
    token: &KnownToken,
    issuer: &IssuerFacts,
    known: &Known<'_>,
) -> Result<(), Rejection> {
    match known.word(&issuer.status)? {
        Word::Set(set) => token.require_clear_of_issuer(set)?,
        Word::Lists(lists) => known.require_listed(lists, token.claims().status.as_ref(), issuer)?,
        Word::Introspected(answers) => answers.require_active(token.hash(), known.now)?,
        Word::NotAsked => {}
    }
    for listing in &issuer.trust.agent_status {
        if let Some(set) = known.set_of(listing)? {
            token.require_clear_of_agents(listing, set)?;
        }
    }
    Ok(())
}

/// Refuses a root token of `issuer` that names anything in `set`, for whoever knows more than a feed says: the registry itself.
///
/// # Errors
///
/// The first [`Rejection`] about revocation, in the order of the check.
pub fn require_root_not_revoked(
    root: &AccessToken,
    kid: &str,
    issuer: &str,
    set: &RevocationSet,
) -> Result<(), Rejection> {
    TokenNames::new(issuer, root, kid).require_clear_of_issuer(set)
}

/// Refuses what a token stands on, if anything of it was revoked or stopped: the end of step 5.
pub(crate) fn require_ground(
    claims: &AccessToken,
    standing: &Standing,
    issuer: &IssuerFacts,
    known: &Known<'_>,
    stops: &dyn Stops,
) -> Result<(), Rejection> {
    match standing.verdict() {
        Some(verdict) => require_chain_not_revoked(claims, verdict, issuer, known)?,
        None => require_named_hops_not_revoked(claims, issuer, known)?,
    }
    match Work::of(claims, standing).and_then(|work| stops.stop(&work)) {
        Some(stop) => Err(stop.into()),
        None => Ok(()),
    }
}

/// Refuses a chain that names anything revoked: its root token, hops, task, owner, agents and the keys that signed in it.
fn require_chain_not_revoked(
    claims: &AccessToken,
    verdict: &ChainVerdict,
    issuer: &IssuerFacts,
    known: &Known<'_>,
) -> Result<(), Rejection> {
    let names = |listing: &str| verdict.names.iter().find(|names| names.listing() == listing);
    match known.word(&issuer.status)? {
        Word::Set(set) => {
            // a verdict is made with the names of its own issuer; one without them is not this issuer's
            let names = names(&claims.issuer).ok_or(Rejection::StatusUnknown)?;
            names.require_clear_of_issuer(set)?;
        }
        // TSL-31; the hops are behind the reference of the token itself
        Word::Lists(lists) => known.require_listed(lists, verdict.root_status.as_ref(), issuer)?,
        // INT-04: what the issuer says of the token, it says of the hops and the root behind it
        Word::Introspected(_) | Word::NotAsked => {}
    }
    for listing in &issuer.trust.agent_status {
        if let Some(set) = known.set_of(listing)? {
            names(listing).ok_or(Rejection::StatusUnknown)?.require_clear_of_agents(set)?;
        }
    }
    Ok(())
}

/// Refuses a token without evidence whose own list names a revoked hop or root, or whose `act` names somebody whose key is
/// compromised (DEL-38, DEL-40). When a hop was signed is not known, so a key that was rotated out stops nothing here.
fn require_named_hops_not_revoked(
    claims: &AccessToken,
    issuer: &IssuerFacts,
    known: &Known<'_>,
) -> Result<(), Rejection> {
    let Some(chain) = &claims.chain else { return Ok(()) };
    let actors = claims.actors.iter().flat_map(ActorChain::iter).filter_map(|actor| DidKey::parse(actor).ok());
    let keys: Vec<_> = actors.map(|did| did.thumbprint().to_chars()).collect();
    let is_compromised = |set: &RevocationSet, listing: &str| {
        let found = |key| set.covers(RevocationName::of(listing, RevocationKind::Key, key), claims.issued_at);
        keys.iter().any(|key| found(key) == Some(Revoked::Entirely))
    };
    // by a list the hops are behind the token's own reference, which was asked about; an issuer that is asked answers for them
    if let Word::Set(set) = known.word(&issuer.status)? {
        let covers =
            |kind, id: &[u8]| set.covers(RevocationName::of(&claims.issuer, kind, id), claims.issued_at).is_some();
        if covers(RevocationKind::Token, chain.root_token_id.as_bytes()) {
            return Err(Rejection::TokenRevoked);
        }
        if chain.hops.iter().any(|hop| covers(RevocationKind::Hop, &hop.to_chars())) {
            return Err(Rejection::HopRevoked);
        }
        if is_compromised(set, &claims.issuer) {
            return Err(Rejection::KeyCompromised);
        }
    }
    for listing in &issuer.trust.agent_status {
        if let Some(set) = known.set_of(listing)?
            && is_compromised(set, listing)
        {
            return Err(Rejection::KeyCompromised);
        }
    }
    Ok(())
}

/// What an issuer's word on revocations is looked up in.
pub(super) enum Word<'a> {
    /// Nothing: it is not followed, by configuration.
    NotAsked,
    /// Names.
    Set(&'a RevocationSet),
    /// Places in lists.
    Lists(&'a StatusLists),
    /// The token itself, among those that the issuer was asked about.
    Introspected(&'a Introspections),
}

/// The word that counts: an error of ours when it is missing, too old, or was rolled back (P-11, P-17). How old a list or an
/// answer about a token is, is told by each itself.
pub(super) fn current_word(status: &Status, staleness: Seconds, now: UnixTime) -> Result<Word<'_>, Rejection> {
    match status {
        Status::NotFollowed => Ok(Word::NotAsked),
        Status::Lists(lists) => Ok(Word::Lists(lists)),
        Status::Introspected(answers) => Ok(Word::Introspected(answers)),
        Status::Unknown => Err(Rejection::StatusUnknown),
        Status::RolledBack => Err(Rejection::FeedRolledBack),
        Status::Known { as_of, .. } if now.since(*as_of) > staleness => Err(Rejection::StatusUnknown),
        Status::Known { set, .. } => Ok(Word::Set(set)),
    }
}
