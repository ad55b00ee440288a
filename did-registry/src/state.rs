//! The model's records in the store: loaded with their versions, committed with the event, all or nothing.
//!
//! A mutation is a loop of three steps, and nothing else writes:
//!
//! ```text
//! State::load … --> the model decides --> State::commit --+--> Committed::Done
//!        ^                                                |
//!        +------------- Committed::Conflict --------------+   at most `ATTEMPTS` times
//! ```

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use handfast_audit_log::{Leaf, Opening};
use handfast_identity::RandomSource;
use handfast_registry_model::{
    Change, Event, Expect, Loaded, Record, RecordError, RecordKind, Refusal, Slot, Stored, Write,
};

use crate::feed::body;
use crate::metrics::Metrics;
use crate::random::SharedRandom;
use crate::store::{Batch, BatchError, CommitError, Store, StoreError, Table};

/// How often a decision is made anew because somebody was faster. Every conflict is somebody's success, so this only ends
/// under a storm upon one record; the answer is then 503 with `Retry-After`.
pub(crate) const ATTEMPTS: usize = 16;

/// What leaves of stores of format 2 commit to, by commitment. Since then it stands beside its leaf ([`Table::DETAILS`]).
const STATEMENTS: Table = Table::new(32, "statements");

pub(crate) const fn table(kind: RecordKind) -> Table {
    match kind {
        RecordKind::Agent => Table::new(16, RecordKind::Agent.as_str()),
        RecordKind::Did => Table::new(17, RecordKind::Did.as_str()),
        RecordKind::Handle => Table::new(18, RecordKind::Handle.as_str()),
        RecordKind::OwnedAgent => Table::new(19, RecordKind::OwnedAgent.as_str()),
        RecordKind::Owner => Table::new(20, RecordKind::Owner.as_str()),
        RecordKind::OwnerCode => Table::new(21, RecordKind::OwnerCode.as_str()),
        RecordKind::Claim => Table::new(22, RecordKind::Claim.as_str()),
        RecordKind::Task => Table::new(23, RecordKind::Task.as_str()),
        RecordKind::SelfTasks => Table::new(24, RecordKind::SelfTasks.as_str()),
        RecordKind::Hop => Table::new(25, RecordKind::Hop.as_str()),
        RecordKind::Tree => Table::new(26, RecordKind::Tree.as_str()),
        RecordKind::TreeEntry => Table::new(27, RecordKind::TreeEntry.as_str()),
        RecordKind::Revocation => Table::new(28, RecordKind::Revocation.as_str()),
        RecordKind::Stops => Table::new(29, RecordKind::Stops.as_str()),
        RecordKind::Versions => Table::new(40, RecordKind::Versions.as_str()),
        RecordKind::Offboarding => Table::new(41, RecordKind::Offboarding.as_str()),
        RecordKind::Usage => Table::new(42, RecordKind::Usage.as_str()),
        RecordKind::AgentTask => Table::new(47, RecordKind::AgentTask.as_str()),
        RecordKind::AgentHop => Table::new(61, RecordKind::AgentHop.as_str()),
        RecordKind::IssuerKeys => Table::new(48, RecordKind::IssuerKeys.as_str()),
        RecordKind::Place => Table::new(60, RecordKind::Place.as_str()),
        RecordKind::Key => Table::new(50, RecordKind::Key.as_str()),
        RecordKind::Rotation => Table::new(51, RecordKind::Rotation.as_str()),
        RecordKind::StatusEntry => Table::new(80, RecordKind::StatusEntry.as_str()),
        RecordKind::Enrolment => Table::new(81, RecordKind::Enrolment.as_str()),
        RecordKind::OwnedEnrolment => Table::new(82, RecordKind::OwnedEnrolment.as_str()),
        RecordKind::Idempotency => Table::new(83, RecordKind::Idempotency.as_str()),
        RecordKind::IdempotencyEnd => Table::new(84, RecordKind::IdempotencyEnd.as_str()),
    }
}

/// The registry's records.
#[derive(Clone)]
pub(crate) struct State {
    store: Arc<dyn Store>,
    issuer: Arc<str>,
    random: SharedRandom,
    metrics: Metrics,
}

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Commit {
    /// It is durable, at this place of the log.
    Done {
        /// The index of its leaf.
        leaf: Option<u64>,
    },
    /// Somebody was faster: load again, decide again.
    Conflict,
}

