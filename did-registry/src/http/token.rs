//! `POST /oauth2/token`: `client_credentials` and token exchange, authenticated by the proof itself (RFC 6749 4.4, RFC 8693,
//! RFC 9449 5), beside which a client may assert itself as well (RFC 7523).
//!
//! Order: media type and form, the proof's unsigned parts, the client behind the key, the proof's signature, then what is
//! asked for. Proof and assertion are used up last, when a token is about to be made.

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use handfast_delegation::{ChainText, Tools};
use handfast_dpop::{CheckedProof, VerifiedProof};
use handfast_identity::{Thumbprint, UnixTime};
use handfast_middleware::Clock as _;
use handfast_registry_model::{
    AgentClient, AgentId, DidHolder, ExchangeRequest, GrantRequest, Loaded, Organisation, OwnerId, Places, Refusal,
    SelfTasks, Slot, StatusPlace, TokenDecision, TokenGrant, TokenRequest, agent_token, owner_token,
};
use serde::Serialize;
use serde_json::Value;

use super::answer::hand_out;
use super::assertion::Authenticated;
use super::body::FormBody;
use super::exchange::{self, Exchanging};
use super::revoke::require_past_cut;
use super::{App, Failure, proof};
use crate::state::{ATTEMPTS, Commit, unavailable};

#[derive(Serialize)]
struct TokenView<'a> {
    access_token: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    issued_token_type: Option<&'static str>,
    token_type: &'static str,
    expires_in: u64,
    scope: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    authorization_details: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    task: Option<&'a handfast_delegation::Task>,
}

/// The answer is OAuth JSON in every case (ERR-15).
pub(super) async fn token(State(app): State<App>, request: Request) -> Response {
    let now = app.clock.now();
    match granted(&app, request, now).await {
        Ok(granted) => answer(&app, &granted, now).await.unwrap_or_else(|failure| failure.oauth()),
        Err(failure) => failure.oauth(),
    }
}

/// A token decided upon, and the type an exchange names it by.
struct Granted {
    grant: TokenGrant,
    issued_type: Option<&'static str>,
}

async fn granted(app: &App, request: Request, now: UnixTime) -> Result<Granted, Failure> {
    let (parts, body) = request.into_parts();
    let form = FormBody::read(Request::from_parts(parts.clone(), body)).await?.form()?;
    let wanted = GrantRequest::from_form(form.pairs())?;
    let chain = exchange::presented(&parts.headers)?;
    let proof = proof::check(app, &parts, chain.as_ref().map(ChainText::hash), now)?;
    let client = Authenticated::check(app, &form, authenticated(&wanted, proof)?, now)?;
    match &wanted {
        GrantRequest::Credentials(_) if chain.is_some() => Err(Refusal::InvalidRequest.into()),
        GrantRequest::Credentials(wanted) => {
            let grant = own_token(app, wanted, &client, now).await?;
            Ok(Granted { grant, issued_type: None })
        }
        GrantRequest::Exchange(wanted) => {
            let grant = Exchanging { app, wanted, client: &client, now }.grant(chain.as_ref()).await?;
            Ok(Granted { grant, issued_type: Some(ExchangeRequest::ISSUED_TYPE) })
        }
    }
}

async fn own_token(
    app: &App,
    wanted: &TokenRequest,
    shown: &Authenticated,
    now: UnixTime,
) -> Result<TokenGrant, Failure> {
    let client = Client { app, wanted, prover: shown.thumbprint(), now };
    match app.state.holder(wanted.client()).await? {
        Some(DidHolder::Agent(id)) => client.agent(&id, shown).await,
        Some(DidHolder::Owner(id)) => client.owner(&id, shown).await,
        None => Err(Refusal::InvalidClient.into()),
    }
}

/// The client is who holds the key of its DID: nothing else is asked, and nothing less will do.
fn authenticated(wanted: &GrantRequest, proof: CheckedProof<'_>) -> Result<VerifiedProof, Failure> {
    if !wanted.client().thumbprint().is_same_key(&proof.claimed_thumbprint()) {
        return Err(Refusal::InvalidClient.into());
    }
    Ok(proof::verify(proof)?.0)
}

/// One client's request.
struct Client<'a> {
    app: &'a App,
    wanted: &'a TokenRequest,
    prover: Thumbprint,
    now: UnixTime,
}

