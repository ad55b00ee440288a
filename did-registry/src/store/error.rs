//! What can go wrong with the store, and whose problem it is.

use std::path::PathBuf;

use super::{LinkError, Table};

/// Why the store could not be opened, read or written: always our own failure, never the client's (P-17).
///
/// The texts are for the operator; they name paths and belong in the log, not in an answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process has this directory open. Open: stop the other one first.
    #[error("the store at `{}` is in use by another process", .directory.display())]
    Locked {
        /// The directory asked for.
        directory: PathBuf,
    },
    /// The directory, or a file in it, cannot be made, read or written: missing rights, read-only or full disk.
    #[error("the store's path `{}` cannot be used: {reason}", .path.display())]
    Directory {
        /// What could not be used.
        path: PathBuf,
        /// The operating system's words.
        reason: String,
    },
    /// The store was written by a newer version of this program, which an older one must not touch.
    #[error("the store has format `{found}`, and this version knows formats up to `{known}`: use the newer program")]
    NewerFormat {
        /// The format on the disk.
        found: u32,
        /// The newest format known here.
        known: u32,
    },
    /// The epoch for a new store is empty, too long or not printable ASCII.
    #[error("a feed epoch is 1 to `{limit}` printable ASCII characters")]
    Epoch {
        /// The greatest length in bytes.
        limit: usize,
    },
    /// A record's envelope has a format byte this version does not know.
    #[error("a record of table `{table}` has envelope format `{found}`, and this version knows `{known}` only")]
    UnknownEnvelope {
        /// The record's table.
        table: Table,
        /// The format byte found.
        found: u8,
        /// The one known here.
        known: u8,
    },
    /// Bytes in the store are not what this program wrote.
    #[error("the store is damaged: {what}")]
    Corrupt {
        /// What was found, in words.
        what: String,
    },
    /// Too many batches are waiting already. Retrying later may succeed.
    #[error("the store has `{waiting}` batches waiting and takes no more")]
    Overloaded {
        /// The bound that was reached.
        waiting: usize,
    },
    /// The engine failed. After a failed write this is the answer to everything until the store is opened again.
    #[error("the store is unavailable: {reason}")]
    Unavailable {
        /// What failed first.
        reason: String,
    },
}

/// Why a batch was not committed. Nothing of it was written, except where [`StoreError::Unavailable`] leaves it open:
/// then it is either wholly there or wholly missing once the store is open again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// A record is not as the batch expected it: load again, decide again.
    #[error("a record of table `{table}` has changed: expected {expected}, found {}", found_words(*.found))]
    Conflict {
        /// The record's table.
        table: Table,
        /// The record's key.
        key: Vec<u8>,
        /// What the batch demanded.
        expected: Expected,
        /// The version the record has, `None` if there is no record.
        found: Option<u64>,
    },
    /// The feed refused one of the batch's entries.
    #[error("a feed entry was refused: {0}")]
    Link(#[source] LinkError),
    /// The store itself failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a batch demands of a record before it writes anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Expected {
    /// There is no record under this key.
    #[error("no record")]
    Absent,
    /// There is one, and this is its version.
    #[error("version `{0}`")]
    Version(u64),
}

impl Expected {
    pub(super) fn is_met_by(self, found: Option<u64>) -> bool {
        match self {
            Self::Absent => found.is_none(),
            Self::Version(version) => found == Some(version),
        }
    }
}

fn found_words(found: Option<u64>) -> String {
    found.map_or_else(|| "no record".to_owned(), |version| format!("version `{version}`"))
}
