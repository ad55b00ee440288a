//! The end of one access token.

use handfast_delegation::VerifiedAccessToken;
use handfast_identity::{DidKey, UnixTime};
use handfast_registry_model::limits::MAX_WHY_BYTES;
use handfast_registry_model::{
    AgentRecord, Caller, DidHolder, FeedKind, Refusal, RevocationRecord, ShownText, TokenToStop, revoke_token,
};

use super::{committed, revocation, stops_of};
use crate::http::App;
use crate::state::ATTEMPTS;

/// The access token of ours called `id`.
///
/// # Errors
///
/// [`Refusal::InvalidEvidence`] if it is not shown, not ours, or another.
pub(super) fn shown(app: &App, id: &str, text: Option<&str>) -> Result<VerifiedAccessToken, Refusal> {
    let token = text.and_then(|text| app.facts.own_token(text));
    token.filter(|token| token.claims().token_id == id).ok_or(Refusal::InvalidEvidence)
}

pub(super) async fn revoked(
    app: &App,
    caller: Caller<'_>,
    token: &VerifiedAccessToken,
    why: Option<&ShownText<MAX_WHY_BYTES>>,
    now: UnixTime,
) -> Result<RevocationRecord, Refusal> {
    for _ in 0..ATTEMPTS {
        let before = revocation(app, FeedKind::Token, &token.claims().token_id).await?;
        let agent = client_of(app, token).await?;
        let stops = stops_of(app, &caller).await?;
        let case = TokenToStop { token, agent: agent.as_ref(), stops: stops.as_ref(), before: before.as_ref() };
        if let Some(record) = committed(app, &caller, revoke_token(caller, case, why.cloned(), now)?).await? {
            return Ok(record);
        }
    }
    Err(Refusal::Overloaded)
}

/// The record of a token's client, if that is an agent.
pub(in crate::http) async fn client_of(app: &App, token: &VerifiedAccessToken) -> Result<Option<AgentRecord>, Refusal> {
    let Ok(did) = DidKey::parse(&token.claims().client_id) else { return Ok(None) };
    match app.state.holder(&did).await? {
        Some(DidHolder::Agent(id)) => Ok(app.state.agent_with_history(&id).await?.map(|agent| agent.record)),
        Some(DidHolder::Owner(_)) | None => Ok(None),
    }
}
