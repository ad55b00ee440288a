//! The store's own facts: its format, the feed's epochs, and how far log and feed have come.

use super::engine::{Bytes, Change, Engine, EngineError};
use super::{FORMER_EPOCHS_MAX, FeedLink, FormerEpoch, Positions, StoreError, Table};

/// The store format this version writes and the newest it reads. An older program refuses a newer store by this number;
/// a newer one migrates.
pub const STORE_FORMAT: u32 = 3;
/// The format before leaves could have details: only the number is another.
const FORMAT_OF_BARE_LEAVES: u32 = 2;
/// The format before feed entries could be forgotten.
const FORMAT_OF_WHOLE_FEEDS: u32 = 1;

/// The longest epoch id, in bytes: room for any usual random id, and it is part of every feed message.
pub const EPOCH_MAX_BYTES: usize = 64;

// These three are no records: their layout must be readable before the format is known.
const FORMAT_KEY: &[u8] = b"format";
const EPOCH_KEY: &[u8] = b"epoch";
const POSITIONS_KEY: &[u8] = b"positions";
const FORMER_KEY: &[u8] = b"former";

/// What a store says about itself when opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Meta {
    pub(super) epoch: String,
    pub(super) former: Vec<FormerEpoch>,
    pub(super) positions: Positions,
}

/// Reads the facts of an existing store, or writes those of a new one with `new_epoch`.
pub(super) fn open(engine: &dyn Engine, link: &dyn FeedLink, new_epoch: &str) -> Result<Meta, StoreError> {
    match existing(engine, link)? {
        Some(meta) => Ok(meta),
        None if engine.scan(&[], None, 1).map_err(unavailable)?.is_empty() => create(engine, link, new_epoch),
        None => Err(damaged("it holds data but no format")),
    }
}

/// Reads the facts of the store, if there is one. One of an older format is brought to this one first.
pub(super) fn existing(engine: &dyn Engine, link: &dyn FeedLink) -> Result<Option<Meta>, StoreError> {
    let Some(bytes) = fact(engine, FORMAT_KEY)? else { return Ok(None) };
    let format = <[u8; 4]>::try_from(bytes).map_err(|_| damaged("its format is not a number"))?;
    load(engine, link, u32::from_be_bytes(format)).map(Some)
}

/// The change that keeps `positions`.
pub(super) fn keep(positions: &Positions) -> Change {
    let mut bytes = Vec::with_capacity(88);
    bytes.extend_from_slice(&positions.log_size.to_be_bytes());
    bytes.extend_from_slice(&positions.feed_to.to_be_bytes());
    bytes.extend_from_slice(&positions.feed_head);
    bytes.extend_from_slice(&positions.feed_base.to_be_bytes());
    bytes.extend_from_slice(&positions.feed_base_head);
    (Table::META.engine_key(POSITIONS_KEY), Some(bytes.into()))
}

/// The changes that make `meta` the store's.
pub(super) fn write(meta: &Meta) -> Vec<Change> {
    let mut former = Vec::new();
    for FormerEpoch { epoch, feed_to, feed_head } in &meta.former {
        // INVARIANT: epochs are 1 to EPOCH_MAX_BYTES long
        former.push(u8::try_from(epoch.len()).unwrap_or(u8::MAX));
        former.extend_from_slice(epoch.as_bytes());
        former.extend_from_slice(&feed_to.to_be_bytes());
        former.extend_from_slice(feed_head);
    }
    vec![
        (Table::META.engine_key(FORMAT_KEY), Some(Bytes::from(&STORE_FORMAT.to_be_bytes()))),
        (Table::META.engine_key(EPOCH_KEY), Some(meta.epoch.as_str().into())),
        (Table::META.engine_key(FORMER_KEY), Some(former.into())),
        keep(&meta.positions),
    ]
}

/// Refuses what cannot be the id of an epoch.
pub(super) fn require_epoch(epoch: &str) -> Result<(), StoreError> {
    let length_is_right = (1..=EPOCH_MAX_BYTES).contains(&epoch.len());
    if length_is_right && epoch.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(())
    } else {
        Err(StoreError::Epoch { limit: EPOCH_MAX_BYTES })
    }
}

