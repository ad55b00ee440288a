//! The routes (spec/registry.md). Each is one file of reading, deciding and answering; what they share is here.
//!
//! | who may call | how it is shown |
//! |---|---|
//! | anybody | metadata, keys, DID documents, the feed, health |
//! | whoever holds a key | a signed statement (`/agents`, `/owners`, `/agents/{…}/rotate`, `/agents/{…}/version`), or a proof without token (`/claims`, `/oauth2/token`) |
//! | resources | a DPoP-bound token for themselves, of scope `introspect` (`/oauth2/introspect`) |
//! | owners, admins, agents about themselves | a DPoP-bound token for the registry, checked by the project's own middleware |
//!
//! No cookie is ever read, so a page of another site has nothing to ride on (TH60).

mod agents;
mod answer;
mod assertion;
pub(crate) mod body;
mod caller;
mod claims;
mod documents;
mod exchange;
mod form;
mod identifiers;
pub(crate) mod introspect;
mod keys;
mod life;
mod observe;
mod operations;
mod owners;
mod preview;
mod proof;
pub(crate) mod rates;
mod recover;
mod revocations;
mod revoke;
mod rotate;
mod tasks;
mod token;
mod view;

use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRequestParts, Path, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use handfast_delegation::Scope;
use handfast_middleware::RouteRule;
use handfast_registry_model::{AGENT_SELF, OWNER_SELF, REGISTRY_ADMIN, REGISTRY_READ, Refusal};
use http::Uri;
use http::request::Parts;

use crate::service::Shared;
use crate::state::unavailable;
pub(crate) use answer::{Failure, Reason};

/// Where tokens come from. It answers in OAuth JSON, refusals that never reach it included (ERR-15).
const TOKEN_PATH: &str = "/oauth2/token";
/// Where clients give tokens up (RFC 7009); the same holds there.
const REVOKE_PATH: &str = "/oauth2/revoke";
/// Where resources ask about tokens (RFC 7662); the same holds there.
const INTROSPECT_PATH: &str = "/oauth2/introspect";

/// What handlers take as state.
type App = Arc<Shared>;

/// All routes.
pub(crate) fn router(app: &App) -> Router {
    public()
        .merge(by_proof())
        .merge(managed(app))
        .fallback(nothing_here)
        .method_not_allowed_fallback(no_such_method)
        .layer(from_fn_with_state(Arc::clone(app), body::bounded))
        .layer(from_fn_with_state(Arc::clone(app), observe::observe))
        .with_state(Arc::clone(app))
}

fn public() -> Router<App> {
    Router::new()
        .route("/", get(operations::landing))
        .route("/livez", get(operations::livez))
        .route("/readyz", get(operations::readyz))
        .route("/metrics", get(operations::metrics))
        .route("/.well-known/oauth-authorization-server", get(documents::metadata))
        .route("/.well-known/oauth-protected-resource", get(documents::resource_metadata))
        .route("/.well-known/did.json", get(documents::own_did))
        .route("/jwks.json", get(documents::jwks))
        .route("/agents/{name}/did.json", get(documents::agent_did))
        .route("/agents/{name}/keys", get(keys::history))
        .route("/revocations/snapshot", get(revocations::snapshot))
        .route("/revocations/stream", get(revocations::stream))
}

/// Routes at which a signature of the caller's own key is all there is.
fn by_proof() -> Router<App> {
    Router::new()
        .route(TOKEN_PATH, post(token::token))
        .route(REVOKE_PATH, post(revoke::revoke_own_token))
        .route(INTROSPECT_PATH, post(introspect::introspect))
        .route("/claims", post(claims::new_code))
        .route("/claims/{id}", get(claims::poll))
        .route("/owners", post(owners::register))
        .route("/agents/{name}/rotate", post(rotate::rotate))
        .route("/agents/{name}/version", post(life::state_version))
}

