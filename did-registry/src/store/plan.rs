//! A group of batches on its way to one durable write: who is admitted, and what is written.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

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

/// What keys held before a group, or that they held nothing.
pub(super) type Before = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// One engine key that the group has looked at.
#[derive(Debug)]
struct Slot {
    /// What the engine holds.
    before: Option<Vec<u8>>,
    /// What the group puts there, or that it deletes it; none where it only looked.
    after: Option<Option<Vec<u8>>>,
}

impl Slot {
    /// What the next batch of the group finds.
    fn now(&self) -> Option<&[u8]> {
        self.after.as_ref().unwrap_or(&self.before).as_deref()
    }
}

/// The admitted batches so far, as one set of changes upon the engine. The engine is asked for each key once.
///
/// INVARIANT: a refused batch writes nothing here, so admitted ones are numbered densely.
#[derive(Debug)]
pub(super) struct Group {
    slots: BTreeMap<Vec<u8>, Slot>,
    positions: Positions,
    writes: bool,
}

impl Group {
    /// An empty group behind `positions`.
    pub(super) const fn new(positions: Positions) -> Self {
        Self { slots: BTreeMap::new(), positions, writes: false }
    }

    pub(super) const fn positions(&self) -> &Positions {
        &self.positions
    }

    pub(super) const fn is_empty(&self) -> bool {
        !self.writes
    }

    /// What readers must go on seeing under the keys this group writes, until it is durable; and everything to write, the
    /// new positions included.
    pub(super) fn split(self) -> (Before, Vec<Change>) {
        let kept = meta::keep(&self.positions);
        let (mut before, mut changes) = (Before::new(), Vec::with_capacity(self.slots.len() + 1));
        for (key, slot) in self.slots {
            if let Some(after) = slot.after {
                before.insert(key.clone(), slot.before);
                changes.push((key, after));
            }
        }
        changes.push(kept);
        (before, changes)
    }

    /// Checks a batch against the engine and the batches admitted before it, and takes it in if all is as it expects.
    pub(super) fn admit(
        &mut self,
        batch: &Batch,
        engine: &dyn Engine,
        link: &dyn FeedLink,
    ) -> Result<Committed, Refused> {
        for check in &batch.checks {
            let found = self.version(engine, check.table, check.table.engine_key(&check.key))?;
            if !check.expected.is_met_by(found) {
                let (table, key, expected) = (check.table, check.key.clone(), check.expected);
                return Err(Refused::Batch(CommitError::Conflict { table, key, expected, found }));
            }
        }
        let leaf = batch.leaf.as_ref().map(|_| self.positions.log_size);
        let mut staged = self.stage_records(batch, leaf, engine)?;
        let mut numbered = Vec::with_capacity(batch.feed.len() + 1);
        let positions = stage_sequences(&mut numbered, batch, leaf, self.positions, link).map_err(Refused::Batch)?;
        let mut forgotten = Vec::new();
        let positions = stage_forgotten(&mut forgotten, batch, positions).map_err(Refused::Batch)?;
        // nothing is refused behind this point; each number is given out once, so nothing is under it yet
        for (key, after) in numbered {
            self.slots.insert(key, Slot { before: None, after: Some(after) });
            self.writes = true;
        }
        for (key, _) in &forgotten {
            self.look(engine, key.clone()).map_err(Refused::Engine)?;
        }
        staged.append(&mut forgotten);
        for (key, after) in staged {
            // INVARIANT: each key was looked at, those of records when they were staged
            if let Some(slot) = self.slots.get_mut(&key) {
                slot.after = Some(after);
                self.writes = true;
            }
        }
        self.positions = positions;
        Ok(Committed { leaf, feed_to: positions.feed_to })
    }

    fn stage_records(&mut self, batch: &Batch, leaf: Option<u64>, engine: &dyn Engine) -> Result<Vec<Change>, Refused> {
        let mut staged = Vec::with_capacity(batch.writes.len());
        for ((table, key), value) in &batch.writes {
            let key = table.engine_key(key);
            let sealed = match value {
                None => {
                    self.look(engine, key.clone()).map_err(Refused::Engine)?;
                    None
                }
                Some(value) => {
                    let version = self.version(engine, *table, key.clone())?.map_or(1, |old| old.saturating_add(1));
                    Some(Record::seal(version, leaf, value))
                }
            };
            staged.push((key, sealed));
        }
        Ok(staged)
    }

