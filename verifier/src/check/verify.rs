//! Steps 2 to 5: the unsigned parts of the proof, the token, its revocation, and the question of a chain.

use handfast_delegation::VerifiedAccessToken;
use handfast_dpop::{CheckedProof, ContentHash, Expectation};
use handfast_identity::UnixTime;

use super::{UnverifiedRequest, parse, revoked, token};
use crate::trust::{Facts, Profile};
use crate::{EnforcementPoint, Rejection};

/// A request whose token is good by itself and whose proof claims to be for it. That they belong together is not known yet.
#[derive(Debug)]
pub struct VerifiedRequest {
    pub(super) proof: CheckedProof,
    pub(super) token: VerifiedAccessToken,
    pub(super) profile: Profile,
    pub(super) enforcement_point: String,
}

impl UnverifiedRequest<'_> {
    /// Verifies proof (unsigned parts) and token against the place, what is known, and one reading of the clock.
    ///
    /// # Errors
    ///
    /// The first [`Rejection`] of steps 2 to 5 (spec/reasons.md). [`Rejection::TokenKeyUnknown`] is worth one repetition after
    /// the issuer's keys were fetched again (JWKS-04).
    pub fn verify(
        self,
        point: &EnforcementPoint<'_>,
        facts: &Facts,
        now: UnixTime,
    ) -> Result<VerifiedRequest, Rejection> {
        let expected = Expectation {
            method: self.method,
            target: self.target,
            token_hash: Some(ContentHash::of(self.token_text.as_bytes())),
            delegation_hash: self.delegation_hash,
            window: point.window,
            nonces: point.nonces,
        };
        let proof = self.proof.check(&expected, now)?;
        let token = parse::read_token(self.token_text)?;
        let (token, issuer, kid) = token::verify(token, point, facts, now)?;
        revoked::require_not_revoked(token.claims(), &kid, issuer, facts, point, now)?;
        require_no_chain(&token, self.delegation_hash.is_some())?;
        Ok(VerifiedRequest {
            proof,
            token,
            profile: issuer.trust.profile,
            enforcement_point: point.resource.to_string(),
        })
    }
}

/// This version verifies no chains, so it accepts none: neither a token made from one nor evidence beside a root.
fn require_no_chain(token: &VerifiedAccessToken, has_delegation: bool) -> Result<(), Rejection> {
    let claims = token.claims();
    let stands_for_chain =
        claims.restrictions.chain || claims.delegability.is_some_and(|delegability| delegability.depth > 0);
    if stands_for_chain {
        return Err(Rejection::EvidenceRequired);
    }
    if has_delegation { Err(Rejection::DelegationNotPermitted) } else { Ok(()) }
}
