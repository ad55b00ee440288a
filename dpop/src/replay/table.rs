//! Fingerprints of proofs with their ends: a few in a map, many in lines of memory that is taken once and never grows.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::hint::select_unpredictable;
use std::sync::Arc;

use handfast_identity::UnixTime;

use super::arena::Arena;
use super::fetch::Whereabouts;
use super::hashed::AsItIs;
use super::line::{self, SPAN_SECS};

/// So many lines are meant to hold so many entries, of [`line::ENTRIES`] that each can. An entry has the choice of two lines, and 18 in
/// 1000 find both full.
const LINES_FOR: usize = 10;
const ENTRIES_IN_THEM: usize = 53;
/// Entries that a table is made for at most; more go elsewhere. 2^28 in all shards of a store, which nobody needs.
const MOST_ENTRIES: usize = 1 << 24;
/// Entries that stand elsewhere before those that have ended are looked for.
const ELSEWHERE_UNTIDIED: usize = 64;

/// A proof as a table knows it: 48 bits of a keyed hash, in one of two lines that other bits choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    /// 48 bits.
    pub(super) tag: u64,
    /// What chooses the lines, by a half each.
    pub(super) place: u64,
}

impl Hash for Mark {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.place);
    }
}

/// Where a proof that was not known may stand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    line: usize,
    free: u64,
}

/// A fixed number of lines. An entry stands in one of its two, in any place: it was put where there was more room. The place of one
/// that has ended is free: nothing is ever moved or swept, and an insert looks at two lines at once.
#[derive(Debug)]
pub(super) struct Table {
    arena: Arena,
    /// Lines that it is to have.
    lines: usize,
    /// Entries elsewhere with which the lines are made.
    few: usize,
    /// The latest time told; what ends before it is not held.
    floor: UnixTime,
    /// What came before there were lines, found both full, or ends too far away.
    elsewhere: HashMap<Mark, UnixTime, BuildHasherDefault<AsItIs>>,
    /// The last end of those.
    elsewhere_until: UnixTime,
    /// The last end of those that their lines do not tell of.
    untold_until: UnixTime,
    /// At how many of those it looks for ended ones.
    tidy_at: usize,
}

impl Table {
    /// A table for `entries` live ones. It makes its lines when it holds more than `few`: until then they stand elsewhere.
    pub(super) fn new(entries: usize, few: usize) -> Self {
        Self {
            arena: Arena::default(),
            lines: lines_for(entries),
            few,
            floor: UnixTime::EPOCH,
            elsewhere: HashMap::default(),
            elsewhere_until: UnixTime::EPOCH,
            untold_until: UnixTime::EPOCH,
            tidy_at: ELSEWHERE_UNTIDIED,
        }
    }

    /// Bytes of the lines for so many entries.
    pub(super) fn bytes_for(entries: usize) -> usize {
        lines_for(entries) * line::LINE_BYTES
    }

    /// Where its lines stand.
    pub(super) const fn whereabouts(&self) -> &Arc<Whereabouts> {
        self.arena.whereabouts()
    }

    /// The latest time told.
    #[inline]
    pub(super) const fn floor(&self) -> UnixTime {
        self.floor
    }

    /// Moves the time on.
    #[inline]
    pub(super) fn advance(&mut self, now: UnixTime) {
        if self.floor < now {
            self.move_on(now);
        }
    }

    #[cold]
    fn move_on(&mut self, now: UnixTime) {
        self.floor = now;
        if self.elsewhere_until < now && !self.elsewhere.is_empty() {
            self.elsewhere = HashMap::default();
            self.tidy_at = ELSEWHERE_UNTIDIED;
        }
    }

