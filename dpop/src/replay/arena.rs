//! Lines whose memory is made ready beside the inserts.

use std::hint::black_box;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use super::fetch::Whereabouts;
use super::line::{LINE_BYTES, Line};
use super::pages::Pages;

/// Bytes of the smallest page of any system.
const PAGE_BYTES: usize = 4096;

/// Lines, or none yet.
///
/// Looks at lines in no order miss the processor's list of pages as well as its memory. Large pages spare them that. But the system
/// clears a page when it is first used, which takes milliseconds for a large one where it has to be found first: so a thread that ends
/// with it uses each page once, before there are lines here.
#[derive(Debug, Default)]
pub(super) struct Arena {
    memory: Option<Pages>,
    /// Lines that can be used.
    lines: usize,
    coming: Option<JoinHandle<Option<Pages>>>,
    is_refused: bool,
    whereabouts: Arc<Whereabouts>,
}

impl Arena {
    /// Where they stand, for those who do not hold the lock of this.
    pub(super) const fn whereabouts(&self) -> &Arc<Whereabouts> {
        &self.whereabouts
    }

    /// How many lines there are; none until they are ready.
    #[inline]
    pub(super) const fn lines(&self) -> usize {
        self.lines
    }

    /// One of them.
    #[inline]
    pub(super) fn line(&self, line: usize) -> Option<&Line> {
        self.memory.as_ref()?.bytes().get(line * LINE_BYTES..)?.first_chunk()
    }

    /// The same, to be changed.
    #[inline]
    pub(super) fn line_mut(&mut self, line: usize) -> Option<&mut Line> {
        self.memory.as_mut()?.bytes_mut().get_mut(line * LINE_BYTES..)?.first_chunk_mut()
    }

    /// Begins to have `lines` lines, or has them where they have become ready. Where the system gives no memory, or no thread, there will
    /// be none.
    pub(super) fn prepare(&mut self, lines: usize) {
        if self.is_refused || self.lines > 0 {
            return;
        }
        match self.coming.take() {
            None => {
                let thread = Builder::new().name("replay-memory".to_owned());
                self.coming = thread.spawn(move || ready_for(lines)).ok();
                self.is_refused = self.coming.is_none();
            }
            Some(coming) if coming.is_finished() => self.take(coming, lines),
            coming => self.coming = coming,
        }
    }

    fn take(&mut self, coming: JoinHandle<Option<Pages>>, lines: usize) {
        self.memory = coming.join().ok().flatten();
        self.is_refused = self.memory.is_none();
        if let Some(memory) = &self.memory {
            let (all, _) = memory.bytes().as_chunks::<LINE_BYTES>();
            self.whereabouts.tell(all.get(..lines).unwrap_or_default());
            self.lines = lines;
        }
    }

    #[cfg(test)]
    pub(super) const fn is_being_made(&self) -> bool {
        self.coming.is_some()
    }

    /// Waits for the lines.
    #[cfg(test)]
    pub(super) fn finish(&mut self, lines: usize) {
        self.prepare(lines);
        if let Some(coming) = self.coming.take() {
            self.take(coming, lines);
        }
    }
}

/// Memory for so many lines, all of it in use.
fn ready_for(lines: usize) -> Option<Pages> {
    let mut memory = Pages::new(lines.checked_mul(LINE_BYTES)?)?;
    memory.bytes_mut().iter_mut().step_by(PAGE_BYTES).for_each(|byte| *black_box(byte) = 0);
    Some(memory)
}
