//! Telling the feed: signed snapshots, increments and heartbeats.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use handfast_identity::UnixTime;
use handfast_identity::jws::JwsError;
use handfast_middleware::Clock;
use thiserror::Error;
use tokio::sync::{Mutex, Semaphore};

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
    waiting: Semaphore,
    /// Strangers may ask for snapshots at will: one is signed a second at most.
    snapshot: Mutex<Option<Signed>>,
}

#[derive(Clone)]
struct Signed {
    known: u64,
    at: UnixTime,
    text: Arc<str>,
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
        let waiting = Semaphore::new(usize::try_from(waiting_polls).unwrap_or(1));
        Self { book, keys, clock, waiting, snapshot: Mutex::new(None) }
    }

    /// The signed snapshot, at most a second old and never behind the store.
    pub(crate) async fn snapshot(&self) -> Result<Arc<str>, FeedError> {
        let mut kept = self.snapshot.lock().await;
        // read before the store is: nothing that is missing can be younger than the message says
        let now = self.clock.now();
        self.book.sync().await?;
        let known = self.book.known();
        if let Some(signed) = kept.as_ref().filter(|signed| signed.at == now && signed.known == known) {
            return Ok(Arc::clone(&signed.text));
        }
        let signed = self.sign(Reading::Snapshot, now)?;
        let text = Arc::clone(&signed.text);
        *kept = Some(signed);
        Ok(text)
    }

    /// What came after `after`, waiting up to `wait` for it; then a heartbeat, which is an increment of nothing.
    pub(crate) async fn after(&self, after: u64, wait: Duration) -> Result<Arc<str>, FeedError> {
        self.book.sync().await?;
        if after > self.book.known() {
            return Err(FeedError::Ahead);
        }
        // beyond the bound nobody waits: an early heartbeat is still true
        if let (false, Ok(_place)) = (wait.is_zero(), self.waiting.try_acquire()) {
            let mut positions = self.book.positions();
            let moved = positions.wait_for(|positions| positions.feed_to > after);
            // time is up, or the store is gone: either way the answer below says what is so
            let _ = tokio::time::timeout(wait, moved).await.map(|moved| moved.map(drop));
        }
        let now = self.clock.now();
        self.book.sync().await?;
        Ok(self.sign(Reading::After(after), now)?.text)
    }

    fn sign(&self, reading: Reading, now: UnixTime) -> Result<Signed, FeedError> {
        let known = self.book.known();
        let message = self.book.message(reading, MESSAGE_MAX_EVENTS, now).ok_or(FeedError::Ahead)?;
        Ok(Signed { known, at: now, text: message.sign(self.keys.feed())?.into() })
    }
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed").field("book", &self.book).finish_non_exhaustive()
    }
}
