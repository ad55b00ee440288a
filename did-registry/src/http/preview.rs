//! `POST /revocations/preview`: what would stop, before it does.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use handfast_delegation::VerifiedAccessToken;
use handfast_identity::{ContentHash, DidKey, UnixTime};
use handfast_middleware::{Caller as Authenticated, Clock as _};
use handfast_registry_model::limits::LONGEST_TOKEN_LIFETIME;
use handfast_registry_model::{
    AgentHop, AgentRecord, AgentTask, Caller, HopRecord, OwnedAgent, Refusal, Slot, TaskId, TaskRecord,
};
use serde::Serialize;

use super::agents::living;
use super::body::JsonBody;
use super::caller::Identity;
use super::revoke::{FoundHop, Thing, Wanted, client_of, holder_of_key, owner_named, revocation};
use super::tasks::{self, TREE_PAGE_MAX};
use super::{App, Failure};

/// Most tasks of agents that are looked through for a preview.
const PREVIEW_MAX_TASKS: usize = 256;
/// Most hops counted for it before no further task is looked at; one task has 4096.
const PREVIEW_MAX_HOPS: usize = 4096;

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
    /// The counts are the least: there is more than was looked through.
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    at_least: bool,
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
        Thing::Agent => agent(&app, caller, &wanted, now).await?,
        Thing::Task => task(&app, caller, &wanted).await?,
        Thing::Token(shown) => token(&app, caller, &wanted, shown).await?,
        Thing::Hop(found) => hop(&app, caller, &wanted, found).await?,
        Thing::Owner => owner(&app, caller, &wanted, now).await?,
        Thing::IssuerKey => issuer_key(&app, caller, &wanted, now)?,
        Thing::Key(did) => key(&app, caller, &wanted, did, now).await?,
    };
    let before = revocation(&app, wanted.kind(), &wanted.id).await?;
    let revoked_at = before.map(|record| record.at()).or(reach.revoked_at);
    Ok(Json(Reach { revoked_at, ..reach }).into_response())
}

impl<'a> Reach<'a> {
    /// `agent`, and everybody to whom something was passed on by one of `hops`.
    fn of(wanted: &'a Wanted, agent: &str, hops: &[HopRecord], tasks: usize, latest_expiry: UnixTime) -> Self {
        let delegates = hops.iter().map(|hop| hop.delegate().as_str());
        let agents: BTreeSet<_> = delegates.chain([agent]).collect();
        let (agents, tasks, delegations) = (Some(agents.len()), Some(tasks), Some(hops.len()));
        let kind = wanted.kind().as_str();
        Self { kind, id: &wanted.id, agents, tasks, delegations, at_least: false, latest_expiry, revoked_at: None }
    }

    /// Of whoever may have tokens that live as long as any: what was found, if anybody looked.
    fn until_the_longest(wanted: &'a Wanted, found: Option<Found>, now: UnixTime) -> Self {
        let (agents, tasks, delegations, at_least) = match found {
            Some(found) => (Some(found.agents.len()), Some(found.tasks.len()), Some(found.delegations), found.is_cut),
            None => (None, None, None, false),
        };
        let (kind, id) = (wanted.kind().as_str(), &wanted.id);
        let latest_expiry = now.saturating_add(LONGEST_TOKEN_LIFETIME);
        Self { kind, id, agents, tasks, delegations, at_least, latest_expiry, revoked_at: None }
    }
}

/// What was found of agents: themselves and those they passed something on to, their tasks that are not over and those in which
/// something was passed on to them, and the hops that would stop in those.
#[derive(Default)]
struct Found {
    agents: BTreeSet<String>,
    tasks: BTreeSet<TaskId>,
    delegations: usize,
    /// There is more.
    is_cut: bool,
}

impl Found {
    /// Adds an agent with its tasks, as far as there is room.
    async fn look_at(&mut self, app: &App, agent: &AgentRecord, now: UnixTime) -> Result<(), Refusal> {
        self.agents.insert(agent.did().to_string());
        let prefix = Slot::of_agent_prefix(agent.id());
        let mut after = Some(Slot::of_agent_from(agent.id(), now));
        while after.is_some() && !self.is_full() {
            let page = app.state.page::<AgentTask>(&prefix, after.as_deref(), TREE_PAGE_MAX).await?;
            for entry in &page.records {
                if self.is_full() {
                    break;
                }
                if agent.goes_on_with(&task_record(app, entry.task()).await?, now) {
                    self.take(entry.task(), &tree(app, entry.task()).await?);
                }
            }
            after = page.next;
        }
        Ok(())
    }

