//! The store for one process: bounded, exact, forgotten at its end.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};

use handfast_identity::{Thumbprint, UnixTime};

use super::{Receipt, ReplayEntry, ReplayError, ReplayStore};

/// Locks that inserts spread over: enough that two cores rarely meet.
const SHARDS: usize = 16;

/// What a store holds at most. Zero of either refuses everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplayLimits {
    /// Live entries of all keys: about 150 bytes each.
    pub total: usize,
    /// Live entries of one key, so that a busy one cannot use up what the others need (P-18).
    pub per_key: usize,
}

impl Default for ReplayLimits {
    /// 2^20 entries: 11 000 requests a second through a window of 90 s. One key may hold a sixteenth, 700 a second.
    fn default() -> Self {
        Self { total: 1 << 20, per_key: 1 << 16 }
    }
}

/// Remembers proofs in the memory of this process.
///
/// At capacity new proofs are refused and none is forgotten (TH29). Entries are grouped by the second they expire in, and
/// whole groups are freed: no insert ever walks over live entries.
///
/// The store keeps the latest time it was told. An entry that expires before that may have been forgotten, so it is refused
/// as [`ReplayError::ClockWentBack`]: a clock that is set back never makes an old proof new (TH77), and one that goes back
/// further than the proof window stops admission until it has caught up or the process is started anew. Small corrections
/// pass unnoticed. A new process remembers nothing: [`RestartRule`](crate::RestartRule) is its other half.
#[derive(Debug)]
pub struct MemoryReplay {
    limits: ReplayLimits,
    shards: [Mutex<Shard>; SHARDS],
    held: AtomicUsize,
    latest: AtomicU64,
}

impl MemoryReplay {
    /// An empty store.
    #[must_use]
    pub fn new(limits: ReplayLimits) -> Self {
        Self {
            limits,
            shards: std::array::from_fn(|_| Mutex::new(Shard::new())),
            held: AtomicUsize::new(0),
            latest: AtomicU64::new(0),
        }
    }

    /// How many proofs are held, those that expired but were not yet freed included. For metrics.
    #[must_use]
    pub fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// The shard of a key, so that a key's share is counted under one lock.
    fn shard(&self, key: Thumbprint) -> Result<MutexGuard<'_, Shard>, ReplayError> {
        let place = key.as_bytes().first().map_or(0, |byte| usize::from(*byte) % SHARDS);
        let shard = self.shards.get(place).ok_or(ReplayError::Unavailable)?;
        shard.lock().map_err(|_| ReplayError::Unavailable)
    }

    /// Moves the latest time seen on, and says what it is.
    fn advance(&self, now: UnixTime) -> UnixTime {
        UnixTime::from_secs(self.latest.fetch_max(now.as_secs(), Ordering::AcqRel)).max(now)
    }

    fn try_insert(&self, entry: &ReplayEntry, latest: UnixTime) -> Result<Receipt, ReplayError> {
        let mut shard = self.shard(entry.key)?;
        self.give_back_places(shard.forget_before(latest));
        shard.require_new(entry, self.limits.per_key)?;
        self.take_place()?;
        shard.remember(entry);
        Ok(Receipt::assertion(entry))
    }

    /// Frees what expired in all shards, one lock at a time; a shard with nothing to free costs one look at its first group.
    fn free_expired(&self, latest: UnixTime) -> Result<(), ReplayError> {
        for shard in &self.shards {
            let freed = shard.lock().map_err(|_| ReplayError::Unavailable)?.forget_before(latest);
            self.give_back_places(freed);
        }
        Ok(())
    }

    fn take_place(&self) -> Result<(), ReplayError> {
        let more = |held| (held < self.limits.total).then_some(held + 1);
        match self.held.fetch_update(Ordering::AcqRel, Ordering::Acquire, more) {
            Ok(_) => Ok(()),
            Err(_) => Err(ReplayError::Full),
        }
    }

    fn give_back_places(&self, count: usize) {
        self.held.fetch_sub(count, Ordering::AcqRel);
    }
}

impl ReplayStore for MemoryReplay {
    fn insert(&self, entry: &ReplayEntry, now: UnixTime) -> Result<Receipt, ReplayError> {
        let latest = self.advance(now);
        match self.try_insert(entry, latest) {
            Err(ReplayError::Full) => {
                self.free_expired(latest)?;
                self.try_insert(entry, latest)
            }
            decided => decided,
        }
    }
}

