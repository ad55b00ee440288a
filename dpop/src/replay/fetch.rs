//! Asking the processor for memory before it is needed.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Where the parts of a table stand, for those who do not hold its lock: good for having one fetched, and for nothing else. Who looks
/// while the table moves may have another place fetched.
#[derive(Debug, Default)]
pub(super) struct Whereabouts {
    /// The address of the first.
    first: AtomicUsize,
    /// How many there are; zero before there are any.
    count: AtomicUsize,
}

impl Whereabouts {
    /// They stand here from now on.
    pub(super) fn tell<T>(&self, parts: &[T]) {
        self.first.store(parts.as_ptr().addr(), Ordering::Relaxed);
        self.count.store(parts.len(), Ordering::Release);
    }

    /// How many there are.
    #[inline]
    pub(super) fn count(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }

    /// Has one of them fetched, each of so many bytes. Nobody waits for it.
    #[inline]
    pub(super) fn fetch(&self, place: usize, bytes: usize) {
        fetch(self.first.load(Ordering::Relaxed).wrapping_add(place.wrapping_mul(bytes)));
    }
}

/// A hint: the processor reads what stands there into its cache, if anything does. The program sees nothing of it, whatever the address.
#[cfg(feature = "prefetch")]
#[inline]
fn fetch(address: usize) {
    let nothing: &[u8] = &[];
    prefetch_index::prefetch_index(nothing, address.wrapping_sub(nothing.as_ptr().addr()));
}

#[cfg(not(feature = "prefetch"))]
const fn fetch(_: usize) {}
