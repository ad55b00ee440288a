//! The store for one process: a set of fingerprints for each second, bounded, forgotten at its end.

use std::collections::hash_map::{Entry, RandomState};
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, BuildHasherDefault, Hasher};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};

use handfast_identity::UnixTime;

use super::set::Fingerprints;
use super::{Receipt, ReplayEntry, ReplayError, ReplayStore};

/// Locks that inserts spread over: enough that two cores rarely meet.
const SHARDS: usize = 16;
/// What a key's count in one second takes, in places of eight bytes.
const PLACES_OF_A_COUNT: usize = 3;

/// What a store holds at most. Zero of either refuses everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplayLimits {
    /// Live entries of all keys: some 12 bytes each, and 24 for each key and second.
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
/// At capacity new proofs are refused and none is forgotten (TH29). There is a set for each second in which proofs say that they
/// were made; when the last proof of a second is stale its set is emptied as a whole and serves another second, so no insert ever
/// walks over live entries.
///
/// A proof is known by 64 bits of a hash that is keyed anew in each process, beside its second. Two different proofs of one second
/// are taken for one with odds of one in 2^64 for each pair: at 100 000 proofs a second an honest request is refused as
/// `proof_replayed` less than once in a hundred years. The other way, a used proof taken for a new one, does not happen.
///
/// The store keeps the latest time it was told. An entry that expires before that may have been forgotten, so it is refused
/// as [`ReplayError::ClockWentBack`]: a clock that is set back never makes an old proof new (TH77), and one that goes back
/// further than the proof window stops admission until it has caught up or the process is started anew. Small corrections
/// pass unnoticed. A new process remembers nothing: [`RestartRule`](crate::RestartRule) is its other half.
#[derive(Debug)]
pub struct MemoryReplay {
    limits: ReplayLimits,
    secret: RandomState,
    shards: [Mutex<Shard>; SHARDS],
    held: AtomicUsize,
    latest: AtomicU64,
}

/// An entry as this store knows it.
#[derive(Clone, Copy)]
struct Known {
    fingerprint: u64,
    /// Stands for the key, whose share is counted under it.
    key: u64,
    signed_at: UnixTime,
    expires: UnixTime,
}

impl MemoryReplay {
    /// An empty store.
    #[must_use]
    pub fn new(limits: ReplayLimits) -> Self {
        // room that is not given back: what a shard needs when the store is full
        let spare_places = limits.total / SHARDS * 3 / 2;
        Self {
            limits,
            secret: RandomState::new(),
            shards: std::array::from_fn(|_| Mutex::new(Shard::new(spare_places))),
            held: AtomicUsize::new(0),
            latest: AtomicU64::new(0),
        }
    }

    /// How many proofs are held, those that expired but were not yet freed included. For metrics.
    #[must_use]
    pub fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    fn known(&self, entry: &ReplayEntry) -> Known {
        Known {
            // zero is what an empty place holds
            fingerprint: self.secret.hash_one(entry.fingerprint).max(1),
            key: self.secret.hash_one(entry.key.as_bytes()),
            signed_at: entry.signed_at,
            expires: entry.expires,
        }
    }

    /// The shard of a key, so that a key's share is counted under one lock.
    fn shard(&self, key: u64) -> Result<MutexGuard<'_, Shard>, ReplayError> {
        let [first, ..] = key.to_le_bytes();
        let shard = self.shards.get(usize::from(first) % SHARDS).ok_or(ReplayError::Unavailable)?;
        shard.lock().map_err(|_| ReplayError::Unavailable)
    }

    /// Moves the latest time seen on, and says what it is.
    fn advance(&self, now: UnixTime) -> UnixTime {
        if self.latest.load(Ordering::Acquire) >= now.as_secs() {
            return UnixTime::from_secs(self.latest.load(Ordering::Acquire));
        }
        UnixTime::from_secs(self.latest.fetch_max(now.as_secs(), Ordering::AcqRel)).max(now)
    }

    fn try_insert(&self, known: Known, latest: UnixTime) -> Result<(), ReplayError> {
        let mut shard = self.shard(known.key)?;
        self.give_back_places(shard.forget_before(latest));
        shard.require_new(known, self.limits.per_key)?;
        self.take_place()?;
        shard.remember(known);
        Ok(())
    }

    /// Frees what expired in all shards, one lock at a time; a shard with nothing to free costs one comparison.
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
        if count > 0 {
            self.held.fetch_sub(count, Ordering::AcqRel);
        }
    }
}

