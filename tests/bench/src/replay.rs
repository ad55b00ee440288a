//! The replay store with ten million live entries: what one more costs, beside one look at memory and a map of as many keys, and
//! what one takes of memory.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::hint::black_box;
use std::time::Instant;

use dashmap::DashMap;
use handfast_dpop::{MemoryReplay, ReplayEntry, ReplayLimits, ReplayStore};
use handfast_identity::{SigningKey, Thumbprint, UnixTime};
use rustix::time::{ClockId, clock_gettime};

use crate::count::held;
use crate::meter::quantile;
use crate::ours;

/// Live entries in the end.
const LIVE: u64 = 10_000_000;
/// Seconds that an entry lives.
pub const LIFE: u64 = 90;
/// Entries of one second.
const A_SECOND: u64 = LIVE / LIFE;
/// Keys that make them in turn.
const KEYS: usize = 10_000;
/// Seconds that are measured, once the store is full.
const MEASURED: u64 = 20;
/// Inserts between two looks at the clock, so few that nothing else comes between in most.
const A_TURN: usize = 500;
pub const BEGIN: u64 = 1_795_262_400;

/// Fills a store second by second, and measures the seconds after it is full.
pub fn measure() {
    let keys = keys(0, KEYS);
    let before = held();
    let store = MemoryReplay::new(ReplayLimits { total: LIVE as usize + 1, per_key: LIVE as usize });
    let mut full = None;
    let (mut unit, mut units, mut nanoseconds) = (ours::unit(), Vec::new(), Vec::new());
    let mut worked = [Vec::new(), Vec::new()];
    let (mut looks, mut maps) = (Vec::new(), Vec::new());
    for second in 0..LIFE + MEASURED {
        let now = UnixTime::from_secs(BEGIN + second);
        if second == LIFE {
            full = Some((held() - before, Memory::new(), Map::filled()));
        }
        let entries: Vec<_> = (0..A_SECOND).map(|place| entry(&keys, second, second * A_SECOND + place)).collect();
        for turn in entries.chunks(A_TURN) {
            let (start, before) = (Instant::now(), processor_time());
            let accepted = turn.iter().filter(|entry| store.insert(entry, now).is_ok()).count();
            worked[usize::from(second >= LIFE)].push((processor_time() - before) / 1e3);
            let taken = start.elapsed().as_nanos() as f64 / turn.len() as f64;
            assert_eq!(accepted, turn.len(), "each is new, and there is room");
            if let Some((_, memory, map)) = &mut full {
                nanoseconds.push(taken);
                units.push(unit.turn());
                looks.push(memory.turn());
                maps.push(map.turn());
            }
        }
        assert!(entries.iter().step_by(97).all(|entry| store.insert(entry, now).is_err()), "each is known now");
    }
    let bytes = full.map_or(f64::NAN, |(bytes, ..)| bytes as f64 / (A_SECOND * LIFE) as f64);
    let at = |of: &[f64], share| quantile(of.to_vec(), share);
    println!("live entries {}, of {KEYS} keys; held {}", A_SECOND * LIFE, store.held());
    for (name, of) in [("one insert", &nanoseconds), ("one look at memory", &looks), ("DashMap<[u8; 16], u64>", &maps)]
    {
        println!(
            "{name:24} {:4.0} ns median, {:4.0} ns low; {:.2} inserts low; {:.4} U median",
            at(of, 0.5),
            at(of, 0.1),
            at(of, 0.1) / at(&nanoseconds, 0.1),
            at(of, 0.5) / at(&units, 0.5)
        );
    }
    println!("{bytes:.1} bytes for each live entry");
    for (when, worked) in ["while it fills", "when it is full"].into_iter().zip(&worked) {
        let [most, longest] = [0.999, 1.0 - f64::EPSILON].map(|share| at(worked, share));
        println!(
            "{A_TURN} inserts, {when}: {most:.0} us of processor at most in 999 of 1000, {longest:.0} us in the worst"
        );
    }
}

/// Looks at memory as large as the store's, each where the last one says: nothing can be fetched ahead.
struct Memory {
    words: Vec<u64>,
    state: u64,
}

impl Memory {
    fn new() -> Self {
        let words = (0..LIVE * 13 / 8).map(|word| word & 1).collect();
        Self { words, state: 88_172_645_463_325_252 }
    }

    /// Nanoseconds of one look.
    fn turn(&mut self) -> f64 {
        let start = Instant::now();
        for _ in 0..A_TURN {
            self.state ^= self.state << 13;
            self.state ^= self.state >> 7;
            self.state ^= self.state << 17;
            let (_, place) = self.state.carrying_mul(self.words.len() as u64, 0);
            self.state ^= black_box(self.words[place as usize]);
        }
        start.elapsed().as_nanos() as f64 / A_TURN as f64
    }
}

/// A map that knows as many proofs by 16 bytes each, and neither limits nor forgets them.
struct Map {
    map: DashMap<[u8; 16], u64>,
    number: u64,
    scatter: RandomState,
}

impl Map {
    fn filled() -> Self {
        let map = DashMap::with_capacity(LIVE as usize * 5 / 4);
        let mut filled = Self { map, number: 0, scatter: RandomState::new() };
        while filled.number < LIVE {
            filled.turn();
        }
        filled
    }

    /// Nanoseconds of one insert.
    fn turn(&mut self) -> f64 {
        let keys: Vec<[u8; 16]> = (self.number..).take(A_TURN).map(|number| self.key(number)).collect();
        self.number += A_TURN as u64;
        let start = Instant::now();
        let new = keys.iter().filter(|key| self.map.insert(**key, self.number).is_none()).count();
        let taken = start.elapsed().as_nanos() as f64 / A_TURN as f64;
        assert_eq!(new, A_TURN);
        taken
    }

    fn key(&self, number: u64) -> [u8; 16] {
        let halves = [self.scatter.hash_one(number), self.scatter.hash_one(!number)];
        halves.map(u64::to_le_bytes).concat().try_into().expect("two halves")
    }
}

/// Nanoseconds of processor time that this thread has had.
fn processor_time() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

/// Keys with these numbers.
pub fn keys(first: usize, count: usize) -> Vec<Thumbprint> {
    (first..).take(count).map(key).collect()
}

fn key(number: usize) -> Thumbprint {
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&(number as u64).to_le_bytes());
    SigningKey::from_ed25519_seed(&seed).public().thumbprint()
}

/// The entry with this number, which lives through `LIFE` seconds, `second` included.
pub fn entry(keys: &[Thumbprint], second: u64, number: u64) -> ReplayEntry {
    let key = keys[number as usize % keys.len()];
    ReplayEntry::new("https://api.example", key, &number.to_string(), UnixTime::from_secs(BEGIN + second + LIFE - 1))
}
