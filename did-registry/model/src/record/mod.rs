//! The records behind the registry: domain types, and the one way each of them is stored.
//!
//! Stored records are JSON (RFC 8785) with a format number `v`; they are read back with the strictness of anything from
//! outside, and none is longer than 4 KiB. The structs of the encoding are private to `wire`.

mod agent;
mod claim;
mod enrolment;
mod hop;
mod idempotency;
mod index;
mod issuer_keys;
mod key;
mod offboarding;
mod organisation;
mod owner;
mod rate;
mod revocation;
mod slot;
mod status;
mod stops;
mod task;
mod tenure;
#[cfg(test)]
mod tests;
mod usage;
mod versions;
pub(crate) mod wire;

use core::fmt;

pub use agent::{AgentRecord, Profile, Status};
pub(crate) use agent::{Claimed, Life, Revoked, Unclaimed};
pub use claim::{ClaimRecord, ClaimStatus};
pub(crate) use claim::{ClaimState, OwnerTries};
pub(crate) use enrolment::EnrolmentEnd;
pub use enrolment::{EnrolmentRecord, EnrolmentStatus, OwnedEnrolment};
pub use hop::{HopRecord, TreeEntry, TreeRecord};
pub(crate) use idempotency::SecretOf;
pub use idempotency::{IdempotencyEnd, IdempotencyRecord};
pub use index::{AgentHop, AgentTask, DidHolder, DidRecord, HandleRecord, OwnedAgent, StatusEntry};
pub use issuer_keys::IssuerKeysRecord;
pub(crate) use key::KeyGround;
pub use key::{KeyRecord, PendingRotation};
pub use offboarding::OffboardingRecord;
pub use organisation::Organisation;
pub use owner::{OwnerCodeRecord, OwnerRecord, Role};
pub(crate) use rate::Rate;
pub use revocation::RevocationRecord;
pub use slot::{RecordKind, Slot};
pub(crate) use status::TaskPlace;
pub use status::{PlaceRecord, STATUS_LISTS_PATH, StatusPlace};
pub use stops::StopsRecord;
pub(crate) use task::OpenTask;
pub use task::{SelfTasks, Subject, TaskRecord};
pub(crate) use tenure::{Offer, Suspension, Tenure};
pub use usage::{UsageRecord, UsedScope};
pub use versions::{KnownVersion, VersionsRecord};

/// A record that can be stored.
pub trait Stored: Sized {
    /// Its kind: which table it lives in.
    const KIND: RecordKind;

    /// Where it lives.
    fn slot(&self) -> Slot;

    /// The bytes to store.
    ///
    /// # Errors
    ///
    /// [`EncodeError`] if they are longer than a record may be, which the bounds of its parts exclude.
    fn to_bytes(&self) -> Result<Vec<u8>, EncodeError>;

    /// Reads stored bytes, strictly.
    ///
    /// # Errors
    ///
    /// [`RecordError`]: a later format is named before anything else is judged.
    fn from_bytes(bytes: &[u8]) -> Result<Self, RecordError>;
}

/// Any record.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // each variant is named after its content
pub enum Record {
    Agent(AgentRecord),
    Did(DidRecord),
    Handle(HandleRecord),
    OwnedAgent(OwnedAgent),
    Owner(OwnerRecord),
    OwnerCode(OwnerCodeRecord),
    Claim(ClaimRecord),
    Task(TaskRecord),
    SelfTasks(SelfTasks),
    Hop(HopRecord),
    Tree(TreeRecord),
    TreeEntry(TreeEntry),
    Revocation(RevocationRecord),
    Stops(StopsRecord),
    Key(KeyRecord),
    Rotation(PendingRotation),
    Versions(VersionsRecord),
    Offboarding(OffboardingRecord),
    Usage(UsageRecord),
    Place(PlaceRecord),
    StatusEntry(StatusEntry),
    Enrolment(EnrolmentRecord),
    OwnedEnrolment(OwnedEnrolment),
    Idempotency(IdempotencyRecord),
    IdempotencyEnd(IdempotencyEnd),
    IssuerKeys(IssuerKeysRecord),
    AgentTask(AgentTask),
    AgentHop(AgentHop),
}

