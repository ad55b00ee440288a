//! One key's view of one registry.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use handfast_dpop::Target;
use handfast_fetch::{Mode, SetupError, connecting_client};
use http::header::CONTENT_TYPE;
use reqwest::Url;
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, RequestBuilder};
use tokio::sync::OnceCell;

use super::agents::{Claim, OwnerRecord, Registered};
use super::claims::ClaimStatus;
use super::once::{IDEMPOTENCY_KEY, once};
use super::{AgentVersion, Answer, Management, Metadata, Role};
use crate::clock::{Clock, SystemClock};
use crate::delegation::{Bundle, Delegated, DelegationBuilder, DelegationError, DelegationSource};
use crate::error::{AnswerError, ClientError, SignError};
use crate::key::DpopKey;
use crate::keyring::Keyring;
use crate::rehearsal::{PlannedCredentials, Rehearse};
use crate::signing::{Credentials, Destinations, Issuer, Prover, Signer};
use crate::statement::{AgentRegistration, OwnerRegistration, STATEMENT_MEDIA_TYPE, version_statement};

/// A registry that needs longer for one call is down.
pub(super) const TIMEOUT: Duration = Duration::from_secs(15);

/// One key's view of one registry. Cloning shares it.
///
/// The registry is the one the user named, so it may be at any address; everything it says about endpoints has to stay at
/// that origin. Plain `http` means a development registry, and is for loopback only.
#[derive(Clone)]
pub struct RegistryClient(Arc<Inner>);

struct Inner {
    issuer: Issuer,
    keys: Keyring,
    clock: Arc<dyn Clock>,
    /// Connections, without any credentials.
    plain: reqwest::Client,
    /// The same for what anybody may ask, and for statements that prove who makes them.
    open_http: ClientWithMiddleware,
    /// Nothing is sent.
    rehearses: bool,
    metadata: OnceCell<Metadata>,
    /// Nonces of the token endpoint and those of the API are two matters (DPOP-10).
    token_prover: Arc<Prover>,
    token_http: ClientWithMiddleware,
    api_prover: Arc<Prover>,
    proof_http: ClientWithMiddleware,
}

impl RegistryClient {
    /// The registry `issuer`, seen with `key`. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// [`ClientError::Argument`] for a text that is no issuer, [`ClientError::Setup`] without a trust store.
    pub fn new(issuer: &str, key: DpopKey) -> Result<Self, ClientError> {
        Self::with_clock(issuer, key, Arc::new(SystemClock))
    }

    /// The same by another clock.
    ///
    /// # Errors
    ///
    /// As [`RegistryClient::new`].
    pub fn with_clock(issuer: &str, key: DpopKey, clock: Arc<dyn Clock>) -> Result<Self, ClientError> {
        Self::of(issuer, key, clock, false)
    }

    /// The same, and nothing is ever sent: each call, and each of everything made of it, ends with
    /// [`ClientError::Rehearsed`] at its first request.
    ///
    /// # Errors
    ///
    /// As [`RegistryClient::new`].
    pub fn rehearsing(issuer: &str, key: DpopKey) -> Result<Self, ClientError> {
        Self::of(issuer, key, Arc::new(SystemClock), true)
    }

