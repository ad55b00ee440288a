//! A set of 64-bit fingerprints in one piece of memory, eight bytes each and few places left empty.

/// Places of a set that holds something.
const LEAST_PLACES: usize = 16;

/// Fingerprints, never zero, in open addressing: the place of one follows from its highest bits, and the next free one is taken.
///
/// Fingerprints come out of a keyed hash, so nobody can choose them to crowd one part of the set.
#[derive(Debug, Default)]
pub(super) struct Fingerprints {
    places: Vec<u64>,
    held: usize,
}

impl Fingerprints {
    /// How many are held.
    pub(super) const fn len(&self) -> usize {
        self.held
    }

    /// How many places there are, taken or not.
    pub(super) const fn places(&self) -> usize {
        self.places.len()
    }

    pub(super) fn contains(&self, fingerprint: u64) -> bool {
        self.held > 0 && self.way(fingerprint).find(|known| *known == 0 || *known == fingerprint) == Some(fingerprint)
    }

    /// Takes one in that is not there yet.
    pub(super) fn insert(&mut self, fingerprint: u64) {
        // 17 of 20 places: fuller, and the ways grow long
        if (self.held + 1) * 20 > self.places.len() * 17 {
            self.grow();
        }
        self.put(fingerprint);
        self.held += 1;
    }

    /// Forgets all and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.places.fill(0);
        self.held = 0;
    }

    /// By three tenths: with at most 17 of 20 places taken, at least 13 of 20 are right after it, some 12 bytes each.
    fn grow(&mut self) {
        let more = (self.places.len() * 13 / 10).max(LEAST_PLACES);
        let old = core::mem::replace(&mut self.places, vec![0; more]);
        // in the order of the places old and new, so the way through memory is straight
        old.into_iter().filter(|known| *known != 0).for_each(|known| self.put(known));
    }

    fn put(&mut self, fingerprint: u64) {
        let start = self.start(fingerprint);
        let (before, behind) = self.places.split_at_mut(start);
        if let Some(free) = behind.iter_mut().chain(before).find(|known| **known == 0) {
            *free = fingerprint;
        }
    }

    /// What stands in the places from the fingerprint's own on, once around.
    fn way(&self, fingerprint: u64) -> impl Iterator<Item = u64> {
        let (before, behind) = self.places.split_at(self.start(fingerprint));
        behind.iter().chain(before).copied()
    }

    /// The fingerprint as a share of all fingerprints, of the places: `fingerprint / 2^64 * places`.
    fn start(&self, fingerprint: u64) -> usize {
        let place = (u128::from(fingerprint) * self.places.len() as u128) >> 64;
        usize::try_from(place).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// Numbers of 64 bits without order, the same in each run.
    fn scattered(count: u64) -> impl Iterator<Item = u64> {
        (1..=count)
            .map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29).wrapping_mul(0xbf58_476d_1ce4_e5b9) | 1)
    }

    #[test]
    fn it_holds_what_was_put_in_and_nothing_else() {
        let (mut set, mut model) = (Fingerprints::default(), HashSet::new());
        // every fourth close to the end, where the way goes around
        let all = || scattered(5_000).map(|one| if one % 4 == 1 { u64::MAX - (one >> 50) } else { one });
        for one in all() {
            assert_eq!(set.contains(one), model.contains(&one), "{one}");
            if model.insert(one) {
                set.insert(one);
            }
            assert_eq!(set.len(), model.len());
        }
        assert!(all().all(|one| set.contains(one)));
        assert!(scattered(10_000).skip(5_000).all(|one| set.contains(one) == model.contains(&one)));
        set.clear();
        assert_eq!(set.len(), 0);
        assert!(all().all(|one| !set.contains(one)));
    }

    #[test]
    fn it_takes_little_more_than_its_fingerprints() {
        let mut set = Fingerprints::default();
        for (count, one) in scattered(20_000).enumerate() {
            set.insert(one);
            let places_are_few = set.places() * 13 <= (count + 1) * 20 + 20 * LEAST_PLACES;
            assert!(places_are_few && set.places() > count + 1, "{} places for {}", set.places(), count + 1);
        }
    }
}
