//! `/owners`: people's keys, and the one-time codes that let them in.

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use handfast_identity::{DidKey, UnixTime};
use handfast_middleware::{Caller as Authenticated, Clock as _};
use handfast_registry_model::limits::OWNER_CODE_LIFETIME;
use handfast_registry_model::{
    CodeMaker, OwnerCode, OwnerCodeRequest, OwnerRecord, Refusal, ShownText, UnverifiedOwnerRegistration,
    VerifiedOwnerRegistration, make_owner_code, register_owner,
};
use http::StatusCode;
use serde::Serialize;

use super::agents::source;
use super::body::{JsonBody, JwtBody};
use super::caller::Identity;
use super::{App, Failure};
use crate::state::{ATTEMPTS, Commit};

#[derive(Serialize)]
struct OwnerView<'a> {
    id: &'a str,
    did: &'a DidKey,
    role: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    created_at: UnixTime,
}

/// `POST /owners`: a signed statement with a one-time code makes an owner.
pub(super) async fn register(State(app): State<App>, request: Request) -> Result<Response, Failure> {
    let now = app.clock.now();
    let from = source(&request);
    let body = JwtBody::read(request).await?;
    // codes cannot be guessed; trying is bounded all the same
    app.rates.take_try(from, now)?;
    let statement = verified(&app, &body, now)?;
    let owner = registered(&app, &statement, now).await?;
    let view = OwnerView {
        id: owner.id().as_str(),
        did: owner.did(),
        role: owner.role().as_str(),
        name: owner.name().map(ShownText::as_str),
        created_at: owner.created(),
    };
    Ok((StatusCode::CREATED, Json(view)).into_response())
}

fn verified(app: &App, body: &JwtBody, now: UnixTime) -> Result<VerifiedOwnerRegistration, Refusal> {
    let statement = UnverifiedOwnerRegistration::parse(body.text()?);
    statement.and_then(|statement| statement.verify(app.config.policy(), now)).map_err(|error| {
        let refusal = Refusal::from(error);
        // P-19: of what is wrong with it only our own words
        tracing::info!(reason = refusal.answer().reason, "an owner's registration was refused");
        refusal
    })
}

/// Commits the registration. Code and DID are both used up by it, so its `jti` needs no memory of its own.
async fn registered(app: &App, statement: &VerifiedOwnerRegistration, now: UnixTime) -> Result<OwnerRecord, Refusal> {
    for _ in 0..ATTEMPTS {
        let code = app.state.load(&statement.code_slot()).await?;
        let did = app.state.did_slot(statement.did()).await?;
        let (change, owner) = register_owner(statement, code.as_ref(), &did, now, &mut app.random.clone())?;
        if let Commit::Done { .. } = app.state.commit(&change).await? {
            return Ok(owner);
        }
    }
    Err(Refusal::Overloaded)
}

#[derive(Serialize)]
struct CodeView<'a> {
    code: &'a str,
    role: &'static str,
    expires_in: u64,
}

/// `POST /owners/codes`: an admin lets somebody in.
pub(super) async fn new_code(
    State(app): State<App>,
    caller: Authenticated,
    body: JsonBody,
) -> Result<Response, Failure> {
    let now = app.clock.now();
    let request = OwnerCodeRequest::parse(body.bytes())?;
    let identity = Identity::of(&app, &caller).await?;
    let maker = CodeMaker::Admin(identity.caller(now)?);
    let role = request.role.as_str();
    let code: OwnerCode = made(&app, maker, &request, now).await?;
    let view = CodeView { code: code.expose(), role, expires_in: OWNER_CODE_LIFETIME.get() };
    Ok((StatusCode::CREATED, Json(view)).into_response())
}

async fn made(
    app: &App,
    maker: CodeMaker<'_>,
    request: &OwnerCodeRequest,
    now: UnixTime,
) -> Result<OwnerCode, Refusal> {
    for _ in 0..ATTEMPTS {
        let (change, code) = make_owner_code(maker, request.clone(), now, &mut app.random.clone())?;
        if let Commit::Done { .. } = app.state.commit(&change).await? {
            return Ok(code);
        }
    }
    Err(Refusal::Overloaded)
}
