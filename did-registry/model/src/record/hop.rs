//! Hops that were exchanged, and the tree they make below a task's root tokens.

use handfast_delegation::Authority;
use handfast_identity::{ContentHash, DidKey, UnixTime};

use super::wire::hop::{HopWire, TreeEntryWire, TreeWire};
use super::wire::{read, write};
use super::{EncodeError, Organisation, RecordError, RecordKind, Slot, StatusPlace, Stored};
use crate::TaskId;

/// A hop that was exchanged at least once, under its name: the hash of what its delegator signed (DEL-38).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HopRecord {
    pub(crate) name: ContentHash,
    pub(crate) organisation: Organisation,
    pub(crate) task: TaskId,
    pub(crate) root_token: String,
    pub(crate) parent: Option<ContentHash>,
    pub(crate) delegator: DidKey,
    pub(crate) delegate: DidKey,
    pub(crate) depth: u8,
    pub(crate) is_instance: bool,
    pub(crate) authority: Authority,
    pub(crate) created: UnixTime,
    /// Where the status of tokens made from it stands; none while it is only on the way to another.
    pub(crate) place: Option<StatusPlace>,
}

impl HopRecord {
    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &ContentHash {
        &self.name
    }

    /// The organisation.
    #[must_use]
    pub const fn organisation(&self) -> &Organisation {
        &self.organisation
    }

    /// The task it is part of.
    #[must_use]
    pub const fn task(&self) -> &TaskId {
        &self.task
    }

    /// The id of the root token at the beginning of its chain.
    #[must_use]
    pub fn root_token(&self) -> &str {
        &self.root_token
    }

    /// The name of the hop before it; none behind a root token.
    #[must_use]
    pub const fn parent(&self) -> Option<&ContentHash> {
        self.parent.as_ref()
    }

    /// Who passed on.
    #[must_use]
    pub const fn delegator(&self) -> &DidKey {
        &self.delegator
    }

    /// To whom.
    #[must_use]
    pub const fn delegate(&self) -> &DidKey {
        &self.delegate
    }

    /// Its place in its chain: 1 behind the root.
    #[must_use]
    pub const fn depth(&self) -> u8 {
        self.depth
    }

    /// Whether the delegate is an instance key, which passes nothing on.
    #[must_use]
    pub const fn is_instance(&self) -> bool {
        self.is_instance
    }

    /// What was passed on, and until when.
    #[must_use]
    pub const fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Where the status of tokens made from it stands; none while it is only on the way to another.
    #[must_use]
    pub const fn place(&self) -> Option<StatusPlace> {
        self.place
    }

    /// When it was first exchanged, by the registry's clock.
    #[must_use]
    pub const fn created(&self) -> UnixTime {
        self.created
    }
}

impl Stored for HopRecord {
    const KIND: RecordKind = RecordKind::Hop;

    fn slot(&self) -> Slot {
        Slot::hop(&self.name)
    }

    fn to_bytes(&self) -> Result<Vec<u8>, EncodeError> {
        write(&HopWire::from(self))
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, RecordError> {
        read::<HopWire, Self>(Self::KIND, bytes)
    }
}

/// How many hops a task has: what holds its bound when two are exchanged at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeRecord {
    pub(crate) task: TaskId,
    pub(crate) organisation: Organisation,
    pub(crate) hops: u16,
}

impl Stored for TreeRecord {
    const KIND: RecordKind = RecordKind::Tree;

    fn slot(&self) -> Slot {
        Slot::tree(&self.task)
    }

    fn to_bytes(&self) -> Result<Vec<u8>, EncodeError> {
        write(&TreeWire::from(self))
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, RecordError> {
        read::<TreeWire, Self>(Self::KIND, bytes)
    }
}

/// One hop of a task's tree, in the order in which they were recorded: a parent stands before its children.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeEntry {
    pub(crate) task: TaskId,
    pub(crate) organisation: Organisation,
    pub(crate) place: u16,
    pub(crate) hop: ContentHash,
}

impl TreeEntry {
    /// The hop's name.
    #[must_use]
    pub const fn hop(&self) -> &ContentHash {
        &self.hop
    }

    /// Its place in the tree's list, from 1.
    #[must_use]
    pub const fn place(&self) -> u16 {
        self.place
    }
}

impl Stored for TreeEntry {
    const KIND: RecordKind = RecordKind::TreeEntry;

    fn slot(&self) -> Slot {
        Slot::tree_entry(&self.task, self.place)
    }

    fn to_bytes(&self) -> Result<Vec<u8>, EncodeError> {
        write(&TreeEntryWire::from(self))
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, RecordError> {
        read::<TreeEntryWire, Self>(Self::KIND, bytes)
    }
}
