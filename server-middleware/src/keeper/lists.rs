//! One issuer's status lists: fetched when a token names one, and again when they get old (spec/status-lists.md).

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex as Counts, PoisonError};

use bytes::Bytes;
use handfast_dpop::PublicBase;
use handfast_fetch::FetchError;
use handfast_identity::jws::JwsError;
use handfast_identity::{DidKey, PublicKey, Seconds, UnixTime};
use handfast_verifier::status_list::{ListError, StatusLists, UnverifiedStatusList, VerifiedStatusList};
use handfast_verifier::trust::Status;
use thiserror::Error;
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::task::JoinError;
use tokio::time::Instant;

use super::board::{Board, Place};
use super::keys::KeyKeeper;
use super::list_memory::ListFile;
use super::outbound::Outbound;
use super::pace::{Backoff, Pace};
use super::state_directory::StateError;
use crate::Clock;

/// How long a list is fetched again and again that no token asks for.
const LIST_IDLE_PERIOD: Seconds = Seconds::new(3600);
/// Most addresses of lists that could not be fetched which are remembered, so that they are not asked for at once again.
const MAX_FAILED_LISTS: usize = 64;

/// What is known of one issuer's status lists, in numbers. For metrics and health pages: it decides nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListLag {
    /// The issuer.
    pub issuer: String,
    /// Lists held.
    pub held: usize,
    /// The age of the oldest of them by its signed time; `None` while none is held.
    pub age: Option<Seconds>,
    /// How many of them went back, so that nothing they speak of is known.
    pub doubted: usize,
    /// Lists taken in since the start.
    pub applied: u64,
    /// Lists asked for in vain since the start, refused ones included.
    pub failed: u64,
}

/// Keeps one issuer's lists.
pub(super) struct ListKeeper {
    pub(super) issuer: String,
    pub(super) base: PublicBase,
    /// The one key that signs them; without it the issuer's token keys do.
    pub(super) key: Option<DidKey>,
    pub(super) keys: Arc<KeyKeeper>,
    pub(super) outbound: Outbound,
    pub(super) board: Arc<Board>,
    pub(super) place: Place,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) pace: Pace,
    /// Where it is kept how new the lists were.
    pub(super) file: Option<ListFile>,
    pub(super) state: Arc<Mutex<ListsState>>,
    pub(super) counts: Counts<(u64, u64)>,
}

/// What the keeper remembers between two fetches.
pub(super) struct ListsState {
    lists: StatusLists,
    /// How new they were by what is on the disk.
    kept: BTreeMap<String, UnixTime>,
    failed: HashMap<String, Failed>,
}

/// An address that was asked in vain.
struct Failed {
    backoff: Backoff,
    again_at: Instant,
}