macro_rules! each_record {
    ($record:expr, $inner:ident => $result:expr) => {
        match $record {
            Record::Agent($inner) => $result,
            Record::Did($inner) => $result,
            Record::Handle($inner) => $result,
            Record::OwnedAgent($inner) => $result,
            Record::Owner($inner) => $result,
            Record::OwnerCode($inner) => $result,
            Record::Claim($inner) => $result,
            Record::Task($inner) => $result,
            Record::SelfTasks($inner) => $result,
            Record::Hop($inner) => $result,
            Record::Tree($inner) => $result,
            Record::TreeEntry($inner) => $result,
            Record::Revocation($inner) => $result,
            Record::Stops($inner) => $result,
            Record::Key($inner) => $result,
            Record::Rotation($inner) => $result,
            Record::Versions($inner) => $result,
            Record::Offboarding($inner) => $result,
            Record::Usage($inner) => $result,
            Record::Place($inner) => $result,
            Record::StatusEntry($inner) => $result,
            Record::Enrolment($inner) => $result,
            Record::OwnedEnrolment($inner) => $result,
            Record::Idempotency($inner) => $result,
            Record::IdempotencyEnd($inner) => $result,
            Record::IssuerKeys($inner) => $result,
            Record::AgentTask($inner) => $result,
            Record::AgentHop($inner) => $result,
        }
    };
}

impl Record {
    /// Where it lives.
    #[must_use]
    pub fn slot(&self) -> Slot {
        each_record!(self, record => record.slot())
    }

    /// The bytes to store.
    ///
    /// # Errors
    ///
    /// As [`Stored::to_bytes`].
    pub fn to_bytes(&self) -> Result<Vec<u8>, EncodeError> {
        each_record!(self, record => record.to_bytes())
    }
}

macro_rules! into_record {
    ($($variant:ident($inner:ty);)*) => {$(
        impl From<$inner> for Record {
            fn from(record: $inner) -> Self {
                Self::$variant(record)
            }
        }
    )*};
}

into_record! {
    Agent(AgentRecord);
    Did(DidRecord);
    Handle(HandleRecord);
    OwnedAgent(OwnedAgent);
    Owner(OwnerRecord);
    OwnerCode(OwnerCodeRecord);
    Claim(ClaimRecord);
    Task(TaskRecord);
    SelfTasks(SelfTasks);
    Hop(HopRecord);
    Tree(TreeRecord);
    TreeEntry(TreeEntry);
    Revocation(RevocationRecord);
    Stops(StopsRecord);
    Key(KeyRecord);
    Rotation(PendingRotation);
    Versions(VersionsRecord);
    Offboarding(OffboardingRecord);
    Usage(UsageRecord);
    Place(PlaceRecord);
    StatusEntry(StatusEntry);
    Enrolment(EnrolmentRecord);
    OwnedEnrolment(OwnedEnrolment);
    Idempotency(IdempotencyRecord);
    IdempotencyEnd(IdempotencyEnd);
    IssuerKeys(IssuerKeysRecord);
    AgentTask(AgentTask);
    AgentHop(AgentHop);
}

/// Something is longer than what holds it. Its parts are bounded so that this does not happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EncodeError;

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a record or statement is longer than what holds it")
    }
}

impl core::error::Error for EncodeError {}

/// Why stored bytes are no record.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecordError {
    /// A format this version does not know: written by a newer one.
    UnknownFormat {
        /// What the record is.
        kind: RecordKind,
        /// The number found.
        found: u64,
    },
    /// Not what this version writes.
    Corrupt {
        /// What the record is.
        kind: RecordKind,
        /// What is wrong, for the log.
        what: String,
    },
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownFormat { kind, found } => {
                write!(
                    f,
                    "expected a record of `{}` in format `{}` at most, found `{found}`",
                    kind.as_str(),
                    wire::FORMAT
                )
            }
            Self::Corrupt { kind, what } => write!(f, "a record of `{}` is damaged: {what}", kind.as_str()),
        }
    }
}

impl core::error::Error for RecordError {}
