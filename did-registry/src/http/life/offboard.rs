//! `/owners/{id}/offboarding`: an owner leaves.
//!
//! Each call deals with a bounded part of the owner's list and writes down how far it came, so that whoever calls next goes on there:
//! the same admin or another, this process or a later one.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use handfast_identity::UnixTime;
use handfast_middleware::{Caller as Authenticated, Clock as _};
use handfast_registry_model::limits::OFFBOARDING_STEP;
use handfast_registry_model::{
    Caller, Expect, FeedKind, Leaving, Loaded, Offboarding, OffboardingRecord, OffboardingRequest, OfferedAgent,
    Outcome, OwnedAgent, OwnerId, OwnerRecord, Record, Refusal, RevocationRecord, ShownText, Slot, begin_offboarding,
    finish_offboarding, offboard_agent,
};
use serde::Serialize;

use super::require_cut_in_time;
use super::transfer::{FoundRecipient, owned};
use crate::http::body::JsonBody;
use crate::http::caller::Identity;
use crate::http::revoke::owner_named;
use crate::http::{App, Failure, Name};
use crate::state::{ATTEMPTS, Commit};

#[derive(Serialize)]
struct ProgressView<'a> {
    owner: &'a str,
    status: &'static str,
    /// Agents transferred or retired so far.
    agents: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<&'a str>,
    by: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    begun_at: UnixTime,
    #[serde(skip_serializing_if = "Option::is_none")]
    done_at: Option<UnixTime>,
}

fn view(record: &OffboardingRecord) -> Response {
    let status = if record.done_at().is_some() { "done" } else { "running" };
    Json(ProgressView {
        owner: record.owner().as_str(),
        status,
        agents: record.agents(),
        to: record.to().map(OwnerId::as_str),
        by: record.by().as_str(),
        reason: record.why().map(ShownText::as_str),
        begun_at: record.at(),
        done_at: record.done_at(),
    })
    .into_response()
}

/// `GET /owners/{id}/offboarding`: how far it has come.
pub(in crate::http) async fn offboarding(
    State(app): State<App>,
    Name(id): Name,
    caller: Authenticated,
) -> Result<Response, Failure> {
    let identity = Identity::of(&app, &caller).await?;
    identity.caller(app.clock.now())?.as_admin()?;
    let id = OwnerId::parse(&id).map_err(|_| Refusal::NotFound)?;
    let record: Option<Loaded<OffboardingRecord>> = app.state.load(&Slot::offboarding(&id)).await?;
    Ok(view(&record.ok_or(Refusal::NotFound)?.record))
}

/// `POST /owners/{id}/offboarding`: begins it, or goes on.
pub(in crate::http) async fn offboard(
    State(app): State<App>,
    Name(id): Name,
    caller: Authenticated,
    body: JsonBody,
) -> Result<Response, Failure> {
    let request = OffboardingRequest::parse(body.bytes())?;
    let identity = Identity::of(&app, &caller).await?;
    let caller = identity.caller(app.clock.now())?;
    caller.as_admin()?;
    let Some(owner) = owner_named(&app, &id).await? else { return Err(Refusal::InvalidRequest.into()) };
    let to = match &request.to {
        Some(to) => Some(FoundRecipient::load(&app, to).await?),
        None => None,
    };
    let call = Call { app: &app, caller, owner: &owner, to: to.as_ref() };
    call.begun(&request).await?;
    Ok(view(&call.step().await?))
}

/// One call of an admin.
struct Call<'a> {
    app: &'a App,
    caller: Caller<'a>,
    owner: &'a OwnerRecord,
    to: Option<&'a FoundRecipient>,
}

