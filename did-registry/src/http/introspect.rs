//! `POST /oauth2/introspect` (RFC 7662): a resource asks about a token that was shown to it.
//!
//! Who asks is shown as at any resource, by a token with a proof for this call. Its audience is the resource that is asked about,
//! not this registry, and its scope is `introspect`. About tokens for other resources, and about everything that is not good now,
//! the answer is the same `{"active":false}`: nobody learns which it was (INT-03).

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use handfast_delegation::{MAX_TOKEN_BYTES, ResourceId, Scope, UnverifiedAccessToken, VerifiedAccessToken};
use handfast_dpop::{NoncePolicy, NonceSource as _, ReplayStore as _, Target};
use handfast_identity::json::{self, Limits};
use handfast_identity::{Seconds, UnixTime, base64url};
use handfast_middleware::{Clock as _, Rejection, RouteRule};
use handfast_registry_model::{KnownResource, Refusal};
use handfast_verifier::budget::MemoryBudgets;
use handfast_verifier::tools::RequestContent;
use handfast_verifier::trust::Facts;
use handfast_verifier::{
    CLOCK_LEEWAY, ChainPolicy, Credentials, DEFAULT_STALENESS, EnforcementPoint, EvidencePolicy, NoStops, NoVerdicts,
    RequestParts, UnverifiedRequest,
};
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderName, HeaderValue};
use serde_json::{Map, Value, json};

use super::answer::hand_out;
use super::body::FormBody;
use super::form::Form;
use super::{App, Failure, proof};
use crate::state::unavailable;

/// What a resource's own token has to allow. An operator lists it among the scopes of a resource that asks.
const INTROSPECT: &str = "introspect";
/// Claims that are told as they stand in the token (INT-05); `aud` and `scope` are told as far as they concern the resource.
const TOLD: [&str; 20] = [
    "act",
    "authorization_details",
    "budget",
    "chain_hash",
    "client_id",
    "cnf",
    "del_depth",
    "del_max_depth",
    "del_offline",
    "env",
    "exp",
    "handle",
    "hops",
    "iat",
    "iss",
    "jti",
    "nbf",
    "root_jti",
    "sub",
    "task",
];

/// Refusals are OAuth JSON; of whoever asks with status and challenge of a resource.
pub(super) async fn introspect(State(app): State<App>, request: Request) -> Response {
    let now = app.clock.now();
    let (parts, body) = request.into_parts();
    let form = match FormBody::read(Request::from_parts(parts.clone(), body)).await.and_then(|body| body.form()) {
        Ok(form) => form,
        Err(refusal) => return Failure::from(refusal).oauth(),
    };
    // what was revoked just now counts just now (P-11)
    if let Err(error) = app.book.sync().await {
        return Failure::from(unavailable(&error)).oauth();
    }
    let facts = Facts::new([app.facts.issuer_for_all(now)]);
    let resource = match asking(&app, &parts, &form, &facts, now) {
        Ok(resource) => resource,
        Err(rejection) => {
            let failure = Failure::from(rejection);
            let failure = if failure.needs_nonce() { failure.with_nonce(app.nonces.issue(now)) } else { failure };
            return failure.oauth_resource();
        }
    };
    match answer(&app, &form, resource, &facts, now) {
        Ok(answer) => {
            let mut response = Json(answer).into_response();
            hand_out(&proof::next_nonce(&app, now), response.headers_mut());
            response
        }
        Err(failure) => failure.oauth(),
    }
}

/// The resource that asks: the check of a resource server, at the resource that the token names.
fn asking<'a>(
    app: &'a App,
    parts: &Parts,
    form: &Form,
    facts: &Facts,
    now: UnixTime,
) -> Result<&'a KnownResource, Rejection> {
    let lines = |name: HeaderName| parts.headers.get_all(name).iter().map(HeaderValue::as_bytes).collect();
    let target = Target::join(app.config.base(), parts.uri.path()).map_err(handfast_dpop::ProofError::TargetForm)?;
    let query = parts.uri.query().map(|query| Form::parse(query.as_bytes()));
    let request = RequestParts {
        method: parts.method.as_str(),
        target: &target,
        authorization: lines(AUTHORIZATION),
        proofs: lines(HeaderName::from_static("dpop")),
        delegation: lines(HeaderName::from_static("delegation")),
        has_misplaced_token: names_token(form)
            || query.is_some_and(|query| query.map_or(true, |form| names_token(&form))),
    };
    let parsed = UnverifiedRequest::parse(&request, &ChainPolicy::default())?;
    // which of our resources it says it is for; whether it is, the check finds out
    let named: Vec<_> = named_resources(&request).collect();
    let scope = Scope::parse(INTROSPECT).unwrap_or_default();
    let mut known = app.config.policy().resources().iter().filter(|resource| named.contains(&resource.id));
    let first = known.clone().next();
    // a scope counts where the resource has it (RES-07): with two, the other one is not asked about
    let asks = known.find(|resource| resource.scopes.intersection(&scope) == scope);
    let place = asks.or(first).map_or_else(|| app.config.registry(), |resource| &resource.id);
    let verified = parsed.verify(&point(app, place, ChainPolicy::default(), CLOCK_LEEWAY), facts, now)?;
    let content = RequestContent {
        path: parts.uri.path(),
        query: None,
        media_types: Vec::new(),
        digests: Vec::new(),
        body: None,
    };
    let bound = verified.bind(&RouteRule::agents_and_owners(scope), &content).map_err(|denial| denial.rejection)?;
    let receipt = app.replay.insert(bound.replay_entry(), now)?;
    let spent = bound.charges().spend(&app.introspections, now)?;
    bound.admit(receipt, spent)?;
    // a token for the registry itself has no such scope
    asks.ok_or(Rejection::AudienceMismatch)
}

