//! Random bytes that are none: different ones at each call, the same in every run.

use std::sync::atomic::{AtomicU64, Ordering};

use handfast_identity::RandomSource;

/// A random source that counts. Two of the same start give the same bytes; no two calls of one give the same 8 bytes.
#[derive(Clone, Debug, Default)]
pub struct CountedRandom {
    calls: u64,
}

impl CountedRandom {
    /// A source that goes on from a count nobody else in this process was given: for ids that must not meet.
    #[must_use]
    pub fn unshared() -> Self {
        static GIVEN: AtomicU64 = AtomicU64::new(1);
        Self { calls: GIVEN.fetch_add(1, Ordering::Relaxed) << 32 }
    }

    /// How often bytes were asked for.
    #[must_use]
    pub const fn calls(&self) -> u64 {
        self.calls & 0xffff_ffff
    }
}

impl RandomSource for CountedRandom {
    fn fill(&mut self, out: &mut [u8]) {
        self.calls += 1;
        let mut state = self.calls;
        for chunk in out.chunks_mut(8) {
            // splitmix64: every state gives another word
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut word = state;
            word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            let bytes = (word ^ (word >> 31)).to_be_bytes();
            chunk.iter_mut().zip(bytes).for_each(|(out, byte)| *out = byte);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use handfast_identity::random_bytes;

    use super::*;

    #[test]
    fn calls_differ_and_runs_do_not() {
        let (mut one, mut other) = (CountedRandom::default(), CountedRandom::default());
        let mut seen = HashSet::new();
        for _ in 0..1000 {
            let bytes: [u8; 16] = random_bytes(&mut one);
            assert!(seen.insert(bytes));
            assert_eq!(bytes, random_bytes(&mut other));
        }
        assert_eq!(one.calls(), 1000);
        assert_ne!(
            random_bytes::<16>(&mut CountedRandom::unshared()),
            random_bytes::<16>(&mut CountedRandom::unshared())
        );
    }
}
