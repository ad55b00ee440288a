//! The store over a local engine: reads of durable state only, writes through the one committer.

use std::collections::BTreeMap;
use std::fmt;
use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError};
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard};
use std::thread::JoinHandle;

use tokio::sync::{oneshot, watch};

use super::committer::{self, Job, QUEUE_MAX_BATCHES};
use super::engine::{Bytes, Engine, EngineError, Pairs};
use super::meta;
use super::plan::Before;
use super::{
    Batch, CommitError, CommitFuture, Committed, FeedLink, FormerEpoch, PAGE_MAX_RECORDS, Page, Positions, Record,
    Store, StoreError, StoreFuture, Table,
};

/// A [`Store`] on one machine, made by [`open_sled`](super::open_sled).
///
/// Reads answer at once, on the caller's thread. Dropping the store finishes the batches that are already waiting,
/// which blocks for as long as the disk takes.
pub struct EmbeddedStore {
    shared: Arc<Shared>,
    queue: Option<SyncSender<Job>>,
    committer: Option<JoinHandle<()>>,
}

/// What readers and the committer share.
pub(super) struct Shared {
    engine: Box<dyn Engine>,
    /// What the keys of the group now being written held before: readers see this until the group is durable.
    hidden: RwLock<Before>,
    failure: OnceLock<String>,
    durable_writes: AtomicU64,
    positions: watch::Sender<Positions>,
    epoch: String,
    former: Vec<FormerEpoch>,
}

impl EmbeddedStore {
    /// Opens the store that `engine` holds, or makes a new one there, its feed in epoch `new_epoch`.
    pub(super) fn start(engine: Box<dyn Engine>, link: Arc<dyn FeedLink>, new_epoch: &str) -> Result<Self, StoreError> {
        let meta = meta::open(&*engine, &*link, new_epoch)?;
        let shared = Arc::new(Shared {
            engine,
            hidden: RwLock::default(),
            failure: OnceLock::new(),
            durable_writes: AtomicU64::new(0),
            positions: watch::Sender::new(meta.positions),
            epoch: meta.epoch,
            former: meta.former,
        });
        let (queue, committer) = committer::start(Arc::clone(&shared), link)?;
        Ok(Self { shared, queue: Some(queue), committer: Some(committer) })
    }

    /// How many durable writes it has made since it was opened. Beside the number of commits that shows how well they were
    /// grouped.
    #[must_use]
    pub fn durable_writes(&self) -> u64 {
        self.shared.durable_writes.load(Ordering::Relaxed)
    }

    async fn enqueue(&self, batch: Batch) -> Result<Committed, CommitError> {
        self.shared.usable()?;
        let (answer, answered) = oneshot::channel();
        let Some(queue) = &self.queue else { return Err(self.shared.unavailable().into()) };
        match queue.try_send(Job { batch, answer }) {
            Ok(()) => answered.await.unwrap_or_else(|_| Err(self.shared.unavailable().into())),
            Err(TrySendError::Full(_)) => Err(StoreError::Overloaded { waiting: QUEUE_MAX_BATCHES }.into()),
            Err(TrySendError::Disconnected(_)) => Err(self.shared.unavailable().into()),
        }
    }
}

impl Store for EmbeddedStore {
    fn get<'a>(&'a self, table: Table, key: &'a [u8]) -> StoreFuture<'a, Option<Record>> {
        Box::pin(async move {
            let sealed = self.shared.read(&table.engine_key(key))?;
            sealed.map_or(Ok(None), |bytes| Record::unseal(table, &bytes))
        })
    }

