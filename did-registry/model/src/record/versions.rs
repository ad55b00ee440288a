//! Which versions an agent said it was.

use handfast_identity::UnixTime;

use super::wire::versions::VersionsWire;
use super::wire::{read, write};
use super::{EncodeError, Organisation, Rate, RecordError, RecordKind, Slot, Stored};
use crate::limits::MAX_VERSION_BYTES;
use crate::{AgentId, ShownText};

/// The versions of one agent, newest first: there from its first statement of a new one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionsRecord {
    pub(crate) agent: AgentId,
    pub(crate) organisation: Organisation,
    /// `iat` of the last statement: an earlier one comes too late.
    pub(crate) stated: UnixTime,
    pub(crate) made: Rate,
    pub(crate) known: Vec<KnownVersion>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownVersion {
    /// In the agent's own words.
    pub version: ShownText<MAX_VERSION_BYTES>,
    /// When it was stated.
    pub since: UnixTime,
}

impl VersionsRecord {
    /// The versions, newest first.
    #[must_use]
    pub fn known(&self) -> &[KnownVersion] {
        &self.known
    }
}

impl Stored for VersionsRecord {
    const KIND: RecordKind = RecordKind::Versions;

    fn slot(&self) -> Slot {
        Slot::versions(&self.agent)
    }

    fn to_bytes(&self) -> Result<Vec<u8>, EncodeError> {
        write(&VersionsWire::from(self))
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, RecordError> {
        read::<VersionsWire, Self>(Self::KIND, bytes)
    }
}
