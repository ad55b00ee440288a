//! Seven fingerprints with their ends in one line of memory, looked at four at a time.
//!
//! ```text
//! words 0 and 1   eight times 16 bits: when each entry ends, counted from the line's own time; 0 is an empty place
//! words 2 and 3   eight times 16 bits: the low part of each tag
//! words 4 to 7    eight times 32 bits: the high part of each tag
//! ```
//!
//! The eighth of each belongs to the line: until when something that belongs here stands in the next line, and the line's own time.
//! That time moves on when something is put in and it lies too far back, so no line has to be cleaned by anybody else.

/// A line of memory.
pub(super) type Line = [u64; WORDS];
/// Words of a line.
pub(super) const WORDS: usize = 8;

/// Entries of a line.
pub(super) const ENTRIES: usize = 7;
/// What is kept here ends within less than this from the time that it is put in.
pub(super) const SPAN_SECS: u64 = 1 << 14;
/// How far a line's own time may lie back. With [`SPAN_SECS`] that stays below 15 bits.
const LAG_SECS: u64 = 1 << 13;

/// The highest bit of each of four lanes.
const HIGH: u64 = ONES << 15;
/// One in each of four lanes.
const ONES: u64 = 1 + (1 << 16) + (1 << 32) + (1 << 48);
/// The lanes of the second word that hold entries.
const ENTRY_LANES: u64 = (1 << 48) - 1;
/// More than any lane that holds an end.
const MOST: u64 = (1 << 15) - 1;

/// Whether the line holds `tag` (48 bits) and it has not ended at `now`.
pub(super) fn contains(line: &Line, now: u64, tag: u64) -> bool {
    let [ends, more_ends, low, more_low, ..] = *line;
    let age = age(line, now);
    let pattern = (tag & 0xffff).wrapping_mul(ONES);
    let same = zero_lanes(low ^ pattern) & live_lanes(ends, age);
    let more_same = zero_lanes(more_low ^ pattern) & live_lanes(more_ends, age) & ENTRY_LANES;
    // next to never true for another's tag, so the rest is looked at one by one
    (same | more_same) != 0
        && (0..ENTRIES).any(|place| {
            let lanes = if place < 4 { same } else { more_same };
            lanes >> (place % 4 * 16) & 0x8000 != 0 && high_of(line, place) == tag >> 16
        })
}

/// Whether something that belongs here may stand in the next line.
pub(super) fn has_spilled(line: &Line, now: u64) -> bool {
    let [_, more_ends, ..] = *line;
    live_lanes(more_ends, age(line, now)) & !ENTRY_LANES != 0
}

/// Puts `tag` in, to be kept through `end`, which is at `now` or within [`SPAN_SECS`] of it; false where there is no place.
pub(super) fn put(line: &mut Line, now: u64, tag: u64, end: u64) -> bool {
    if now.saturating_sub(base(line)) >= LAG_SECS {
        move_on(line, now);
    }
    let [ends, more_ends, ..] = *line;
    let age = age(line, now);
    // INVARIANT: no more than `LAG_SECS` and `SPAN_SECS` together
    let lane = end.saturating_sub(base(line)).saturating_add(1).min(MOST);
    let free = !live_lanes(ends, age) & HIGH;
    let more_free = !live_lanes(more_ends, age) & HIGH & ENTRY_LANES;
    if free | more_free == 0 {
        let spilled = (more_ends >> 48).max(lane);
        set(line, 1, 48, 0xffff, spilled);
        return false;
    }
    let place = if free == 0 { 4 + more_free.trailing_zeros() / 16 } else { free.trailing_zeros() / 16 };
    let (word, half) = (place as usize / 4, place as usize / 2);
    set(line, word, place % 4 * 16, 0xffff, lane);
    set(line, 2 + word, place % 4 * 16, 0xffff, tag & 0xffff);
    set(line, 4 + half, place % 2 * 32, 0xffff_ffff, tag >> 16);
    true
}

/// The line's own time.
fn base(line: &Line) -> u64 {
    let [_, _, _, more_low, _, _, _, high] = *line;
    more_low >> 48 | high >> 32 << 16
}

