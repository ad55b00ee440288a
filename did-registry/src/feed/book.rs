//! The entries of the feed in memory, as far as they are durable and not forgotten.
//!
//! ```text
//!   1   2   3   4   5   6   7   8   9        states are kept for ever, acts until nothing they stop can be alive
//!   x   ·   ·   x   · | x   x   x   x
//!   `--- kept ----'   |  `--- tail --'       x: there, ·: forgotten
//!                    base                    increments go on from anywhere behind it, snapshots show the chain from it on
//! ```
//!
//! Some hundred bytes an entry; a registry that revokes more agents than fit belongs on several. Keeping them is what lets a
//! snapshot, an increment and the check of our own routes be answered without reading the store.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use handfast_identity::UnixTime;
use handfast_verifier::revocation::{
    FeedBase, FeedEvent, FeedMessage, FeedPosition, Head, RevocationKind, RevocationName, RevocationSet,
};
use tokio::sync::{Mutex, watch};

use super::MESSAGE_MAX_EVENTS;
use super::entry::stored;
use crate::store::{Batch, CommitError, PAGE_MAX_RECORDS, Positions, Store, StoreError, Table};

/// Entries forgotten in one commit: they fit a batch, and nobody's revocation waits long behind it.
const FORGOTTEN_AT_ONCE: usize = 4096;

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
    /// Where the unbroken chain begins: nothing behind it was forgotten.
    base: FeedBase,
    /// What is kept at or before the base.
    kept: Vec<FeedEvent>,
    /// Every event behind the base, with the head after it.
    tail: Vec<(FeedEvent, Head)>,
    set: Arc<RevocationSet>,
}

impl FeedBook {
    /// Reads the whole feed.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; an entry that does not fit the chain is damage.
    pub(crate) async fn open(store: Arc<dyn Store>, issuer: &str) -> Result<Self, StoreError> {
        let positions = store.positions();
        let upto = *positions.borrow();
        let base = FeedBase { seq: upto.feed_base, head: Head::from_bytes(upto.feed_base_head) };
        // a store that was begun for another issuer has another start
        if base.seq == 0 && base.head != Head::start(issuer, store.epoch()) {
            return Err(damaged("its head is not that of its entries under this issuer"));
        }
        let kept = kept(&*store, base.seq).await?;
        let set = Arc::<RevocationSet>::default();
        kept.iter().for_each(|event| set.insert(event));
        let pages = RwLock::new(Pages { base, kept, tail: Vec::new(), set });
        let book = Self { positions, store, issuer: issuer.to_owned(), pages, reading: Mutex::new(()) };
        book.sync().await?;
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
        news.iter().for_each(|(event, _)| pages.set.insert(event));
        pages.tail.extend(news);
    }

    /// Forgets, here and in the store, entries that only stop what has expired by `now`. Says how many.
    ///
    /// # Errors
    ///
    /// [`CommitError`]; what was not forgotten stays, and is forgotten the next time.
    pub(crate) async fn forget_expired(&self, now: UnixTime) -> Result<usize, CommitError> {
        let mut forgotten = 0;
        loop {
            // for a batch at a time: whoever wants to catch up gets a turn between two
            let _alone = self.reading.lock().await;
            let (entries, base) = self.pages().expired(now, FORGOTTEN_AT_ONCE, MESSAGE_MAX_EVENTS);
            if entries.is_empty() {
                self.pages().set.forget(now);
                return Ok(forgotten);
            }
            let mut batch = Batch::new();
            let built = batch.forget_feed(&entries, base.seq, *base.head.as_bytes()).map(|_| ());
            built.map_err(|error| StoreError::Unavailable { reason: error.to_string() })?;
            self.store.commit(batch).await?;
            forgotten += entries.len();
            self.pages.write().unwrap_or_else(PoisonError::into_inner).forget(&entries, base);
        }
    }

    /// The revoked names.
    pub(crate) fn set(&self) -> Arc<RevocationSet> {
        Arc::clone(&self.pages().set)
    }

    /// The entries behind number `seen` that are kept, in order. What was forgotten of them stops nothing any more that a later one
    /// does not stop as well.
    pub(crate) fn events_after(&self, seen: u64) -> Vec<FeedEvent> {
        let pages = self.pages();
        let all = pages.kept.iter().chain(pages.tail.iter().map(|(event, _)| event));
        all.filter(|event| event.seq > seen).copied().collect()
    }

    /// The last number known.
    pub(crate) fn known(&self) -> u64 {
        self.pages().len()
    }

