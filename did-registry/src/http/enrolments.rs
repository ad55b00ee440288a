//! `/enrolments`: what owners say beforehand about agents that are yet to register.

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use handfast_delegation::Environment;
use handfast_identity::{DidKey, UnixTime};
use handfast_middleware::{Caller as Authenticated, Clock as _};
use handfast_registry_model::{
    Caller, EnrolmentId, EnrolmentRecord, EnrolmentRequest, IdempotencyRecord, Loaded, MadeEnrolment, Outcome,
    OwnedEnrolment, ReasonRequest, Refusal, ShownText, Slot, make_enrolment, renew_enrolment, revoke_enrolment,
};
use serde::Serialize;

use super::agents::limit_of;
use super::body::JsonBody;
use super::caller::Identity;
use super::form::Form;
use super::once::{Answer, Key, Once};
use super::view::CeilingView;
use super::{App, Failure, Name};
use crate::state::{ATTEMPTS, Commit};

/// The member that holds the token, in the one answer that does.
const TOKEN: &str = "token";

#[derive(Serialize)]
struct EnrolmentView<'a> {
    id: &'a str,
    owner: &'a str,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    environment: Option<Environment>,
    ceiling: CeilingView<'a>,
    created_at: UnixTime,
    expires_at: UnixTime,
    /// The DID of the agent that registered with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    agent: Option<&'a DidKey>,
    #[serde(skip_serializing_if = "Option::is_none")]
    used_at: Option<UnixTime>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_at: Option<UnixTime>,
}

impl<'a> EnrolmentView<'a> {
    fn of(record: &'a EnrolmentRecord, now: UnixTime) -> Self {
        Self {
            id: record.id().as_str(),
            owner: record.owner().as_str(),
            status: record.status(now).as_str(),
            label: record.label().map(ShownText::as_str),
            environment: record.environment(),
            ceiling: CeilingView::of(record.ceiling()),
            created_at: record.created(),
            expires_at: record.expires(),
            agent: record.used().map(|(did, _)| did),
            used_at: record.used().map(|(_, at)| at),
            revoked_at: record.revoked_at(),
        }
    }
}

/// `POST /enrolments`
pub(super) async fn create(
    State(app): State<App>,
    caller: Authenticated,
    key: Key,
    body: JsonBody,
) -> Result<Response, Failure> {
    let now = app.clock.now();
    let request = EnrolmentRequest::parse(body.bytes())?;
    let identity = Identity::of(&app, &caller).await?;
    let caller = identity.caller(now)?;
    caller.as_owner()?;
    let once = Once::begin(&app, key, "POST /enrolments", identity.subject(), body.wish(), now).await?;
    if once.known().is_some() {
        return renewed(&app, &once, caller, now).await;
    }
    let policy = app.config.policy();
    for _ in 0..ATTEMPTS {
        let made = make_enrolment(caller, request.clone(), policy, &app.code_key, now, &mut app.random.clone())?;
        let MadeEnrolment { change, enrolment, token } = made;
        let answer = Answer::created(&EnrolmentView::of(&enrolment, now))?;
        let secret = Some((TOKEN, token.expose().into()));
        let note = |record: IdempotencyRecord| record.with_enrolment(enrolment.id());
        if let Some(response) = once.commit_with(change, enrolment.organisation(), answer, secret, note).await? {
            return Ok(response);
        }
    }
    Err(Refusal::Overloaded.into())
}

/// The same request again: the first token is not kept, so it is another, and the first is void.
async fn renewed(app: &App, once: &Once<'_>, caller: Caller<'_>, now: UnixTime) -> Result<Response, Failure> {
    let known = once.known().ok_or(Refusal::StoreUnavailable)?;
    let id = known.record.enrolment().ok_or(Refusal::StoreUnavailable)?;
    for _ in 0..ATTEMPTS {
        let enrolment: Option<Loaded<EnrolmentRecord>> = app.state.load(&Slot::enrolment(id)).await?;
        let made = renew_enrolment(caller, enrolment.as_ref(), &app.code_key, now, &mut app.random.clone())?;
        if let Commit::Done { .. } = app.state.commit(&made.change).await? {
            let answer = Answer::created(&EnrolmentView::of(&made.enrolment, now))?;
            return Ok(answer.response(None, Some((TOKEN, made.token.expose().into()))));
        }
    }
    Err(Refusal::Overloaded.into())
}

