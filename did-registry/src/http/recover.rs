//! `POST /agents/{did or handle}/recover`: an owner takes an agent back from whoever has its key.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use handfast_identity::UnixTime;
use handfast_identity::history::KeyChangeKind;
use handfast_middleware::{Caller as Authenticated, Clock as _};
use handfast_registry_model::limits::MAX_WHY_BYTES;
use handfast_registry_model::{
    AgentRecord, Caller, Recovery, RecoveryCase, RecoveryRequest, Refusal, ShownText, VerifiedKeyChange,
    recover as decide,
};

use super::body::JsonBody;
use super::caller::Identity;
use super::view::AgentView;
use super::{App, Failure, Name};
use crate::state::{ATTEMPTS, Commit};

pub(super) async fn recover(
    State(app): State<App>,
    Name(name): Name,
    caller: Authenticated,
    body: JsonBody,
) -> Result<Response, Failure> {
    let now = app.clock.now();
    let request = RecoveryRequest::parse(body.bytes())?;
    let identity = Identity::of(&app, &caller).await?;
    let statement = VerifiedKeyChange::read(&request.statement, KeyChangeKind::Recovery, app.config.policy(), now)?;
    let agent = recovered(&app, &name, identity.caller(now)?, &statement, request.why, now).await?;
    Ok(Json(AgentView::of(&agent, None)).into_response())
}

/// The agent once the recovery is durable and on the feed. A rotation that was faster only makes it be decided again.
async fn recovered(
    app: &App,
    name: &str,
    caller: Caller<'_>,
    statement: &VerifiedKeyChange,
    why: Option<ShownText<MAX_WHY_BYTES>>,
    now: UnixTime,
) -> Result<AgentRecord, Refusal> {
    for _ in 0..ATTEMPTS {
        let agent = app.state.agent_named_with_history(name).await?.ok_or(Refusal::UnknownAgent)?;
        let keys = app.state.keys_of(&agent.record).await?;
        let registration = match keys.first() {
            Some(first) => *first.record.hash(),
            None => app.state.registration_of(&agent.record).await?,
        };
        let pending = app.state.pending_rotation(agent.record.id()).await?;
        let did = app.state.did_slot(&statement.change().key).await?;
        let case =
            RecoveryCase { agent: Some(&agent), keys: &keys, registration, pending: pending.as_ref(), did: &did };
        match decide(caller, statement, &case, why.clone(), now)? {
            Recovery::DoneBefore => return Ok(agent.record),
            Recovery::Done { change, agent } => {
                if let Commit::Done { .. } = app.state.commit(&change).await? {
                    return Ok(*agent);
                }
            }
        }
    }
    Err(Refusal::Overloaded)
}
