//! A group of batches on its way to one durable write: who is admitted, and what is written.

use std::collections::BTreeMap;

use super::engine::{Change, Engine, EngineError};
use super::{
    Batch, CommitError, Committed, FeedLink, LinkError, MAX_VALUE_BYTES, Positions, Record, StoreError, Table, meta,
};

/// Why a batch was not admitted.
#[derive(Debug)]
pub(super) enum Refused {
    /// The batch's own trouble: the rest of the group goes on.
    Batch(CommitError),
    /// The engine's: nothing goes on.
    Engine(EngineError),
}

/// One engine key the group writes.
#[derive(Debug)]
struct Slot {
    before: Option<Vec<u8>>,
    after: Option<Vec<u8>>,
}

/// The admitted batches so far, as one set of changes upon the engine.
///
/// INVARIANT: a refused batch leaves no trace here, so admitted ones are numbered densely.
#[derive(Debug)]
pub(super) struct Group {
    slots: BTreeMap<Vec<u8>, Slot>,
    positions: Positions,
}

impl Group {
    /// An empty group behind `positions`.
    pub(super) const fn new(positions: Positions) -> Self {
        Self { slots: BTreeMap::new(), positions }
    }

    pub(super) const fn positions(&self) -> &Positions {
        &self.positions
    }

    pub(super) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// What readers must go on seeing under the keys this group writes, until it is durable.
    pub(super) fn before(&self) -> BTreeMap<Vec<u8>, Option<Vec<u8>>> {
        self.slots.iter().map(|(key, slot)| (key.clone(), slot.before.clone())).collect()
    }

    /// Everything to write, the new positions included.
    pub(super) fn changes(self) -> Vec<Change> {
        let kept = meta::keep(&self.positions);
        self.slots.into_iter().map(|(key, slot)| (key, slot.after)).chain([kept]).collect()
    }

    /// Checks a batch against the engine and the batches admitted before it, and takes it in if all is as it expects.
    pub(super) fn admit(
        &mut self,
        batch: &Batch,
        engine: &dyn Engine,
        link: &dyn FeedLink,
    ) -> Result<Committed, Refused> {
        for check in &batch.checks {
            let found = self.version(engine, check.table, &check.key)?;
            if !check.expected.is_met_by(found) {
                let (table, key, expected) = (check.table, check.key.clone(), check.expected);
                return Err(Refused::Batch(CommitError::Conflict { table, key, expected, found }));
            }
        }
        let leaf = batch.leaf.as_ref().map(|_| self.positions.log_size);
        let mut staged = self.stage_records(batch, leaf, engine)?;
        let positions = stage_sequences(&mut staged, batch, leaf, self.positions, link).map_err(Refused::Batch)?;
        let positions = stage_forgotten(&mut staged, batch, positions).map_err(Refused::Batch)?;
        self.take(staged, engine)?;
        self.positions = positions;
        Ok(Committed { leaf, feed_to: positions.feed_to })
    }

    fn stage_records(&self, batch: &Batch, leaf: Option<u64>, engine: &dyn Engine) -> Result<Vec<Change>, Refused> {
        let stage = |((table, key), value): (&(Table, Vec<u8>), &Option<Vec<u8>>)| {
            let sealed = match value {
                None => None,
                Some(value) => {
                    let version = self.version(engine, *table, key)?.map_or(1, |old| old.saturating_add(1));
                    Some(Record::seal(version, leaf, value))
                }
            };
            Ok((table.engine_key(key), sealed))
        };
        batch.writes.iter().map(stage).collect()
    }

    fn take(&mut self, staged: Vec<Change>, engine: &dyn Engine) -> Result<(), Refused> {
        let mut befores = Vec::with_capacity(staged.len());
        for (key, _) in &staged {
            befores.push(match self.slots.get_mut(key) {
                Some(slot) => slot.before.take(),
                None => engine.read(key).map_err(Refused::Engine)?,
            });
        }
        for ((key, after), before) in staged.into_iter().zip(befores) {
            self.slots.insert(key, Slot { before, after });
        }
        Ok(())
    }

    fn version(&self, engine: &dyn Engine, table: Table, key: &[u8]) -> Result<Option<u64>, Refused> {
        let full = table.engine_key(key);
        let read;
        let bytes = match self.slots.get(&full) {
            Some(slot) => slot.after.as_deref(),
            None => {
                read = engine.read(&full).map_err(Refused::Engine)?;
                read.as_deref()
            }
        };
        let unseal = |bytes| Record::unseal(table, bytes).map(|record| record.version);
        bytes.map(unseal).transpose().map_err(|error| Refused::Batch(CommitError::Store(error)))
    }
}

/// Adds leaf and feed entries under their numbers and gives the positions behind them.
fn stage_sequences(
    staged: &mut Vec<Change>,
    batch: &Batch,
    leaf: Option<u64>,
    mut positions: Positions,
    link: &dyn FeedLink,
) -> Result<Positions, CommitError> {
    if let (Some(index), Some(bytes)) = (leaf, &batch.leaf) {
        staged.push((Table::LOG.engine_key(&index.to_be_bytes()), Some(Record::seal(1, leaf, bytes))));
        positions.log_size = next(index)?;
    }
    for body in &batch.feed {
        let seq = next(positions.feed_to)?;
        let linked = link.link(seq, &positions.feed_head, body).map_err(CommitError::Link)?;
        if linked.stored.len() > MAX_VALUE_BYTES {
            let text =
                format!("a linked entry has `{}` bytes, and `{MAX_VALUE_BYTES}` is the most", linked.stored.len());
            return Err(CommitError::Link(LinkError::new(text)));
        }
        staged.push((Table::FEED.engine_key(&seq.to_be_bytes()), Some(Record::seal(1, leaf, &linked.stored))));
        positions.feed_to = seq;
        positions.feed_head = linked.head;
    }
    Ok(positions)
}

/// Takes forgotten feed entries away. What would leave a hole behind the base is refused.
fn stage_forgotten(staged: &mut Vec<Change>, batch: &Batch, positions: Positions) -> Result<Positions, CommitError> {
    let Some(forgotten) = &batch.forgotten else { return Ok(positions) };
    let is_ahead = (positions.feed_base..=positions.feed_to).contains(&forgotten.base);
    if !is_ahead || forgotten.entries.iter().any(|seq| *seq > forgotten.base) {
        return Err(CommitError::Link(LinkError::new("what is forgotten of the feed lies before its base")));
    }
    staged.extend(forgotten.entries.iter().map(|seq| (Table::FEED.engine_key(&seq.to_be_bytes()), None)));
    Ok(Positions { feed_base: forgotten.base, feed_base_head: forgotten.base_head, ..positions })
}

fn next(number: u64) -> Result<u64, CommitError> {
    let spent = || StoreError::Corrupt { what: "a sequence has reached its last number".to_owned() };
    number.checked_add(1).ok_or_else(|| spent().into())
}
