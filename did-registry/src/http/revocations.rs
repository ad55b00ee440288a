//! `/revocations`: ending an agent, and the feed that tells resource servers.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use handfast_identity::UnixTime;
use handfast_identity::json::{self, Limits};
use handfast_middleware::{Caller as Authenticated, Clock as _};
use handfast_registry_model::limits::{MAX_BODY_BYTES, MAX_WHY_BYTES};
use handfast_registry_model::{AgentRecord, Caller, FeedKind, Outcome, Refusal, ShownText, revoke_agent};
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use serde::Deserialize;

use super::answer::NO_STORE;
use super::body::JsonBody;
use super::caller::Identity;
use super::form::Form;
use super::view::AgentView;
use super::{App, Failure};
use crate::feed::{FeedError, WAIT_MAX_SECONDS};
use crate::state::{ATTEMPTS, Commit, unavailable};

const JWT_MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/jwt");

/// Longest text that says which agent is meant.
const MAX_ID_BYTES: usize = 128;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RevocationWire {
    kind: String,
    id: String,
    #[serde(default)]
    reason: Option<ShownText<MAX_WHY_BYTES>>,
}

/// `POST /revocations`: `{"kind":"agent","id":"<did or handle>","reason":"optional words"}`.
///
/// The answer means that the revocation is durable and on the feed. Revoking again is no error.
pub(super) async fn revoke(State(app): State<App>, caller: Authenticated, body: JsonBody) -> Result<Response, Failure> {
    let now = app.clock.now();
    let limits = Limits::plain(MAX_BODY_BYTES);
    let wire: RevocationWire = json::read_object(body.bytes(), &limits).map_err(|_| Refusal::InvalidRequest)?;
    let RevocationWire { kind, id, reason } = wire;
    // agents are all that this version revokes
    if kind != FeedKind::Agent.as_str() || id.len() > MAX_ID_BYTES {
        return Err(Refusal::InvalidRequest.into());
    }
    let identity = Identity::of(&app, &caller).await?;
    let agent = revoked(&app, identity.caller(now)?, &id, reason.as_ref(), now).await?;
    Ok(Json(AgentView::of(&agent, None)).into_response())
}

async fn revoked(
    app: &App,
    caller: Caller<'_>,
    name: &str,
    why: Option<&ShownText<MAX_WHY_BYTES>>,
    now: UnixTime,
) -> Result<AgentRecord, Refusal> {
    for _ in 0..ATTEMPTS {
        let agent = app.state.agent_named(name).await?;
        match revoke_agent(caller, agent.as_ref(), why.cloned(), now)? {
            Outcome::Unchanged => return agent.map(|loaded| loaded.record).ok_or(Refusal::UnknownAgent),
            Outcome::Changed(change) => {
                if let Commit::Done { .. } = app.state.commit(&change).await? {
                    // shown as it is kept
                    let agent = app.state.agent_named(name).await?;
                    return agent.map(|loaded| loaded.record).ok_or(Refusal::UnknownAgent);
                }
            }
        }
    }
    Err(Refusal::Overloaded)
}

/// `GET /revocations/snapshot`
pub(super) async fn snapshot(State(app): State<App>) -> Result<Response, Failure> {
    Ok(message(&app.feed.snapshot().await.map_err(|error| refusal(&error))?))
}

/// `GET /revocations?after=&wait=`
pub(super) async fn follow(State(app): State<App>, request: Request) -> Result<Response, Failure> {
    let (after, wait) = asked(request.uri().query().unwrap_or_default())?;
    Ok(message(&app.feed.after(after, wait).await.map_err(|error| refusal(&error))?))
}

fn asked(query: &str) -> Result<(u64, Duration), Refusal> {
    let form = Form::parse(query.as_bytes())?.only(&["after", "wait"])?;
    let number = |name: &str| {
        let digits = |text: &str| text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
        form.one(name)?.map(|text| digits(text).ok_or(Refusal::InvalidRequest)).transpose()
    };
    let after = number("after")?.ok_or(Refusal::InvalidRequest)?;
    let wait: u64 = number("wait")?.unwrap_or(0);
    Ok((after, Duration::from_secs(wait.min(WAIT_MAX_SECONDS))))
}

fn message(text: &Arc<str>) -> Response {
    let headers = [(CONTENT_TYPE, JWT_MEDIA_TYPE), (CACHE_CONTROL, NO_STORE)];
    (headers, text.to_string()).into_response()
}

fn refusal(error: &FeedError) -> Refusal {
    match error {
        // a number this feed never gave out is nothing one can ask it to go on from
        FeedError::Ahead => Refusal::InvalidRequest,
        FeedError::Store(error) => unavailable(error),
        FeedError::Sign(error) => {
            tracing::error!(%error, "a feed message cannot be signed");
            Refusal::StoreUnavailable
        }
    }
}
