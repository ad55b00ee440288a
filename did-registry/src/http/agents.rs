//! `/agents`: registration, lists, records.

use std::net::SocketAddr;

use axum::Json;
use axum::extract::{ConnectInfo, Request, State};
use axum::response::{IntoResponse, Response};
use handfast_identity::{Handle, UnixTime};
use handfast_middleware::{Caller as Authenticated, Clock as _};
use handfast_registry_model::{
    AgentId, AgentRecord, Caller, Loaded, OwnedAgent, Refusal, RegisteredAgent, Slot, UnverifiedAgentRegistration,
    VerifiedAgentRegistration, register_agent,
};
use http::header::LOCATION;
use http::{HeaderValue, StatusCode};
use serde::Serialize;

use super::body::JwtBody;
use super::caller::Identity;
use super::form::Form;
use super::rates::Source;
use super::view::AgentView;
use super::{App, Failure, Name};
use crate::state::{ATTEMPTS, Commit};

/// Records of one page, unless the reader asks for another number.
const PAGE_DEFAULT: usize = 50;
/// The most records of one page: it stays below a megabyte.
const PAGE_MAX: usize = 200;

/// Where a request comes from, for the rates.
pub(super) fn source(request: &Request) -> Source {
    Source::from(request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip()))
}

/// `POST /agents`
pub(super) async fn register(State(app): State<App>, request: Request) -> Result<Response, Failure> {
    let now = app.clock.now();
    let from = source(&request);
    let body = JwtBody::read(request).await?;
    app.rates.take_try(from, now)?;
    let statement = verified(&app, &body, now)?;
    let RegisteredAgent { agent, claim, .. } = registered(&app, &statement, now).await?;
    let view = AgentView::of(&agent, None).with_claim(&claim, &app.config);
    let mut response = (StatusCode::CREATED, Json(view)).into_response();
    if let Ok(location) = HeaderValue::try_from(app.config.url(&format!("/agents/{}", agent.did()))) {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

fn verified(app: &App, body: &JwtBody, now: UnixTime) -> Result<VerifiedAgentRegistration, Refusal> {
    let statement = UnverifiedAgentRegistration::parse(body.text()?);
    statement.and_then(|statement| statement.verify(app.config.policy(), now)).map_err(|error| {
        let refusal = Refusal::from(error);
        // P-19: of what is wrong with it only our own words
        tracing::info!(reason = refusal.answer().reason, "a registration was refused");
        refusal
    })
}

/// Commits the registration. The statement's `jti` needs no memory of its own: a DID is registered once, so whoever repeats
/// a statement inside its window, this process or a later one, hears `did_registered`.
async fn registered(
    app: &App,
    statement: &VerifiedAgentRegistration,
    now: UnixTime,
) -> Result<RegisteredAgent, Refusal> {
    let mut random = app.random.clone();
    let mut is_counted = false;
    for _ in 0..ATTEMPTS {
        let did = app.state.did_slot(statement.did()).await?;
        let handle = app.state.handle_slot(Handle::generate(&mut random)).await?;
        let decided = match register_agent(statement, &did, &handle, &app.code_key, now, &mut random) {
            // the generated handle met another one: the next one will not
            Err(Refusal::HandleTaken | Refusal::HandleConfusable) => continue,
            decided => decided?,
        };
        if !is_counted {
            app.rates.take_place(now)?;
            is_counted = true;
        }
        if let Commit::Done { .. } = app.state.commit(&decided.change).await? {
            return Ok(decided);
        }
    }
    Err(Refusal::Overloaded)
}

#[derive(Serialize)]
struct PageView<'a> {
    agents: Vec<AgentView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// `GET /agents?after=&limit=`
pub(super) async fn list(State(app): State<App>, caller: Authenticated, request: Request) -> Result<Response, Failure> {
    let now = app.clock.now();
    let form = Form::parse(request.uri().query().unwrap_or_default().as_bytes())?.only(&["after", "limit"])?;
    let (after, limit) = page_of(&form)?;
    let identity = Identity::of(&app, &caller).await?;
    let (agents, next) = owned_page(&app, identity.caller(now)?, after, limit).await?;
    let living = agents.iter().filter(|agent| !agent.is_expired(now));
    let view = PageView { agents: living.map(|agent| AgentView::of(agent, None)).collect(), next };
    Ok(Json(view).into_response())
}

/// A page of the agents that `caller` may list, expired ones among them: an owner's, or all for readers.
pub(super) async fn owned_page(
    app: &App,
    caller: Caller<'_>,
    after: Option<String>,
    limit: usize,
) -> Result<(Vec<AgentRecord>, Option<String>), Refusal> {
    Ok(if let Ok(reader) = caller.as_reader() {
        let page = app.state.page::<AgentRecord>("", after.as_deref(), limit).await?;
        let own = |agent: &AgentRecord| agent.organisation() == reader.organisation();
        (page.records.into_iter().filter(own).collect::<Vec<_>>(), page.next)
    } else {
        let owner = caller.as_owner()?;
        let prefix = Slot::owned_agents_prefix(owner.id());
        let after = after.map(|id| format!("{prefix}{id}"));
        let page = app.state.page::<OwnedAgent>(&prefix, after.as_deref(), limit).await?;
        let mut agents = Vec::with_capacity(page.records.len());
        for owned in &page.records {
            agents.extend(app.state.agent(owned.agent()).await?.map(|loaded| loaded.record));
        }
        let next = page.next.and_then(|key| key.strip_prefix(&prefix).map(str::to_owned));
        (agents.into_iter().filter(|agent| agent.owner() == Some(owner.id())).collect(), next)
    })
}

/// `after` and `limit` of a query.
pub(super) fn page_of(form: &Form) -> Result<(Option<String>, usize), Refusal> {
    let after = form.one("after")?.map(AgentId::parse).transpose().map_err(|_| Refusal::InvalidRequest)?;
    let limit = match form.one("limit")? {
        None => PAGE_DEFAULT,
        Some(text) => {
            text.parse().ok().filter(|limit| (1..=PAGE_MAX).contains(limit)).ok_or(Refusal::InvalidRequest)?
        }
    };
    Ok((after.map(|id| id.to_string()), limit))
}

/// `GET /agents/{did or handle}`
pub(super) async fn show(State(app): State<App>, Name(name): Name, caller: Authenticated) -> Result<Response, Failure> {
    let now = app.clock.now();
    let identity = Identity::of(&app, &caller).await?;
    let caller = identity.caller(now)?;
    let agent = living(app.state.agent_named(&name).await?, now)?;
    let is_read = caller.as_reader().is_ok_and(|reader| reader.organisation() == agent.organisation());
    if !is_read && !identity.is_agent(&agent) {
        caller.as_manager_of(&agent)?;
    }
    let owner = match agent.owner() {
        Some(id) => app.state.owner(id).await?.map(|loaded| loaded.record),
        None => None,
    };
    let pending = app.state.pending_rotation(agent.id()).await?.map(|loaded| loaded.record);
    Ok(Json(AgentView::of(&agent, owner.as_ref()).with_rotation(pending.as_ref(), now)).into_response())
}

/// The record, unless there is none or nobody used it for so long that it is as if there were none.
pub(super) fn living(agent: Option<Loaded<AgentRecord>>, now: UnixTime) -> Result<AgentRecord, Refusal> {
    let agent = agent.map(|loaded| loaded.record).filter(|agent| !agent.is_expired(now));
    agent.ok_or(Refusal::UnknownAgent)
}
