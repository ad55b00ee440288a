//! The keys that an agent had, one after the other, and the one that waits for its owner.

use handfast_identity::{ContentHash, DidKey, UnixTime};

use super::wire::key::{KeyWire, PendingWire};
use super::wire::{read, write};
use super::{AgentRecord, EncodeError, Organisation, RecordError, RecordKind, Slot, Stored};
use crate::{AgentId, ReceivedStatement};

/// One of an agent's keys. The one it registered with gets a record when another follows it; until then it is in the agent's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRecord {
    pub(crate) agent: AgentId,
    pub(crate) organisation: Organisation,
    pub(crate) number: u16,
    pub(crate) did: DidKey,
    pub(crate) ground: KeyGround,
    /// Of the statement that made it current.
    pub(crate) hash: ContentHash,
    pub(crate) since: UnixTime,
    /// When another took its place.
    pub(crate) replaced: Option<UnixTime>,
    /// When it was declared compromised, alone. Those that a recovery leaves behind are not marked: the recovery says so.
    pub(crate) compromised: Option<UnixTime>,
}

/// What a key rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum KeyGround {
    /// The agent registered with it.
    Registered,
    /// The key before it and itself signed this.
    Rotated(ReceivedStatement),
    /// The owner and itself signed this.
    Recovered { statement: ReceivedStatement, last_good: u16 },
}

impl KeyRecord {
    /// The first key of `agent`, of which there is no record before another follows it. `hash` is that of its registration.
    #[must_use]
    pub fn registered(agent: &AgentRecord, hash: ContentHash) -> Self {
        Self {
            agent: agent.id.clone(),
            organisation: agent.organisation.clone(),
            number: 1,
            did: agent.did.clone(),
            ground: KeyGround::Registered,
            hash,
            since: agent.created,
            replaced: None,
            compromised: None,
        }
    }

    /// Its number, from 1.
    #[must_use]
    pub const fn number(&self) -> u16 {
        self.number
    }

    /// Its DID.
    #[must_use]
    pub const fn did(&self) -> &DidKey {
        &self.did
    }

    /// The word for what it rests on.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self.ground {
            KeyGround::Registered => "registered",
            KeyGround::Rotated(_) => "rotated",
            KeyGround::Recovered { .. } => "recovered",
        }
    }

    /// The statement that made it current; none for a registration, which says more than is public.
    #[must_use]
    pub const fn statement(&self) -> Option<&ReceivedStatement> {
        match &self.ground {
            KeyGround::Registered => None,
            KeyGround::Rotated(statement) | KeyGround::Recovered { statement, .. } => Some(statement),
        }
    }

    /// The last number that was good, if it came by a recovery.
    #[must_use]
    pub const fn last_good(&self) -> Option<u16> {
        match self.ground {
            KeyGround::Recovered { last_good, .. } => Some(last_good),
            KeyGround::Registered | KeyGround::Rotated(_) => None,
        }
    }

    /// The hash of the statement that made it current.
    #[must_use]
    pub const fn hash(&self) -> &ContentHash {
        &self.hash
    }

    /// Since when it was current.
    #[must_use]
    pub const fn since(&self) -> UnixTime {
        self.since
    }

    /// When another took its place.
    #[must_use]
    pub const fn replaced_at(&self) -> Option<UnixTime> {
        self.replaced
    }

    /// Whether it was declared compromised: alone, or by a recovery among `later`, which are keys of the same agent.
    #[must_use]
    pub fn is_compromised(&self, later: &[Self]) -> bool {
        let is_left_behind = |other: &Self| {
            other.number > self.number && other.last_good().is_some_and(|last_good| last_good < self.number)
        };
        self.compromised.is_some() || later.iter().any(is_left_behind)
    }
}

impl Stored for KeyRecord {
    const KIND: RecordKind = RecordKind::Key;

    fn slot(&self) -> Slot {
        Slot::key_of(&self.agent, self.number)
    }

    fn to_bytes(&self) -> Result<Vec<u8>, EncodeError> {
        write(&KeyWire::from(self))
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, RecordError> {
        read::<KeyWire, Self>(Self::KIND, bytes)
    }
}

/// A rotation that waits for the agent's owner. It has no effect until then: the key may not do anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingRotation {
    pub(crate) agent: AgentId,
    pub(crate) organisation: Organisation,
    pub(crate) did: DidKey,
    pub(crate) statement: ReceivedStatement,
    pub(crate) requested: UnixTime,
    pub(crate) expires: UnixTime,
}

impl PendingRotation {
    /// The key that is to take the place of the current one.
    #[must_use]
    pub const fn did(&self) -> &DidKey {
        &self.did
    }

    /// When it was asked for.
    #[must_use]
    pub const fn requested_at(&self) -> UnixTime {
        self.requested
    }

    /// The first second at which it is over.
    #[must_use]
    pub const fn expires_at(&self) -> UnixTime {
        self.expires
    }

    /// Whether it can still be approved.
    #[must_use]
    pub fn is_open(&self, now: UnixTime) -> bool {
        now < self.expires
    }
}

impl Stored for PendingRotation {
    const KIND: RecordKind = RecordKind::Rotation;

    fn slot(&self) -> Slot {
        Slot::rotation(&self.agent)
    }

    fn to_bytes(&self) -> Result<Vec<u8>, EncodeError> {
        write(&PendingWire::from(self))
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, RecordError> {
        read::<PendingWire, Self>(Self::KIND, bytes)
    }
}
