//! Where records live: a kind, which is a table of the store, and a key in it.

use handfast_identity::{ContentHash, DidKey, Handle, UnixTime, base64url};

use crate::code::OwnerCodeDigest;
use crate::{AgentId, ClaimId, EnrolmentId, FeedKind, OwnerCode, OwnerId, Status, StatusPlace, TaskId};

/// The kinds of record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordKind {
    /// [`AgentRecord`](crate::AgentRecord), by its id.
    Agent,
    /// [`DidRecord`](crate::DidRecord), by DID: who has or had it.
    Did,
    /// [`HandleRecord`](crate::HandleRecord), by look: who has or had it.
    Handle,
    /// [`OwnedAgent`](crate::OwnedAgent), by owner and agent: which agents an owner has.
    OwnedAgent,
    /// [`OwnerRecord`](crate::OwnerRecord), by its id.
    Owner,
    /// [`OwnerCodeRecord`](crate::OwnerCodeRecord), by hash of the code.
    OwnerCode,
    /// [`ClaimRecord`](crate::ClaimRecord), by its id.
    Claim,
    /// [`TaskRecord`](crate::TaskRecord), by its id.
    Task,
    /// [`SelfTasks`](crate::SelfTasks), by agent id.
    SelfTasks,
    /// [`HopRecord`](crate::HopRecord), by its name.
    Hop,
    /// [`TreeRecord`](crate::TreeRecord), by task: how many hops it has.
    Tree,
    /// [`TreeEntry`](crate::TreeEntry), by task and place: which hops a task has.
    TreeEntry,
    /// [`RevocationRecord`](crate::RevocationRecord), by kind and id of what was stopped.
    Revocation,
    /// [`StopsRecord`](crate::StopsRecord), by agent id: how much it stopped lately.
    Stops,
    /// [`KeyRecord`](crate::KeyRecord), by agent and number: which keys an agent had.
    Key,
    /// [`PendingRotation`](crate::PendingRotation), by agent id: a rotation that waits for its owner.
    Rotation,
    /// [`VersionsRecord`](crate::VersionsRecord), by agent id: which versions it said it was.
    Versions,
    /// [`OffboardingRecord`](crate::OffboardingRecord), by owner id.
    Offboarding,
    /// [`UsageRecord`](crate::UsageRecord), by agent id: when it was last given what.
    Usage,
    /// [`PlaceRecord`](crate::PlaceRecord), by place: whose a place in a status list is.
    Place,
    /// [`StatusEntry`](crate::StatusEntry), by status and agent: which agents have a status.
    StatusEntry,
    /// [`EnrolmentRecord`](crate::EnrolmentRecord), by its id.
    Enrolment,
    /// [`OwnedEnrolment`](crate::OwnedEnrolment), by owner and enrolment: which enrolments an owner made.
    OwnedEnrolment,
    /// [`IdempotencyRecord`](crate::IdempotencyRecord), by hash of caller, route and key.
    Idempotency,
    /// [`IdempotencyEnd`](crate::IdempotencyEnd), by time: which of them are over first.
    IdempotencyEnd,
    /// [`IssuerKeysRecord`](crate::IssuerKeysRecord), the one there is: which keys the registry signs with.
    IssuerKeys,
    /// [`AgentTask`](crate::AgentTask), by agent, deadline and task: which tasks an agent has.
    AgentTask,
    /// [`AgentHop`](crate::AgentHop), by agent, end and name: what was passed on to an agent.
    AgentHop,
}

impl RecordKind {
    /// Every kind.
    pub const ALL: [Self; 28] = [
        Self::Agent,
        Self::Did,
        Self::Handle,
        Self::OwnedAgent,
        Self::Owner,
        Self::OwnerCode,
        Self::Claim,
        Self::Task,
        Self::SelfTasks,
        Self::Hop,
        Self::Tree,
        Self::TreeEntry,
        Self::Revocation,
        Self::Stops,
        Self::Key,
        Self::Rotation,
        Self::Versions,
        Self::Offboarding,
        Self::Usage,
        Self::Place,
        Self::StatusEntry,
        Self::Enrolment,
        Self::OwnedEnrolment,
        Self::Idempotency,
        Self::IdempotencyEnd,
        Self::IssuerKeys,
        Self::AgentTask,
        Self::AgentHop,
    ];

