//! The short way: a key file in, a signing HTTP client out.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use handfast_identity::DidKey;
use reqwest_middleware::ClientWithMiddleware;

use crate::clock::{Clock, SystemClock};
use crate::delegation::{Bundle, Delegated, DelegationBuilder, DelegationError, DelegationSource};
use crate::error::{ArgumentError, ClientError};
use crate::http_client::AgentHttp;
use crate::keyfile::{Custody, KeyFile, KeyKind};
use crate::owner::{Owner, OwnerGate};
use crate::registry::RegistryClient;
use crate::secret::Secret;
use crate::token::{TokenManager, TokenRequest};

/// An agent: its key, its registry, and whose it is.
///
/// Where an owner was named at registration, no token is asked for before that owner has claimed the agent, and none ever if
/// somebody else has. Without a named owner the caller shows [`Agent::owner`] to whoever should know.
#[derive(Clone, Debug)]
pub struct Agent {
    file: KeyFile,
    /// As the file's; a rotation changes it with the key.
    custody: Arc<RwLock<Custody>>,
    registry: RegistryClient,
}

impl Agent {
    /// The agent of a key file.
    ///
    /// # Errors
    ///
    /// [`ClientError::KeyFile`] for an unusable file, [`ClientError::Argument`] for an owner's, or one without a registry.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, ClientError> {
        Self::from_key_file(KeyFile::load(path)?)
    }

    /// The agent of an encrypted key file.
    ///
    /// # Errors
    ///
    /// As [`Agent::load`]; [`KeyFileError::Passphrase`](crate::KeyFileError::Passphrase) for another passphrase.
    pub fn load_with(path: impl AsRef<Path>, passphrase: &Secret) -> Result<Self, ClientError> {
        Self::from_key_file(KeyFile::load_with(path, passphrase)?)
    }

    /// The agent of a key file that was read already.
    ///
    /// # Errors
    ///
    /// [`ClientError::Argument`] for an owner's key file, or one without a registry.
    pub fn from_key_file(file: KeyFile) -> Result<Self, ClientError> {
        Self::with_clock(file, Arc::new(SystemClock))
    }

    /// The same by another clock.
    ///
    /// # Errors
    ///
    /// As [`Agent::from_key_file`].
    pub fn with_clock(file: KeyFile, clock: Arc<dyn Clock>) -> Result<Self, ClientError> {
        let registry = RegistryClient::with_clock(issuer_of(&file)?, file.key.clone(), clock)?;
        Ok(Self::of(file, registry))
    }

    /// The same, and nothing is ever sent ([`RegistryClient::rehearsing`]).
    ///
    /// # Errors
    ///
    /// As [`Agent::from_key_file`].
    pub fn rehearsing(file: KeyFile) -> Result<Self, ClientError> {
        let registry = RegistryClient::rehearsing(issuer_of(&file)?, file.key.clone())?;
        Ok(Self::of(file, registry))
    }

    fn of(file: KeyFile, registry: RegistryClient) -> Self {
        let custody = Arc::new(RwLock::new(file.custody.clone()));
        Self { file, custody, registry }
    }

    /// Its DID, as it is now: a rotation changes it.
    #[must_use]
    pub fn did(&self) -> DidKey {
        self.registry.key().did().clone()
    }

    /// Its owner, as last seen.
    #[must_use]
    pub const fn owner(&self) -> Option<&Owner> {
        self.file.owner.as_ref()
    }

    /// What its key file holds, with the key as it is now.
    #[must_use]
    pub fn key_file(&self) -> KeyFile {
        let custody = self.custody.read().unwrap_or_else(PoisonError::into_inner).clone();
        KeyFile { key: self.registry.key(), custody, ..self.file.clone() }
    }

    /// Remembers where the secret of the key is that is good now.
    pub(crate) fn keeps(&self, custody: Custody) {
        *self.custody.write().unwrap_or_else(PoisonError::into_inner) = custody;
    }

    /// Its registry.
    #[must_use]
    pub const fn registry(&self) -> &RegistryClient {
        &self.registry
    }

    /// An HTTP client that signs: with tokens for `scopes` at `resource`, to the origin of `resource` and nowhere else.
    ///
    /// # Errors
    ///
    /// [`ClientError`]; the registry is asked with the first request, not here.
    pub fn http(&self, resource: &str, scopes: &[&str]) -> Result<ClientWithMiddleware, ClientError> {
        self.http_for(TokenRequest::new(resource, scopes)?)?.build()
    }

    /// The same for any token, and with more to choose.
    ///
    /// # Errors
    ///
    /// [`ClientError::Owner`] when another owner than the expected one is known to have claimed the agent.
    pub fn http_for(&self, request: TokenRequest) -> Result<AgentHttp, ClientError> {
        Ok(AgentHttp::with_tokens(Arc::new(self.tokens(request)?)))
    }

    /// Tokens without an HTTP client, for callers that send requests by other means.
    ///
    /// # Errors
    ///
    /// As [`Agent::http_for`].
    pub fn tokens(&self, request: TokenRequest) -> Result<TokenManager, ClientError> {
        Ok(TokenManager::guarded(&self.registry, request, self.gate()?))
    }

    /// Passes on what `source` holds: [`Agent::tokens`] of its own, or a bundle it was given.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// # use handfast_client::{Agent, TokenRequest};
    /// # use handfast_identity::DidKey;
    /// # let (agent, planner) = (Agent::load("agent.json")?, DidKey::parse("did:key:z6Mk…")?);
    /// let tokens = agent.tokens(TokenRequest::new("https://api.example", &["files:read", "files:write"])?)?;
    /// let delegation = agent.delegate(tokens).to(&planner).scope("files:read").sign().await?;
    /// println!("{}", delegation.bundle().expose());
    /// # Ok(())
    /// # }
    /// ```
    pub fn delegate(&self, source: impl Into<DelegationSource>) -> DelegationBuilder {
        self.registry.delegate(source)
    }

    /// The use of a bundle that was made for this agent.
    ///
    /// # Errors
    ///
    /// [`DelegationError`] for a bundle of another key or registry, or one that has ended.
    pub fn with_delegation(&self, bundle: Bundle) -> Result<Delegated, DelegationError> {
        self.registry.with_delegation(bundle)
    }

    fn gate(&self) -> Result<Option<OwnerGate>, ClientError> {
        let Some(expected) = self.file.expected_owner.as_deref() else { return Ok(None) };
        let (owner, claim) = (self.file.owner.as_ref(), self.file.claim.as_deref());
        Ok(Some(OwnerGate::new(expected, owner, claim, self.registry.clone())?))
    }
}

/// The registry that an agent's key file names.
fn issuer_of(file: &KeyFile) -> Result<&str, ArgumentError> {
    if file.kind != KeyKind::Agent {
        return Err(ArgumentError::KeyFile("this is an owner's key file, expected an agent's"));
    }
    file.issuer.as_deref().ok_or(ArgumentError::KeyFile("the key file names no registry: register the agent first"))
}
