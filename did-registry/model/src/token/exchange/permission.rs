//! What an exchange rests on: who everybody in the evidence is now, and whom the root's owner lets in.

use handfast_delegation::{AccessToken, ChainError, Link};
use handfast_identity::{DidKey, UnixTime};

use super::Holder;
use crate::record::Life;
use crate::{AgentRecord, Ceiling, DelegationFault, Loaded, OwnerId, Refusal, Subject, TaskRecord};

/// A holder as of now: an UNCLAIMED record nobody used is as if it were not there.
pub(super) enum Living<'a> {
    Nobody,
    Agent(&'a Loaded<AgentRecord>),
    Owner,
}

impl Holder {
    pub(super) fn living(&self, now: UnixTime) -> Living<'_> {
        match self {
            Self::Agent(agent) if !agent.record.is_expired(now) => Living::Agent(agent),
            Self::Agent(_) | Self::Nobody => Living::Nobody,
            Self::Owner => Living::Owner,
        }
    }
}

impl Living<'_> {
    /// DEL-39: what stops an agent altogether.
    pub(super) fn stopped(&self) -> Option<DelegationFault> {
        let Self::Agent(agent) = self else { return None };
        if matches!(agent.record.life, Life::Revoked(_)) {
            return Some(DelegationFault::AgentRevoked);
        }
        if agent.record.retired_at().is_some() {
            return Some(DelegationFault::AgentRetired);
        }
        agent.record.suspended_at().map(|_| DelegationFault::AgentSuspended)
    }

    /// DEL-39: nobody REVOKED, retired or suspended, and nobody under a key that never was theirs. What a key signed before it was
    /// replaced is good (DEL-40); what it signed afterwards, and whatever a compromised one signed, the feed stops.
    pub(super) fn require_standing(&self, did: &DidKey) -> Result<(), Refusal> {
        if let Some(fault) = self.stopped() {
            return Err(fault.into());
        }
        let Self::Agent(agent) = self else { return Ok(()) };
        if agent.record.did == *did || agent.record.did_history()?.any(|former| former == did) {
            Ok(())
        } else {
            Err(DelegationFault::KeyRotatedOut.into())
        }
    }

    /// DEL-40: whoever gets a token proves the key that is good now.
    pub(super) fn require_current(&self, did: &DidKey) -> Result<(), DelegationFault> {
        match self {
            Self::Agent(agent) if agent.record.did != *did => Err(DelegationFault::KeyRotatedOut),
            Self::Agent(_) | Self::Nobody | Self::Owner => Ok(()),
        }
    }
}

/// What a root token stands on: its agent and its task, as they are now.
pub(super) struct Grounds<'a> {
    pub(super) agent: &'a Loaded<AgentRecord>,
    pub(super) task: &'a Loaded<TaskRecord>,
    /// Owner and ceiling of a CLAIMED agent.
    pub(super) owned: Option<(&'a OwnerId, &'a Ceiling)>,
}

impl<'a> Grounds<'a> {
    pub(super) fn of(
        root: &AccessToken,
        agent: &'a Holder,
        task: Option<&'a Loaded<TaskRecord>>,
        now: UnixTime,
    ) -> Result<Self, Refusal> {
        let living = agent.living(now);
        let did = DidKey::parse(&root.client_id).map_err(|_| ChainError::UntrustedRoot)?;
        living.require_standing(&did)?;
        let Living::Agent(agent) = living else { return Err(ChainError::UntrustedRoot.into()) };
        let (subject, owned) = match &agent.record.life {
            Life::Claimed(claimed) => (Subject::Owner(claimed.owner.clone()), Some((&claimed.owner, &claimed.ceiling))),
            Life::Unclaimed(_) => (Subject::Agent(did), None),
            Life::Revoked(_) => return Err(DelegationFault::AgentRevoked.into()),
        };
        if subject.to_string() != root.subject {
            return Err(ChainError::UntrustedRoot.into());
        }
        let is_the_roots = |task: &&Loaded<TaskRecord>| {
            root.task.as_ref().is_some_and(|claimed| claimed.id == task.record.id.as_str())
                && task.record.agent == agent.record.id
                && task.record.subject == subject
        };
        let task = task.filter(is_the_roots);
        if task.is_some_and(|task| task.record.revoked.is_some()) {
            return Err(DelegationFault::TaskRevoked.into());
        }
        let task = task.filter(|task| agent.record.goes_on_with(&task.record, now));
        Ok(Self { agent, task: task.ok_or(DelegationFault::TaskEnded)?, owned })
    }
}

/// The owner's own agents, those on the list, and instance keys where the ceiling lets them in. Whoever has a record here is
/// judged by it: an agent of somebody else does not become an instance by being called one.
pub(super) fn require_permitted(
    link: &Link,
    holder: &Living<'_>,
    owner: &OwnerId,
    ceiling: &Ceiling,
) -> Result<(), DelegationFault> {
    // the delegator alone says `inst`, about a key nobody here knows: it takes the owner's leave
    if link.hop.is_instance && !ceiling.instances() {
        return Err(DelegationFault::DelegateNotPermitted);
    }
    let is_listed = ceiling.delegates().contains(&link.hop.delegate);
    let is_permitted = match holder {
        Living::Agent(agent) => agent.record.owner() == Some(owner) || is_listed,
        Living::Nobody => link.hop.is_instance || is_listed,
        // AT-20: owners act in person or not at all
        Living::Owner => false,
    };
    if is_permitted { Ok(()) } else { Err(DelegationFault::DelegateNotPermitted) }
}
