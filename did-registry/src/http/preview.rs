//! `POST /revocations/preview`: what would stop, before it does.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use handfast_delegation::VerifiedAccessToken;
use handfast_identity::{DidKey, UnixTime};
use handfast_middleware::{Caller as Authenticated, Clock as _};
use handfast_registry_model::limits::LONGEST_TOKEN_LIFETIME;
use handfast_registry_model::{Caller, HopRecord, OwnedAgent, Refusal, Slot, TaskId};
use serde::Serialize;

use super::body::JsonBody;
use super::caller::Identity;
use super::revoke::{FoundHop, Thing, Wanted, client_of, holder_of_key, owner_named, revocation};
use super::tasks::{self, TREE_PAGE_MAX};
use super::{App, Failure};

/// How far a revocation would reach, as far as the registry knows: what is passed on and not exchanged, it does not.
#[derive(Serialize)]
struct Reach<'a> {
    kind: &'static str,
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    agents: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tasks: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delegations: Option<usize>,
    latest_expiry: UnixTime,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_at: Option<UnixTime>,
}

/// Whoever may revoke it may ask, and nobody else. Nothing is changed.
pub(super) async fn preview(
    State(app): State<App>,
    caller: Authenticated,
    body: JsonBody,
) -> Result<Response, Failure> {
    let now = app.clock.now();
    let wanted = Wanted::read(&app, &body).await?;
    let identity = Identity::of(&app, &caller).await?;
    let caller = identity.caller(now)?;
    let reach = match &wanted.what {
        // an agent's tasks are not listed anywhere
        Thing::Agent => return Err(Refusal::InvalidRequest.into()),
        Thing::Task => task(&app, caller, &wanted).await?,
        Thing::Token(shown) => token(&app, caller, &wanted, shown).await?,
        Thing::Hop(found) => hop(&app, caller, &wanted, found).await?,
        Thing::Owner => owner(&app, caller, &wanted, now).await?,
        Thing::IssuerKey => issuer_key(&app, caller, &wanted, now)?,
        Thing::Key(did) => key(&app, caller, &wanted, did, now).await?,
    };
    let before = revocation(&app, wanted.kind(), &wanted.id).await?;
    Ok(Json(Reach { revoked_at: before.map(|record| record.at()), ..reach }).into_response())
}

impl<'a> Reach<'a> {
    /// `agent`, and everybody to whom something was passed on by one of `hops`.
    fn of(wanted: &'a Wanted, agent: &str, hops: &[HopRecord], tasks: usize, latest_expiry: UnixTime) -> Self {
        let delegates = hops.iter().map(|hop| hop.delegate().as_str());
        let agents: BTreeSet<_> = delegates.chain([agent]).collect();
        let (agents, tasks, delegations) = (Some(agents.len()), Some(tasks), Some(hops.len()));
        let kind = wanted.kind().as_str();
        Self { kind, id: &wanted.id, agents, tasks, delegations, latest_expiry, revoked_at: None }
    }
}

async fn task<'a>(app: &App, caller: Caller<'_>, wanted: &'a Wanted) -> Result<Reach<'a>, Refusal> {
    let tasks::Case { task: Some(task), agent: Some(agent) } = tasks::load(app, &wanted.id).await? else {
        return Err(Refusal::UnknownTask);
    };
    caller.stops_task(&task.record, &agent)?;
    let hops = tree(app, task.record.id()).await?;
    Ok(Reach::of(wanted, agent.did().as_str(), &hops, 1, task.record.deadline()))
}

async fn token<'a>(
    app: &App,
    caller: Caller<'_>,
    wanted: &'a Wanted,
    shown: &VerifiedAccessToken,
) -> Result<Reach<'a>, Refusal> {
    let claims = shown.claims();
    caller.stops_token(claims, client_of(app, shown).await?.as_ref())?;
    let mut hops = match claims.task.as_ref().and_then(|task| TaskId::parse(&task.id).ok()) {
        Some(task) => tree(app, &task).await?,
        None => Vec::new(),
    };
    hops.retain(|hop| hop.root_token() == claims.token_id);
    let tasks = usize::from(claims.task.is_some());
    Ok(Reach::of(wanted, &claims.client_id, &hops, tasks, claims.authority.expires_at))
}

