//! Telling the feed: signed snapshots, increments and heartbeats.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use handfast_identity::UnixTime;
use handfast_identity::jws::JwsError;
use handfast_middleware::Clock;
use thiserror::Error;
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore, watch};

use super::book::Reading;
use super::{FeedBook, MESSAGE_MAX_EVENTS};
use crate::keys::RegistryKeys;
use crate::store::StoreError;

/// The longest a poll waits. A reader that is to notice a dead registry asks for less.
pub(crate) const WAIT_MAX_SECONDS: u64 = 30;

/// The feed as it is told to the outside.
pub(crate) struct Feed {
    book: Arc<FeedBook>,
    keys: Arc<RegistryKeys>,
    clock: Arc<dyn Clock>,
    waiting: Arc<Semaphore>,
    stopped: watch::Sender<bool>,
    /// Strangers may ask for snapshots at will: one is signed a second at most.
    snapshot: Mutex<Option<Signed>>,
}

/// One signed message.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    /// The number up to which it brings its reader.
    pub(crate) to: u64,
    /// The compact JWS.
    pub(crate) text: Arc<str>,
}

struct Signed {
    known: u64,
    at: UnixTime,
    told: Told,
}

/// Why nothing was told.
#[derive(Debug, Error)]
pub(crate) enum FeedError {
    /// The reader knows more than was ever said: it followed another feed, or this one was rolled back.
    #[error("the feed has not come as far as the reader")]
    Ahead,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the feed message cannot be signed: {0}")]
    Sign(#[from] JwsError),
}

impl Feed {
    pub(crate) fn new(book: Arc<FeedBook>, keys: Arc<RegistryKeys>, clock: Arc<dyn Clock>, waiting_polls: u32) -> Self {
        let waiting = Arc::new(Semaphore::new(usize::try_from(waiting_polls).unwrap_or(1)));
        Self { book, keys, clock, waiting, stopped: watch::Sender::new(false), snapshot: Mutex::new(None) }
    }

    /// The signed snapshot, at most a second old and never behind the store.
    pub(crate) async fn whole(&self) -> Result<Told, FeedError> {
        let mut kept = self.snapshot.lock().await;
        // read before the store is: nothing that is missing can be younger than the message says
        let now = self.clock.now();
        self.book.sync().await?;
        let known = self.book.known();
        if let Some(signed) = kept.as_ref().filter(|signed| signed.at == now && signed.known == known) {
            return Ok(signed.told.clone());
        }
        let told = self.sign(Reading::Snapshot, now)?;
        *kept = Some(Signed { known, at: now, told: told.clone() });
        Ok(told)
    }

    /// What came after `after`, waiting up to `wait` for it; then a heartbeat, which is an increment of nothing.
    pub(crate) async fn after(&self, after: u64, wait: Duration) -> Result<Told, FeedError> {
        // beyond the bound nobody waits: an early heartbeat is still true
        let place = if wait.is_zero() { None } else { self.place() };
        let wait = if place.is_some() { wait } else { Duration::ZERO };
        self.news(after, wait).await
    }

    /// A place among those that wait.
    pub(super) fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.waiting).try_acquire_owned().ok()
    }

    /// As [`Self::after`], for somebody who has a place. From before the base it is the snapshot, the same one as for everybody.
    pub(super) async fn news(&self, after: u64, wait: Duration) -> Result<Told, FeedError> {
        self.book.sync().await?;
        if after > self.book.known() {
            return Err(FeedError::Ahead);
        }
        if !wait.is_zero() {
            let mut positions = self.book.positions();
            let moved = positions.wait_for(|positions| positions.feed_to > after);
            // time is up, or the store is gone: either way the answer below says what is so
            let _ = tokio::time::timeout(wait, moved).await.map(|moved| moved.map(drop));
        }
        if self.book.is_behind_base(after) {
            return self.whole().await;
        }
        let now = self.clock.now();
        self.book.sync().await?;
        self.sign(Reading::After(after), now)
    }

    /// Ends all streams, for the server is going away.
    pub(crate) fn stop(&self) {
        self.stopped.send_replace(true);
    }

    pub(super) fn stopped(&self) -> watch::Receiver<bool> {
        self.stopped.subscribe()
    }

    fn sign(&self, reading: Reading, now: UnixTime) -> Result<Told, FeedError> {
        let message = self.book.message(reading, MESSAGE_MAX_EVENTS, now).ok_or(FeedError::Ahead)?;
        Ok(Told { to: message.to, text: message.sign(self.keys.feed())?.into() })
    }
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed").field("book", &self.book).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed set-up should stop the test")]
mod tests {
    use handfast_registry_model::{FeedEntry, FeedKind};
    use handfast_testkit::CountedRandom;

    use super::*;
    use crate::feed::{FeedChain, body};
    use crate::store::memory::{MemoryDisk, open_memory};
    use crate::store::{Batch, Store as _};

    const ISSUER: &str = "https://id.example";

    #[tokio::test]
    async fn whoever_stands_before_the_base_shares_the_snapshot_of_the_second() {
        let store = Arc::new(open_memory(&MemoryDisk::default(), Arc::new(FeedChain::new(ISSUER)), "e1").unwrap());
        let at = UnixTime::from_secs;
        for until in [None, Some(at(10)), None] {
            let id = until.map_or("state", |_| "act").to_owned();
            let mut batch = Batch::new();
            batch.feed(&body(ISSUER, &FeedEntry { kind: FeedKind::Task, id, cut: None, until }).unwrap()).unwrap();
            store.commit(batch).await.unwrap();
        }
        let book = Arc::new(FeedBook::open(store, ISSUER).await.unwrap());
        let keys = Arc::new(RegistryKeys::generate(&mut CountedRandom::default()));
        let feed = Feed::new(Arc::clone(&book), keys, Arc::new(move || at(20)), 1);
        book.forget_expired(at(20)).await.unwrap();
        let whole = feed.whole().await.unwrap();
        for after in [0, 1] {
            let told = feed.after(after, Duration::ZERO).await.unwrap();
            assert!(Arc::ptr_eq(&told.text, &whole.text), "{after}: it was signed again");
        }
        assert_ne!(feed.after(2, Duration::ZERO).await.unwrap().text, whole.text, "an increment from the base on");
    }
}
