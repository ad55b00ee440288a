//! A new epoch of the feed: what a restored backup begins, so that nobody takes it for the feed it once was.

use std::collections::BTreeMap;

use super::engine::{Engine, EngineError};
use super::{
    FORMER_EPOCHS_MAX, FeedLink, FormerEpoch, LinkError, PAGE_MAX_RECORDS, Positions, Record, StoreError, Table, meta,
};

/// Begins `epoch` in a store that nobody has open, in one write: kept entries are numbered and chained anew, in their order,
/// and the epoch that ends is remembered as one that the new one follows. Gives it.
///
/// # Errors
///
/// [`StoreError`]; the store is then as it was.
pub(super) fn begin(engine: &dyn Engine, link: &dyn FeedLink, epoch: &str) -> Result<FormerEpoch, StoreError> {
    meta::require_epoch(epoch)?;
    let Some(meta) = meta::existing(engine, link)? else { return Err(damaged("there is no store here".to_owned())) };
    if meta.epoch == epoch || meta.former.iter().any(|former| former.epoch == epoch) {
        return Err(damaged(format!("epoch `{epoch}` was there before")));
    }
    let ended = FormerEpoch { epoch: meta.epoch, feed_to: meta.positions.feed_to, feed_head: meta.positions.feed_head };
    let origin = link.origin(epoch);
    let mut positions = Positions {
        feed_to: 0,
        feed_head: origin,
        feed_base: 0,
        feed_base_head: origin,
        log_size: meta.positions.log_size,
    };
    let mut changes = BTreeMap::new();
    let mut after = None;
    loop {
        let page =
            engine.scan(&Table::FEED.engine_key(&[]), after.as_deref(), PAGE_MAX_RECORDS).map_err(unavailable)?;
        let Some((last, _)) = page.last() else { break };
        after = Some(last.clone());
        for (key, sealed) in page {
            let record = Record::unseal(Table::FEED, &sealed)?;
            let seq = positions.feed_to.saturating_add(1);
            let body = link.body(&record.value).map_err(|error| unlinkable(&error))?;
            let linked = link.link(seq, &positions.feed_head, &body).map_err(|error| unlinkable(&error))?;
            (positions.feed_to, positions.feed_head) = (seq, linked.head);
            // numbers only get smaller: a key written before is never taken away again
            changes.entry(key).or_insert(None);
            let sealed = Record::seal(record.version, record.leaf, &linked.stored);
            changes.insert(Table::FEED.engine_key(&seq.to_be_bytes()), Some(sealed));
        }
    }
    let mut former = vec![ended.clone()];
    former.extend(meta.former);
    former.truncate(FORMER_EPOCHS_MAX);
    let begun = meta::Meta { epoch: epoch.to_owned(), former, positions };
    let changes: Vec<_> = changes.into_iter().chain(meta::write(&begun)).collect();
    engine.write(&changes).map_err(unavailable)?;
    Ok(ended)
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
