//! Places in status lists, and whose they are (spec/status-lists.md).

use core::fmt;

use handfast_delegation::StatusReference;
use handfast_identity::{ContentHash, DidKey, RandomSource, UnixTime, random_bytes};

use super::wire::status::PlaceRecordWire;
use super::wire::{read, write};
use super::{EncodeError, Organisation, RecordError, RecordKind, Slot, Stored};
use crate::limits::{MAX_STATUS_LISTS, REFERENCE_REST, STATUS_PLACES};
use crate::{FeedKind, OwnerId, TaskId};

/// Where status lists are, below the issuer.
pub const STATUS_LISTS_PATH: &str = "/status-lists";

/// One place in one of the registry's status lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StatusPlace {
    list: u32,
    index: u32,
}

impl StatusPlace {
    /// The first place of the first list.
    pub const FIRST: Self = Self { list: 0, index: 0 };
    /// The last place of the last list.
    pub const LAST: Self = Self { list: MAX_STATUS_LISTS - 1, index: STATUS_PLACES - 1 };

    /// The place `index` of `list`; none has a list from [`MAX_STATUS_LISTS`] or an index from [`STATUS_PLACES`] on.
    #[must_use]
    pub const fn new(list: u32, index: u32) -> Option<Self> {
        if list < MAX_STATUS_LISTS && index < STATUS_PLACES { Some(Self { list, index }) } else { None }
    }

    /// Any place of `list`, each as likely as any other; none of a list from [`MAX_STATUS_LISTS`] on.
    pub fn random(list: u32, random: &mut dyn RandomSource) -> Option<Self> {
        // a power of two, so that none is likelier
        Self::new(list, u32::from_be_bytes(random_bytes(random)) % STATUS_PLACES)
    }

    /// The list.
    #[must_use]
    pub const fn list(self) -> u32 {
        self.list
    }

    /// The place in it.
    #[must_use]
    pub const fn index(self) -> u32 {
        self.index
    }

    /// What tokens of `issuer` say of it (TSL-13).
    #[must_use]
    pub fn reference(self, issuer: &str) -> StatusReference {
        StatusReference { index: self.index.into(), uri: format!("{issuer}{STATUS_LISTS_PATH}/{}", self.list).into() }
    }

    /// The place that a reference of `issuer`'s own names.
    #[must_use]
    pub fn of_reference(reference: &StatusReference, issuer: &str) -> Option<Self> {
        let list = reference.uri.strip_prefix(issuer)?.strip_prefix(STATUS_LISTS_PATH)?.strip_prefix('/')?;
        let place = Self::new(list.parse().ok()?, u32::try_from(reference.index).ok()?)?;
        // one spelling of the number
        (place.list.to_string() == list).then_some(place)
    }
}

impl fmt::Display for StatusPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.list, self.index)
    }
}

/// Whose a place is, and all that stops it: written with the task or hop whose tokens name it, and there as long as one can be alive
/// or a list speaks of it. That it may be written only where none is keeps two from one place (TSL-07).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceRecord {
    pub(crate) place: StatusPlace,
    pub(crate) organisation: Organisation,
    pub(crate) task: TaskId,
    /// None for an UNCLAIMED agent's task.
    pub(crate) owner: Option<OwnerId>,
    /// The agent of the task as it was then, and the delegates.
    pub(crate) agents: Vec<DidKey>,
    pub(crate) hops: Vec<ContentHash>,
    /// The root token that the hops are below.
    pub(crate) root_token: Option<String>,
    /// What a cut-off is compared with: no token that names the place, and no root above it, was made before.
    pub(crate) begun: UnixTime,
    /// The latest `exp` of a token that names it.
    pub(crate) ends: UnixTime,
}

impl PlaceRecord {
    /// The place.
    #[must_use]
    pub const fn place(&self) -> StatusPlace {
        self.place
    }

    /// What a cut-off is compared with.
    #[must_use]
    pub const fn begun(&self) -> UnixTime {
        self.begun
    }

    /// The last second at which it is not free yet.
    #[must_use]
    pub const fn until(&self) -> UnixTime {
        self.ends.saturating_add(REFERENCE_REST)
    }

    /// The agents, by DID.
    #[must_use]
    pub fn agents(&self) -> &[DidKey] {
        &self.agents
    }

    /// Everything whose revocation stops it, as the feed names it.
    pub fn names(&self) -> impl Iterator<Item = (FeedKind, String)> {
        let agents = self.agents.iter().map(|did| (FeedKind::Agent, did.to_string()));
        let keys = self.agents.iter().map(|did| (FeedKind::Key, did.thumbprint().to_string()));
        let hops = self.hops.iter().map(|hop| (FeedKind::Hop, hop.to_string()));
        let owner = self.owner.iter().map(|owner| (FeedKind::Owner, owner.to_string()));
        let root = self.root_token.iter().map(|id| (FeedKind::Token, id.clone()));
        [(FeedKind::Task, self.task.to_string())]
            .into_iter()
            .chain(owner)
            .chain(root)
            .chain(agents)
            .chain(keys)
            .chain(hops)
    }
}

impl Stored for PlaceRecord {
    const KIND: RecordKind = RecordKind::Place;

    fn slot(&self) -> Slot {
        Slot::place(self.place)
    }

    fn to_bytes(&self) -> Result<Vec<u8>, EncodeError> {
        write(&PlaceRecordWire::from(self))
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, RecordError> {
        read::<PlaceRecordWire, Self>(Self::KIND, bytes)
    }
}

/// The place of a task's tokens, and the key of its agent for which it is (spec/status-lists.md): with another key comes another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TaskPlace {
    pub(crate) place: StatusPlace,
    pub(crate) key_number: u16,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_leads_back_to_its_place_and_no_other_text_does() {
        let issuer = "https://registry.example";
        for (list, index) in [(0, 0), (7, 12), (MAX_STATUS_LISTS - 1, STATUS_PLACES - 1)] {
            let place = StatusPlace::new(list, index);
            let reference = place.map(|place| place.reference(issuer));
            assert_eq!(reference.and_then(|reference| StatusPlace::of_reference(&reference, issuer)), place);
        }
        assert_eq!(StatusPlace::new(MAX_STATUS_LISTS, 0), None);
        assert_eq!(StatusPlace::new(0, STATUS_PLACES), None);
        for uri in [
            "https://registry.example/status-lists/00",
            "https://registry.example/status-lists/+1",
            "https://registry.example/status-lists/",
            "https://registry.example/status-lists/1/",
            "https://registry.example/status-lists/4294967296",
            "https://registry.example/status-list/1",
            "https://other.example/status-lists/1",
        ] {
            let reference = StatusReference { index: 1, uri: uri.into() };
            assert_eq!(StatusPlace::of_reference(&reference, issuer), None, "{uri}");
        }
        let beyond =
            StatusReference { index: u64::from(STATUS_PLACES), uri: format!("{issuer}/status-lists/0").into() };
        assert_eq!(StatusPlace::of_reference(&beyond, issuer), None);
    }
}