/// One page of records.
pub(crate) struct RecordPage<R> {
    pub(crate) records: Vec<R>,
    /// The last key, if more follow.
    pub(crate) next: Option<String>,
}

impl State {
    pub(crate) fn new(store: Arc<dyn Store>, issuer: &str, random: SharedRandom, metrics: Metrics) -> Self {
        Self { store, issuer: issuer.into(), random, metrics }
    }

    /// The record at `slot`, with its version.
    ///
    /// # Errors
    ///
    /// [`Refusal::StoreUnavailable`], also for a record that cannot be read: "no record" and "cannot say" are two answers.
    pub(crate) async fn load<R: Stored>(&self, slot: &Slot) -> Result<Option<Loaded<R>>, Refusal> {
        Ok(self.load_with_leaf(slot).await?.map(|(loaded, _)| loaded))
    }

    /// The same, with the log leaf of the batch that wrote it.
    pub(crate) async fn load_with_leaf<R: Stored>(
        &self,
        slot: &Slot,
    ) -> Result<Option<(Loaded<R>, Option<u64>)>, Refusal> {
        let found =
            self.store.get(table(slot.kind()), slot.key().as_bytes()).await.map_err(|error| unavailable(&error))?;
        let Some(found) = found else { return Ok(None) };
        let record = R::from_bytes(&found.value).map_err(|error| unreadable(&error))?;
        Ok(Some((Loaded { record, version: found.version }, found.leaf)))
    }

