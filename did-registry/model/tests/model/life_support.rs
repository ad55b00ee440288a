//! What a shell does around the decisions of an agent's life.

use handfast_delegation::Environment;
use handfast_identity::{DidKey, SigningKey};
use handfast_registry_model::*;

use crate::support::*;

impl World {
    /// Commits an outcome; whether it changed anything.
    pub(crate) fn lived(&mut self, outcome: Outcome) -> bool {
        match outcome {
            Outcome::Changed(change) => self.commit(&change).map(|_| true).unwrap(),
            Outcome::Unchanged => false,
        }
    }

    pub(crate) fn suspend(&mut self, who: &OwnerRecord, scopes: &str, did: &DidKey) -> Result<bool, Refusal> {
        let (agent, scopes) = (self.agent_of(did), scope(scopes));
        let outcome =
            suspend_agent(caller(who, &scopes), agent.as_ref(), self.pending(agent.as_ref()).as_ref(), None, self.now)?;
        Ok(self.lived(outcome))
    }

    pub(crate) fn resume(&mut self, who: &OwnerRecord, scopes: &str, did: &DidKey) -> Result<bool, Refusal> {
        let (agent, scopes) = (self.agent_of(did), scope(scopes));
        let outcome = resume_agent(caller(who, &scopes), agent.as_ref(), None, self.now)?;
        Ok(self.lived(outcome))
    }

    pub(crate) fn retire(&mut self, who: &OwnerRecord, scopes: &str, did: &DidKey) -> Result<bool, Refusal> {
        let (agent, scopes) = (self.agent_of(did), scope(scopes));
        let outcome =
            retire_agent(caller(who, &scopes), agent.as_ref(), self.pending(agent.as_ref()).as_ref(), None, self.now)?;
        Ok(self.lived(outcome))
    }

    pub(crate) fn offer(&mut self, who: &OwnerRecord, did: &DidKey, to: &OwnerRecord) -> Result<bool, Refusal> {
        let (agent, scopes) = (self.agent_of(did), scope("owner:self"));
        let stopped = self.load::<RevocationRecord>(&Slot::revocation(FeedKind::Owner, to.id().as_str()));
        let to = Recipient { owner: Some(to), stopped: stopped.as_ref().map(|stopped| &stopped.record) };
        let outcome = offer_agent(caller(who, &scopes), agent.as_ref(), to, None, self.now)?;
        Ok(self.lived(outcome))
    }

    pub(crate) fn withdraw(&mut self, who: &OwnerRecord, did: &DidKey) -> Result<bool, Refusal> {
        let (agent, scopes) = (self.agent_of(did), scope("owner:self"));
        let outcome = withdraw_offer(caller(who, &scopes), agent.as_ref(), None, self.now)?;
        Ok(self.lived(outcome))
    }

    pub(crate) fn accept(&mut self, who: &OwnerRecord, did: &DidKey) -> Result<bool, Refusal> {
        let (agent, scopes) = (self.agent_of(did), scope("owner:self"));
        let owned = self.owned(agent.as_ref());
        let pending = self.pending(agent.as_ref());
        let case = OfferedAgent { agent: agent.as_ref(), owned: owned.as_ref(), pending: pending.as_ref() };
        let outcome = accept_agent(caller(who, &scopes), case, None, self.now)?;
        Ok(self.lived(outcome))
    }

    pub(crate) fn pending(&self, agent: Option<&Loaded<AgentRecord>>) -> Option<Loaded<PendingRotation>> {
        self.load(&Slot::rotation(agent?.record.id()))
    }

    pub(crate) fn owned(&self, agent: Option<&Loaded<AgentRecord>>) -> Option<Loaded<OwnedAgent>> {
        let agent = &agent?.record;
        self.load(&Slot::owned_agent(agent.owner()?, agent.id()))
    }

    pub(crate) fn set_ceiling(&mut self, who: &OwnerRecord, did: &DidKey, ceiling: &Ceiling) -> Result<bool, Refusal> {
        let (agent, scopes) = (self.agent_of(did), scope("owner:self"));
        let who = caller(who, &scopes);
        let outcome = change_ceiling(who, agent.as_ref(), ceiling.clone(), None, &self.policy, self.now)?;
        Ok(self.lived(outcome))
    }

    pub(crate) fn move_to(&mut self, who: &OwnerRecord, did: &DidKey, place: Environment) -> Result<bool, Refusal> {
        let (agent, scopes) = (self.agent_of(did), scope("owner:self"));
        let outcome = change_environment(caller(who, &scopes), agent.as_ref(), place, None, self.now)?;
        Ok(self.lived(outcome))
    }

    pub(crate) fn version_statement(&self, key: &SigningKey, version: &str) -> VerifiedVersion {
        let statement = VersionStatement {
            audience: ISSUER.into(),
            issued_at: self.now,
            proof_id: "v".into(),
            version: ShownText::parse(version).unwrap(),
        };
        let text = statement.sign(key).unwrap();
        UnverifiedVersion::parse(&text).unwrap().verify(&self.policy, self.now).unwrap()
    }

    pub(crate) fn state_version(&mut self, key: &SigningKey, version: &str) -> Result<bool, Refusal> {
        let statement = self.version_statement(key, version);
        self.take_version(&statement)
    }

    pub(crate) fn take_version(&mut self, statement: &VerifiedVersion) -> Result<bool, Refusal> {
        let agent = self.agent_of(statement.did());
        let versions = agent.as_ref().and_then(|agent| self.load(&Slot::versions(agent.record.id())));
        let outcome = state_version(statement, agent.as_ref(), versions.as_ref(), self.now)?;
        Ok(self.lived(outcome))
    }

    pub(crate) fn give_task(&mut self, who: &OwnerRecord, did: &DidKey) -> Result<TaskRecord, Refusal> {
        let (agent, scopes) = (self.agent_of(did), scope("owner:self"));
        let body = format!(r#"{{"agent":"{did}","intent":"work","scope":"echo:read"}}"#);
        let request = TaskRequest::parse(body.as_bytes()).unwrap();
        let who = caller(who, &scopes);
        let free = self.places(None).free;
        let (now, random) = (self.now, &mut self.random);
        let (change, task) = create_owner_task(who, agent.as_ref(), request, &self.policy, free, now, random)?;
        self.commit(&change).unwrap();
        Ok(task)
    }

    /// What the table calls an agent of this DID.
    pub(crate) fn state(&self, did: &DidKey) -> &'static str {
        match self.agent_of(did).map(|agent| agent.record).filter(|agent| !agent.is_expired(self.now)) {
            None => "none",
            Some(agent) if agent.status() == Status::Revoked => "REVOKED",
            Some(agent) if agent.status() == Status::Unclaimed => "UNCLAIMED",
            Some(agent) if agent.retired_at().is_some() => "retired",
            Some(agent) if agent.suspended_at().is_some() => "suspended",
            Some(agent) if agent.offered(self.now).is_some() => "offered",
            Some(_) => "CLAIMED",
        }
    }
}

/// Whether what was issued at `issued_at` is stopped by a resource server that read the feed as it is now, entry after entry.
pub(crate) fn is_stopped(feed: &[FeedEntry], kind: FeedKind, id: &str, issued_at: u64) -> bool {
    let (mut stopped, mut cut) = (false, None);
    for entry in feed.iter().filter(|entry| entry.kind == kind && entry.id == id) {
        stopped = entry.cut.is_none();
        cut = cut.max(entry.cut);
    }
    stopped || cut.is_some_and(|cut| issued_at <= cut.as_secs())
}
