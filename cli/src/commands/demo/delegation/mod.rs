//! The second act: an orchestrator passes a part of its authority on, and everybody who would have more is turned away.

mod bounds;
mod message;
mod stopping;

use std::time::Duration;

use handfast_client::{
    Agent, Bundle, ClientError, Delegated, Delegation, DelegationMode, DpopKey, ExchangeRequest, TokenManager,
    TokenRequest, reqwest,
};
use handfast_delegation::{Hop, Scope};
use handfast_dpop::ContentHash;
use handfast_identity::Seconds;

use super::{Cast, Seen, missing};
use crate::exit::{Exit, Failure};
use crate::local::{Local, OTHER_SCOPE, READ_SCOPE};
use message::{ByHand, Message, signing};
use stopping::Siblings;

/// How long a hop of the story lives.
const HOP_LIFETIME: Duration = Duration::from_secs(600);

/// An orchestrator, its sub-agent, and what was passed between them.
pub(crate) struct SecondAct<'a> {
    local: &'a Local,
    http: reqwest::Client,
    orchestrator: DpopKey,
    worker: DpopKey,
    delegation: Option<Delegation>,
    exchanged: Option<String>,
    one_folder: Option<Delegation>,
    siblings: Option<Siblings>,
}

impl<'a> SecondAct<'a> {
    /// The agent of the first act, and a sub-agent of the same owner.
    pub(crate) async fn new(cast: &Cast<'a>) -> Result<Self, Failure> {
        let worker = DpopKey::generate();
        cast.enrol("demo sub-agent", &worker, DelegationMode::Exchange).await?;
        Ok(Self {
            local: cast.local(),
            http: cast.plain_http(),
            orchestrator: cast.key().clone(),
            worker,
            delegation: None,
            exchanged: None,
            one_folder: None,
            siblings: None,
        })
    }

    pub(crate) async fn delegate(&mut self) -> Result<Seen, Failure> {
        let (agent, tokens) = self.tokens(&self.orchestrator)?;
        let signed = agent.delegate(tokens).to(self.worker.did()).scope(READ_SCOPE).ttl(HOP_LIFETIME).sign().await;
        let (seen, delegation) = Seen::of(200, signed)?;
        self.delegation = delegation;
        Ok(seen)
    }

    pub(crate) async fn exchange(&mut self) -> Result<Seen, Failure> {
        let tokens = self.delegated(&self.worker)?.tokens(ExchangeRequest::default());
        let (seen, token) = Seen::of(200, tokens.token().await)?;
        self.exchanged = token.map(|token| token.expose().to_owned());
        Ok(seen)
    }

    /// The sub-agent calls as any program would.
    pub(crate) async fn call(&self) -> Result<Seen, Failure> {
        let http = self.delegated(&self.worker)?.exchange().build()?;
        message::answer(http.get(self.local.echo_url()).send().await.map_err(ClientError::from)?).await
    }

    /// The same hop, presented without the registry, which the owner did not allow.
    pub(crate) async fn offline_refused(&self) -> Result<Seen, Failure> {
        let bundle = self.bundle()?;
        let (root, hops) = bundle.expose().split_once(',').ok_or_else(|| missing("a hop"))?;
        self.by_hand(&self.worker).send(&Message::call(root, Some(hops))).await
    }

    /// An agent whose owner allowed it: its sub-agent calls while nobody asks the registry.
    pub(crate) async fn offline_call(&self, cast: &Cast<'_>) -> Result<Seen, Failure> {
        let field_agent = DpopKey::generate();
        cast.enrol("demo field agent", &field_agent, DelegationMode::Offline).await?;
        let (agent, tokens) = self.tokens(&field_agent)?;
        let builder = agent.delegate(tokens).to(self.worker.did()).scope(READ_SCOPE).ttl(HOP_LIFETIME);
        let delegation = builder.sign().await?;
        let http = self
            .local
            .agent(self.worker.clone())?
            .with_delegation(delegation.bundle().clone())
            .map_err(ClientError::from)?;
        let http = http.offline()?.build()?;
        message::answer(http.get(self.local.echo_url()).send().await.map_err(ClientError::from)?).await
    }

    /// The orchestrator was talked into signing scope it does not have.
    pub(crate) async fn widen_scope(&self) -> Result<Seen, Failure> {
        let scope = Scope::parse(&format!("{READ_SCOPE} {OTHER_SCOPE}"));
        let scope = scope.map_err(|error| Failure::new(Exit::Failed, error.to_string()))?;
        self.exchange_altered(|hop| hop.authority.scope = scope).await
    }

    /// The same with a hop that outlives the root token.
    pub(crate) async fn widen_expiry(&self) -> Result<Seen, Failure> {
        self.exchange_altered(|hop| {
            hop.authority.expires_at = hop.issued_at.saturating_add(Seconds::new(3600));
        })
        .await
    }

    /// A hop of one root token under another of the same agent.
    pub(crate) async fn splice(&self) -> Result<Seen, Failure> {
        let (_, tokens) = self.tokens(&self.orchestrator)?;
        let other = tokens.token().await?;
        let (input, _) = other.expose().rsplit_once('.').ok_or_else(|| missing("another root token"))?;
        self.exchange_altered(|hop| hop.parent = ContentHash::of(input.as_bytes())).await
    }

    /// The exchanged token without the hops it stands on.
    pub(crate) async fn stripped_chain(&self) -> Result<Seen, Failure> {
        let token = self.exchanged.as_deref().ok_or_else(|| missing("an exchanged token"))?;
        self.by_hand(&self.worker).send(&Message::call(token, None)).await
    }

    fn tokens(&self, key: &DpopKey) -> Result<(Agent, TokenManager), Failure> {
        let agent = self.local.agent(key.clone())?;
        let request = TokenRequest::new(self.local.api_origin(), &[READ_SCOPE]).map_err(ClientError::from)?;
        let tokens = agent.tokens(request)?;
        Ok((agent, tokens))
    }

    fn bundle(&self) -> Result<Bundle, Failure> {
        self.delegation.as_ref().map(Delegation::bundle).cloned().ok_or_else(|| missing("a delegation"))
    }

    fn delegated(&self, key: &DpopKey) -> Result<Delegated, Failure> {
        let delegated = self.local.agent(key.clone())?.with_delegation(self.bundle()?);
        Ok(delegated.map_err(ClientError::from)?)
    }

    /// Requests of `key`'s holder without the client, which would not send them.
    fn by_hand<'k>(&'k self, key: &'k DpopKey) -> ByHand<'k> {
        ByHand { local: self.local, http: &self.http, key }
    }

    /// What the registry says to the good hop, changed in one thing and signed again by the orchestrator's own key.
    async fn exchange_altered(&self, alter: impl FnOnce(&mut Hop)) -> Result<Seen, Failure> {
        let bundle = self.bundle()?;
        let (root, _) = bundle.expose().split_once(',').ok_or_else(|| missing("a hop"))?;
        let mut hop = bundle.hops().next_back().cloned().ok_or_else(|| missing("a hop"))?;
        alter(&mut hop);
        let hop =
            hop.sign(&signing(&self.orchestrator)?).map_err(|error| Failure::new(Exit::Failed, error.to_string()))?;
        self.by_hand(&self.worker).send(&Message::exchange(self.worker.did(), root, None, &hop)).await
    }
}
