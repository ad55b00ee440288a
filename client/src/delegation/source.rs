//! Where delegated authority comes from: tokens that renew themselves, or a bundle that may be replaced by a newer one.

use std::sync::{Arc, PoisonError, RwLock};

use super::parent::Parent;
use super::{Bundle, Delegated};
use crate::error::ClientError;
use crate::token::TokenManager;

/// The newest bundle of one delegation, for everybody who uses it.
#[derive(Clone, Debug)]
pub(crate) struct SharedBundle(Arc<RwLock<Bundle>>);

impl SharedBundle {
    pub(super) fn new(bundle: Bundle) -> Self {
        Self(Arc::new(RwLock::new(bundle)))
    }

    pub(crate) fn current(&self) -> Bundle {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn replace(&self, bundle: Bundle) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = bundle;
    }
}

/// What is passed on: made of an agent's [`TokenManager`], of a [`Bundle`], or of a [`Delegated`], whose newest bundle counts.
#[derive(Clone, Debug)]
pub struct DelegationSource(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Root(Arc<TokenManager>),
    Bundle(SharedBundle),
}

impl DelegationSource {
    pub(super) async fn parent(&self) -> Result<Parent, ClientError> {
        match &self.0 {
            Kind::Root(tokens) => Ok(Parent::of_root(tokens.token().await?.expose())?),
            Kind::Bundle(bundle) => Ok(Parent::of_bundle(&bundle.current())),
        }
    }
}

impl From<Arc<TokenManager>> for DelegationSource {
    fn from(tokens: Arc<TokenManager>) -> Self {
        Self(Kind::Root(tokens))
    }
}

impl From<TokenManager> for DelegationSource {
    fn from(tokens: TokenManager) -> Self {
        Self(Kind::Root(Arc::new(tokens)))
    }
}

impl From<Bundle> for DelegationSource {
    fn from(bundle: Bundle) -> Self {
        Self(Kind::Bundle(SharedBundle::new(bundle)))
    }
}

impl From<&Delegated> for DelegationSource {
    fn from(delegated: &Delegated) -> Self {
        Self(Kind::Bundle(delegated.shared()))
    }
}
