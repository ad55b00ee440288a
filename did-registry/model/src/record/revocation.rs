//! What was stopped, by whom, and why.

use handfast_identity::UnixTime;

use super::wire::revocation::RevocationWire;
use super::wire::{read, write};
use super::{EncodeError, Organisation, RecordError, RecordKind, Slot, Stored};
use crate::limits::MAX_WHY_BYTES;
use crate::{FeedKind, Party, ShownText};

/// The revocation of something other than an agent. There is one at most for each thing, and it never changes; of an owner it is
/// the newest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevocationRecord {
    pub(crate) organisation: Organisation,
    pub(crate) kind: FeedKind,
    pub(crate) id: String,
    pub(crate) by: Party,
    pub(crate) why: Option<ShownText<MAX_WHY_BYTES>>,
    pub(crate) at: UnixTime,
    pub(crate) cut: Option<UnixTime>,
    pub(crate) until: Option<UnixTime>,
}

impl RevocationRecord {
    /// What kind of thing.
    #[must_use]
    pub const fn kind(&self) -> FeedKind {
        self.kind
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Who stopped it.
    #[must_use]
    pub const fn by(&self) -> &Party {
        &self.by
    }

    /// Why, in that party's words: unverified text.
    #[must_use]
    pub fn why(&self) -> Option<&str> {
        self.why.as_ref().map(ShownText::as_str)
    }

    /// When, by the registry's clock.
    #[must_use]
    pub const fn at(&self) -> UnixTime {
        self.at
    }

    /// Whether nothing comes after it: of an owner, that they were off-boarded.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        self.cut.is_none()
    }

    /// Up to when it stops, for an owner, who goes on afterwards.
    #[must_use]
    pub const fn cut(&self) -> Option<UnixTime> {
        self.cut
    }

    /// When nothing it stops can be alive any more: the end of its feed entry. None for a key, which stays compromised.
    #[must_use]
    pub const fn until(&self) -> Option<UnixTime> {
        self.until
    }
}

impl Stored for RevocationRecord {
    const KIND: RecordKind = RecordKind::Revocation;

    fn slot(&self) -> Slot {
        Slot::revocation(self.kind, &self.id)
    }

    fn to_bytes(&self) -> Result<Vec<u8>, EncodeError> {
        write(&RevocationWire::from(self))
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, RecordError> {
        read::<RevocationWire, Self>(Self::KIND, bytes)
    }
}
