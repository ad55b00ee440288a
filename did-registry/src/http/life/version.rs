//! `/agents/{…}/version`, `/agents/{…}/versions`: which versions an agent says it is and was.

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use handfast_identity::UnixTime;
use handfast_middleware::{Caller as Authenticated, Clock as _};
use handfast_registry_model::{
    AgentRecord, Loaded, Outcome, Refusal, Slot, UnverifiedVersion, VerifiedVersion, VersionsRecord, state_version,
};
use serde::Serialize;

use crate::http::agents::living;
use crate::http::body::JwtBody;
use crate::http::caller::Identity;
use crate::http::{App, Failure, Name};
use crate::state::{ATTEMPTS, Commit};

/// `POST /agents/{…}/version`: the agent, by a signed statement.
pub(in crate::http) async fn state(
    State(app): State<App>,
    Name(name): Name,
    request: Request,
) -> Result<Response, Failure> {
    let body = JwtBody::read(request).await?;
    let text = core::str::from_utf8(body.bytes()).map_err(|_| Refusal::InvalidVersion)?;
    let statement = UnverifiedVersion::parse(text)
        .and_then(|statement| statement.verify(app.config.policy(), app.clock.now()))
        .map_err(VerifiedVersion::refusal)?;
    for _ in 0..ATTEMPTS {
        let agent = app.state.agent_named(&name).await?;
        let versions: Option<Loaded<VersionsRecord>> = match &agent {
            Some(agent) => app.state.load(&Slot::versions(agent.record.id())).await?,
            None => None,
        };
        match state_version(&statement, agent.as_ref(), versions.as_ref(), app.clock.now())? {
            Outcome::Unchanged => return stated(&statement, agent.as_ref(), versions.as_ref()),
            Outcome::Changed(change) => {
                if let Commit::Done { .. } = app.state.commit(&change).await? {
                    let version = statement.version().as_str();
                    return Ok(Json(VersionView { version, since: change.event.when }).into_response());
                }
            }
        }
    }
    Err(Refusal::Overloaded.into())
}

/// The answer to a statement that changes nothing: since when the agent says so. A statement can be repeated by whoever has seen it,
/// and so tells nothing that is not in it.
fn stated(
    statement: &VerifiedVersion,
    agent: Option<&Loaded<AgentRecord>>,
    versions: Option<&Loaded<VersionsRecord>>,
) -> Result<Response, Failure> {
    let agent = &agent.ok_or(Refusal::UnknownAgent)?.record;
    let newest = versions.and_then(|versions| versions.record.known().first()).map(|newest| newest.since);
    let version = statement.version().as_str();
    Ok(Json(VersionView { version, since: newest.unwrap_or_else(|| agent.created()) }).into_response())
}

#[derive(Serialize)]
struct VersionView<'a> {
    version: &'a str,
    since: UnixTime,
}

/// `GET /agents/{…}/versions`: newest first. For the agent, its owner and readers.
pub(in crate::http) async fn versions(
    State(app): State<App>,
    Name(name): Name,
    caller: Authenticated,
) -> Result<Response, Failure> {
    let now = app.clock.now();
    let identity = Identity::of(&app, &caller).await?;
    let caller = identity.caller(now)?;
    let agent = living(app.state.agent_named(&name).await?, now)?;
    let is_read = caller.as_reader().is_ok_and(|reader| reader.organisation() == agent.organisation());
    if !is_read && !identity.is_agent(&agent) {
        caller.as_manager_of(&agent)?;
    }
    let history: Option<Loaded<VersionsRecord>> = app.state.load(&Slot::versions(agent.id())).await?;
    let known = history.as_ref().map(|history| history.record.known()).unwrap_or_default();
    let mut views: Vec<_> =
        known.iter().map(|known| VersionView { version: known.version.as_str(), since: known.since }).collect();
    if views.is_empty() {
        views.push(VersionView { version: agent.profile().version.as_str(), since: agent.created() });
    }
    Ok(Json(serde_json::json!({ "versions": views })).into_response())
}
