//! Enrolments: what an owner said beforehand about an agent that is yet to register.

use handfast_delegation::Environment;
use handfast_identity::{DidKey, UnixTime};

use super::wire::enrolment::{EnrolmentWire, OwnedEnrolmentWire};
use super::wire::{read, write};
use super::{EncodeError, Organisation, RecordError, RecordKind, Slot, Stored};
use crate::code::CodeHash;
use crate::limits::MAX_NAME_BYTES;
use crate::{AgentId, Ceiling, EnrolmentId, OwnerId, ShownText};

/// An enrolment: good for one agent, once. The token itself is nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnrolmentRecord {
    pub(crate) id: EnrolmentId,
    pub(crate) organisation: Organisation,
    pub(crate) owner: OwnerId,
    pub(crate) token: CodeHash,
    pub(crate) ceiling: Ceiling,
    pub(crate) environment: Option<Environment>,
    pub(crate) label: Option<ShownText<MAX_NAME_BYTES>>,
    pub(crate) created: UnixTime,
    pub(crate) expires: UnixTime,
    pub(crate) end: Option<EnrolmentEnd>,
}

/// What became of an enrolment. Nothing comes after it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant)] // one in each record: nothing holds many
pub(crate) enum EnrolmentEnd {
    /// An agent registered with it.
    Used { agent: AgentId, did: DidKey, at: UnixTime },
    /// It was called off.
    Revoked { at: UnixTime },
}

/// How an enrolment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnrolmentStatus {
    /// Good for one agent.
    Open,
    /// Good no more: an agent has it.
    Used,
    /// Good no more: it was called off.
    Revoked,
    /// Good no more: it is past its time.
    Expired,
}

impl EnrolmentStatus {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Used => "used",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
        }
    }
}

impl EnrolmentRecord {
    /// Its id.
    #[must_use]
    pub const fn id(&self) -> &EnrolmentId {
        &self.id
    }

    /// The organisation.
    #[must_use]
    pub const fn organisation(&self) -> &Organisation {
        &self.organisation
    }

    /// Whose agent it makes.
    #[must_use]
    pub const fn owner(&self) -> &OwnerId {
        &self.owner
    }

    /// The ceiling of that agent.
    #[must_use]
    pub const fn ceiling(&self) -> &Ceiling {
        &self.ceiling
    }

    /// Where that agent has to run, if it matters.
    #[must_use]
    pub const fn environment(&self) -> Option<Environment> {
        self.environment
    }

    /// What its owner calls it.
    #[must_use]
    pub const fn label(&self) -> Option<&ShownText<MAX_NAME_BYTES>> {
        self.label.as_ref()
    }

    /// When it was made.
    #[must_use]
    pub const fn created(&self) -> UnixTime {
        self.created
    }

    /// The first second at which it is no longer good.
    #[must_use]
    pub const fn expires(&self) -> UnixTime {
        self.expires
    }

    /// How it stands.
    #[must_use]
    pub fn status(&self, now: UnixTime) -> EnrolmentStatus {
        match &self.end {
            Some(EnrolmentEnd::Used { .. }) => EnrolmentStatus::Used,
            Some(EnrolmentEnd::Revoked { .. }) => EnrolmentStatus::Revoked,
            None if now >= self.expires => EnrolmentStatus::Expired,
            None => EnrolmentStatus::Open,
        }
    }

    /// By which DID it was used, and when.
    #[must_use]
    pub const fn used(&self) -> Option<(&DidKey, UnixTime)> {
        match &self.end {
            Some(EnrolmentEnd::Used { did, at, .. }) => Some((did, *at)),
            Some(EnrolmentEnd::Revoked { .. }) | None => None,
        }
    }

    /// When it was called off.
    #[must_use]
    pub const fn revoked_at(&self) -> Option<UnixTime> {
        match &self.end {
            Some(EnrolmentEnd::Revoked { at }) => Some(*at),
            Some(EnrolmentEnd::Used { .. }) | None => None,
        }
    }
}

impl Stored for EnrolmentRecord {
    const KIND: RecordKind = RecordKind::Enrolment;

    fn slot(&self) -> Slot {
        Slot::enrolment(&self.id)
    }

    fn to_bytes(&self) -> Result<Vec<u8>, EncodeError> {
        write(&EnrolmentWire::from(self))
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, RecordError> {
        read::<EnrolmentWire, Self>(Self::KIND, bytes)
    }
}

/// One enrolment of an owner's, for lists by owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedEnrolment {
    pub(crate) owner: OwnerId,
    pub(crate) enrolment: EnrolmentId,
    pub(crate) organisation: Organisation,
}

impl OwnedEnrolment {
    /// The enrolment.
    #[must_use]
    pub const fn enrolment(&self) -> &EnrolmentId {
        &self.enrolment
    }
}

impl Stored for OwnedEnrolment {
    const KIND: RecordKind = RecordKind::OwnedEnrolment;

    fn slot(&self) -> Slot {
        Slot::owned_enrolment(&self.owner, &self.enrolment)
    }

    fn to_bytes(&self) -> Result<Vec<u8>, EncodeError> {
        write(&OwnedEnrolmentWire::from(self))
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, RecordError> {
        read::<OwnedEnrolmentWire, Self>(Self::KIND, bytes)
    }
}
