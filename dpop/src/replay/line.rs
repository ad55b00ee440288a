//! Seven fingerprints with their ends in one line of memory, looked at four at a time.
//!
//! ```text
//! bytes  0 to 15   eight times 16 bits: when each entry ends, counted from the line's own time; 0 is an empty place
//! bytes 16 to 31   eight times 16 bits: the low part of each tag
//! bytes 32 to 63   eight times 32 bits: the high part of each tag
//! ```
//!
//! The eighth of each is no entry. Its end is the last one of the entries that stand elsewhere and would be looked for here first; its
//! last four bytes are the line's own time, in seconds modulo 2^32. That time moves on when something is put in and it lies too far back,
//! so no line has to be cleaned by anybody else. All numbers are little-endian.

/// A line of memory.
pub(super) type Line = [u8; LINE_BYTES];
/// Bytes of a line.
pub(super) const LINE_BYTES: usize = 64;

/// Entries of a line.
pub(super) const ENTRIES: usize = 7;
/// What is kept here ends within less than this from the time that it is put in.
pub(super) const SPAN_SECS: u64 = 1 << 14;
/// How far a line's own time may lie back. With [`SPAN_SECS`] that stays below 15 bits.
const LAG_SECS: u32 = 1 << 13;

/// The highest bit of each of four lanes.
const HIGH: u64 = ONES << 15;
/// One in each of four lanes.
const ONES: u64 = 1 + (1 << 16) + (1 << 32) + (1 << 48);
/// The same where the fourth is no entry's.
const ENTRY_LANES: u64 = (1 << 15) + (1 << 31) + (1 << 47);
/// More than any lane that holds an end.
const MOST: u32 = (1 << 15) - 1;

/// What one look at a line tells.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    /// Whether it holds the tag, and that has not ended.
    pub(super) knows: bool,
    /// Its free places: the lowest bit of each lane for the first four, the next bit for the others.
    pub(super) free: u64,
    /// The more entries it holds, the more; nothing else is to be read off it.
    pub(super) load: u64,
    /// Whether an entry that has not ended and was to stand here stands elsewhere.
    pub(super) has_elsewhere: bool,
}

/// Looks for `tag` (48 bits) and for free places, at `now`. Nothing here branches on what the line holds, but where a tag is found:
/// the processor goes on while it waits for the line.
#[inline]
pub(super) fn look(line: &Line, now: u64, tag: u64) -> Look {
    let [ends, more_ends, low, more_low] = words(line);
    let (age, pattern) = (u64::from(age(line, now)).wrapping_mul(ONES), (tag & 0xffff).wrapping_mul(ONES));
    let (live, more_live) = (live_lanes(ends, age), live_lanes(more_ends, age));
    let same = zero_lanes(low ^ pattern) & live | zero_lanes(more_low ^ pattern) & more_live;
    // next to never true for another's tag, so the rest is looked at one by one
    let knows = same != 0 && has(line, live, more_live, tag);
    let entries = more_live & ENTRY_LANES;
    // the highest of these lanes is the number of all entries, and those below decide between lines that hold as many
    let load = ((live >> 15) + (entries >> 15)).wrapping_mul(ONES);
    let free = (HIGH ^ live) >> 15 | (ENTRY_LANES ^ entries) >> 14;
    Look { knows, free, load, has_elsewhere: more_live != entries }
}

/// Puts `tag` into one of the `free` places that [`look`] told of, to be kept through `end`, which is at `now` or within [`SPAN_SECS`]
/// of it. Without a free place nothing happens.
#[inline]
pub(super) fn put(line: &mut Line, now: u64, tag: u64, end: u64, free: u64) {
    if free == 0 {
        return;
    }
    let lane = lane(line, now, end);
    let first = free.trailing_zeros() as usize;
    let place = first / 16 + first % 2 * 4;
    let (short, long) = (place * 2, place * 4);
    let [lane_low, lane_high, ..] = lane.to_le_bytes();
    let [one, two, three, four, five, six, ..] = tag.to_le_bytes();
    if let Some(bytes) = line.get_mut(short..short + 2) {
        bytes.copy_from_slice(&[lane_low, lane_high]);
    }
    if let Some(bytes) = line.get_mut(16 + short..18 + short) {
        bytes.copy_from_slice(&[one, two]);
    }
    if let Some(bytes) = line.get_mut(32 + long..36 + long) {
        bytes.copy_from_slice(&[three, four, five, six]);
    }
}

/// Notes that an entry stands elsewhere through `end`, which is as for [`put`].
#[cold]
pub(super) fn note_elsewhere(line: &mut Line, now: u64, end: u64) {
    let [low, high, ..] = lane(line, now, end).to_le_bytes();
    let (shorts, _) = line.as_chunks_mut::<2>();
    if let Some(bytes) = shorts.get_mut(ENTRIES) {
        *bytes = u16::from_le_bytes(*bytes).max(u16::from_le_bytes([low, high])).to_le_bytes();
    }
}

