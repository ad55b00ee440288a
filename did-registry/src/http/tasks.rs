//! `/tasks`: what agents are asked to do.

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use handfast_identity::UnixTime;
use handfast_middleware::{Caller as Authenticated, Clock as _};
use handfast_registry_model::{
    AgentRecord, Caller, Loaded, Outcome, Refusal, Slot, TaskId, TaskRecord, TaskRequest, complete_task,
    create_owner_task,
};
use http::StatusCode;

use super::body::{JsonBody, require_empty};
use super::caller::Identity;
use super::view::TaskView;
use super::{App, Failure, Name};
use crate::state::{ATTEMPTS, Commit};

/// `POST /tasks`: an owner asks an agent of his.
pub(super) async fn create(State(app): State<App>, caller: Authenticated, body: JsonBody) -> Result<Response, Failure> {
    let now = app.clock.now();
    let request = TaskRequest::parse(body.bytes())?;
    let identity = Identity::of(&app, &caller).await?;
    let (task, agent) = created(&app, identity.caller(now)?, &request, now).await?;
    Ok((StatusCode::CREATED, Json(TaskView::of(&task, &agent, now))).into_response())
}

async fn created(
    app: &App,
    caller: Caller<'_>,
    request: &TaskRequest,
    now: UnixTime,
) -> Result<(TaskRecord, AgentRecord), Refusal> {
    let policy = app.config.policy();
    for _ in 0..ATTEMPTS {
        let agent = app.state.agent_named(&request.agent).await?;
        let (change, task) =
            create_owner_task(caller, agent.as_ref(), request.clone(), policy, now, &mut app.random.clone())?;
        if let Commit::Done { leaf } = app.state.commit(&change).await? {
            // the decision found it
            let agent = agent.ok_or(Refusal::UnknownAgent)?;
            return Ok((task.with_leaf(leaf), agent.record));
        }
    }
    Err(Refusal::Overloaded)
}

/// A task and its agent; either may be missing.
struct Case {
    task: Option<Loaded<TaskRecord>>,
    agent: Option<AgentRecord>,
}

async fn load(app: &App, id: &str) -> Result<Case, Refusal> {
    let Ok(id) = TaskId::parse(id) else { return Ok(Case { task: None, agent: None }) };
    let task = app.state.task(&id).await?;
    let agent = match &task {
        Some(task) => app.state.agent(task.record.agent()).await?.map(|loaded| loaded.record),
        None => None,
    };
    Ok(Case { task, agent })
}

/// `GET /tasks/{id}`
pub(super) async fn show(State(app): State<App>, Name(id): Name, caller: Authenticated) -> Result<Response, Failure> {
    let now = app.clock.now();
    let identity = Identity::of(&app, &caller).await?;
    let Case { task: Some(task), agent: Some(agent) } = load(&app, &id).await? else {
        return Err(Refusal::UnknownTask.into());
    };
    identity.caller(now)?.sees_task(&task.record, &agent)?;
    Ok(Json(TaskView::of(&task.record, &agent, now)).into_response())
}

/// `POST /tasks/{id}/complete`
pub(super) async fn complete(
    State(app): State<App>,
    Name(id): Name,
    caller: Authenticated,
    request: Request,
) -> Result<Response, Failure> {
    let now = app.clock.now();
    require_empty(request.into_body()).await?;
    let identity = Identity::of(&app, &caller).await?;
    completed(&app, &id, identity.caller(now)?, now).await?;
    let Case { task: Some(task), agent: Some(agent) } = load(&app, &id).await? else {
        return Err(Refusal::UnknownTask.into());
    };
    Ok(Json(TaskView::of(&task.record, &agent, now)).into_response())
}

async fn completed(app: &App, id: &str, caller: Caller<'_>, now: UnixTime) -> Result<(), Refusal> {
    for _ in 0..ATTEMPTS {
        let Case { task, agent } = load(app, id).await?;
        let self_tasks = match &agent {
            Some(agent) => app.state.load(&Slot::self_tasks(agent.id())).await?,
            None => None,
        };
        match complete_task(caller, task.as_ref(), agent.as_ref(), self_tasks.as_ref(), now)? {
            Outcome::Unchanged => return Ok(()),
            Outcome::Changed(change) => {
                if let Commit::Done { .. } = app.state.commit(&change).await? {
                    return Ok(());
                }
            }
        }
    }
    Err(Refusal::Overloaded)
}
