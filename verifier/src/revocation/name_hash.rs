//! Places of names in a set, which are hashes already.

use core::fmt;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

/// Scatters names by a secret of the set: half of a name is a hash already, but whoever names things can look for many whose hashes begin
/// alike. One product with the secret and its halves folded upon each other, in place of a whole keyed hash.
#[derive(Clone, Copy)]
pub(super) struct NameHashes {
    before: u64,
    times: u64,
}

impl Default for NameHashes {
    /// A new secret, made of the seed that the standard library draws for its own maps.
    fn default() -> Self {
        let random = RandomState::new();
        Self { before: random.hash_one(0_u64), times: random.hash_one(1_u64) | 1 }
    }
}

impl fmt::Debug for NameHashes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NameHashes")
    }
}

impl BuildHasher for NameHashes {
    type Hasher = NameHasher;

    fn build_hasher(&self) -> NameHasher {
        NameHasher { secret: *self, hash: 0 }
    }
}

/// One name's.
#[derive(Debug)]
pub(super) struct NameHasher {
    secret: NameHashes,
    hash: u64,
}

impl Hasher for NameHasher {
    #[inline]
    fn finish(&self) -> u64 {
        self.hash
    }

    #[inline]
    fn write_u64(&mut self, half: u64) {
        let NameHashes { before, times } = self.secret;
        let (low, high) = (self.hash ^ half ^ before).carrying_mul(times, 0);
        self.hash = low ^ high;
    }

    fn write(&mut self, bytes: &[u8]) {
        for word in bytes.chunks(8) {
            self.write_u64(word.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::revocation::{RevocationKind, RevocationName};

    #[test]
    fn each_secret_has_its_own_places() {
        let name = |number: u32| RevocationName::of("https://a", RevocationKind::Token, number.to_string());
        let (one, other) = (NameHashes::default(), NameHashes::default());
        for number in 0..100 {
            assert_eq!(one.hash_one(name(number)), one.hash_one(name(number)));
            assert_ne!(one.hash_one(name(number)), other.hash_one(name(number)));
        }
        // maps tell entries apart by the highest bits, and find them by the lowest
        for shift in [0, 57] {
            let mut filled = [0_u32; 128];
            for number in 0..12_800 {
                let place = usize::try_from(one.hash_one(name(number)) >> shift & 127).unwrap_or(0);
                filled.iter_mut().skip(place).take(1).for_each(|count| *count += 1);
            }
            assert!(filled.iter().all(|count| (40..200).contains(count)), "{shift}: {filled:?}");
        }
    }
}
