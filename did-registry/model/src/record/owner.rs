//! Owners, admins among them, and the codes that make them.

use handfast_identity::{DidKey, UnixTime};

use super::wire::owner::{OwnerCodeWire, OwnerWire};
use super::wire::{read, write};
use super::{EncodeError, Organisation, RecordError, RecordKind, Slot, Stored};
use crate::code::OwnerCodeDigest;
use crate::limits::MAX_NAME_BYTES;
use crate::{OwnerId, ShownText};

/// What an owner may do beyond their own affairs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Claims agents and answers for them.
    Owner,
    /// The same, and runs the registry.
    Admin,
}

impl Role {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Owner, Self::Admin].into_iter().find(|role| role.as_str() == text)
    }
}

/// An owner's record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnerRecord {
    pub(crate) id: OwnerId,
    pub(crate) organisation: Organisation,
    pub(crate) did: DidKey,
    pub(crate) name: Option<ShownText<MAX_NAME_BYTES>>,
    pub(crate) role: Role,
    pub(crate) created: UnixTime,
}

impl OwnerRecord {
    /// The id: the `sub` of everything done on the owner's behalf.
    #[must_use]
    pub const fn id(&self) -> &OwnerId {
        &self.id
    }

    /// The organisation.
    #[must_use]
    pub const fn organisation(&self) -> &Organisation {
        &self.organisation
    }

    /// The DID of the owner's key.
    #[must_use]
    pub const fn did(&self) -> &DidKey {
        &self.did
    }

    /// The name given by the admin who made the code. Never in tokens.
    #[must_use]
    pub const fn name(&self) -> Option<&ShownText<MAX_NAME_BYTES>> {
        self.name.as_ref()
    }

    /// What the owner may do.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.role
    }

    /// When the owner registered.
    #[must_use]
    pub const fn created(&self) -> UnixTime {
        self.created
    }
}

impl Stored for OwnerRecord {
    const KIND: RecordKind = RecordKind::Owner;

    fn slot(&self) -> Slot {
        Slot::owner(&self.id)
    }

    fn to_bytes(&self) -> Result<Vec<u8>, EncodeError> {
        write(&OwnerWire::from(self))
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, RecordError> {
        read::<OwnerWire, Self>(Self::KIND, bytes)
    }
}

/// An enrolment code's record: the code itself is nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnerCodeRecord {
    pub(crate) digest: OwnerCodeDigest,
    pub(crate) organisation: Organisation,
    pub(crate) role: Role,
    pub(crate) name: Option<ShownText<MAX_NAME_BYTES>>,
    pub(crate) expires: UnixTime,
    pub(crate) used_by: Option<OwnerId>,
}

impl OwnerCodeRecord {
    /// What the code makes.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.role
    }

    /// The first second at which it is no longer good.
    #[must_use]
    pub const fn expires(&self) -> UnixTime {
        self.expires
    }
}

impl Stored for OwnerCodeRecord {
    const KIND: RecordKind = RecordKind::OwnerCode;

    fn slot(&self) -> Slot {
        Slot::owner_code_digest(&self.digest)
    }

    fn to_bytes(&self) -> Result<Vec<u8>, EncodeError> {
        write(&OwnerCodeWire::from(self))
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, RecordError> {
        read::<OwnerCodeWire, Self>(Self::KIND, bytes)
    }
}
