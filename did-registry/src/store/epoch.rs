//! A new epoch of the feed: what a restored backup begins, so that nobody takes it for the feed it once was.

use std::collections::BTreeMap;
use std::fmt;

use super::engine::{Engine, EngineError};
use super::plan::{Group, Refused};
use super::{
    Batch, CommitError, FORMER_EPOCHS_MAX, FeedLink, FormerEpoch, LinkError, PAGE_MAX_RECORDS, Positions, Record,
    StoreError, Table, meta,
};

/// A store between two epochs of its feed, which nothing else has open.
pub struct BetweenEpochs<'a> {
    engine: &'a dyn Engine,
    ended: FormerEpoch,
    epoch: &'a str,
}

impl fmt::Debug for BetweenEpochs<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BetweenEpochs").field("ended", &self.ended).field("epoch", &self.epoch).finish_non_exhaustive()
    }
}

impl BetweenEpochs<'_> {
    /// The epoch that ends.
    #[must_use]
    pub const fn ended(&self) -> &FormerEpoch {
        &self.ended
    }

    /// The id of the one that begins.
    #[must_use]
    pub const fn epoch(&self) -> &str {
        self.epoch
    }

    /// The record under `key`.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; "no record" is not an error.
    pub fn get(&self, table: Table, key: &[u8]) -> Result<Option<Record>, StoreError> {
        let sealed = self.engine.read(&table.engine_key(key)).map_err(unavailable)?;
        sealed.map_or(Ok(None), |bytes| Record::unseal(table, &bytes))
    }
}

/// Begins `epoch` in a store that nobody has open, in one write: kept entries are numbered and chained anew, in their order,
/// and the epoch that ends is remembered as one that the new one follows. What `act` makes of it is written with it, its log entry
/// above all.
///
/// # Errors
///
/// [`StoreError`], or what `act` says; the store is then as it was.
pub(super) fn begin<E: From<StoreError>>(
    engine: &dyn Engine,
    link: &dyn FeedLink,
    epoch: &str,
    act: impl FnOnce(&BetweenEpochs<'_>) -> Result<Batch, E>,
) -> Result<FormerEpoch, E> {
    meta::require_epoch(epoch)?;
    let Some(meta) = meta::existing(engine, link)? else {
        return Err(damaged("there is no store here".to_owned()).into());
    };
    if meta.epoch == epoch || meta.former.iter().any(|former| former.epoch == epoch) {
        return Err(damaged(format!("epoch `{epoch}` was there before")).into());
    }
    let ended =
        FormerEpoch { epoch: meta.epoch.clone(), feed_to: meta.positions.feed_to, feed_head: meta.positions.feed_head };
    let batch = act(&BetweenEpochs { engine, ended: ended.clone(), epoch })?;
    begin_with(engine, link, epoch, meta, &ended, &batch)?;
    Ok(ended)
}

fn begin_with(
    engine: &dyn Engine,
    link: &dyn FeedLink,
    epoch: &str,
    meta: meta::Meta,
    ended: &FormerEpoch,
    batch: &Batch,
) -> Result<(), StoreError> {
    let origin = link.origin(epoch);
    let mut positions = Positions {
        feed_to: 0,
        feed_head: origin,
        feed_base: 0,
        feed_base_head: origin,
        log_size: meta.positions.log_size,
    };
    let mut changes = BTreeMap::new();
    let mut room = Vec::new();
    let mut after = None;
    loop {
        let page =
            engine.scan(&Table::FEED.engine_key(&[]), after.as_deref(), PAGE_MAX_RECORDS).map_err(unavailable)?;
        let Some((last, _)) = page.last() else { break };
        after = Some(last.clone());
        for (key, sealed) in page {
            let Some(record) = Record::unseal(Table::FEED, &sealed)? else { continue };
            let seq = positions.feed_to.saturating_add(1);
            let body = link.body(&record.value).map_err(|error| unlinkable(&error))?;
            let linked = link.link(seq, &positions.feed_head, &body).map_err(|error| unlinkable(&error))?;
            (positions.feed_to, positions.feed_head) = (seq, linked.head);
            // numbers only get smaller: a key written before is never taken away again
            changes.entry(key).or_insert(None);
            let sealed = Record::seal(&mut room, record.version, record.leaf, &linked.stored);
            changes.insert(Table::FEED.engine_key(&seq.to_be_bytes()), Some(sealed));
        }
    }
    let mut group = Group::new(positions, 1);
    group.admit(batch, engine, link).map_err(refused)?;
    let positions = *group.positions();
    let mut former = vec![ended.clone()];
    former.extend(meta.former);
    former.truncate(FORMER_EPOCHS_MAX);
    let begun = meta::Meta { epoch: epoch.to_owned(), former, positions };
    let (_, admitted) = group.split();
    let changes = changes.into_iter().chain(admitted).chain(meta::write(&begun)).collect();
    engine.write(changes).map_err(unavailable)
}

fn refused(refused: Refused) -> StoreError {
    match refused {
        Refused::Engine(error) => unavailable(error),
        Refused::Batch(CommitError::Store(error)) => error,
        Refused::Batch(error) => damaged(error.to_string()),
    }
}

fn unlinkable(error: &LinkError) -> StoreError {
    damaged(format!("a feed entry cannot be read: {error}"))
}

fn unavailable(error: EngineError) -> StoreError {
    StoreError::Unavailable { reason: error.0 }
}

fn damaged(what: String) -> StoreError {
    StoreError::Corrupt { what }
}
