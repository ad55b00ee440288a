//! How much of a store each key holds, counted by the seconds in which entries end: nothing is swept when a second is over.

use std::sync::Arc;

use handfast_identity::UnixTime;

use super::ReplayError;
use super::fetch::Whereabouts;
use super::keys::Keys;

/// Slots of keys looked at for each new key, to forget those that hold nothing any more: twice as many keys as come, at least.
const LOOKED_AT: usize = 8;
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
    keys: Keys,
    /// The next slot to look at.
    next: usize,
    all: Ends,
    /// Places of the store taken in advance.
    reserved: usize,
    /// The latest time told, in seconds.
    floor: u64,
}

/// What one key holds.
#[derive(Debug)]
pub(super) struct Share {
    /// Entries, those that ended but were not yet taken off included.
    held: usize,
    ends: Ends,
}

/// Numbers of entries by the second in which they end: the second in the high bits, the number in the [`COUNT_BITS`] low ones.
#[derive(Debug, Default)]
struct Ends {
    /// The last second; zero where there is none.
    last: u64,
    /// Those before, where there were any.
    earlier: Option<Box<Earlier>>,
}

/// Seconds with their numbers, in order.
#[derive(Debug, Default)]
struct Earlier {
    seconds: Vec<u64>,
}

impl Shares {
    /// Where the slots of the keys stand.
    pub(super) const fn whereabouts(&self) -> &Arc<Whereabouts> {
        self.keys.whereabouts()
    }

    /// Moves the time on, and says how many entries have ended.
    #[inline]
    pub(super) fn advance(&mut self, now: UnixTime) -> usize {
        if now.as_secs() <= self.floor {
            return 0;
        }
        self.floor = now.as_secs();
        self.all.forget_before(self.floor)
    }

    /// Counts one more entry of `key`, which ends in `end`, if the key holds less than `limit` and the store
    /// has room: `take` takes some places of it, if there are any.
    #[inline]
    pub(super) fn count(
        &mut self,
        key: u64,
        end: UnixTime,
        limit: usize,
        take: impl FnOnce() -> usize,
    ) -> Result<(), ReplayError> {
        let (now, end) = (self.floor, end.as_secs().min(END_MOST));
        let Some(share) = self.keys.share(key) else { return self.count_first(key, end, limit, take) };
        share.require_room(limit, now)?;
        take_one(&mut self.reserved, take)?;
        share.add(end, now);
        if !self.all.add_to_last(end) {
            self.all.add(end);
        }
        Ok(())
    }

    /// Places taken in advance.
    pub(super) const fn reserved(&self) -> usize {
        self.reserved
    }

    /// The same, for others from now on.
    pub(super) const fn give_up_reserve(&mut self) -> usize {
        std::mem::replace(&mut self.reserved, 0)
    }

    #[cold]
    fn count_first(
        &mut self,
        key: u64,
        end: u64,
        limit: usize,
        take: impl FnOnce() -> usize,
    ) -> Result<(), ReplayError> {
        let (now, mut share) = (self.floor, Share::NOTHING);
        share.require_room(limit, now)?;
        take_one(&mut self.reserved, take)?;
        share.add(end, now);
        self.tidy(now);
        self.keys.insert(key, share);
        self.all.add(end);
        Ok(())
    }

    /// Looks at a few keys, and forgets those that hold nothing.
    fn tidy(&mut self, now: u64) {
        for _ in 0..LOOKED_AT {
            self.next = self.keys.tidy(self.next, |share| share.ends.are_over(now));
        }
    }

    #[cfg(test)]
    pub(super) fn sizes(&self) -> [usize; 3] {
        let seconds = self.keys.all().map(|share| share.ends.seconds_before() + 1).max();
        [self.keys.all().count(), seconds.unwrap_or(0), self.all.seconds_before() + 1]
    }
}

/// A place out of the reserve, which `take` fills when it is empty.
#[inline]
fn take_one(reserved: &mut usize, take: impl FnOnce() -> usize) -> Result<(), ReplayError> {
    if *reserved == 0 {
        *reserved = take();
    }
    *reserved = reserved.checked_sub(1).ok_or(ReplayError::Full)?;
    Ok(())
}

