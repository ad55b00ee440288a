//! sled as the engine, with the data sync it leaves out.

use std::any::Any;
use std::fs::File;
use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::engine::{Bytes, Change, Engine, EngineError, Pairs};

/// An open sled database.
///
/// sled's `flush` waits for `sync_file_range`, which leaves the data in the drive's cache: a power cut then loses
/// acknowledged writes. So every write here ends with a data sync of sled's one data file through a handle of our own.
/// Values stay at or below 4 KiB, because larger ones end in files that sled never syncs.
#[derive(Debug)]
pub(super) struct SledEngine {
    database: sled::Db,
    data_file: File,
    /// Held for as long as the database is open; the last field, so the last to go.
    _lock: File,
}

impl SledEngine {
    pub(super) const fn new(database: sled::Db, data_file: File, lock: File) -> Self {
        Self { database, data_file, _lock: lock }
    }
}

impl Engine for SledEngine {
    fn read(&self, key: &[u8]) -> Result<Option<Bytes>, EngineError> {
        guarded("read", || self.database.get(key))
    }

    fn scan(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Pairs, EngineError> {
        let start = match after {
            Some(after) if after >= prefix => Bound::Excluded(after),
            _ => Bound::Included(prefix),
        };
        guarded("scan", || {
            let is_within = |pair: &sled::Result<(Bytes, Bytes)>| match pair {
                Ok((key, _)) => key.starts_with(prefix),
                Err(_) => true,
            };
            self.database.range::<&[u8], _>((start, Bound::Unbounded)).take_while(is_within).take(limit).collect()
        })
    }

    fn write(&self, changes: Vec<Change>) -> Result<(), EngineError> {
        let mut batch = sled::Batch::default();
        for (key, value) in changes {
            match value {
                Some(value) => batch.insert(key, value),
                None => batch.remove(key),
            }
        }
        guarded("write", || self.database.apply_batch(batch))?;
        guarded("flush", || self.database.flush())?;
        self.data_file.sync_data().map_err(|error| EngineError(format!("the data sync failed: {error}")))
    }
}

/// Runs an action of sled's. Its code asserts and unwraps in many places: a panic in there becomes an error (P-23).
pub(super) fn guarded<T>(action: &str, run: impl FnOnce() -> sled::Result<T>) -> Result<T, EngineError> {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(EngineError(format!("sled cannot {action}: {error}"))),
        Err(panic) => Err(EngineError(format!("sled panicked in {action}: {}", words(&*panic)))),
    }
}

fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a message")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic, reason = "the panic is what is tested")]

    use super::*;

    #[test]
    fn a_panic_and_an_error_are_both_told() {
        let unsupported = || Err::<(), _>(sled::Error::Unsupported("why".to_owned()));
        assert_eq!(guarded("read", || Ok(5)), Ok(5));
        assert!(guarded("read", unsupported).is_err_and(|error| error.0.contains("why")));
        for panicked in [guarded::<()>("read", || panic!("page 7")), guarded("read", || panic!("page {}", 7))] {
            assert_eq!(panicked, Err(EngineError("sled panicked in read: page 7".to_owned())));
        }
    }
}
