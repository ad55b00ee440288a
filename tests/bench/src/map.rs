//! A map that others would take for a replay store.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::time::Instant;

use dashmap::DashMap;

use crate::replay::{A_TURN, LIVE};

/// A map that knows as many proofs by 16 bytes each, and neither limits nor forgets them.
pub struct Map {
    map: DashMap<[u8; 16], u64>,
    number: u64,
    scatter: RandomState,
}

impl Map {
    pub fn filled() -> Self {
        let map = DashMap::with_capacity(LIVE as usize * 5 / 4);
        let mut filled = Self { map, number: 0, scatter: RandomState::new() };
        while filled.number < LIVE {
            filled.turn();
        }
        filled
    }

    /// Nanoseconds of one insert.
    pub fn turn(&mut self) -> f64 {
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
