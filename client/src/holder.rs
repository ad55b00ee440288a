//! The port to whoever holds a secret key outside this process.

use std::fmt::Debug;

use async_trait::async_trait;
use handfast_identity::{PublicKey, SIGNATURE_BYTES};
use thiserror::Error;

/// Whoever holds one secret key elsewhere and signs with it when asked: an ssh-agent, a device. [`DpopKey::held_by`] makes a key of
/// it, which does everything that a key in memory does but show its secret.
///
/// A wrong signature costs the request and nothing else: each one is verified under [`public`](Self::public) before it is used. A
/// holder that signs what it was not asked for, or for somebody else, is beyond this port: whoever it signs for *is* the agent.
///
/// [`DpopKey::held_by`]: crate::DpopKey::held_by
#[async_trait]
pub trait KeyHolder: Debug + Send + Sync {
    /// The key it signs with.
    fn public(&self) -> &PublicKey;

    /// Signs `message` as it is, not a hash of it: Ed25519 as in RFC 8032, P-256 with SHA-256 as `R ‖ S`.
    ///
    /// # Errors
    ///
    /// [`HolderError`]; an answer that does not come has to become one in bounded time.
    async fn sign(&self, message: &[u8]) -> Result<[u8; SIGNATURE_BYTES], HolderError>;
}

/// Why the holder of a key did not sign.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum HolderError {
    /// It cannot be asked.
    #[error("the holder of the key cannot be asked: {0}")]
    Unreachable(String),
    /// It answered too late.
    #[error("the holder of the key did not answer within {seconds} s")]
    Late {
        /// How long was waited.
        seconds: u64,
    },
    /// It has another key, or none.
    #[error("the holder of the key does not have it: {0}")]
    Absent(String),
    /// It has the key and said no.
    #[error("the holder of the key refused to sign")]
    Refused,
    /// Its answer is not what its protocol says.
    #[error("the holder of the key answered what its protocol does not say: {0}")]
    Answer(&'static str),
    /// What it gave is no signature by the key it was asked to sign with.
    #[error("the holder of the key gave a signature that is not by this key")]
    Signature,
}