    fn of(issuer: &str, key: DpopKey, clock: Arc<dyn Clock>, rehearses: bool) -> Result<Self, ClientError> {
        let issuer = Issuer::parse(issuer)?;
        let plain = connecting_client(issuer.mode())?
            .user_agent(concat!("handfast/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| SetupError::Settings(error.into()))?;
        let destinations = Destinations::of(issuer.mode(), [issuer.as_str()]);
        let proving = |prover: &Arc<Prover>| {
            let signer = Signer::new(Arc::clone(prover), destinations.clone(), Credentials::ProofOnly);
            outermost(&plain, rehearses, PlannedCredentials::Proof).with(signer).build()
        };
        let keys = Keyring::new(key);
        let token_prover = Arc::new(Prover::new(keys.clone(), Arc::clone(&clock)));
        let api_prover = Arc::new(Prover::new(keys.clone(), Arc::clone(&clock)));
        Ok(Self(Arc::new(Inner {
            token_http: proving(&token_prover),
            proof_http: proving(&api_prover),
            open_http: outermost(&plain, rehearses, PlannedCredentials::Nothing).build(),
            rehearses,
            metadata: OnceCell::new(),
            issuer,
            keys,
            clock,
            plain,
            token_prover,
            api_prover,
        })))
    }

    /// The issuer identifier, as given.
    #[must_use]
    pub fn issuer(&self) -> &str {
        self.0.issuer.as_str()
    }

    /// The key, as it is now: a rotation changes it.
    #[must_use]
    pub fn key(&self) -> DpopKey {
        self.0.keys.current()
    }

    pub(crate) fn keys(&self) -> &Keyring {
        &self.0.keys
    }

    /// What the issuer's scheme says: plain `http` is development.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.0.issuer.mode()
    }

    /// The registry's metadata, fetched once; the document has to name this very issuer (MD-03).
    ///
    /// # Errors
    ///
    /// [`ClientError`]; a failure is not remembered.
    pub async fn metadata(&self) -> Result<&Metadata, ClientError> {
        self.0.metadata.get_or_try_init(|| self.discover()).await
    }

    /// Registers the key as an agent, with a statement made now. Without an answer it is sent again, and done once.
    ///
    /// # Errors
    ///
    /// [`ClientError`]; refusals are `invalid_did`, `weak_key`, `invalid_registration`, `proof_required`, `did_registered`,
    /// `slow_down`, and with an enrolment `invalid_enrolment`, `enrolment_used`, `enrolment_revoked`, `enrolment_expired`,
    /// `owner_closed`, `other_owner_expected`, `environment_mismatch`.
    pub async fn register_agent(&self, registration: &AgentRegistration) -> Result<Registered, ClientError> {
        let own = self.key();
        let statement = || registration.statement(&own, self.issuer(), self.0.clock.now());
        let answer = once(async |key| self.state("agents", statement().await?, key).await).await?;
        let mut registered = Registered::read(&answer, self.key().did())?;
        if registered.lacks_code() {
            registered.claim = Some(self.new_claim_code().await?);
        }
        Ok(registered)
    }

    /// States the version of this key's agent, with a statement made now.
    ///
    /// # Errors
    ///
    /// [`ClientError`]; refusals are `unknown_agent`, `not_claimed`, `agent_suspended`, `agent_retired`, `agent_revoked`,
    /// `invalid_version`, `stale_statement`, `slow_down`.
    pub async fn state_version(&self, version: &str) -> Result<AgentVersion, ClientError> {
        let statement = version_statement(version, &self.key(), self.issuer(), self.0.clock.now()).await?;
        let key = self.key();
        let did = key.did();
        Ok(self.post_statement(["agents", did.as_str(), "version"], statement).await?.read("the stated version")?)
    }

    /// Registers the key as an owner's. Without an answer it is sent again, and done once.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub async fn register_owner(&self, registration: &OwnerRegistration) -> Result<OwnerRecord, ClientError> {
        let own = self.key();
        let statement = || registration.statement(&own, self.issuer(), self.0.clock.now());
        let answer = once(async |key| self.state("owners", statement().await?, key).await).await?;
        OwnerRecord::read(&answer, self.key().did())
    }

