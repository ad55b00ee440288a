//! Where the registry's state lives: a port, and an embedded engine behind it.
//!
//! ```text
//! load records with their versions -> the pure model decides -> Batch -> commit
//!                                                                          |
//!        bounded queue -> one committer: check versions, link the feed, ONE durable write for the whole group
//!                                                                          |
//!                                        positions published in order, then every waiting caller answered
//! ```
//!
//! # What the port promises
//!
//! - **All or nothing** (P-16). A [`Batch`] carries the version checks, the records, at most one log leaf and any number
//!   of feed entries of one state change. Either all of it happens or none of it.
//! - **Answered means durable** (P-15). [`Store::commit`] answers after the data has been synced to the disk; reads and
//!   [`Store::positions`] show nothing before that either, so nobody acts on what a power cut would take back.
//! - **Dense and in order.** Log indexes (from 0) and feed sequence numbers (from 1) have no gaps; who has seen *n* can
//!   read everything below.
//! - **Fails closed** (P-17). When a write fails, what the engine has in memory may be more than what is on the disk.
//!   The store then answers [`StoreError::Unavailable`] to everything, reads included, until it is opened again.
//! - **Bounded** (P-18). Keys, values, batches, pages and the queue have limits, all of them named constants.
//!
//! # What it does not do
//!
//! It decides nothing, knows no record type and never scans a table on its own. A conflict is the caller's to retry from
//! the load. Backups, migration between engines and erasure of log statements are other parts.
//!
//! # Deployment
//!
//! One process per directory: a second one is refused with [`StoreError::Locked`]. The directory is made with mode 0700;
//! it must be on a local disk that keeps its promise when told to sync. Network file systems are not supported.

mod batch;
mod committer;
mod embedded;
mod engine;
mod epoch;
mod error;
#[cfg(feature = "testing")]
pub mod memory;
mod meta;
mod plan;
mod port;
mod record;
mod sled_engine;
mod sled_open;
mod table;

pub use batch::{Batch, BatchError, MAX_BATCH_BYTES, MAX_DETAILED_LEAF_BYTES, MAX_KEY_BYTES, MAX_VALUE_BYTES};
pub use committer::QUEUE_MAX_BATCHES;
pub use embedded::EmbeddedStore;
pub use epoch::BetweenEpochs;
pub use error::{CommitError, Expected, StoreError};
pub use meta::{EPOCH_MAX_BYTES, STORE_FORMAT};
pub use port::{
    CommitFuture, Committed, FORMER_EPOCHS_MAX, FeedLink, FormerEpoch, LinkError, Linked, PAGE_MAX_RECORDS, Page,
    Positions, Store, StoreFuture,
};
pub use record::Record;
pub use sled_open::{CACHE_BYTES, SledOptions, begin_epoch_sled, open_sled};
pub use table::Table;