#[derive(Serialize)]
struct PageView<'a> {
    enrolments: Vec<EnrolmentView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// `GET /enrolments?after=&limit=`: an owner's, or all for readers.
pub(super) async fn list(State(app): State<App>, caller: Authenticated, request: Request) -> Result<Response, Failure> {
    let now = app.clock.now();
    let form = Form::parse(request.uri().query().unwrap_or_default().as_bytes())?.only(&["after", "limit"])?;
    let after = form.one("after")?.map(EnrolmentId::parse).transpose().map_err(|_| Refusal::InvalidRequest)?;
    let limit = limit_of(&form)?;
    let identity = Identity::of(&app, &caller).await?;
    let (enrolments, next) = page(&app, identity.caller(now)?, after.as_ref(), limit).await?;
    let enrolments = enrolments.iter().map(|enrolment| EnrolmentView::of(enrolment, now)).collect();
    Ok(Json(PageView { enrolments, next }).into_response())
}

async fn page(
    app: &App,
    caller: Caller<'_>,
    after: Option<&EnrolmentId>,
    limit: usize,
) -> Result<(Vec<EnrolmentRecord>, Option<String>), Refusal> {
    if let Ok(reader) = caller.as_reader() {
        let page = app.state.page::<EnrolmentRecord>("", after.map(EnrolmentId::as_str), limit).await?;
        let own = |record: &EnrolmentRecord| record.organisation() == reader.organisation();
        return Ok((page.records.into_iter().filter(own).collect(), page.next));
    }
    let owner = caller.as_owner()?;
    let after = after.map(|id| Slot::owned_enrolment(owner.id(), id));
    let prefix = Slot::owned_enrolments_prefix(owner.id());
    let page = app.state.page::<OwnedEnrolment>(&prefix, after.as_ref().map(Slot::key), limit).await?;
    let mut enrolments = Vec::with_capacity(page.records.len());
    for owned in &page.records {
        let found: Option<Loaded<EnrolmentRecord>> = app.state.load(&Slot::enrolment(owned.enrolment())).await?;
        // both are written together
        enrolments.push(found.ok_or(Refusal::StoreUnavailable)?.record);
    }
    Ok((enrolments, page.next.and_then(|key| key.strip_prefix(&prefix).map(str::to_owned))))
}

/// `POST /enrolments/{id}/revoke`
pub(super) async fn revoke(
    State(app): State<App>,
    Name(id): Name,
    caller: Authenticated,
    body: JsonBody,
) -> Result<Response, Failure> {
    let now = app.clock.now();
    let ReasonRequest { reason } = ReasonRequest::parse(body.bytes())?;
    let identity = Identity::of(&app, &caller).await?;
    let caller = identity.caller(now)?;
    let id = EnrolmentId::parse(&id).map_err(|_| Refusal::UnknownEnrolment)?;
    for _ in 0..ATTEMPTS {
        let enrolment: Option<Loaded<EnrolmentRecord>> = app.state.load(&Slot::enrolment(&id)).await?;
        let is_done = match revoke_enrolment(caller, enrolment.as_ref(), reason.clone(), now)? {
            Outcome::Unchanged => true,
            Outcome::Changed(change) => matches!(app.state.commit(&change).await?, Commit::Done { .. }),
        };
        if is_done {
            let enrolment: Option<Loaded<EnrolmentRecord>> = app.state.load(&Slot::enrolment(&id)).await?;
            let enrolment = enrolment.ok_or(Refusal::StoreUnavailable)?.record;
            return Ok(Json(EnrolmentView::of(&enrolment, now)).into_response());
        }
    }
    Err(Refusal::Overloaded.into())
}
