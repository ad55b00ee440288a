//! The store for one process: bounded, forgotten at its end.

use core::fmt;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use handfast_identity::{Thumbprint, UnixTime};

use super::fetch::Whereabouts;
use super::keys::{Keys, SLOT_BYTES};
use super::line::LINE_BYTES;
use super::shares::Shares;
use super::table::{Mark, Table, lines_of};
use super::{ForeseenEntry, Receipt, ReplayEntry, ReplayError, ReplayStore, StoreFill};

/// Tables that entries spread over, each behind a lock, at most: enough that two cores rarely meet. A lock is held for less than a
/// microsecond, so smaller stores have fewer, with [`TABLE_BYTES`] each: a table without a whole large page has no use for them.
const MOST_TABLES: usize = 16;
const TABLE_BYTES: usize = 1 << 22;
/// The tables of a store make their lines when together they hold more than so many: until then a quiet server takes little memory.
const FEW: usize = 1 << 14;
/// So many more for each table before one: their memory is made ready one after the other then, not all at once.
const MORE_EACH: usize = 1 << 6;
/// The same for what keys hold: more, so that a map of many keys that grows stops nobody for long.
const SHARE_SHARDS: usize = 64;
/// Places that a shard takes at once, so that few entries touch the number that all shards share.
const MOST_RESERVED: usize = 64;
/// It takes one for so many that are left, so that nobody runs out while others have many in reserve.
const LEFT_FOR_ONE: usize = 2 * SHARE_SHARDS;

/// What a store holds at most. Zero of either refuses everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplayLimits {
    /// Live entries of all keys. A store that holds more than some 16 000 takes 13 bytes for each that it *may* hold, some 60 for
    /// each key, and some eight for each second of each key; with fewer it takes some 50 bytes for each that it does hold.
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
/// At capacity new proofs are refused and none is forgotten (TH29). An entry stands in memory with the second in which it expires,
/// and from then on its place is free: no insert walks over live entries, but for those few that stand in a map. What keys hold is
/// counted by those seconds. It can be told of entries before they come ([`ReplayStore::foresee`]): then what an insert looks at is in the
/// processor's cache.
///
/// A proof is known by 48 bits of a hash that is keyed anew in each process, in one of two lines of memory that other bits of it
/// choose, or in a map where both are full and before there are lines. Two different proofs are taken for one with odds of typically 2^-44 for each insert: at
/// 10 000 a second an honest request is refused as `proof_replayed` once in fifty years. The other way, a used proof taken for a new
/// one, does not happen.
///
/// The store keeps the latest time it was told. An entry that expires before that may have been forgotten, so it is refused
/// as [`ReplayError::ClockWentBack`]: a clock that is set back never makes an old proof new (TH77), and one that goes back
/// further than the proof window stops admission until it has caught up or the process is started anew. Small corrections
/// pass unnoticed. A new process remembers nothing: [`RestartRule`](crate::RestartRule) is its other half.
#[derive(Debug)]
pub struct MemoryReplay {
    limits: ReplayLimits,
    secret: Secret,
    tables: Box<[Mutex<Table>]>,
    /// Of the lines of these tables.
    lines: Box<[Arc<Whereabouts>]>,
    shares: [Mutex<Shares>; SHARE_SHARDS],
    /// Of what keys hold in these.
    keys: [Arc<Whereabouts>; SHARE_SHARDS],
    /// Places that shards took: for what they hold, and in reserve.
    taken: AtomicUsize,
    latest: AtomicU64,
}

