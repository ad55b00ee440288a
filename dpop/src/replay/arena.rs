//! Memory for lines, in large pages where the system has them.

use memmap2::MmapMut;

use super::line::{LINE_BYTES, Line};

/// Bytes that are taken into use at once: a page of most systems.
const STEP: usize = 4096;
/// Large pages are asked for where one has room.
const LARGE_PAGE: usize = 1 << 21;

/// Lines, or none yet.
///
/// Looks at lines in no order miss the processor's list of pages as well as its memory. Large pages spare them that. But a large page
/// is cleared whole when it is first used, and so the pages come into use one by one, before there are lines here.
#[derive(Debug, Default)]
pub(super) struct Arena {
    memory: Option<MmapMut>,
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
        self.memory.as_ref()?.get(line * LINE_BYTES..)?.first_chunk()
    }

    /// The same, to be changed.
    #[inline]
    pub(super) fn line_mut(&mut self, line: usize) -> Option<&mut Line> {
        self.memory.as_mut()?.get_mut(line * LINE_BYTES..)?.first_chunk_mut()
    }

    #[cfg(test)]
    pub(super) const fn takes_memory(&self) -> bool {
        self.memory.is_some()
    }

    /// Goes one step towards having `lines` lines. Where the system gives no memory in this way there will be none.
    pub(super) fn prepare(&mut self, lines: usize) {
        if self.is_refused || self.lines > 0 {
            return;
        }
        let Some(memory) = &mut self.memory else {
            self.memory = lines.checked_mul(LINE_BYTES).and_then(|bytes| MmapMut::map_anon(bytes).ok());
            self.is_refused = self.memory.is_none();
            self.memory.iter().for_each(ask_for_large_pages);
            return;
        };
        if let Some(byte) = memory.get_mut(self.used) {
            *byte = 0;
            self.used += STEP;
        } else {
            self.lines = lines;
        }
    }
}

/// A refusal costs time and nothing else.
#[cfg(target_os = "linux")]
fn ask_for_large_pages(memory: &MmapMut) {
    if memory.len() >= LARGE_PAGE {
        let _ = memory.advise(memmap2::Advice::HugePage);
    }
}

#[cfg(not(target_os = "linux"))]
fn ask_for_large_pages(_: &MmapMut) {}