    /// Its name, for errors and for tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agents",
            Self::Did => "dids",
            Self::Handle => "handles",
            Self::OwnedAgent => "owned_agents",
            Self::Owner => "owners",
            Self::OwnerCode => "owner_codes",
            Self::Claim => "claims",
            Self::Task => "tasks",
            Self::SelfTasks => "self_tasks",
            Self::Hop => "hops",
            Self::Tree => "trees",
            Self::TreeEntry => "tree_entries",
            Self::Revocation => "revocations",
            Self::Stops => "stops",
            Self::Key => "keys",
            Self::Rotation => "rotations",
            Self::Versions => "versions",
            Self::Offboarding => "offboardings",
            Self::Usage => "usages",
            Self::Place => "status_places",
            Self::StatusEntry => "status_entries",
            Self::Enrolment => "enrolments",
            Self::OwnedEnrolment => "owned_enrolments",
            Self::Idempotency => "idempotency",
            Self::IdempotencyEnd => "idempotency_ends",
            Self::IssuerKeys => "issuer_keys",
            Self::AgentTask => "agent_tasks",
            Self::AgentHop => "agent_hops",
        }
    }
}

/// The address of one record. Keys have at most 136 bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot {
    kind: RecordKind,
    key: String,
}

impl Slot {
    /// The kind.
    #[must_use]
    pub const fn kind(&self) -> RecordKind {
        self.kind
    }

    /// The key within the kind.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Of the keys that the registry signs with.
    #[must_use]
    pub fn issuer_keys() -> Self {
        Self { kind: RecordKind::IssuerKeys, key: "own".to_owned() }
    }

    /// Of an agent's record.
    #[must_use]
    pub fn agent(id: &AgentId) -> Self {
        Self { kind: RecordKind::Agent, key: id.to_string() }
    }

    /// Of the entry that says whose a DID is.
    #[must_use]
    pub fn did(did: &DidKey) -> Self {
        Self { kind: RecordKind::Did, key: did.to_string() }
    }

    /// Of the entry that says whose a handle is: one for all handles that look the same (P-14).
    #[must_use]
    pub fn handle(handle: &Handle) -> Self {
        Self { kind: RecordKind::Handle, key: handle.skeleton() }
    }

    /// Of the entry that makes an agent one of an owner's.
    #[must_use]
    pub fn owned_agent(owner: &OwnerId, agent: &AgentId) -> Self {
        Self { kind: RecordKind::OwnedAgent, key: format!("{}{agent}", Self::owned_agents_prefix(owner)) }
    }

    /// What the keys of all agents of an owner start with.
    #[must_use]
    pub fn owned_agents_prefix(owner: &OwnerId) -> String {
        format!("{owner}/")
    }

    /// Of an owner's record.
    #[must_use]
    pub fn owner(id: &OwnerId) -> Self {
        Self { kind: RecordKind::Owner, key: id.to_string() }
    }

    /// Of the record of an enrolment code.
    #[must_use]
    pub fn owner_code(code: &OwnerCode) -> Self {
        Self::owner_code_digest(&code.digest())
    }

    pub(crate) fn owner_code_digest(digest: &OwnerCodeDigest) -> Self {
        Self { kind: RecordKind::OwnerCode, key: base64url::encode(&digest.0) }
    }

    /// Of a claim.
    #[must_use]
    pub fn claim(id: &ClaimId) -> Self {
        Self { kind: RecordKind::Claim, key: id.to_string() }
    }

    /// Of a task.
    #[must_use]
    pub fn task(id: &TaskId) -> Self {
        Self { kind: RecordKind::Task, key: id.to_string() }
    }

    /// Of the entry that makes a task one of an agent's.
    #[must_use]
    pub fn agent_task(agent: &AgentId, deadline: UnixTime, task: &TaskId) -> Self {
        Self { kind: RecordKind::AgentTask, key: format!("{}/{task}", Self::of_agent_from(agent, deadline)) }
    }

    /// Of the entry that makes a hop one to an agent.
    #[must_use]
    pub fn agent_hop(agent: &AgentId, expires_at: UnixTime, name: &ContentHash) -> Self {
        Self { kind: RecordKind::AgentHop, key: format!("{}/{name}", Self::of_agent_from(agent, expires_at)) }
    }

    /// What the keys of all tasks of an agent start with, and of all hops to it.
    #[must_use]
    pub fn of_agent_prefix(agent: &AgentId) -> String {
        format!("{agent}/")
    }

    /// Behind which of them those begin that end at `time` or later.
    #[must_use]
    pub fn of_agent_from(agent: &AgentId, time: UnixTime) -> String {
        format!("{}{}", Self::of_agent_prefix(agent), Self::in_order(time))
    }

    /// As many digits as the latest time has, so that the order of keys is that of times.
    fn in_order(time: UnixTime) -> String {
        format!("{:016}", time.as_secs())
    }

    /// Of a hop that was exchanged.
    #[must_use]
    pub fn hop(name: &ContentHash) -> Self {
        Self { kind: RecordKind::Hop, key: name.to_string() }
    }

