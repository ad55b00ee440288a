//! A group of batches on its way to one durable write: who is admitted, and what is written.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::batch::DetailedLeaf;
use super::engine::{Bytes, Change, Engine, EngineError};
use super::{
    Batch, CommitError, Committed, FeedLink, LinkError, MAX_VALUE_BYTES, Positions, Record, StoreError, Table, meta,
};

/// Keys of one batch, as most have: room is made for so many at first.
const USUAL_KEYS: usize = 8;

/// Why a batch was not admitted.
#[derive(Debug)]
pub(super) enum Refused {
    /// The batch's own trouble: the rest of the group goes on.
    Batch(CommitError),
    /// The engine's: nothing goes on.
    Engine(EngineError),
}

/// What keys held before a group, or that they held nothing: all that it writes, and what it only looked at.
#[derive(Debug, Default)]
pub(super) struct Before {
    places: HashMap<Bytes, usize>,
    slots: Vec<Slot>,
}

impl Before {
    /// What `key` held, if the group has to do with it.
    pub(super) fn held(&self, key: &[u8]) -> Option<Option<&Bytes>> {
        let slot = self.slots.get(*self.places.get(key)?)?;
        Some(slot.before.as_ref())
    }

    /// All of them, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Bytes, Option<&Bytes>)> {
        self.places.iter().filter_map(|(key, place)| Some((key, self.slots.get(*place)?.before.as_ref())))
    }
}

/// One engine key that the group has looked at.
#[derive(Debug)]
struct Slot {
    /// What the engine holds.
    before: Option<Bytes>,
    /// What the group puts there, or that it deletes it; none where it only looked.
    after: Option<Option<Bytes>>,
}

impl Slot {
    /// What the next batch of the group finds.
    fn now(&self) -> Option<&Bytes> {
        self.after.as_ref().unwrap_or(&self.before).as_ref()
    }
}

/// A slot's place, and what to put there.
type Staged = (usize, Option<Bytes>);

/// The admitted batches so far, as one set of changes upon the engine. The engine is asked for each key once.
///
/// INVARIANT: a refused batch writes nothing here, so admitted ones are numbered densely.
#[derive(Debug)]
pub(super) struct Group {
    places: HashMap<Bytes, usize>,
    slots: Vec<Slot>,
    positions: Positions,
    writes: bool,
    /// For putting envelopes together.
    room: Vec<u8>,
}

impl Group {
    /// An empty group behind `positions`, with room for what so many batches have usually.
    pub(super) fn new(positions: Positions, batches: usize) -> Self {
        let keys = batches.saturating_mul(USUAL_KEYS);
        let (places, slots) = (HashMap::with_capacity(keys), Vec::with_capacity(keys));
        Self { places, slots, positions, writes: false, room: Vec::new() }
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
        let Self { places, mut slots, positions, .. } = self;
        let mut changes = Vec::with_capacity(slots.len() + 1);
        for (key, place) in &places {
            if let Some(after) = slots.get_mut(*place).and_then(|slot| slot.after.take()) {
                changes.push((key.clone(), after));
            }
        }
        changes.push(meta::keep(&positions));
        (Before { places, slots }, changes)
    }

    /// Checks a batch against the engine and the batches admitted before it, and takes it in if all is as it expects.
    pub(super) fn admit(
        &mut self,
        batch: &Batch,
        engine: &dyn Engine,
        link: &dyn FeedLink,
    ) -> Result<Committed, Refused> {
        for check in &batch.checks {
            let (_, found) = self.version(engine, check.table, &check.key)?;
            if !check.expected.is_met_by(found) {
                let key = check.key.get(1..).unwrap_or_default().to_vec();
                let (table, expected) = (check.table, check.expected);
                return Err(Refused::Batch(CommitError::Conflict { table, key, expected, found }));
            }
        }
        let leaf = batch.leaf.as_ref().map(|_| self.positions.log_size);
        let mut staged = self.stage_records(batch, leaf, engine)?;
        self.stage_erased(&mut staged, batch, engine)?;
        let mut numbered = Vec::with_capacity(batch.feed.len() + 1);
        let positions = stage_sequences(&mut numbered, &mut self.room, batch, leaf, self.positions, link);
        let positions = stage_forgotten(batch, positions.map_err(Refused::Batch)?).map_err(Refused::Batch)?;
        // nothing is refused behind this point, but by the engine; each number is given out once, so nothing is under it yet
        for (key, after) in numbered {
            self.places.insert(key, self.slots.len());
            self.slots.push(Slot { before: None, after: Some(Some(after)) });
            self.writes = true;
        }
        for seq in batch.forgotten.iter().flat_map(|forgotten| &forgotten.entries) {
            let place = self.look(engine, &Table::FEED.engine_key(&seq.to_be_bytes())).map_err(Refused::Engine)?;
            staged.push((place, None));
        }
        for (place, after) in staged {
            if let Some(slot) = self.slots.get_mut(place) {
                slot.after = Some(after);
                self.writes = true;
            }
        }
        self.positions = positions;
        Ok(Committed { leaf, feed_to: positions.feed_to })
    }

