//! The replay store with ten million live entries: what one more costs, beside one look at memory and a map of as many keys, and
//! what one takes of memory.

use std::hint::black_box;
use std::time::{Duration, Instant};

use handfast_dpop::{ForeseenEntry, MemoryReplay, ReplayEntry, ReplayLimits, ReplayStore};
use handfast_identity::{SigningKey, Thumbprint, UnixTime};

use crate::meter::{Candidate, quantile};
use crate::ours;
use crate::stalls::Turns;

/// Live entries in the end.
pub const LIVE: u64 = 10_000_000;
/// Seconds that an entry lives.
pub const LIFE: u64 = 90;
/// Entries of one second.
const A_SECOND: u64 = LIVE / LIFE;
/// Keys that make them in turn.
const KEYS: usize = 10_000;
/// Seconds that are measured, once the store is full.
const MEASURED: u64 = 20;
/// How many entries before its turn one is foreseen: as little time as in no server, where a signature check lies between.
const FORESEEN: usize = 8;
/// Inserts between two looks at the clock, so few that nothing else comes between in most.
pub const A_TURN: usize = 500;
/// Room of a small store that has lines.
const FEW: usize = 1 << 15;
pub const BEGIN: u64 = 1_795_262_400;

/// Fills a store second by second, and measures the seconds after it is full.
pub fn measure() {
    let keys = keys(0, KEYS);
    // one place for the entries of each turn: what is taken and given back in between would leave holes in the heap, which are no part
    // of what is measured. A server has just made its entry, so these are few enough to be in the cache
    let mut turn = Vec::new();
    fill(&mut turn, &keys, 0, 0..A_TURN as u64);
    let before = resident();
    let store = MemoryReplay::new(ReplayLimits { total: LIVE as usize + 1, per_key: LIVE as usize });
    let mut full = None;
    let (mut unit, mut units) = (ours::unit(), Vec::new());
    // foreseen, and not
    let mut nanoseconds = [Vec::new(), Vec::new()];
    let (mut worked, mut arithmetic) = ([Turns::default(), Turns::default()], Turns::default());
    let mut others: Vec<(&str, Vec<f64>)> = Vec::new();
    for second in 0..LIFE + MEASURED {
        let now = UnixTime::from_secs(BEGIN + second);
        if second == LIFE {
            full = Some((resident() - before, beside()));
        }
        let all = second * A_SECOND..(second + 1) * A_SECOND;
        for (number, first) in all.clone().step_by(A_TURN).enumerate() {
            fill(&mut turn, &keys, second, first..all.end.min(first + A_TURN as u64));
            let is_lone = number % 2 == 1;
            let (accepted, taken) = worked[usize::from(second >= LIFE)].turn(|| {
                let start = Instant::now();
                let accepted = if is_lone { inserted(&store, &turn, now) } else { foreseen(&store, &turn, now) };
                (accepted, start.elapsed().as_nanos() as f64 / turn.len() as f64)
            });
            arithmetic.arithmetic();
            if second == 0 {
                // no server gets so many in less than a second, in which the lines are made ready; the other seconds may go by faster
                std::thread::sleep(Duration::from_secs(1) * A_TURN as u32 / A_SECOND as u32);
            }
            assert_eq!(accepted, turn.len(), "each is new, and there is room");
            if let Some((_, beside)) = &mut full {
                nanoseconds[usize::from(is_lone)].push(taken);
                units.push(unit.turn());
                others.resize_with(beside.len(), Default::default);
                for ((told, times), (name, turn)) in others.iter_mut().zip(beside) {
                    *told = name;
                    times.push(turn());
                }
            }
        }
        let is_known = |number| store.insert(&entry(&keys, second, number), now).is_err();
        assert!(all.step_by(97).all(is_known), "each is known now");
    }
    let bytes = full.map_or(f64::NAN, |(bytes, ..)| bytes as f64 / (A_SECOND * LIFE) as f64);
    let at = |of: &[f64], share| quantile(of.to_vec(), share);
    println!("live entries {}, of {KEYS} keys; held {}", A_SECOND * LIFE, store.held());
    let [with, without] = nanoseconds;
    others.splice(0..0, [("one entry, foreseen", with.clone()), ("one lone insert", without)]);
    for (name, of) in &others {
        println!(
            "{name:24} {:4.0} ns median, {:4.0} ns low; {:.2} entries low; {:.4} U median",
            at(of, 0.5),
            at(of, 0.1),
            at(of, 0.1) / at(&with, 0.1),
            at(of, 0.5) / at(&units, 0.5)
        );
    }
    println!("{bytes:.1} bytes of resident memory for each live entry");
    let [filling, when_full] = &worked;
    filling.print(&format!("{A_TURN} inserts, while it fills"));
    when_full.print(&format!("{A_TURN} inserts, when it is full"));
    arithmetic.print("about as much arithmetic, in turn with them");
}

