//! The port behind which accepted proofs are remembered, so that each is accepted once (RFC 9449 11.1, P-02).

mod arena;
mod fetch;
mod hashed;
mod keys;
mod line;
mod memory;
mod pages;
mod shares;
mod table;

use core::fmt;

use handfast_identity::{Thumbprint, UnixTime};
use sha2::{Digest, Sha256};

pub use memory::{MemoryReplay, ReplayLimits};

use crate::ProofClass;

/// First bytes of what a fingerprint is taken over; a change of that form changes them.
const FINGERPRINT_LABEL: &[u8] = b"handfast replay 1";

/// One proof as a store remembers it.
///
/// The fingerprint is SHA-256 over enforcement point, key thumbprint and proof id, each with its length in front: no
/// stranger can occupy another key's ids (DPOP-49), and one store may serve several services.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayEntry {
    fingerprint: [u8; 32],
    key: Thumbprint,
    expires: UnixTime,
}

impl ReplayEntry {
    /// The entry for `proof_id` by `key` at `enforcement_point`, which is the same text on every node of one service.
    ///
    /// `expires` is the last second to remember it in: no earlier than the last one in which it could be accepted, counted
    /// from the time in the signed text and never from its arrival (TH28).
    #[must_use]
    pub fn new(enforcement_point: &str, key: Thumbprint, proof_id: &str, expires: UnixTime) -> Self {
        let mut hash = Sha256::new_with_prefix(FINGERPRINT_LABEL);
        for part in [enforcement_point.as_bytes(), key.as_bytes(), proof_id.as_bytes()] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Self { fingerprint: hash.finalize().into(), key, expires }
    }

    /// What the store recognises the proof by.
    #[must_use]
    pub const fn fingerprint(&self) -> &[u8; 32] {
        &self.fingerprint
    }

    /// Whose share of the store the entry counts against.
    #[must_use]
    pub const fn key(&self) -> Thumbprint {
        self.key
    }

    /// The last second in which it has to be remembered.
    #[must_use]
    pub const fn expires(&self) -> UnixTime {
        self.expires
    }
}

/// The entry of a proof whose signature may not have been verified yet: a store can get ready for it, and cannot insert it.
#[derive(Clone, Copy, Debug)]
pub struct ForeseenEntry<'a>(&'a ReplayEntry);

impl<'a> ForeseenEntry<'a> {
    /// `entry`, of which nothing is known.
    #[must_use]
    pub const fn of(entry: &'a ReplayEntry) -> Self {
        Self(entry)
    }

    /// What the store would recognise the proof by.
    #[must_use]
    pub const fn fingerprint(self) -> &'a [u8; 32] {
        self.0.fingerprint()
    }

    /// Whose share of the store the entry would count against.
    #[must_use]
    pub const fn key(self) -> Thumbprint {
        self.0.key()
    }
}

/// Evidence that a store did not know an entry and remembers it now. Admission asks for one; it cannot be copied.
#[derive(Debug)]
#[must_use = "a request is admitted with the receipt of its own proof"]
pub struct Receipt {
    fingerprint: [u8; 32],
}

impl Receipt {
    /// Claims that `entry` was unknown and is remembered from now on, both in one atomic step.
    ///
    /// Only for replay stores, right after that step succeeded. A store that answers asynchronously need not implement
    /// [`ReplayStore`]: it inserts [`ReplayEntry::fingerprint`] with an expiry of [`ReplayEntry::expires`] and calls this.
    /// Searching for this name lists every place that makes the claim.
    pub const fn assertion(entry: &ReplayEntry) -> Self {
        Self { fingerprint: entry.fingerprint }
    }

    /// Whether this is the receipt of `entry`, and not one obtained for another proof.
    #[must_use]
    pub fn covers(&self, entry: &ReplayEntry) -> bool {
        self.fingerprint == entry.fingerprint
    }
}

/// A store of accepted proofs.
///
/// A wrong yes lets a captured request be performed a second time. A wrong no refuses an honest client once, who may repeat
/// with a new proof; "unavailable" in its place costs the same and tells the truth. So whenever a store is full, out of reach
/// or unsure, it refuses, and never drops what it has to remember (DPOP-51, P-17).
///
/// Called last, after everything else about the request was found good, so that junk fills nothing (DPOP-50).
pub trait ReplayStore: fmt::Debug + Send + Sync {
    /// Remembers `entry` if it is unknown: test and insertion are one atomic step for all callers.
    ///
    /// # Errors
    ///
    /// [`ReplayError::Replayed`] for a known one, and the others for reasons that are the server's own.
    fn insert(&self, entry: &ReplayEntry, now: UnixTime) -> Result<Receipt, ReplayError>;

