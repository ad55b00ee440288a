//! A batch: everything one state change writes, and what it expects to find.

use std::collections::BTreeMap;

use super::engine::Bytes;
use super::{Expected, Table};

/// The longest key, in bytes. Inner nodes of the engine hold up to 257 keys and must stay well below the 128 KiB from
/// which on it moves them to files that it never syncs.
pub const MAX_KEY_BYTES: usize = 256;

/// The longest value, in bytes: a leaf node holds up to 17 of them and must stay below the same 128 KiB.
pub const MAX_VALUE_BYTES: usize = 4096;

/// The most bytes of a log leaf and its detail together: one entry holds both. A full detail and a leaf of 2 KiB fit, and 17 such
/// entries stay below the same 128 KiB.
pub const MAX_DETAILED_LEAF_BYTES: usize = 6 * 1024;

/// The most bytes one batch may carry, keys and values and 32 for each entry: room for about sixty full values, and a
/// full queue of such batches is still a bounded amount of memory (P-18).
pub const MAX_BATCH_BYTES: usize = 256 * 1024;

/// What an entry costs besides its key and value, so that empty ones are bounded too.
const ENTRY_OVERHEAD_BYTES: usize = 32;

/// Why something cannot be part of a batch: a fault of the calling code or a value that was not bounded before.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BatchError {
    /// The table belongs to the store.
    #[error("table `{table}` is written by the store itself")]
    Reserved {
        /// The table asked for.
        table: Table,
    },
    /// The key is longer than [`MAX_KEY_BYTES`].
    #[error("a key of table `{table}` has `{found}` bytes, and `{limit}` is the most")]
    KeyTooLong {
        /// The key's table.
        table: Table,
        /// The key's length.
        found: usize,
        /// The bound.
        limit: usize,
    },
    /// The value is longer than [`MAX_VALUE_BYTES`].
    #[error("a value for table `{table}` has `{found}` bytes, and `{limit}` is the most")]
    ValueTooLong {
        /// The value's table.
        table: Table,
        /// The value's length.
        found: usize,
        /// The bound.
        limit: usize,
    },
    /// The batch as a whole is larger than [`MAX_BATCH_BYTES`].
    #[error("a batch holds at most `{limit}` bytes")]
    TooLarge {
        /// The bound.
        limit: usize,
    },
    /// A key is written twice: only one of the two could win.
    #[error("a key of table `{table}` is written twice in one batch")]
    WrittenTwice {
        /// The key's table.
        table: Table,
    },
    /// A batch has at most one log leaf, so that a record's leaf says which event wrote it.
    #[error("a batch holds at most one log leaf")]
    SecondLeaf,
}

/// A batch in the making.
///
/// ```
/// use handfast_registry::store::{Batch, BatchError, MAX_VALUE_BYTES, Table};
///
/// const AGENTS: Table = Table::new(16, "agents");
/// const HANDLES: Table = Table::new(17, "handles");
///
/// let mut batch = Batch::new();
/// batch.expect_version(AGENTS, b"did:key:z6Mk", 3)?.expect_absent(HANDLES, b"brave-otter")?;
/// batch.put(AGENTS, b"did:key:z6Mk", b"record")?.put(HANDLES, b"brave-otter", b"did:key:z6Mk")?;
/// batch.leaf(b"commitment")?;
///
/// let too_long = vec![0; MAX_VALUE_BYTES + 1];
/// assert!(matches!(batch.put(AGENTS, b"other", &too_long), Err(BatchError::ValueTooLong { .. })));
/// # Ok::<(), BatchError>(())
/// ```
///
/// A refused call leaves the batch as it was.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    pub(super) checks: Vec<Check>,
    /// By the engine's key, which is made here and not by the one committer.
    pub(super) writes: BTreeMap<Bytes, Write>,
    pub(super) leaf: Option<DetailedLeaf>,
    pub(super) feed: Vec<Vec<u8>>,
    /// The leaves whose details go.
    pub(super) erased: Vec<u64>,
    pub(super) forgotten: Option<Box<Forgotten>>,
    bytes: usize,
}

