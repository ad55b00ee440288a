//! The port: what the registry asks of any engine that keeps its state.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use tokio::sync::watch;

use super::{Batch, CommitError, Record, StoreError, Table};

/// The most records one page holds; a greater `limit` is cut to this. With values of at most
/// [`MAX_VALUE_BYTES`](super::MAX_VALUE_BYTES) a page stays near 1 MiB (P-18).
pub const PAGE_MAX_RECORDS: usize = 256;

/// The answer of a read, to be awaited. Boxed so that the port can be used as `Arc<dyn Store>`.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// The answer of a commit, to be awaited.
pub type CommitFuture<'a> = Pin<Box<dyn Future<Output = Result<Committed, CommitError>> + Send + 'a>>;

/// The registry's state.
///
/// For implementers: a wrong "committed" loses a revocation or a rotation for good (P-15, TH65), a wrong failure costs
/// one 503. When in doubt, fail. The contract tests of this crate run against every engine.
pub trait Store: fmt::Debug + Send + Sync {
    /// The record under `key`, or `None` if there is none. Only durable state is seen.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; "no record" is not an error.
    fn get<'a>(&'a self, table: Table, key: &'a [u8]) -> StoreFuture<'a, Option<Record>>;

    /// The next records of `table` whose key starts with `prefix`, in byte order, strictly behind `after`.
    ///
    /// At most `limit` records, never more than [`PAGE_MAX_RECORDS`] (and at least one: 0 counts as 1). Pages are read
    /// one by one: a record that is put while paging appears if its key is behind the last page.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; one unreadable record fails its page.
    fn page<'a>(
        &'a self,
        table: Table,
        prefix: &'a [u8],
        after: Option<&'a [u8]>,
        limit: usize,
    ) -> StoreFuture<'a, Page>;

    /// Commits a batch: all or nothing, and durable when answered.
    ///
    /// Nothing happens before the future is first polled. Dropping it afterwards does not take the batch back.
    ///
    /// # Errors
    ///
    /// [`CommitError::Conflict`] if a version check fails, [`CommitError::Link`] if the feed refuses an entry; nothing
    /// is written then. [`StoreError::Overloaded`] if too many are waiting. [`StoreError::Unavailable`] if the engine
    /// failed: the batch is then wholly there or wholly missing when the store is next opened.
    fn commit(&self, batch: Batch) -> CommitFuture<'_>;

    /// The positions of log and feed, now and whenever they move. Everything up to a position seen here can be read.
    fn positions(&self) -> watch::Receiver<Positions>;

    /// The id of the feed's current epoch.
    fn epoch(&self) -> &str;

    /// How far earlier epochs of the feed came in this store, the newest first, at most [`FORMER_EPOCHS_MAX`].
    fn former_epochs(&self) -> &[FormerEpoch];

    /// Answers if the store can be read and has not failed (`/readyz`).
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] with what failed first.
    fn health(&self) -> StoreFuture<'_, ()>;
}

/// One page of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Keys and records, in byte order of the keys.
    pub records: Vec<(Vec<u8>, Record)>,
    /// What to pass as `after` for the next page; `None` on the last one.
    pub next: Option<Vec<u8>>,
}

/// The most earlier epochs a store remembers: a reader that slept through more restores has to be started anew.
pub const FORMER_EPOCHS_MAX: usize = 16;

/// Where an earlier epoch of the feed ended, as far as this store knew it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormerEpoch {
    /// Its id.
    pub epoch: String,
    /// Its last sequence number.
    pub feed_to: u64,
    /// The chain head after it.
    pub feed_head: [u8; 32],
}

/// What a commit gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// The log index of the batch's leaf, if it had one.
    pub leaf: Option<u64>,
    /// The feed's last sequence number after this batch (its own last entry, if it had any); 0 before the first.
    pub feed_to: u64,
}

/// How far log and feed have come. All of it is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Positions {
    /// The number of log leaves: indexes `0..log_size` exist.
    pub log_size: u64,
    /// The last sequence number of the feed: `1..=feed_to` were given out.
    pub feed_to: u64,
    /// The feed's chain head after `feed_to`.
    pub feed_head: [u8; 32],
    /// Entries up to here may have been forgotten ([`Batch::forget_feed`]); behind it all exist.
    pub feed_base: u64,
    /// The feed's chain head after `feed_base`.
    pub feed_base_head: [u8; 32],
}

/// How feed entries are chained: given to the store when it is opened, called by its committer only.
///
/// Heads depend on the order of commits, so they are computed where the order is decided, in the same atomic act. An
/// implementation has no side effects: a batch that is linked may still fail to become durable.
pub trait FeedLink: Send + Sync {
    /// The head before the first entry of `epoch`.
    fn origin(&self, epoch: &str) -> [u8; 32];

    /// Makes of an entry's body what is stored under `seq`, and the head after it.
    ///
    /// # Errors
    ///
    /// [`LinkError`] if the body is not an entry; the whole batch is then refused.
    fn link(&self, seq: u64, previous_head: &[u8; 32], body: &[u8]) -> Result<Linked, LinkError>;

    /// The body of a stored entry, to be linked again in another epoch.
    ///
    /// # Errors
    ///
    /// [`LinkError`] if the bytes are no stored entry.
    fn body(&self, stored: &[u8]) -> Result<Vec<u8>, LinkError>;
}

/// A feed entry in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linked {
    /// The chain head after this entry.
    pub head: [u8; 32],
    /// The bytes to store under the sequence number.
    pub stored: Vec<u8>,
}

/// Why a feed entry cannot be linked, in words for the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct LinkError(String);

impl LinkError {
    /// An error with this text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}
