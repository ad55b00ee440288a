//! `POST /revocations`: stopping something for good. One file a grain.

mod agent;
mod hop;
mod issuer_key;
mod key;
mod oauth;
mod owner;
mod pace;
mod task;
mod token;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use handfast_delegation::VerifiedAccessToken;
use handfast_identity::DidKey;
use handfast_identity::json::{self, Limits};
use handfast_middleware::{Caller as Authenticated, Clock as _};
use handfast_registry_model::limits::{MAX_BODY_BYTES, MAX_REVOCATION_ID_BYTES, MAX_WHY_BYTES};
use handfast_registry_model::{
    Caller, FeedKind, Loaded, Refusal, RevocationRecord, ShownText, Slot, Stopped, StopsRecord,
};
use serde::Deserialize;

pub(super) use hop::FoundHop;
pub(super) use key::holder_of as holder_of_key;
pub(super) use oauth::revoke as revoke_own_token;
pub(super) use owner::{named as owner_named, require_past_cut};
pub(crate) use pace::StopPace;
pub(super) use token::client_of;

use super::body::JsonBody;
use super::caller::Identity;
use super::view::{AgentView, RevocationView};
use super::{App, Failure};
use crate::state::Commit;

/// What is to be stopped, and why.
pub(super) struct Wanted {
    pub(super) id: String,
    pub(super) what: Thing,
    why: Option<ShownText<MAX_WHY_BYTES>>,
}

/// The kind of thing, with itself where no record of it is kept.
pub(super) enum Thing {
    Agent,
    Task,
    Token(Box<VerifiedAccessToken>),
    Hop(FoundHop),
    Owner,
    IssuerKey,
    Key(Box<DidKey>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    kind: String,
    id: String,
    #[serde(default)]
    evidence: Option<String>,
    #[serde(default)]
    reason: Option<ShownText<MAX_WHY_BYTES>>,
}

impl Wanted {
    /// Reads `{"kind":"…","id":"…","evidence":"…","reason":"optional words"}`, and verifies the evidence.
    ///
    /// # Errors
    ///
    /// [`Refusal::InvalidRequest`], also for evidence where none belongs; [`Refusal::InvalidEvidence`].
    pub(super) async fn read(app: &App, body: &JsonBody) -> Result<Self, Refusal> {
        let limits = Limits::plain(MAX_BODY_BYTES);
        let Wire { kind, id, evidence, reason } =
            json::read_object(body.bytes(), &limits).map_err(|_| Refusal::InvalidRequest)?;
        let kind = FeedKind::parse(&kind).filter(|_| id.len() <= MAX_REVOCATION_ID_BYTES);
        let what = match (kind.ok_or(Refusal::InvalidRequest)?, evidence) {
            (FeedKind::Agent, None) => Thing::Agent,
            (FeedKind::Task, None) => Thing::Task,
            (FeedKind::Owner, None) => Thing::Owner,
            (FeedKind::IssuerKey, None) => Thing::IssuerKey,
            (FeedKind::Key, None) => Thing::Key(Box::new(DidKey::parse(&id).map_err(|_| Refusal::InvalidRequest)?)),
            (FeedKind::Agent | FeedKind::Task | FeedKind::Owner | FeedKind::Key | FeedKind::IssuerKey, Some(_)) => {
                return Err(Refusal::InvalidRequest);
            }
            (FeedKind::Token, shown) => Thing::Token(Box::new(token::shown(app, &id, shown.as_deref())?)),
            (FeedKind::Hop, shown) => Thing::Hop(hop::found(app, &id, shown.as_deref()).await?),
        };
        Ok(Self { id, what, why: reason })
    }

    pub(super) const fn kind(&self) -> FeedKind {
        match self.what {
            Thing::Agent => FeedKind::Agent,
            Thing::Task => FeedKind::Task,
            Thing::Token(_) => FeedKind::Token,
            Thing::Hop(_) => FeedKind::Hop,
            Thing::Owner => FeedKind::Owner,
            Thing::IssuerKey => FeedKind::IssuerKey,
            Thing::Key(_) => FeedKind::Key,
        }
    }
}

/// The answer means that the revocation is durable and on the feed. Revoking again is no error, and gets the first answer.
pub(super) async fn revoke(State(app): State<App>, caller: Authenticated, body: JsonBody) -> Result<Response, Failure> {
    let now = app.clock.now();
    let wanted = Wanted::read(&app, &body).await?;
    let identity = Identity::of(&app, &caller).await?;
    let caller = identity.caller(now)?;
    let record = match &wanted.what {
        Thing::Agent => {
            let agent = agent::revoked(&app, caller, &wanted, now).await?;
            return Ok(Json(AgentView::of(&agent, None)).into_response());
        }
        Thing::Task => task::revoked(&app, caller, &wanted, now).await?,
        Thing::Token(token) => token::revoked(&app, caller, token, wanted.why.as_ref(), now).await?,
        Thing::Hop(hop) => hop::revoked(&app, caller, hop, wanted.why.as_ref(), now).await?,
        Thing::Owner => owner::revoked(&app, caller, &wanted).await?,
        Thing::IssuerKey => issuer_key::revoked(&app, caller, &wanted, now).await?,
        Thing::Key(did) => key::revoked(&app, caller, did, wanted.why.as_ref(), now).await?,
    };
    Ok(Json(RevocationView::of(&record)).into_response())
}

/// The revocation of the `kind` of thing called `id`, if there was one.
pub(super) async fn revocation(app: &App, kind: FeedKind, id: &str) -> Result<Option<RevocationRecord>, Refusal> {
    let found: Option<Loaded<RevocationRecord>> = app.state.load(&Slot::revocation(kind, id)).await?;
    Ok(found.map(|found| found.record))
}

/// How much the caller stopped lately, if it is an agent.
async fn stops_of(app: &App, caller: &Caller<'_>) -> Result<Option<Loaded<StopsRecord>>, Refusal> {
    match caller.as_agent() {
        Some(agent) => app.state.load(&Slot::stops(agent.id())).await,
        None => Ok(None),
    }
}

/// The record once it is durable; none if somebody was faster.
async fn committed(app: &App, caller: &Caller<'_>, stopped: Stopped) -> Result<Option<RevocationRecord>, Refusal> {
    match stopped {
        Stopped::Before(record) => Ok(Some(record)),
        Stopped::Now { change, record } => {
            require_pace(app, caller, record.kind())?;
            match app.state.commit(&change).await? {
                Commit::Done { .. } => Ok(Some(record)),
                Commit::Conflict => Ok(None),
            }
        }
    }
}

/// Refuses one single thing too many of an owner's. Agents are counted where it is decided, and admins are not.
fn require_pace(app: &App, caller: &Caller<'_>, kind: FeedKind) -> Result<(), Refusal> {
    let is_small = matches!(kind, FeedKind::Task | FeedKind::Token | FeedKind::Hop | FeedKind::Key);
    match caller.as_owner() {
        Ok(owner) if is_small && caller.as_admin().is_err() => app.stop_pace.take(owner.id(), app.clock.now()),
        Ok(_) | Err(_) => Ok(()),
    }
}
