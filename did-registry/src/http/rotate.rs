//! `/agents/{…}/rotate`: an agent puts a new key in the place of its own, and its owner answers where policy asks for that.

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use handfast_identity::history::KeyChangeKind;
use handfast_identity::{DidKey, UnixTime};
use handfast_middleware::{Caller as Authenticated, Clock as _};
use handfast_registry_model::{
    AgentRecord, Caller, DidSlot, Loaded, NewestKey, PendingRotation, Refusal, Rotation, RotationAnswer, RotationCase,
    VerifiedKeyChange, approve_rotation, refuse_rotation, rotate as decide,
};
use http::StatusCode;
use serde::Serialize;

use super::agents::source;
use super::body::{JsonBody, JwtBody};
use super::caller::Identity;
use super::{App, Failure, Name};
use crate::state::{ATTEMPTS, Commit};

/// What became of a rotation.
#[derive(Serialize)]
struct RotationView<'a> {
    status: &'static str,
    did: &'a DidKey,
    key_number: u16,
    handle: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<UnixTime>,
}

/// `POST /agents/{did or handle}/rotate`: the statement is all there is, signed by the old and the new key.
pub(super) async fn rotate(State(app): State<App>, Name(name): Name, request: Request) -> Result<Response, Failure> {
    let now = app.clock.now();
    let from = source(&request);
    let body = JwtBody::read(request).await?;
    app.rates.take_try(from, now)?;
    let text = body.text().map_err(|_| Refusal::InvalidRotation)?;
    let statement = VerifiedKeyChange::read(text, KeyChangeKind::Rotation, app.config.policy(), now);
    let statement = statement.inspect_err(|refusal| {
        // P-19: of what is wrong with it only our own words
        tracing::info!(reason = refusal.answer().reason, "a rotation was refused");
    })?;
    for _ in 0..ATTEMPTS {
        let loaded = Found::load(&app, &name, &statement.change().key).await?;
        let decided = decide(&statement, loaded.case(), app.config.policy(), now)?;
        if let Some(answer) = answered(&app, &loaded, decided).await? {
            return Ok(answer);
        }
    }
    Err(Refusal::Overloaded.into())
}

/// `POST /agents/{did or handle}/rotate/approve`
pub(super) async fn approve(
    State(app): State<App>,
    Name(name): Name,
    caller: Authenticated,
    body: JsonBody,
) -> Result<Response, Failure> {
    let now = app.clock.now();
    let RotationAnswer { did, why } = RotationAnswer::parse(body.bytes())?;
    let identity = Identity::of(&app, &caller).await?;
    let caller = identity.caller(now)?;
    for _ in 0..ATTEMPTS {
        let loaded = Found::load(&app, &name, &did).await?;
        let decided = approve_rotation(caller, loaded.case(), &did, why.clone(), now)?;
        if let Some(answer) = answered(&app, &loaded, decided).await? {
            return Ok(answer);
        }
    }
    Err(Refusal::Overloaded.into())
}

/// `POST /agents/{did or handle}/rotate/refuse`
pub(super) async fn refuse(
    State(app): State<App>,
    Name(name): Name,
    caller: Authenticated,
    body: JsonBody,
) -> Result<Response, Failure> {
    let now = app.clock.now();
    let answer = RotationAnswer::parse(body.bytes())?;
    let identity = Identity::of(&app, &caller).await?;
    refused(&app, &name, identity.caller(now)?, &answer, now).await
}

async fn refused(
    app: &App,
    name: &str,
    caller: Caller<'_>,
    answer: &RotationAnswer,
    now: UnixTime,
) -> Result<Response, Failure> {
    for _ in 0..ATTEMPTS {
        let loaded = Found::load(app, name, &answer.did).await?;
        let change = refuse_rotation(caller, loaded.case(), &answer.did, answer.why.clone(), now)?;
        if let Commit::Done { .. } = app.state.commit(&change).await? {
            let agent = loaded.agent.ok_or(Refusal::UnknownAgent)?.record;
            return Ok(view("refused", &agent, agent.did(), agent.key_number(), None).into_response());
        }
    }
    Err(Refusal::Overloaded.into())
}

/// The answer, once it is durable; none if somebody was faster.
async fn answered(app: &App, loaded: &Found, decided: Rotation) -> Result<Option<Response>, Refusal> {
    let before = || loaded.agent.as_ref().map(|agent| &agent.record).ok_or(Refusal::UnknownAgent);
    let waits = |pending: &PendingRotation| {
        let agent = before()?;
        let (number, end) = (agent.key_number().saturating_add(1), Some(pending.expires_at()));
        Ok((StatusCode::ACCEPTED, view("waiting", agent, pending.did(), number, end)).into_response())
    };
    let done = |agent: &AgentRecord| view("rotated", agent, agent.did(), agent.key_number(), None).into_response();
    match decided {
        Rotation::DoneBefore => Ok(Some(done(before()?))),
        Rotation::WaitsBefore(pending) => waits(&pending).map(Some),
        Rotation::Done { change, agent } => match app.state.commit(&change).await? {
            Commit::Done { .. } => Ok(Some(done(&agent))),
            Commit::Conflict => Ok(None),
        },
        Rotation::Waits { change, pending } => match app.state.commit(&change).await? {
            Commit::Done { .. } => waits(&pending).map(Some),
            Commit::Conflict => Ok(None),
        },
    }
}

fn view<'a>(
    status: &'static str,
    agent: &'a AgentRecord,
    did: &'a DidKey,
    key_number: u16,
    expires_at: Option<UnixTime>,
) -> Json<RotationView<'a>> {
    Json(RotationView { status, did, key_number, handle: agent.handle().as_str(), expires_at })
}

/// An agent and what belongs to its key, as loaded.
struct Found {
    agent: Option<Loaded<AgentRecord>>,
    newest: Option<NewestKey>,
    pending: Option<Loaded<PendingRotation>>,
    did: DidSlot,
}

impl Found {
    async fn load(app: &App, name: &str, did: &DidKey) -> Result<Self, Refusal> {
        let agent = app.state.agent_named_with_history(name).await?;
        let (newest, pending) = match &agent {
            Some(agent) => {
                let newest = app.state.newest_key(&agent.record).await?;
                (Some(newest), app.state.pending_rotation(agent.record.id()).await?)
            }
            None => (None, None),
        };
        Ok(Self { agent, newest, pending, did: app.state.did_slot(did).await? })
    }

    const fn case(&self) -> RotationCase<'_> {
        RotationCase {
            agent: self.agent.as_ref(),
            newest: self.newest.as_ref(),
            pending: self.pending.as_ref(),
            did: &self.did,
        }
    }
}
