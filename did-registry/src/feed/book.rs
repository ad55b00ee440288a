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
use crate::store::{PAGE_MAX_RECORDS, Positions, Store, StoreError, Table};

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
        // also before the first entry: a store that was begun for another issuer has another start
        let upto = *book.positions.borrow();
        if upto.feed_to == 0 {
            require_head(start, &upto)?;
        }
        Ok(book)
    }

    /// Catches up with the store: afterwards everything that was committed before this call is known.
    ///
    /// What is read counts only once its head is found to be the store's: damage stays an error, however often one asks.
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
        let (mut known, mut last) = {
            let pages = self.pages();
            (pages.len(), pages.last())
        };
        let mut news = Vec::new();
        while known < upto.feed_to {
            let page = self.store.page(Table::FEED, &[], Some(&known.to_be_bytes()), PAGE_MAX_RECORDS).await?;
            let before = known;
            for (_, record) in &page.records {
                // what was committed meanwhile is not covered by the head we have
                if known == upto.feed_to {
                    break;
                }
                let event = next(&record.value, known)?;
                last = last.after(&event).map_err(|_| damaged("an entry cannot be hashed"))?;
                news.push((event, last));
                known = event.seq;
            }
            if known == before {
                return Err(damaged("entries are missing"));
            }
        }
        if known == upto.feed_to {
            require_head(last, &upto)?;
        }
        self.append(news);
        Ok(())
    }

    fn append(&self, news: Vec<(FeedEvent, Head)>) {
        let mut pages = self.pages.write().unwrap_or_else(PoisonError::into_inner);
        let set = Arc::make_mut(&mut pages.set);
        news.iter().for_each(|(event, _)| set.insert(event));
        pages.events.extend(news);
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

/// The entry behind number `known`.
fn next(bytes: &[u8], known: u64) -> Result<FeedEvent, StoreError> {
    let event = stored(bytes).map_err(|_| damaged("an entry cannot be read"))?;
    if event.seq.checked_sub(1) == Some(known) { Ok(event) } else { Err(damaged("an entry is missing")) }
}

fn require_head(head: Head, upto: &Positions) -> Result<(), StoreError> {
    if *head.as_bytes() == upto.feed_head {
        Ok(())
    } else {
        Err(damaged("its head is not that of its entries under this issuer"))
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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed set-up should stop the test")]
mod tests {
    use handfast_identity::SigningKey;
    use handfast_registry_model::{FeedEntry, FeedKind};
    use handfast_verifier::revocation::{FeedError, FeedState, UnverifiedFeedMessage, VerifiedFeedMessage};

    use super::*;
    use crate::feed::{FeedChain, body};
    use crate::store::memory::{MemoryDisk, open_memory};
    use crate::store::{Batch, CommitFuture, EmbeddedStore, Page, StoreFuture};

    const ISSUER: &str = "https://id.example";
    const NOW: UnixTime = UnixTime::from_secs(1_795_262_400);

    fn empty() -> EmbeddedStore {
        open_memory(&MemoryDisk::default(), Arc::new(FeedChain::new(ISSUER)), "e1").unwrap()
    }

    async fn revoke(store: &dyn Store, name: &str) {
        let entry = FeedEntry { kind: FeedKind::Agent, id: name.to_owned(), cut: None, until: None };
        let mut batch = Batch::new();
        batch.feed(&body(ISSUER, &entry).unwrap()).unwrap();
        store.commit(batch).await.unwrap();
    }

    async fn book_of(events: usize) -> FeedBook {
        let store = Arc::new(empty());
        for number in 0..events {
            revoke(&*store, &number.to_string()).await;
        }
        FeedBook::open(store, ISSUER).await.unwrap()
    }

    /// A store whose feed reads otherwise than it was written: entry 2 names somebody else.
    #[derive(Debug)]
    struct Altered(EmbeddedStore);

    impl Store for Altered {
        fn get<'a>(&'a self, table: Table, key: &'a [u8]) -> StoreFuture<'a, Option<crate::store::Record>> {
            self.0.get(table, key)
        }

        fn page<'a>(
            &'a self,
            table: Table,
            prefix: &'a [u8],
            after: Option<&'a [u8]>,
            limit: usize,
        ) -> StoreFuture<'a, Page> {
            Box::pin(async move {
                let mut page = self.0.page(table, prefix, after, limit).await?;
                for (_, record) in &mut page.records {
                    let mut event = stored(&record.value).unwrap();
                    if event.seq == 2 {
                        event.cut = Some(NOW);
                        record.value = handfast_identity::json::to_jcs(&event).unwrap();
                    }
                }
                Ok(page)
            })
        }

        fn commit(&self, batch: Batch) -> CommitFuture<'_> {
            self.0.commit(batch)
        }

        fn positions(&self) -> watch::Receiver<Positions> {
            self.0.positions()
        }

        fn epoch(&self) -> &str {
            self.0.epoch()
        }

        fn health(&self) -> StoreFuture<'_, ()> {
            self.0.health()
        }
    }

    #[tokio::test]
    async fn damage_is_said_each_time_and_never_told() {
        let store = Arc::new(Altered(empty()));
        let book = FeedBook::open(store.clone(), ISSUER).await.unwrap();
        revoke(&*store, "1").await;
        book.sync().await.unwrap();
        for name in ["2", "3"] {
            revoke(&*store, name).await;
            for _ in 0..2 {
                assert!(matches!(book.sync().await, Err(StoreError::Corrupt { .. })));
                assert_eq!((book.known(), book.set().len()), (1, 1), "what was known stays, and nothing else");
            }
        }
        assert!(matches!(FeedBook::open(store, ISSUER).await, Err(StoreError::Corrupt { .. })));
    }

    fn signed(message: &FeedMessage) -> VerifiedFeedMessage {
        let key = SigningKey::from_ed25519_seed(&[7; 32]);
        let text = message.sign(&key).unwrap();
        UnverifiedFeedMessage::parse(&text).unwrap().verify(&key.public().did()).unwrap()
    }

    #[tokio::test]
    async fn a_reader_gets_everything_from_wherever_it_stands() {
        let book = book_of(5).await;
        let all = FeedState::start(ISSUER, signed(&book.message(Reading::Snapshot, 9, NOW).unwrap()), NOW).unwrap();
        assert_eq!((all.position().seq, all.set().len(), all.as_of()), (5, 5, NOW));
        for known in 0..=5 {
            let message = book.message(Reading::After(known), 9, NOW).unwrap();
            assert_eq!((message.from, message.to, message.issued_at), (known, 5, NOW));
            assert_eq!(message.head, all.position().head);
        }
        assert_eq!(book.message(Reading::After(6), 9, NOW), None);
        assert_eq!(book.message(Reading::After(u64::MAX), 9, NOW), None);
    }

    #[tokio::test]
    async fn a_message_that_does_not_reach_the_end_promises_no_freshness() {
        let book = book_of(5).await;
        let first = book.message(Reading::Snapshot, 2, NOW).unwrap();
        assert_eq!((first.to, first.issued_at), (2, UnixTime::EPOCH));
        let mut state = FeedState::start(ISSUER, signed(&first), NOW).unwrap();
        for (to, fresh) in [(4, UnixTime::EPOCH), (5, NOW), (5, NOW)] {
            let next = book.message(Reading::After(state.position().seq), 2, NOW).unwrap();
            state.apply(signed(&next), NOW).unwrap();
            assert_eq!((state.position().seq, state.as_of()), (to, fresh));
        }
        assert_eq!(state.set().len(), 5);
        let repeated = book.message(Reading::After(2), 2, NOW).unwrap();
        assert_eq!(state.apply(signed(&repeated), NOW), Err(FeedError::RolledBack));
    }

    #[tokio::test]
    async fn more_entries_than_a_page_are_read_and_news_are_caught_up_with() {
        let book = book_of(PAGE_MAX_RECORDS + 3).await;
        let known = book.known();
        assert_eq!(usize::try_from(known), Ok(PAGE_MAX_RECORDS + 3));
        revoke(&*book.store, "new").await;
        assert_eq!(book.known(), known);
        book.sync().await.unwrap();
        assert_eq!(book.known(), known + 1);
    }
}
