//! Fingerprints of proofs with their ends, eight bytes each, in memory that is taken once and never grows.

use std::collections::HashMap;

use handfast_identity::UnixTime;

/// Entries that stand together, a line of memory.
const BUCKET: usize = 8;
/// Of so many places in [`PLACES_OF`] one entry each is meant to be held: fuller, and both buckets of an entry are often full.
const HELD_OF: usize = 4;
const PLACES_OF: usize = 5;
/// Entries that a table is made for at most; more go elsewhere. 2^28 in all shards of a store, which nobody needs.
const MOST_ENTRIES: usize = 1 << 24;
/// Ends are kept to 16 bits. What ends further away than this is kept elsewhere, and what has ended is taken out at least as often,
/// so that no two ends in a table look alike.
const SPAN_SECS: u64 = 1 << 14;

/// A proof as a table knows it: 48 bits of a keyed hash, at one of two buckets that other bits choose.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    /// The hash; its last 16 bits are not kept.
    pub(super) hash: u64,
    /// What chooses the buckets.
    pub(super) places: [u64; 2],
}

/// A fixed number of buckets. An entry stands in one of its two, in any place, and the place of one that has ended is free: nothing
/// is ever moved, and no insert looks at more than two lines of memory.
#[derive(Debug)]
pub(super) struct Table {
    words: Vec<u64>,
    /// Words before the first whole line of memory.
    offset: usize,
    is_used: bool,
    /// The latest time told; what ends before it is not held.
    floor: UnixTime,
    /// When everything that had ended was last taken out.
    cleaned: UnixTime,
    /// What found both its buckets full, or ends too far away: next to nothing.
    overflow: HashMap<u64, UnixTime>,
}

impl Table {
    /// A table for `entries` live ones. Its memory is asked for whole, and used as entries come.
    pub(super) fn new(entries: usize) -> Self {
        let buckets = (entries.min(MOST_ENTRIES) * PLACES_OF / (HELD_OF * BUCKET)).max(1);
        let words = vec![0_u64; (buckets + 1) * BUCKET];
        let offset = words.as_ptr().align_offset(BUCKET * size_of::<u64>()).min(BUCKET);
        Self {
            words,
            offset,
            is_used: false,
            floor: UnixTime::EPOCH,
            cleaned: UnixTime::EPOCH,
            overflow: HashMap::new(),
        }
    }

    /// The latest time told.
    pub(super) const fn floor(&self) -> UnixTime {
        self.floor
    }

    /// Moves the time on. Every few hours that takes out what has ended, or all of it.
    pub(super) fn advance(&mut self, now: UnixTime) {
        if now <= self.floor {
            return;
        }
        let (has_all_ended, is_due) =
            (now.since(self.floor).get() >= SPAN_SECS, now.since(self.cleaned).get() > SPAN_SECS);
        self.floor = now;
        if has_all_ended || is_due {
            self.cleaned = now;
            self.overflow.retain(|_, end| *end >= now);
            if core::mem::take(&mut self.is_used) {
                let is_over = |word: u64| has_all_ended || !is_live(word, now);
                self.words.iter_mut().filter(|word| is_over(**word)).for_each(|word| *word = 0);
                self.is_used = !has_all_ended;
            }
        }
    }

    /// Whether it holds the proof, and the proof has not ended.
    pub(super) fn contains(&self, mark: Mark) -> bool {
        let tag = mark.tag();
        let is_it = |word: &u64| *word >> 16 == tag && is_live(*word, self.floor);
        mark.places.into_iter().any(|place| self.bucket(place).is_some_and(|bucket| bucket.iter().any(is_it)))
            || (!self.overflow.is_empty() && self.overflow.get(&mark.hash).is_some_and(|end| *end >= self.floor))
    }

    /// Takes in a proof that it does not hold, and that has not ended.
    pub(super) fn insert(&mut self, mark: Mark, end: UnixTime) {
        let floor = self.floor;
        let [.., high, low] = end.as_secs().to_be_bytes();
        let word = mark.tag() << 16 | u64::from(u16::from_be_bytes([high, low]));
        let free_in = |bucket: &[u64]| bucket.iter().filter(|word| !is_live(**word, floor)).count();
        let [one, two] = mark.places.map(|place| self.bucket(place).map_or(0, free_in));
        // into the emptier of the two: so both fill evenly
        let [first, second] = mark.places;
        let place = if one >= two { first } else { second };
        if end.since(floor).get() < SPAN_SECS {
            let free = self.bucket_mut(place).and_then(|bucket| bucket.iter_mut().find(|word| !is_live(**word, floor)));
            if let Some(free) = free {
                *free = word;
                self.is_used = true;
                return;
            }
        }
        self.overflow.retain(|_, end| *end >= floor);
        self.overflow.insert(mark.hash, end);
    }

    /// How many buckets there are.
    fn buckets(&self) -> usize {
        self.words.len() / BUCKET - 1
    }

