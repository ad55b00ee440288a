//! What a proof is checked against, and the judgement of its time.

use handfast_identity::{UnixTime, WrittenHash};

use super::claims::Claims;
use super::{ProofError, Remedy};
use crate::window::Place;
use crate::{ContentHash, NonceDemand, NonceEffect, NoncePolicy, ProofWindow, Target, target};

/// The request that a proof came with, and the rules of the route.
#[derive(Clone, Copy, Debug)]
pub struct Expectation<'a> {
    /// The method as it stood in the request line: methods are case-sensitive.
    pub method: &'a str,
    /// The target as the client saw it: [`Target::join`].
    pub target: &'a Target,
    /// Hash of the access token's exact characters; `None` where no token belongs (token endpoint, registration, polling).
    pub token_hash: Option<WrittenHash>,
    /// Hash of the delegation chain that came along, if one did.
    pub delegation_hash: Option<ContentHash>,
    /// How fresh the proof has to be.
    pub window: ProofWindow,
    /// What nonces are asked for.
    pub nonces: NoncePolicy<'a>,
}

impl Expectation<'_> {
    /// The chain is covered exactly if there is one: neither half passes alone.
    pub(super) fn check_chain(&self, claims: &Claims<'_>) -> Result<(), ProofError> {
        match (claims.delegation_hash(), self.delegation_hash) {
            (None, None) => Ok(()),
            (Some(claim), Some(expected)) if ContentHash::from_claim(claim) == Some(expected) => Ok(()),
            _ => Err(ProofError::ChainHash),
        }
    }

    /// Checks 8, 9 and 12a of RFC 9449 4.3.
    pub(super) fn check_request(&self, claims: &Claims<'_>) -> Result<(), ProofError> {
        if claims.method() != self.method.as_bytes() {
            return Err(ProofError::Method);
        }
        self.check_target(claims)?;
        let Some(expected) = self.token_hash else { return Ok(()) }; // an `ath` where none is asked for is an unknown claim
        let claim = claims.token_hash().ok_or(ProofError::TokenHashMissing)?;
        if expected.is_claimed(claim) { Ok(()) } else { Err(ProofError::TokenHash) }
    }

    /// Check 9: query and fragment of the claim are dropped, as those of the request were.
    fn check_target(&self, claims: &Claims<'_>) -> Result<(), ProofError> {
        // a target's own text is its normal form, so one that has it needs no other look
        if claims.target() == self.target.as_str().as_bytes() {
            return Ok(());
        }
        let htu = claims.target_text();
        // nor does another one in its normal form
        if !target::is_surely_normal(htu) && Target::parse(htu).map_err(ProofError::TargetForm)? == *self.target {
            return Ok(());
        }
        Err(ProofError::Target)
    }

    /// Checks 10 and 11; gives the last second in which the proof has to be remembered.
    pub(super) fn check_time(&self, claims: &Claims<'_>, now: UnixTime) -> Result<UnixTime, ProofError> {
        let NoncePolicy::On { source, demand, effect } = self.nonces else {
            return self.by_clock(claims, now, Remedy::Clock);
        };
        match (claims.nonce(), demand) {
            (None, NonceDemand::Always) => Err(ProofError::NonceMissing),
            (None, NonceDemand::WhenSent) => self.by_clock(claims, now, Remedy::Nonce),
            (Some(nonce), _) => {
                let time = source.check(nonce, now).map_err(ProofError::Nonce)?;
                match effect {
                    NonceEffect::AddsToClock => self.by_clock(claims, now, Remedy::Clock),
                    // by the nonce's time and never by `iat`, which its maker chose freely
                    NonceEffect::ReplacesClock => Ok(time.good_until),
                }
            }
        }
    }

    fn by_clock(&self, claims: &Claims<'_>, now: UnixTime, remedy: Remedy) -> Result<UnixTime, ProofError> {
        match self.window.place(claims.issued_at(), now) {
            Place::Before => Err(ProofError::Stale(remedy)),
            Place::Behind => Err(ProofError::FromFuture(remedy)),
            Place::Inside => Ok(claims.issued_at().saturating_add(self.window.total())),
        }
    }
}
