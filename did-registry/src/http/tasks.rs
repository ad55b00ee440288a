//! `/tasks`: what agents are asked to do.

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use handfast_identity::UnixTime;
use handfast_middleware::{Caller as Authenticated, Clock as _};
use handfast_registry_model::{
    AgentRecord, Caller, HopRecord, Loaded, Outcome, Refusal, Slot, TaskId, TaskRecord, TaskRequest, TreeEntry,
    complete_task, create_owner_task,
};

use super::body::{JsonBody, require_empty};
use super::caller::Identity;
use super::form::Form;
use super::once::{Answer, Key, Once};
use super::view::{TaskView, TreeView};
use super::{App, Failure, Name};
use crate::state::{ATTEMPTS, Commit};

/// Hops of one page of a tree, unless the reader asks for another number.
const TREE_PAGE_DEFAULT: usize = 100;
/// The most hops of one page of a tree: 21 make up the largest tree.
pub(super) const TREE_PAGE_MAX: usize = 200;

/// `POST /tasks`: an owner asks an agent of his.
pub(super) async fn create(
    State(app): State<App>,
    caller: Authenticated,
    key: Key,
    body: JsonBody,
) -> Result<Response, Failure> {
    let now = app.clock.now();
    let request = TaskRequest::parse(body.bytes())?;
    let identity = Identity::of(&app, &caller).await?;
    let caller = identity.caller(now)?;
    let owner = caller.as_owner()?;
    let once = Once::begin(&app, key, "POST /tasks", identity.subject(), body.wish(), now).await?;
    if let Some(first) = once.first().await? {
        return Ok(first);
    }
    let policy = app.config.policy();
    for _ in 0..ATTEMPTS {
        let agent = app.state.agent_named(&request.agent).await?;
        let (change, task) =
            create_owner_task(caller, agent.as_ref(), request.clone(), policy, now, &mut app.random.clone())?;
        // the decision found it
        let agent = agent.ok_or(Refusal::UnknownAgent)?.record;
        let answer = Answer::created(&TaskView::of(&task, &agent, now))?.with_leaf();
        if let Some(response) = once.commit(change, owner.organisation(), answer).await? {
            return Ok(response);
        }
    }
    Err(Refusal::Overloaded.into())
}

/// A task and its agent; either may be missing.
pub(super) struct Case {
    pub(super) task: Option<Loaded<TaskRecord>>,
    pub(super) agent: Option<AgentRecord>,
}

pub(super) async fn load(app: &App, id: &str) -> Result<Case, Refusal> {
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

/// `GET /tasks/{id}/tree?after=&limit=`
pub(super) async fn tree(
    State(app): State<App>,
    Name(id): Name,
    caller: Authenticated,
    request: Request,
) -> Result<Response, Failure> {
    let now = app.clock.now();
    let (after, limit) = tree_page_asked(request.uri().query().unwrap_or_default())?;
    let identity = Identity::of(&app, &caller).await?;
    let Case { task: Some(task), agent: Some(agent) } = load(&app, &id).await? else {
        return Err(Refusal::UnknownTask.into());
    };
    identity.caller(now)?.sees_task(&task.record, &agent)?;
    let TreePage { hops, next } = tree_page(&app, task.record.id(), after, limit).await?;
    Ok(Json(TreeView::of(&task.record, &hops, next.map(|place| place.to_string()))).into_response())
}

/// Hops of a task, in the order of their places.
pub(super) struct TreePage {
    pub(super) hops: Vec<HopRecord>,
    /// The last place, if more follow.
    pub(super) next: Option<u16>,
}

/// At most `limit` hops of `task` behind the place `after`.
pub(super) async fn tree_page(app: &App, task: &TaskId, after: Option<u16>, limit: usize) -> Result<TreePage, Refusal> {
    let after = after.map(|place| Slot::tree_entry(task, place));
    let page = app.state.page::<TreeEntry>(&Slot::tree_prefix(task), after.as_ref().map(Slot::key), limit).await?;
    let mut hops = Vec::with_capacity(page.records.len());
    for entry in &page.records {
        let hop: Option<Loaded<HopRecord>> = app.state.load(&Slot::hop(entry.hop())).await?;
        // entry and hop are written together
        hops.push(hop.ok_or(Refusal::StoreUnavailable)?.record);
    }
    let last = page.records.last().map(TreeEntry::place);
    Ok(TreePage { hops, next: page.next.and(last) })
}

/// `after` and `limit` of a query: the place to go on behind, and how many hops.
fn tree_page_asked(query: &str) -> Result<(Option<u16>, usize), Refusal> {
    let form = Form::parse(query.as_bytes())?.only(&["after", "limit"])?;
    let number = |name| match form.one(name)? {
        Some(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => {
            text.parse::<u16>().map(Some).map_err(|_| Refusal::InvalidRequest)
        }
        Some(_) => Err(Refusal::InvalidRequest),
        None => Ok(None),
    };
    let limit = number("limit")?.map_or(TREE_PAGE_DEFAULT, usize::from);
    if (1..=TREE_PAGE_MAX).contains(&limit) { Ok((number("after")?, limit)) } else { Err(Refusal::InvalidRequest) }
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
