//! Finding records: by id, by DID, by handle, and in the groups that decisions ask for.

use handfast_identity::{DidKey, Handle};
use handfast_registry_model::{
    AgentId, AgentRecord, ClaimId, ClaimRecord, DidHolder, DidRecord, DidSlot, HandleRecord, HandleSlot, Loaded,
    OwnerId, OwnerRecord, Refusal, Slot, TaskId, TaskRecord,
};

use crate::state::State;

impl State {
    /// The agent with this id.
    pub(crate) async fn agent(&self, id: &AgentId) -> Result<Option<Loaded<AgentRecord>>, Refusal> {
        self.load(&Slot::agent(id)).await
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
        Ok(DidSlot { entry, agent, handle })
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