/// Routes behind a token for the registry.
fn managed(app: &App) -> Router<App> {
    let owner = || rule(RouteRule::owners, &[OWNER_SELF]);
    let admin = || rule(RouteRule::owners, &[REGISTRY_ADMIN]);
    let reader = || rule(RouteRule::owners, &[OWNER_SELF, REGISTRY_READ, REGISTRY_ADMIN]);
    let manager = || rule(RouteRule::owners, &[OWNER_SELF, REGISTRY_ADMIN]);
    let worker = || rule(RouteRule::agents_and_owners, &[AGENT_SELF, OWNER_SELF, REGISTRY_ADMIN]);
    let concerned = || rule(RouteRule::agents_and_owners, &[AGENT_SELF, OWNER_SELF, REGISTRY_READ, REGISTRY_ADMIN]);
    let behind = |rule: RouteRule, routes: MethodRouter<App>| {
        // the guard inside, so that what it knows is brought up to date first
        routes.route_layer(app.guard.protect(rule)).route_layer(from_fn_with_state(Arc::clone(app), up_to_date))
    };
    Router::new()
        .route("/1.0/identifiers/{did}", identifiers::route(app, behind(reader(), get(identifiers::resolve_any_host))))
        .route("/agents", post(agents::register).merge(behind(reader(), get(agents::list))))
        .route("/agents/{name}", behind(concerned(), get(agents::show)))
        .route("/agents/{name}/versions", behind(concerned(), get(life::versions)))
        .route("/agents/{name}/suspend", behind(manager(), post(life::suspend)))
        .route("/agents/{name}/resume", behind(manager(), post(life::resume)))
        .route("/agents/{name}/retire", behind(manager(), post(life::retire)))
        .route("/agents/{name}/ceiling", behind(owner(), post(life::ceiling)))
        .route("/agents/{name}/environment", behind(owner(), post(life::environment)))
        .route("/agents/{name}/transfer", behind(owner(), post(life::offer)))
        .route("/agents/{name}/transfer/accept", behind(owner(), post(life::accept)))
        .route("/agents/{name}/transfer/withdraw", behind(manager(), post(life::withdraw)))
        .route("/owners/{id}/offboarding", behind(admin(), post(life::offboard).get(life::offboarding)))
        .route("/review", behind(reader(), get(life::review)))
        .route("/agents/{name}/rotate/approve", behind(manager(), post(rotate::approve)))
        .route("/agents/{name}/rotate/refuse", behind(manager(), post(rotate::refuse)))
        .route("/agents/{name}/recover", behind(owner(), post(recover::recover)))
        .route("/claims/{id}/approve", behind(owner(), post(claims::approve)))
        .route("/claims/{id}/refuse", behind(owner(), post(claims::refuse)))
        .route("/owners/codes", behind(admin(), post(owners::new_code)))
        .route("/tasks", behind(owner(), post(tasks::create)))
        .route("/tasks/{id}", behind(concerned(), get(tasks::show)))
        .route("/tasks/{id}/tree", behind(concerned(), get(tasks::tree)))
        .route("/tasks/{id}/complete", behind(worker(), post(tasks::complete)))
        .route("/revocations", get(revocations::follow).merge(behind(worker(), post(revoke::revoke))))
        .route("/revocations/preview", behind(worker(), post(preview::preview)))
}

/// Callers of one kind with any one of `scopes`. Names of scopes are constants, so each is one.
fn rule(callers: fn(Scope) -> RouteRule, scopes: &[&str]) -> RouteRule {
    let mut alternatives = scopes.iter().map(|name| Scope::parse(name).unwrap_or_default());
    let first = callers(alternatives.next().unwrap_or_default());
    alternatives.fold(first, RouteRule::or)
}

/// Brings what the guard knows about revocations up to date with the store (P-11).
async fn up_to_date(State(app): State<App>, request: Request, next: Next) -> Response {
    match app.book.sync().await {
        Ok(()) => next.run(request).await,
        Err(error) => Failure::from(unavailable(&error)).into_response(),
    }
}

async fn nothing_here() -> Failure {
    Refusal::NotFound.into()
}

async fn no_such_method(uri: Uri) -> Response {
    refused_at(&uri, Refusal::MethodNotAllowed)
}

/// A refusal before any handler, in the form of the place: OAuth JSON where tokens come from (ERR-15).
fn refused_at(uri: &Uri, refusal: Refusal) -> Response {
    let failure = Failure::from(refusal);
    if [TOKEN_PATH, REVOKE_PATH, INTROSPECT_PATH].contains(&uri.path()) {
        failure.oauth()
    } else {
        failure.into_response()
    }
}

/// The one variable segment of a path, decoded.
struct Name(String);

impl FromRequestParts<App> for Name {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let name = Path::<String>::from_request_parts(parts, app).await;
        name.map(|Path(name)| Self(name)).map_err(|_| Refusal::NotFound.into())
    }
}
