//! Using what was passed on: presented as it is, or exchanged for a token of one's own.

use std::sync::Arc;

use super::{Bundle, DelegationError, SharedBundle};
use crate::error::ClientError;
use crate::http_client::AgentHttp;
use crate::registry::RegistryClient;
use crate::token::{BoundToken, ExchangeRequest, TokenManager};

/// A bundle in the hands of its delegate.
///
/// | | [`offline`](Self::offline) | [`exchange`](Self::exchange) |
/// |---|---|---|
/// | allowed when | the root token says so | always |
/// | needs the registry | no | for each token, which is renewed while the bundle runs |
/// | a revocation elsewhere | bites by the feed | bites by the feed, and at the next renewal |
#[derive(Debug)]
pub struct Delegated {
    registry: RegistryClient,
    bundle: SharedBundle,
}

impl Delegated {
    pub(crate) fn new(registry: RegistryClient, bundle: Bundle) -> Result<Self, DelegationError> {
        bundle.require_for(registry.keys().of(bundle.delegate()).unwrap_or_else(|| registry.key()).did())?;
        if bundle.issuer() != registry.issuer() {
            let (expected, found) = (registry.issuer().to_owned(), bundle.issuer().to_owned());
            return Err(DelegationError::OtherIssuer { expected, found });
        }
        bundle.require_running(registry.clock().now())?;
        Ok(Self { registry, bundle: SharedBundle::new(bundle) })
    }

    /// The newest bundle.
    #[must_use]
    pub fn bundle(&self) -> Bundle {
        self.bundle.current()
    }

    /// Puts a newer bundle of the same delegation in the place of the old one, for every client made from this.
    ///
    /// # Errors
    ///
    /// [`DelegationError`] for one that has ended, or is for another key, owner or task. The old one then stays.
    pub fn renew(&self, bundle: Bundle) -> Result<(), DelegationError> {
        let old = self.bundle();
        let same = |of: fn(&Bundle) -> &str| of(&old) == of(&bundle);
        // behind a rotation the newer one is for the newer key
        let is_ours = self.registry.keys().of(bundle.delegate()).is_some();
        if (old.delegate() != bundle.delegate() && !is_ours)
            || !same(Bundle::issuer)
            || !same(Bundle::subject)
            || !same(Bundle::task)
        {
            return Err(DelegationError::OtherDelegation);
        }
        bundle.require_running(self.registry.clock().now())?;
        self.bundle.replace(bundle);
        Ok(())
    }

    /// An HTTP client that presents root token and hops as they are, to the origins of the bundle's resources.
    ///
    /// # Errors
    ///
    /// [`DelegationError::OfflineNotPermitted`].
    pub fn offline(&self) -> Result<AgentHttp, ClientError> {
        require_offline(&self.bundle())?;
        Ok(AgentHttp::offline(&self.registry, self.shared()))
    }

    /// The root token with the hops beside it, for callers that send requests by other means.
    ///
    /// # Errors
    ///
    /// [`DelegationError::OfflineNotPermitted`] or [`DelegationError::Ended`].
    pub fn offline_token(&self) -> Result<BoundToken, ClientError> {
        let bundle = self.bundle();
        require_offline(&bundle)?;
        let key = self.registry.keys().of(bundle.delegate());
        Ok(BoundToken { key, ..bundle.offline_token(self.registry.clock().now())? })
    }

    /// An HTTP client with exchanged tokens for all that the bundle allows; the registry is asked with the first request.
    #[must_use]
    pub fn exchange(&self) -> AgentHttp {
        self.exchange_for(ExchangeRequest::default())
    }

    /// The same for a part of what the bundle allows.
    #[must_use]
    pub fn exchange_for(&self, request: ExchangeRequest) -> AgentHttp {
        AgentHttp::with_tokens(Arc::new(self.tokens(request)))
    }

    /// Exchanged tokens without an HTTP client.
    #[must_use]
    pub fn tokens(&self, request: ExchangeRequest) -> TokenManager {
        TokenManager::exchanging(&self.registry, self.shared(), request)
    }

    pub(super) fn shared(&self) -> SharedBundle {
        self.bundle.clone()
    }
}

fn require_offline(bundle: &Bundle) -> Result<(), DelegationError> {
    if bundle.is_for_offline() { Ok(()) } else { Err(DelegationError::OfflineNotPermitted) }
}