/// What to put, or to delete where there is no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Write {
    pub(super) table: Table,
    pub(super) value: Option<Vec<u8>>,
}

/// A leaf, and what stands beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DetailedLeaf {
    pub(super) bytes: Vec<u8>,
    pub(super) detail: Option<Vec<u8>>,
}

/// Feed entries that go, and where the unbroken chain begins afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Forgotten {
    pub(super) entries: Vec<u64>,
    pub(super) base: u64,
    pub(super) base_head: [u8; 32],
}

/// One demand on a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Check {
    pub(super) table: Table,
    /// The engine's.
    pub(super) key: Bytes,
    pub(super) expected: Expected,
}

impl Batch {
    /// A batch that writes nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Demands that there is no record under `key`.
    ///
    /// # Errors
    ///
    /// [`BatchError`] if the key or the batch is too long.
    pub fn expect_absent(&mut self, table: Table, key: &[u8]) -> Result<&mut Self, BatchError> {
        self.check(table, key, Expected::Absent)
    }

    /// Demands that the record under `key` has this version.
    ///
    /// # Errors
    ///
    /// [`BatchError`] if the key or the batch is too long.
    pub fn expect_version(&mut self, table: Table, key: &[u8], version: u64) -> Result<&mut Self, BatchError> {
        self.check(table, key, Expected::Version(version))
    }

    /// Puts a record. It gets the next version of its key, and the batch's log leaf.
    ///
    /// # Errors
    ///
    /// [`BatchError`] if a bound is exceeded, the table is the store's, or the key is written already.
    pub fn put(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<&mut Self, BatchError> {
        bounded_value(table, value)?;
        self.write(table, key, Some(value))
    }

    /// Deletes a record; deleting none is no error.
    ///
    /// Versions start again at 1 afterwards: delete only what nobody decides upon by version.
    ///
    /// # Errors
    ///
    /// [`BatchError`] if a bound is exceeded, the table is the store's, or the key is written already.
    pub fn delete(&mut self, table: Table, key: &[u8]) -> Result<&mut Self, BatchError> {
        self.write(table, key, None)
    }

    /// Appends a leaf to the log, at the next index.
    ///
    /// # Errors
    ///
    /// [`BatchError`] if it is too long, or the batch has one already.
    pub fn leaf(&mut self, bytes: &[u8]) -> Result<&mut Self, BatchError> {
        self.add_leaf(bytes, None)
    }

    /// The same with a detail, which is read under the leaf's index in [`Table::DETAILS`] and can be erased while the leaf stays
    /// ([`Batch::erase_detail`]).
    ///
    /// # Errors
    ///
    /// [`BatchError`] if one of them or both together are too long, or the batch has a leaf already.
    pub fn leaf_with_detail(&mut self, bytes: &[u8], detail: &[u8]) -> Result<&mut Self, BatchError> {
        self.add_leaf(bytes, Some(detail))
    }

    /// Erases the detail of the leaf with this index; erasing none is no error. The leaf and its version stay as they are.
    ///
    /// # Errors
    ///
    /// [`BatchError`] if the batch is too large.
    pub fn erase_detail(&mut self, index: u64) -> Result<&mut Self, BatchError> {
        self.grow(size_of::<u64>())?;
        self.erased.push(index);
        Ok(self)
    }

    /// Appends an entry to the feed, at the next sequence number; several keep their order.
    ///
    /// # Errors
    ///
    /// [`BatchError`] if it is too long.
    pub fn feed(&mut self, body: &[u8]) -> Result<&mut Self, BatchError> {
        bounded_value(Table::FEED, body)?;
        self.grow(body.len())?;
        self.feed.push(body.to_vec());
        Ok(self)
    }

    /// Forgets feed entries. `base` is where the unbroken chain begins afterwards, and `base_head` the head there: all
    /// `entries` lie at or before it, and everything behind it stays.
    ///
    /// # Errors
    ///
    /// [`BatchError`] if the batch is too large, or forgets something already.
    pub fn forget_feed(&mut self, entries: &[u64], base: u64, base_head: [u8; 32]) -> Result<&mut Self, BatchError> {
        if self.forgotten.is_some() {
            return Err(BatchError::WrittenTwice { table: Table::FEED });
        }
        self.grow(entries.len().saturating_mul(ENTRY_OVERHEAD_BYTES))?;
        self.forgotten = Some(Box::new(Forgotten { entries: entries.to_vec(), base, base_head }));
        Ok(self)
    }

    /// What the batch holds in memory, roughly.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    fn check(&mut self, table: Table, key: &[u8], expected: Expected) -> Result<&mut Self, BatchError> {
        bounded_key(table, key)?;
        self.grow(key.len())?;
        self.checks.push(Check { table, key: table.engine_key(key), expected });
        Ok(self)
    }

