//! All entries of the feed in memory, as far as they are durable.
//!
//! Some hundred bytes an entry; a registry that revokes more agents than fit belongs on several. Keeping them is what lets a
//! snapshot, an increment and the check of our own routes be answered without reading the store.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use handfast_identity::UnixTime;
use handfast_verifier::revocation::{FeedEvent, FeedMessage, Head, RevocationSet};
use tokio::sync::{Mutex, watch};

use super::entry::stored;
use crate::store::{PAGE_MAX_RECORDS, Positions, Record, Store, StoreError, Table};

/// What the feed says, up to date with the store after [`FeedBook::sync`].
pub(crate) struct FeedBook {
    store: Arc<dyn Store>,
    positions: watch::Receiver<Positions>,
    issuer: String,
    pages: RwLock<Pages>,
    /// One reads the store at a time.
    reading: Mutex<()>,
}

struct Pages {
    start: Head,
    /// Event `n` at index `n - 1`, with the head after it.
    events: Vec<(FeedEvent, Head)>,
    set: Arc<RevocationSet>,
}

impl FeedBook {
    /// Reads the whole feed.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; an entry that does not fit the chain is damage.
    pub(crate) async fn open(store: Arc<dyn Store>, issuer: &str) -> Result<Self, StoreError> {
        let start = Head::start(issuer, store.epoch());
        let pages = Pages { start, events: Vec::new(), set: Arc::default() };
        let positions = store.positions();
        let book =
            Self { positions, store, issuer: issuer.to_owned(), pages: RwLock::new(pages), reading: Mutex::new(()) };
        book.sync().await?;
        Ok(book)
    }

    /// Catches up with the store: afterwards everything that was committed before this call is known.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; what was known stays known.
    pub(crate) async fn sync(&self) -> Result<(), StoreError> {
        if self.known() >= self.positions.borrow().feed_to {
            return Ok(());
        }
        let _alone = self.reading.lock().await;
        // INVARIANT: the position is copied, so that no lock of the store's is held while its entries are read
        let upto = *self.positions.borrow();
        while self.known() < upto.feed_to {
            let after = self.known().to_be_bytes();
            let page = self.store.page(Table::FEED, &[], Some(&after), PAGE_MAX_RECORDS).await?;
            if page.records.is_empty() {
                return Err(damaged("entries are missing"));
            }
            self.append(&page.records)?;
        }
        let head = self.pages().head_after(upto.feed_to);
        if head.is_some_and(|head| *head.as_bytes() == upto.feed_head) {
            Ok(())
        } else {
            Err(damaged("its entries are not those the head is over"))
        }
    }

    fn append(&self, records: &[(Vec<u8>, Record)]) -> Result<(), StoreError> {
        let mut pages = self.pages.write().unwrap_or_else(PoisonError::into_inner);
        for (_, record) in records {
            let event = stored(&record.value).map_err(|_| damaged("an entry cannot be read"))?;
            let last = pages.last();
            if event.seq != pages.len() + 1 {
                return Err(damaged("an entry is missing"));
            }
            let head = last.after(&event).map_err(|_| damaged("an entry cannot be hashed"))?;
            Arc::make_mut(&mut pages.set).insert(&event);
            pages.events.push((event, head));
        }
        Ok(())
    }

    /// The revoked names.
    pub(crate) fn set(&self) -> Arc<RevocationSet> {
        Arc::clone(&self.pages().set)
    }

    /// The last number known.
    pub(crate) fn known(&self) -> u64 {
        self.pages().len()
    }

    /// The message that brings a reader from `from` to at most `most` events further; from 0 without `prev` it is a snapshot.
    ///
    /// `now` must be a time from before the last [`sync`](Self::sync): freshness is promised as of then. A message that does
    /// not reach the end promises none: it is dated to the epoch, and the reader stays as stale as it was.
    ///
    /// `None` when the feed has never come as far as `from`.
    pub(crate) fn message(&self, reading: Reading, most: usize, now: UnixTime) -> Option<FeedMessage> {
        let pages = self.pages();
        let (from, prev) = match reading {
            Reading::Snapshot => (0, None),
            Reading::After(from) => (from, Some(pages.head_after(from)?)),
        };
        let behind = pages.events.get(usize::try_from(from).ok()?..)?;
        let events: Vec<_> = behind.iter().take(most).map(|(event, _)| *event).collect();
        let to = events.last().map_or(from, |event| event.seq);
        Some(FeedMessage {
            issuer: self.issuer.clone(),
            issued_at: if to == pages.len() { now } else { UnixTime::EPOCH },
            epoch: self.store.epoch().to_owned(),
            from,
            to,
            prev,
            head: pages.head_after(to)?,
            events,
        })
    }

    /// How far the store has come, for waiting.
    pub(crate) fn positions(&self) -> watch::Receiver<Positions> {
        self.positions.clone()
    }

    fn pages(&self) -> RwLockReadGuard<'_, Pages> {
        self.pages.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a reader asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// Everything.
    Snapshot,
    /// What came after this number.
    After(u64),
}

impl Pages {
    fn len(&self) -> u64 {
        // a count of entries in memory fits
        u64::try_from(self.events.len()).unwrap_or(u64::MAX)
    }

    fn last(&self) -> Head {
        self.events.last().map_or(self.start, |(_, head)| *head)
    }

    fn head_after(&self, seq: u64) -> Option<Head> {
        match seq.checked_sub(1) {
            None => Some(self.start),
            Some(index) => self.events.get(usize::try_from(index).ok()?).map(|(_, head)| *head),
        }
    }
}

fn damaged(what: &str) -> StoreError {
    StoreError::Corrupt { what: format!("the feed: {what}") }
}

impl fmt::Debug for FeedBook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FeedBook").field("known", &self.known()).finish_non_exhaustive()
    }
}
