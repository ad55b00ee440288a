//! Fingerprints of proofs with their ends, in memory that is taken once and never grows.

use std::collections::HashMap;

use handfast_identity::UnixTime;

use super::line::{self, Line, SPAN_SECS, WORDS};

/// So many lines are meant to hold so many entries, of [`line::ENTRIES`] that each can: fuller, and entries often stand in another.
const LINES_FOR: usize = 10;
const ENTRIES_IN_THEM: usize = 52;
/// Entries that a table is made for at most; more go elsewhere. 2^28 in all shards of a store, which nobody needs.
const MOST_ENTRIES: usize = 1 << 24;
/// Lines that an entry may stand in: its own, and those that follow.
const MOST_LINES: usize = 8;
/// Entries that stand elsewhere before those that have ended are looked for.
const ELSEWHERE_UNTIDIED: usize = 64;

/// A proof as a table knows it: 48 bits of a keyed hash, in a line that other bits choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Mark {
    /// 48 bits.
    pub(super) tag: u64,
    /// What chooses the line.
    pub(super) place: u64,
}

/// A fixed number of lines. An entry stands in its own, in any place, or where that was full in one of those behind it, which the
/// full one says. The place of one that has ended is free: nothing is ever moved or swept, and most inserts look at one line.
#[derive(Debug)]
pub(super) struct Table {
    words: Vec<u64>,
    /// Words before the first whole line of memory.
    offset: usize,
    lines: usize,
    /// The latest time told; what ends before it is not held.
    floor: UnixTime,
    /// What found all its lines full, or ends too far away: a few in a thousand.
    elsewhere: HashMap<Mark, UnixTime>,
    /// At how many of those it looks for ended ones.
    tidy_at: usize,
}

impl Table {
    /// A table for `entries` live ones. Its memory is asked for whole, and used as entries come.
    pub(super) fn new(entries: usize) -> Self {
        let lines = entries.min(MOST_ENTRIES) * LINES_FOR / ENTRIES_IN_THEM + 1;
        let words = vec![0_u64; (lines + 1) * WORDS];
        let offset = words.as_ptr().align_offset(size_of::<Line>()).min(WORDS);
        let (elsewhere, tidy_at) = (HashMap::new(), ELSEWHERE_UNTIDIED);
        Self { words, offset, lines, floor: UnixTime::EPOCH, elsewhere, tidy_at }
    }

    /// The latest time told.
    pub(super) const fn floor(&self) -> UnixTime {
        self.floor
    }

    /// Moves the time on.
    pub(super) fn advance(&mut self, now: UnixTime) {
        self.floor = self.floor.max(now);
    }

    /// Whether it holds the proof, and the proof has not ended.
    pub(super) fn contains(&self, mark: Mark) -> bool {
        let now = self.floor.as_secs();
        for step in 0..MOST_LINES {
            let Some(line) = self.line(mark, step) else { break };
            if line::contains(line, now, mark.tag) {
                return true;
            }
            if !line::has_spilled(line, now) {
                break;
            }
        }
        !self.elsewhere.is_empty() && self.elsewhere.get(&mark).is_some_and(|end| *end >= self.floor)
    }

    /// Takes in a proof that it does not hold, and that has not ended.
    pub(super) fn insert(&mut self, mark: Mark, end: UnixTime) {
        let now = self.floor.as_secs();
        if end.since(self.floor).get() < SPAN_SECS {
            for step in 0..MOST_LINES {
                if self.line_mut(mark, step).is_some_and(|line| line::put(line, now, mark.tag, end.as_secs())) {
                    return;
                }
            }
        }
        if self.elsewhere.len() >= self.tidy_at {
            self.elsewhere.retain(|_, end| *end >= self.floor);
            self.tidy_at = 2 * self.elsewhere.len() + ELSEWHERE_UNTIDIED;
        }
        self.elsewhere.insert(mark, end);
    }

    fn line(&self, mark: Mark, step: usize) -> Option<&Line> {
        self.words.get(self.start(mark, step)..)?.first_chunk()
    }

    fn line_mut(&mut self, mark: Mark, step: usize) -> Option<&mut Line> {
        let start = self.start(mark, step);
        self.words.get_mut(start..)?.first_chunk_mut()
    }

    /// The first word of a line: the place as a share of 2^64, of the lines; those behind the last are the first ones.
    fn start(&self, mark: Mark, step: usize) -> usize {
        let (_, line) = mark.place.carrying_mul(self.lines as u64, 0);
        let line = usize::try_from(line).unwrap_or(0) + step;
        let line = if line < self.lines { line } else { (line - self.lines) % self.lines };
        self.offset + line * WORDS
    }
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
        Mark { tag: scatter(from ^ 1) >> 16, place: scatter(from ^ 2) }
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
        assert!(table.elsewhere.is_empty());
    }

    #[test]
    fn nothing_is_lost_where_there_is_no_place() {
        let mut table = Table::new(4);
        table.advance(UnixTime::from_secs(NOW));
        let end = UnixTime::from_secs(NOW + 90);
        for number in 0..1_000 {
            table.insert(mark(number), end);
        }
        assert!((0..1_000).all(|number| table.contains(mark(number))));
        assert_eq!(table.elsewhere.len(), 1_000 - line::ENTRIES);
        table.advance(UnixTime::from_secs(NOW + 91));
        assert!((0..1_000).all(|number| !table.contains(mark(number))));
        for number in 1_000..3_000 {
            table.insert(mark(number), UnixTime::from_secs(NOW + 180));
        }
        assert!((1_000..3_000).all(|number| table.contains(mark(number))));
        assert!((0..1_000).all(|number| !table.elsewhere.contains_key(&mark(number))), "ended ones are gone");
    }

    #[test]
    fn a_full_table_has_little_elsewhere() {
        let mut table = Table::new(50_000);
        // full for several lives, so that lines have spilled at many times
        for step in 0..200_000 {
            let now = NOW + step / 500;
            table.advance(UnixTime::from_secs(now));
            table.insert(mark(step), UnixTime::from_secs(now + 99));
        }
        assert!((150_500..200_000).all(|number| table.contains(mark(number))));
        assert!(table.elsewhere.len() < 500, "{}", table.elsewhere.len());
        assert!(table.words.len() * 8 <= 13 * 50_000, "{} bytes", table.words.len() * 8);
    }

    #[test]
    fn what_ends_far_away_is_kept_too() {
        for away in [SPAN_SECS - 1, SPAN_SECS, 1 << 16, 1 << 20] {
            let mut table = Table::new(1_000);
            table.advance(UnixTime::from_secs(NOW));
            table.insert(mark(1), UnixTime::from_secs(NOW).saturating_add(Seconds::new(away)));
            for (later, holds) in [(0, true), (away, true), (away + 1, false)] {
                table.advance(UnixTime::from_secs(NOW + later));
                assert_eq!(table.contains(mark(1)), holds, "{away} after {later}");
            }
        }
    }
}