    /// Of the number of a task's hops.
    #[must_use]
    pub fn tree(task: &TaskId) -> Self {
        Self { kind: RecordKind::Tree, key: task.to_string() }
    }

    /// Of the entry that makes a hop one of a task's.
    #[must_use]
    pub fn tree_entry(task: &TaskId, place: u16) -> Self {
        // as many digits as the greatest place has, so that the order of keys is that of places
        Self { kind: RecordKind::TreeEntry, key: format!("{}{place:05}", Self::tree_prefix(task)) }
    }

    /// What the keys of all entries of a task start with.
    #[must_use]
    pub fn tree_prefix(task: &TaskId) -> String {
        format!("{task}/")
    }

    /// Of the revocation of the `kind` of thing called `id`, of which there is one at most.
    #[must_use]
    pub fn revocation(kind: FeedKind, id: &str) -> Self {
        Self { kind: RecordKind::Revocation, key: format!("{}/{id}", kind.as_str()) }
    }

    /// Of the count of what an agent stopped lately.
    #[must_use]
    pub fn stops(agent: &AgentId) -> Self {
        Self { kind: RecordKind::Stops, key: agent.to_string() }
    }

    /// Of one of an agent's keys.
    #[must_use]
    pub fn key_of(agent: &AgentId, number: u16) -> Self {
        // as many digits as the greatest number has, so that the order of keys is that of numbers
        Self { kind: RecordKind::Key, key: format!("{}{number:05}", Self::keys_prefix(agent)) }
    }

    /// What the keys of all records of an agent's keys start with.
    #[must_use]
    pub fn keys_prefix(agent: &AgentId) -> String {
        format!("{agent}/")
    }

    /// Of the rotation of an agent that waits for its owner.
    #[must_use]
    pub fn rotation(agent: &AgentId) -> Self {
        Self { kind: RecordKind::Rotation, key: agent.to_string() }
    }

    /// Of the versions of an agent.
    #[must_use]
    pub fn versions(agent: &AgentId) -> Self {
        Self { kind: RecordKind::Versions, key: agent.to_string() }
    }

    /// Of the off-boarding of an owner.
    #[must_use]
    pub fn offboarding(owner: &OwnerId) -> Self {
        Self { kind: RecordKind::Offboarding, key: owner.to_string() }
    }

    /// Of the entry that says whose a place in a status list is.
    #[must_use]
    pub fn place(place: StatusPlace) -> Self {
        Self { kind: RecordKind::Place, key: place.to_string() }
    }

    /// Of the last uses of an agent.
    #[must_use]
    pub fn usage(agent: &AgentId) -> Self {
        Self { kind: RecordKind::Usage, key: agent.to_string() }
    }

    /// Of the entry that makes an agent one of those with a status.
    #[must_use]
    pub fn status_entry(status: Status, agent: &AgentId) -> Self {
        Self { kind: RecordKind::StatusEntry, key: format!("{}{agent}", Self::status_prefix(status)) }
    }

    /// What the keys of all agents with a status start with.
    #[must_use]
    pub fn status_prefix(status: Status) -> String {
        format!("{}/", status.as_str())
    }

    /// Of an enrolment.
    #[must_use]
    pub fn enrolment(id: &EnrolmentId) -> Self {
        Self { kind: RecordKind::Enrolment, key: id.to_string() }
    }

    /// Of the entry that makes an enrolment one of an owner's.
    #[must_use]
    pub fn owned_enrolment(owner: &OwnerId, enrolment: &EnrolmentId) -> Self {
        Self { kind: RecordKind::OwnedEnrolment, key: format!("{}{enrolment}", Self::owned_enrolments_prefix(owner)) }
    }

    /// What the keys of all enrolments of an owner start with.
    #[must_use]
    pub fn owned_enrolments_prefix(owner: &OwnerId) -> String {
        format!("{owner}/")
    }

    /// Of a call under an idempotency key.
    #[must_use]
    pub fn idempotency(key: &ContentHash) -> Self {
        Self { kind: RecordKind::Idempotency, key: key.to_string() }
    }

    /// Of the entry by which such a call is found when it is past its time.
    #[must_use]
    pub fn idempotency_end(expires: UnixTime, key: &ContentHash) -> Self {
        // as many digits as the latest time has, so that the order of keys is that of times
        Self { kind: RecordKind::IdempotencyEnd, key: format!("{:016}/{key}", expires.as_secs()) }
    }

    /// Of the list of an agent's open `self` tasks.
    #[must_use]
    pub fn self_tasks(agent: &AgentId) -> Self {
        Self { kind: RecordKind::SelfTasks, key: agent.to_string() }
    }
}
