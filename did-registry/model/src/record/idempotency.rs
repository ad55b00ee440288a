//! Calls that created something under an idempotency key: what was asked, and until when the answer is kept.

use handfast_identity::{ContentHash, UnixTime};

use super::wire::idempotency::{IdempotencyEndWire, IdempotencyWire};
use super::wire::{read, write};
use super::{EncodeError, Organisation, RecordError, RecordKind, Slot, Stored};
use crate::code::OwnerCodeDigest;
use crate::limits::IDEMPOTENCY_LIFETIME;
use crate::{EnrolmentId, OwnerCode};

/// A call that was answered under an idempotency key. It is written in the batch of what the call created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyRecord {
    pub(crate) key: ContentHash,
    pub(crate) organisation: Organisation,
    pub(crate) request: ContentHash,
    pub(crate) expires: UnixTime,
    pub(crate) secret: Option<SecretOf>,
}

/// What the answer held that is not kept: a repetition voids it and makes another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SecretOf {
    /// A one-time code.
    OwnerCode(OwnerCodeDigest),
    /// The token of an enrolment.
    Enrolment(EnrolmentId),
}

impl IdempotencyRecord {
    /// The record of a call answered `now`. `key` is a hash over caller, route and key, `request` one over what was asked.
    #[must_use]
    pub fn new(key: ContentHash, organisation: Organisation, request: ContentHash, now: UnixTime) -> Self {
        Self { key, organisation, request, expires: now.saturating_add(IDEMPOTENCY_LIFETIME), secret: None }
    }

    /// The same for an answer with this code, which is not kept.
    #[must_use]
    pub fn with_owner_code(self, code: &OwnerCode) -> Self {
        Self { secret: Some(SecretOf::OwnerCode(code.digest())), ..self }
    }

    /// The same for an answer with the token of this enrolment, which is not kept.
    #[must_use]
    pub fn with_enrolment(self, id: &EnrolmentId) -> Self {
        Self { secret: Some(SecretOf::Enrolment(id.clone())), ..self }
    }

    /// The hash over caller, route and key.
    #[must_use]
    pub const fn key(&self) -> ContentHash {
        self.key
    }

    /// The hash of what was asked.
    #[must_use]
    pub const fn request(&self) -> ContentHash {
        self.request
    }

    /// The first second at which it is as if there had been no such call.
    #[must_use]
    pub const fn expires(&self) -> UnixTime {
        self.expires
    }

    /// Where the record of the code in the answer is, if there was one.
    #[must_use]
    pub fn owner_code_slot(&self) -> Option<Slot> {
        match &self.secret {
            Some(SecretOf::OwnerCode(digest)) => Some(Slot::owner_code_digest(digest)),
            Some(SecretOf::Enrolment(_)) | None => None,
        }
    }

    /// The enrolment whose token was in the answer, if there was one.
    #[must_use]
    pub const fn enrolment(&self) -> Option<&EnrolmentId> {
        match &self.secret {
            Some(SecretOf::Enrolment(id)) => Some(id),
            Some(SecretOf::OwnerCode(_)) | None => None,
        }
    }

    /// The entry by which it is found when it is past its time.
    #[must_use]
    pub fn end(&self) -> IdempotencyEnd {
        IdempotencyEnd { key: self.key, organisation: self.organisation.clone(), expires: self.expires }
    }
}

impl Stored for IdempotencyRecord {
    const KIND: RecordKind = RecordKind::Idempotency;

    fn slot(&self) -> Slot {
        Slot::idempotency(&self.key)
    }

    fn to_bytes(&self) -> Result<Vec<u8>, EncodeError> {
        write(&IdempotencyWire::from(self))
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, RecordError> {
        read::<IdempotencyWire, Self>(Self::KIND, bytes)
    }
}

/// The end of an [`IdempotencyRecord`], for finding the oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyEnd {
    pub(crate) key: ContentHash,
    pub(crate) organisation: Organisation,
    pub(crate) expires: UnixTime,
}

impl IdempotencyEnd {
    /// Which one ends.
    #[must_use]
    pub const fn key(&self) -> ContentHash {
        self.key
    }

    /// The first second at which it is over.
    #[must_use]
    pub const fn expires(&self) -> UnixTime {
        self.expires
    }
}

impl Stored for IdempotencyEnd {
    const KIND: RecordKind = RecordKind::IdempotencyEnd;

    fn slot(&self) -> Slot {
        Slot::idempotency_end(self.expires, &self.key)
    }

    fn to_bytes(&self) -> Result<Vec<u8>, EncodeError> {
        write(&IdempotencyEndWire::from(self))
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, RecordError> {
        read::<IdempotencyEndWire, Self>(Self::KIND, bytes)
    }
}
