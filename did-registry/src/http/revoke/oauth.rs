//! `POST /oauth2/revoke` (RFC 7009): a client gives one of its own tokens up, authenticated by its proof as where it got it.
//!
//! A token that is unknown, over, or another client's is answered as one that was revoked: nobody learns anything here, and
//! nothing happens to it (REV-02, REV-03).

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use handfast_delegation::Scope;
use handfast_identity::UnixTime;
use handfast_middleware::Clock as _;
use handfast_registry_model::{AGENT_SELF, Caller, DidHolder, GrantFault, OWNER_SELF, Refusal, client_of};
use http::StatusCode;

use super::token;
use crate::http::answer::hand_out;
use crate::http::assertion::Authenticated;
use crate::http::body::FormBody;
use crate::http::{App, Failure, proof};

/// The answer is OAuth JSON where it is a refusal, and nothing where it is not.
pub(in crate::http) async fn revoke(State(app): State<App>, request: Request) -> Response {
    let now = app.clock.now();
    match given_up(&app, request, now).await {
        Ok(()) => {
            let mut response = StatusCode::OK.into_response();
            hand_out(&proof::next_nonce(&app, now), response.headers_mut());
            response
        }
        Err(failure) => failure.oauth(),
    }
}

async fn given_up(app: &App, request: Request, now: UnixTime) -> Result<(), Failure> {
    let (parts, body) = request.into_parts();
    let form = FormBody::read(Request::from_parts(parts.clone(), body)).await?.form()?;
    // REV-07: a hint changes nothing, for there is one type of token
    form.one("token_type_hint")?;
    let text = form.one("token")?.ok_or(Refusal::InvalidRequest)?;
    if form.one("client_id")?.is_none() && form.one("client_assertion")?.is_none() {
        return Err(Refusal::InvalidRequest.into());
    }
    let client = client_of(form.pairs())?;
    let proof = proof::check(app, &parts, None, now)?;
    if !client.thumbprint().is_same_key(&proof.claimed_thumbprint()) {
        return Err(Refusal::InvalidClient.into());
    }
    let (proof, _) = proof::verify(proof)?;
    let shown = Authenticated::check(app, &form, proof, now)?;
    let Some(holder) = app.state.holder(&client).await? else { return Err(Refusal::InvalidClient.into()) };
    let token = app.facts.own_token(text).filter(|token| token.claims().client_id == client.as_str());
    shown.spend(app, now)?;
    let Some(token) = token else { return Ok(()) };
    let done = match holder {
        DidHolder::Agent(id) => {
            let record = app.state.agent_with_history(&id).await?.map(|agent| agent.record);
            let caller = Caller::agent(record.as_ref(), client.as_str(), &scope(AGENT_SELF), now);
            let caller = caller.map_err(|refusal| as_client(&refusal))?;
            token::revoked(app, caller, &token, None, now).await
        }
        DidHolder::Owner(id) => {
            let record = app.state.owner(&id).await?.map(|owner| owner.record);
            let scope = scope(OWNER_SELF);
            let caller = Caller::owner(record.as_ref(), id.as_str(), client.as_str(), &scope);
            token::revoked(app, caller.map_err(|refusal| as_client(&refusal))?, &token, None, now).await
        }
    };
    match done {
        // it is over: nothing is left to be done
        Ok(_) | Err(Refusal::InvalidEvidence) => Ok(()),
        Err(refusal) => Err(refusal.into()),
    }
}

/// Our own constants are scopes.
fn scope(name: &str) -> Scope {
    Scope::parse(name).unwrap_or_default()
}

/// Why nobody can be authenticated, as at the token endpoint.
fn as_client(refusal: &Refusal) -> Refusal {
    match refusal {
        Refusal::AgentRevoked => Refusal::InvalidGrant(GrantFault::AgentRevoked),
        _ => Refusal::InvalidClient,
    }
}