    /// A new claim code for this key's agent, in place of one that is over: asked with a proof and no token.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub async fn new_claim_code(&self) -> Result<Claim, ClientError> {
        Ok(Claim::read(&call(self.0.proof_http.post(self.endpoint(["claims"]))).await?)?)
    }

    /// How the claim of this key's agent stands: asked with a proof and no token.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub async fn claim_status(&self, claim: &str) -> Result<ClaimStatus, ClientError> {
        let url = self.endpoint(["claims", claim]);
        ClaimStatus::read(&call(self.0.proof_http.get(url)).await?)
    }

    /// The management API, acting as `role`: each call carries a token of this key for the role's scope.
    ///
    /// # Errors
    ///
    /// [`ClientError::Argument`] for an issuer too long to be a resource identifier.
    pub fn acting_as(&self, role: Role) -> Result<Management, ClientError> {
        Ok(Management::new(self, role)?)
    }

    /// Passes on what `source` holds for this key: its own tokens, or a bundle it was given.
    pub fn delegate(&self, source: impl Into<DelegationSource>) -> DelegationBuilder {
        DelegationBuilder::new(self.clone(), source.into())
    }

    /// The use of a bundle that was made for this key; it need not be registered.
    ///
    /// # Errors
    ///
    /// [`DelegationError`] for a bundle of another key or registry, or one that has ended.
    pub fn with_delegation(&self, bundle: Bundle) -> Result<Delegated, DelegationError> {
        Delegated::new(self.clone(), bundle)
    }

    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.0.clock)
    }

    /// What a client with `credentials` is built around; where nothing is sent, it stops outside of all that is added.
    pub(crate) fn outermost(&self, credentials: PlannedCredentials) -> ClientBuilder {
        outermost(&self.0.plain, self.0.rehearses, credentials)
    }

    pub(crate) fn token_prover(&self) -> &Prover {
        &self.0.token_prover
    }

    pub(crate) fn token_http(&self) -> &ClientWithMiddleware {
        &self.0.token_http
    }

    pub(crate) fn api_prover(&self) -> Arc<Prover> {
        Arc::clone(&self.0.api_prover)
    }

    pub(super) fn open_http(&self) -> &ClientWithMiddleware {
        &self.0.open_http
    }

    pub(super) fn metadata_url(&self) -> Url {
        self.0.issuer.metadata_url()
    }

    pub(super) fn read_metadata(&self, answer: &Answer) -> Result<Metadata, AnswerError> {
        Metadata::read(answer, &self.0.issuer)
    }

    /// Where tokens come from, learning the algorithm names accepted there on the way (DPOP-122).
    pub(crate) async fn token_endpoint(&self) -> Result<Url, ClientError> {
        if self.0.rehearses {
            // nobody is asked where it is; a registry of this project has it there
            return Ok(self.endpoint(["oauth2", "token"]));
        }
        let metadata = self.metadata().await?;
        Ok(metadata.token_endpoint().clone())
    }

    pub(super) fn endpoint<'a>(&self, segments: impl IntoIterator<Item = &'a str>) -> Url {
        self.0.issuer.endpoint(segments)
    }

    async fn discover(&self) -> Result<Metadata, ClientError> {
        let request = self.0.open_http.get(self.0.issuer.metadata_url()).timeout(TIMEOUT);
        let response = request.send().await?;
        let metadata = Metadata::read(&Answer::of(response).await?.ok()?, &self.0.issuer)?;
        let target = Target::parse(metadata.token_endpoint.as_str()).map_err(SignError::from)?;
        for prover in [&self.0.token_prover, &self.0.api_prover] {
            prover.prefer(&target, &metadata.proof_algorithms);
        }
        Ok(metadata)
    }

    /// What anybody may ask.
    pub(super) async fn get_public<const N: usize>(&self, segments: [&str; N]) -> Result<Answer, ClientError> {
        call(self.0.open_http.get(self.endpoint(segments))).await
    }

    pub(super) async fn post_statement<const N: usize>(
        &self,
        segments: [&str; N],
        statement: String,
    ) -> Result<Answer, ClientError> {
        stated(self.0.open_http.post(self.endpoint(segments)), statement).await
    }

    /// The same for what creates something at `place`, under an idempotency key.
    async fn state(&self, place: &str, statement: String, key: &str) -> Result<Answer, ClientError> {
        stated(self.0.open_http.post(self.endpoint([place])).header(IDEMPOTENCY_KEY, key), statement).await
    }
}

impl fmt::Debug for RegistryClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegistryClient").field("issuer", &self.issuer()).field("keys", self.keys()).finish()
    }
}

fn outermost(plain: &reqwest::Client, rehearses: bool, credentials: PlannedCredentials) -> ClientBuilder {
    let builder = ClientBuilder::new(plain.clone());
    if rehearses { builder.with(Rehearse(credentials)) } else { builder }
}

/// Sends a statement, which proves possession by itself; no proof and no token go with it.
async fn stated(request: RequestBuilder, statement: String) -> Result<Answer, ClientError> {
    call(request.header(CONTENT_TYPE, STATEMENT_MEDIA_TYPE).body(statement)).await
}

/// Sends one call and gives the answer, if it is a success.
pub(super) async fn call(request: RequestBuilder) -> Result<Answer, ClientError> {
    Ok(Answer::of(request.timeout(TIMEOUT).send().await?).await?.ok()?)
}