/// The proofs of some of the keys.
#[derive(Debug)]
struct Shard {
    /// Nothing that expires at or after this time was ever forgotten here.
    floor: UnixTime,
    known: HashSet<[u8; 32]>,
    /// By the second in which they expire.
    groups: BTreeMap<UnixTime, Vec<Remembered>>,
    per_key: HashMap<Thumbprint, usize>,
}

#[derive(Debug)]
struct Remembered {
    fingerprint: [u8; 32],
    key: Thumbprint,
}

impl Shard {
    fn new() -> Self {
        Self { floor: UnixTime::EPOCH, known: HashSet::new(), groups: BTreeMap::new(), per_key: HashMap::new() }
    }

    /// Frees what expired before `now` and says how many entries that were.
    fn forget_before(&mut self, now: UnixTime) -> usize {
        self.floor = self.floor.max(now);
        let mut freed = 0;
        while let Some(group) = self.groups.first_entry().filter(|group| *group.key() < self.floor) {
            for gone in group.remove() {
                freed += 1;
                self.known.remove(&gone.fingerprint);
                self.release_share(gone.key);
            }
        }
        freed
    }

    fn release_share(&mut self, key: Thumbprint) {
        if let Entry::Occupied(mut share) = self.per_key.entry(key) {
            *share.get_mut() -= 1;
            if *share.get() == 0 {
                share.remove();
            }
        }
    }

    /// What is known stays known, whatever else is wrong with the entry.
    fn require_new(&self, entry: &ReplayEntry, share: usize) -> Result<(), ReplayError> {
        if self.known.contains(&entry.fingerprint) {
            Err(ReplayError::Replayed)
        } else if entry.expires < self.floor {
            Err(ReplayError::ClockWentBack)
        } else if self.per_key.get(&entry.key).is_some_and(|held| *held >= share) || share == 0 {
            Err(ReplayError::KeyShareFull)
        } else {
            Ok(())
        }
    }