    /// Where the proof may stand; `None` if it is held already, and has not ended.
    #[inline]
    pub(super) fn place(&self, mark: Mark) -> Option<Place> {
        let now = self.floor.as_secs();
        let [one, two] = lines_of(mark.place, self.arena.lines());
        let mut found = Place { line: 0, free: 0 };
        let mut may_be_elsewhere = self.untold_until >= self.floor;
        if self.arena.lines() > 0
            && let (Some(first), Some(second)) = (self.arena.line(one), self.arena.line(two))
        {
            let (first, second) = (line::look(first, now, mark.tag), line::look(second, now, mark.tag));
            if first.knows | second.knows {
                return None;
            }
            may_be_elsewhere |= first.has_elsewhere;
            let is_first = first.load <= second.load;
            found.line = select_unpredictable(is_first, one, two);
            found.free = select_unpredictable(is_first, first.free, second.free);
        }
        if may_be_elsewhere && self.elsewhere.get(&mark).is_some_and(|end| *end >= self.floor) {
            return None;
        }
        Some(found)
    }

    /// Takes in a proof where [`Self::place`] said, that has not ended.
    #[inline]
    pub(super) fn insert(&mut self, mark: Mark, place: Place, end: UnixTime) {
        let now = self.floor.as_secs();
        if place.free == 0 || end.since(self.floor).get() >= SPAN_SECS {
            return self.insert_elsewhere(mark, end);
        }
        if let Some(line) = self.arena.line_mut(place.line) {
            line::put(line, now, mark.tag, end.as_secs(), place.free);
        }
    }

    #[cold]
    fn insert_elsewhere(&mut self, mark: Mark, end: UnixTime) {
        if self.elsewhere.len() >= self.tidy_at {
            self.elsewhere.retain(|_, end| *end >= self.floor);
            self.tidy_at = self.elsewhere.len() * 9 / 8 + ELSEWHERE_UNTIDIED;
        }
        self.elsewhere.insert(mark, end);
        self.elsewhere_until = self.elsewhere_until.max(end);
        let [line, _] = lines_of(mark.place, self.arena.lines());
        let now = self.floor.as_secs();
        match self.arena.line_mut(line) {
            Some(line) if end.since(self.floor).get() < SPAN_SECS => line::note_elsewhere(line, now, end.as_secs()),
            _ => self.untold_until = self.untold_until.max(end),
        }
        if self.elsewhere.len() > self.few {
            self.arena.prepare(self.lines);
        }
    }
}

/// The two of so many lines that `place` chooses, by a half each: as shares of 2^32.
#[inline]
pub(super) fn lines_of(place: u64, lines: usize) -> [usize; 2] {
    // a table has fewer than 2^22
    [place >> 32, place & 0xffff_ffff].map(|half| usize::try_from((half * lines as u64) >> 32).unwrap_or(0))
}

