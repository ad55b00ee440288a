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
mod enrolments;
mod exchange;
mod form;
mod identifiers;
pub(crate) mod introspect;
mod keys;
mod life;
mod observe;
pub(crate) mod once;
pub(crate) mod openapi;
mod operations;
mod owners;
mod preview;
mod proof;
pub(crate) mod rates;
mod recover;
mod revocations;
mod revoke;
mod rotate;
mod routes;
mod search;
mod tasks;
mod token;
mod view;

use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRequestParts, Path, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use handfast_delegation::Scope;
use handfast_middleware::RouteRule;
use handfast_registry_model::{AGENT_SELF, OWNER_SELF, REGISTRY_ADMIN, REGISTRY_READ, Refusal};
use http::Uri;
use http::request::Parts;

use crate::service::Shared;
use crate::state::unavailable;
pub(crate) use answer::{Failure, Reason};
use routes::{Method, Routes};

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
    routes(app)
        .into_router()
        .fallback(nothing_here)
        .method_not_allowed_fallback(no_such_method)
        .layer(from_fn_with_state(Arc::clone(app), body::bounded))
        .layer(from_fn_with_state(Arc::clone(app), observe::observe))
        .with_state(Arc::clone(app))
}

/// Every route there is, by method and path.
pub(crate) fn known(app: &App) -> Vec<(&'static str, &'static str)> {
    routes(app).known().to_vec()
}

fn routes(app: &App) -> Routes {
    managed(app, by_proof(public(Routes::new())))
}

fn public(routes: Routes) -> Routes {
    routes
        .get("/", operations::landing)
        .get("/livez", operations::livez)
        .get("/readyz", operations::readyz)
        .get("/metrics", operations::metrics)
        .get("/openapi.json", openapi::openapi)
        .get("/.well-known/oauth-authorization-server", documents::metadata)
        .get("/.well-known/oauth-protected-resource", documents::resource_metadata)
        .get("/.well-known/did.json", documents::own_did)
        .get("/jwks.json", documents::jwks)
        .get("/1.0/identifiers/{did}", identifiers::resolve)
        .get("/agents/{name}/did.json", documents::agent_did)
        .get("/agents/{name}/keys", keys::history)
        .get("/revocations", revocations::follow)
        .get("/revocations/snapshot", revocations::snapshot)
        .get("/revocations/stream", revocations::stream)
        .get("/revocations/key", revocations::feed_key)
}

/// Routes at which a signature of the caller's own key is all there is.
fn by_proof(routes: Routes) -> Routes {
    routes
        .post(TOKEN_PATH, token::token)
        .post(REVOKE_PATH, revoke::revoke_own_token)
        .post(INTROSPECT_PATH, introspect::introspect)
        .post("/agents", agents::register)
        .post("/claims", claims::new_code)
        .get("/claims/{id}", claims::poll)
        .post("/owners", owners::register)
        .post("/agents/{name}/rotate", rotate::rotate)
        .post("/agents/{name}/version", life::state_version)
}

/// Routes behind a token for the registry.
fn managed(app: &App, routes: Routes) -> Routes {
    use Method::{Get, Post};

    let owner = || rule(RouteRule::owners, &[OWNER_SELF]);
    let admin = || rule(RouteRule::owners, &[REGISTRY_ADMIN]);
    let reader = || rule(RouteRule::owners, &[OWNER_SELF, REGISTRY_READ, REGISTRY_ADMIN]);
    let manager = || rule(RouteRule::owners, &[OWNER_SELF, REGISTRY_ADMIN]);
    let worker = || rule(RouteRule::agents_and_owners, &[AGENT_SELF, OWNER_SELF, REGISTRY_ADMIN]);
    let concerned = || rule(RouteRule::agents_and_owners, &[AGENT_SELF, OWNER_SELF, REGISTRY_READ, REGISTRY_ADMIN]);
    routes
        .behind(app, reader(), (Get, "/agents"), search::list)
        .behind(app, concerned(), (Get, "/agents/{name}"), agents::show)
        .behind(app, concerned(), (Get, "/agents/{name}/versions"), life::versions)
        .behind(app, manager(), (Post, "/agents/{name}/suspend"), life::suspend)
        .behind(app, manager(), (Post, "/agents/{name}/resume"), life::resume)
        .behind(app, manager(), (Post, "/agents/{name}/retire"), life::retire)
        .behind(app, owner(), (Post, "/agents/{name}/ceiling"), life::ceiling)
        .behind(app, owner(), (Post, "/agents/{name}/environment"), life::environment)
        .behind(app, owner(), (Post, "/agents/{name}/transfer"), life::offer)
        .behind(app, owner(), (Post, "/agents/{name}/transfer/accept"), life::accept)
        .behind(app, manager(), (Post, "/agents/{name}/transfer/withdraw"), life::withdraw)
        .behind(app, manager(), (Post, "/agents/{name}/rotate/approve"), rotate::approve)
        .behind(app, manager(), (Post, "/agents/{name}/rotate/refuse"), rotate::refuse)
        .behind(app, owner(), (Post, "/agents/{name}/recover"), recover::recover)
        .behind(app, reader(), (Get, "/review"), life::review)
        .behind(app, admin(), (Post, "/owners/{id}/offboarding"), life::offboard)
        .behind(app, admin(), (Get, "/owners/{id}/offboarding"), life::offboarding)
        .behind(app, admin(), (Post, "/owners/codes"), owners::new_code)
        .behind(app, owner(), (Post, "/enrolments"), enrolments::create)
        .behind(app, reader(), (Get, "/enrolments"), enrolments::list)
        .behind(app, manager(), (Post, "/enrolments/{id}/revoke"), enrolments::revoke)
        .behind(app, owner(), (Post, "/claims/{id}/approve"), claims::approve)
        .behind(app, owner(), (Post, "/claims/{id}/refuse"), claims::refuse)
        .behind(app, owner(), (Post, "/tasks"), tasks::create)
        .behind(app, concerned(), (Get, "/tasks/{id}"), tasks::show)
        .behind(app, concerned(), (Get, "/tasks/{id}/tree"), tasks::tree)
        .behind(app, worker(), (Post, "/tasks/{id}/complete"), tasks::complete)
        .behind(app, worker(), (Post, "/revocations"), revoke::revoke)
        .behind(app, worker(), (Post, "/revocations/preview"), preview::preview)
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
