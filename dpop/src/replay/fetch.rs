//! Asking the processor for memory before it is needed.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::line::LINE_BYTES;
use super::pages::Pages;

/// Where the lines of a table stand, for those who do not hold its lock: good for having one fetched, and for nothing else.
#[derive(Debug, Default)]
pub(super) struct Whereabouts {
    /// The address of the first.
    first: AtomicUsize,
    /// How many there are; zero before there are any, and never another number after that.
    lines: AtomicUsize,
}

impl Whereabouts {
    /// They stand in `memory` from now on.
    pub(super) fn tell(&self, memory: &Pages, lines: usize) {
        self.first.store(memory.bytes().as_ptr().addr(), Ordering::Relaxed);
        self.lines.store(lines, Ordering::Release);
    }

    #[cfg(test)]
    pub(super) fn are_known(&self) -> bool {
        self.lines.load(Ordering::Acquire) > 0
    }

    /// Has the two lines fetched that `place` chooses. Nobody waits for them.
    #[inline]
    pub(super) fn fetch(&self, place: u64) {
        let lines = self.lines.load(Ordering::Acquire);
        if lines > 0 {
            let first = self.first.load(Ordering::Relaxed);
            for line in lines_of(place, lines) {
                fetch(first.wrapping_add(line * LINE_BYTES));
            }
        }
    }
}

/// The two of so many lines that `place` chooses, by a half each: as shares of 2^32.
#[inline]
pub(super) fn lines_of(place: u64, lines: usize) -> [usize; 2] {
    // a table has fewer than 2^22
    [place >> 32, place & 0xffff_ffff].map(|half| usize::try_from((half * lines as u64) >> 32).unwrap_or(0))
}

/// A hint: the processor reads what stands there into its cache, if anything does. The program sees nothing of it, whatever the address.
#[inline]
fn fetch(address: usize) {
    let nothing: &[u8] = &[];
    prefetch_index::prefetch_index(nothing, address.wrapping_sub(nothing.as_ptr().addr()));
}
