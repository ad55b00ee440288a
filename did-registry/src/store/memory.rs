//! An engine that forgets, for tests: the embedded store's own code over a map, with faults on demand.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::engine::{Bytes, Change, Engine, EngineError, Pairs};
use super::{Batch, BetweenEpochs, EmbeddedStore, FeedLink, FormerEpoch, StoreError, epoch};

/// A sync that hangs this long fails, so that a test that forgot it ends.
const HANG_LIMIT: Duration = Duration::from_secs(10);

/// A pretended disk. Clones are the same disk, and what is on it survives the stores opened upon it.
#[derive(Clone, Default)]
pub struct MemoryDisk(Arc<Inner>);

#[derive(Default)]
struct Inner {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    rows: BTreeMap<Bytes, Bytes>,
    mode: Mode,
    syncing: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Mode {
    #[default]
    Works,
    SyncHeld,
    OneSyncPasses,
    SyncFails,
}

/// Opens the store on `disk`, or makes a new one with `new_epoch`.
///
/// # Errors
///
/// As [`open_sled`](super::open_sled).
pub fn open_memory(disk: &MemoryDisk, link: Arc<dyn FeedLink>, new_epoch: &str) -> Result<EmbeddedStore, StoreError> {
    EmbeddedStore::start(Box::new(disk.clone()), link, new_epoch)
}

/// Begins a new epoch in the store on `disk`.
///
/// # Errors
///
/// As [`begin_epoch_sled`](super::begin_epoch_sled).
pub fn begin_epoch_memory<E: From<StoreError>>(
    disk: &MemoryDisk,
    link: &dyn FeedLink,
    epoch: &str,
    act: impl FnOnce(&BetweenEpochs<'_>) -> Result<Batch, E>,
) -> Result<FormerEpoch, E> {
    epoch::begin(disk, link, epoch, act)
}

impl MemoryDisk {
    /// Another disk with the same on it: a backup.
    #[must_use]
    pub fn copied(&self) -> Self {
        let copy = Self::default();
        copy.state().rows.clone_from(&self.state().rows);
        copy
    }

    /// From now on writes are taken but their sync hangs, until [`let_syncs_pass`](Self::let_syncs_pass),
    /// [`let_one_sync_pass`](Self::let_one_sync_pass) or [`fail_syncs`](Self::fail_syncs).
    pub fn hold_syncs(&self) {
        self.turn(Mode::SyncHeld);
    }

    /// Lets the write that hangs go on; the next one hangs again.
    pub fn let_one_sync_pass(&self) {
        self.state().syncing = false;
        self.turn(Mode::OneSyncPasses);
    }

    /// From now on every write is taken and its sync fails, those that hang included.
    pub fn fail_syncs(&self) {
        self.turn(Mode::SyncFails);
    }

    /// From now on all is well again, with those that hang too.
    pub fn let_syncs_pass(&self) {
        self.turn(Mode::Works);
    }

    /// Waits until a write hangs in its sync: its data is in the engine then and not yet durable. Where none comes, it waits as long
    /// as a sync may hang.
    pub fn await_hanging_sync(&self) {
        let state = self.state();
        let waited = self.0.changed.wait_timeout_while(state, HANG_LIMIT, |state| !state.syncing);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    fn turn(&self, mode: Mode) {
        self.state().mode = mode;
        self.0.changed.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine for MemoryDisk {
    fn read(&self, key: &[u8]) -> Result<Option<Bytes>, EngineError> {
        Ok(self.state().rows.get(key).cloned())
    }

    fn scan(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Pairs, EngineError> {
        let start = match after {
            Some(after) if after >= prefix => Bound::Excluded(after),
            _ => Bound::Included(prefix),
        };
        let state = self.state();
        let pairs =
            state.rows.range::<[u8], _>((start, Bound::Unbounded)).take_while(|(key, _)| key.starts_with(prefix));
        Ok(pairs.take(limit).map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    fn write(&self, changes: Vec<Change>) -> Result<(), EngineError> {
        let mut state = self.state();
        for (key, value) in changes {
            match value {
                Some(value) => state.rows.insert(key, value),
                None => state.rows.remove(&key),
            };
        }
        state.syncing = true;
        self.0.changed.notify_all();
        let held = |state: &mut State| state.mode == Mode::SyncHeld;
        let waited = self.0.changed.wait_timeout_while(state, HANG_LIMIT, held);
        state = waited.unwrap_or_else(PoisonError::into_inner).0;
        state.syncing = false;
        if state.mode == Mode::OneSyncPasses {
            state.mode = Mode::SyncHeld;
            return Ok(());
        }
        if matches!(state.mode, Mode::Works) {
            Ok(())
        } else {
            Err(EngineError("the pretended sync failed".to_owned()))
        }
    }
}

impl fmt::Debug for MemoryDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryDisk").field("rows", &self.state().rows.len()).finish_non_exhaustive()
    }
}
