//! Who calls a management route: the record behind the token.

use handfast_delegation::Scope;
use handfast_identity::{DidKey, UnixTime};
use handfast_middleware::Authorized;
use handfast_registry_model::{AgentRecord, Caller, DidHolder, OwnerId, OwnerRecord, Refusal};

use super::App;
use crate::state::State;

/// The caller's record as it is now, with what its token says.
#[derive(Debug)]
pub(super) struct Identity {
    subject: String,
    client_id: String,
    scope: Scope,
    record: Party,
}

#[derive(Debug)]
enum Party {
    Owner(Option<Box<OwnerRecord>>),
    Agent(Option<Box<AgentRecord>>),
}

impl Identity {
    /// Loads the record that the token names.
    pub(super) async fn of(app: &App, authorized: &Authorized) -> Result<Self, Refusal> {
        let record = if authorized.is_owner() {
            Party::Owner(owner(&app.state, authorized.subject()).await?.map(Box::new))
        } else {
            Party::Agent(agent(&app.state, authorized.client_id()).await?.map(Box::new))
        };
        Ok(Self {
            subject: authorized.subject().to_owned(),
            client_id: authorized.client_id().to_owned(),
            scope: authorized.scope().clone(),
            record,
        })
    }

    /// The caller, for the model.
    pub(super) fn caller(&self, now: UnixTime) -> Result<Caller<'_>, Refusal> {
        match &self.record {
            Party::Owner(record) => Caller::owner(record.as_deref(), &self.subject, &self.client_id, &self.scope),
            Party::Agent(record) => Caller::agent(record.as_deref(), &self.client_id, &self.scope, now),
        }
    }

    /// Whose token it is: one text for each caller there can be.
    pub(super) fn subject(&self) -> &str {
        &self.subject
    }

    /// Whether the caller is `agent` itself.
    pub(super) fn is_agent(&self, agent: &AgentRecord) -> bool {
        matches!(&self.record, Party::Agent(Some(record)) if record.id() == agent.id())
    }
}

async fn owner(state: &State, subject: &str) -> Result<Option<OwnerRecord>, Refusal> {
    let Ok(id) = OwnerId::parse(subject) else { return Ok(None) };
    Ok(state.owner(&id).await?.map(|loaded| loaded.record))
}

async fn agent(state: &State, client_id: &str) -> Result<Option<AgentRecord>, Refusal> {
    let Ok(did) = DidKey::parse(client_id) else { return Ok(None) };
    match state.holder(&did).await? {
        Some(DidHolder::Agent(id)) => Ok(state.agent_with_history(&id).await?.map(|loaded| loaded.record)),
        Some(DidHolder::Owner(_)) | None => Ok(None),
    }
}
