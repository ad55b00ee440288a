//! Records that make names unique and things findable.

use handfast_identity::{ContentHash, DidKey, Handle, UnixTime};

use super::wire::index::{AgentHopWire, AgentTaskWire, DidWire, HandleWire, OwnedAgentWire, StatusEntryWire};
use super::wire::{read, write};
use super::{EncodeError, Organisation, RecordError, RecordKind, Slot, Status, Stored};
use crate::change::Write;
use crate::{AgentId, AgentRecord, HopRecord, OwnerId, TaskId, TaskRecord};

/// Whose a DID is, or was: a DID has one holder for ever once it was CLAIMED or revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DidRecord {
    pub(crate) did: DidKey,
    pub(crate) organisation: Organisation,
    pub(crate) holder: DidHolder,
}

/// Who holds a DID. Agents and owners share one space of DIDs, so a client is never both (AT-20).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DidHolder {
    /// An agent, as its current or a former DID.
    Agent(AgentId),
    /// An owner.
    Owner(OwnerId),
}

impl DidRecord {
    /// The DID.
    #[must_use]
    pub const fn did(&self) -> &DidKey {
        &self.did
    }

    /// Its holder.
    #[must_use]
    pub const fn holder(&self) -> &DidHolder {
        &self.holder
    }
}

impl Stored for DidRecord {
    const KIND: RecordKind = RecordKind::Did;

    fn slot(&self) -> Slot {
        Slot::did(&self.did)
    }

    fn to_bytes(&self) -> Result<Vec<u8>, EncodeError> {
        write(&DidWire::from(self))
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, RecordError> {
        read::<DidWire, Self>(Self::KIND, bytes)
    }
}

/// Whose a handle is, or was. One record for all handles that look the same (P-14).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandleRecord {
    pub(crate) handle: Handle,
    pub(crate) organisation: Organisation,
    pub(crate) agent: AgentId,
    pub(crate) claimed: bool,
}

impl HandleRecord {
    /// The handle. Look-ups by name compare it: the record is found under every look-alike too.
    #[must_use]
    pub const fn handle(&self) -> &Handle {
        &self.handle
    }

    /// The agent it belongs to.
    #[must_use]
    pub const fn agent(&self) -> &AgentId {
        &self.agent
    }

    /// Whether it was ever claimed, and so is never given to anybody else.
    #[must_use]
    pub const fn is_claimed(&self) -> bool {
        self.claimed
    }
}

impl Stored for HandleRecord {
    const KIND: RecordKind = RecordKind::Handle;

    fn slot(&self) -> Slot {
        Slot::handle(&self.handle)
    }

    fn to_bytes(&self) -> Result<Vec<u8>, EncodeError> {
        write(&HandleWire::from(self))
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, RecordError> {
        read::<HandleWire, Self>(Self::KIND, bytes)
    }
}

/// One agent of an owner's, for lists by owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedAgent {
    pub(crate) owner: OwnerId,
    pub(crate) agent: AgentId,
    pub(crate) organisation: Organisation,
    pub(crate) since: UnixTime,
}

impl OwnedAgent {
    /// The agent.
    #[must_use]
    pub const fn agent(&self) -> &AgentId {
        &self.agent
    }

    /// Since when it is the owner's.
    #[must_use]
    pub const fn since(&self) -> UnixTime {
        self.since
    }
}

/// One task of an agent's, for lists by agent in the order of their deadlines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentTask {
    pub(crate) agent: AgentId,
    pub(crate) task: TaskId,
    pub(crate) organisation: Organisation,
    pub(crate) deadline: UnixTime,
}

impl AgentTask {
    pub(crate) fn of(task: &TaskRecord) -> Self {
        let TaskRecord { agent, id, organisation, deadline, .. } = task.clone();
        Self { agent, task: id, organisation, deadline }
    }

    /// The task.
    #[must_use]
    pub const fn task(&self) -> &TaskId {
        &self.task
    }
}

impl Stored for AgentTask {
    const KIND: RecordKind = RecordKind::AgentTask;

    fn slot(&self) -> Slot {
        Slot::agent_task(&self.agent, self.deadline, &self.task)
    }

    fn to_bytes(&self) -> Result<Vec<u8>, EncodeError> {
        write(&AgentTaskWire::from(self))
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, RecordError> {
        read::<AgentTaskWire, Self>(Self::KIND, bytes)
    }
}

/// One hop to an agent, for lists by agent in the order in which they end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentHop {
    pub(crate) agent: AgentId,
    pub(crate) hop: ContentHash,
    pub(crate) task: TaskId,
    pub(crate) organisation: Organisation,
    pub(crate) expires_at: UnixTime,
}

impl AgentHop {
    /// `hop`, whose delegate is `agent`.
    pub(crate) fn of(agent: &AgentRecord, hop: &HopRecord) -> Self {
        let HopRecord { name, task, organisation, authority, .. } = hop.clone();
        Self { agent: agent.id.clone(), hop: name, task, organisation, expires_at: authority.expires_at }
    }

    /// The hop's name.
    #[must_use]
    pub const fn hop(&self) -> &ContentHash {
        &self.hop
    }

    /// The task that it is part of.
    #[must_use]
    pub const fn task(&self) -> &TaskId {
        &self.task
    }
}

impl Stored for AgentHop {
    const KIND: RecordKind = RecordKind::AgentHop;

    fn slot(&self) -> Slot {
        Slot::agent_hop(&self.agent, self.expires_at, &self.hop)
    }

    fn to_bytes(&self) -> Result<Vec<u8>, EncodeError> {
        write(&AgentHopWire::from(self))
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, RecordError> {
        read::<AgentHopWire, Self>(Self::KIND, bytes)
    }
}

impl Stored for OwnedAgent {
    const KIND: RecordKind = RecordKind::OwnedAgent;

    fn slot(&self) -> Slot {
        Slot::owned_agent(&self.owner, &self.agent)
    }

    fn to_bytes(&self) -> Result<Vec<u8>, EncodeError> {
        write(&OwnedAgentWire::from(self))
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, RecordError> {
        read::<OwnedAgentWire, Self>(Self::KIND, bytes)
    }
}

/// One agent of those with a status, for lists by status. Whether it still has it, its record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusEntry {
    pub(crate) status: Status,
    pub(crate) agent: AgentId,
    pub(crate) organisation: Organisation,
}

impl StatusEntry {
    /// The entry of an agent as it is.
    #[must_use]
    pub fn of(agent: &AgentRecord) -> Self {
        Self { status: agent.status(), agent: agent.id.clone(), organisation: agent.organisation.clone() }
    }

    /// The agent.
    #[must_use]
    pub const fn agent(&self) -> &AgentId {
        &self.agent
    }

    /// Puts the entry of an agent that is new.
    pub(crate) fn entered(agent: &AgentRecord) -> Write {
        Write::List { entry: Box::new(Self::of(agent).into()) }
    }

    /// Takes the entry of an agent away that goes, or moves on.
    pub(crate) fn left(agent: &AgentRecord) -> Write {
        Write::Unlist { slot: Self::of(agent).slot() }
    }
}

impl Stored for StatusEntry {
    const KIND: RecordKind = RecordKind::StatusEntry;

    fn slot(&self) -> Slot {
        Slot::status_entry(self.status, &self.agent)
    }

    fn to_bytes(&self) -> Result<Vec<u8>, EncodeError> {
        write(&StatusEntryWire::from(self))
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, RecordError> {
        read::<StatusEntryWire, Self>(Self::KIND, bytes)
    }
}