    fn remember(&mut self, entry: &ReplayEntry) {
        *self.per_key.entry(entry.key).or_insert(0) += 1;
        self.known.insert(entry.fingerprint);
        let remembered = Remembered { fingerprint: entry.fingerprint, key: entry.key };
        self.groups.entry(entry.expires).or_default().push(remembered);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed set-up should stop the test")]
mod tests {
    use std::sync::Barrier;
    use std::thread;

    use handfast_identity::base64url;

    use super::*;

    const ROOMY: ReplayLimits = ReplayLimits { total: 1_000, per_key: 1_000 };

    fn entry(key: u8, id: &str, expires: u64) -> ReplayEntry {
        let key = Thumbprint::parse(&base64url::encode(&[key; 32])).unwrap();
        ReplayEntry::new("point", key, id, UnixTime::from_secs(expires))
    }

    fn insert(store: &MemoryReplay, entry: &ReplayEntry, now: u64) -> Result<(), ReplayError> {
        let receipt = store.insert(entry, UnixTime::from_secs(now))?;
        assert!(receipt.covers(entry));
        Ok(())
    }

    #[test]
    fn a_proof_is_remembered_through_its_last_second() {
        // TH28: made at 1000, first seen at 1001, acceptable until 1060, remembered through 1090
        let store = MemoryReplay::new(ROOMY);
        let proof = entry(1, "a", 1_090);
        assert_eq!(insert(&store, &proof, 1_001), Ok(()));
        for now in [1_001, 1_059, 1_060, 1_061, 1_090] {
            assert_eq!(insert(&store, &proof, now), Err(ReplayError::Replayed), "{now}");
        }
        assert_eq!(insert(&store, &entry(1, "b", 1_090), 1_090), Ok(()));
        assert_eq!(insert(&store, &entry(2, "a", 1_090), 1_090), Ok(()));
    }

    #[test]
    fn the_same_id_with_another_expiry_is_still_known() {
        let store = MemoryReplay::new(ROOMY);
        assert_eq!(insert(&store, &entry(1, "a", 1_090), 1_000), Ok(()));
        assert_eq!(insert(&store, &entry(1, "a", 1_500), 1_000), Err(ReplayError::Replayed));
    }

    #[test]
    fn expired_entries_make_room() {
        let store = MemoryReplay::new(ReplayLimits { total: 2, per_key: 2 });
        assert_eq!(insert(&store, &entry(1, "a", 1_090), 1_000), Ok(()));
        assert_eq!(insert(&store, &entry(2, "a", 1_091), 1_000), Ok(()));
        assert_eq!(insert(&store, &entry(3, "a", 1_200), 1_090), Err(ReplayError::Full));
        assert_eq!(insert(&store, &entry(3, "a", 1_200), 1_091), Ok(()));
        assert_eq!(insert(&store, &entry(3, "b", 1_200), 1_091), Err(ReplayError::Full));
        assert_eq!(insert(&store, &entry(3, "b", 1_200), 1_092), Ok(()));
        assert_eq!(store.held(), 2);
    }

    #[test]
    fn a_busy_key_is_refused_and_nothing_is_dropped() {
        // TH29
        let store = MemoryReplay::new(ReplayLimits { total: 4, per_key: 2 });
        for id in ["a", "b"] {
            assert_eq!(insert(&store, &entry(1, id, 1_090), 1_000), Ok(()), "{id}");
        }
        assert_eq!(insert(&store, &entry(1, "c", 1_090), 1_000), Err(ReplayError::KeyShareFull));
        for id in ["a", "b"] {
            assert_eq!(insert(&store, &entry(1, id, 1_090), 1_000), Err(ReplayError::Replayed), "{id}");
            assert_eq!(insert(&store, &entry(2, id, 1_090), 1_000), Ok(()), "the twin: another key's {id}");
        }
        assert_eq!(insert(&store, &entry(3, "a", 1_090), 1_000), Err(ReplayError::Full));
        assert_eq!(insert(&store, &entry(1, "a", 1_090), 1_000), Err(ReplayError::Replayed));
        assert_eq!(insert(&store, &entry(1, "c", 1_181), 1_091), Ok(()));
    }

    #[test]
    fn no_room_at_all_refuses_everything() {
        for limits in [ReplayLimits { total: 0, per_key: 1 }, ReplayLimits { total: 1, per_key: 0 }] {
            assert!(insert(&MemoryReplay::new(limits), &entry(1, "a", 10), 1).is_err());
        }
    }

    #[test]
    fn a_clock_set_back_makes_no_old_proof_new() {
        // TH77: two hours back, the proof used before and one that was held back meanwhile
        let store = MemoryReplay::new(ROOMY);
        let (used, held_back) = (entry(1, "used", 1_090), entry(2, "held back", 1_090));
        assert_eq!(insert(&store, &used, 1_000), Ok(()));
        assert_eq!(insert(&store, &entry(1, "later", 8_290), 8_200), Ok(()));
        assert_eq!(insert(&store, &used, 1_000), Err(ReplayError::ClockWentBack));
        assert_eq!(insert(&store, &held_back, 1_000), Err(ReplayError::ClockWentBack));
        // the twin: a correction by less than the window
        assert_eq!(insert(&store, &entry(2, "corrected", 8_200), 8_110), Ok(()));
        assert_eq!(insert(&store, &entry(2, "corrected", 8_199), 8_110), Err(ReplayError::Replayed));
        assert_eq!(insert(&store, &entry(2, "too far", 8_199), 8_110), Err(ReplayError::ClockWentBack));
    }

    #[test]
    fn one_proof_on_many_threads_is_accepted_once() {
        // TH26
        const THREADS: usize = 16;
        let store = MemoryReplay::new(ROOMY);
        for round in 0..50 {
            let proof = entry(1, &format!("round {round}"), 1_090);
            let together = Barrier::new(THREADS);
            let accepted = thread::scope(|scope| {
                let attempt = || {
                    together.wait();
                    insert(&store, &proof, 1_000).is_ok()
                };
                let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(attempt)).collect();
                threads.into_iter().filter_map(|thread| thread.join().ok()).filter(|accepted| *accepted).count()
            });
            assert_eq!(accepted, 1, "round {round}");
        }
    }

    #[test]
    fn limits_hold_under_concurrency() {
        const THREADS: u8 = 8;
        let store = MemoryReplay::new(ReplayLimits { total: 100, per_key: 30 });
        let accepted: usize = thread::scope(|scope| {
            let busy = |key| {
                let store = &store;
                move || (0..60).filter(|n| insert(store, &entry(key, &n.to_string(), 1_090), 1_000).is_ok()).count()
            };
            let threads: Vec<_> = (0..THREADS).map(|key| scope.spawn(busy(key))).collect();
            threads.into_iter().filter_map(|thread| thread.join().ok()).inspect(|each| assert!(*each <= 30)).sum()
        });
        assert_eq!((accepted, store.held()), (100, 100));
        assert_eq!(insert(&store, &entry(99, "after", 2_000), 1_091), Ok(()));
        assert!(store.held() < 100);
    }
}
