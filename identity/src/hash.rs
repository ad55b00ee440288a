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

/// A hash with the characters that it is written as, for comparing it with what others write without decoding that each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrittenHash {
    hash: ContentHash,
    chars: [u8; base64url::CHARS_OF_32_BYTES],
}

impl WrittenHash {
    /// The hash.
    #[must_use]
    pub const fn hash(&self) -> ContentHash {
        self.hash
    }

    /// The 43 characters.
    #[must_use]
    pub const fn chars(&self) -> &[u8; base64url::CHARS_OF_32_BYTES] {
        &self.chars
    }

    /// Whether `claim` is this hash: exactly if [`ContentHash::from_claim`] reads it there, for a hash has one spelling. Takes the same time
    /// wherever two hashes differ (DPOP-34).
    #[must_use]
    pub fn is_claimed(&self, claim: &[u8]) -> bool {
        let Ok(claim) = <&[u8; base64url::CHARS_OF_32_BYTES]>::try_from(claim) else { return false };
        // the last word begins within the one before
        let words = |chars: &[u8; base64url::CHARS_OF_32_BYTES]| {
            let (all, last) = (chars.as_chunks().0, chars.last_chunk());
            let words: [[u8; 8]; 6] =
                core::array::from_fn(|place| all.get(place).or(last).copied().unwrap_or_default());
            words.map(u64::from_le_bytes)
        };
        let pairs = words(&self.chars).into_iter().zip(words(claim));
        pairs.fold(0, |so_far, (one, other)| so_far | (one ^ other)).ct_eq(&0).into()
    }
}

impl From<ContentHash> for WrittenHash {
    fn from(hash: ContentHash) -> Self {
        Self { hash, chars: hash.to_chars() }
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
    fn a_hash_is_claimed_in_one_spelling() {
        let hash = ContentHash::from_bytes(core::array::from_fn(|place| u8::try_from(place * 7 % 256).unwrap_or(0)));
        let written = WrittenHash::from(hash);
        let check = |claim: &[u8]| {
            let is_read = ContentHash::from_claim(claim) == Some(hash);
            assert_eq!(written.is_claimed(claim), is_read, "{claim:?}");
            is_read
        };
        assert!(check(written.chars()) && written.hash() == hash);
        for place in 0..written.chars().len() {
            for byte in 0..=0xff {
                let mut altered = *written.chars();
                altered.iter_mut().skip(place).take(1).for_each(|at| *at = byte);
                assert_eq!(check(&altered), altered == *written.chars(), "{place} {byte}");
            }
            check(written.chars().split_at(place).0);
        }
        check(&[written.chars().as_slice(), b"="].concat());
    }

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
