//! Steps 3 to 5 as one: a token, with its evidence if it has some, at one place and time. No proof and no request in it.

use std::sync::Arc;

use handfast_delegation::{AccessToken, Authority, ChainText, VerifiedChain};
use handfast_identity::UnixTime;

use super::chain::Presented;
use super::revoked;
use super::revoked::Known;
use super::token::{HashedToken, TokenText};
use crate::chain::ChainVerdict;
use crate::token::KnownToken;
use crate::trust::{Facts, Profile};
use crate::{EnforcementPoint, Rejection};

/// A token that is its issuer's, in its time and not revoked, and the chain it stands on. Who presents it is not known.
#[derive(Debug)]
pub struct Credentials {
    pub(super) token: Arc<KnownToken>,
    pub(super) standing: Standing,
    pub(super) profile: Profile,
}

/// What a token's authority rests on.
#[derive(Clone, Debug)]
pub(crate) enum Standing {
    /// No delegation.
    Alone,
    /// An exchanged token without evidence, on the issuer's word.
    OnWord,
    /// An exchanged token, within its evidence.
    Exchanged(Arc<ChainVerdict>),
    /// Hops below a root token: from here on nothing reads the root's authority (DEL-34).
    Offline(Arc<ChainVerdict>),
}

impl Standing {
    /// The effective authority.
    pub(crate) fn authority<'a>(&'a self, token: &'a AccessToken) -> &'a Authority {
        match self {
            Self::Alone | Self::OnWord | Self::Exchanged(_) => &token.authority,
            Self::Offline(verdict) => &verdict.chain.leaf().hop.authority,
        }
    }

    /// The evidence.
    pub(crate) fn chain(&self) -> Option<&VerifiedChain> {
        self.verdict().map(ChainVerdict::chain)
    }

    pub(crate) fn verdict(&self) -> Option<&ChainVerdict> {
        match self {
            Self::Alone | Self::OnWord => None,
            Self::Exchanged(verdict) | Self::Offline(verdict) => Some(verdict),
        }
    }

    /// Who acts: the last delegate of an offline chain, else the token's client.
    pub(crate) fn client_id<'a>(&'a self, token: &'a AccessToken) -> &'a str {
        match self {
            Self::Alone | Self::OnWord | Self::Exchanged(_) => &token.client_id,
            Self::Offline(verdict) => verdict.chain.leaf().hop.delegate.as_str(),
        }
    }
}

impl Credentials {
    /// Verifies a token, and the chain presented beside it, against the place, what is known, and one reading of the clock.
    ///
    /// This is what a resource server asks about them apart from proof, route and replay. Others ask it too, to tell in
    /// advance what the answer would be.
    ///
    /// # Errors
    ///
    /// The first [`Rejection`] of steps 3 to 5 (spec/reasons.md).
    pub fn verify(
        token_text: &str,
        chain: Option<&ChainText<'_>>,
        point: &EnforcementPoint<'_>,
        facts: &Facts,
        now: UnixTime,
    ) -> Result<Self, Rejection> {
        let token = TokenText::look_up(token_text, point.verdicts, now);
        Self::verify_hashed(token.hashed(), chain, point, facts, now)
    }

    /// As [`Self::verify`], where it was looked up already what is known of the token.
    pub(super) fn verify_hashed(
        token: HashedToken<'_>,
        chain: Option<&ChainText<'_>>,
        point: &EnforcementPoint<'_>,
        facts: &Facts,
        now: UnixTime,
    ) -> Result<Self, Rejection> {
        let (token, issuer) = token.verify(point, facts, now)?;
        let known = Known { facts, staleness: point.staleness, now };
        revoked::require_not_revoked(&token, issuer, &known)?;
        let presented = Presented { token: &token, chain };
        let standing = presented.standing(issuer, point, now)?;
        revoked::require_ground(token.claims(), &standing, issuer, &known, point.stops)?;
        Ok(Self { token, standing, profile: issuer.trust.profile })
    }

    /// The presented token.
    #[must_use]
    pub fn token(&self) -> &AccessToken {
        self.token.claims()
    }

    /// The chain, if evidence of one was presented.
    #[must_use]
    pub fn chain(&self) -> Option<&VerifiedChain> {
        self.standing.chain()
    }

    /// What may be done: the token's authority, or offline the last hop's.
    #[must_use]
    pub fn authority(&self) -> &Authority {
        self.standing.authority(self.token.claims())
    }

    /// Who may present it: the token's client, or offline the last hop's delegate.
    #[must_use]
    pub fn client_id(&self) -> &str {
        self.standing.client_id(self.token.claims())
    }
}
