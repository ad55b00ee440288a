//! Finding records: by id, by DID, by handle, and in the groups that decisions ask for.

use handfast_identity::history::MAX_KEYS_PER_AGENT;
use handfast_identity::{ContentHash, DidKey, Handle};
use handfast_registry_model::{
    AgentId, AgentRecord, ClaimId, ClaimRecord, DidHolder, DidRecord, DidSlot, FeedKind, HandleRecord, HandleSlot,
    KeyRecord, Loaded, NewestKey, OwnerId, OwnerRecord, PendingRotation, Refusal, RevocationRecord, Slot, TaskId,
    TaskRecord,
};

use crate::state::State;

impl State {
    /// The agent with this id.
    pub(crate) async fn agent(&self, id: &AgentId) -> Result<Option<Loaded<AgentRecord>>, Refusal> {
        self.load(&Slot::agent(id)).await
    }

    /// The agent with this id, with every DID it ever had: for whoever asks about a former one.
    pub(crate) async fn agent_with_history(&self, id: &AgentId) -> Result<Option<Loaded<AgentRecord>>, Refusal> {
        let Some(Loaded { record, version }) = self.agent(id).await? else { return Ok(None) };
        let record = if record.key_number() == 1 {
            record
        } else {
            let keys: Vec<_> = self.keys_of(&record).await?.into_iter().map(|key| key.record).collect();
            record.with_history(&keys)
        };
        Ok(Some(Loaded { record, version }))
    }

    /// The records of an agent's keys up to the current one, in their order: of one that never had another none.
    pub(crate) async fn keys_of(&self, agent: &AgentRecord) -> Result<Vec<Loaded<KeyRecord>>, Refusal> {
        // one page: no agent has more
        let (prefix, most) = (Slot::keys_prefix(agent.id()), usize::from(MAX_KEYS_PER_AGENT));
        let mut keys = self.loaded_page::<KeyRecord>(&prefix, most).await?;
        // one that followed since belongs to another version of the agent
        keys.retain(|key| key.record.number() <= agent.key_number());
        Ok(keys)
    }

    /// The record of an agent's current key.
    pub(crate) async fn newest_key(&self, agent: &AgentRecord) -> Result<NewestKey, Refusal> {
        match self.load(&Slot::key_of(agent.id(), agent.key_number())).await? {
            Some(known) => Ok(NewestKey::known(known)),
            None => Ok(NewestKey::first(agent, self.registration_of(agent).await?)),
        }
    }

    /// The hash of the statement by which an agent, whose first key is still current, registered.
    pub(crate) async fn registration_of(&self, agent: &AgentRecord) -> Result<ContentHash, Refusal> {
        // the entry of a DID is written once, with the statement that brought it
        let entry = self.load_with_leaf::<DidRecord>(&Slot::did(agent.did())).await?;
        let leaf = entry.and_then(|(_, leaf)| leaf).ok_or(Refusal::StoreUnavailable)?;
        let statement = self.statement(leaf).await?.ok_or(Refusal::StoreUnavailable)?;
        Ok(ContentHash::of(&statement))
    }

    /// The rotation of an agent that waits for its owner.
    pub(crate) async fn pending_rotation(&self, id: &AgentId) -> Result<Option<Loaded<PendingRotation>>, Refusal> {
        self.load(&Slot::rotation(id)).await
    }

    /// The rotation that waits for the owner of `agent`, loaded behind it.
    pub(crate) async fn rotation_of(
        &self,
        agent: Option<&Loaded<AgentRecord>>,
    ) -> Result<Option<Loaded<PendingRotation>>, Refusal> {
        match agent {
            Some(agent) => self.pending_rotation(agent.record.id()).await,
            None => Ok(None),
        }
    }

    /// The agent that `name` means, with its history.
    pub(crate) async fn agent_named_with_history(&self, name: &str) -> Result<Option<Loaded<AgentRecord>>, Refusal> {
        match self.agent_named(name).await? {
            Some(agent) => self.agent_with_history(agent.record.id()).await,
            None => Ok(None),
        }
    }

