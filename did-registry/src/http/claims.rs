//! `/claims`: from an agent's code to its owner.

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use handfast_identity::{DidKey, UnixTime};
use handfast_middleware::{Caller as Authenticated, Clock as _};
use handfast_registry_model::{
    AgentRecord, Approval, ApprovalHandles, ApproveRequest, Attempt, Change, ClaimCase, ClaimRecord, ConfirmView,
    DidHolder, HandleRecord, IssuedClaim, Loaded, OwnerRecord, Refusal, RefuseRequest, Slot, approve as judge,
    new_claim_code, poll_claim, refuse_claim,
};
use http::StatusCode;
use serde::Serialize;

use super::answer::hand_out;
use super::body::{JsonBody, require_empty};
use super::caller::Identity;
use super::view::{AgentView, CodeView, ConfirmationView, PollView};
use super::{App, Failure, Name, proof};
use crate::state::{ATTEMPTS, Commit};

/// `POST /claims`: an agent, by its proof, wants a new code.
pub(super) async fn new_code(State(app): State<App>, request: Request) -> Result<Response, Failure> {
    let now = app.clock.now();
    let (parts, body) = request.into_parts();
    let (proof, did) = proof::verify(proof::check(&app, &parts, None, now)?)?;
    require_empty(body).await?;
    // decided once before the proof is used up, so that a refused one is not
    let _ = decided(&app, &did, now).await?;
    proof::spend(&app, &proof, now)?;
    let claim = issued(&app, &did, now).await?;
    let mut response = (StatusCode::CREATED, Json(CodeView::of(&claim, &app.config))).into_response();
    hand_out(&proof::next_nonce(&app, now), response.headers_mut());
    Ok(response)
}

async fn decided(app: &App, did: &DidKey, now: UnixTime) -> Result<(Change, IssuedClaim), Refusal> {
    let agent = match app.state.holder(did).await? {
        Some(DidHolder::Agent(id)) => app.state.agent(&id).await?,
        Some(DidHolder::Owner(_)) | None => None,
    };
    let present = match agent.as_ref().and_then(|agent| agent.record.claim()) {
        Some(claim) => app.state.load(&Slot::claim(claim)).await?,
        None => None,
    };
    new_claim_code(agent.as_ref(), present.as_ref(), &app.code_key, now, &mut app.random.clone())
}

async fn issued(app: &App, did: &DidKey, now: UnixTime) -> Result<IssuedClaim, Refusal> {
    for _ in 0..ATTEMPTS {
        let (change, claim) = decided(app, did, now).await?;
        if let Commit::Done { .. } = app.state.commit(&change).await? {
            return Ok(claim);
        }
    }
    Err(Refusal::Overloaded)
}

/// `GET /claims/{id}`: the agent, by its proof, asks how its claim stands.
pub(super) async fn poll(State(app): State<App>, Name(id): Name, request: Request) -> Result<Response, Failure> {
    let now = app.clock.now();
    let (parts, _) = request.into_parts();
    let (proof, did) = proof::verify(proof::check(&app, &parts, None, now)?)?;
    let (claim, agent) = app.state.claim_case(&id).await?;
    let owner = match agent.as_ref().and_then(|agent| agent.record.owner()) {
        Some(owner) => app.state.owner(owner).await?.map(|loaded| loaded.record),
        None => None,
    };
    let case = ClaimCase { claim: claim.as_ref(), agent: agent.as_ref() };
    let view = poll_claim(case, owner.as_ref(), &did.thumbprint(), now)?;
    proof::spend(&app, &proof, now)?;
    let mut response = Json(PollView::of(&view)).into_response();
    hand_out(&proof::next_nonce(&app, now), response.headers_mut());
    Ok(response)
}

/// What an approval came to.
enum Approved {
    Confirm(Box<ConfirmView>),
    Claimed(Box<AgentRecord>),
}

