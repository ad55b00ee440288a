//! How much of a store each key holds, counted by the seconds in which entries end: nothing is swept when a second is over.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use handfast_identity::UnixTime;

use super::ReplayError;
use super::hashed::AsItIs;

/// Keys looked at for each new one, to forget those that hold nothing any more: twice as many as come.
const LOOKED_AT: usize = 2;
/// Seconds of a key that room is made for at once.
const MORE_SECONDS: usize = 16;
/// Bits of a count within one second; a greater one takes two.
const COUNT_BITS: u32 = 24;
const COUNT_MOST: u64 = (1 << COUNT_BITS) - 1;
/// What ends behind this second counts as ending in it: the year 36 800.
const END_MOST: u64 = (1 << (64 - COUNT_BITS)) - 1;

/// What some of the keys hold, and all of these together.
#[derive(Debug, Default)]
pub(super) struct Shares {
    /// A key stands for itself by its hash, with odds of one in 2^64 for another's.
    keys: HashMap<u64, Share, BuildHasherDefault<AsItIs>>,
    /// The same keys in some order, and the next one to look at.
    order: Vec<u64>,
    next: usize,
    all: Ends,
    /// The latest time told, in seconds.
    floor: u64,
}

/// What one key holds.
#[derive(Debug, Default)]
struct Share {
    /// Entries, those that ended but were not yet taken off included.
    held: usize,
    ends: Ends,
}

/// Numbers of entries by the second in which they end: the second in the high bits, the number in the [`COUNT_BITS`] low ones.
#[derive(Debug, Default)]
struct Ends {
    /// The last second; zero where there is none.
    last: u64,
    /// Those before, in order.
    earlier: Vec<u64>,
}

impl Shares {
    /// Moves the time on, and says how many entries have ended.
    #[inline]
    pub(super) fn advance(&mut self, now: UnixTime) -> usize {
        if now.as_secs() <= self.floor {
            return 0;
        }
        self.floor = now.as_secs();
        self.all.forget_before(self.floor)
    }

    /// Counts one more entry of `key`, which ends in `end`, if the key holds less than `limit` and `take` finds room in the store.
    #[inline]
    pub(super) fn count(
        &mut self,
        key: u64,
        end: UnixTime,
        limit: usize,
        take: impl FnOnce() -> Result<(), ReplayError>,
    ) -> Result<(), ReplayError> {
        let (now, end) = (self.floor, end.as_secs().min(END_MOST));
        let Some(share) = self.keys.get_mut(&key) else { return self.count_first(key, end, limit, take) };
        share.require_room(limit, now)?;
        take()?;
        share.add(end, now);
        if !self.all.add_to_last(end) {
            self.all.add(end);
        }
        Ok(())
    }

    #[cold]
    fn count_first(
        &mut self,
        key: u64,
        end: u64,
        limit: usize,
        take: impl FnOnce() -> Result<(), ReplayError>,
    ) -> Result<(), ReplayError> {
        let (now, mut share) = (self.floor, Share::default());
        share.require_room(limit, now)?;
        take()?;
        share.add(end, now);
        self.tidy(now);
        self.keys.insert(key, share);
        self.order.push(key);
        self.all.add(end);
        Ok(())
    }

    /// Looks at a few keys, and forgets those that hold nothing.
    fn tidy(&mut self, now: u64) {
        for _ in 0..LOOKED_AT {
            if self.next >= self.order.len() {
                self.next = 0;
            }
            let Some(key) = self.order.get(self.next) else { return };
            if self.keys.get(key).is_none_or(|share| share.ends.are_over(now)) {
                self.keys.remove(key);
                self.order.swap_remove(self.next);
            } else {
                self.next += 1;
            }
        }
    }

    #[cfg(test)]
    pub(super) fn sizes(&self) -> [usize; 3] {
        let seconds = self.keys.values().map(|share| share.ends.earlier.len() + 1).max();
        [self.keys.len(), seconds.unwrap_or(0), self.all.earlier.len() + 1]
    }
}

impl Share {
    #[inline]
    fn require_room(&mut self, limit: usize, now: u64) -> Result<(), ReplayError> {
        if self.held >= limit {
            self.held -= self.ends.forget_before(now);
            if self.held >= limit {
                return Err(ReplayError::KeyShareFull);
            }
        }
        Ok(())
    }

    #[inline]
    fn add(&mut self, end: u64, now: u64) {
        if !self.ends.add_to_last(end) {
            self.held -= self.ends.forget_before(now);
            self.ends.add(end);
        }
        self.held += 1;
    }
}

