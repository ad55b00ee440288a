//! The hashes by which a proof covers what travels beside it.

use core::fmt;

use handfast_identity::base64url;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// SHA-256 of something sent along with a proof: the access token (`ath`) or the delegation chain (`dch`).
///
/// SHA-256 only: there is no negotiation (DPOP-129). Equality takes the same time wherever two hashes differ (DPOP-34).
#[derive(Clone, Copy)]
pub struct ContentHash([u8; 32]);

impl ContentHash {
    /// Hashes `bytes`; of an access token exactly the characters behind `DPoP ` (DPOP-07).
    ///
    /// ```
    /// # use handfast_dpop::ContentHash;
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

    /// Reads a claim; hex, padding and any second spelling give `None`.
    pub(crate) fn from_claim(text: &str) -> Option<Self> {
        base64url::decode_array(text).ok().map(Self)
    }
}

impl PartialEq for ContentHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for ContentHash {}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base64url::encode(&self.0))
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContentHash({self})")
    }
}
