//! What was asked about in a set and found clear need not be looked up again until the set is another one.

use std::sync::atomic::{AtomicU64, Ordering};

use super::RevocationSet;

/// What one set holds at one time. No two sets have one in common, and a set that was changed never has one again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Version(pub(super) u64);

impl Version {
    /// One that nothing has had. The first is 1.
    pub(super) fn next() -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        Self(LAST.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

/// The version of a set in which all of some names were looked up last, and none was found.
///
/// This is no time for which an answer holds: the set is asked every time, for its version, and one more name in it is another version.
/// Whoever is told that the names are clear would be told the same by looking all of them up.
#[derive(Debug, Default)]
pub(crate) struct ClearIn(AtomicU64);

impl ClearIn {
    /// What `look_up` says, which is to depend on nothing but `set` and what `self` is kept beside. Where it found nothing in this very
    /// version of the set it is not asked again.
    ///
    /// # Errors
    ///
    /// Those of `look_up`.
    pub(crate) fn require<E>(
        &self,
        set: &RevocationSet,
        look_up: impl FnOnce(&RevocationSet) -> Result<(), E>,
    ) -> Result<(), E> {
        // INVARIANT: read before anything is looked up. What is inserted meanwhile may or may not be found, and makes another version.
        let Version(version) = set.version();
        if self.0.load(Ordering::Relaxed) == version {
            return Ok(());
        }
        look_up(set)?;
        self.0.store(version, Ordering::Relaxed);
        Ok(())
    }
}
