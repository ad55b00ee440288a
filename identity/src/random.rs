//! The random source, as an argument, and the random identifiers made from it.

/// A cryptographically secure random source.
///
/// Keys, proof ids, nonces and codes come from here and nowhere else. An implementation that can be predicted gives every
/// one of them away; tests may use a fixed one, programs use [`OsRandom`](crate::OsRandom).
pub trait RandomSource {
    /// Fills `out` with random bytes.
    fn fill(&mut self, out: &mut [u8]);
}

/// `N` fresh random bytes.
pub fn random_bytes<const N: usize>(random: &mut dyn RandomSource) -> [u8; N] {
    let mut bytes = [0; N];
    random.fill(&mut bytes);
    bytes
}

/// Crockford's base 32 alphabet in lower case: no `i`, `l`, `o`, `u`.
const ID_ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Characters of the random part of an id: 26 × 5 bits hold 128 bits.
pub const RANDOM_ID_CHARS: usize = 26;

/// `prefix` followed by 128 random bits in 26 characters of lower-case base 32 (shaped like a ULID, in no order).
///
/// ```
/// # struct Zero; impl handfast_identity::RandomSource for Zero { fn fill(&mut self, out: &mut [u8]) { out.fill(0) } }
/// assert_eq!(handfast_identity::random_id("task_", &mut Zero), "task_00000000000000000000000000");
/// ```
pub fn random_id(prefix: &str, random: &mut dyn RandomSource) -> String {
    let value = u128::from_be_bytes(random_bytes(random));
    let digits = (0..RANDOM_ID_CHARS).rev().filter_map(|place| {
        let digit = (value >> (5 * place)) & 31;
        usize::try_from(digit).ok().and_then(|d| ID_ALPHABET.get(d)).map(|byte| char::from(*byte))
    });
    prefix.chars().chain(digits).collect()
}

/// Whether `text` is `prefix` followed by 26 characters as [`random_id`] writes them.
#[must_use]
pub fn is_random_id(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix)
        .is_some_and(|rest| rest.len() == RANDOM_ID_CHARS && rest.bytes().all(|b| ID_ALPHABET.contains(&b)))
}

/// The operating system's random source (`getrandom`).
#[cfg(feature = "os-random")]
#[derive(Clone, Copy, Debug, Default)]
pub struct OsRandom;

#[cfg(feature = "os-random")]
impl RandomSource for OsRandom {
    /// # Panics
    ///
    /// When the kernel gives no random bytes. There is no key, nonce or identifier worth making after that.
    #[allow(clippy::expect_used)] // no caller could go on; see above
    fn fill(&mut self, out: &mut [u8]) {
        getrandom::fill(out).expect("the operating system gave no random bytes");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counter(u8);

    impl RandomSource for Counter {
        fn fill(&mut self, out: &mut [u8]) {
            for byte in out {
                *byte = self.0;
                self.0 = self.0.wrapping_add(37);
            }
        }
    }

    #[test]
    fn ids_have_one_shape_and_differ() {
        let mut random = Counter(3);
        let first = random_id("tok_", &mut random);
        let second = random_id("tok_", &mut random);
        assert!(is_random_id(&first, "tok_") && is_random_id(&second, "tok_"));
        assert_ne!(first, second);
        for wrong in [
            "tok_",
            "tok_0000000000000000000000000u",
            "tok_000000000000000000000000000",
            "hop_00000000000000000000000000",
        ] {
            assert!(!is_random_id(wrong, "tok_"), "{wrong}");
        }
    }
}
