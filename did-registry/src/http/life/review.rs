//! `GET /review`: what agents may do, what of it they use, and which nobody uses.

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use handfast_identity::{Seconds, UnixTime};
use handfast_middleware::{Caller as Authenticated, Clock as _};
use handfast_registry_model::{AgentRecord, Refusal, Status, UsageRecord};
use serde::Serialize;

use crate::http::agents::page_of;
use crate::http::caller::Identity;
use crate::http::form::Form;
use crate::http::search::{Found, listed};
use crate::http::view::AgentView;
use crate::http::{App, Failure};

/// After how many days without a token an agent counts as stale, unless the reader says otherwise.
const STALE_DAYS_DEFAULT: u64 = 30;
/// The most days one can ask about: a century.
const STALE_DAYS_MAX: u64 = 36_525;
/// A day.
const DAY_SECONDS: u64 = 86_400;

#[derive(Serialize)]
struct ReviewView<'a> {
    #[serde(flatten)]
    agent: AgentView<'a>,
    age_days: u64,
    /// When it was last given a token.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_seen: Option<UnixTime>,
    /// Each scope of the ceiling, and when it was last given a token with it.
    scopes: Vec<ScopeView<'a>>,
    stale: bool,
}

#[derive(Serialize)]
struct ScopeView<'a> {
    scope: &'a str,
    last_used: Option<UnixTime>,
}

#[derive(Serialize)]
struct PageView<'a> {
    agents: Vec<ReviewView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// `GET /review?after=&limit=&stale_days=&only=stale`, by key as `GET /agents`: an owner's agents, or all for readers.
pub(in crate::http) async fn review(
    State(app): State<App>,
    caller: Authenticated,
    request: Request,
) -> Result<Response, Failure> {
    let now = app.clock.now();
    let query = request.uri().query().unwrap_or_default();
    let form = Form::parse(query.as_bytes())?.only(&["after", "limit", "stale_days", "only"])?;
    let (after, limit) = page_of(&form)?;
    let days = match form.one("stale_days")? {
        None => STALE_DAYS_DEFAULT,
        Some(text) => {
            text.parse().ok().filter(|days| (1..=STALE_DAYS_MAX).contains(days)).ok_or(Refusal::InvalidRequest)?
        }
    };
    let only_stale = match form.one("only")? {
        None => false,
        Some("stale") => true,
        Some(_) => return Err(Refusal::InvalidRequest.into()),
    };
    let identity = Identity::of(&app, &caller).await?;
    let Found { agents, next } = listed(&app, identity.caller(now)?, after, limit).await?;
    let mut known = Vec::with_capacity(agents.len());
    for agent in agents.iter().filter(|agent| !agent.is_expired(now)) {
        known.push((agent, app.usage.of(&app.state, agent.id()).await?));
    }
    let since = now.saturating_sub(Seconds::new(days.saturating_mul(DAY_SECONDS)));
    let views = known.iter().map(|(agent, usage)| reviewed(agent, usage.as_ref(), since, now));
    let view = PageView { agents: views.filter(|view| view.stale || !only_stale).collect(), next };
    Ok(Json(view).into_response())
}

fn reviewed<'a>(agent: &'a AgentRecord, usage: Option<&UsageRecord>, since: UnixTime, now: UnixTime) -> ReviewView<'a> {
    let last_seen = usage.map(UsageRecord::seen);
    let tokens = agent.ceiling().into_iter().flat_map(|ceiling| ceiling.authority().scope.tokens());
    let scopes =
        tokens.map(|scope| ScopeView { scope, last_used: usage.and_then(|usage| usage.last_use(scope)) }).collect();
    // one that is out of use for good is not stale but over
    let is_in_use = agent.status() != Status::Revoked && agent.retired_at().is_none();
    ReviewView {
        agent: AgentView::of(agent, None),
        age_days: now.since(agent.created()).get() / DAY_SECONDS,
        last_seen,
        scopes,
        stale: is_in_use && last_seen.unwrap_or_else(|| agent.created()) < since,
    }
}
