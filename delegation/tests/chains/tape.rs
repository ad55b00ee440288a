//! Random choices as bytes, so that a failing case shrinks: zeros choose the first of everything.

use proptest::prelude::*;

const BYTES: usize = 160;

/// Choices still to be made. Without end: behind the last byte come zeros.
pub(crate) struct Tape(std::vec::IntoIter<u8>);

impl Tape {
    pub(crate) fn new(words: [u64; BYTES / 8]) -> Self {
        Self(words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<_>>().into_iter())
    }

    /// A number below `count`, which is at most 256.
    pub(crate) fn below(&mut self, count: usize) -> usize {
        usize::from(self.0.next().unwrap_or_default()) % count
    }

    pub(crate) fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == count - 1
    }

    /// Some of `all`, as bits.
    pub(crate) fn bits(&mut self, all: u16) -> u16 {
        let low = u16::from(self.0.next().unwrap_or_default());
        let high = if all > 0xff { u16::from(self.0.next().unwrap_or_default()) } else { 0 };
        (high << 8 | low) & all
    }
}

pub(crate) fn words() -> impl Strategy<Value = [u64; BYTES / 8]> {
    any::<[u64; BYTES / 8]>()
}

/// The same choices in every run, for tests that count.
pub(crate) fn scrambled(count: usize) -> impl Iterator<Item = [u64; BYTES / 8]> {
    let mut state = 1_u64;
    let mut next = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state ^ state >> 33
    };
    core::iter::repeat_with(move || core::array::from_fn(|_| next())).take(count)
}

pub(crate) fn cases(normal: u32, long: u32) -> ProptestConfig {
    let is_long = std::env::var_os("HANDFAST_LONG").is_some_and(|value| value == "1");
    let cases = if is_long { long } else { normal };
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}