impl Share {
    /// Of a key that holds nothing.
    pub(super) const NOTHING: Self = Self { held: 0, ends: Ends { last: 0, earlier: None } };

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
    const fn are_over(&self, now: u64) -> bool {
        self.last >> COUNT_BITS < now
    }

    /// Counts one more where it belongs to the last second.
    #[inline]
    const fn add_to_last(&mut self, end: u64) -> bool {
        // what is left of another second, or of a full count, is at least as much
        let fits = self.last.wrapping_sub(end << COUNT_BITS) < COUNT_MOST;
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
                let seconds = &mut self.earlier.get_or_insert_default().seconds;
                if seconds.len() == seconds.capacity() {
                    seconds.reserve_exact(MORE_SECONDS);
                }
                seconds.push(self.last);
            }
            self.last = one;
            return;
        }
        let seconds = &mut self.earlier.get_or_insert_default().seconds;
        let place = seconds.partition_point(|second| second >> COUNT_BITS < end);
        match seconds.get_mut(place) {
            Some(second) if *second >> COUNT_BITS == end && *second & COUNT_MOST != COUNT_MOST => *second += 1,
            _ => seconds.insert(place, one),
        }
    }

    #[cfg(test)]
    fn seconds_before(&self) -> usize {
        self.earlier.as_ref().map_or(0, |earlier| earlier.seconds.len())
    }

    /// Forgets the seconds before `now`, and says how many entries that were.
    #[cold]
    fn forget_before(&mut self, now: u64) -> usize {
        let mut freed = self.earlier.as_mut().map_or(0, |earlier| {
            let over = earlier.seconds.partition_point(|second| second >> COUNT_BITS < now);
            earlier.seconds.drain(..over).map(|second| second & COUNT_MOST).sum()
        });
        if self.are_over(now) {
            freed += self.last & COUNT_MOST;
            self.last = 0;
        }
        usize::try_from(freed).unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
impl Share {
    pub(super) fn holding(held: usize) -> Self {
        Self { held, ..Self::NOTHING }
    }

    pub(super) const fn held(&self) -> usize {
        self.held
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
            assert!(ends.seconds_before() < 90);
            assert!(ends.earlier.as_ref().is_none_or(|earlier| earlier.seconds.is_sorted()));
        }
        assert_eq!(ends.forget_before(u64::MAX), model.values().sum::<usize>());
        assert_eq!((ends.last, ends.seconds_before()), (0, 0));
    }

    #[test]
    fn a_full_count_is_followed_by_another() {
        let earlier = Earlier { seconds: vec![8 << COUNT_BITS | COUNT_MOST] };
        let mut ends = Ends { last: 9 << COUNT_BITS | COUNT_MOST, earlier: Some(Box::new(earlier)) };
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
            assert_eq!(shares.count(key, UnixTime::from_secs(now + 90), 5, || 1), Ok(()));
        }
        let [keys, seconds, all] = shares.sizes();
        assert!((910..=2_000).contains(&keys), "{keys} keys for 910 live entries");
        assert_eq!((seconds, all), (1, 91));
    }

    #[test]
    fn a_refused_entry_is_not_counted() {
        let mut shares = Shares::default();
        let end = UnixTime::from_secs(9);
        assert_eq!(shares.count(1, end, 1, || 0), Err(ReplayError::Full));
        assert_eq!(shares.sizes()[0], 0);
        assert_eq!(shares.count(1, end, 0, || 1), Err(ReplayError::KeyShareFull));
        assert_eq!(shares.count(1, end, 1, || 1), Ok(()));
        assert_eq!(shares.count(1, end, 1, || 1), Err(ReplayError::KeyShareFull));
        assert_eq!(shares.advance(UnixTime::from_secs(10)), 1);
        assert_eq!(shares.count(1, UnixTime::from_secs(10), 1, || 1), Ok(()));
    }
}
