//! Tables: one byte in front of every key.

use std::fmt;

use super::MAX_KEY_BYTES;
use super::engine::Bytes;

/// A named table of the store.
///
/// All tables live in one tree, the table's byte in front of the key, so that one engine write is atomic over all of
/// them. The name is for errors and logs only.
///
/// ```
/// use handfast_registry::store::Table;
///
/// const AGENTS: Table = Table::new(16, "agents");
/// assert_eq!(AGENTS.to_string(), "agents");
/// ```
///
/// A byte that is reserved for the store does not compile:
///
/// ```compile_fail
/// # use handfast_registry::store::Table;
/// const WRONG: Table = Table::new(1, "agents");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Table {
    byte: u8,
    name: &'static str,
}

impl Table {
    /// The log leaves, under their index (8 bytes, big-endian, from 0). Written through [`Batch::leaf`] only.
    ///
    /// [`Batch::leaf`]: super::Batch::leaf
    pub const LOG: Self = Self { byte: 1, name: "log" };
    /// The feed entries, under their sequence number (8 bytes, big-endian, from 1). Written through [`Batch::feed`] only.
    ///
    /// [`Batch::feed`]: super::Batch::feed
    pub const FEED: Self = Self { byte: 2, name: "feed" };
    /// The details of log leaves, under the leaf's index. Written through [`Batch::leaf_with_detail`] and erased through
    /// [`Batch::erase_detail`] only; a page of this table leaves out leaves that have none.
    ///
    /// [`Batch::leaf_with_detail`]: super::Batch::leaf_with_detail
    /// [`Batch::erase_detail`]: super::Batch::erase_detail
    // A detail stands in one entry with its leaf: one less to write for every state change.
    pub const DETAILS: Self = Self { byte: Self::LOG.byte, name: "details" };
    /// The store's own facts (format, epoch, positions): no table for callers.
    pub(super) const META: Self = Self { byte: 0, name: "meta" };

    /// The first byte a caller may use; those below are the store's.
    pub const FIRST_FREE: u8 = 16;

    /// A table of the caller's. Two tables with one byte are one table.
    ///
    /// # Panics
    ///
    /// If `byte` is below [`Table::FIRST_FREE`]. Call it in a constant: then the panic is a compile error.
    #[must_use]
    pub const fn new(byte: u8, name: &'static str) -> Self {
        assert!(byte >= Self::FIRST_FREE, "bytes below `Table::FIRST_FREE` belong to the store");
        Self { byte, name }
    }

    /// The table's name, as errors show it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.name
    }

    pub(super) const fn is_reserved(self) -> bool {
        self.byte < Self::FIRST_FREE
    }

    /// The key as the engine knows it: table byte, then key.
    pub(super) fn engine_key(self, key: &[u8]) -> Bytes {
        let mut full = [0; 1 + MAX_KEY_BYTES];
        let length = 1 + key.len();
        match full.get_mut(..length).and_then(<[u8]>::split_first_mut) {
            Some((byte, rest)) => {
                *byte = self.byte;
                rest.copy_from_slice(key);
                Bytes::from(full.get(..length).unwrap_or_default())
            }
            // of a key that no batch takes, and under which nothing stands
            None => Bytes::from([&[self.byte], key].concat()),
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Table({} `{}`)", self.byte, self.name)
    }
}
