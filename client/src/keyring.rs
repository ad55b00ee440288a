//! The keys of one party in this process: the one that is good now, and those it had before, whose tokens live on.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use handfast_identity::DidKey;
use tokio::sync::{RwLock as Gate, RwLockReadGuard, RwLockWriteGuard};

use crate::key::DpopKey;

/// The keys, for everybody who signs. Cloning shares them: a key that is changed is changed for all.
#[derive(Clone)]
pub(crate) struct Keyring(Arc<Inner>);

struct Inner {
    keys: RwLock<Keys>,
    /// Held while a token is asked for, and alone while the key changes: no request for a token meets a key that was replaced
    /// while it was under way.
    gate: Gate<()>,
}

struct Keys {
    current: DpopKey,
    former: Vec<DpopKey>,
}

impl Keyring {
    pub(crate) fn new(key: DpopKey) -> Self {
        let keys = RwLock::new(Keys { current: key, former: Vec::new() });
        Self(Arc::new(Inner { keys, gate: Gate::new(()) }))
    }

    pub(crate) fn current(&self) -> DpopKey {
        self.with(|keys| keys.current.clone())
    }

    /// The key of `did`, if it is or was one of these.
    pub(crate) fn of(&self, did: &DidKey) -> Option<DpopKey> {
        self.with(|keys| std::iter::once(&keys.current).chain(&keys.former).find(|key| key.did() == did).cloned())
    }

    /// Makes `key` the current one.
    pub(crate) fn change(&self, key: DpopKey) {
        let mut keys = self.0.keys.write().unwrap_or_else(PoisonError::into_inner);
        if keys.current.did() != key.did() {
            let former = std::mem::replace(&mut keys.current, key);
            keys.former.push(former);
        }
    }

    /// While this is held, the key stays.
    pub(crate) async fn stays(&self) -> RwLockReadGuard<'_, ()> {
        self.0.gate.read().await
    }

    /// While this is held, nobody asks for a token.
    pub(crate) async fn alone(&self) -> RwLockWriteGuard<'_, ()> {
        self.0.gate.write().await
    }

    fn with<T>(&self, read: impl FnOnce(&Keys) -> T) -> T {
        read(&self.0.keys.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keyring({:?})", self.current())
    }
}