/// What a lane holds of `end`, by the line's own time, which is moved on where it has to be.
#[inline]
fn lane(line: &mut Line, now: u64, end: u64) -> u32 {
    if since(line, now) >= LAG_SECS {
        move_on(line, now);
    }
    // INVARIANT: no more than `LAG_SECS` and `SPAN_SECS` together
    (seconds(end).wrapping_sub(base(line)).wrapping_add(1)).min(MOST)
}

/// Whether one of the live places holds the tag.
#[cold]
fn has(line: &Line, live: u64, more_live: u64, tag: u64) -> bool {
    let (shorts, _) = line.as_chunks::<2>();
    (0..ENTRIES).any(|place| {
        let lanes = if place < 4 { live } else { more_live };
        let low = shorts.get(8 + place).map_or(0, |bytes| u64::from(u16::from_le_bytes(*bytes)));
        lanes >> (place % 4 * 16) & 0x8000 != 0 && u64::from(high_of(line, place)) << 16 | low == tag
    })
}

/// The line's own time.
#[inline]
fn base(line: &Line) -> u32 {
    high_of(line, ENTRIES)
}

/// Seconds from the line's own time to `now`.
#[inline]
fn since(line: &Line, now: u64) -> u32 {
    seconds(now).wrapping_sub(base(line))
}

/// The least that a lane holds when its entry has not ended at `now`.
#[inline]
fn age(line: &Line, now: u64) -> u32 {
    since(line, now).min(MOST - 1) + 1
}

/// The low half of a number.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "what is wanted")]
const fn seconds(number: u64) -> u32 {
    number as u32
}

/// Empties the places of what has ended, and makes `now` the line's own time.
#[cold]
fn move_on(line: &mut Line, now: u64) {
    let passed = u64::from(since(line, now).min(MOST)).wrapping_mul(ONES);
    let age = u64::from(age(line, now)).wrapping_mul(ONES);
    let [ends, more_ends, ..] = words(line);
    for (bytes, word) in line.as_chunks_mut::<8>().0.iter_mut().zip([ends, more_ends]) {
        let kept = (live_lanes(word, age) >> 15).wrapping_mul(0xffff);
        // what has not ended is greater than what has passed, lane by lane
        *bytes = (word & kept).wrapping_sub(passed & kept).to_le_bytes();
    }
    if let Some(bytes) = line.last_chunk_mut() {
        *bytes = seconds(now).to_le_bytes();
    }
}

/// The highest bit of each lane that is at least its lane of `age`, all 15 bits long.
#[inline]
const fn live_lanes(ends: u64, age: u64) -> u64 {
    (ends | HIGH).wrapping_sub(age) & HIGH
}

/// The highest bit of each lane that is zero, and of a few that follow one. Without a zero there is none.
#[inline]
const fn zero_lanes(lanes: u64) -> u64 {
    lanes.wrapping_sub(ONES) & !lanes & HIGH
}

/// The ends and the low parts.
#[inline]
fn words(line: &Line) -> [u64; 4] {
    let (words, _) = line.as_chunks::<8>();
    std::array::from_fn(|word| words.get(word).map_or(0, |bytes| u64::from_le_bytes(*bytes)))
}

