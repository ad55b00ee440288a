//! `GET /agents/{did or handle}/keys`: the keys an agent had, with the statements by which they follow each other. Public, and
//! for whoever checks it offline (spec/rotation.md).

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use handfast_identity::{DidKey, UnixTime};
use handfast_middleware::Clock as _;
use handfast_registry_model::{AgentRecord, KeyRecord, ReceivedStatement, Status};
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL};
use serde::Serialize;

use super::agents::living;
use super::answer::NO_STORE;
use super::documents::ANYBODY;
use super::{App, Failure, Name};

#[derive(Serialize)]
struct HistoryView<'a> {
    issuer: &'a str,
    did: &'a DidKey,
    status: &'static str,
    keys: Vec<KeyView<'a>>,
}

#[derive(Serialize)]
struct KeyView<'a> {
    seq: u16,
    did: &'a DidKey,
    kind: &'static str,
    state: &'static str,
    since: UnixTime,
    #[serde(skip_serializing_if = "Option::is_none")]
    replaced_at: Option<UnixTime>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_good: Option<u16>,
    statement_hash: String,
    /// None for a registration: it says more of the agent than is public.
    #[serde(skip_serializing_if = "Option::is_none")]
    statement: Option<&'a str>,
}

/// Not to be kept: whoever signs a statement that follows has to know the newest one.
pub(super) async fn history(State(app): State<App>, Name(name): Name) -> Result<Response, Failure> {
    let agent = living(app.state.agent_named(&name).await?, app.clock.now())?;
    let mut keys: Vec<_> = app.state.keys_of(&agent).await?.into_iter().map(|key| key.record).collect();
    if keys.is_empty() {
        keys.push(KeyRecord::registered(&agent, app.state.registration_of(&agent).await?));
    }
    let view = HistoryView {
        issuer: app.config.issuer(),
        did: agent.did(),
        status: agent.status().as_str(),
        keys: keys.iter().map(|key| KeyView::of(key, &agent, &keys)).collect(),
    };
    let headers = [(CACHE_CONTROL, NO_STORE), (ACCESS_CONTROL_ALLOW_ORIGIN, ANYBODY)];
    Ok((headers, Json(view)).into_response())
}

impl<'a> KeyView<'a> {
    fn of(key: &'a KeyRecord, agent: &AgentRecord, all: &[KeyRecord]) -> Self {
        let is_current = key.number() == agent.key_number();
        let is_compromised = key.is_compromised(all) || (is_current && agent.is_key_compromised());
        let state = match (is_compromised, is_current) {
            (true, _) => "compromised",
            (false, true) if agent.status() == Status::Revoked => "revoked",
            (false, true) => "current",
            (false, false) => "rotated_out",
        };
        Self {
            seq: key.number(),
            did: key.did(),
            kind: key.kind(),
            state,
            since: key.since(),
            replaced_at: key.replaced_at(),
            last_good: key.last_good(),
            statement_hash: key.hash().to_string(),
            statement: key.statement().map(ReceivedStatement::as_str),
        }
    }
}