/// The least that a lane holds when its entry has not ended at `now`.
fn age(line: &Line, now: u64) -> u64 {
    now.saturating_sub(base(line)).saturating_add(1).min(MOST)
}

/// Empties the places of what has ended, and makes `now` the line's own time.
fn move_on(line: &mut Line, now: u64) {
    let (age, passed) = (age(line, now), now.saturating_sub(base(line)));
    for word in line.iter_mut().take(2) {
        let kept = (live_lanes(*word, age) >> 15).wrapping_mul(0xffff);
        // what has not ended is greater than what has passed, lane by lane
        *word = (*word & kept).wrapping_sub(passed.min(MOST).wrapping_mul(ONES) & kept);
    }
    set(line, 3, 48, 0xffff, now & 0xffff);
    set(line, 7, 32, 0xffff_ffff, now >> 16 & 0xffff_ffff);
}

/// The highest bit of each lane that is at least `age`, which is 15 bits long like every lane.
const fn live_lanes(ends: u64, age: u64) -> u64 {
    (ends | HIGH).wrapping_sub(age.wrapping_mul(ONES)) & HIGH
}

/// The highest bit of each lane that is zero.
const fn zero_lanes(lanes: u64) -> u64 {
    !(((lanes & !HIGH).wrapping_add(!HIGH)) | lanes | !HIGH)
}

fn high_of(line: &Line, place: usize) -> u64 {
    line.get(4 + place / 2).map_or(0, |word| word >> (place % 2 * 32) & 0xffff_ffff)
}

fn set(line: &mut Line, word: usize, shift: u32, mask: u64, value: u64) {
    if let Some(word) = line.get_mut(word) {
        *word = *word & !(mask << shift) | value << shift;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_795_262_400;

    #[test]
    fn lanes_are_compared_one_by_one() {
        for lane in [0, 1, 2, 0x7ffe, 0x7fff] {
            for age in [1, 2, 3, 0x7ffe, 0x7fff] {
                for place in 0..4 {
                    let others = 0x7fff_0001_7fff_0001 & !(0xffff << (place * 16));
                    let live = live_lanes(others | lane << (place * 16), age) >> (place * 16) & 0x8000 != 0;
                    assert_eq!(live, lane >= age, "{lane} at {age}");
                }
            }
        }
        for lane in [0, 1, 0x7fff, 0x8000, 0xffff] {
            for others in [0, 0xffff_ffff_ffff_ffff] {
                let lanes = others & !(0xffff << 16) | lane << 16;
                assert_eq!(zero_lanes(lanes) & 0x8000_0000 != 0, lane == 0, "{lane}");
            }
        }
    }

    #[test]
    fn seven_stand_in_a_line_and_the_eighth_is_told_of() {
        let mut line = [0; 8];
        let tag = |number: u64| 0xffff_0000_0001 ^ number << 20;
        assert!((0..7).all(|number| put(&mut line, NOW, tag(number), NOW + 10 + number)));
        assert!(!has_spilled(&line, NOW));
        assert!(!put(&mut line, NOW, tag(7), NOW + 30));
        assert!(!put(&mut line, NOW, tag(8), NOW + 20), "an earlier end does not shorten it");
        for later in 0..40 {
            let now = NOW + later;
            for number in 0..9 {
                let holds = number < 7 && 10 + number >= later;
                assert_eq!(contains(&line, now, tag(number)), holds, "{number} after {later}");
            }
            assert_eq!(has_spilled(&line, now), later <= 30);
        }
        assert!(put(&mut line, NOW + 11, tag(9), NOW + 40), "the first has ended");
        assert!(!put(&mut line, NOW + 11, tag(10), NOW + 41));
        assert_eq!([0, 1, 9].map(|number| contains(&line, NOW + 11, tag(number))), [false, true, true]);
    }

    #[test]
    fn an_end_long_ago_does_not_look_like_one_to_come() {
        let steps =
            [1, 60, LAG_SECS - 1, LAG_SECS, SPAN_SECS - 1, SPAN_SECS, 1 << 15, (1 << 16) - 60, 1 << 16, 1 << 20];
        for first in steps {
            for second in steps {
                let mut line = [0; 8];
                let (one, two) = (NOW, NOW + first);
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
