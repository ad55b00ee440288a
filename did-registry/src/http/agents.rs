//! `/agents`: registration, records.

use std::net::SocketAddr;

use axum::Json;
use axum::extract::{ConnectInfo, Request, State};
use axum::response::{IntoResponse, Response};
use handfast_identity::{Handle, UnixTime};
use handfast_middleware::{Caller as Authenticated, Clock as _};
use handfast_registry_model::{
    AgentId, AgentRecord, Change, EnrolmentCase, EnrolmentRecord, FeedKind, IssuedClaim, Loaded, OwnerRecord, Refusal,
    RegisteredAgent, Slot, UnverifiedAgentRegistration, VerifiedAgentRegistration, enrol_agent, register_agent,
};

use super::body::JwtBody;
use super::caller::Identity;
use super::form::Form;
use super::once::{Answer, Key, Once};
use super::rates::Source;
use super::revoke::revocation;
use super::view::{AgentView, CodeView};
use super::{App, Failure, Name};
use crate::state::ATTEMPTS;

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
    let (from, key) = (source(&request), Key::of(request.headers())?);
    let body = JwtBody::read(request).await?;
    app.rates.take_try(from, now)?;
    let statement = verified(&app, &body, now)?;
    let caller = statement.did().as_str();
    let once = Once::begin(&app, key, "POST /agents", caller, statement.wish(), now).await?;
    // of an agent that is yet to be claimed without the code: it asks for another by its proof, for statements can be copied
    if let Some(first) = once.first().await? {
        return Ok(first);
    }
    Ok(registered(&app, &statement, &once, now).await?)
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
    once: &Once<'_>,
    now: UnixTime,
) -> Result<Response, Refusal> {
    let mut is_counted = false;
    for _ in 0..ATTEMPTS {
        let decided = match decided(app, statement, now).await {
            // the generated handle met another one: the next one will not
            Err(Refusal::HandleTaken | Refusal::HandleConfusable) => continue,
            decided => decided?,
        };
        if !is_counted {
            app.rates.take_place(now)?;
            is_counted = true;
        }
        let Decided { change, agent, owner, claim } = decided;
        let view = AgentView::of(&agent, owner.as_ref());
        let answer = Answer::created(&view)?.at(app.config.url(&format!("/agents/{}", agent.did())));
        let claim = claim.map(|claim| serde_json::to_value(CodeView::of(&claim, &app.config)).unwrap_or_default());
        let secret = claim.map(|claim| ("claim", claim));
        let committed = once.commit_with(change, agent.organisation(), answer, secret, |record| record).await?;
        if let Some(response) = committed {
            return Ok(response);
        }
    }
    Err(Refusal::Overloaded)
}

/// A registration decided upon: with the claim that an owner is to be shown, or with the owner whose enrolment it had.
struct Decided {
    change: Change,
    agent: AgentRecord,
    owner: Option<OwnerRecord>,
    claim: Option<IssuedClaim>,
}

async fn decided(app: &App, statement: &VerifiedAgentRegistration, now: UnixTime) -> Result<Decided, Refusal> {
    let mut random = app.random.clone();
    let did = app.state.did_slot(statement.did()).await?;
    let handle = app.state.handle_slot(Handle::generate(&mut random)).await?;
    let Some(token) = &statement.registration().enrolment else {
        let registered = register_agent(statement, &did, &handle, &app.code_key, now, &mut random)?;
        let RegisteredAgent { change, agent, claim } = registered;
        return Ok(Decided { change, agent, owner: None, claim: Some(claim) });
    };
    let enrolment: Option<Loaded<EnrolmentRecord>> = match token.id() {
        Some(id) => app.state.load(&Slot::enrolment(&id)).await?,
        None => None,
    };
    let stopped = match &enrolment {
        Some(enrolment) => revocation(app, FeedKind::Owner, enrolment.record.owner().as_str()).await?,
        None => None,
    };
    let case = EnrolmentCase { enrolment: enrolment.as_ref(), stopped: stopped.as_ref() };
    let (change, agent) = enrol_agent(statement, case, &did, &handle, &app.code_key, now, &mut random)?;
    let owner = match agent.owner() {
        Some(owner) => app.state.owner(owner).await?.map(|loaded| loaded.record),
        None => None,
    };
    Ok(Decided { change, agent, owner, claim: None })
}

/// `after` and `limit` of a query.
pub(super) fn page_of(form: &Form) -> Result<(Option<AgentId>, usize), Refusal> {
    let after = form.one("after")?.map(AgentId::parse).transpose().map_err(|_| Refusal::InvalidRequest)?;
    Ok((after, limit_of(form)?))
}

/// `limit` of a query.
pub(super) fn limit_of(form: &Form) -> Result<usize, Refusal> {
    match form.one("limit")? {
        None => Ok(PAGE_DEFAULT),
        Some(text) => text.parse().ok().filter(|limit| (1..=PAGE_MAX).contains(limit)).ok_or(Refusal::InvalidRequest),
    }
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