    /// Adds what others passed on to an agent, with all below it, as far as there is room.
    async fn look_at_passed_on(&mut self, app: &App, agent: &AgentRecord, now: UnixTime) -> Result<(), Refusal> {
        let mut passed_on: BTreeMap<TaskId, HashSet<ContentHash>> = BTreeMap::new();
        let prefix = Slot::of_agent_prefix(agent.id());
        let mut after = Some(Slot::of_agent_from(agent.id(), now));
        while after.is_some() && passed_on.len() < PREVIEW_MAX_TASKS {
            let page = app.state.page::<AgentHop>(&prefix, after.as_deref(), TREE_PAGE_MAX).await?;
            for entry in page.records {
                passed_on.entry(entry.task().clone()).or_default().insert(*entry.hop());
            }
            after = page.next;
        }
        self.is_cut |= after.is_some();
        for (task, names) in passed_on {
            // of a task of its own everything is counted already
            if !self.tasks.contains(&task) && !self.is_full() && goes_on(app, &task, now).await? {
                self.take(&task, &below(tree(app, &task).await?, names));
            }
        }
        Ok(())
    }

    fn take(&mut self, task: &TaskId, hops: &[HopRecord]) {
        self.tasks.insert(task.clone());
        self.delegations += hops.len();
        self.agents.extend(hops.iter().map(|hop| hop.delegate().as_str().to_owned()));
    }

    fn is_full(&mut self) -> bool {
        self.is_cut |= self.tasks.len() >= PREVIEW_MAX_TASKS || self.delegations >= PREVIEW_MAX_HOPS;
        self.is_cut
    }
}

/// An agent with every key it ever had, and with what others passed on to it.
async fn agent<'a>(app: &App, caller: Caller<'_>, wanted: &'a Wanted, now: UnixTime) -> Result<Reach<'a>, Refusal> {
    let agent = living(app.state.agent_named(&wanted.id).await?, now)?;
    caller.as_manager_of(&agent)?;
    let mut found = Found::default();
    found.look_at(app, &agent, now).await?;
    found.look_at_passed_on(app, &agent, now).await?;
    let reach = Reach::until_the_longest(wanted, Some(found), now);
    Ok(Reach { revoked_at: agent.revoked_at(), ..reach })
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
    let hops = below(tree(app, task.record.id()).await?, HashSet::from([*hop.name()]));
    Ok(Reach::of(wanted, hop.delegate(), &hops, 1, hop.expires_at()))
}

/// The owner's agents, and theirs.
async fn owner<'a>(app: &App, caller: Caller<'_>, wanted: &'a Wanted, now: UnixTime) -> Result<Reach<'a>, Refusal> {
    let Some(owner) = owner_named(app, &wanted.id).await? else {
        return caller.as_admin().and(Err(Refusal::InvalidRequest));
    };
    caller.stops_owner(owner.id())?;
    let (mut found, mut after) = (Found::default(), None);
    let prefix = Slot::owned_agents_prefix(owner.id());
    loop {
        let page = app.state.page::<OwnedAgent>(&prefix, after.as_deref(), TREE_PAGE_MAX).await?;
        for entry in &page.records {
            if let Some(agent) = app.state.agent(entry.agent()).await?.filter(|_| !found.is_full()) {
                found.look_at(app, &agent.record, now).await?;
            }
        }
        match page.next.filter(|_| !found.is_cut) {
            Some(next) => after = Some(next),
            None => return Ok(Reach::until_the_longest(wanted, Some(found), now)),
        }
    }
}

/// Every agent and owner may have a token by the key: nobody counts them. Another key signs from then on, if there is one.
fn issuer_key<'a>(app: &App, caller: Caller<'_>, wanted: &'a Wanted, now: UnixTime) -> Result<Reach<'a>, Refusal> {
    caller.as_admin()?;
    if !app.keys.has_token_key(&wanted.id) {
        return Err(Refusal::InvalidRequest);
    }
    Ok(Reach::until_the_longest(wanted, None, now))
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
    let agents = Some(usize::from(agent.is_some()));
    Ok(Reach { agents, ..Reach::until_the_longest(wanted, None, now) })
}

/// A task that a record names: without it there is damage.
async fn task_record(app: &App, id: &TaskId) -> Result<TaskRecord, Refusal> {
    Ok(app.state.task(id).await?.ok_or(Refusal::StoreUnavailable)?.record)
}

/// Whether a task, of whichever agent, is not over.
async fn goes_on(app: &App, task: &TaskId, now: UnixTime) -> Result<bool, Refusal> {
    let task = task_record(app, task).await?;
    let agent = app.state.agent(task.agent()).await?.ok_or(Refusal::StoreUnavailable)?.record;
    Ok(agent.goes_on_with(&task, now))
}

/// Of the hops of a tree those that are named, and those below them.
fn below(mut hops: Vec<HopRecord>, mut names: HashSet<ContentHash>) -> Vec<HopRecord> {
    // a parent stands before its children
    hops.retain(|hop| {
        let is_below = names.contains(hop.name()) || hop.parent().is_some_and(|parent| names.contains(parent));
        if is_below {
            names.insert(*hop.name());
        }
        is_below
    });
    hops
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
