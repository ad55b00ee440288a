//! What the embedded store needs of an engine below it: ordered bytes, and one durable atomic write.

use std::fmt;

/// Bytes as sled has them, so that none are copied on their way to it and back: up to 22 stand in place, more are counted and
/// shared.
pub(super) type Bytes = sled::IVec;

/// One change: the value to put under a key, or `None` to delete it.
pub(super) type Change = (Bytes, Option<Bytes>);

/// Keys with their values, in order.
pub(super) type Pairs = Vec<(Bytes, Bytes)>;

/// Ordered bytes on one machine. Called by one writer and any number of readers.
pub(super) trait Engine: Send + Sync {
    /// The value under `key`.
    fn read(&self, key: &[u8]) -> Result<Option<Bytes>, EngineError>;

    /// The first `limit` pairs with this prefix strictly behind `after`, in order of their keys.
    fn scan(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Pairs, EngineError>;

    /// Applies all changes at once. `Ok` means that they survive a power cut; after an error they may be seen or not,
    /// wholly or not at all once the engine has been opened again.
    fn write(&self, changes: Vec<Change>) -> Result<(), EngineError>;
}

/// What an engine says when it fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct EngineError(pub(super) String);

impl fmt::Display for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
