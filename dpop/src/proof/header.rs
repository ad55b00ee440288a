//! The header of a proof, which a client writes in the same way each time.

use core::fmt;
use std::sync::Arc;

use handfast_identity::{Algorithm, PublicKey, Thumbprint};

/// A proof's header, read: the text of the first segment, and the key in it. Only [`UnverifiedProof`](crate::UnverifiedProof) makes
/// one, out of a header in its strict form whose key is sound.
///
/// It says what the text says and nothing about who holds the key.
#[derive(Clone)]
pub struct ProofHeader {
    pub(super) text: Box<str>,
    pub(super) key: PublicKey,
    pub(super) algorithm: Algorithm,
    pub(super) thumbprint: Thumbprint,
}

impl ProofHeader {
    /// The first segment of the proof, as it was sent.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The same with its key [prepared](PublicKey::prepared), for headers that come again and again.
    #[must_use]
    pub fn prepared(&self) -> Self {
        Self { key: self.key.prepared(), ..self.clone() }
    }

    /// Whether its key was prepared.
    #[must_use]
    pub const fn is_prepared(&self) -> bool {
        self.key.is_prepared()
    }

    /// Roughly how many bytes it holds, for stores with a bound.
    #[must_use]
    pub const fn weight(&self) -> usize {
        size_of::<Self>() + self.text.len() + self.key.weight_of_prepared()
    }
}

impl fmt::Debug for ProofHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProofHeader({})", self.thumbprint)
    }
}

/// Headers that were read before, by the bytes of their text, as they came in. Whatever it gives, only one of exactly this text is taken, so nothing depends on
/// it but time.
pub type KnownHeaders<'a> = dyn Fn(&[u8]) -> Option<Arc<ProofHeader>> + 'a;