    /// The message that brings a reader from `from` to at most `most` events further; from 0 without `prev` it is a snapshot.
    /// Who stands before the base gets the snapshot too: the way on from there is forgotten.
    ///
    /// `now` must be a time from before the last [`sync`](Self::sync): freshness is promised as of then. A message that does
    /// not reach the end promises none: it is dated to the epoch, and the reader stays as stale as it was.
    ///
    /// `None` when the feed has never come as far as `from`.
    pub(crate) fn message(&self, reading: Reading, most: usize, now: UnixTime) -> Option<FeedMessage> {
        let pages = self.pages();
        let (from, prev) = match reading {
            Reading::After(from) if from > pages.len() => return None,
            Reading::After(from) if from >= pages.base.seq => (from, Some(pages.head_after(from)?)),
            Reading::After(_) | Reading::Snapshot => (0, None),
        };
        let mut base = None;
        let events: Vec<_> = if prev.is_some() {
            let behind = pages.tail.get(usize::try_from(from - pages.base.seq).ok()?..)?;
            behind.iter().take(most).map(|(event, _)| *event).collect()
        } else {
            base = Some(pages.base).filter(|base| base.seq > 0);
            // INVARIANT: what lies before the base fits one message, or nothing could be told of it
            let tail = pages.tail.iter().take(most.saturating_sub(pages.kept.len())).map(|(event, _)| event);
            pages.kept.iter().chain(tail).copied().collect()
        };
        let told = events.last().map_or(from, |event| event.seq);
        let to = if prev.is_some() { told } else { told.max(pages.base.seq) };
        let former = self.store.former_epochs().iter().filter(|_| prev.is_none());
        let follows = former.map(|former| FeedPosition {
            epoch: former.epoch.clone(),
            seq: former.feed_to,
            head: Head::from_bytes(former.feed_head),
        });
        Some(FeedMessage {
            issuer: self.issuer.clone(),
            issued_at: if to == pages.len() { now } else { UnixTime::EPOCH },
            epoch: self.store.epoch().to_owned(),
            from,
            to,
            prev,
            head: pages.head_after(to)?,
            base,
            follows: follows.collect(),
            events,
        })
    }

    /// Whether the way on from `from` is forgotten: who stands there gets the snapshot.
    pub(crate) fn is_behind_base(&self, from: u64) -> bool {
        from < self.pages().base.seq
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
    /// The number of the last event.
    fn len(&self) -> u64 {
        // a count of entries in memory fits
        self.base.seq.saturating_add(u64::try_from(self.tail.len()).unwrap_or(u64::MAX))
    }

    fn last(&self) -> Head {
        self.tail.last().map_or(self.base.head, |(_, head)| *head)
    }

    /// The head after `seq`, where that is known: from the base on.
    fn head_after(&self, seq: u64) -> Option<Head> {
        match seq.checked_sub(self.base.seq)?.checked_sub(1) {
            None => Some(self.base.head),
            Some(index) => self.tail.get(usize::try_from(index).ok()?).map(|(_, head)| *head),
        }
    }

    /// Up to `most` entries that are over at `now`, and the base behind them: those past their `until`, suspensions that a
    /// later cut-off ended, which would seem to last without it, and cut-offs that a later one covers. What stays before that base is at most `room`: it has to fit
    /// one snapshot.
    fn expired(&self, now: UnixTime, most: usize, room: usize) -> (Vec<u64>, FeedBase) {
        let goes_on = self.cut_offs();
        let has_ended = |event: &FeedEvent| {
            event.kind == RevocationKind::Agent
                && event.cut.is_none()
                && goes_on.get(&event.name).is_some_and(|seq| *seq > event.seq)
        };
        let covered = self.lasting_cut_offs();
        let is_covered = |event: &FeedEvent| {
            event.kind == RevocationKind::Agent
                && event.until.is_none()
                && event.cut.is_some()
                && covered.get(&event.name).is_some_and(|(seq, cut)| *seq > event.seq && *cut >= event.cut)
        };
        let is_over =
            |event: &FeedEvent| event.until.is_some_and(|until| now > until) || has_ended(event) || is_covered(event);
        let mut entries: Vec<u64> =
            self.kept.iter().filter(|event| is_over(event)).map(|event| event.seq).take(most).collect();
        let mut base = self.base;
        let mut before = self.kept.len() - entries.len();
        for (event, head) in &self.tail {
            if entries.len() == most || before > room {
                break;
            }
            if is_over(event) {
                entries.push(event.seq);
                base = FeedBase { seq: event.seq, head: *head };
            } else {
                before += 1;
            }
        }
        (entries, base)
    }

    /// The number of each agent's newest cut-off.
    fn cut_offs(&self) -> HashMap<RevocationName, u64> {
        let all = self.kept.iter().chain(self.tail.iter().map(|(event, _)| event));
        // ascending, so the last one stays
        all.filter(|event| event.kind == RevocationKind::Agent && event.cut.is_some())
            .map(|event| (event.name, event.seq))
            .collect()
    }

    /// Number and time of each agent's newest cut-off without end.
    fn lasting_cut_offs(&self) -> HashMap<RevocationName, (u64, Option<UnixTime>)> {
        let all = self.kept.iter().chain(self.tail.iter().map(|(event, _)| event));
        all.filter(|event| event.kind == RevocationKind::Agent && event.cut.is_some() && event.until.is_none())
            .map(|event| (event.name, (event.seq, event.cut)))
            .collect()
    }

    fn forget(&mut self, entries: &[u64], base: FeedBase) {
        let passed = usize::try_from(base.seq.saturating_sub(self.base.seq)).unwrap_or(usize::MAX);
        let passed = self.tail.drain(..passed.min(self.tail.len())).map(|(event, _)| event);
        self.kept.extend(passed);
        // both ascend
        self.kept.retain(|event| entries.binary_search(&event.seq).is_err());
        self.base = base;
    }
}

/// What the store keeps at or before `base`.
async fn kept(store: &dyn Store, base: u64) -> Result<Vec<FeedEvent>, StoreError> {
    let (mut kept, mut after) = (Vec::<FeedEvent>::new(), None);
    loop {
        let page = store.page(Table::FEED, &[], after.as_deref(), PAGE_MAX_RECORDS).await?;
        for (_, record) in &page.records {
            let event = stored(&record.value).map_err(|_| damaged("an entry cannot be read"))?;
            if event.seq > base {
                return Ok(kept);
            }
            if kept.last().is_some_and(|last| last.seq >= event.seq) {
                return Err(damaged("an entry is out of place"));
            }
            kept.push(event);
        }
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(kept),
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
mod tests;
