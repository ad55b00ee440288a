//! `/agents/{…}/transfer`: from one owner to another.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use handfast_middleware::{Caller as Authenticated, Clock as _};
use handfast_registry_model::{
    AgentRecord, FeedKind, Loaded, OfferRequest, OfferedAgent, Outcome, OwnedAgent, OwnerId, OwnerRecord,
    ReasonRequest, Recipient, Refusal, RevocationRecord, Slot, accept_agent, offer_agent, withdraw_offer,
};

use super::{Asked, changed, require_cut_in_time, shown};
use crate::http::body::JsonBody;
use crate::http::caller::Identity;
use crate::http::revoke::revocation;
use crate::http::view::AgentView;
use crate::http::{App, Failure, Name};
use crate::state::{ATTEMPTS, Commit};

/// Somebody who is to have an agent, as loaded.
pub(super) struct FoundRecipient {
    pub(super) owner: Option<OwnerRecord>,
    stopped: Option<RevocationRecord>,
}

impl FoundRecipient {
    pub(super) async fn load(app: &App, id: &OwnerId) -> Result<Self, Refusal> {
        let owner = app.state.owner(id).await?.map(|owner| owner.record);
        Ok(Self { owner, stopped: revocation(app, FeedKind::Owner, id.as_str()).await? })
    }

    pub(super) const fn as_loaded(&self) -> Recipient<'_> {
        Recipient { owner: self.owner.as_ref(), stopped: self.stopped.as_ref() }
    }
}

/// The entry that makes an agent its owner's.
pub(super) async fn owned(app: &App, agent: &AgentRecord) -> Result<Option<Loaded<OwnedAgent>>, Refusal> {
    match agent.owner() {
        Some(owner) => app.state.load(&Slot::owned_agent(owner, agent.id())).await,
        None => Ok(None),
    }
}

/// `POST /agents/{…}/transfer`: the owner offers it.
pub(in crate::http) async fn offer(
    State(app): State<App>,
    Name(name): Name,
    caller: Authenticated,
    body: JsonBody,
) -> Result<Response, Failure> {
    let OfferRequest { to, reason } = OfferRequest::parse(body.bytes())?;
    let to = FoundRecipient::load(&app, &to).await?;
    let decide = |asked: Asked<'_>| offer_agent(asked.caller, asked.agent, to.as_loaded(), reason.clone(), asked.now);
    changed(&app, &caller, &name, decide).await
}

/// `POST /agents/{…}/transfer/withdraw`: the owner takes the offer back, or who it was made to declines.
pub(in crate::http) async fn withdraw(
    State(app): State<App>,
    Name(name): Name,
    caller: Authenticated,
    body: JsonBody,
) -> Result<Response, Failure> {
    let ReasonRequest { reason } = ReasonRequest::parse(body.bytes())?;
    let decide = |asked: Asked<'_>| withdraw_offer(asked.caller, asked.agent, reason.clone(), asked.now);
    changed(&app, &caller, &name, decide).await
}

/// `POST /agents/{…}/transfer/accept`: who it was offered to takes it.
pub(in crate::http) async fn accept(
    State(app): State<App>,
    Name(name): Name,
    caller: Authenticated,
    body: JsonBody,
) -> Result<Response, Failure> {
    let ReasonRequest { reason } = ReasonRequest::parse(body.bytes())?;
    let identity = Identity::of(&app, &caller).await?;
    let caller = identity.caller(app.clock.now())?;
    for _ in 0..ATTEMPTS {
        let agent = app.state.agent_named_with_history(&name).await?;
        let entry = match &agent {
            Some(agent) => owned(&app, &agent.record).await?,
            None => None,
        };
        let pending = app.state.rotation_of(agent.as_ref()).await?;
        let case = OfferedAgent { agent: agent.as_ref(), owned: entry.as_ref(), pending: pending.as_ref() };
        match accept_agent(caller, case, reason.clone(), app.clock.now())? {
            Outcome::Unchanged => return shown(agent),
            Outcome::Changed(change) => {
                if let Commit::Done { .. } = app.state.commit(&change).await? {
                    require_cut_in_time(&app, caller, &name, &change).await?;
                    let agent = app.state.agent_named(&name).await?.ok_or(Refusal::UnknownAgent)?;
                    let owner = caller.as_owner().ok();
                    return Ok(Json(AgentView::of(&agent.record, owner)).into_response());
                }
            }
        }
    }
    Err(Refusal::Overloaded.into())
}
