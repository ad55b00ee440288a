//! What the store's test suites share: tables, a feed chain, and short forms of the port's calls.

#![allow(dead_code, reason = "no suite uses all of it")]

use std::future::Future;
use std::path::Path;
use std::sync::Arc;

use handfast_registry::store::{
    Batch, BatchError, CommitError, Committed, EmbeddedStore, FeedLink, LinkError, Linked, Positions, Record,
    SledOptions, Store, StoreError, Table, open_sled,
};
use sha2::{Digest, Sha256};

/// The epoch of new test stores.
pub(crate) const EPOCH: &str = "epoch-1";

pub(crate) const THINGS: Table = Table::new(16, "things");
pub(crate) const OTHERS: Table = Table::new(17, "others");

/// A hash chain over the bodies; refuses the body `unlinkable`.
#[derive(Debug)]
pub(crate) struct Chain;

impl FeedLink for Chain {
    fn origin(&self, epoch: &str) -> [u8; 32] {
        Sha256::digest(epoch.as_bytes()).into()
    }

    fn link(&self, seq: u64, previous_head: &[u8; 32], body: &[u8]) -> Result<Linked, LinkError> {
        if body == b"unlinkable" {
            return Err(LinkError::new("not an entry"));
        }
        let stored = [&seq.to_be_bytes()[..], body].concat();
        let head = Sha256::new().chain_update(previous_head).chain_update(Sha256::digest(&stored)).finalize();
        Ok(Linked { head: head.into(), stored })
    }

    fn body(&self, stored: &[u8]) -> Result<Vec<u8>, LinkError> {
        stored.get(8..).map(<[u8]>::to_vec).ok_or_else(|| LinkError::new("not an entry"))
    }
}

/// Opens the embedded store in `directory`.
pub(crate) fn open(directory: &Path) -> Result<EmbeddedStore, StoreError> {
    let options = SledOptions { directory: directory.to_path_buf(), new_epoch: EPOCH.to_owned() };
    open_sled(&options, Arc::new(Chain))
}

/// Runs a future, and what it spawns, to its end on this thread.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future)
}

pub(crate) fn batch(build: impl FnOnce(&mut Batch) -> Result<&mut Batch, BatchError>) -> Batch {
    let mut batch = Batch::new();
    build(&mut batch).expect("the batch is within its bounds");
    batch
}

pub(crate) fn commit(
    store: &dyn Store,
    build: impl FnOnce(&mut Batch) -> Result<&mut Batch, BatchError>,
) -> Result<Committed, CommitError> {
    block_on(store.commit(batch(build)))
}

pub(crate) fn get(store: &dyn Store, table: Table, key: &[u8]) -> Option<Record> {
    block_on(store.get(table, key)).expect("the store answers")
}

pub(crate) fn record(version: u64, leaf: Option<u64>, value: &[u8]) -> Option<Record> {
    Some(Record { version, leaf, value: value.to_vec() })
}

pub(crate) fn positions(store: &dyn Store) -> Positions {
    *store.positions().borrow()
}