impl ReplayStore for MemoryReplay {
    fn insert(&self, entry: &ReplayEntry, now: UnixTime) -> Result<Receipt, ReplayError> {
        let latest = self.advance(now);
        let known = self.known(entry);
        match self.try_insert(known, latest) {
            Err(ReplayError::Full) => {
                self.free_expired(latest)?;
                self.try_insert(known, latest)?;
            }
            decided => decided?,
        }
        Ok(Receipt::assertion(entry))
    }
}

/// How many entries each key has.
type Counts = HashMap<u64, u32, BuildHasherDefault<AsItIs>>;

/// What is hashed already needs no hash.
#[derive(Clone, Copy, Debug, Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = self.0.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

/// The proofs of some of the keys.
#[derive(Debug)]
struct Shard {
    /// Nothing that expires at or after this time was ever forgotten here.
    floor: UnixTime,
    /// The first of all seconds' ends.
    next_end: UnixTime,
    /// By the second in which proofs were made.
    seconds: BTreeMap<UnixTime, Second>,
    /// Empty ones, whose memory is used again.
    spare: Vec<Second>,
    /// Places of all seconds, spare ones included.
    places: usize,
    spare_places: usize,
    per_key: Counts,
}

/// The proofs made in one second.
#[derive(Debug)]
struct Second {
    /// The last second in which any of them has to be known.
    end: UnixTime,
    known: Fingerprints,
    per_key: Counts,
}

impl Second {
    fn new() -> Self {
        Self { end: UnixTime::EPOCH, known: Fingerprints::default(), per_key: Counts::default() }
    }

    fn places(&self) -> usize {
        self.known.places() + PLACES_OF_A_COUNT * self.per_key.capacity()
    }
}

impl Shard {
    fn new(spare_places: usize) -> Self {
        Self {
            floor: UnixTime::EPOCH,
            next_end: UnixTime::from_secs(u64::MAX),
            seconds: BTreeMap::new(),
            spare: Vec::new(),
            places: 0,
            spare_places,
            per_key: Counts::default(),
        }
    }

    /// Frees what expired before `now` and says how many entries that were.
    fn forget_before(&mut self, now: UnixTime) -> usize {
        self.floor = self.floor.max(now);
        let floor = self.floor;
        if self.next_end >= floor {
            return 0;
        }
        let mut freed = 0;
        for (_, mut second) in self.seconds.extract_if(.., |_, second| second.end < floor) {
            freed += second.known.len();
            for (key, count) in second.per_key.drain() {
                release_share(&mut self.per_key, key, count);
            }
            // what one burst took is not kept for ever
            if self.places > self.spare_places {
                self.places -= second.places();
            } else {
                second.known.clear();
                second.end = UnixTime::EPOCH;
                self.spare.push(second);
            }
        }
        self.next_end = self.seconds.values().map(|second| second.end).min().unwrap_or(UnixTime::from_secs(u64::MAX));
        freed
    }

    /// What is known stays known, whatever else is wrong with the entry.
    fn require_new(&self, entry: Known, share: usize) -> Result<(), ReplayError> {
        if self.seconds.get(&entry.signed_at).is_some_and(|second| second.known.contains(entry.fingerprint)) {
            Err(ReplayError::Replayed)
        } else if entry.expires < self.floor {
            Err(ReplayError::ClockWentBack)
        } else if share == 0 || self.per_key.get(&entry.key).is_some_and(|held| *held as usize >= share) {
            Err(ReplayError::KeyShareFull)
        } else {
            Ok(())
        }
    }

