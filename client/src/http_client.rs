//! Building the signing HTTP client.

use std::sync::Arc;

use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Middleware};

use crate::delegation::SharedBundle;
use crate::error::{ArgumentError, ClientError};
use crate::registry::RegistryClient;
use crate::rehearsal::PlannedCredentials;
use crate::signing::{Credentials, Destinations, Prover, Signer};
use crate::token::{TokenManager, TokenRequest};

/// A signing HTTP client under construction: for one kind of token and the origins it may go to.
pub struct AgentHttp {
    registry: RegistryClient,
    credentials: Credentials,
    origins: Vec<String>,
    around: Vec<Arc<dyn Middleware>>,
    binds_content: bool,
}

impl AgentHttp {
    /// A client whose requests carry tokens for `request`, and go to the origins of its resources.
    #[must_use]
    pub fn new(registry: &RegistryClient, request: TokenRequest) -> Self {
        Self::with_tokens(Arc::new(TokenManager::new(registry, request)))
    }

    /// A client with the tokens of `tokens`, which may serve others too: a delegation below them is then below the very tokens
    /// that are used here.
    #[must_use]
    pub fn with_tokens(tokens: Arc<TokenManager>) -> Self {
        let origins = tokens.resources().iter().map(ToString::to_string).collect();
        let registry = tokens.registry().clone();
        Self::of(registry, Credentials::Token(tokens), origins)
    }

    /// A client that presents the newest bundle as it is.
    pub(crate) fn offline(registry: &RegistryClient, bundle: SharedBundle) -> Self {
        let origins = bundle.current().authority().resources.iter().map(ToString::to_string).collect();
        let credentials = Credentials::Offline(bundle, registry.clock());
        Self::of(registry.clone(), credentials, origins)
    }

    const fn of(registry: RegistryClient, credentials: Credentials, origins: Vec<String>) -> Self {
        Self { registry, credentials, origins, around: Vec::new(), binds_content: false }
    }

    /// Allows one more origin: for a resource server whose URL is not its resource identifier. The tokens are readable there.
    #[must_use]
    pub fn also_to(mut self, origin: impl Into<String>) -> Self {
        self.origins.push(origin.into());
        self
    }

    /// Puts a middleware around the signer, a retry layer say: whatever it sends again is signed again.
    #[must_use]
    pub fn around(mut self, middleware: impl Middleware) -> Self {
        self.around.push(Arc::new(middleware));
        self
    }

    /// Has the proof of every request cover its content, with a `Content-Digest` field (RFC 9530) over the bytes as sent in
    /// the place of the caller's own. Servers that ask for it get it without this; it spares their first refusal, and covers
    /// the content on the way to servers that do not ask.
    ///
    /// A body that is a stream is then not sent ([`SignError::BodyNotReadable`](crate::SignError::BodyNotReadable)).
    #[must_use]
    pub const fn bind_content(mut self) -> Self {
        self.binds_content = true;
        self
    }

    /// The client.
    ///
    /// # Errors
    ///
    /// [`ArgumentError::NoOrigin`] when neither a resource nor an added origin is an `http` URL.
    pub fn build(self) -> Result<ClientWithMiddleware, ClientError> {
        let destinations = Destinations::of(self.registry.mode(), self.origins.iter().map(String::as_str));
        if destinations.is_empty() {
            return Err(ArgumentError::NoOrigin.into());
        }
        let planned = PlannedCredentials::Token { scope: self.credentials.scope() };
        let prover = Arc::new(Prover::new(self.registry.keys().clone(), self.registry.clock()));
        let signer = Signer::new(prover, destinations, self.credentials).binding_content(self.binds_content);
        let outside = self.registry.outermost(planned);
        let outside = self.around.into_iter().fold(outside, ClientBuilder::with_arc);
        Ok(outside.with(signer).build())
    }
}

impl std::fmt::Debug for AgentHttp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AgentHttp")
            .field("credentials", &self.credentials)
            .field("origins", &self.origins)
            .field("binds_content", &self.binds_content)
            .finish_non_exhaustive()
    }
}