impl Ends {
    const fn end_with(&self, end: u64) -> bool {
        self.last >> COUNT_BITS == end
    }

    const fn are_over(&self, now: u64) -> bool {
        self.last >> COUNT_BITS < now
    }

    /// Counts one more where it belongs to the last second.
    #[inline]
    const fn add_to_last(&mut self, end: u64) -> bool {
        let fits = self.end_with(end) && self.last & COUNT_MOST != COUNT_MOST;
        if fits {
            self.last += 1;
        }
        fits
    }

    #[cold]
    fn add(&mut self, end: u64) {
        if self.add_to_last(end) {
            return;
        }
        let one = end << COUNT_BITS | 1;
        if self.last <= one {
            if self.last > 0 {
                // doubling would leave a third of it empty, for each key
                if self.earlier.len() == self.earlier.capacity() {
                    self.earlier.reserve_exact(MORE_SECONDS);
                }
                self.earlier.push(self.last);
            }
            self.last = one;
            return;
        }
        let place = self.earlier.partition_point(|second| second >> COUNT_BITS < end);
        match self.earlier.get_mut(place) {
            Some(second) if *second >> COUNT_BITS == end && *second & COUNT_MOST != COUNT_MOST => *second += 1,
            _ => self.earlier.insert(place, one),
        }
    }

    /// Forgets the seconds before `now`, and says how many entries that were.
    #[cold]
    fn forget_before(&mut self, now: u64) -> usize {
        let over = self.earlier.partition_point(|second| second >> COUNT_BITS < now);
        let mut freed: u64 = self.earlier.drain(..over).map(|second| second & COUNT_MOST).sum();
        if self.are_over(now) {
            freed += self.last & COUNT_MOST;
            self.last = 0;
        }
        usize::try_from(freed).unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn entries_are_counted_off_as_they_end() {
        let (mut ends, mut model) = (Ends::default(), BTreeMap::<u64, usize>::new());
        let mut random = 7_u64;
        for step in 0..5_000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let now = 1_000 + step / 20;
            let end = now + (random >> 40) % 90;
            ends.add(end);
            *model.entry(end).or_default() += 1;
            let kept = model.split_off(&now);
            assert_eq!(ends.forget_before(now), model.values().sum::<usize>(), "{step}");
            model = kept;
            assert!(ends.earlier.len() < 90 && ends.earlier.is_sorted());
        }
        assert_eq!(ends.forget_before(u64::MAX), model.values().sum::<usize>());
        assert_eq!((ends.last, ends.earlier.len()), (0, 0));
    }

    #[test]
    fn a_full_count_is_followed_by_another() {
        let mut ends = Ends { last: 9 << COUNT_BITS | COUNT_MOST, earlier: vec![8 << COUNT_BITS | COUNT_MOST] };
        ends.add(9);
        ends.add(8);
        ends.add(8);
        assert_eq!(ends.forget_before(9) as u64, COUNT_MOST + 2);
        assert_eq!(ends.forget_before(10) as u64, COUNT_MOST + 1);
    }

    #[test]
    fn keys_that_hold_nothing_are_forgotten_as_others_come() {
        let mut shares = Shares::default();
        for key in 0..20_000 {
            let now = 1_000 + key / 10;
            shares.advance(UnixTime::from_secs(now));
            assert_eq!(shares.count(key, UnixTime::from_secs(now + 90), 5, || Ok(())), Ok(()));
        }
        let [keys, seconds, all] = shares.sizes();
        assert!((910..=2_000).contains(&keys), "{keys} keys for 910 live entries");
        assert_eq!((seconds, all, shares.order.len()), (1, 91, keys));
    }

    #[test]
    fn a_refused_entry_is_not_counted() {
        let mut shares = Shares::default();
        let end = UnixTime::from_secs(9);
        assert_eq!(shares.count(1, end, 1, || Err(ReplayError::Full)), Err(ReplayError::Full));
        assert_eq!(shares.sizes()[0], 0);
        assert_eq!(shares.count(1, end, 0, || Ok(())), Err(ReplayError::KeyShareFull));
        assert_eq!(shares.count(1, end, 1, || Ok(())), Ok(()));
        assert_eq!(shares.count(1, end, 1, || Ok(())), Err(ReplayError::KeyShareFull));
        assert_eq!(shares.advance(UnixTime::from_secs(10)), 1);
        assert_eq!(shares.count(1, UnixTime::from_secs(10), 1, || Ok(())), Ok(()));
    }
}