impl MemoryReplay {
    /// An empty store.
    #[must_use]
    pub fn new(limits: ReplayLimits) -> Self {
        // a power of two, and the last step down leaves each table twice what it is meant to have at most
        let tables = (Table::bytes_for(limits.total) / TABLE_BYTES).clamp(1, MOST_TABLES);
        let tables = 1 << tables.ilog2();
        let table = |number| Table::new(limits.total / tables, FEW / tables + number * MORE_EACH);
        let tables: Vec<_> = (0..tables).map(table).collect();
        let shares: [_; SHARE_SHARDS] = std::array::from_fn(|_| Shares::default());
        Self {
            limits,
            secret: Secret::new(),
            lines: tables.iter().map(|table| Arc::clone(table.whereabouts())).collect(),
            tables: tables.into_iter().map(Mutex::new).collect(),
            keys: shares.each_ref().map(|shares| Arc::clone(shares.whereabouts())),
            shares: shares.map(Mutex::new),
            taken: AtomicUsize::new(0),
            latest: AtomicU64::new(0),
        }
    }

    /// How many proofs are held, those that expired but were not yet freed included. For metrics.
    #[must_use]
    pub fn held(&self) -> usize {
        let reserved = self.shares.iter().map(|shares| shares.lock().map_or(0, |shares| shares.reserved()));
        let reserved: usize = reserved.sum();
        self.taken.load(Ordering::Relaxed).saturating_sub(reserved)
    }

    /// Moves the latest time seen on, and says what it is.
    #[inline]
    fn advance(&self, now: UnixTime) -> UnixTime {
        let latest = UnixTime::from_secs(self.latest.load(Ordering::Acquire));
        if latest >= now { latest } else { self.move_on(now) }
    }

    #[cold]
    fn move_on(&self, now: UnixTime) -> UnixTime {
        UnixTime::from_secs(self.latest.fetch_max(now.as_secs(), Ordering::AcqRel)).max(now)
    }

    #[inline]
    fn try_insert(&self, entry: &ReplayEntry, latest: UnixTime) -> Result<(), ReplayError> {
        let Scattered { place, hash, key } = self.secret.scatter(&entry.fingerprint, entry.key);
        let mark = Mark { tag: hash >> 16, place };
        let mut table = shard(&self.tables, hash)?;
        table.advance(latest);
        // what is known stays known, whatever else is wrong with the entry
        let place = table.place(mark).ok_or(ReplayError::Replayed)?;
        if entry.expires < table.floor() {
            return Err(ReplayError::ClockWentBack);
        }
        let mut shares = shard(&self.shares, key)?;
        self.give_back_places(shares.advance(latest));
        shares.count(key, entry.expires, self.limits.per_key, || self.take_places())?;
        table.insert(mark, place, entry.expires);
        Ok(())
    }

    #[cold]
    fn insert_in_what_expired(&self, entry: &ReplayEntry, latest: UnixTime) -> Result<(), ReplayError> {
        self.free_expired(latest)?;
        self.try_insert(entry, latest)
    }

    /// Frees what expired of all keys and what is in reserve, one lock at a time; a shard with nothing to free costs one comparison.
    fn free_expired(&self, latest: UnixTime) -> Result<(), ReplayError> {
        for shares in &self.shares {
            let mut shares = shares.lock().map_err(|_| ReplayError::Unavailable)?;
            self.give_back_places(shares.advance(latest) + shares.give_up_reserve());
        }
        Ok(())
    }

    /// Takes places for a shard, and says how many: some in reserve, and none when there are none.
    #[cold]
    fn take_places(&self) -> usize {
        let some = |taken| {
            let left = self.limits.total.saturating_sub(taken);
            left.min((left / LEFT_FOR_ONE).clamp(1, MOST_RESERVED))
        };
        let more = |taken| Some(taken + some(taken));
        self.taken.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).map_or(0, some)
    }

    #[inline]
    fn give_back_places(&self, count: usize) {
        if count > 0 {
            self.taken.fetch_sub(count, Ordering::AcqRel);
        }
    }
}

#[inline]
fn shard<T>(shards: &[Mutex<T>], hash: u64) -> Result<MutexGuard<'_, T>, ReplayError> {
    let shard = one_of(shards, hash).ok_or(ReplayError::Unavailable)?;
    shard.lock().map_err(|_| ReplayError::Unavailable)
}

