//! Choices that follow from a seed, or from the bytes of a fuzzer.

/// Choices still to be made. Without end.
#[derive(Clone, Debug)]
pub struct Dice {
    tape: Vec<u8>,
    at: usize,
    state: u64,
}

impl Dice {
    /// The choices of a seed.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        Self { tape: Vec::new(), at: 0, state: seed }
    }

    /// The choices of some bytes; behind the last, those of seed 0.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self { tape: bytes.to_vec(), at: 0, state: 0 }
    }

    /// Whether there are no bytes left.
    #[must_use]
    pub const fn is_used_up(&self) -> bool {
        self.at >= self.tape.len()
    }

    /// Eight random bytes: splitmix64.
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.state;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    fn next_byte(&mut self) -> Option<u8> {
        let byte = self.tape.get(self.at).copied()?;
        self.at += 1;
        Some(byte)
    }

    /// A number below `count`.
    pub fn below(&mut self, count: usize) -> usize {
        let word = match (self.next_byte(), count > 256) {
            (Some(low), false) => u64::from(low),
            (Some(low), true) => u64::from(low) | u64::from(self.next_byte().unwrap_or_default()) << 8,
            (None, _) => self.next_u64() >> 16,
        };
        usize::try_from(word % count.max(1) as u64).unwrap_or_default()
    }

    /// Whether something happens that happens once in `count` times.
    pub fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == count - 1
    }

    /// One of these.
    ///
    /// # Panics
    ///
    /// When there is none.
    pub fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}
