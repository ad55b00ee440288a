//! `/owners`: people's keys, and the one-time codes that let them in.

use axum::extract::{Request, State};
use axum::response::Response;
use handfast_identity::{DidKey, UnixTime};
use handfast_middleware::{Caller as Authenticated, Clock as _};
use handfast_registry_model::limits::OWNER_CODE_LIFETIME;
use handfast_registry_model::{
    CodeMaker, IdempotencyRecord, OwnerCode, OwnerCodeRequest, Refusal, ShownText, UnverifiedOwnerRegistration,
    VerifiedOwnerRegistration, make_owner_code, register_owner, replace_owner_code,
};
use serde::Serialize;

use super::agents::source;
use super::body::{JsonBody, JwtBody};
use super::caller::Identity;
use super::once::{Answer, Key, Once};
use super::{App, Failure};
use crate::state::{ATTEMPTS, Commit};

/// The member that holds the code, in the one answer that does.
const CODE: &str = "code";

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
    let (from, key) = (source(&request), Key::of(request.headers())?);
    let body = JwtBody::read(request).await?;
    // codes cannot be guessed; trying is bounded all the same
    app.rates.take_try(from, now)?;
    let statement = verified(&app, &body, now)?;
    let caller = statement.did().as_str();
    let once = Once::begin(&app, key, "POST /owners", caller, statement.wish(), now).await?;
    if let Some(first) = once.first().await? {
        return Ok(first);
    }
    Ok(registered(&app, &statement, &once, now).await?)
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
async fn registered(
    app: &App,
    statement: &VerifiedOwnerRegistration,
    once: &Once<'_>,
    now: UnixTime,
) -> Result<Response, Refusal> {
    for _ in 0..ATTEMPTS {
        let code = app.state.load(&statement.code_slot()).await?;
        let did = app.state.did_slot(statement.did()).await?;
        let (change, owner) = register_owner(statement, code.as_ref(), &did, now, &mut app.random.clone())?;
        let answer = Answer::created(&OwnerView {
            id: owner.id().as_str(),
            did: owner.did(),
            role: owner.role().as_str(),
            name: owner.name().map(ShownText::as_str),
            created_at: owner.created(),
        })?;
        if let Some(response) = once.commit(change, owner.organisation(), answer).await? {
            return Ok(response);
        }
    }
    Err(Refusal::Overloaded)
}

#[derive(Serialize)]
struct CodeView {
    role: &'static str,
    expires_in: u64,
}

/// `POST /owners/codes`: an admin lets somebody in.
pub(super) async fn new_code(
    State(app): State<App>,
    caller: Authenticated,
    key: Key,
    body: JsonBody,
) -> Result<Response, Failure> {
    let now = app.clock.now();
    let request = OwnerCodeRequest::parse(body.bytes())?;
    let identity = Identity::of(&app, &caller).await?;
    let caller = identity.caller(now)?;
    let admin = caller.as_admin()?;
    let maker = CodeMaker::Admin(caller);
    let once = Once::begin(&app, key, "POST /owners/codes", identity.subject(), body.wish(), now).await?;
    let answer = || Answer::created(&CodeView { role: request.role.as_str(), expires_in: OWNER_CODE_LIFETIME.get() });
    if once.known().is_some() {
        let code = replaced(&app, &once, maker, now).await?;
        return Ok(answer()?.response(None, Some((CODE, code.expose().into()))));
    }
    for _ in 0..ATTEMPTS {
        let (change, code) = make_owner_code(maker, request.clone(), now, &mut app.random.clone())?;
        let secret = Some((CODE, code.expose().into()));
        let note = |record: IdempotencyRecord| record.with_owner_code(&code);
        if let Some(response) = once.commit_with(change, admin.organisation(), answer()?, secret, note).await? {
            return Ok(response);
        }
    }
    Err(Refusal::Overloaded.into())
}

/// The same request again: the first code is not kept, so it is another, and the first is void.
async fn replaced(app: &App, once: &Once<'_>, maker: CodeMaker<'_>, now: UnixTime) -> Result<OwnerCode, Refusal> {
    let known = once.known().ok_or(Refusal::StoreUnavailable)?;
    let slot = known.record.owner_code_slot().ok_or(Refusal::StoreUnavailable)?;
    // whoever is faster registers with the code: then it is used, or gone
    let before = app.state.load(&slot).await?.ok_or(Refusal::StoreUnavailable)?;
    let (change, code) = replace_owner_code(maker, &before, now, &mut app.random.clone())?;
    match once.renew(change, known, known.record.clone().with_owner_code(&code)).await? {
        Commit::Done { .. } => Ok(code),
        Commit::Conflict => Err(Refusal::CodeUsed),
    }
}
