//! Evidence by itself: a root token of one issuer, and the hops below it (DEL-20 to DEL-41).

use handfast_delegation::{
    ChainError, ChainText, KnownKeys, UnverifiedAccessToken, UnverifiedChain, VerifiedAccessToken, VerifiedChain,
};
use handfast_identity::{Seconds, UnixTime};

use super::revoked::{Word, current_word};
use crate::Rejection;
use crate::chain::ChainNames;
use crate::revocation::RevocationSet;
use crate::trust::IssuerFacts;

/// A root token and the hops below it, verified together; only [`verify_evidence`] makes one. Not said: the times of the hops,
/// and whether anything was revoked.
#[derive(Debug)]
pub struct Evidence {
    pub(super) root: VerifiedAccessToken,
    pub(super) chain: VerifiedChain,
    pub(super) root_kid: String,
}

impl Evidence {
    /// The root token.
    #[must_use]
    pub const fn root(&self) -> &VerifiedAccessToken {
        &self.root
    }

    /// The hops below that root.
    #[must_use]
    pub const fn chain(&self) -> &VerifiedChain {
        &self.chain
    }

    /// The key id under which the issuer signed the root.
    #[must_use]
    pub fn root_kid(&self) -> &str {
        &self.root_kid
    }

    /// Whether `set`, all that `issuer` has revoked, names nothing of it: the root token and the key that signed it, the hops,
    /// task, owner, agents, and the keys that signed hops (DEL-38 to DEL-40).
    ///
    /// # Errors
    ///
    /// The first [`Rejection`] about revocation, in the order of the check.
    pub fn require_not_revoked(&self, issuer: &str, set: &RevocationSet) -> Result<(), Rejection> {
        ChainNames::new(issuer, (self.root.claims(), &self.root_kid), &self.chain).require_clear_of_issuer(set)
    }

    /// The same by what is known of the issuer's revocations; where they are not followed, nothing is asked. A status list says
    /// nothing of hops, nor do answers about tokens, so by these it is not known.
    ///
    /// # Errors
    ///
    /// As [`Self::require_not_revoked`], and [`Rejection::StatusUnknown`] or [`Rejection::FeedRolledBack`] if what is known is not
    /// enough, or older than `staleness`.
    pub fn require_not_revoked_as_known(
        &self,
        issuer: &IssuerFacts,
        staleness: Seconds,
        now: UnixTime,
    ) -> Result<(), Rejection> {
        match current_word(&issuer.status, staleness, now)? {
            Word::Set(set) => self.require_not_revoked(&issuer.trust.issuer, set),
            Word::Lists(_) | Word::Introspected(_) => Err(Rejection::StatusUnknown),
            Word::NotAsked => Ok(()),
        }
    }
}

/// Verifies a root token by itself, against the keys of the one issuer it may come from.
///
/// # Errors
///
/// [`ChainError::Malformed`] for what is no access token, else [`ChainError::UntrustedRoot`].
pub fn verify_root(text: &str, issuer: &IssuerFacts) -> Result<(VerifiedAccessToken, String), ChainError> {
    let (root, kid) = read_root(text, issuer)?;
    let key = issuer.keys.find(&kid).ok_or(ChainError::UntrustedRoot)?;
    Ok((root.verify(key).map_err(|_| ChainError::UntrustedRoot)?, kid))
}

/// Verifies evidence in its exchanged form, root token first, against the keys of the one issuer it may come from.
///
/// # Errors
///
/// The first [`ChainError`]: form and depth before any signature, then [`ChainError::UntrustedRoot`], then hop by hop.
pub fn verify_evidence(text: &ChainText<'_>, issuer: &IssuerFacts, max_hops: usize) -> Result<Evidence, ChainError> {
    verify_evidence_known(text, issuer, max_hops, &|_| None)
}

pub(super) fn verify_evidence_known(
    text: &ChainText<'_>,
    issuer: &IssuerFacts,
    max_hops: usize,
    known: &KnownKeys<'_>,
) -> Result<Evidence, ChainError> {
    let (root, hops) = text.split_root().ok_or(ChainError::Malformed)?;
    let chain = UnverifiedChain::parse_known(hops, known)?;
    let (root, root_kid) = read_root(root, issuer)?;
    chain.require_shape(root.unverified_claims(), max_hops)?;
    let key = issuer.keys.find(&root_kid).ok_or(ChainError::UntrustedRoot)?;
    // DEL-41: only the issuer can begin a chain
    let root = root.verify(key).map_err(|_| ChainError::UntrustedRoot)?;
    let chain = chain.verify_known(&root, max_hops, known)?;
    Ok(Evidence { root, chain, root_kid })
}

/// The root of evidence: read, of the same issuer, and not itself made from a chain.
fn read_root(text: &str, issuer: &IssuerFacts) -> Result<(UnverifiedAccessToken, String), ChainError> {
    let root = UnverifiedAccessToken::parse(text).map_err(|_| ChainError::Malformed)?;
    let claims = root.unverified_claims();
    let is_root = claims.delegability.is_some_and(|delegability| delegability.depth == 0) && claims.chain.is_none();
    if claims.issuer != issuer.trust.issuer || !is_root || claims.has_unreadable_restriction {
        return Err(ChainError::UntrustedRoot);
    }
    let kid = root.kid().ok_or(ChainError::UntrustedRoot)?.to_owned();
    Ok((root, kid))
}
