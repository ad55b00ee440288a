//! Who makes a management call, as its verified token showed, and what that allows.

use handfast_delegation::{AccessToken, Scope};
use handfast_identity::UnixTime;

use crate::authority::{AGENT_SELF, OWNER_SELF, REGISTRY_ADMIN, REGISTRY_READ};
use crate::decide::require_active;
use crate::{
    AgentRecord, EnrolmentRecord, KnownHop, Organisation, OwnerId, OwnerRecord, Party, Refusal, Role, Status,
    TaskRecord,
};

/// An owner or agent behind a management call. Made from a verified token for the registry and the record it names.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'a>(Kind<'a>);

#[derive(Clone, Copy, Debug)]
enum Kind<'a> {
    Owner { record: &'a OwnerRecord, scope: &'a Scope },
    Agent { record: &'a AgentRecord },
}

impl<'a> Caller<'a> {
    /// The owner a token of its own names (`sub` the owner, `client_id` the owner's DID, no actor).
    ///
    /// # Errors
    ///
    /// [`Refusal::UnknownOwner`] when there is no such record, or the token names another's DID.
    pub fn owner(
        record: Option<&'a OwnerRecord>,
        subject: &str,
        client_id: &str,
        scope: &'a Scope,
    ) -> Result<Self, Refusal> {
        match record {
            Some(record) if record.id().as_str() == subject && record.did().as_str() == client_id => {
                Ok(Self(Kind::Owner { record, scope }))
            }
            Some(_) | None => Err(Refusal::UnknownOwner),
        }
    }

    /// The agent a token with `agent:self` names as its client, by its current DID or by one it had: a token lives to its end
    /// behind a rotation, here as anywhere (DEL-40).
    ///
    /// # Errors
    ///
    /// [`Refusal::Forbidden`] without `agent:self`; [`Refusal::UnknownAgent`], [`Refusal::AgentRevoked`],
    /// [`Refusal::AgentRetired`] or [`Refusal::AgentSuspended`]; [`Refusal::StoreUnavailable`] for a record without its history.
    pub fn agent(
        record: Option<&'a AgentRecord>,
        client_id: &str,
        scope: &Scope,
        now: UnixTime,
    ) -> Result<Self, Refusal> {
        if !scope.contains(AGENT_SELF) {
            return Err(Refusal::Forbidden);
        }
        let record = record.filter(|record| !record.is_expired(now)).ok_or(Refusal::UnknownAgent)?;
        if !record.did_history()?.any(|did| did.as_str() == client_id) {
            return Err(Refusal::UnknownAgent);
        }
        if record.status() == Status::Revoked {
            return Err(Refusal::AgentRevoked);
        }
        require_active(record)?;
        Ok(Self(Kind::Agent { record }))
    }

