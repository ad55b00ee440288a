//! Tasks: the units of work that authority is given to.

use core::fmt;

use handfast_delegation::{Authority, MAX_INTENT_BYTES, Trigger};
use handfast_identity::{DidKey, UnixTime};

use super::wire::task::{SelfTasksWire, TaskWire};
use super::wire::{read, write};
use super::{EncodeError, Organisation, Rate, RecordError, RecordKind, Slot, Stored, TaskPlace};
use crate::{AgentId, OwnerId, ShownText, TaskId};

/// On whose behalf a task is: the `sub` of its tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant)] // one of a kind in each record: nothing holds many
pub enum Subject {
    /// The owner of a CLAIMED agent.
    Owner(OwnerId),
    /// An UNCLAIMED agent itself.
    Agent(DidKey),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Owner(id) => id.fmt(f),
            Self::Agent(did) => did.fmt(f),
        }
    }
}

/// A task's record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskRecord {
    pub(crate) id: TaskId,
    pub(crate) organisation: Organisation,
    pub(crate) agent: AgentId,
    /// INVARIANT: tokens are made only while the agent's own subject is this one, so claiming ends what came before it.
    pub(crate) subject: Subject,
    pub(crate) intent: ShownText<MAX_INTENT_BYTES>,
    pub(crate) trigger: Trigger,
    pub(crate) authority: Authority,
    pub(crate) created: UnixTime,
    pub(crate) deadline: UnixTime,
    /// Absent in the first version, whose place in the log was not known when it was written.
    pub(crate) leaf: Option<u64>,
    pub(crate) completed: Option<UnixTime>,
    /// For ever: a revoked task is over, whatever its deadline.
    pub(crate) revoked: Option<UnixTime>,
    /// The agent's era in which it was given.
    pub(crate) era: u32,
    /// Where the status of its tokens stands; none before its first token, and in tasks from before there were lists.
    pub(crate) place: Option<TaskPlace>,
}

impl TaskRecord {
    /// The record with its place in the log, which the store knows: `leaf` is that of the batch that wrote this version.
    ///
    /// Later versions carry the place themselves and ignore it.
    #[must_use]
    pub const fn with_leaf(mut self, leaf: Option<u64>) -> Self {
        if self.leaf.is_none() {
            self.leaf = leaf;
        }
        self
    }

    /// The id.
    #[must_use]
    pub const fn id(&self) -> &TaskId {
        &self.id
    }

    /// The organisation.
    #[must_use]
    pub const fn organisation(&self) -> &Organisation {
        &self.organisation
    }

    /// The one agent that gets root tokens for it.
    #[must_use]
    pub const fn agent(&self) -> &AgentId {
        &self.agent
    }

    /// On whose behalf.
    #[must_use]
    pub const fn subject(&self) -> &Subject {
        &self.subject
    }

    /// What it is said to be for. Unverified text.
    #[must_use]
    pub fn intent(&self) -> &str {
        self.intent.as_str()
    }

    /// What set it off.
    #[must_use]
    pub const fn trigger(&self) -> &Trigger {
        &self.trigger
    }

    /// What it may use.
    #[must_use]
    pub const fn authority(&self) -> &Authority {
        &self.authority
    }

    /// When it began.
    #[must_use]
    pub const fn created(&self) -> UnixTime {
        self.created
    }

    /// The first second at which it is over.
    #[must_use]
    pub const fn deadline(&self) -> UnixTime {
        self.deadline
    }

    /// Its place in the log, once committed.
    #[must_use]
    pub const fn leaf(&self) -> Option<u64> {
        self.leaf
    }

    /// When it was declared done.
    #[must_use]
    pub const fn completed_at(&self) -> Option<UnixTime> {
        self.completed
    }

    /// When it was revoked.
    #[must_use]
    pub const fn revoked_at(&self) -> Option<UnixTime> {
        self.revoked
    }

    /// Whether it is neither done, nor revoked, nor past its deadline. Its agent may have ended it all the same: see
    /// [`AgentRecord::goes_on_with`](crate::AgentRecord::goes_on_with).
    #[must_use]
    pub fn is_open(&self, now: UnixTime) -> bool {
        self.completed.is_none() && self.revoked.is_none() && now < self.deadline
    }
}

impl Stored for TaskRecord {
    const KIND: RecordKind = RecordKind::Task;

    fn slot(&self) -> Slot {
        Slot::task(&self.id)
    }

    fn to_bytes(&self) -> Result<Vec<u8>, EncodeError> {
        write(&TaskWire::from(self))
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, RecordError> {
        read::<TaskWire, Self>(Self::KIND, bytes)
    }
}

/// The open `self` tasks of one agent: what bounds them, and what makes two calls at once agree on one default task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelfTasks {
    pub(crate) agent: AgentId,
    pub(crate) organisation: Organisation,
    pub(crate) subject: Subject,
    pub(crate) default: Option<TaskId>,
    pub(crate) open: Vec<OpenTask>,
    /// How many began lately, over or not.
    pub(crate) begun: Option<Rate>,
    /// The agent's era in which the open ones were given.
    pub(crate) era: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OpenTask {
    pub(crate) id: TaskId,
    pub(crate) deadline: UnixTime,
}

impl SelfTasks {
    /// The default task, which a token request that names none may use.
    #[must_use]
    pub const fn default_task(&self) -> Option<&TaskId> {
        self.default.as_ref()
    }

    /// The same without a task that is over.
    pub(crate) fn without(&self, task: &TaskId) -> Self {
        Self {
            default: self.default.clone().filter(|default| default != task),
            open: self.open.iter().filter(|open| open.id != *task).cloned().collect(),
            ..self.clone()
        }
    }
}

impl Stored for SelfTasks {
    const KIND: RecordKind = RecordKind::SelfTasks;

    fn slot(&self) -> Slot {
        Slot::self_tasks(&self.agent)
    }

    fn to_bytes(&self) -> Result<Vec<u8>, EncodeError> {
        write(&SelfTasksWire::from(self))
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, RecordError> {
        read::<SelfTasksWire, Self>(Self::KIND, bytes)
    }
}
