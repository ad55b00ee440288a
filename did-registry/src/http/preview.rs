//! `POST /revocations/preview`: what would stop, before it does.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use handfast_identity::{DidKey, UnixTime};
use handfast_middleware::{Caller as Authenticated, Clock as _};
use handfast_registry_model::{Caller, FeedKind, HopRecord, Refusal, TaskRecord};
use serde::Serialize;

use super::body::JsonBody;
use super::caller::Identity;
use super::revoke::{Wanted, revocation};
use super::tasks::{self, TREE_PAGE_MAX};
use super::{App, Failure};

/// How far a revocation would reach, as far as the registry knows: what is passed on and not exchanged, it does not.
#[derive(Serialize)]
struct Reach<'a> {
    kind: &'static str,
    id: &'a str,
    agents: usize,
    tasks: usize,
    delegations: usize,
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
    let wanted = Wanted::read(&body)?;
    let identity = Identity::of(&app, &caller).await?;
    let caller = identity.caller(now)?;
    let reach = match wanted.kind {
        // an agent's tasks are not listed anywhere
        FeedKind::Agent => return Err(Refusal::InvalidRequest.into()),
        FeedKind::Task => task(&app, caller, &wanted).await?,
    };
    let reach = Reach { revoked_at: revocation(&app, &wanted).await?.map(|record| record.at()), ..reach };
    Ok(Json(reach).into_response())
}

async fn task<'a>(app: &App, caller: Caller<'_>, wanted: &'a Wanted) -> Result<Reach<'a>, Refusal> {
    let tasks::Case { task: Some(task), agent: Some(agent) } = tasks::load(app, &wanted.id).await? else {
        return Err(Refusal::UnknownTask);
    };
    caller.stops_task(&task.record, &agent)?;
    let hops = tree(app, &task.record).await?;
    let delegates = hops.iter().map(HopRecord::delegate);
    let agents: BTreeSet<_> = delegates.chain([agent.did()]).map(DidKey::as_str).collect();
    Ok(Reach {
        kind: wanted.kind.as_str(),
        id: &wanted.id,
        agents: agents.len(),
        tasks: 1,
        delegations: hops.len(),
        latest_expiry: task.record.deadline(),
        revoked_at: None,
    })
}

/// Every hop of a task that was exchanged: a tree has 4096 at most.
async fn tree(app: &App, task: &TaskRecord) -> Result<Vec<HopRecord>, Refusal> {
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
