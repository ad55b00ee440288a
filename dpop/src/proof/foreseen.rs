//! A proof whose entry is known before its signature is: time for the replay store to get ready.

use core::fmt;

use super::{CheckedProof, ProofError, VerifiedProof};
use crate::{ForeseenEntry, ReplayEntry};

/// A proof whose claims fit the request, with what a replay store will have to remember if its signature is good.
///
/// A signature check takes a hundred times as long as the memory that an insert looks at: a store that hears of the entry
/// before can have it fetched meanwhile ([`ReplayStore::foresee`](crate::ReplayStore::foresee)).
pub struct ForeseenProof<'a> {
    proof: CheckedProof<'a>,
    entry: ReplayEntry,
}

impl<'a> CheckedProof<'a> {
    /// The same with its entry at `enforcement_point`, which is hashed here and not again.
    #[must_use]
    pub fn foresee(self, enforcement_point: &str) -> ForeseenProof<'a> {
        let (key, proof_id) = (self.claimed_thumbprint(), self.proof.claims.proof_id());
        let entry = ReplayEntry::new(enforcement_point, key, proof_id, self.remember_until);
        ForeseenProof { proof: self, entry }
    }
}

impl ForeseenProof<'_> {
    /// What the store may get ready for.
    #[must_use]
    pub const fn entry(&self) -> ForeseenEntry<'_> {
        ForeseenEntry::of(&self.entry)
    }

    /// Verifies the signature as [`CheckedProof::verify`] does, and gives what the store has to remember with the proof: insert it last,
    /// when the request was found good in every other way.
    ///
    /// # Errors
    ///
    /// [`ProofError::Signature`].
    pub fn verify(self) -> Result<(VerifiedProof, ReplayEntry), ProofError> {
        Ok((self.proof.verify()?, self.entry))
    }
}

impl fmt::Debug for ForeseenProof<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ForeseenProof(key {})", self.proof.claimed_thumbprint()) // DPOP-138
    }
}