    /// The owner, for an owner's own affairs: claiming, tasks for their agents.
    ///
    /// # Errors
    ///
    /// [`Refusal::Forbidden`] for an agent, or without `owner:self`.
    pub fn as_owner(&self) -> Result<&'a OwnerRecord, Refusal> {
        self.owner_with(OWNER_SELF).ok_or(Refusal::Forbidden)
    }

    /// The admin, for changes to anything.
    ///
    /// # Errors
    ///
    /// [`Refusal::Forbidden`] unless the record is an admin's *and* the token holds `registry:admin`.
    pub fn as_admin(&self) -> Result<&'a OwnerRecord, Refusal> {
        self.owner_with(REGISTRY_ADMIN).filter(|record| record.role() == Role::Admin).ok_or(Refusal::Forbidden)
    }

    /// The admin, for reading anything: `registry:read`, or `registry:admin`, which is more.
    ///
    /// # Errors
    ///
    /// [`Refusal::Forbidden`].
    pub fn as_reader(&self) -> Result<&'a OwnerRecord, Refusal> {
        let reads = self.owner_with(REGISTRY_READ).filter(|record| record.role() == Role::Admin);
        reads.map_or_else(|| self.as_admin(), Ok)
    }

    /// Whoever may change `agent`: its owner, or an admin.
    ///
    /// # Errors
    ///
    /// [`Refusal::UnknownAgent`] for one of another organisation (TH66), else [`Refusal::Forbidden`].
    pub fn as_manager_of(&self, agent: &AgentRecord) -> Result<&'a OwnerRecord, Refusal> {
        let Kind::Owner { record, .. } = self.0 else { return Err(Refusal::Forbidden) };
        if record.organisation() != agent.organisation() {
            return Err(Refusal::UnknownAgent);
        }
        match self.as_owner() {
            Ok(owner) if agent.owner() == Some(owner.id()) => Ok(owner),
            _ => self.as_admin(),
        }
    }

    /// Whoever may see and complete `task` of `agent`: the agent itself, its manager, or a reader who only looks.
    ///
    /// # Errors
    ///
    /// [`Refusal::UnknownTask`] for everybody else: tasks are not public, and so is their existence (P-20).
    pub fn sees_task(&self, task: &TaskRecord, agent: &AgentRecord) -> Result<(), Refusal> {
        if self.works_on(task, agent).is_ok() || (task.agent() == agent.id() && self.as_reader().is_ok()) {
            return Ok(());
        }
        Err(Refusal::UnknownTask)
    }

    /// Whoever may stop `task` of `agent` for good: its owner, or an admin.
    ///
    /// # Errors
    ///
    /// [`Refusal::Forbidden`] for the agent itself, which completes it instead; [`Refusal::UnknownTask`] for everybody else.
    pub fn stops_task(&self, task: &TaskRecord, agent: &AgentRecord) -> Result<&'a OwnerRecord, Refusal> {
        match self.works_on(task, agent)? {
            Party::Agent(_) | Party::Operator => Err(Refusal::Forbidden),
            Party::Owner(_) => self.as_manager_of(agent),
        }
    }

    /// Whoever may stop one token: its client, the owner it is for or whose agent its client is, or an admin. As the party to be
    /// named in the log, and its organisation.
    ///
    /// `client` is the record of the token's client, if that is an agent here.
    ///
    /// # Errors
    ///
    /// [`Refusal::Forbidden`] for everybody else.
    pub fn stops_token(
        &self,
        token: &AccessToken,
        client: Option<&AgentRecord>,
    ) -> Result<(Party, Organisation), Refusal> {
        match self.0 {
            Kind::Agent { record } => {
                let is_its_own = record.did_history()?.any(|did| did.as_str() == token.client_id);
                let party = (Party::Agent(record.did().clone()), record.organisation().clone());
                if is_its_own { Ok(party) } else { Err(Refusal::Forbidden) }
            }
            Kind::Owner { record, .. } => {
                let is_theirs = token.subject == record.id().as_str() && self.as_owner().is_ok();
                let is_managed = match client {
                    Some(agent) if agent.did_history()?.any(|did| did.as_str() == token.client_id) => {
                        self.as_manager_of(agent).is_ok()
                    }
                    Some(_) | None => false,
                };
                if !is_theirs && !is_managed {
                    self.as_admin()?;
                }
                Ok((Party::Owner(record.id().clone()), record.organisation().clone()))
            }
        }
    }

    /// Whoever may stop one hop of `task` of `agent`: its delegator, the task's owner, or an admin. As the party to be named in
    /// the log.
    ///
    /// # Errors
    ///
    /// [`Refusal::Forbidden`] for everybody else.
    pub fn stops_hop(&self, hop: KnownHop<'_>, task: &TaskRecord, agent: &AgentRecord) -> Result<Party, Refusal> {
        match self.0 {
            Kind::Agent { record } => {
                let is_its_own = record.did_history()?.any(|did| did.as_str() == hop.delegator());
                if is_its_own { Ok(Party::Agent(record.did().clone())) } else { Err(Refusal::Forbidden) }
            }
            Kind::Owner { .. } => {
                let owner = self.stops_task(task, agent).map_err(|_| Refusal::Forbidden)?;
                Ok(Party::Owner(owner.id().clone()))
            }
        }
    }

    /// Whoever may stop everything on behalf of `owner`: that owner, or an admin.
    ///
    /// # Errors
    ///
    /// [`Refusal::Forbidden`] for everybody else.
    pub fn stops_owner(&self, owner: &OwnerId) -> Result<&'a OwnerRecord, Refusal> {
        match self.as_owner() {
            Ok(record) if record.id() == owner => Ok(record),
            _ => self.as_admin(),
        }
    }

    /// Whoever may call an enrolment off: its owner, or an admin.
    ///
    /// # Errors
    ///
    /// [`Refusal::UnknownEnrolment`] for everybody else: enrolments are not public, and so is their existence (P-20).
    pub fn manages_enrolment(&self, enrolment: &EnrolmentRecord) -> Result<&'a OwnerRecord, Refusal> {
        let owner = self.as_owner().ok().filter(|owner| *owner.id() == enrolment.owner);
        let admin = || self.as_admin().ok().filter(|admin| admin.organisation() == enrolment.organisation());
        owner.or_else(admin).ok_or(Refusal::UnknownEnrolment)
    }

    /// The agent, where the caller is one.
    #[must_use]
    pub fn as_agent(&self) -> Option<&'a AgentRecord> {
        match self.0 {
            Kind::Agent { record } => Some(record),
            Kind::Owner { .. } => None,
        }
    }

    /// Whoever may complete `task` of `agent`, as the party to be named in the log.
    pub(crate) fn works_on(&self, task: &TaskRecord, agent: &AgentRecord) -> Result<Party, Refusal> {
        if task.agent() != agent.id() {
            return Err(Refusal::UnknownTask);
        }
        match self.0 {
            Kind::Agent { record } if record.id() == agent.id() => Ok(Party::Agent(record.did().clone())),
            Kind::Agent { .. } => Err(Refusal::UnknownTask),
            Kind::Owner { .. } => match self.as_manager_of(agent) {
                Ok(owner) => Ok(Party::Owner(owner.id().clone())),
                Err(_) => Err(Refusal::UnknownTask),
            },
        }
    }

    fn owner_with(&self, token: &str) -> Option<&'a OwnerRecord> {
        match self.0 {
            Kind::Owner { record, scope } if scope.contains(token) => Some(record),
            Kind::Owner { .. } | Kind::Agent { .. } => None,
        }
    }
}
