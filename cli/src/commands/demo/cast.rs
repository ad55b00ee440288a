//! Who plays: an agent, its owner, a second owner, and what each does in the story.

use handfast_client::{
    Agent, Claim, ClientError, DelegationMode, DpopKey, Management, OwnerRegistration, RegistryClient, Role,
    TokenManager, TokenRequest, reqwest,
};
use handfast_delegation::{
    AccessToken, ActorChain, Authority, Delegability, ResourceId, Scope, Task, Trigger, TriggerKind,
};
use handfast_identity::{OsRandom, Seconds, random_id};

use super::attack::Scene;
use super::{Seen, missing};
use crate::exit::{Exit, Failure};
use crate::local::{ELSEWHERE, HELLO_SCOPE, Local, READ_SCOPE, now};

const NAME: &str = "demo agent";

/// The players and their props.
pub(crate) struct Cast<'a> {
    local: &'a Local,
    key: DpopKey,
    agent: RegistryClient,
    admin: Management,
    owner: Management,
    second_owner: Management,
    http: reqwest::Client,
    claim: Option<Claim>,
    token: Option<String>,
}

impl<'a> Cast<'a> {
    /// Two owners who are already there, and an agent nobody knows yet.
    pub(crate) async fn new(local: &'a Local) -> Result<Self, Failure> {
        let first = local.admin().await?;
        let admin = first.acting_as(Role::Admin)?;
        let second = local.owner(admin.new_owner_code().await?).await?;
        let key = DpopKey::generate();
        Ok(Self {
            agent: local.registry(key.clone())?,
            key,
            owner: first.acting_as(Role::Owner)?,
            admin,
            second_owner: second.acting_as(Role::Owner)?,
            http: plain_client()?,
            local,
            claim: None,
            token: None,
        })
    }

    pub(crate) async fn register(&mut self) -> Result<Seen, Failure> {
        let registered = self.agent.register_agent(&self.local.registration(NAME)?).await;
        let (seen, registered) = Seen::of(201, registered)?;
        self.claim = registered.and_then(|registered| registered.claim);
        Ok(seen)
    }

    /// A statement for a DID, signed by somebody who does not hold its key.
    pub(crate) async fn register_for_somebody_else(&self) -> Result<Seen, Failure> {
        let (victim, thief) = (DpopKey::generate(), DpopKey::generate());
        let failed = |error: String| Failure::new(Exit::Failed, error);
        let statement = self.local.registration(NAME)?.statement(&victim, self.local.issuer(), now()).await;
        let statement = statement.map_err(|error| failed(error.to_string()))?;
        let by_thief = self.local.registration(NAME)?.statement(&thief, self.local.issuer(), now()).await;
        let by_thief = by_thief.map_err(|error| failed(error.to_string()))?;
        let (claims, _) = statement.rsplit_once('.').ok_or_else(|| missing("a statement"))?;
        let (_, signature) = by_thief.rsplit_once('.').ok_or_else(|| missing("a statement"))?;
        let answer = self
            .http
            .post(format!("{}/agents", self.local.issuer()))
            .header("content-type", "application/jwt")
            .body(format!("{claims}.{signature}"))
            .send()
            .await
            .map_err(|error| Failure::new(Exit::Unavailable, error.to_string()))?;
        let status = answer.status().as_u16();
        let body: serde_json::Value = answer.json().await.map_err(|error| failed(error.to_string()))?;
        let reason = body.get("reason").and_then(|reason| reason.as_str());
        Ok(Seen { status: Some(status), reason: reason.map(str::to_owned) })
    }

    /// The unclaimed agent tries its pre-claim token at a route that asks for more.
    pub(crate) async fn call_before_claim(&self) -> Result<Seen, Failure> {
        let token = self.take(self.local.api_origin(), HELLO_SCOPE).await?;
        let scene = Scene::new(self.http.clone(), token, &self.key)?;
        scene.send(&self.local.echo_url(), super::Forgery::None).await
    }

    pub(crate) async fn claim(&self) -> Result<Seen, Failure> {
        let claim = self.claim.as_ref().ok_or_else(|| missing("a claim code"))?;
        Ok(Seen::of(200, self.local.claim(&self.owner, self.key.did(), claim).await)?.0)
    }

    /// Somebody else types the same code.
    pub(crate) async fn claim_again(&self) -> Result<Seen, Failure> {
        let claim = self.claim.as_ref().ok_or_else(|| missing("a claim code"))?;
        Ok(Seen::of(200, self.local.claim(&self.second_owner, self.key.did(), claim).await)?.0)
    }

    pub(crate) async fn take_token(&mut self) -> Result<Seen, Failure> {
        let manager = self.tokens(self.local.api_origin(), READ_SCOPE)?;
        let (seen, token) = Seen::of(200, manager.token().await)?;
        self.token = token.map(|token| token.expose().to_owned());
        Ok(seen)
    }

    /// The agent calls as any program would: through the client that signs.
    pub(crate) async fn call(&self) -> Result<Seen, Failure> {
        let http = self.local.agent(self.key.clone())?.http(self.local.api_origin(), &[READ_SCOPE])?;
        let answer = http.get(self.local.echo_url()).send().await.map_err(ClientError::from)?;
        let status = answer.status().as_u16();
        if status < 400 {
            return Ok(Seen::accepted(status));
        }
        let body: serde_json::Value =
            answer.json().await.map_err(|error| Failure::new(Exit::Failed, error.to_string()))?;
        let reason = body.get("reason").and_then(|reason| reason.as_str()).unwrap_or("none given");
        Ok(Seen::refused(status, reason))
    }