    fn bucket(&self, place: u64) -> Option<&[u64]> {
        let start = self.start(place);
        self.words.get(start..start + BUCKET)
    }

    fn bucket_mut(&mut self, place: u64) -> Option<&mut [u64]> {
        let start = self.start(place);
        self.words.get_mut(start..start + BUCKET)
    }

    /// The first word of a bucket: `place` as a share of 2^64, of the buckets.
    fn start(&self, place: u64) -> usize {
        let bucket = (u128::from(place) * self.buckets() as u128) >> 64;
        self.offset + usize::try_from(bucket).unwrap_or(0) * BUCKET
    }
}

impl Mark {
    /// What is kept of the hash; never zero, which is what an empty place holds.
    fn tag(self) -> u64 {
        (self.hash >> 16).max(1)
    }
}

/// Whether a word holds an entry that has not ended at `now`. Ends and `now` are less than 2^15 seconds apart.
fn is_live(word: u64, now: UnixTime) -> bool {
    let distance = word.wrapping_sub(now.as_secs()) & 0xffff;
    word != 0 && distance < 1 << 15
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, reason = "a failed set-up should stop the test")]
mod tests {
    use std::collections::HashMap;

    use handfast_identity::Seconds;

    use super::*;

    const NOW: u64 = 1_795_262_400;

    /// Marks without order, the same in each run.
    fn mark(number: u64) -> Mark {
        let scatter = |n: u64| {
            let n = (n ^ (n >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            n ^ (n >> 29)
        };
        let from = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Mark { hash: scatter(from ^ 1), places: [scatter(from ^ 2), scatter(from ^ 3)] }
    }

    #[test]
    fn it_holds_what_was_put_in_until_it_ends() {
        let mut table = Table::new(1_000);
        let mut model: HashMap<u64, u64> = HashMap::new();
        // ten a second, each for 10 to 90 seconds, across a wrap of the 16 bits
        let begin = (NOW | 0xffff) - 300;
        for step in 0..8_000 {
            let now = begin + step / 10;
            table.advance(UnixTime::from_secs(now));
            let end = now + 10 + step * 7 % 81;
            assert!(!table.contains(mark(step)));
            table.insert(mark(step), UnixTime::from_secs(end));
            model.insert(step, end);
            let earlier = step.saturating_sub(step * 13 % 900);
            assert_eq!(table.contains(mark(earlier)), model[&earlier] >= now, "{earlier} at {step}");
        }
        assert!(table.overflow.is_empty());
    }

    #[test]
    fn nothing_is_lost_where_there_is_no_place() {
        let mut table = Table::new(8);
        table.advance(UnixTime::from_secs(NOW));
        let end = UnixTime::from_secs(NOW + 90);
        for number in 0..100 {
            table.insert(mark(number), end);
        }
        assert!((0..100).all(|number| table.contains(mark(number))));
        assert_eq!(table.overflow.len(), 100 - BUCKET);
        table.advance(UnixTime::from_secs(NOW + 91));
        assert!((0..100).all(|number| !table.contains(mark(number))));
        table.insert(mark(100), UnixTime::from_secs(NOW + 180));
        assert_eq!((table.contains(mark(100)), table.overflow.len() <= 92), (true, true));
    }

    #[test]
    fn a_full_table_has_next_to_nothing_elsewhere() {
        let mut table = Table::new(50_000);
        table.advance(UnixTime::from_secs(NOW));
        for number in 0..50_000 {
            table.insert(mark(number), UnixTime::from_secs(NOW + 90));
        }
        assert!((0..50_000).all(|number| table.contains(mark(number))));
        assert!(table.overflow.len() < 50, "{}", table.overflow.len());
        assert!(table.words.len() * 8 <= 11 * 50_000, "{} bytes", table.words.len() * 8);
    }

    #[test]
    fn an_end_long_ago_does_not_look_like_one_to_come() {
        for later in [SPAN_SECS - 1, SPAN_SECS, 3 << 14, (1 << 16) - 60, 1 << 16, (1 << 16) + 60, 1 << 20] {
            let mut table = Table::new(1_000);
            for (start, step) in [(0, 0), (SPAN_SECS - 100, 1), (2 * SPAN_SECS - 200, 2)] {
                let now = UnixTime::from_secs(NOW + start);
                table.advance(now);
                table.insert(mark(step), now.saturating_add(Seconds::new(90)));
                table.insert(mark(10 + step), now.saturating_add(Seconds::new(SPAN_SECS)));
            }
            let now = NOW + 2 * SPAN_SECS - 200 + later;
            table.advance(UnixTime::from_secs(now));
            for (step, end) in [(0, 90), (1, SPAN_SECS - 10), (2, 2 * SPAN_SECS - 110)] {
                assert_eq!(table.contains(mark(step)), NOW + end >= now, "{step} after {later}");
            }
            assert_eq!(table.contains(mark(12)), NOW + 3 * SPAN_SECS - 200 >= now, "far, after {later}");
        }
    }
}