#[inline]
fn high_of(line: &Line, place: usize) -> u32 {
    let (halves, _) = line.as_chunks::<4>();
    halves.get(8 + place).map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many free places these are.
    fn count(free: u64) -> u64 {
        u64::from(free.count_ones())
    }

    const NOW: u64 = 1_795_262_400;
    const EMPTY: Line = [0; LINE_BYTES];

    fn contains(line: &Line, now: u64, tag: u64) -> bool {
        look(line, now, tag).knows
    }

    /// Puts a tag in where there is room, and says whether there was.
    fn put(line: &mut Line, now: u64, tag: u64, end: u64) -> bool {
        let free = look(line, now, tag).free;
        super::put(line, now, tag, end, free);
        free != 0
    }

    #[test]
    fn lanes_are_compared_one_by_one() {
        for lane in [0, 1, 2, 0x7ffe, 0x7fff] {
            for age in [1, 2, 3, 0x7ffe, 0x7fff] {
                for place in 0..4 {
                    let others = 0x7fff_0001_7fff_0001 & !(0xffff << (place * 16));
                    let live = live_lanes(others | lane << (place * 16), age * ONES) >> (place * 16) & 0x8000 != 0;
                    assert_eq!(live, lane >= age, "{lane} at {age}");
                }
            }
        }
        for lane in [0, 1, 0x7fff, 0x8000, 0xffff] {
            for others in [0, 0xffff_ffff_ffff_ffff] {
                let lanes = others & !(0xffff << 16) | lane << 16;
                // a zero below may mark a lane that is none, never the other way
                assert_eq!(zero_lanes(lanes) & 0x8000_0000 != 0, lane == 0 || lane == 1 && others == 0, "{lane}");
                assert_eq!(zero_lanes(lanes) != 0, lane == 0 || others == 0, "{lane}");
            }
        }
    }

    #[test]
    fn seven_stand_in_a_line_and_no_eighth() {
        let mut line = EMPTY;
        let tag = |number: u64| 0xffff_0000_0001 ^ number << 20;
        for number in 0..7 {
            let Look { free, load, .. } = look(&line, NOW, 0);
            assert_eq!((count(free), load >> 48), (7 - number, number));
            assert!(put(&mut line, NOW, tag(number), NOW + 10 + number));
        }
        let full = line;
        assert!(!put(&mut line, NOW, tag(7), NOW + 30));
        assert_eq!(line, full, "nothing makes room for it");
        for later in 0..20 {
            let now = NOW + later;
            for number in 0..9 {
                let holds = number < 7 && 10 + number >= later;
                assert_eq!(contains(&line, now, tag(number)), holds, "{number} after {later}");
            }
            let ended = later.saturating_sub(10).min(7);
            assert_eq!(count(look(&line, now, 0).free), ended, "after {later}");
        }
        assert!(put(&mut line, NOW + 11, tag(9), NOW + 40), "the first has ended");
        assert!(!put(&mut line, NOW + 11, tag(10), NOW + 41));
        assert_eq!([0, 1, 9].map(|number| contains(&line, NOW + 11, tag(number))), [false, true, true]);
    }

    #[test]
    fn every_bit_of_a_tag_counts_in_every_place() {
        let tag = 0x8000_7fff_a55a;
        for place in 0..ENTRIES as u64 {
            let mut line = EMPTY;
            assert!((0..place).all(|other| put(&mut line, NOW, !tag & 0xffff_0000_0000 | other, NOW + 9)));
            assert!(put(&mut line, NOW, tag, NOW + 9));
            assert!(contains(&line, NOW, tag), "{place}");
            assert!((0..48).all(|bit| !contains(&line, NOW, tag ^ 1 << bit)), "{place}");
        }
    }

    #[test]
    fn a_line_tells_as_long_as_one_of_its_entries_stands_elsewhere() {
        // an entry's lane is never taken for it, nor it for an entry
        for begin in [NOW, (1 << 32) - 70, 5] {
            let mut line = EMPTY;
            assert!((0..7).all(|number| put(&mut line, begin, 0xffff_0000_0001 ^ number << 20, begin + 50)));
            assert!(!look(&line, begin, 0).has_elsewhere);
            note_elsewhere(&mut line, begin, begin + 40);
            note_elsewhere(&mut line, begin + 1, begin + 20);
            for later in 0..60 {
                let Look { knows, free, has_elsewhere, .. } = look(&line, begin + later, 0);
                let expected = (false, if later > 50 { 7 } else { 0 }, later <= 40);
                assert_eq!((knows, count(free), has_elsewhere), expected, "after {later}");
            }
            // across a move of the line's own time
            let later = begin + u64::from(LAG_SECS) * 2;
            note_elsewhere(&mut line, later, later + SPAN_SECS - 1);
            for more in [0, 1, SPAN_SECS - 1, SPAN_SECS, 1 << 16] {
                let mut line = line;
                assert_eq!(look(&line, later + more, 0).has_elsewhere, more < SPAN_SECS, "{more}");
                assert!(put(&mut line, later + more, 3, later + more + 9));
                assert_eq!(look(&line, later + more, 0).has_elsewhere, more < SPAN_SECS, "{more}, written again");
            }
        }
    }

    #[test]
    fn an_end_long_ago_does_not_look_like_one_to_come() {
        let lag = u64::from(LAG_SECS);
        let steps = [1, 60, lag - 1, lag, SPAN_SECS - 1, SPAN_SECS, 1 << 15, (1 << 16) - 60, 1 << 16, 1 << 20];
        // the second time the line's own time goes through zero
        for begin in [NOW, (1 << 32) - 70, 5] {
            for first in steps {
                for second in steps {
                    let mut line = EMPTY;
                    let (one, two) = (begin, begin + first);
                    assert!(put(&mut line, one, 1, one + SPAN_SECS - 1));
                    assert!(put(&mut line, two, 2, two + 90));
                    let now = two + second;
                    let expected = [one + SPAN_SECS > now, two + 90 >= now];
                    assert_eq!([1, 2].map(|tag| contains(&line, now, tag)), expected, "{first}, {second}");
                    assert!(put(&mut line, now, 3, now + SPAN_SECS - 1));
                    let holds = [1, 2, 3].map(|tag| contains(&line, now, tag));
                    assert_eq!(holds, [expected[0], expected[1], true], "{first}, {second}, written again");
                }
            }
        }
    }
}