/// How many of these are let in, each foreseen some entries before its turn: what that costs is counted with them.
fn foreseen(store: &dyn ReplayStore, turn: &[ReplayEntry], now: UnixTime) -> usize {
    turn.iter().take(FORESEEN).for_each(|entry| store.foresee(ForeseenEntry::of(entry)));
    let insert = |(place, entry): (usize, &ReplayEntry)| {
        if let Some(next) = turn.get(place + FORESEEN) {
            store.foresee(ForeseenEntry::of(next));
        }
        store.insert(entry, now).is_ok()
    };
    turn.iter().enumerate().map(insert).filter(|is_in| *is_in).count()
}

/// The same with nothing foreseen: each waits for its memory.
fn inserted(store: &dyn ReplayStore, turn: &[ReplayEntry], now: UnixTime) -> usize {
    turn.iter().filter(|entry| store.insert(entry, now).is_ok()).count()
}

/// One entry of a store that is half full, for callgrind: an insert, with or without having been foreseen.
pub fn candidates() -> Vec<Candidate> {
    [("replay-insert", false), ("replay-foreseen", true)]
        .map(|(name, is_foreseen)| {
            let mut filled: Option<(MemoryReplay, std::vec::IntoIter<ReplayEntry>)> = None;
            Candidate::new(name, move || {
                let now = UnixTime::from_secs(BEGIN + LIFE);
                let (store, entries) = filled.get_or_insert_with(half_full);
                // when all are in, another store
                let Some(entry) = entries.next() else {
                    filled = None;
                    return true;
                };
                if is_foreseen {
                    store.foresee(ForeseenEntry::of(&entry));
                }
                store.insert(&entry, now).is_ok()
            })
        })
        .into()
}

/// A store whose entries stand in lines that were all written before, and entries that it does not hold.
fn half_full() -> (MemoryReplay, std::vec::IntoIter<ReplayEntry>) {
    let (store, keys) = (MemoryReplay::new(ReplayLimits { total: FEW, per_key: FEW }), keys(0, 10));
    let put = |second: u64, numbers: std::ops::Range<usize>| {
        let entries: Vec<_> = numbers.map(|number| entry(&keys, second, number as u64)).collect();
        assert_eq!(inserted(&store, &entries, UnixTime::from_secs(BEGIN + second)), entries.len());
    };
    put(0, 0..FEW * 5 / 8);
    // the lines are made ready meanwhile
    std::thread::sleep(std::time::Duration::from_millis(200));
    put(0, FEW * 5 / 8..FEW * 7 / 8);
    // what stood elsewhere has ended
    put(LIFE, FEW..FEW * 3 / 2);
    let rest: Vec<_> = (FEW * 3 / 2..FEW * 13 / 8).map(|number| entry(&keys, LIFE, number as u64)).collect();
    (store, rest.into_iter())
}

fn fill(entries: &mut Vec<ReplayEntry>, keys: &[Thumbprint], second: u64, numbers: std::ops::Range<u64>) {
    entries.clear();
    entries.extend(numbers.map(|number| entry(keys, second, number)));
}

/// Bytes of memory that this process really has: what is mapped and not taken from the heap counts too.
fn resident() -> u64 {
    let told = std::fs::read_to_string("/proc/self/smaps_rollup").expect("Linux");
    let line = told.lines().find_map(|line| line.strip_prefix("Rss:")).expect("a size");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
}

/// A turn of something else, in nanoseconds for each time.
type Turn = Box<dyn FnMut() -> f64>;

/// What is measured beside inserts: looks at memory, and a map of as many entries where one is linked.
fn beside() -> Vec<(&'static str, Turn)> {
    let mut memory = Memory::new();
    let looks: (&str, Turn) = ("one look at memory", Box::new(move || memory.turn()));
    #[cfg(feature = "peers")]
    {
        let mut map = crate::map::Map::filled();
        vec![looks, ("DashMap<[u8; 16], u64>", Box::new(move || map.turn()))]
    }
    #[cfg(not(feature = "peers"))]
    vec![looks]
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