    fn version(&mut self, engine: &dyn Engine, table: Table, key: Vec<u8>) -> Result<Option<u64>, Refused> {
        let found = self.look(engine, key).map_err(Refused::Engine)?;
        let version = found.map(|bytes| Record::version_of(table, bytes)).transpose();
        version.map_err(|error| Refused::Batch(CommitError::Store(error)))
    }

    /// What is under an engine key, as the next batch of the group finds it.
    fn look(&mut self, engine: &dyn Engine, key: Vec<u8>) -> Result<Option<&[u8]>, EngineError> {
        let slot = match self.slots.entry(key) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => {
                let before = engine.read(unknown.key())?;
                unknown.insert(Slot { before, after: None })
            }
        };
        Ok(slot.now())
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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed set-up should stop the test")]
mod tests {
    use super::super::engine::Pairs;
    use super::super::{BatchError, Linked};
    use super::*;

    const THINGS: Table = Table::new(16, "things");

    /// An engine that holds nothing, and that nobody asks for a number that was not given out.
    struct Empty;

    impl Engine for Empty {
        fn read(&self, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError> {
            match key {
                [16, ..] => Ok(None),
                _ => Err(EngineError(format!("asked for {key:?}"))),
            }
        }

        fn scan(&self, _: &[u8], _: Option<&[u8]>, _: usize) -> Result<Pairs, EngineError> {
            Ok(Vec::new())
        }

        fn write(&self, _: &[Change]) -> Result<(), EngineError> {
            Ok(())
        }
    }

    struct Plain;

    impl FeedLink for Plain {
        fn origin(&self, _: &str) -> [u8; 32] {
            [0; 32]
        }

        fn link(&self, _: u64, head: &[u8; 32], body: &[u8]) -> Result<Linked, LinkError> {
            Ok(Linked { head: *head, stored: body.to_vec() })
        }

        fn body(&self, stored: &[u8]) -> Result<Vec<u8>, LinkError> {
            Ok(stored.to_vec())
        }
    }

    fn batch(fill: impl FnOnce(&mut Batch) -> Result<&mut Batch, BatchError>) -> Batch {
        let mut batch = Batch::new();
        fill(&mut batch).unwrap();
        batch
    }

    /// A refused batch leaves no number behind, and readers see nothing under a number before it is durable.
    #[test]
    fn numbers_are_dense_and_begin_with_nothing() {
        let start = Positions { log_size: 0, feed_to: 0, feed_head: [0; 32], feed_base: 0, feed_base_head: [0; 32] };
        let mut group = Group::new(start);
        let refused = batch(|b| b.expect_version(THINGS, b"a", 1)?.leaf(b"l")?.feed(b"f"));
        assert!(matches!(group.admit(&refused, &Empty, &Plain), Err(Refused::Batch(CommitError::Conflict { .. }))));
        assert!(group.is_empty());
        for number in 0..2 {
            let numbered = batch(|b| b.put(THINGS, b"a", b"v")?.leaf(b"l")?.feed(b"f"));
            let committed = group.admit(&numbered, &Empty, &Plain).unwrap();
            assert_eq!(committed, Committed { leaf: Some(number), feed_to: number + 1 });
        }
        // what a batch forgets may be its own
        let forgets = batch(|b| b.feed(b"f")?.forget_feed(&[2, 3], 3, [0; 32]));
        let seq = |number: u64| Table::FEED.engine_key(&number.to_be_bytes());
        assert_eq!(group.admit(&forgets, &Empty, &Plain).unwrap().feed_to, 3);
        let (before, changes) = group.split();
        let leaf = Table::LOG.engine_key(&1_u64.to_be_bytes());
        assert!([leaf, seq(1), seq(2), THINGS.engine_key(b"a")].iter().all(|key| before.get(key) == Some(&None)));
        let kept = |key: Vec<u8>| changes.iter().find(|(changed, _)| *changed == key).unwrap().1.is_some();
        assert_eq!([1, 2, 3].map(|number| kept(seq(number))), [true, false, false]);
    }
}