    /// The owner with this id.
    pub(crate) async fn owner(&self, id: &OwnerId) -> Result<Option<Loaded<OwnerRecord>>, Refusal> {
        self.load(&Slot::owner(id)).await
    }

    /// Who has a DID, or had it.
    pub(crate) async fn holder(&self, did: &DidKey) -> Result<Option<DidHolder>, Refusal> {
        let entry: Option<Loaded<DidRecord>> = self.load(&Slot::did(did)).await?;
        Ok(entry.map(|entry| entry.record.holder().clone()))
    }

    /// The agent that `name` means, a DID or a handle. Handles are compared exactly: a look-alike finds nobody.
    pub(crate) async fn agent_named(&self, name: &str) -> Result<Option<Loaded<AgentRecord>>, Refusal> {
        let id = if name.starts_with("did:") {
            let Ok(did) = DidKey::parse(name) else { return Ok(None) };
            match self.holder(&did).await? {
                Some(DidHolder::Agent(id)) => Some(id),
                Some(DidHolder::Owner(_)) | None => None,
            }
        } else {
            let Ok(handle) = Handle::parse(name) else { return Ok(None) };
            let entry: Option<Loaded<HandleRecord>> = self.load(&Slot::handle(&handle)).await?;
            entry.filter(|entry| *entry.record.handle() == handle).map(|entry| entry.record.agent().clone())
        };
        match id {
            Some(id) => self.agent(&id).await,
            None => Ok(None),
        }
    }

    /// The claim in the address, and its agent.
    pub(crate) async fn claim_case(
        &self,
        id: &str,
    ) -> Result<(Option<Loaded<ClaimRecord>>, Option<Loaded<AgentRecord>>), Refusal> {
        let Ok(id) = ClaimId::parse(id) else { return Ok((None, None)) };
        let claim: Option<Loaded<ClaimRecord>> = self.load(&Slot::claim(&id)).await?;
        let agent = match &claim {
            Some(claim) => self.agent(claim.record.agent()).await?,
            None => None,
        };
        Ok((claim, agent))
    }

    /// A task with its place in the log.
    pub(crate) async fn task(&self, id: &TaskId) -> Result<Option<Loaded<TaskRecord>>, Refusal> {
        let found = self.load_with_leaf::<TaskRecord>(&Slot::task(id)).await?;
        Ok(found.map(|(loaded, leaf)| Loaded { record: loaded.record.with_leaf(leaf), version: loaded.version }))
    }

    /// What is known about a DID that somebody wants to register.
    pub(crate) async fn did_slot(&self, did: &DidKey) -> Result<DidSlot, Refusal> {
        let entry: Option<Loaded<DidRecord>> = self.load(&Slot::did(did)).await?;
        let agent = match entry.as_ref().map(|entry| entry.record.holder()) {
            Some(DidHolder::Agent(id)) => self.agent(id).await?,
            Some(DidHolder::Owner(_)) | None => None,
        };
        let handle = match &agent {
            Some(agent) => self.load(&Slot::handle(agent.record.handle())).await?,
            None => None,
        };
        let slot = Slot::revocation(FeedKind::Key, did.as_str());
        let is_compromised = self.load::<RevocationRecord>(&slot).await?.is_some();
        Ok(DidSlot { entry, agent, handle, is_compromised })
    }

    /// What is known about a handle that somebody wants.
    pub(crate) async fn handle_slot(&self, handle: Handle) -> Result<HandleSlot, Refusal> {
        let entry: Option<Loaded<HandleRecord>> = self.load(&Slot::handle(&handle)).await?;
        let holder = match &entry {
            Some(entry) => self.agent(entry.record.agent()).await?,
            None => None,
        };
        Ok(HandleSlot { handle, entry, holder })
    }
}
