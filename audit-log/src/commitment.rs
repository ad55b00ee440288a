//! What a leaf reveals of a statement: nothing, until the statement and its salt are shown.

use core::fmt;

use handfast_identity::base64url::{self, Base64Error};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::SALT_BYTES;

/// SHA-256(salt ‖ statement). The salt has one length, so the two parts cannot be divided differently.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Commitment([u8; 32]);

impl Commitment {
    pub(crate) fn new(salt: &[u8; SALT_BYTES], statement: &[u8]) -> Self {
        Self(Sha256::new().chain_update(salt).chain_update(statement).finalize().into())
    }

    /// Reads the 43 characters of base64url that [`Display`](fmt::Display) writes.
    ///
    /// # Errors
    ///
    /// Anything but canonical base64url of 32 bytes.
    pub fn parse(text: &str) -> Result<Self, Base64Error> {
        base64url::decode_array(text).map(Self)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Equality in time that does not depend on where they differ (BCP-18).
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Display for Commitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base64url::encode(&self.0))
    }
}

impl fmt::Debug for Commitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Commitment({self})")
    }
}
