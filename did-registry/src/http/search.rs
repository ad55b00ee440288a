//! `GET /agents`: an owner's agents, or everybody's for readers, by handle, owner and status.
//!
//! Every page is read from an index by key: one that fits what is asked, whose entries are then looked at one by one. So a page may
//! hold fewer than were asked for, and none, and say that there are more.

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use handfast_identity::{Handle, UnixTime};
use handfast_middleware::{Caller as Authenticated, Clock as _};
use handfast_registry_model::{
    AgentId, AgentRecord, Caller, HandleRecord, Organisation, OwnedAgent, OwnerId, Refusal, Slot, Status, StatusEntry,
};
use serde::Serialize;

use super::agents::limit_of;
use super::caller::Identity;
use super::form::Form;
use super::view::AgentView;
use super::{App, Failure};

#[derive(Serialize)]
struct PageView<'a> {
    agents: Vec<AgentView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// `GET /agents?after=&limit=&handle=&owner=&status=`
pub(super) async fn list(State(app): State<App>, caller: Authenticated, request: Request) -> Result<Response, Failure> {
    let now = app.clock.now();
    let wanted = Wanted::read(request.uri().query().unwrap_or_default())?;
    let identity = Identity::of(&app, &caller).await?;
    let page = wanted.page(&app, identity.caller(now)?).await?;
    let agents = page.agents.iter().filter(|agent| wanted.fits(agent, now)).map(|agent| AgentView::of(agent, None));
    Ok(Json(PageView { agents: agents.collect(), next: page.next }).into_response())
}

/// Agents as an index names them, unsifted.
pub(super) struct Found {
    pub(super) agents: Vec<AgentRecord>,
    pub(super) next: Option<String>,
}

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    /// How the handle begins.
    handle: Option<String>,
    owner: Option<OwnerId>,
    status: Option<Status>,
    after: Option<String>,
    limit: usize,
}

impl Wanted {
    fn read(query: &str) -> Result<Self, Refusal> {
        let form = Form::parse(query.as_bytes())?.only(&["after", "limit", "handle", "owner", "status"])?;
        let handle = form.one("handle")?;
        if handle.is_some_and(|handle| Handle::skeleton_of_beginning(handle).is_none()) {
            return Err(Refusal::InvalidRequest);
        }
        let status = form.one("status")?.map(|text| Status::parse(text).ok_or(Refusal::InvalidRequest));
        Ok(Self {
            handle: handle.map(str::to_owned),
            owner: form.one("owner")?.map(OwnerId::parse).transpose().map_err(|_| Refusal::InvalidRequest)?,
            status: status.transpose()?,
            after: form.one("after")?.map(str::to_owned),
            limit: limit_of(&form)?,
        })
    }

    /// A page of what the caller may see, from the narrowest index.
    async fn page(&self, app: &App, caller: Caller<'_>) -> Result<Found, Refusal> {
        let Ok(reader) = caller.as_reader() else {
            let owner = caller.as_owner()?;
            if self.owner.as_ref().is_some_and(|wanted| wanted != owner.id()) {
                return Err(Refusal::Forbidden);
            }
            return owned(app, owner.id(), self.agent_after()?, self.limit).await;
        };
        let mut found = match (&self.owner, &self.handle, self.status) {
            (Some(owner), _, _) => owned(app, owner, self.agent_after()?, self.limit).await?,
            (None, Some(handle), _) => self.called(app, handle).await?,
            (None, None, Some(status)) => self.standing(app, status).await?,
            (None, None, None) => all(app, self.agent_after()?, self.limit).await?,
        };
        found.agents.retain(|agent| is_of(agent, reader.organisation()));
        Ok(found)
    }

    fn agent_after(&self) -> Result<Option<AgentId>, Refusal> {
        self.after.as_deref().map(AgentId::parse).transpose().map_err(|_| Refusal::InvalidRequest)
    }

