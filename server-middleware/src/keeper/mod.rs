//! Follows the trusted issuers over the network: keys and revocation feed of each, in tasks of their own.

mod board;
mod discovery;
mod events;
mod feed;
mod introspection;
mod keys;
mod lag;
mod list_memory;
mod lists;
mod memory;
mod name;
mod outbound;
mod pace;
mod state_directory;

use std::fmt;
use std::future::{Future, ready};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use handfast_dpop::PublicBase;
use handfast_fetch::{Mode, SetupError};
use handfast_identity::{DidKey, DidWeb, UnixTime};
use handfast_verifier::revocation::{FeedKeys, FeedMemory};
use handfast_verifier::status_list::StatusLists;
use handfast_verifier::trust::{Facts, StatusSource, TrustedIssuer};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use crate::{Clock, FactsSource, KeyRefresh};
use board::Board;
use feed::FeedKeeper;
use introspection::{IntrospectionKeeper, answers_of, questions_at_once};
use keys::KeyKeeper;
use lag::Lag;
use list_memory::ListFile;
use lists::{ListKeeper, ListsState};
use memory::PositionFile;
use name::Name;
use outbound::Outbound;
use state_directory::StateDirectory;

pub(crate) use introspection::Caller;
pub use introspection::{CallerError, IntrospectionCounts};
pub use lag::FeedLag;
pub use lists::ListLag;
pub use pace::Pace;
pub use state_directory::StateError;

/// Facts about issuers that are followed. Dropping it ends the following.
pub(crate) struct Keeper {
    board: Arc<Board>,
    keys: Vec<Arc<KeyKeeper>>,
    lags: Vec<Lag>,
    lists: Vec<Arc<ListKeeper>>,
    introspections: Vec<Arc<IntrospectionKeeper>>,
    tasks: Vec<JoinHandle<()>>,
    /// This process's as long as somebody follows.
    state: Option<StateDirectory>,
}

/// An issuer to follow.
pub(crate) struct Followed {
    pub(crate) trust: TrustedIssuer,
    /// Where it is.
    pub(crate) base: PublicBase,
    /// The name that its operator was told by, if it was by this.
    pub(crate) did: Option<DidWeb>,
    /// As whom it is asked about tokens, if it is.
    pub(crate) caller: Option<Caller>,
}

/// Why nobody can be followed.
#[derive(Debug)]
pub(crate) enum KeeperError {
    Fetch(SetupError),
    State(StateError),
}

impl Keeper {
    /// Starts following `issuers` on the current runtime.
    pub(crate) fn start(
        issuers: Vec<Followed>,
        mode: Mode,
        clock: &Arc<dyn Clock>,
        pace: Pace,
        most_names: usize,
        state: Option<&Path>,
    ) -> Result<Self, KeeperError> {
        let outbound = Outbound::new(mode).map_err(KeeperError::Fetch)?;
        let state = state.map(StateDirectory::open).transpose().map_err(KeeperError::State)?;
        let records: Vec<_> = issuers.iter().map(|followed| followed.trust.clone()).collect();
        let board = Arc::new(Board::new(&records));
        let mut keeper = Self {
            board: Arc::clone(&board),
            keys: Vec::new(),
            lags: Vec::new(),
            lists: Vec::new(),
            introspections: Vec::new(),
            tasks: Vec::new(),
            state: None,
        };
        for (place, Followed { trust, base, did, caller }) in board.places().into_iter().zip(issuers) {
            let TrustedIssuer { issuer, status, key_hosts, .. } = trust;
            let name = did.map(|did| Name { did, feed_key: feed_key(&status).cloned(), clock: Arc::clone(clock) });
            let keys = Arc::new(KeyKeeper {
                issuer: issuer.clone(),
                base: base.clone(),
                name,
                key_hosts,
                outbound: outbound.clone(),
                board: Arc::clone(&board),
                place,
                pace,
                state: Default::default(),
            });
            if let StatusSource::StatusList { key, .. } = &status {
                let file = state.as_ref().map(|state| ListFile::of(state, &issuer));
                let known = remembered_lists(file.as_ref()).map_err(KeeperError::State)?;
                let lists = Arc::new(ListKeeper {
                    issuer: issuer.clone(),
                    base: base.clone(),
                    key: key.clone(),
                    keys: Arc::clone(&keys),
                    outbound: outbound.clone(),
                    board: Arc::clone(&board),
                    place,
                    clock: Arc::clone(clock),
                    pace,
                    file,
                    state: Arc::new(Mutex::new(ListsState::resume(known))),
                    counts: Default::default(),
                });
                keeper.tasks.push(tokio::spawn(Arc::clone(&lists).run()));
                keeper.lists.push(lists);
            }
            if let (StatusSource::Introspection { endpoint, .. }, Some(caller)) = (&status, caller) {
                keeper.introspections.push(Arc::new(IntrospectionKeeper {
                    issuer: issuer.clone(),
                    base: base.clone(),
                    caller,
                    endpoint: endpoint.clone(),
                    outbound: outbound.clone(),
                    answers: answers_of(&board, &issuer),
                    clock: Arc::clone(clock),
                    pace,
                    state: Default::default(),
                    places: Default::default(),
                    at_once: questions_at_once(),
                }));
            }
            if let StatusSource::Feed { key, recovery_key } = status {
                let lag = Lag::new(&issuer, most_names);
                keeper.lags.push(lag.clone());
                let pinned = FeedKeys::pinned(&issuer, key, recovery_key);
                let (feed_keys, memory) = match &state {
                    Some(state) => remembered(state, &issuer, pinned).map_err(KeeperError::State)?,
                    None => (pinned, None),
                };
                let feed = FeedKeeper {
                    issuer: issuer.clone(),
                    base: base.clone(),
                    feed_keys,
                    outbound: outbound.clone(),
                    board: Arc::clone(&board),
                    place,
                    clock: Arc::clone(clock),
                    pace,
                    most_names,
                    lag,
                    memory,
                };
                keeper.tasks.push(tokio::spawn(feed.run()));
            }
            keeper.tasks.push(tokio::spawn(Arc::clone(&keys).run()));
            keeper.keys.push(keys);
        }
        keeper.state = state;
        Ok(keeper)
    }