/// A hop and those below it; of one that was never exchanged nothing below it is known either.
async fn hop<'a>(app: &App, caller: Caller<'_>, wanted: &'a Wanted, found: &FoundHop) -> Result<Reach<'a>, Refusal> {
    let hop = found.hop();
    let tasks::Case { task: Some(task), agent: Some(agent) } = tasks::load(app, hop.task()).await? else {
        return Err(Refusal::InvalidEvidence);
    };
    caller.stops_hop(hop, &task.record, &agent)?;
    let mut below = BTreeSet::from([hop.name().to_string()]);
    let mut hops = tree(app, task.record.id()).await?;
    // a parent stands before its children
    hops.retain(|one| {
        let name = one.name().to_string();
        let is_below = below.contains(&name) || one.parent().is_some_and(|parent| below.contains(&parent.to_string()));
        if is_below {
            below.insert(name);
        }
        is_below
    });
    Ok(Reach::of(wanted, hop.delegate(), &hops, 1, hop.expires_at()))
}

/// The owner's agents. Their tasks are not listed by owner, so how many there are, and what was passed on, is not said.
async fn owner<'a>(app: &App, caller: Caller<'_>, wanted: &'a Wanted, now: UnixTime) -> Result<Reach<'a>, Refusal> {
    let Some(owner) = owner_named(app, &wanted.id).await? else {
        return caller.as_admin().and(Err(Refusal::InvalidRequest));
    };
    caller.stops_owner(owner.id())?;
    let (mut agents, mut after) = (0, None);
    let prefix = Slot::owned_agents_prefix(owner.id());
    loop {
        let page = app.state.page::<OwnedAgent>(&prefix, after.as_deref(), TREE_PAGE_MAX).await?;
        agents += page.records.len();
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    let latest_expiry = now.saturating_add(LONGEST_TOKEN_LIFETIME);
    let (kind, id) = (wanted.kind().as_str(), &wanted.id);
    Ok(Reach { kind, id, agents: Some(agents), tasks: None, delegations: None, latest_expiry, revoked_at: None })
}

/// Every agent and owner may have a token by the key: nobody counts them. Another key signs from then on, if there is one.
fn issuer_key<'a>(app: &App, caller: Caller<'_>, wanted: &'a Wanted, now: UnixTime) -> Result<Reach<'a>, Refusal> {
    caller.as_admin()?;
    if !app.keys.has_token_key(&wanted.id) {
        return Err(Refusal::InvalidRequest);
    }
    let latest_expiry = now.saturating_add(LONGEST_TOKEN_LIFETIME);
    let (kind, id) = (wanted.kind().as_str(), &wanted.id);
    Ok(Reach { kind, id, agents: None, tasks: None, delegations: None, latest_expiry, revoked_at: None })
}

/// The one agent whose key it is or was. What was made with it is listed nowhere.
async fn key<'a>(
    app: &App,
    caller: Caller<'_>,
    wanted: &'a Wanted,
    did: &DidKey,
    now: UnixTime,
) -> Result<Reach<'a>, Refusal> {
    let agent = holder_of_key(app, did).await?;
    match &agent {
        Some(agent) => caller.as_manager_of(&agent.record).map_err(|_| Refusal::Forbidden)?,
        None => caller.as_admin()?,
    };
    let latest_expiry = now.saturating_add(LONGEST_TOKEN_LIFETIME);
    let (kind, id, agents) = (wanted.kind().as_str(), &wanted.id, Some(usize::from(agent.is_some())));
    Ok(Reach { kind, id, agents, tasks: None, delegations: None, latest_expiry, revoked_at: None })
}

/// Every hop of a task that was exchanged: a tree has 4096 at most.
async fn tree(app: &App, task: &TaskId) -> Result<Vec<HopRecord>, Refusal> {
    let (mut hops, mut after) = (Vec::new(), None);
    loop {
        let page = tasks::tree_page(app, task, after, TREE_PAGE_MAX).await?;
        hops.extend(page.hops);
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(hops),
        }
    }
}
