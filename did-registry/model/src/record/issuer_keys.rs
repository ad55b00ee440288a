//! The keys the registry signs with, as it last said in its log.

use handfast_identity::DidKey;

use super::wire::issuer_keys::IssuerKeysWire;
use super::wire::{read, write};
use super::{EncodeError, Organisation, RecordError, RecordKind, Slot, Stored};

/// The keys that a registry signs with. Its log has an entry for each change of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerKeysRecord {
    pub(crate) organisation: Organisation,
    pub(crate) token: Vec<String>,
    pub(crate) feed: DidKey,
}

impl IssuerKeysRecord {
    /// The `kid` of each key that signs tokens, the first that may first, and the key of the feed.
    #[must_use]
    pub fn new(token: Vec<String>, feed: DidKey) -> Self {
        Self { organisation: Organisation::default(), token, feed }
    }
}

impl Stored for IssuerKeysRecord {
    const KIND: RecordKind = RecordKind::IssuerKeys;

    fn slot(&self) -> Slot {
        Slot::issuer_keys()
    }

    fn to_bytes(&self) -> Result<Vec<u8>, EncodeError> {
        write(&IssuerKeysWire::from(self))
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, RecordError> {
        read::<IssuerKeysWire, Self>(Self::KIND, bytes)
    }
}