    fn add_leaf(&mut self, bytes: &[u8], detail: Option<&[u8]>) -> Result<&mut Self, BatchError> {
        if self.leaf.is_some() {
            return Err(BatchError::SecondLeaf);
        }
        bounded_value(Table::LOG, bytes)?;
        bounded_value(Table::DETAILS, detail.unwrap_or_default())?;
        let together = bytes.len() + detail.map_or(0, <[u8]>::len);
        if together > MAX_DETAILED_LEAF_BYTES {
            let (table, limit) = (Table::DETAILS, MAX_DETAILED_LEAF_BYTES);
            return Err(BatchError::ValueTooLong { table, found: together, limit });
        }
        self.grow(together)?;
        self.leaf = Some(DetailedLeaf { bytes: bytes.to_vec(), detail: detail.map(<[u8]>::to_vec) });
        Ok(self)
    }

    fn write(&mut self, table: Table, key: &[u8], value: Option<&[u8]>) -> Result<&mut Self, BatchError> {
        if table.is_reserved() {
            return Err(BatchError::Reserved { table });
        }
        bounded_key(table, key)?;
        let key_at_engine = table.engine_key(key);
        if self.writes.contains_key(&key_at_engine) {
            return Err(BatchError::WrittenTwice { table });
        }
        self.grow(key.len() + value.map_or(0, <[u8]>::len))?;
        self.writes.insert(key_at_engine, Write { table, value: value.map(<[u8]>::to_vec) });
        Ok(self)
    }

    fn grow(&mut self, more: usize) -> Result<(), BatchError> {
        let bytes = self.bytes + more + ENTRY_OVERHEAD_BYTES;
        if bytes > MAX_BATCH_BYTES {
            return Err(BatchError::TooLarge { limit: MAX_BATCH_BYTES });
        }
        self.bytes = bytes;
        Ok(())
    }
}

fn bounded_key(table: Table, key: &[u8]) -> Result<(), BatchError> {
    if key.len() > MAX_KEY_BYTES {
        return Err(BatchError::KeyTooLong { table, found: key.len(), limit: MAX_KEY_BYTES });
    }
    Ok(())
}

