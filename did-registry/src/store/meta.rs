//! The store's own facts: its format, the feed's epoch, and how far log and feed have come.

use super::engine::{Change, Engine, EngineError};
use super::{FeedLink, Positions, StoreError, Table};

/// The store format this version writes and the newest it reads. An older program refuses a newer store by this number;
/// a newer one migrates.
pub const STORE_FORMAT: u32 = 1;

/// The longest epoch id, in bytes: room for any usual random id, and it is part of every feed message.
pub const EPOCH_MAX_BYTES: usize = 64;

// These three are no records: their layout must be readable before the format is known.
const FORMAT_KEY: &[u8] = b"format";
const EPOCH_KEY: &[u8] = b"epoch";
const POSITIONS_KEY: &[u8] = b"positions";

/// What a store says about itself when opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Meta {
    pub(super) epoch: String,
    pub(super) positions: Positions,
}

/// Reads the facts of an existing store, or writes those of a new one with `new_epoch`.
pub(super) fn open(engine: &dyn Engine, link: &dyn FeedLink, new_epoch: &str) -> Result<Meta, StoreError> {
    match fact(engine, FORMAT_KEY)? {
        Some(bytes) => {
            let format = <[u8; 4]>::try_from(bytes).map_err(|_| damaged("its format is not a number"))?;
            load(engine, u32::from_be_bytes(format))
        }
        None if engine.scan(&[], None, 1).map_err(unavailable)?.is_empty() => create(engine, link, new_epoch),
        None => Err(damaged("it holds data but no format")),
    }
}

/// The change that keeps `positions`.
pub(super) fn keep(positions: &Positions) -> Change {
    let mut bytes = Vec::with_capacity(48);
    bytes.extend_from_slice(&positions.log_size.to_be_bytes());
    bytes.extend_from_slice(&positions.feed_to.to_be_bytes());
    bytes.extend_from_slice(&positions.feed_head);
    (Table::META.engine_key(POSITIONS_KEY), Some(bytes))
}

fn load(engine: &dyn Engine, format: u32) -> Result<Meta, StoreError> {
    if format > STORE_FORMAT {
        return Err(StoreError::NewerFormat { found: format, known: STORE_FORMAT });
    }
    if format != STORE_FORMAT {
        return Err(damaged(&format!("format `{format}` never existed")));
    }
    let epoch = fact(engine, EPOCH_KEY)?.and_then(|bytes| String::from_utf8(bytes).ok());
    let positions = fact(engine, POSITIONS_KEY)?.and_then(|bytes| parse_positions(&bytes));
    Ok(Meta {
        epoch: epoch.ok_or_else(|| damaged("its epoch is missing"))?,
        positions: positions.ok_or_else(|| damaged("its positions are missing"))?,
    })
}

fn create(engine: &dyn Engine, link: &dyn FeedLink, epoch: &str) -> Result<Meta, StoreError> {
    let length_is_right = (1..=EPOCH_MAX_BYTES).contains(&epoch.len());
    if !length_is_right || !epoch.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(StoreError::Epoch { limit: EPOCH_MAX_BYTES });
    }
    let positions = Positions { log_size: 0, feed_to: 0, feed_head: link.origin(epoch) };
    let facts = [
        (Table::META.engine_key(FORMAT_KEY), Some(STORE_FORMAT.to_be_bytes().to_vec())),
        (Table::META.engine_key(EPOCH_KEY), Some(epoch.as_bytes().to_vec())),
        keep(&positions),
    ];
    engine.write(&facts).map_err(unavailable)?;
    Ok(Meta { epoch: epoch.to_owned(), positions })
}

fn parse_positions(bytes: &[u8]) -> Option<Positions> {
    let (log_size, rest) = bytes.split_first_chunk::<8>()?;
    let (feed_to, head) = rest.split_first_chunk::<8>()?;
    Some(Positions {
        log_size: u64::from_be_bytes(*log_size),
        feed_to: u64::from_be_bytes(*feed_to),
        feed_head: head.try_into().ok()?,
    })
}

fn fact(engine: &dyn Engine, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
    engine.read(&Table::META.engine_key(key)).map_err(unavailable)
}

fn unavailable(error: EngineError) -> StoreError {
    StoreError::Unavailable { reason: error.0 }
}

fn damaged(what: &str) -> StoreError {
    StoreError::Corrupt { what: what.to_owned() }
}