    /// The stage for impostors: a good token of the agent's, and its key.
    pub(crate) async fn scene(&self) -> Result<Scene, Failure> {
        let token = self.token.clone().ok_or_else(|| missing("an access token"))?;
        Scene::new(self.http.clone(), token, &self.key)
    }

    /// A good token of the same agent, for another resource.
    pub(crate) async fn token_for_another_resource(&self) -> Result<String, Failure> {
        self.take(ELSEWHERE, READ_SCOPE).await
    }

    /// A token by the registry's own key, all as it should be but long past its end.
    pub(crate) fn expired_token(&self) -> Result<String, Failure> {
        let failed = |error: String| Failure::new(Exit::Failed, error);
        let key = self.local.token_key()?;
        let did = self.key.did();
        let issued_at = now().saturating_sub(Seconds::new(7200));
        let trigger = Trigger { kind: TriggerKind::OnItsOwn, by: did.text(), reference: None };
        let token = AccessToken {
            issuer: self.local.issuer().into(),
            subject: did.text(),
            client_id: did.text(),
            authority: Authority {
                expires_at: issued_at.saturating_add(Seconds::new(300)),
                ..Authority::of(
                    Scope::parse(READ_SCOPE).map_err(|error| failed(error.to_string()))?,
                    [ResourceId::parse(self.local.api_origin()).map_err(|error| failed(error.to_string()))?].into(),
                )
            },
            confirmation: Some(did.thumbprint()),
            actors: Some(ActorChain::root(did.as_str()).map_err(|error| failed(error.to_string()))?),
            task: Some(Task {
                id: random_id("task_", &mut OsRandom).into(),
                intent: String::new().into(),
                leaf: 0,
                trigger,
            }),
            environment: None,
            handle: None,
            delegability: Some(Delegability::ROOT),
            issued_at,
            not_before: None,
            token_id: random_id("tok_", &mut OsRandom).into(),
            chain: None,
            status: None,
            has_unreadable_restriction: false,
        };
        let kid = key.public().thumbprint().to_string();
        token.sign(&kid, &key).map_err(|error| failed(error.to_string()))
    }

    /// Registers another agent and has the same owner claim it.
    pub(crate) async fn enrol(&self, name: &str, key: &DpopKey, delegation: DelegationMode) -> Result<(), Failure> {
        self.enrol_for(&self.owner, name, key, delegation).await
    }

    /// The same for any owner.
    pub(crate) async fn enrol_for(
        &self,
        owner: &Management,
        name: &str,
        key: &DpopKey,
        delegation: DelegationMode,
    ) -> Result<(), Failure> {
        let registry = self.local.registry(key.clone())?;
        let registered = registry.register_agent(&self.local.registration(name)?).await?;
        let claim = registered.claim.ok_or_else(|| missing("a claim code"))?;
        Ok(self.local.claim_with(owner, key.did(), &claim, Some(delegation)).await?)
    }

    pub(crate) const fn local(&self) -> &'a Local {
        self.local
    }

    pub(crate) const fn key(&self) -> &DpopKey {
        &self.key
    }

    pub(crate) const fn owner(&self) -> &Management {
        &self.owner
    }

    pub(crate) fn plain_http(&self) -> reqwest::Client {
        self.http.clone()
    }

    pub(crate) async fn revoke(&self) -> Result<Seen, Failure> {
        let revoked = self.owner.revoke_agent(self.key.did().as_str(), Some("the demo is over")).await;
        Ok(Seen::of(200, revoked)?.0)
    }

    /// A new owner and his id.
    pub(crate) async fn another_owner(&self) -> Result<(Management, String), Failure> {
        let registry = self.local.registry(DpopKey::generate())?;
        let enrolment = self.admin.new_owner_code().await?;
        let registered = registry.register_owner(&OwnerRegistration { enrolment }).await?;
        Ok((registry.acting_as(Role::Owner)?, registered.id))
    }

    /// A token for the API, of the agent with this key.
    pub(crate) async fn token_of(&self, key: &DpopKey) -> Result<String, Failure> {
        Ok(self.try_token(key).await?)
    }

    /// The same, where a refusal is what the story is about.
    pub(crate) async fn try_token(&self, key: &DpopKey) -> Result<String, ClientError> {
        let request = TokenRequest::new(self.local.api_origin(), &[READ_SCOPE])?;
        let agent = self.local.agent(key.clone()).map_err(|failure| ClientError::Middleware(failure.to_string()))?;
        Ok(agent.tokens(request)?.token().await?.expose().to_owned())
    }

    fn tokens(&self, resource: &str, scope: &str) -> Result<TokenManager, Failure> {
        let agent: Agent = self.local.agent(self.key.clone())?;
        let request = TokenRequest::new(resource, &[scope]).map_err(ClientError::from)?;
        Ok(agent.tokens(request)?)
    }

    async fn take(&self, resource: &str, scope: &str) -> Result<String, Failure> {
        Ok(self.tokens(resource, scope)?.token().await?.expose().to_owned())
    }
}

/// A client that signs nothing by itself: what impostors use.
fn plain_client() -> Result<reqwest::Client, Failure> {
    let builder = handfast_fetch::connecting_client(handfast_fetch::Mode::Development);
    let builder = builder.map_err(|error| Failure::new(Exit::Failed, error.to_string()))?;
    builder.build().map_err(|error| Failure::new(Exit::Failed, error.to_string()))
}