    /// Waits until every issuer was asked once, at most for `patience`.
    pub(crate) async fn asked_once(&self, patience: Duration) {
        if tokio::time::timeout(patience, self.board.asked_once()).await.is_err() {
            tracing::warn!("started before every issuer answered: tokens of those that did not are answered with 503");
        }
    }

    pub(crate) fn lags(&self, now: UnixTime) -> Vec<FeedLag> {
        self.lags.iter().map(|lag| lag.read(now)).collect()
    }

    pub(crate) fn list_lags(&self, now: UnixTime) -> Vec<ListLag> {
        self.lists.iter().map(|lists| lists.lag(now)).collect()
    }

    pub(crate) fn introspection_counts(&self) -> Vec<IntrospectionCounts> {
        self.introspections.iter().map(|asked| asked.counts()).collect()
    }

    pub(crate) async fn ready(&self) {
        self.board.ready().await;
    }
}

/// The feed key that an issuer's own document has to name: the pinned one, unless a recovery key is pinned too. Then what replaces it
/// is a statement of that key, and the document of the DID is no part of it.
const fn feed_key(status: &StatusSource) -> Option<&DidKey> {
    match status {
        StatusSource::Feed { key, recovery_key: None } => Some(key),
        StatusSource::Feed { recovery_key: Some(_), .. }
        | StatusSource::StatusList { .. }
        | StatusSource::Introspection { .. }
        | StatusSource::InProcess
        | StatusSource::None => None,
    }
}

/// What is kept of one issuer's feed: the file, and where it stood when this process began.
type Kept = (PositionFile, Option<FeedMemory>);

/// The feed key that counts, and where the feed of `issuer` stood. What is known is written at once: a file that cannot be is found
/// out now.
fn remembered(state: &StateDirectory, issuer: &str, pinned: FeedKeys) -> Result<(FeedKeys, Option<Kept>), StateError> {
    let file = PositionFile::of(state, issuer);
    let feed_keys = match file.load_statement()? {
        Some(statement) => pinned.resume(&statement).map_err(|why| file.not_the_recovery_keys(why))?,
        None => pinned,
    };
    let memory = file.load()?;
    if let Some(memory) = &memory {
        file.save(memory)?;
    }
    Ok((feed_keys, Some((file, memory))))
}

/// How new the lists were that were known before. It is written at once: a file that cannot be is found out now.
fn remembered_lists(file: Option<&ListFile>) -> Result<StatusLists, StateError> {
    let Some(file) = file else { return Ok(StatusLists::default()) };
    let newest = file.load()?;
    file.save(&newest)?;
    Ok(StatusLists::resume(newest))
}

impl FactsSource for Keeper {
    fn facts(&self, _: UnixTime) -> Arc<Facts> {
        self.board.facts()
    }

    fn refresh_keys<'a>(&'a self, issuer: &'a str) -> Pin<Box<dyn Future<Output = KeyRefresh> + Send + 'a>> {
        match self.keys.iter().find(|keys| keys.issuer == issuer) {
            Some(keys) => Box::pin(Arc::clone(keys).after_unknown_kid()),
            None => Box::pin(ready(KeyRefresh::Done)),
        }
    }

    fn fetch_status_list<'a>(&'a self, issuer: &'a str, uri: &'a str) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        match self.lists.iter().find(|lists| lists.issuer == issuer) {
            Some(lists) => Box::pin(Arc::clone(lists).fetch_missing(uri.to_owned())),
            None => Box::pin(ready(())),
        }
    }

    fn introspect<'a>(&'a self, issuer: &'a str, token: &'a str) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        match self.introspections.iter().find(|asked| asked.issuer == issuer) {
            Some(asked) => Box::pin(Arc::clone(asked).ask(token.to_owned())),
            None => Box::pin(ready(())),
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keeper").field("issuers", &self.keys.len()).field("state", &self.state).finish_non_exhaustive()
    }
}