    fn remember(&mut self, entry: Known) {
        *self.per_key.entry(entry.key).or_insert(0) += 1;
        let spare = &mut self.spare;
        let second = self.seconds.entry(entry.signed_at).or_insert_with(|| spare.pop().unwrap_or_else(Second::new));
        let before = second.places();
        second.known.insert(entry.fingerprint);
        *second.per_key.entry(entry.key).or_insert(0) += 1;
        second.end = second.end.max(entry.expires);
        self.next_end = self.next_end.min(second.end);
        self.places += second.places().saturating_sub(before);
    }
}

fn release_share(shares: &mut Counts, key: u64, count: u32) {
    if let Entry::Occupied(mut share) = shares.entry(key) {
        *share.get_mut() = share.get().saturating_sub(count);
        if *share.get() == 0 {
            share.remove();
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "a failed set-up should stop the test")]
mod tests {
    use std::sync::Barrier;
    use std::thread;

    use handfast_identity::{Thumbprint, base64url};

    use super::*;

    const ROOMY: ReplayLimits = ReplayLimits { total: 1_000, per_key: 1_000 };

    fn entry(key: u8, id: &str, expires: u64) -> ReplayEntry {
        made_at(expires - 90, key, id, expires)
    }

    fn made_at(signed_at: u64, key: u8, id: &str, expires: u64) -> ReplayEntry {
        let key = Thumbprint::parse(&base64url::encode(&[key; 32])).unwrap();
        ReplayEntry::new("point", key, id, UnixTime::from_secs(signed_at), UnixTime::from_secs(expires))
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
        assert_eq!(insert(&store, &made_at(1_000, 1, "a", 1_500), 1_000), Err(ReplayError::Replayed));
        // and it is kept for the longer of both
        assert_eq!(insert(&store, &made_at(1_000, 1, "b", 1_500), 1_000), Ok(()));
        assert_eq!(insert(&store, &entry(1, "c", 1_090), 1_000), Ok(()));
        assert_eq!(insert(&store, &entry(1, "b", 1_090), 1_400), Err(ReplayError::Replayed));
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
            assert!(insert(&MemoryReplay::new(limits), &entry(1, "a", 100), 1).is_err());
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
        assert_eq!(insert(&store, &made_at(8_110, 2, "corrected", 8_199), 8_110), Err(ReplayError::Replayed));
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

    #[test]
    fn memory_is_used_again_and_what_a_burst_took_given_back() {
        let store = MemoryReplay::new(ReplayLimits { total: 3_200, per_key: 3_200 });
        let places = || store.shards.iter().map(|shard| shard.lock().unwrap().places).sum::<usize>();
        let second = |made: u64, count: usize| {
            let all = (0..count).map(|n| made_at(made, (n % 251) as u8, &n.to_string(), made + 90));
            all.filter(|entry| insert(&store, entry, made).is_ok()).count()
        };
        // a steady second after second takes no more than it did at first
        let steady: usize = (1_000..1_200).map(|made| second(made, 20)).sum();
        let settled = places();
        assert_eq!((steady, store.held()), (200 * 20, 91 * 20));
        assert_eq!((1_200..2_000).map(|made| second(made, 20)).sum::<usize>(), 800 * 20);
        assert!(places() <= settled + settled / 4, "{} then {}", settled, places());
        // bursts, each after the one before is over, leave no more behind than a full store needs
        for burst in 0..40 {
            assert_eq!(second(3_000 + burst * 100, 3_200), 3_200);
        }
        assert!(places() <= 2 * 3_200 * 3, "{}", places());
    }

    #[test]
    fn seconds_of_different_ends_are_each_freed_at_their_own() {
        let store = MemoryReplay::new(ReplayLimits { total: 3, per_key: 3 });
        for (made, end) in [(1_000, 1_900), (1_001, 1_091), (1_002, 1_092)] {
            assert_eq!(insert(&store, &made_at(made, 1, "a", end), 1_002), Ok(()));
        }
        assert_eq!(insert(&store, &made_at(1_091, 1, "b", 1_181), 1_091), Err(ReplayError::KeyShareFull));
        assert_eq!(insert(&store, &made_at(1_091, 1, "b", 1_181), 1_092), Ok(()));
        assert_eq!(insert(&store, &made_at(1_000, 1, "a", 1_900), 1_800), Err(ReplayError::Replayed));
        assert_eq!(store.held(), 1);
    }
}