fn load(engine: &dyn Engine, link: &dyn FeedLink, format: u32) -> Result<Meta, StoreError> {
    if format > STORE_FORMAT {
        return Err(StoreError::NewerFormat { found: format, known: STORE_FORMAT });
    }
    let epoch = fact(engine, EPOCH_KEY)?.and_then(|bytes| String::from_utf8(bytes).ok());
    let epoch = epoch.ok_or_else(|| damaged("its epoch is missing"))?;
    let positions = fact(engine, POSITIONS_KEY)?;
    match format {
        STORE_FORMAT | FORMAT_OF_BARE_LEAVES => {
            let positions = positions.and_then(|bytes| parse_positions(&bytes));
            let former = fact(engine, FORMER_KEY)?.and_then(|bytes| parse_former(&bytes));
            let meta = Meta {
                epoch,
                former: former.ok_or_else(|| damaged("its earlier epochs are missing"))?,
                positions: positions.ok_or_else(|| damaged("its positions are missing"))?,
            };
            if format != STORE_FORMAT {
                engine.write(write(&meta)).map_err(unavailable)?;
            }
            Ok(meta)
        }
        FORMAT_OF_WHOLE_FEEDS => {
            let origin = link.origin(&epoch);
            let positions = positions.and_then(|bytes| {
                let whole = [&bytes[..], &0_u64.to_be_bytes()[..], &origin[..]].concat();
                parse_positions(&whole)
            });
            let positions = positions.ok_or_else(|| damaged("its positions are missing"))?;
            let meta = Meta { epoch, former: Vec::new(), positions };
            engine.write(write(&meta)).map_err(unavailable)?;
            Ok(meta)
        }
        _ => Err(damaged(&format!("format `{format}` never existed"))),
    }
}

fn create(engine: &dyn Engine, link: &dyn FeedLink, epoch: &str) -> Result<Meta, StoreError> {
    require_epoch(epoch)?;
    let origin = link.origin(epoch);
    let positions = Positions { log_size: 0, feed_to: 0, feed_head: origin, feed_base: 0, feed_base_head: origin };
    let meta = Meta { epoch: epoch.to_owned(), former: Vec::new(), positions };
    engine.write(write(&meta)).map_err(unavailable)?;
    Ok(meta)
}

fn parse_positions(bytes: &[u8]) -> Option<Positions> {
    let (log_size, rest) = bytes.split_first_chunk::<8>()?;
    let (feed_to, rest) = rest.split_first_chunk::<8>()?;
    let (feed_head, rest) = rest.split_first_chunk::<32>()?;
    let (feed_base, base_head) = rest.split_first_chunk::<8>()?;
    Some(Positions {
        log_size: u64::from_be_bytes(*log_size),
        feed_to: u64::from_be_bytes(*feed_to),
        feed_head: *feed_head,
        feed_base: u64::from_be_bytes(*feed_base),
        feed_base_head: base_head.try_into().ok()?,
    })
}

fn parse_former(mut bytes: &[u8]) -> Option<Vec<FormerEpoch>> {
    let mut former = Vec::new();
    while let Some((length, rest)) = bytes.split_first() {
        let (epoch, rest) = rest.split_at_checked(usize::from(*length))?;
        let (feed_to, rest) = rest.split_first_chunk::<8>()?;
        let (feed_head, rest) = rest.split_first_chunk::<32>()?;
        let epoch = String::from_utf8(epoch.to_vec()).ok()?;
        former.push(FormerEpoch { epoch, feed_to: u64::from_be_bytes(*feed_to), feed_head: *feed_head });
        bytes = rest;
    }
    (former.len() <= FORMER_EPOCHS_MAX).then_some(former)
}

fn fact(engine: &dyn Engine, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
    let found = engine.read(&Table::META.engine_key(key)).map_err(unavailable)?;
    Ok(found.map(|bytes| bytes.to_vec()))
}

fn unavailable(error: EngineError) -> StoreError {
    StoreError::Unavailable { reason: error.0 }
}

fn damaged(what: &str) -> StoreError {
    StoreError::Corrupt { what: what.to_owned() }
}