fn bounded_value(table: Table, value: &[u8]) -> Result<(), BatchError> {
    if value.len() > MAX_VALUE_BYTES {
        return Err(BatchError::ValueTooLong { table, found: value.len(), limit: MAX_VALUE_BYTES });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const THINGS: Table = Table::new(16, "things");
    const OTHERS: Table = Table::new(17, "others");

    fn check(build: impl FnOnce(&mut Batch) -> Result<&mut Batch, BatchError>, expected: Option<&BatchError>) {
        let mut batch = Batch::new();
        let refusal = build(&mut batch).err();
        assert_eq!(refusal.as_ref(), expected);
    }

    #[test]
    fn sizes_are_bounded_on_both_sides_of_each_edge() {
        let long_key = [7; MAX_KEY_BYTES + 1];
        let key = &long_key[1..];
        let too_long_key = BatchError::KeyTooLong { table: THINGS, found: 257, limit: 256 };
        check(|b| b.put(THINGS, key, b""), None);
        check(|b| b.put(THINGS, &long_key, b""), Some(&too_long_key));
        check(|b| b.delete(THINGS, key), None);
        check(|b| b.delete(THINGS, &long_key), Some(&too_long_key));
        check(|b| b.expect_absent(THINGS, key), None);
        check(|b| b.expect_absent(THINGS, &long_key), Some(&too_long_key));
        check(|b| b.expect_version(THINGS, &long_key, 1), Some(&too_long_key));

        let long_value = [7; MAX_VALUE_BYTES + 1];
        let value = &long_value[1..];
        let too_long = |table| BatchError::ValueTooLong { table, found: 4097, limit: 4096 };
        check(|b| b.put(THINGS, b"k", value), None);
        check(|b| b.put(THINGS, b"k", &long_value), Some(&too_long(THINGS)));
        check(|b| b.leaf(value), None);
        check(|b| b.leaf(&long_value), Some(&too_long(Table::LOG)));
        check(|b| b.leaf_with_detail(b"l", value), None);
        check(|b| b.leaf_with_detail(b"l", &long_value), Some(&too_long(Table::DETAILS)));
        let leaf = [7; MAX_DETAILED_LEAF_BYTES - MAX_VALUE_BYTES + 1];
        let together = BatchError::ValueTooLong { table: Table::DETAILS, found: 6145, limit: 6144 };
        check(|b| b.leaf_with_detail(&leaf[1..], value), None);
        check(|b| b.leaf_with_detail(&leaf, value), Some(&together));
        check(|b| b.feed(value), None);
        check(|b| b.feed(&long_value), Some(&too_long(Table::FEED)));
    }

    #[test]
    fn a_batch_is_bounded_as_a_whole() {
        let per_entry = MAX_VALUE_BYTES + ENTRY_OVERHEAD_BYTES;
        let full = MAX_BATCH_BYTES / per_entry;
        let mut batch = Batch::new();
        for _ in 0..full {
            assert!(batch.feed(&[0; MAX_VALUE_BYTES]).is_ok());
        }
        let before = batch.clone();
        assert_eq!(batch.feed(&[0; MAX_VALUE_BYTES]).err(), Some(BatchError::TooLarge { limit: MAX_BATCH_BYTES }));
        assert_eq!(batch, before, "a refused call changes nothing");
        let room = MAX_BATCH_BYTES - full * per_entry - ENTRY_OVERHEAD_BYTES;
        assert!(batch.feed(&vec![0; room + 1]).is_err());
        assert!(batch.feed(&vec![0; room]).is_ok());
        assert_eq!(batch.bytes(), MAX_BATCH_BYTES);
    }

    #[test]
    fn the_stores_own_tables_are_refused() {
        for table in [Table::LOG, Table::DETAILS, Table::FEED, Table::META] {
            check(|b| b.put(table, b"k", b"v"), Some(&BatchError::Reserved { table }));
            check(|b| b.delete(table, b"k"), Some(&BatchError::Reserved { table }));
        }
        check(|b| b.put(Table::new(Table::FIRST_FREE, "first"), b"k", b"v"), None);
    }

    #[test]
    fn one_key_is_written_once_and_one_leaf_is_enough() {
        let twice = BatchError::WrittenTwice { table: THINGS };
        check(|b| b.put(THINGS, b"k", b"v")?.put(THINGS, b"k", b"w"), Some(&twice));
        check(|b| b.put(THINGS, b"k", b"v")?.delete(THINGS, b"k"), Some(&twice));
        check(|b| b.put(THINGS, b"k", b"v")?.put(THINGS, b"k2", b"v")?.put(OTHERS, b"k", b"v"), None);
        check(|b| b.leaf(b"one")?.leaf(b"two"), Some(&BatchError::SecondLeaf));
        check(|b| b.leaf(b"one")?.leaf_with_detail(b"two", b"why"), Some(&BatchError::SecondLeaf));
        check(|b| b.feed(b"one")?.feed(b"two"), None);
    }
}
