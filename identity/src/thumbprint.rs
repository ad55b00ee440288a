//! JWK thumbprints (RFC 7638, RFC 8037 2): the 32 bytes that `cnf.jkt` and every key comparison on the wire use.

use core::fmt;

use sha2::{Digest, Sha256};

use crate::base64url::{self, Base64Error};
use crate::hash::is_same;

/// SHA-256 of a public key's canonical JWK. SHA-256 only: there is no negotiation (DPOP-129).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Thumbprint([u8; 32]);

impl Thumbprint {
    /// Hashes a canonical JWK text, given in pieces: required members only, sorted, no blanks (CNF-04). Only key types know that
    /// text.
    pub(crate) fn of_canonical_jwk(pieces: &[&str]) -> Self {
        Self(pieces.iter().fold(Sha256::new(), Digest::chain_update).finalize().into())
    }

    /// Reads the 43 characters of `cnf.jkt`.
    ///
    /// # Errors
    ///
    /// Anything but canonical base64url of 32 bytes (CNF-06).
    pub fn parse(text: &str) -> Result<Self, Base64Error> {
        base64url::decode_array(text).map(Self)
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

    /// Whether both are the same key, in time that does not depend on where they differ (P-20).
    #[must_use]
    pub fn is_same_key(&self, other: &Self) -> bool {
        is_same(&self.0, &other.0)
    }
}

impl fmt::Display for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(base64url::encode_32(&self.0, &mut [0; base64url::CHARS_OF_32_BYTES]))
    }
}

impl fmt::Debug for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Thumbprint({self})")
    }
}
