//! `/agents/{…}/…`: what happens to an agent between claiming and its end (spec/lifecycle.md).

mod offboard;
mod review;
mod transfer;
mod version;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use handfast_identity::UnixTime;
use handfast_middleware::{Caller as Authenticated, Clock as _};
use handfast_registry_model::{
    AgentRecord, Caller, CeilingRequest, Change, EnvironmentRequest, Fact, LifeChange, Loaded, Outcome,
    PendingRotation, ReasonRequest, Refusal, change_ceiling, change_environment, cut_again, resume_agent, retire_agent,
    suspend_agent,
};

pub(super) use offboard::{offboard, offboarding};
pub(super) use review::review;
pub(super) use transfer::{accept, offer, withdraw};
pub(super) use version::{state as state_version, versions};

use super::body::JsonBody;
use super::caller::Identity;
use super::view::AgentView;
use super::{App, Failure, Name};
use crate::state::{ATTEMPTS, Commit};

/// `POST /agents/{…}/suspend`
pub(super) async fn suspend(
    State(app): State<App>,
    Name(name): Name,
    caller: Authenticated,
    body: JsonBody,
) -> Result<Response, Failure> {
    let ReasonRequest { reason } = ReasonRequest::parse(body.bytes())?;
    let decide = |asked: Asked<'_>| suspend_agent(asked.caller, asked.agent, asked.waiting, reason.clone(), asked.now);
    changed(&app, &caller, &name, decide).await
}

/// `POST /agents/{…}/resume`
pub(super) async fn resume(
    State(app): State<App>,
    Name(name): Name,
    caller: Authenticated,
    body: JsonBody,
) -> Result<Response, Failure> {
    let ReasonRequest { reason } = ReasonRequest::parse(body.bytes())?;
    let decide = |asked: Asked<'_>| resume_agent(asked.caller, asked.agent, reason.clone(), asked.now);
    changed(&app, &caller, &name, decide).await
}

/// `POST /agents/{…}/retire`
pub(super) async fn retire(
    State(app): State<App>,
    Name(name): Name,
    caller: Authenticated,
    body: JsonBody,
) -> Result<Response, Failure> {
    let ReasonRequest { reason } = ReasonRequest::parse(body.bytes())?;
    let decide = |asked: Asked<'_>| retire_agent(asked.caller, asked.agent, asked.waiting, reason.clone(), asked.now);
    changed(&app, &caller, &name, decide).await
}

/// `POST /agents/{…}/ceiling`
pub(super) async fn ceiling(
    State(app): State<App>,
    Name(name): Name,
    caller: Authenticated,
    body: JsonBody,
) -> Result<Response, Failure> {
    let CeilingRequest { ceiling, reason } = CeilingRequest::parse(body.bytes())?;
    let policy = app.config.policy();
    let decide = |asked: Asked<'_>| {
        change_ceiling(asked.caller, asked.agent, ceiling.clone(), reason.clone(), policy, asked.now)
    };
    changed(&app, &caller, &name, decide).await
}

/// `POST /agents/{…}/environment`
pub(super) async fn environment(
    State(app): State<App>,
    Name(name): Name,
    caller: Authenticated,
    body: JsonBody,
) -> Result<Response, Failure> {
    let EnvironmentRequest { environment, reason } = EnvironmentRequest::parse(body.bytes())?;
    let decide =
        |asked: Asked<'_>| change_environment(asked.caller, asked.agent, environment, reason.clone(), asked.now);
    changed(&app, &caller, &name, decide).await
}

/// Who asks about which agent, as of now: what a decision is made of.
struct Asked<'a> {
    caller: Caller<'a>,
    /// The agent, with its history, as loaded.
    agent: Option<&'a Loaded<AgentRecord>>,
    /// The rotation that waits for its owner, as loaded.
    waiting: Option<&'a Loaded<PendingRotation>>,
    now: UnixTime,
}

/// Decides about the agent called `name` until it is durable, and answers with the record as it then is.
async fn changed(
    app: &App,
    caller: &Authenticated,
    name: &str,
    decide: impl Fn(Asked<'_>) -> Result<Outcome, Refusal>,
) -> Result<Response, Failure> {
    let identity = Identity::of(app, caller).await?;
    let caller = identity.caller(app.clock.now())?;
    for _ in 0..ATTEMPTS {
        let agent = app.state.agent_named_with_history(name).await?;
        let waiting = app.state.rotation_of(agent.as_ref()).await?;
        let asked = Asked { caller, agent: agent.as_ref(), waiting: waiting.as_ref(), now: app.clock.now() };
        match decide(asked)? {
            Outcome::Unchanged => return shown(agent),
            Outcome::Changed(change) => {
                if let Commit::Done { .. } = app.state.commit(&change).await? {
                    require_cut_in_time(app, caller, name, &change).await?;
                    return shown(app.state.agent_named(name).await?);
                }
            }
        }
    }
    Err(Refusal::Overloaded.into())
}

fn shown(agent: Option<Loaded<AgentRecord>>) -> Result<Response, Failure> {
    let agent = agent.ok_or(Refusal::UnknownAgent)?.record;
    Ok(Json(AgentView::of(&agent, None)).into_response())
}

/// A cut-off that was past before it was durable is set again: what was issued meanwhile would have escaped it.
async fn require_cut_in_time(app: &App, caller: Caller<'_>, name: &str, change: &Change) -> Result<(), Refusal> {
    let mut cut = cut_ahead(change);
    for _ in 0..ATTEMPTS {
        if cut.is_none_or(|cut| app.clock.now() <= cut) {
            return Ok(());
        }
        let agent = app.state.agent_named_with_history(name).await?;
        let again = match cut_again(caller, agent.as_ref(), app.clock.now()) {
            // it is out of use by now: nothing of it is alive whenever it was issued
            Err(Refusal::AgentRevoked | Refusal::AgentRetired) => return Ok(()),
            again => again?,
        };
        if let Commit::Done { .. } = app.state.commit(&again).await? {
            cut = cut_ahead(&again);
        }
    }
    Err(Refusal::Overloaded)
}

/// The cut-off of a change that lies ahead of it. That of going on need not: nothing was issued since the suspension.
fn cut_ahead(change: &Change) -> Option<UnixTime> {
    match &change.event.fact {
        Fact::Life(life) if life.change != LifeChange::Resumed => life.cut,
        _ => None,
    }
}
