//! The hashes by which one signed text covers another.

use core::fmt;
use core::hash::{Hash, Hasher};

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::base64url;

/// SHA-256 of something a signed text refers to: the access token (`ath`), the delegation chain (`dch`), a parent (`par_hash`).
///
/// SHA-256 only: there is no negotiation (DPOP-129). Equality takes the same time wherever two hashes differ (DPOP-34).
#[derive(Clone, Copy)]
pub struct ContentHash([u8; 32]);

impl ContentHash {
    /// Hashes `bytes`; of an access token exactly the characters behind `DPoP ` (DPOP-07).
    ///
    /// ```
    /// # use handfast_identity::ContentHash;
    /// let hash = ContentHash::of(b"Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"); // RFC 9449 7.1
    /// assert_eq!(hash.to_string(), "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo");
    /// ```
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// A hash taken elsewhere.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The 43 characters that it is written as, without asking the heap.
    #[must_use]
    pub fn to_chars(&self) -> [u8; base64url::CHARS_OF_32_BYTES] {
        base64url::chars_of_32(&self.0)
    }

    /// Reads a claim; hex, padding and any second spelling give `None`.
    #[must_use]
    pub fn from_claim(text: impl AsRef<[u8]>) -> Option<Self> {
        base64url::decode_array(text).ok().map(Self)
    }
}

/// Whether both are the same, in time that does not depend on where they differ (P-20): the bits in which their words differ are
/// gathered, and `subtle` says whether there are any.
pub(crate) fn is_same(one: &[u8; 32], other: &[u8; 32]) -> bool {
    let (one, other) = (one.as_chunks().0, other.as_chunks().0);
    let words = one.iter().zip(other).map(|(one, other)| u64::from_le_bytes(*one) ^ u64::from_le_bytes(*other));
    words.fold(0, |so_far, bits| so_far | bits).ct_eq(&0).into()
}

impl PartialEq for ContentHash {
    fn eq(&self, other: &Self) -> bool {
        is_same(&self.0, &other.0)
    }
}

impl Eq for ContentHash {}

impl Hash for ContentHash {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(base64url::encode_32(&self.0, &mut [0; base64url::CHARS_OF_32_BYTES]))
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContentHash({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_counts() {
        let one = ContentHash::from_bytes([0x5a; 32]);
        assert_eq!(one, ContentHash::from_bytes([0x5a; 32]));
        for bit in 0..256 {
            let mut other = [0x5a; 32];
            if let Some(byte) = other.get_mut(bit / 8) {
                *byte ^= 1 << (bit % 8);
            }
            assert_ne!(one, ContentHash::from_bytes(other), "{bit}");
        }
    }
}