/// `POST /claims/{id}/approve`: first the code, then the fingerprint words.
pub(super) async fn approve(
    State(app): State<App>,
    Name(id): Name,
    caller: Authenticated,
    body: JsonBody,
) -> Result<Response, Failure> {
    let now = app.clock.now();
    let request = ApproveRequest::parse(body.bytes())?;
    let identity = Identity::of(&app, &caller).await?;
    let owner = identity.caller(now)?.as_owner()?;
    Ok(match approved(&app, &id, owner, &request, now).await? {
        Approved::Confirm(view) => Json(ConfirmationView::of(&view)).into_response(),
        Approved::Claimed(agent) => Json(AgentView::of(&agent, Some(owner))).into_response(),
    })
}

async fn approved(
    app: &App,
    id: &str,
    owner: &OwnerRecord,
    request: &ApproveRequest,
    now: UnixTime,
) -> Result<Approved, Refusal> {
    let mut stale_at = None;
    for _ in 0..ATTEMPTS {
        let (claim, agent) = app.state.claim_case(id).await?;
        let chosen = match &request.handle {
            Some(handle) => Some(app.state.handle_slot(handle.clone()).await?),
            None => None,
        };
        let own = own_handle(app, agent.as_ref()).await?;
        let version = agent.as_ref().map(|agent| agent.version);
        let handles = ApprovalHandles { chosen: chosen.as_ref(), own: own.as_ref() };
        let case = ClaimCase { claim: claim.as_ref(), agent: agent.as_ref() };
        let approval = match judge(case, owner, request, handles, app.config.policy(), &app.code_key, now)? {
            Attempt::Right(approval) => approval,
            Attempt::Wrong { change, refusal } => match app.state.commit(&change).await? {
                Commit::Done { .. } => return Err(refusal),
                Commit::Conflict => continue,
            },
        };
        let (change, approved) = match approval {
            // the same again at the same version is no race: the agent's entry is damaged
            Approval::Stale if stale_at.is_some() && stale_at == version => {
                tracing::error!("the entry under an agent's handle is not the agent's");
                return Err(Refusal::StoreUnavailable);
            }
            Approval::Stale => {
                stale_at = version;
                continue;
            }
            Approval::Confirm { change, view } => (change, Approved::Confirm(view)),
            Approval::Claimed { change, agent } => (change, Approved::Claimed(agent)),
        };
        if let Commit::Done { .. } = app.state.commit(&change).await? {
            return Ok(approved);
        }
    }
    Err(Refusal::Overloaded)
}

async fn own_handle(app: &App, agent: Option<&Loaded<AgentRecord>>) -> Result<Option<Loaded<HandleRecord>>, Refusal> {
    match agent {
        Some(agent) => app.state.load(&Slot::handle(agent.record.handle())).await,
        None => Ok(None),
    }
}

#[derive(Serialize)]
struct RefusedView {
    status: &'static str,
}

/// `POST /claims/{id}/refuse`
pub(super) async fn refuse(
    State(app): State<App>,
    Name(id): Name,
    caller: Authenticated,
    body: JsonBody,
) -> Result<Response, Failure> {
    let now = app.clock.now();
    let request = RefuseRequest::parse(body.bytes())?;
    let identity = Identity::of(&app, &caller).await?;
    let owner = identity.caller(now)?.as_owner()?;
    for _ in 0..ATTEMPTS {
        let (claim, agent): (Option<Loaded<ClaimRecord>>, _) = app.state.claim_case(&id).await?;
        let case = ClaimCase { claim: claim.as_ref(), agent: agent.as_ref() };
        let (change, outcome) = match refuse_claim(case, owner, &request, &app.code_key, now)? {
            Attempt::Right(change) => (change, Ok(Json(RefusedView { status: "refused" }).into_response())),
            Attempt::Wrong { change, refusal } => (change, Err(refusal.into())),
        };
        if let Commit::Done { .. } = app.state.commit(&change).await? {
            return outcome;
        }
    }
    Err(Refusal::Overloaded.into())
}