/// The one that the lowest byte chooses. Their number is a power of two.
#[inline]
fn one_of<T>(all: &[T], hash: u64) -> Option<&T> {
    let [lowest, ..] = hash.to_le_bytes();
    all.get(usize::from(lowest) & (all.len() - 1))
}

impl ReplayStore for MemoryReplay {
    fn insert(&self, entry: &ReplayEntry, now: UnixTime) -> Result<Receipt, ReplayError> {
        let latest = self.advance(now);
        match self.try_insert(entry, latest) {
            Err(ReplayError::Full) => self.insert_in_what_expired(entry, latest)?,
            decided => decided?,
        }
        Ok(Receipt::assertion(entry))
    }

    /// Has the two lines fetched, and what the key holds. No lock is taken: whoever holds one has to wait for nobody who only foresees.
    fn foresee(&self, entry: ForeseenEntry<'_>) {
        let Scattered { place, hash, key } = self.secret.scatter(entry.fingerprint(), entry.key());
        if let Some(lines) = one_of(&self.lines, hash)
            && let count @ 1.. = lines.count()
        {
            lines_of(place, count).into_iter().for_each(|line| lines.fetch(line, LINE_BYTES));
        }
        if let Some(keys) = one_of(&self.keys, key)
            && let count @ 1.. = keys.count()
        {
            keys.fetch(Keys::first_of(key, count), SLOT_BYTES);
        }
    }

    fn fill(&self) -> Option<StoreFill> {
        Some(StoreFill { held: self.held(), most: self.limits.total })
    }
}

/// What nobody outside of this process knows: hashes under it can be neither foreseen nor chosen.
#[derive(Clone, Copy)]
struct Secret([u64; 6]);

/// Keyed numbers of an entry.
#[derive(Clone, Copy)]
struct Scattered {
    /// Of the fingerprint, like `hash`.
    place: u64,
    hash: u64,
    /// Of the key's thumbprint.
    key: u64,
}

impl Secret {
    /// A new one, made of the seed that the standard library draws for its own maps.
    fn new() -> Self {
        let random = RandomState::new();
        Self([1, 2, 3, 4, 5, 6].map(|part: u64| random.hash_one(part)))
    }

    /// What is hashed here is a SHA-256 hash already: the halves of products, folded upon each other.
    #[inline]
    fn scatter(&self, fingerprint: &[u8; 32], key: Thumbprint) -> Scattered {
        let Self([a, b, c, d, e, f]) = *self;
        let ([one, two, three, four], _) = fingerprint.as_chunks::<8>() else {
            return Scattered { place: 0, hash: 0, key: 0 };
        };
        let ([five, six, ..], _) = key.as_bytes().as_chunks::<8>() else {
            return Scattered { place: 0, hash: 0, key: 0 };
        };
        Scattered { place: folded(one, two, a, b), hash: folded(three, four, c, d), key: folded(five, six, e, f) }
    }
}

