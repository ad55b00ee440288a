//! Lines that come into use page by page.

use super::line::{LINE_BYTES, Line};
use super::pages::Pages;

/// Bytes that are taken into use at once: a page of most systems.
const STEP: usize = 4096;

/// Lines, or none yet.
///
/// Looks at lines in no order miss the processor's list of pages as well as its memory. Large pages spare them that. But a large page
/// is cleared whole when it is first used, and so the pages come into use one by one, before there are lines here.
#[derive(Debug, Default)]
pub(super) struct Arena {
    memory: Option<Pages>,
    /// Bytes that were taken into use.
    used: usize,
    /// Lines that can be used: all, once all of the memory is in use.
    lines: usize,
    is_refused: bool,
}

impl Arena {
    /// How many lines there are; none until they are prepared.
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

    /// Goes one step towards having `lines` lines. Where the system gives no memory there will be none.
    pub(super) fn prepare(&mut self, lines: usize) {
        if self.is_refused || self.lines > 0 {
            return;
        }
        let Some(memory) = &mut self.memory else {
            self.memory = lines.checked_mul(LINE_BYTES).and_then(Pages::new);
            self.is_refused = self.memory.is_none();
            return;
        };
        if let Some(byte) = memory.bytes_mut().get_mut(self.used) {
            *byte = 0;
            self.used += STEP;
        } else {
            self.lines = lines;
        }
    }

    #[cfg(test)]
    pub(super) const fn takes_memory(&self) -> bool {
        self.memory.is_some()
    }
}
