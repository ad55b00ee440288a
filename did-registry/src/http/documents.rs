//! What the registry publishes about itself and its agents: metadata, keys, DID documents. None of it is secret.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use handfast_delegation::{DETAILS_TYPE, ResourceId};
use handfast_identity::{Algorithm, DidDocument, PublicKey};
use handfast_middleware::Clock as _;
use handfast_registry_model::{
    AGENT_SELF, CLIENT_CREDENTIALS, OWNER_SELF, REGISTRY_ADMIN, REGISTRY_READ, Refusal, STATUS_LISTS_PATH, Status,
    TOKEN_EXCHANGE,
};
use http::HeaderValue;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE};
use serde::Serialize;
use serde_json::{Value, json};

use super::agents::living;
use super::{App, Failure, INTROSPECT_PATH, Name, REVOKE_PATH, TOKEN_PATH};

/// JWKS-06: a compromised key has to be out of every cache within five minutes.
pub(super) const FOR_FIVE_MINUTES: HeaderValue = HeaderValue::from_static("public, max-age=300");
/// Older readers take JSON types only (DR-21).
const DID_MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/did+json");
pub(super) const ANYBODY: HeaderValue = HeaderValue::from_static("*");

/// The client's proof is its authentication; it may add an assertion (JB-01).
const CLIENT_METHODS: [&str; 2] = ["none", "private_key_jwt"];

/// `GET /.well-known/oauth-authorization-server` (RFC 8414)
pub(super) async fn metadata(State(app): State<App>) -> Response {
    let config = &app.config;
    let known = config.policy().resources();
    let own = [AGENT_SELF, OWNER_SELF, REGISTRY_READ, REGISTRY_ADMIN];
    let mut scopes: Vec<&str> =
        own.into_iter().chain(known.iter().flat_map(|resource| resource.scopes.tokens())).collect();
    scopes.sort_unstable();
    scopes.dedup();
    let resources: Vec<&str> = [config.registry()]
        .into_iter()
        .chain(known.iter().map(|resource| &resource.id))
        .map(ResourceId::as_str)
        .collect();
    let algorithms = Algorithm::ALL.map(Algorithm::as_str);
    let mut document = json!({
        "issuer": config.issuer(),
        "token_endpoint": config.url(TOKEN_PATH),
        "revocation_endpoint": config.url(REVOKE_PATH),
        "revocation_endpoint_auth_methods_supported": CLIENT_METHODS,
        "revocation_endpoint_auth_signing_alg_values_supported": algorithms,
        "introspection_endpoint": config.url(INTROSPECT_PATH),
        // RFC 8414 2: an access token type
        "introspection_endpoint_auth_methods_supported": ["DPoP"],
        "jwks_uri": config.url("/jwks.json"),
        // TSL-15
        "status_list_aggregation_endpoint": config.url(STATUS_LISTS_PATH),
        // required (MD-04), and lists without elements are left out (MD-06): `none` is the registered type that returns nothing
        "response_types_supported": ["none"],
        "grant_types_supported": [CLIENT_CREDENTIALS, TOKEN_EXCHANGE],
        "token_endpoint_auth_methods_supported": CLIENT_METHODS,
        "token_endpoint_auth_signing_alg_values_supported": algorithms,
        "dpop_signing_alg_values_supported": algorithms,
        "scopes_supported": scopes,
        "protected_resources": resources,
    });
    // RAR-08, MD-06: no list without elements
    if known.iter().any(|resource| resource.applies_details)
        && let Some(members) = document.as_object_mut()
    {
        members.insert("authorization_details_types_supported".to_owned(), json!([DETAILS_TYPE]));
    }
    published(Json(document).into_response())
}

/// `GET /.well-known/oauth-protected-resource` (RFC 9728): the registry as a resource, whose tokens are its own (MD-20).
pub(super) async fn resource_metadata(State(app): State<App>) -> Response {
    let config = &app.config;
    let document = json!({
        "resource": config.registry().as_str(),
        "authorization_servers": [config.issuer()],
        "scopes_supported": [AGENT_SELF, OWNER_SELF, REGISTRY_ADMIN, REGISTRY_READ],
        "dpop_signing_alg_values_supported": Algorithm::ALL.map(Algorithm::as_str),
        "dpop_bound_access_tokens_required": true,
    });
    published(Json(document).into_response())
}

/// `GET /jwks.json` (RFC 7517): the token keys, each under its thumbprint (JWKS-02). A revoked one is not published (JWKS-06).
pub(super) async fn jwks(State(app): State<App>) -> Result<Response, Failure> {
    let mut keys = Vec::new();
    for key in app.keys.token_public() {
        let id = key.thumbprint().to_string();
        if !app.facts.has_revoked_key(&id) {
            keys.push(jwk(&key, &id)?);
        }
    }
    Ok(published(Json(json!({ "keys": keys })).into_response()))
}

fn jwk(key: &PublicKey, id: &str) -> Result<Value, Refusal> {
    let mut jwk: Value = serde_json::from_str(&key.to_jwk()).map_err(|_| Refusal::StoreUnavailable)?;
    if let Some(members) = jwk.as_object_mut() {
        members.insert("kid".to_owned(), id.into());
        members.insert("use".to_owned(), "sig".into());
        let algorithm = Algorithm::ALL.into_iter().find(|algorithm| algorithm.curve() == key.curve());
        members.insert("alg".to_owned(), algorithm.map(Algorithm::as_str).into());
    }
    Ok(jwk)
}

/// `GET /.well-known/did.json`: the registry as `did:web`, with the key it signs its feed with. One at an address has no such name.
pub(super) async fn own_did(State(app): State<App>) -> Result<Response, Failure> {
    own_document(&app).map(|document| did_document(&document)).ok_or_else(|| Refusal::NotFound.into())
}

/// The registry's document. It says by which URL its tokens name it, and the URL's origin says by this document which DID that is.
pub(super) fn own_document(app: &App) -> Option<DidDocument> {
    let did = app.config.did()?;
    let document = DidDocument::of_signer(did.as_str(), &app.keys.feed_did());
    Some(document.also_known_as(app.config.issuer().to_owned()))
}

/// `GET /agents/{did or handle}/did.json`: public, for handles too. A REVOKED or retired agent has none any more, and neither has
/// a DID that another took the place of (DW-13): a document is that of the DID asked for, or of none.
///
/// It names the handle, so that whoever came by the handle finds it there, and whoever came by the DID finds out which it is.
pub(super) async fn agent_did(State(app): State<App>, Name(name): Name) -> Result<Response, Failure> {
    let agent = living(app.state.agent_named(&name).await?, app.clock.now())?;
    let is_over = agent.status() == Status::Revoked || agent.retired_at().is_some();
    if is_over || (name.starts_with("did:") && name != agent.did().as_str()) {
        return Err(Refusal::UnknownAgent.into());
    }
    let known_as = app.config.known_as(agent.handle());
    Ok(did_document(&DidDocument::of_key(agent.did()).also_known_as(known_as)))
}

fn did_document(document: &impl Serialize) -> Response {
    let mut response = published(Json(document).into_response());
    response.headers_mut().insert(CONTENT_TYPE, DID_MEDIA_TYPE);
    // DW-08: resolvers in browsers
    response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, ANYBODY);
    response
}

pub(super) fn published(mut response: Response) -> Response {
    response.headers_mut().insert(CACHE_CONTROL, FOR_FIVE_MINUTES);
    response
}