impl Call<'_> {
    /// Begins, unless it began before.
    async fn begun(&self, request: &OffboardingRequest) -> Result<(), Refusal> {
        for _ in 0..ATTEMPTS {
            let stop = Slot::revocation(FeedKind::Owner, self.owner.id().as_str());
            let stopped: Option<Loaded<RevocationRecord>> = self.app.state.load(&stop).await?;
            let before = self.record().await?;
            let named = match before.as_ref().and_then(|before| before.record.to()) {
                Some(named) => Some(FoundRecipient::load(self.app, named).await?),
                None => None,
            };
            let case = Leaving {
                owner: Some(self.owner),
                to: self.to.map(FoundRecipient::as_loaded),
                stopped: stopped.as_ref(),
                before: before.as_ref(),
                named: named.as_ref().map(FoundRecipient::as_loaded),
            };
            match begin_offboarding(self.caller, case, request.reason.clone(), self.app.clock.now())? {
                Offboarding::GoesOn(_) => return Ok(()),
                Offboarding::Begins { change, .. } => {
                    if let Commit::Done { .. } = self.app.state.commit(&change).await? {
                        return Ok(());
                    }
                }
            }
        }
        Err(Refusal::Overloaded)
    }

    /// One part of the list, or the end of it all.
    async fn step(&self) -> Result<OffboardingRecord, Refusal> {
        for _ in 0..ATTEMPTS {
            let before = self.record().await?.ok_or(Refusal::StoreUnavailable)?;
            if before.record.done_at().is_some() {
                return Ok(before.record);
            }
            let prefix = Slot::owned_agents_prefix(self.owner.id());
            let after = before.record.after().map(|agent| format!("{prefix}{agent}"));
            let page = self.app.state.page::<OwnedAgent>(&prefix, after.as_deref(), OFFBOARDING_STEP).await?;
            let mut dealt = 0;
            for entry in &page.records {
                dealt += u32::from(self.agent(&before.record, entry).await?);
            }
            let next = page.next.is_some().then(|| page.records.last().map(|entry| entry.agent().clone())).flatten();
            let progressed = before.record.after_part(dealt, next);
            if let Some(record) = self.kept(&before, progressed).await? {
                return Ok(record);
            }
        }
        Err(Refusal::Overloaded)
    }

    /// Writes the progress down; none if somebody else did so meanwhile.
    async fn kept(
        &self,
        before: &Loaded<OffboardingRecord>,
        progressed: OffboardingRecord,
    ) -> Result<Option<OffboardingRecord>, Refusal> {
        let now = self.app.clock.now();
        if progressed.is_through(now) {
            let through = Loaded { record: progressed, version: before.version };
            return match finish_offboarding(self.caller, &through, self.owner, now)? {
                Outcome::Unchanged => Ok(Some(through.record)),
                Outcome::Changed(change) => match self.app.state.commit(&change).await? {
                    Commit::Done { .. } => Ok(self.record().await?.map(|record| record.record)),
                    Commit::Conflict => Ok(None),
                },
            };
        }
        let kept = if progressed.after().is_none() { progressed.next_pass() } else { progressed };
        let expect = Expect::Version(before.version);
        match self.app.state.keep(expect, &Record::from(kept.clone())).await? {
            Commit::Done { .. } => Ok(Some(kept)),
            Commit::Conflict => Ok(None),
        }
    }

    /// Deals with one agent; whether there was anything to do.
    async fn agent(&self, record: &OffboardingRecord, entry: &OwnedAgent) -> Result<bool, Refusal> {
        let to = self.to.and_then(|to| to.owner.as_ref());
        for _ in 0..ATTEMPTS {
            let agent = self.app.state.agent_with_history(entry.agent()).await?;
            let listed = match &agent {
                Some(agent) => owned(self.app, &agent.record).await?,
                None => None,
            };
            let pending = self.app.state.rotation_of(agent.as_ref()).await?;
            let case = OfferedAgent { agent: agent.as_ref(), owned: listed.as_ref(), pending: pending.as_ref() };
            match offboard_agent(self.caller, record, case, to, self.app.clock.now())? {
                Outcome::Unchanged => return Ok(false),
                Outcome::Changed(change) => {
                    if let Commit::Done { .. } = self.app.state.commit(&change).await? {
                        // what is left of it belongs to the new owner, whom no entry of the old one's stops
                        let name = agent.as_ref().map(|agent| agent.record.did().to_string()).unwrap_or_default();
                        require_cut_in_time(self.app, self.caller, &name, &change).await?;
                        return Ok(true);
                    }
                }
            }
        }
        Err(Refusal::Overloaded)
    }

    async fn record(&self) -> Result<Option<Loaded<OffboardingRecord>>, Refusal> {
        self.app.state.load(&Slot::offboarding(self.owner.id())).await
    }
}