/// A token where only the one that is asked about belongs (DPOP-104, DPOP-105).
fn names_token(form: &Form) -> bool {
    form.pairs().any(|(name, _)| name == "access_token")
}

/// The audience of the token presented, not yet believed.
fn named_resources(request: &RequestParts<'_>) -> impl Iterator<Item = ResourceId> {
    let text = request.authorization.only().and_then(|field| core::str::from_utf8(field).ok());
    let token =
        text.and_then(|text| UnverifiedAccessToken::parse(text.split_once(' ')?.1.trim_start_matches(' ')).ok());
    token
        .into_iter()
        .flat_map(|token| token.unverified_claims().authority.resources.iter().cloned().collect::<Vec<_>>())
}

fn point<'a>(app: &'a App, place: &'a ResourceId, chain: ChainPolicy, leeway: Seconds) -> EnforcementPoint<'a> {
    EnforcementPoint {
        resource: place,
        window: app.config.window(),
        nonces: NoncePolicy::required(&*app.nonces),
        leeway,
        staleness: DEFAULT_STALENESS,
        environment: None,
        chain,
        verdicts: &NoVerdicts,
        stops: &NoStops,
    }
}

/// What is told about the token of the form. A hint changes nothing, for there is one type of token (INT-07).
fn answer(app: &App, form: &Form, resource: &KnownResource, facts: &Facts, now: UnixTime) -> Result<Value, Failure> {
    form.one("token_type_hint")?;
    let text = form.one("token")?.ok_or(Refusal::InvalidRequest)?;
    let inactive = json!({"active": false});
    let Some(token) = app.facts.own_token(text) else { return Ok(inactive) };
    // INT-04; whoever asks has no evidence, and takes this registry's word for the hops behind the token. No leeway: nothing is
    // said beyond `exp` (INT-06)
    let on_word = ChainPolicy { evidence: EvidencePolicy::Optional, ..ChainPolicy::default() };
    match Credentials::verify(text, None, &point(app, &resource.id, on_word, Seconds::new(0)), facts, now) {
        Ok(_) => told(text, &token, resource).ok_or_else(|| Refusal::StoreUnavailable.into()),
        // ours, and not an answer (P-17)
        Err(rejection) if rejection.answer().status == 503 => Err(rejection.into()),
        Err(_) => Ok(inactive),
    }
}

/// The claims of a good token, as far as they concern this resource (INT-08, RES-07).
fn told(text: &str, token: &VerifiedAccessToken, resource: &KnownResource) -> Option<Value> {
    let payload = base64url::decode(text.split('.').nth(1)?).ok()?;
    let claims: Map<String, Value> = json::read_object(&payload, &Limits::token(MAX_TOKEN_BYTES)).ok()?;
    let mut told: Map<_, _> = claims.into_iter().filter(|(name, _)| TOLD.contains(&name.as_str())).collect();
    let scope = token.claims().authority.scope.intersection(&resource.scopes);
    if !scope.is_empty() {
        told.insert("scope".to_owned(), scope.to_string().into());
    }
    told.extend([
        ("active".to_owned(), true.into()),
        ("token_type".to_owned(), "DPoP".into()),
        ("aud".to_owned(), json!([resource.id.as_str()])),
    ]);
    Some(told.into())
}

/// Uses of budgets of tokens by which introspection is asked for.
pub(crate) fn counted() -> MemoryBudgets {
    MemoryBudgets::new(handfast_verifier::budget::BudgetLimits::default())
}