    fn page<'a>(
        &'a self,
        table: Table,
        prefix: &'a [u8],
        after: Option<&'a [u8]>,
        limit: usize,
    ) -> StoreFuture<'a, Page> {
        Box::pin(async move {
            let limit = limit.clamp(1, PAGE_MAX_RECORDS);
            let after = after.map(|key| table.engine_key(key));
            // One more than asked for tells whether there is a next page.
            let mut found = self.shared.scan(&table.engine_key(prefix), after.as_deref(), limit + 1)?;
            let is_last = found.len() <= limit;
            found.truncate(limit);
            let own_key = |key: &Bytes| key.get(1..).unwrap_or_default().to_vec();
            let open = |(key, bytes): (Bytes, Bytes)| {
                let record = Record::unseal(table, &bytes).transpose()?;
                Some(record.map(|record| (own_key(&key), record)))
            };
            let next = found.last().filter(|_| !is_last).map(|(key, _)| own_key(key));
            let records = found.into_iter().filter_map(open).collect::<Result<Vec<_>, _>>()?;
            Ok(Page { records, next })
        })
    }

    fn commit(&self, batch: Batch) -> CommitFuture<'_> {
        Box::pin(self.enqueue(batch))
    }

    fn positions(&self) -> watch::Receiver<Positions> {
        self.shared.positions.subscribe()
    }

    fn epoch(&self) -> &str {
        &self.shared.epoch
    }

    fn former_epochs(&self) -> &[FormerEpoch] {
        &self.shared.former
    }

    fn health(&self) -> StoreFuture<'_, ()> {
        Box::pin(async move { self.shared.scan(&[], None, 1).map(|_| ()) })
    }
}

impl Drop for EmbeddedStore {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(committer) = self.committer.take() {
            // A panic in there has been answered as a failure already.
            let _ = committer.join();
        }
    }
}

impl fmt::Debug for EmbeddedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedStore")
            .field("epoch", &self.shared.epoch)
            .field("positions", &self.shared.positions())
            .field("failure", &self.shared.failure.get())
            .finish_non_exhaustive()
    }
}

impl Shared {
    pub(super) fn engine(&self) -> &dyn Engine {
        &*self.engine
    }

    pub(super) fn positions(&self) -> Positions {
        *self.positions.borrow()
    }

    /// Before a write: its keys keep showing what they held.
    pub(super) fn hide(&self, before: Before) {
        let shown = mem::replace(&mut *self.hidden.write().unwrap_or_else(PoisonError::into_inner), before);
        // behind the lock, for readers need not wait for it
        drop(shown);
    }

    /// After a durable write: its records first, then its positions.
    pub(super) fn reveal(&self, positions: Positions) {
        self.hide(Before::default());
        self.durable_writes.fetch_add(1, Ordering::Relaxed);
        self.positions.send_replace(positions);
    }

    /// Ends the store: the engine may now hold in memory what is not on the disk. What was hidden stays hidden, so a
    /// read that is under way shows nothing of it either (TH65).
    pub(super) fn fail(&self, reason: &str) {
        let reason = format!("{reason}; nothing is read or written until the store is opened again");
        tracing::error!(reason, "the store has failed");
        let _ = self.failure.set(reason);
    }

    fn usable(&self) -> Result<(), StoreError> {
        self.failure.get().map_or(Ok(()), |_| Err(self.unavailable()))
    }

    fn unavailable(&self) -> StoreError {
        let reason = self.failure.get().map_or("the committer has ended", String::as_str);
        StoreError::Unavailable { reason: reason.to_owned() }
    }

    fn read(&self, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        self.usable()?;
        let hidden = self.hidden();
        hidden
            .held(key)
            .map_or_else(|| self.engine.read(key).map_err(|error| unreadable(&error)), |before| Ok(before.cloned()))
    }

    /// Scans the engine as if the group now being written were not there.
    fn scan(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Pairs, StoreError> {
        self.usable()?;
        let hidden = self.hidden();
        let is_in_range = |key: &[u8]| key.starts_with(prefix) && after.is_none_or(|after| key > after);
        let covered: Vec<_> = hidden.iter().filter(|(key, _)| is_in_range(key)).collect();
        let found = self.engine.scan(prefix, after, limit + covered.len()).map_err(|error| unreadable(&error))?;
        if covered.is_empty() {
            return Ok(found);
        }
        let mut seen: BTreeMap<_, _> = found.into_iter().collect();
        for (key, before) in covered {
            match before {
                Some(before) => seen.insert(key.clone(), before.clone()),
                None => seen.remove(key),
            };
        }
        Ok(seen.into_iter().take(limit).collect())
    }

    /// Held across the engine's read, so that no group starts in between.
    fn hidden(&self) -> RwLockReadGuard<'_, Before> {
        self.hidden.read().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unreadable(error: &EngineError) -> StoreError {
    StoreError::Unavailable { reason: format!("a read failed: {error}") }
}
