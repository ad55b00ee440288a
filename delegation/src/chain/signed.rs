//! One hop by itself, signed by the delegator it names.

use handfast_identity::{ContentHash, DidKey, SignatureValid};

use super::{ChainError, Hop, UnverifiedHop};

/// A hop that its delegator signed. Made by [`UnverifiedHop::verify`] only.
///
/// Whether the delegator had anything to pass on, only a [`VerifiedChain`](crate::VerifiedChain) says: this is for taking back, never for
/// letting in.
#[derive(Debug)]
pub struct SignedHop {
    hop: Hop,
    name: ContentHash,
    _signature: SignatureValid,
}

impl SignedHop {
    /// What it says.
    #[must_use]
    pub const fn hop(&self) -> &Hop {
        &self.hop
    }

    /// Its name: the hash of its signing input.
    #[must_use]
    pub const fn name(&self) -> &ContentHash {
        &self.name
    }
}

impl UnverifiedHop {
    /// Verifies that the key of the DID in `iss` signed it, and nothing else.
    ///
    /// # Errors
    ///
    /// [`ChainError::Malformed`] for a delegator that is no `did:key`, [`ChainError::SignatureInvalid`].
    pub fn verify(self) -> Result<SignedHop, ChainError> {
        let delegator = DidKey::parse(&self.hop.delegator).map_err(|_| ChainError::Malformed)?;
        let signature = self.jws.verify(delegator.public_key()).map_err(|_| ChainError::SignatureInvalid)?;
        Ok(SignedHop { name: self.name(), hop: self.hop, _signature: signature })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a failed set-up should stop the test
mod tests {
    use super::super::sample::{hop, key};
    use super::*;

    #[test]
    fn a_hop_is_its_delegators_or_nobodys() {
        let hop = hop(2, ContentHash::of(b""));
        let text = hop.sign(&key(1)).unwrap();
        let signed = UnverifiedHop::parse(&text).unwrap().verify().unwrap();
        assert_eq!((signed.hop(), *signed.name()), (&hop, UnverifiedHop::parse(&text).unwrap().name()));
        let (input, signature) = text.rsplit_once('.').unwrap();
        let other = Hop { hop_id: "another".into(), ..hop.clone() }.sign(&key(1)).unwrap();
        let borrowed = format!("{}.{signature}", other.rsplit_once('.').unwrap().0);
        let cut = format!("{input}.AAAA");
        for wrong in [borrowed, cut] {
            let found = UnverifiedHop::parse(&wrong).and_then(|hop| hop.verify().map(drop));
            assert_eq!(found, Err(ChainError::SignatureInvalid));
        }
    }
}
