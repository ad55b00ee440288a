//! Memory that begins with zeros, in large pages where the system has them.

#[cfg(feature = "large-pages")]
pub(super) use mapped::Pages;

#[cfg(not(feature = "large-pages"))]
pub(super) use heap::Pages;

#[cfg(feature = "large-pages")]
mod mapped {
    use memmap2::MmapMut;

    /// Memory of the system's own, page by page.
    #[derive(Debug)]
    pub(in super::super) struct Pages(MmapMut);

    /// Bytes of a large page on most systems. Less memory than this has no use for one.
    #[cfg(target_os = "linux")]
    const LARGE_PAGE: usize = 1 << 21;

    impl Pages {
        /// So many bytes, none of which takes memory before it is used. `None` where the system gives none.
        pub(in super::super) fn new(bytes: usize) -> Option<Self> {
            let memory = MmapMut::map_anon(bytes).ok()?;
            // a refusal costs time and nothing else
            #[cfg(target_os = "linux")]
            let _ = (bytes >= LARGE_PAGE).then(|| memory.advise(memmap2::Advice::HugePage));
            Some(Self(memory))
        }

        #[inline]
        pub(in super::super) fn bytes(&self) -> &[u8] {
            &self.0
        }

        #[inline]
        pub(in super::super) fn bytes_mut(&mut self) -> &mut [u8] {
            &mut self.0
        }
    }
}

#[cfg(not(feature = "large-pages"))]
mod heap {
    use super::super::line::LINE_BYTES;

    /// Memory of the heap, from the first whole line of memory on.
    #[derive(Debug)]
    pub(in super::super) struct Pages {
        memory: Vec<u8>,
        first: usize,
    }

    impl Pages {
        /// So many bytes, of which most systems give none before it is used. `None` where there cannot be as many.
        pub(in super::super) fn new(bytes: usize) -> Option<Self> {
            let with_first = bytes.checked_add(LINE_BYTES).filter(|all| isize::try_from(*all).is_ok())?;
            let memory = vec![0; with_first];
            let first = memory.as_ptr().align_offset(LINE_BYTES).min(LINE_BYTES);
            Some(Self { memory, first })
        }

        #[inline]
        pub(in super::super) fn bytes(&self) -> &[u8] {
            self.memory.get(self.first..).unwrap_or_default()
        }

        #[inline]
        pub(in super::super) fn bytes_mut(&mut self) -> &mut [u8] {
            self.memory.get_mut(self.first..).unwrap_or_default()
        }
    }
}