    fn stage_records(&mut self, batch: &Batch, leaf: Option<u64>, engine: &dyn Engine) -> Result<Vec<Staged>, Refused> {
        let mut staged = Vec::with_capacity(batch.writes.len());
        for (key, write) in &batch.writes {
            staged.push(match &write.value {
                None => (self.look(engine, key).map_err(Refused::Engine)?, None),
                Some(value) => {
                    let (place, old) = self.version(engine, write.table, key)?;
                    let version = old.map_or(1, |old| old.saturating_add(1));
                    (place, Some(Record::seal(&mut self.room, version, leaf, value)))
                }
            });
        }
        Ok(staged)
    }

    /// Stages leaves anew without their details.
    fn stage_erased(&mut self, staged: &mut Vec<Staged>, batch: &Batch, engine: &dyn Engine) -> Result<(), Refused> {
        for index in &batch.erased {
            let place = self.look(engine, &Table::LOG.engine_key(&index.to_be_bytes())).map_err(Refused::Engine)?;
            let Some(bytes) = self.slots.get(place).and_then(Slot::now) else { continue };
            let leaf = Record::unseal(Table::LOG, bytes);
            if let Some(leaf) = leaf.map_err(|error| Refused::Batch(CommitError::Store(error)))? {
                staged.push((place, Some(Record::seal_leaf(&mut self.room, *index, &leaf.value, None))));
            }
        }
        Ok(())
    }

    fn version(&mut self, engine: &dyn Engine, table: Table, key: &Bytes) -> Result<(usize, Option<u64>), Refused> {
        let place = self.look(engine, key).map_err(Refused::Engine)?;
        let found = self.slots.get(place).and_then(Slot::now);
        let version = found.map(|bytes| Record::version_of(table, bytes)).transpose();
        version.map(|version| (place, version)).map_err(|error| Refused::Batch(CommitError::Store(error)))
    }

    /// The place of an engine key. What stands there is what the next batch of the group finds.
    fn look(&mut self, engine: &dyn Engine, key: &Bytes) -> Result<usize, EngineError> {
        match self.places.entry(key.clone()) {
            Entry::Occupied(known) => Ok(*known.get()),
            Entry::Vacant(unknown) => {
                let before = engine.read(key)?;
                self.slots.push(Slot { before, after: None });
                Ok(*unknown.insert(self.slots.len() - 1))
            }
        }
    }
}

/// Adds leaf and feed entries under their numbers and gives the positions behind them.
fn stage_sequences(
    numbered: &mut Vec<(Bytes, Bytes)>,
    room: &mut Vec<u8>,
    batch: &Batch,
    leaf: Option<u64>,
    mut positions: Positions,
    link: &dyn FeedLink,
) -> Result<Positions, CommitError> {
    if let (Some(index), Some(DetailedLeaf { bytes, detail })) = (leaf, &batch.leaf) {
        let sealed = Record::seal_leaf(room, index, bytes, detail.as_deref());
        numbered.push((Table::LOG.engine_key(&index.to_be_bytes()), sealed));
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
        let sealed = Record::seal(room, 1, leaf, &linked.stored);
        numbered.push((Table::FEED.engine_key(&seq.to_be_bytes()), sealed));
        positions.feed_to = seq;
        positions.feed_head = linked.head;
    }
    Ok(positions)
}

/// The positions behind what a batch forgets of the feed. What would leave a hole behind the base is refused.
fn stage_forgotten(batch: &Batch, positions: Positions) -> Result<Positions, CommitError> {
    let Some(forgotten) = &batch.forgotten else { return Ok(positions) };
    let is_ahead = (positions.feed_base..=positions.feed_to).contains(&forgotten.base);
    if !is_ahead || forgotten.entries.iter().any(|seq| *seq > forgotten.base) {
        return Err(CommitError::Link(LinkError::new("what is forgotten of the feed lies before its base")));
    }
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
        fn read(&self, key: &[u8]) -> Result<Option<Bytes>, EngineError> {
            match key {
                [16, ..] => Ok(None),
                _ => Err(EngineError(format!("asked for {key:?}"))),
            }
        }

        fn scan(&self, _: &[u8], _: Option<&[u8]>, _: usize) -> Result<Pairs, EngineError> {
            Ok(Vec::new())
        }

        fn write(&self, _: Vec<Change>) -> Result<(), EngineError> {
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
        let mut group = Group::new(start, 2);
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
        assert!([leaf, seq(1), seq(2), THINGS.engine_key(b"a")].iter().all(|key| before.held(key) == Some(None)));
        let kept = |key: Bytes| changes.iter().find(|(changed, _)| *changed == key).unwrap().1.is_some();
        assert_eq!([1, 2, 3].map(|number| kept(seq(number))), [true, false, false]);
    }
}
