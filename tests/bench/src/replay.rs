//! The replay store with ten million live entries: what one more costs, and what one takes of memory.

use std::time::Instant;

use handfast_dpop::{MemoryReplay, ReplayEntry, ReplayLimits, ReplayStore};
use handfast_identity::{SigningKey, Thumbprint, UnixTime};

use crate::count::held;
use crate::meter::quantile;
use crate::ours;

/// Live entries in the end.
const LIVE: u64 = 10_000_000;
/// Seconds that an entry lives.
const LIFE: u64 = 90;
/// Entries of one second.
const A_SECOND: u64 = LIVE / LIFE;
/// Keys that make them in turn.
const KEYS: usize = 10_000;
/// Seconds that are measured, once the store is full.
const MEASURED: u64 = 20;
/// Inserts between two looks at the clock, so few that nothing else comes between in most.
const A_TURN: usize = 500;
const BEGIN: u64 = 1_795_262_400;

/// Fills a store second by second, and measures the seconds after it is full.
pub fn measure() {
    let keys: Vec<Thumbprint> = (0..KEYS).map(key).collect();
    let before = held();
    let store = MemoryReplay::new(ReplayLimits { total: LIVE as usize + 1, per_key: LIVE as usize });
    let (mut unit, mut units, mut nanoseconds) = (ours::unit(), Vec::new(), Vec::new());
    for second in 0..LIFE + MEASURED {
        let now = UnixTime::from_secs(BEGIN + second);
        let entries: Vec<_> = (0..A_SECOND).map(|place| entry(&keys, second, place)).collect();
        for turn in entries.chunks(A_TURN) {
            let start = Instant::now();
            let accepted = turn.iter().filter(|entry| store.insert(entry, now).is_ok()).count();
            let taken = start.elapsed().as_nanos() as f64 / turn.len() as f64;
            assert_eq!(accepted, turn.len(), "each is new, and there is room");
            if second >= LIFE {
                nanoseconds.push(taken);
                units.push(unit.turn());
            }
        }
        assert!(entries.iter().step_by(97).all(|entry| store.insert(entry, now).is_err()), "each is known now");
    }
    let bytes = (held() - before) as f64 / (A_SECOND * LIFE) as f64;
    let at = |of: &[f64], share| quantile(of.to_vec(), share);
    let unit = at(&units, 0.5);
    println!("live entries {}, of {KEYS} keys; held {}", A_SECOND * LIFE, store.held());
    println!("one insert: {:.0} ns median, {:.0} ns low", at(&nanoseconds, 0.5), at(&nanoseconds, 0.1));
    println!("in U: {:.4} median; {bytes:.1} bytes for each live entry", at(&nanoseconds, 0.5) / unit);
}

fn key(number: usize) -> Thumbprint {
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&(number as u64).to_le_bytes());
    SigningKey::from_ed25519_seed(&seed).public().thumbprint()
}

/// An entry that lives through `LIFE` seconds, the one it is made in included.
fn entry(keys: &[Thumbprint], second: u64, place: u64) -> ReplayEntry {
    let key = keys[(second * A_SECOND + place) as usize % keys.len()];
    let id = (second * A_SECOND + place).to_string();
    ReplayEntry::new("https://api.example", key, &id, UnixTime::from_secs(BEGIN + second + LIFE - 1))
}
