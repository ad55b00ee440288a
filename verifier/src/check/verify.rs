//! Steps 2 to 5: the unsigned parts of the proof, then the credentials it comes with.

use handfast_delegation::ResourceId;
use handfast_dpop::{CheckedProof, Expectation};
use handfast_identity::{Seconds, UnixTime};

use super::{Credentials, UnverifiedRequest};
use crate::trust::Facts;
use crate::{EnforcementPoint, Rejection, Verdicts};

/// A request whose token is good by itself and whose proof claims to be for it. That they belong together is not known yet.
#[derive(Debug)]
pub struct VerifiedRequest<'a> {
    pub(super) proof: CheckedProof<'a>,
    pub(super) credentials: Credentials,
    pub(super) enforcement_point: &'a ResourceId,
    pub(super) verdicts: &'a dyn Verdicts,
    pub(super) leeway: Seconds,
}

impl<'a> UnverifiedRequest<'a> {
    /// Verifies proof (unsigned parts), token and chain against the place, what is known, and one reading of the clock.
    ///
    /// # Errors
    ///
    /// The first [`Rejection`] of steps 2 to 5 (spec/reasons.md). [`Rejection::TokenKeyUnknown`] is worth one repetition after
    /// the issuer's keys were fetched again (JWKS-04).
    pub fn verify(
        self,
        point: &EnforcementPoint<'a>,
        facts: &Facts,
        now: UnixTime,
    ) -> Result<VerifiedRequest<'a>, Rejection> {
        let token = self.token.hashed();
        let expected = Expectation {
            method: self.method,
            target: self.target,
            token_hash: Some(*token.hash()),
            // DEL-32: the proof covers the evidence, or there is none
            delegation_hash: self.chain.as_ref().map(handfast_delegation::ChainText::hash),
            window: point.window,
            nonces: point.nonces,
        };
        let proof = self.proof.check(&expected, now)?;
        let credentials = Credentials::verify_hashed(token, self.chain.as_ref(), point, facts, now)?;
        Ok(VerifiedRequest {
            proof,
            credentials,
            enforcement_point: point.resource,
            verdicts: point.verdicts,
            leeway: point.leeway,
        })
    }
}
