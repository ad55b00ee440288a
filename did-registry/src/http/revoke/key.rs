//! A key that somebody else has.

use handfast_identity::{DidKey, UnixTime};
use handfast_registry_model::limits::MAX_WHY_BYTES;
use handfast_registry_model::{
    AgentRecord, Caller, DidHolder, FeedKind, KeyToStop, Loaded, Refusal, RevocationRecord, ShownText, revoke_key,
};

use super::{committed, revocation};
use crate::http::App;
use crate::state::ATTEMPTS;

pub(super) async fn revoked(
    app: &App,
    caller: Caller<'_>,
    did: &DidKey,
    why: Option<&ShownText<MAX_WHY_BYTES>>,
    now: UnixTime,
) -> Result<RevocationRecord, Refusal> {
    for _ in 0..ATTEMPTS {
        let before = revocation(app, FeedKind::Key, did.as_str()).await?;
        let agent = holder_of(app, did).await?;
        let keys = match &agent {
            Some(agent) => app.state.keys_of(&agent.record).await?,
            None => Vec::new(),
        };
        let key = keys.iter().find(|key| key.record.did() == did);
        let case = KeyToStop { did, agent: agent.as_ref(), key, before: before.as_ref() };
        if let Some(record) = committed(app, &caller, revoke_key(caller, case, why.cloned(), now)?).await? {
            return Ok(record);
        }
    }
    Err(Refusal::Overloaded)
}

/// The agent whose key it is or was, with its history.
///
/// # Errors
///
/// [`Refusal::InvalidRequest`] for an owner's key: it is not stopped alone.
pub(in crate::http) async fn holder_of(app: &App, did: &DidKey) -> Result<Option<Loaded<AgentRecord>>, Refusal> {
    match app.state.holder(did).await? {
        // an entry without its record is damage, not absence
        Some(DidHolder::Agent(id)) => {
            Ok(Some(app.state.agent_with_history(&id).await?.ok_or(Refusal::StoreUnavailable)?))
        }
        Some(DidHolder::Owner(_)) => Err(Refusal::InvalidRequest),
        None => Ok(None),
    }
}