impl Client<'_> {
    async fn owner(&self, id: &OwnerId, shown: &Authenticated) -> Result<TokenGrant, Failure> {
        let owner = self.app.state.owner(id).await?.ok_or(Refusal::InvalidClient)?;
        require_past_cut(self.app, id, self.now).await?;
        let (policy, random) = (self.app.config.policy(), &mut self.app.random.clone());
        let grant = owner_token(&owner.record, &self.prover, self.wanted, policy, self.now, random)?;
        shown.spend(self.app, self.now)?;
        self.app.metrics.note_token("owner");
        Ok(grant)
    }

    async fn agent(&self, id: &AgentId, shown: &Authenticated) -> Result<TokenGrant, Failure> {
        let mut is_spent = false;
        for _ in 0..ATTEMPTS {
            let (decision, organisation) = self.decide(id).await?;
            if !is_spent {
                shown.spend(self.app, self.now)?;
                is_spent = true;
            }
            let grant = match decision {
                TokenDecision::Ready(grant) => *grant,
                TokenDecision::NewPlace { writes, grant } => match self.app.state.note(&writes).await? {
                    Commit::Done { .. } => *grant,
                    Commit::Conflict => continue,
                },
                TokenDecision::NewTask { change, pending } => match self.app.state.commit(&change).await? {
                    Commit::Done { leaf: Some(leaf) } => pending.with_leaf(leaf),
                    // every change has its leaf; a token without it could not be told from one for an unlogged task
                    Commit::Done { leaf: None } => return Err(Refusal::StoreUnavailable.into()),
                    Commit::Conflict => continue,
                },
            };
            self.app.metrics.note_token("agent");
            self.app.usage.note(id, &organisation, &grant.token().authority.scope, self.now);
            return Ok(grant);
        }
        Err(Refusal::Overloaded.into())
    }

    async fn decide(&self, id: &AgentId) -> Result<(TokenDecision, Organisation), Refusal> {
        let state = &self.app.state;
        let agent = state.agent(id).await?.ok_or(Refusal::InvalidClient)?;
        let self_tasks: Option<Loaded<SelfTasks>> = state.load(&Slot::self_tasks(id)).await?;
        let list = self_tasks.as_ref().map(|list| &list.record);
        let task = match self.wanted.wanted_task(list) {
            Some(task) => state.task(task).await?,
            None => None,
        };
        let client = AgentClient {
            agent: &agent,
            self_tasks: self_tasks.as_ref(),
            task: task.as_ref(),
            places: places(self.app, task.as_ref().and_then(|task| task.record.place_for(&agent.record))).await?,
        };
        let (policy, random) = (self.app.config.policy(), &mut self.app.random.clone());
        let decision = agent_token(client, &self.prover, self.wanted, policy, self.now, random)?;
        if let Some(owner) = agent.record.owner() {
            require_past_cut(self.app, owner, self.now).await?;
        }
        Ok((decision, agent.record.organisation().clone()))
    }
}

/// What the lists say of the place that a record names, and a free one.
pub(super) async fn places(app: &App, known: Option<StatusPlace>) -> Result<Places, Refusal> {
    let is_good = match known {
        Some(place) => app.status.is_good(place).await?,
        None => false,
    };
    Ok(Places { is_good, free: app.status.free(&mut app.random.clone())? })
}

async fn answer(app: &App, Granted { grant, issued_type }: &Granted, now: UnixTime) -> Result<Response, Failure> {
    let token = grant.token();
    if let Some(reference) = &token.status {
        app.status.require_held(reference).await?;
    }
    // a key that was revoked just now signs nothing any more
    app.book.sync().await.map_err(|error| unavailable(&error))?;
    let signing = app.facts.signing_key(&app.keys)?;
    let text = token.sign(&signing.id, &signing.key).map_err(|error| {
        tracing::error!(%error, "a token cannot be signed");
        Refusal::StoreUnavailable
    })?;
    // DPOP-138
    tracing::info!(client = token.client_id.as_str(), token_id = token.token_id.as_str(), scope = %token.authority.scope, "a token was issued");
    let view = TokenView {
        access_token: &text,
        issued_token_type: *issued_type,
        token_type: "DPoP",
        expires_in: grant.expires_in().get(),
        scope: token.authority.scope.to_string(),
        // RAR-05
        authorization_details: token.authority.tools.as_ref().map(Tools::to_details),
        task: token.task.as_ref(),
    };
    let mut response = Json(view).into_response();
    hand_out(&proof::next_nonce(app, now), response.headers_mut());
    Ok(response)
}