    /// Hears that `entry` may be inserted soon, if its proof's signature turns out good: some microseconds in which memory can be
    /// fetched that the insert will look at.
    ///
    /// It decides nothing and remembers nothing. Every answer of [`Self::insert`] is the same without it, and whoever sends junk may
    /// cause any number of such calls, so a store that cannot get ready for next to nothing leaves it out.
    fn foresee(&self, entry: ForeseenEntry<'_>) {
        let _ = entry;
    }

    /// How full it is, for metrics: it decides nothing. `None` for a store that does not know.
    fn fill(&self) -> Option<StoreFill> {
        None
    }
}

/// How full a store is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreFill {
    /// Entries held, those that are over but were not yet freed included.
    pub held: usize,
    /// Entries it may hold.
    pub most: usize,
}

/// Why a proof was not let through by the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplayError {
    /// The proof was accepted before.
    Replayed,
    /// The store holds all it may.
    Full,
    /// The store holds all it may of this key's proofs; other keys are not affected.
    KeyShareFull,
    /// The entry's time is over by a clock that this store has already seen: it may have been forgotten (TH77).
    ClockWentBack,
    /// The store cannot be asked.
    Unavailable,
}

impl ReplayError {
    /// The stable reason code.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Replayed => "proof_replayed",
            Self::Full => "replay_store_full",
            Self::KeyShareFull => "replay_share_full",
            Self::ClockWentBack => "clock_went_back",
            Self::Unavailable => "replay_store_unavailable",
        }
    }

    /// Whose problem it is.
    #[must_use]
    pub const fn class(self) -> ProofClass {
        match self {
            Self::Replayed => ProofClass::InvalidProof,
            Self::Full | Self::KeyShareFull | Self::ClockWentBack | Self::Unavailable => ProofClass::Unavailable,
        }
    }
}

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Replayed => "the proof was used before",
            Self::Full => "the replay store is full",
            Self::KeyShareFull => "this key's share of the replay store is full",
            Self::ClockWentBack => "the clock went back behind what the replay store has forgotten",
            Self::Unavailable => "the replay store cannot be asked",
        })
    }
}

impl core::error::Error for ReplayError {}

/// A store that cannot be asked: nothing is admitted. For tests, and in place of one that is not configured.
#[derive(Clone, Copy, Debug, Default)]
pub struct RefuseAll;

impl ReplayStore for RefuseAll {
    fn insert(&self, _: &ReplayEntry, _: UnixTime) -> Result<Receipt, ReplayError> {
        Err(ReplayError::Unavailable)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed set-up should stop the test")]
mod tests {
    use handfast_identity::base64url;

    use super::*;

    fn entry(point: &str, key: u8, id: &str) -> ReplayEntry {
        let key = Thumbprint::parse(&base64url::encode(&[key; 32])).unwrap();
        ReplayEntry::new(point, key, id, UnixTime::from_secs(100))
    }

    #[test]
    fn the_fingerprint_separates_points_keys_and_ids() {
        let entries =
            [entry("a", 1, "x"), entry("b", 1, "x"), entry("a", 2, "x"), entry("a", 1, "y"), entry("ax", 1, "")];
        for (place, one) in entries.iter().enumerate() {
            for (other_place, other) in entries.iter().enumerate() {
                assert_eq!(one.fingerprint() == other.fingerprint(), place == other_place);
            }
        }
        assert_eq!(entry("a", 1, "x"), entry("a", 1, "x"));
    }

    #[test]
    fn a_receipt_is_for_one_entry() {
        let receipt = Receipt::assertion(&entry("a", 1, "x"));
        assert!(receipt.covers(&entry("a", 1, "x")));
        assert!(!receipt.covers(&entry("a", 1, "y")));
    }

    #[test]
    fn a_store_that_cannot_be_asked_admits_nothing() {
        let refused = RefuseAll.insert(&entry("a", 1, "x"), UnixTime::from_secs(1)).map(drop);
        assert_eq!(refused, Err(ReplayError::Unavailable)); // TH30
        assert_eq!(ReplayError::Unavailable.class(), ProofClass::Unavailable);
    }
}
