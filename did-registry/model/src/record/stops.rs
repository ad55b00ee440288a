//! How much an agent stopped lately.

use super::wire::stops::StopsWire;
use super::wire::{read, write};
use super::{EncodeError, Organisation, Rate, RecordError, RecordKind, Slot, Stored};
use crate::AgentId;

/// How many revocations an agent made lately: what bounds the feed against one that makes tokens and hops to revoke them (P-18).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StopsRecord {
    pub(crate) agent: AgentId,
    pub(crate) organisation: Organisation,
    pub(crate) made: Rate,
}

impl Stored for StopsRecord {
    const KIND: RecordKind = RecordKind::Stops;

    fn slot(&self) -> Slot {
        Slot::stops(&self.agent)
    }

    fn to_bytes(&self) -> Result<Vec<u8>, EncodeError> {
        write(&StopsWire::from(self))
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, RecordError> {
        read::<StopsWire, Self>(Self::KIND, bytes)
    }
}