#[derive(Debug, Error)]
enum ListsError {
    #[error(transparent)]
    Fetch(FetchError),
    #[error("the status list is none: {0}")]
    Form(#[source] JwsError),
    #[error("the status list is not of a key of the issuer's: {0}")]
    Signature(#[source] JwsError),
    #[error("the status list names no key of the issuer's")]
    Key,
    #[error(transparent)]
    List(ListError),
    #[error("the status list could not be read: {0}")]
    Reading(#[source] JoinError),
    #[error(
        "how new the status list is cannot be kept, and it is taken for no fresher than the one before until it can: {0}"
    )]
    Memory(#[source] StateError),
}

impl ListKeeper {
    /// Fetches lists again when they are due, without end.
    pub(super) async fn run(self: Arc<Self>) {
        loop {
            tokio::time::sleep(self.pace.feed_pause).await;
            let mut state = self.state.lock().await;
            let now = self.clock.now();
            let states: Vec<_> = state.lists.states().collect();
            for list in states {
                if now.since(list.asked_at) > LIST_IDLE_PERIOD {
                    state.lists.drop(&list.uri);
                    self.publish(&state);
                } else if (now >= list.due_at || list.is_doubted) && state.may_ask(&list.uri) {
                    self.fetch(&mut state, &list.uri).await;
                }
            }
        }
    }

    /// A token of the issuer names a list that is not held. All who come while one asks wait for the same answer.
    pub(super) async fn fetch_missing(self: Arc<Self>, uri: String) {
        let state = Arc::clone(&self.state).lock_owned().await;
        if state.lists.holds(&uri) || !state.may_ask(&uri) {
            return;
        }
        // in a task of its own: a caller that goes away must not end the one fetch for everybody else
        drop(tokio::spawn(self.fetch_owned(state, uri)).await);
    }

    async fn fetch_owned(self: Arc<Self>, mut state: OwnedMutexGuard<ListsState>, uri: String) {
        self.fetch(&mut state, &uri).await;
    }

    async fn fetch(&self, state: &mut ListsState, uri: &str) {
        let fetched = self.fetched(state, uri).await;
        // an older list changes what is known too: it puts the one held in doubt
        self.publish(state);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        match fetched {
            Ok(()) => {
                state.failed.remove(uri);
                counts.0 += 1;
            }
            Err(error) => {
                state.note_failed(uri, self.pace);
                counts.1 += 1;
                tracing::warn!(issuer = self.issuer, uri, %error, "a status list was not taken, the last good one stays until it is too old");
            }
        }
    }

    async fn fetched(&self, state: &mut ListsState, uri: &str) -> Result<(), ListsError> {
        // before it is asked for: what was revoked meanwhile may be missing
        let fetched_at = self.clock.now();
        let body = self.outbound.status_list(&self.base, uri).await.map_err(ListsError::Fetch)?;
        let list = self.verified(body).await?;
        let (mut lists, address) = (state.lists.clone(), uri.to_owned());
        // inflating a mebibyte takes milliseconds: not on a thread that serves requests
        let (lists, applied) = off_thread(move || {
            let applied = lists.apply(&address, &list, fetched_at);
            (lists, applied)
        })
        .await?;
        let before = std::mem::replace(&mut state.lists, lists);
        applied.map_err(ListsError::List)?;
        let kept = self.keep(state).await;
        if kept.is_err() {
            state.lists.no_fresher_than(uri, &before);
        }
        kept
    }

    /// Keeps how new the lists are, where that is not on the disk and there is one.
    async fn keep(&self, state: &mut ListsState) -> Result<(), ListsError> {
        let Some(file) = self.file.clone().filter(|_| state.kept != *state.lists.newest()) else { return Ok(()) };
        let newest = state.lists.newest().clone();
        state.kept = off_thread(move || file.save(&newest).map(|()| newest)).await?.map_err(ListsError::Memory)?;
        Ok(())
    }

    async fn verified(&self, body: Bytes) -> Result<VerifiedStatusList, ListsError> {
        let list = off_thread(move || {
            let text = core::str::from_utf8(&body).map_err(|_| JwsError::Form)?;
            UnverifiedStatusList::parse(text.trim_ascii())
        });
        let list = list.await?.map_err(ListsError::Form)?;
        let key = match &self.key {
            Some(key) => key.public_key().clone(),
            None => self.key_named(list.kid().ok_or(ListsError::Key)?).await.ok_or(ListsError::Key)?,
        };
        off_thread(move || list.verify(&key)).await?.map_err(ListsError::Signature)
    }

    /// A token key of the issuer's (TSL-28); an unknown one is worth a look, at a bounded pace (JWKS-04).
    async fn key_named(&self, kid: &str) -> Option<PublicKey> {
        let known = || self.board.facts().issuer(&self.issuer)?.keys.find(kid).cloned();
        match known() {
            Some(key) => Some(key),
            None => {
                Arc::clone(&self.keys).after_unknown_kid().await;
                known()
            }
        }
    }

    fn publish(&self, state: &ListsState) {
        self.board.set_status(self.place, Status::Lists(Arc::new(state.lists.clone())));
    }

    /// What is known, in numbers.
    pub(super) fn lag(&self, now: UnixTime) -> ListLag {
        let facts = self.board.facts();
        let states = match facts.issuer(&self.issuer).map(|issuer| &issuer.status) {
            Some(Status::Lists(lists)) => lists.states().collect(),
            _ => Vec::new(),
        };
        let (applied, failed) = *self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        ListLag {
            issuer: self.issuer.clone(),
            held: states.len(),
            age: states.iter().map(|list| now.since(list.issued_at)).max(),
            doubted: states.iter().filter(|list| list.is_doubted).count(),
            applied,
            failed,
        }
    }
}

async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ListsError> {
    tokio::task::spawn_blocking(work).await.map_err(ListsError::Reading)
}

impl ListsState {
    /// With what is known from before this process began.
    pub(super) fn resume(lists: StatusLists) -> Self {
        let kept = lists.newest().clone();
        Self { lists, kept, failed: HashMap::new() }
    }

    fn may_ask(&self, uri: &str) -> bool {
        self.failed.get(uri).is_none_or(|failed| Instant::now() >= failed.again_at)
    }

    fn note_failed(&mut self, uri: &str, pace: Pace) {
        if !self.failed.contains_key(uri) && self.failed.len() >= MAX_FAILED_LISTS {
            let first = self.failed.iter().min_by_key(|(_, failed)| failed.again_at).map(|(uri, _)| uri.clone());
            first.and_then(|uri| self.failed.remove(&uri));
        }
        let fresh = || Failed { backoff: Backoff::new(pace), again_at: Instant::now() };
        let failed = self.failed.entry(uri.to_owned()).or_insert_with(fresh);
        failed.again_at = Instant::now() + failed.backoff.wait();
    }
}