    /// By handle: those that begin so, and some that only look it.
    async fn called(&self, app: &App, handle: &str) -> Result<Found, Refusal> {
        let key = |text: &str| Handle::skeleton_of_beginning(text).ok_or(Refusal::InvalidRequest);
        let after = self.after.as_deref().map(key).transpose()?;
        let page = app.state.page::<HandleRecord>(&key(handle)?, after.as_deref(), self.limit).await?;
        let mut agents = Vec::with_capacity(page.records.len());
        for entry in page.records.iter().filter(|entry| entry.handle().as_str().starts_with(handle)) {
            agents.extend(app.state.agent(entry.agent()).await?.map(|loaded| loaded.record));
        }
        let last = page.records.last().map(|entry| entry.handle().to_string());
        Ok(Found { agents, next: page.next.and(last) })
    }

    async fn standing(&self, app: &App, status: Status) -> Result<Found, Refusal> {
        let after = self.agent_after()?.map(|id| Slot::status_entry(status, &id));
        let prefix = Slot::status_prefix(status);
        let page = app.state.page::<StatusEntry>(&prefix, after.as_ref().map(Slot::key), self.limit).await?;
        let mut agents = Vec::with_capacity(page.records.len());
        for entry in &page.records {
            agents.extend(app.state.agent(entry.agent()).await?.map(|loaded| loaded.record));
        }
        Ok(Found { agents, next: page.next.and_then(|key| key.strip_prefix(&prefix).map(str::to_owned)) })
    }

    fn fits(&self, agent: &AgentRecord, now: UnixTime) -> bool {
        let is_called = self.handle.as_ref().is_none_or(|handle| agent.handle().as_str().starts_with(handle.as_str()));
        let is_theirs = self.owner.is_none() || self.owner.as_ref() == agent.owner();
        !agent.is_expired(now) && is_called && is_theirs && self.status.is_none_or(|status| status == agent.status())
    }
}

/// A page of the agents that `caller` may list, expired ones among them: an owner's, or all for readers.
pub(super) async fn listed(
    app: &App,
    caller: Caller<'_>,
    after: Option<AgentId>,
    limit: usize,
) -> Result<Found, Refusal> {
    let Ok(reader) = caller.as_reader() else { return owned(app, caller.as_owner()?.id(), after, limit).await };
    let mut found = all(app, after, limit).await?;
    found.agents.retain(|agent| is_of(agent, reader.organisation()));
    Ok(found)
}

fn is_of(agent: &AgentRecord, organisation: &Organisation) -> bool {
    agent.organisation() == organisation
}

async fn all(app: &App, after: Option<AgentId>, limit: usize) -> Result<Found, Refusal> {
    let page = app.state.page::<AgentRecord>("", after.as_ref().map(AgentId::as_str), limit).await?;
    Ok(Found { agents: page.records, next: page.next })
}

async fn owned(app: &App, owner: &OwnerId, after: Option<AgentId>, limit: usize) -> Result<Found, Refusal> {
    let after = after.map(|id| Slot::owned_agent(owner, &id));
    let prefix = Slot::owned_agents_prefix(owner);
    let page = app.state.page::<OwnedAgent>(&prefix, after.as_ref().map(Slot::key), limit).await?;
    let mut agents = Vec::with_capacity(page.records.len());
    for entry in &page.records {
        agents.extend(app.state.agent(entry.agent()).await?.map(|loaded| loaded.record));
    }
    // one that changed hands between the two reads
    agents.retain(|agent| agent.owner() == Some(owner));
    Ok(Found { agents, next: page.next.and_then(|key| key.strip_prefix(&prefix).map(str::to_owned)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_is_read_strictly() {
        let check = |query: &str, is_good: bool| assert_eq!(Wanted::read(query).is_ok(), is_good, "{query}");
        let owner = "owner:0123456789abcdefghjkmnpqrs";
        for good in ["", "handle=bill", "handle=a-", "status=CLAIMED", "limit=200&after=x", &format!("owner={owner}")] {
            check(good, true);
        }
        for wrong in ["handle=-a", "handle=A", "handle=%D0%B0", "status=claimed", "owner=ada", "limit=201", "name=x"] {
            check(wrong, false);
        }
        check("handle=a&handle=a", false);
    }
}