    /// The records of a kind whose keys start with `prefix`, after `after`.
    pub(crate) async fn page<R: Stored>(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<RecordPage<R>, Refusal> {
        let after = after.map(str::as_bytes);
        let page = self.store.page(table(R::KIND), prefix.as_bytes(), after, limit).await;
        let page = page.map_err(|error| unavailable(&error))?;
        let read = |(_, record): &(Vec<u8>, crate::store::Record)| R::from_bytes(&record.value);
        let records = page.records.iter().map(read).collect::<Result<_, _>>().map_err(|error| unreadable(&error))?;
        let next = page.next.map(String::from_utf8).transpose().map_err(|error| unreadable(&error))?;
        Ok(RecordPage { records, next })
    }

    /// The first records of a kind whose keys start with `prefix`, with their versions.
    pub(crate) async fn loaded_page<R: Stored>(&self, prefix: &str, limit: usize) -> Result<Vec<Loaded<R>>, Refusal> {
        let page = self.store.page(table(R::KIND), prefix.as_bytes(), None, limit).await;
        let page = page.map_err(|error| unavailable(&error))?;
        let read = |(_, found): &(Vec<u8>, crate::store::Record)| {
            Ok(Loaded { record: R::from_bytes(&found.value)?, version: found.version })
        };
        let records: Result<_, RecordError> = page.records.iter().map(read).collect();
        records.map_err(|error| unreadable(&error))
    }

    /// The statement that the leaf with this index commits to; none once it was erased.
    ///
    /// # Errors
    ///
    /// [`Refusal::StoreUnavailable`], also for a leaf that is not there or a statement that is another's.
    pub(crate) async fn statement(&self, index: u64) -> Result<Option<Vec<u8>>, Refusal> {
        let found = self.store.get(Table::LOG, &index.to_be_bytes()).await.map_err(|error| unavailable(&error))?;
        let found = found.ok_or_else(|| unreadable(&"a leaf is missing"))?;
        let leaf = Leaf::parse(&found.value).map_err(|error| unreadable(&error))?;
        let Some(found) = self.opening(index, &leaf).await.map_err(|error| unavailable(&error))? else {
            return Ok(None);
        };
        let opening = Opening::parse(&found.value).map_err(|error| unreadable(&error))?;
        opening.opens(&leaf).map_err(|error| unreadable(&error))?;
        Ok(Some(opening.statement().to_vec()))
    }

    async fn opening(&self, index: u64, leaf: &Leaf) -> Result<Option<crate::store::Record>, StoreError> {
        match self.store.get(Table::DETAILS, &index.to_be_bytes()).await? {
            Some(found) => Ok(Some(found)),
            None => self.store.get(STATEMENTS, leaf.commitment().to_string().as_bytes()).await,
        }
    }

    /// Commits a decided change: records, leaf, statement and feed entries in one durable act (P-16).
    ///
    /// Answered means durable: whoever asks afterwards, this registry's own routes included, acts on what it revoked.
    ///
    /// # Errors
    ///
    /// [`Refusal::StoreUnavailable`] or [`Refusal::Overloaded`]: then nobody may say that it happened (TH65).
    pub(crate) async fn commit(&self, change: &Change) -> Result<Commit, Refusal> {
        self.commit_with(change, |_| Ok(())).await
    }

    /// The same, with something beside the records in the batch.
    pub(super) async fn commit_with(
        &self,
        change: &Change,
        beside: impl FnOnce(&mut Batch) -> Result<(), BatchError>,
    ) -> Result<Commit, Refusal> {
        let mut batch = self.batch(change).map_err(|error| unreadable(&error))?;
        beside(&mut batch).map_err(|error| unreadable(&error))?;
        let started = Instant::now();
        let committed = self.store.commit(batch).await;
        self.metrics.note_commit(started.elapsed());
        match committed {
            Ok(committed) => {
                tracing::info!(event = change.event.fact.kind(), who = %change.event.who, leaf = committed.leaf);
                Ok(Commit::Done { leaf: committed.leaf })
            }
            Err(CommitError::Conflict { .. }) => Ok(Commit::Conflict),
            Err(CommitError::Store(error)) => Err(unavailable(&error)),
            Err(CommitError::Link(error)) => Err(unreadable(&error)),
        }
    }

    /// Writes a record that no event stands behind: a count or a note, never a state of anybody's.
    ///
    /// # Errors
    ///
    /// [`Refusal::StoreUnavailable`] or [`Refusal::Overloaded`].
    pub(crate) async fn keep(&self, expect: Expect, record: &Record) -> Result<Commit, Refusal> {
        self.note(&[Write::Put { expect, record: Box::new(record.clone()) }]).await
    }

    /// The same for several at once, all of them or none.
    ///
    /// # Errors
    ///
    /// As [`Self::keep`].
    pub(crate) async fn note(&self, writes: &[Write]) -> Result<Commit, Refusal> {
        let mut batch = Batch::new();
        for write in writes {
            add(&mut batch, write).map_err(|error| unreadable(&error))?;
        }
        self.write(batch).await
    }

    /// Writes a batch that no event stands behind.
    pub(crate) async fn write(&self, batch: Batch) -> Result<Commit, Refusal> {
        match self.store.commit(batch).await {
            Ok(_) => Ok(Commit::Done { leaf: None }),
            Err(CommitError::Conflict { .. }) => Ok(Commit::Conflict),
            Err(CommitError::Store(error)) => Err(unavailable(&error)),
            Err(CommitError::Link(error)) => Err(unreadable(&error)),
        }
    }

    /// What is kept in a table that holds no records.
    pub(crate) async fn kept(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Refusal> {
        let found = self.store.get(table, key).await.map_err(|error| unavailable(&error))?;
        Ok(found.map(|found| found.value))
    }

    fn batch(&self, change: &Change) -> Result<Batch, BuildError> {
        let mut batch = Batch::new();
        for write in &change.writes {
            add(&mut batch, write)?;
        }
        log(&mut batch, &change.event, &mut self.random.clone())?;
        for entry in &change.feed {
            batch.feed(&body(&self.issuer, entry)?)?;
        }
        Ok(batch)
    }

    /// Whether the store can be read and written, as far as it knows.
    pub(crate) async fn health(&self) -> Result<(), StoreError> {
        self.store.health().await
    }
}

/// Adds the log entry of an event: its leaf, and the statement that the leaf commits to, erasable without touching the log.
pub(crate) fn log(batch: &mut Batch, event: &Event, random: &mut dyn RandomSource) -> Result<(), BuildError> {
    let opening = Opening::new(event.statement()?, random)?;
    let leaf = Leaf::new(event.fact.kind(), event.when, event.did.clone(), opening.commitment())?;
    batch.leaf_with_detail(&leaf.to_bytes(), &opening.to_bytes())?;
    Ok(())
}

fn add(batch: &mut Batch, write: &Write) -> Result<(), BuildError> {
    match write {
        Write::Put { expect, record } => put(batch, *expect, record),
        Write::Delete { slot, version } => {
            let (table, key) = (table(slot.kind()), slot.key().as_bytes());
            batch.expect_version(table, key, *version)?.delete(table, key)?;
            Ok(())
        }
        Write::List { entry } => {
            let slot = entry.slot();
            batch.put(table(slot.kind()), slot.key().as_bytes(), &entry.to_bytes()?)?;
            Ok(())
        }
        Write::Unlist { slot } => {
            batch.delete(table(slot.kind()), slot.key().as_bytes())?;
            Ok(())
        }
        Write::Keep { slot, version } => {
            batch.expect_version(table(slot.kind()), slot.key().as_bytes(), *version)?;
            Ok(())
        }
    }
}

pub(crate) fn put(batch: &mut Batch, expect: Expect, record: &Record) -> Result<(), BuildError> {
    let slot = record.slot();
    let (table, key) = (table(slot.kind()), slot.key().as_bytes());
    match expect {
        Expect::Absent => batch.expect_absent(table, key)?,
        Expect::Version(version) => batch.expect_version(table, key, version)?,
    };
    batch.put(table, key, &record.to_bytes()?)?;
    Ok(())
}

/// A change that cannot be written down. The bounds of its parts exclude that; were they wrong, nothing is written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BuildError {
    #[error(transparent)]
    Batch(#[from] BatchError),
    #[error("{0}")]
    Encode(#[from] handfast_registry_model::EncodeError),
    #[error("{0}")]
    Opening(#[from] handfast_audit_log::OpeningError),
    #[error("{0}")]
    Leaf(#[from] handfast_audit_log::LeafError),
    #[error("{0}")]
    Json(#[from] handfast_identity::json::JsonError),
}

/// Ours, never the caller's (P-17). The details are for the operator and go no further.
pub(crate) fn unavailable(error: &StoreError) -> Refusal {
    tracing::error!(%error, "the store does not answer");
    match error {
        StoreError::Overloaded { .. } => Refusal::Overloaded,
        _ => Refusal::StoreUnavailable,
    }
}

pub(crate) fn unreadable(error: &dyn fmt::Display) -> Refusal {
    tracing::error!(%error, "a record or change cannot be encoded or read");
    Refusal::StoreUnavailable
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("store", &self.store).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed set-up should stop the test")]
mod tests {
    use handfast_identity::{OsRandom, UnixTime};

    use super::*;
    use crate::feed_link;
    use crate::store::memory::{MemoryDisk, open_memory};

    /// Statements stand beside their leaves, in stores of format 2 in a table of their own: both are found, and only where they open
    /// their leaf.
    #[tokio::test]
    async fn a_statement_is_found_where_its_store_format_has_it() {
        let store = open_memory(&MemoryDisk::default(), feed_link("https://id.example"), "e").unwrap();
        let opening = |text: &str| Opening::new(text.into(), &mut OsRandom).unwrap();
        let leaf = |of: &Opening| Leaf::new("kind", UnixTime::from_secs(1), None, of.commitment()).unwrap().to_bytes();
        let (new, old, other) = (opening("new"), opening("old"), opening("other"));
        let mut batches = [(); 4].map(|()| Batch::new());
        let [beside, apart, erased, wrong] = &mut batches;
        beside.leaf_with_detail(&leaf(&new), &new.to_bytes()).unwrap();
        apart.leaf(&leaf(&old)).unwrap();
        apart.put(STATEMENTS, old.commitment().to_string().as_bytes(), &old.to_bytes()).unwrap();
        erased.leaf(&leaf(&other)).unwrap();
        wrong.leaf_with_detail(&leaf(&other), &new.to_bytes()).unwrap();
        for batch in batches {
            store.commit(batch).await.unwrap();
        }
        let state = State::new(Arc::new(store), "https://id.example", SharedRandom::new(OsRandom), Metrics::new());
        let mut found = Vec::new();
        for index in 0..5 {
            found.push(state.statement(index).await);
        }
        let text = |text: &str| Ok(Some(text.as_bytes().to_vec()));
        let unreadable = || Err(Refusal::StoreUnavailable);
        assert_eq!(found, [text("new"), text("old"), Ok(None), unreadable(), unreadable()]);
    }
}