#[inline]
fn folded(one: &[u8; 8], two: &[u8; 8], key: u64, other: u64) -> u64 {
    let (low, high) = (u64::from_le_bytes(*one) ^ key).carrying_mul(u64::from_le_bytes(*two) ^ other, 0);
    low ^ high
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
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

    #[test]
    fn what_was_foreseen_is_answered_alike() {
        // few entries in a map, and more than that in lines; some come twice, keys have shares, time goes on and back
        let small = ReplayLimits { total: 300, per_key: 30 };
        for (limits, steps, a_second) in [(small, 20_000, 20), (ReplayLimits::default(), 80_000, 2_000)] {
            let with = MemoryReplay::new(limits);
            // what has ended is freed shard by shard, as entries fall upon them
            let without = MemoryReplay { secret: with.secret, ..MemoryReplay::new(limits) };
            let mut random = 7_u64;
            let mut draw = |below: u64| {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (random >> 33) % below
            };
            let (mut taken, mut known, mut full, mut late) = (0, 0, 0, 0);
            for step in 0..steps {
                let now = UnixTime::from_secs(1_000 + step / a_second - draw(3) * draw(2) * draw(70));
                let id = step.saturating_sub(draw(900)) / 2;
                let (key, id) = ((id % 11) as u8, id.to_string());
                let foreseen = entry(key, &id, now.as_secs() + 30 + draw(65));
                // most of what is foreseen comes, some more than once, and some never
                for _ in 0..draw(3) {
                    with.foresee(ForeseenEntry::of(&foreseen));
                    with.foresee(ForeseenEntry::of(&entry(200, &id, 9)));
                }
                let answer = without.insert(&foreseen, now).map(drop);
                assert_eq!(with.insert(&foreseen, now).map(drop), answer, "{step}");
                assert_eq!(with.held(), without.held(), "{step}");
                match answer {
                    Ok(()) => taken += 1,
                    Err(ReplayError::Replayed) => known += 1,
                    Err(ReplayError::KeyShareFull | ReplayError::Full) => full += 1,
                    Err(_) => late += 1,
                }
            }
            let is_small = limits == small;
            assert!(
                taken > 500 && known > 500 && (full > 500) == is_small && late > 5,
                "{taken} {known} {full} {late}"
            );
            assert!(is_small || with.lines.iter().any(|lines| lines.count() > 0));
        }
    }

    #[test]
    fn what_is_foreseen_is_not_held() {
        // DPOP-50
        let store = MemoryReplay::new(ReplayLimits { total: 1, per_key: 1 });
        for id in ["a", "b", "c"] {
            store.foresee(ForeseenEntry::of(&entry(1, id, 1_090)));
        }
        assert_eq!((store.held(), store.latest.load(Ordering::Relaxed)), (0, 0));
        assert_eq!(insert(&store, &entry(1, "a", 1_090), 1_000), Ok(()));
    }

    #[test]
    fn places_in_reserve_are_neither_too_many_nor_lost() {
        // shards take 64 at once here
        const TOTAL: usize = 10_000;
        let store = MemoryReplay::new(ReplayLimits { total: TOTAL, per_key: TOTAL });
        let try_all = |key: u8, now: u64| {
            let tried = (0..2_000).filter(|n| insert(&store, &entry(key, &n.to_string(), now + 90), now).is_ok());
            tried.count()
        };
        let accepted: usize = thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|key| scope.spawn(move || try_all(key, 1_000))).collect();
            threads.into_iter().filter_map(|thread| thread.join().ok()).sum()
        });
        assert!((TOTAL - SHARE_SHARDS * MOST_RESERVED..=TOTAL).contains(&accepted), "{accepted}");
        assert_eq!(store.held(), accepted);
        // whoever comes alone gets what others have in reserve, to the last place
        let more: usize = (8..18).map(|key| try_all(key, 1_001)).sum();
        assert_eq!((accepted + more, store.held()), (TOTAL, TOTAL));
        assert!(store.taken.load(Ordering::Relaxed) == TOTAL);
        // and when all has ended, all of it once more
        let again: usize = (0..10).map(|key| try_all(key, 2_000)).sum();
        assert_eq!((again, store.held()), (TOTAL, TOTAL));
    }

    #[test]
    fn a_steady_stream_takes_the_memory_of_what_is_live() {
        let store = MemoryReplay::new(ReplayLimits { total: 3_200, per_key: 3_200 });
        let accepted = (1_000..3_000).map(|now| {
            let all = (0..20).map(|key| entry(key, &now.to_string(), now + 90));
            all.filter(|entry| insert(&store, entry, now).is_ok()).count()
        });
        assert_eq!((accepted.sum::<usize>(), store.held()), (2_000 * 20, 91 * 20));
        let sizes = store.shares.iter().map(|shares| shares.lock().unwrap().sizes());
        assert!(sizes.into_iter().all(|[_, seconds, all]| seconds <= 92 && all <= 92));
    }
}
