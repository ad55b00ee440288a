//! One issuer's token keys: discovered, fetched, fetched again (RFC 8414, RFC 7517).

use std::sync::Arc;

use bytes::Bytes;
use handfast_dpop::{PublicBase, Target};
use handfast_fetch::FetchError;
use handfast_verifier::trust::{KeySet, KeySetError};
use thiserror::Error;
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::Instant;

use super::board::{Board, Place};
use super::discovery::{DiscoveryError, Metadata};
use super::name::{Name, NameError};
use super::outbound::Outbound;
use super::pace::{Backoff, Pace};
use crate::KeyRefresh;

/// Keeps one issuer's keys current.
pub(super) struct KeyKeeper {
    pub(super) issuer: String,
    pub(super) base: PublicBase,
    /// The `did:web` that the issuer was named by, if it was.
    pub(super) name: Option<Name>,
    /// Where its key set may be, beside its own origin.
    pub(super) key_hosts: Vec<String>,
    pub(super) outbound: Outbound,
    pub(super) board: Arc<Board>,
    pub(super) place: Place,
    pub(super) pace: Pace,
    pub(super) state: Arc<Mutex<KeyState>>,
}

/// What the keeper remembers between two fetches.
#[derive(Default)]
pub(super) struct KeyState {
    jwks_uri: Option<String>,
    last_set: Option<Bytes>,
    generation: u64,
    last_for_unknown: Option<Instant>,
    /// Whether the last fetch brought keys. One that never ended did not.
    is_current: bool,
}

impl KeyState {
    /// P-17: a key that could not be looked for is not the caller's fault.
    const fn outcome(&self) -> KeyRefresh {
        if self.is_current { KeyRefresh::Done } else { KeyRefresh::Unavailable }
    }
}

#[derive(Debug, Error)]
enum KeysError {
    #[error("{0}")]
    Metadata(#[source] DiscoveryError),
    #[error("metadata of the issuer: its `jwks_uri` is neither at its own origin nor at a host of `key_hosts`")]
    KeyHost,
    #[error("{0}")]
    Name(#[source] NameError),
    #[error("key set: {0}")]
    Set(#[source] FetchError),
    #[error("key set: {0}")]
    SetForm(#[source] KeySetError),
}

impl KeyKeeper {
    /// Fetches at once and then whenever the keys get old, without end.
    pub(super) async fn run(self: Arc<Self>) {
        let mut backoff = Backoff::new(self.pace);
        loop {
            let fetched = self.fetch(&mut *self.state.lock().await).await;
            let wait = match fetched {
                Ok(()) => {
                    backoff.reset();
                    self.pace.key_age
                }
                Err(error) => {
                    self.report(&error);
                    backoff.wait()
                }
            };
            tokio::time::sleep(wait).await;
        }
    }

    /// A token names a key that is not among ours. All who come while one asks wait for the same answer (TH54).
    pub(super) async fn after_unknown_kid(self: Arc<Self>) -> KeyRefresh {
        if !self.board.has_keys(self.place) {
            return KeyRefresh::Unavailable; // the loop is at it
        }
        let state = Arc::clone(&self.state).lock_owned().await;
        let may_ask = state.last_for_unknown.is_none_or(|last| last.elapsed() >= self.pace.key_cool_down);
        if !may_ask {
            return state.outcome();
        }
        // in a task of its own: a caller that goes away must not end the one fetch of this cool-down for everybody else
        tokio::spawn(self.fetch_for_unknown(state)).await.unwrap_or(KeyRefresh::Unavailable)
    }

    async fn fetch_for_unknown(self: Arc<Self>, mut state: OwnedMutexGuard<KeyState>) -> KeyRefresh {
        state.last_for_unknown = Some(Instant::now());
        if let Err(error) = self.fetch(&mut state).await {
            self.report(&error);
        }
        state.outcome()
    }

    fn report(&self, error: &KeysError) {
        self.board.keys_failed(self.place);
        tracing::warn!(issuer = self.issuer, %error, "token keys not fetched, the last good ones stay in use");
    }

    /// Fetches the key set. A fault drops the place it was fetched from, so that the next time asks for that again.
    async fn fetch(&self, state: &mut KeyState) -> Result<(), KeysError> {
        state.is_current = false;
        let jwks_uri = match state.jwks_uri.take() {
            Some(uri) => uri,
            None => self.discover().await?,
        };
        let set = self.outbound.document(&self.base, &jwks_uri).await.map_err(KeysError::Set)?;
        if state.last_set.as_ref() != Some(&set) {
            let keys = KeySet::parse(&set).map_err(KeysError::SetForm)?;
            state.generation += 1;
            self.board.set_keys(self.place, keys.with_generation(state.generation));
            state.last_set = Some(set);
        }
        state.jwks_uri = Some(jwks_uri);
        state.is_current = true;
        Ok(())
    }

    async fn discover(&self) -> Result<String, KeysError> {
        if let Some(name) = &self.name {
            name.require_same(&self.issuer, &self.base, &self.outbound).await.map_err(KeysError::Name)?;
        }
        let metadata = Metadata::of(&self.issuer, &self.base, &self.outbound).await.map_err(KeysError::Metadata)?;
        if self.may_hold_keys(&metadata.jwks_uri) { Ok(metadata.jwks_uri) } else { Err(KeysError::KeyHost) }
    }

    /// P-22: metadata sends nobody to hosts that the operator did not name.
    fn may_hold_keys(&self, url: &str) -> bool {
        let Ok(target) = Target::parse(url) else { return false };
        let host = target.origin().split_once("://").map_or("", |(_, authority)| authority);
        target.origin() == self.base.origin() || self.key_hosts.iter().any(|known| known == host)
    }
}
