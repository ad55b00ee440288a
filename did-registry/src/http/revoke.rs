//! `POST /revocations`: stopping something for good.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use handfast_identity::UnixTime;
use handfast_identity::json::{self, Limits};
use handfast_middleware::{Caller as Authenticated, Clock as _};
use handfast_registry_model::limits::{MAX_BODY_BYTES, MAX_REVOCATION_ID_BYTES, MAX_WHY_BYTES};
use handfast_registry_model::{
    AgentRecord, Caller, FeedKind, Loaded, Outcome, Refusal, RevocationRecord, SelfTasks, ShownText, Slot, Stopped,
    TaskToStop, revoke_agent, revoke_task,
};
use serde::Deserialize;

use super::body::JsonBody;
use super::caller::Identity;
use super::tasks;
use super::view::{AgentView, RevocationView};
use super::{App, Failure};
use crate::state::{ATTEMPTS, Commit};

/// What is to be stopped, and why.
pub(super) struct Wanted {
    pub(super) kind: FeedKind,
    pub(super) id: String,
    why: Option<ShownText<MAX_WHY_BYTES>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    kind: String,
    id: String,
    #[serde(default)]
    reason: Option<ShownText<MAX_WHY_BYTES>>,
}

impl Wanted {
    /// Reads `{"kind":"…","id":"…","reason":"optional words"}`.
    pub(super) fn read(body: &JsonBody) -> Result<Self, Refusal> {
        let limits = Limits::plain(MAX_BODY_BYTES);
        let Wire { kind, id, reason } =
            json::read_object(body.bytes(), &limits).map_err(|_| Refusal::InvalidRequest)?;
        let kind = FeedKind::parse(&kind).filter(|_| id.len() <= MAX_REVOCATION_ID_BYTES);
        Ok(Self { kind: kind.ok_or(Refusal::InvalidRequest)?, id, why: reason })
    }
}

/// The answer means that the revocation is durable and on the feed. Revoking again is no error, and gets the first answer.
pub(super) async fn revoke(State(app): State<App>, caller: Authenticated, body: JsonBody) -> Result<Response, Failure> {
    let now = app.clock.now();
    let wanted = Wanted::read(&body)?;
    let identity = Identity::of(&app, &caller).await?;
    let caller = identity.caller(now)?;
    Ok(match wanted.kind {
        FeedKind::Agent => {
            let agent = revoked_agent(&app, caller, &wanted, now).await?;
            Json(AgentView::of(&agent, None)).into_response()
        }
        FeedKind::Task => {
            let record = revoked_task(&app, caller, &wanted, now).await?;
            Json(RevocationView::of(&record)).into_response()
        }
    })
}

async fn revoked_agent(app: &App, caller: Caller<'_>, wanted: &Wanted, now: UnixTime) -> Result<AgentRecord, Refusal> {
    for _ in 0..ATTEMPTS {
        let agent = app.state.agent_named(&wanted.id).await?;
        match revoke_agent(caller, agent.as_ref(), wanted.why.clone(), now)? {
            Outcome::Unchanged => return agent.map(|loaded| loaded.record).ok_or(Refusal::UnknownAgent),
            Outcome::Changed(change) => {
                if let Commit::Done { .. } = app.state.commit(&change).await? {
                    // shown as it is kept
                    let agent = app.state.agent_named(&wanted.id).await?;
                    return agent.map(|loaded| loaded.record).ok_or(Refusal::UnknownAgent);
                }
            }
        }
    }
    Err(Refusal::Overloaded)
}

async fn revoked_task(
    app: &App,
    caller: Caller<'_>,
    wanted: &Wanted,
    now: UnixTime,
) -> Result<RevocationRecord, Refusal> {
    for _ in 0..ATTEMPTS {
        let before = revocation(app, wanted).await?;
        let case = tasks::load(app, &wanted.id).await?;
        let self_tasks: Option<Loaded<SelfTasks>> = match &case.agent {
            Some(agent) => app.state.load(&Slot::self_tasks(agent.id())).await?,
            None => None,
        };
        let case = TaskToStop {
            task: case.task.as_ref(),
            agent: case.agent.as_ref(),
            self_tasks: self_tasks.as_ref(),
            before: before.as_ref(),
        };
        if let Some(record) = committed(app, revoke_task(caller, case, wanted.why.clone(), now)?).await? {
            return Ok(record);
        }
    }
    Err(Refusal::Overloaded)
}

/// The revocation of what is wanted, if there was one.
pub(super) async fn revocation(app: &App, wanted: &Wanted) -> Result<Option<RevocationRecord>, Refusal> {
    let found: Option<Loaded<RevocationRecord>> = app.state.load(&Slot::revocation(wanted.kind, &wanted.id)).await?;
    Ok(found.map(|found| found.record))
}

/// The record once it is durable; none if somebody was faster.
async fn committed(app: &App, stopped: Stopped) -> Result<Option<RevocationRecord>, Refusal> {
    match stopped {
        Stopped::Before(record) => Ok(Some(record)),
        Stopped::Now { change, record } => match app.state.commit(&change).await? {
            Commit::Done { .. } => Ok(Some(record)),
            Commit::Conflict => Ok(None),
        },
    }
}
