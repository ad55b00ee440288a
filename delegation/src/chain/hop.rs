//! One hop: an agent passes a part of its authority on to one key.

use handfast_identity::jws::{self, JwsError, UnsignedJws};
use handfast_identity::{Algorithm, ContentHash, DidKey, Seconds, SigningKey, Text, UnixTime};

use super::wire::HopWire;
use crate::Authority;

/// The `typ` of hops; nothing else has it.
pub const HOP_TYPE: &str = "delegation+jwt";
/// Longest hop (DEL-42, spec/limits.md).
pub const MAX_HOP_BYTES: usize = 8 * 1024;
/// Longest life of a hop (DEL-24, spec/limits.md).
pub const MAX_HOP_LIFETIME: Seconds = Seconds::new(3600);

/// What a hop says, well-formed. Only a [`VerifiedChain`](crate::VerifiedChain) says that its delegator signed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    /// Who passes on (`iss`): the parent's delegate, as text.
    pub delegator: Text,
    /// Who receives (`aud`), and with the DID the key (`cnf`).
    pub delegate: DidKey,
    /// The owner's id (`sub`), as in the root.
    pub subject: Text,
    /// The task's id, as in the root.
    pub task: Text,
    /// What is passed on.
    pub authority: Authority,
    /// When it was made.
    pub issued_at: UnixTime,
    /// Before when it is not good.
    pub not_before: Option<UnixTime>,
    /// Its own id (`jti`), 1 to 64 characters.
    pub hop_id: Text,
    /// Its place: 1 behind the root.
    pub depth: u8,
    /// Whether the delegate is an instance key, which cannot pass on (`inst`).
    pub is_instance: bool,
    /// The name of the parent: the hash of its signing input (`par_hash`).
    pub parent: ContentHash,
}

impl Hop {
    /// Signs the hop with the delegator's `key`.
    ///
    /// # Errors
    ///
    /// [`JwsError::Json`] if the claims cannot be written, which no value of this type causes.
    pub fn sign(&self, key: &SigningKey) -> Result<String, JwsError> {
        let delegator = DidKey::from_public_key(key.public().clone());
        Ok(self.unsigned(&delegator, key.algorithm())?.sign(key))
    }

    /// The same but for the signature of `delegator`, under `algorithm`.
    ///
    /// # Errors
    ///
    /// As [`Self::sign`].
    pub fn unsigned(&self, delegator: &DidKey, algorithm: Algorithm) -> Result<UnsignedJws, JwsError> {
        jws::unsigned(HOP_TYPE, Some(&delegator.key_id()), algorithm, &HopWire::from(self))
    }
}