fn lines_for(entries: usize) -> usize {
    entries.min(MOST_ENTRIES) * LINES_FOR / ENTRIES_IN_THEM + 1
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

    impl Table {
        fn contains(&self, mark: Mark) -> bool {
            self.place(mark).is_none()
        }

        fn put(&mut self, mark: Mark, end: UnixTime) {
            let place = self.place(mark).unwrap_or(Place { line: 0, free: 0 });
            self.insert(mark, place, end);
        }

        /// A table that has its lines already.
        fn with_lines(entries: usize) -> Self {
            let mut table = Self::new(entries, 0);
            table.arena.finish(table.lines);
            table
        }
    }

    #[test]
    fn it_holds_what_was_put_in_until_it_ends() {
        // before it has lines, while it makes them, and with them: 550 entries live at a time, then more
        for mut table in [Table::new(1_000, 1_000), Table::new(50_000, 1_000), Table::with_lines(1_000)] {
            let mut model: HashMap<u64, u64> = HashMap::new();
            // ten a second, then 100 a second, each for 10 to 90 seconds, across a wrap of the 16 bits
            let begin = (NOW | 0xffff) - 300;
            for step in 0..20_000 {
                if step == 9_000 {
                    table.arena.finish(table.lines);
                }
                let now = begin + if step < 6_000 { step / 10 } else { 540 + step / 100 };
                table.advance(UnixTime::from_secs(now));
                let end = now + 10 + step * 7 % 81;
                assert!(!table.contains(mark(step)));
                table.put(mark(step), UnixTime::from_secs(end));
                model.insert(step, end);
                let earlier = step.saturating_sub(step * 13 % 9_000);
                assert_eq!(table.contains(mark(earlier)), model[&earlier] >= now, "{earlier} at {step}");
            }
            assert!(table.arena.lines() > 0);
        }
    }

    #[test]
    fn nothing_is_lost_where_there_is_no_place() {
        let mut table = Table::with_lines(4);
        table.advance(UnixTime::from_secs(NOW));
        let end = UnixTime::from_secs(NOW + 90);
        for number in 0..1_000 {
            table.put(mark(number), end);
        }
        assert!((0..1_000).all(|number| table.contains(mark(number))));
        assert_eq!(table.elsewhere.len(), 1_000 - line::ENTRIES);
        table.advance(UnixTime::from_secs(NOW + 91));
        assert!((0..1_000).all(|number| !table.contains(mark(number))));
        assert!(table.elsewhere.is_empty(), "when all of it has ended, it takes no memory");
        for number in 1_000..3_000 {
            table.put(mark(number), UnixTime::from_secs(NOW + 180 + number));
        }
        assert!((1_000..3_000).all(|number| table.contains(mark(number))));
        table.advance(UnixTime::from_secs(NOW + 2_680));
        for number in 3_000..9_000 {
            table.put(mark(number), UnixTime::from_secs(NOW + 9_000));
        }
        assert!((1_000..2_500).all(|number| !table.elsewhere.contains_key(&mark(number))), "ended ones are gone");
        assert!((2_500..9_000).all(|number| table.contains(mark(number))));
    }

    #[test]
    fn where_the_system_gives_no_memory_nothing_is_lost() {
        let mut table = Table { lines: usize::MAX / line::LINE_BYTES, ..Table::new(4, 1_000) };
        let end = UnixTime::from_secs(NOW + 90);
        for number in 0..5_000 {
            table.put(mark(number), end);
        }
        table.arena.finish(table.lines);
        assert_eq!(table.arena.lines(), 0);
        assert!((0..5_000).all(|number| table.contains(mark(number))));
    }

    #[test]
    fn a_few_entries_take_no_lines() {
        let mut table = Table::new(1 << 20, 1_100);
        let end = UnixTime::from_secs(NOW + 90);
        for number in 0..1_100 {
            table.put(mark(number), end);
        }
        assert!(!table.arena.is_being_made());
        table.put(mark(9_999), end);
        assert!(table.arena.is_being_made());
    }

    #[test]
    fn a_full_table_has_little_elsewhere() {
        let mut table = Table::with_lines(50_000);
        // full for several lives
        for step in 0..200_000 {
            let now = NOW + step / 500;
            table.advance(UnixTime::from_secs(now));
            table.put(mark(step), UnixTime::from_secs(now + 99));
        }
        assert!((150_500..200_000).all(|number| table.contains(mark(number))));
        assert!(table.elsewhere.len() < 50_000 / 40, "{}", table.elsewhere.len());
        let bytes = table.arena.lines() * line::LINE_BYTES;
        assert!(bytes <= 13 * 50_000, "{bytes} bytes");
    }

    #[test]
    fn what_ends_far_away_is_kept_too() {
        for away in [SPAN_SECS - 1, SPAN_SECS, 1 << 16, 1 << 20] {
            let mut table = Table::with_lines(1_000);
            table.advance(UnixTime::from_secs(NOW));
            table.put(mark(1), UnixTime::from_secs(NOW).saturating_add(Seconds::new(away)));
            for (later, holds) in [(0, true), (away, true), (away + 1, false)] {
                table.advance(UnixTime::from_secs(NOW + later));
                assert_eq!(table.contains(mark(1)), holds, "{away} after {later}");
            }
        }
    }
}
