//! Honest inserts while others flood the replay store with valid proofs: how long they take, and what the flood may hold.

use std::time::Instant;

use handfast_dpop::{MemoryReplay, ReplayEntry, ReplayError, ReplayLimits, ReplayStore};
use handfast_identity::UnixTime;

use crate::meter::quantile;
use crate::replay::{BEGIN, LIFE, entry, keys};

/// Room for everything that comes within the time, and a sixteenth of it for one key.
const LIMITS: ReplayLimits = ReplayLimits { total: 1 << 21, per_key: 1 << 17 };
/// Keys of honest callers.
const HONEST: usize = 10_000;
/// Honest inserts of one turn, each with its time.
const A_TURN: usize = 1_000;
/// What a flood inserts for each honest one.
const FLOODED: usize = 9;
const TURNS: u64 = 200;
/// Turns before the first that counts: the memory of the stores is new then.
const FIRST: u64 = 60;

/// Measures honest inserts alone, with a flood of one key, and with one of 10^5 keys, in turns.
pub fn measure() {
    let honest = keys(0, HONEST);
    let mut sides =
        [("no flood", 0), ("one key floods", 1), ("100 000 keys flood", 100_000)].map(|(name, flooders)| {
            let store = MemoryReplay::new(LIMITS);
            let nanoseconds = Vec::with_capacity(TURNS as usize * A_TURN);
            Side { name, store, flooders: keys(HONEST, flooders), nanoseconds, flood_held: 0 }
        });
    for turn in 0..TURNS {
        sides.iter_mut().for_each(|side| side.turn(&honest, turn));
    }
    let [quiet, ..] = sides.each_ref().map(Side::p99);
    println!("\n{FLOODED} flooding inserts for each honest one, {} of those each", (TURNS - FIRST) as usize * A_TURN);
    for side in &sides {
        let p50 = quantile(side.nanoseconds.clone(), 0.5);
        println!(
            "{:20} honest p50 {p50:.0} ns, p99 {:.0} ns: {:.2} of the quiet one; the flood got {} in",
            side.name,
            side.p99(),
            side.p99() / quiet,
            side.flood_held
        );
    }
}

struct Side {
    name: &'static str,
    store: MemoryReplay,
    flooders: Vec<handfast_identity::Thumbprint>,
    nanoseconds: Vec<f64>,
    flood_held: usize,
}

impl Side {
    fn turn(&mut self, honest: &[handfast_identity::Thumbprint], turn: u64) {
        // a second in ten turns
        let second = turn / 10;
        let now = UnixTime::from_secs(BEGIN + second);
        let first = turn * A_TURN as u64;
        let entries: Vec<_> = (first..).take(A_TURN).map(|number| entry(honest, second, number)).collect();
        let flood: Vec<ReplayEntry> = if self.flooders.is_empty() {
            Vec::new()
        } else {
            let numbers = (first * FLOODED as u64..).take(A_TURN * FLOODED);
            numbers.map(|number| entry(&self.flooders, second, number)).collect()
        };
        let mut flood = flood.iter();
        for entry in &entries {
            for flooding in flood.by_ref().take(FLOODED) {
                match self.store.insert(flooding, now) {
                    Ok(_) => self.flood_held += 1,
                    Err(error) => assert_eq!(error, ReplayError::KeyShareFull),
                }
            }
            let start = Instant::now();
            let accepted = self.store.insert(entry, now).is_ok();
            if turn >= FIRST {
                self.nanoseconds.push(start.elapsed().as_nanos() as f64);
            }
            assert!(accepted, "an honest one is let in");
        }
        assert!(second < LIFE, "nothing has ended, so what was let in is held");
        assert!(self.store.held() <= LIMITS.total && (self.flooders.len() != 1 || self.flood_held <= LIMITS.per_key));
    }

    fn p99(&self) -> f64 {
        quantile(self.nanoseconds.clone(), 0.99)
    }
}
