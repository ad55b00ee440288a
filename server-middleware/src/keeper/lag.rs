//! How far behind an issuer's feed this server is, in numbers for metrics.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use handfast_identity::{Seconds, UnixTime};
use handfast_verifier::revocation::FeedPosition;

/// What is known of one issuer's revocations, in numbers. For metrics and health pages: it decides nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedLag {
    /// The issuer.
    pub issuer: String,
    /// The age of the newest message by the issuer's signed time; `None` while nothing has arrived.
    pub age: Option<Seconds>,
    /// The last number applied.
    pub seq: u64,
    /// Messages applied since the start, heartbeats included.
    pub applied: u64,
    /// How often following was interrupted and begun again since the start.
    pub reconnects: u64,
    /// Whether messages are pushed at the moment. Otherwise they are asked for.
    pub is_pushed: bool,
    /// Whether the feed went back behind what is known of it.
    pub is_rolled_back: bool,
    /// Revoked names held.
    pub names: usize,
    /// Most of them that may be held ([`Builder::revoked_names`](crate::Builder::revoked_names)).
    pub most_names: usize,
    /// Whether the feed has more names than that. Then no token of this issuer is accepted.
    pub is_full: bool,
    /// The number of the recovery key's statement that names the feed key; 0 while the pinned one is the first.
    pub key_seq: u64,
}

/// The counts of one follower. Clones count together.
#[derive(Clone, Debug)]
pub(super) struct Lag(Arc<Mutex<Counts>>);

#[derive(Debug)]
struct Counts {
    lag: FeedLag,
    as_of: Option<UnixTime>,
}

impl Lag {
    pub(super) fn new(issuer: &str, most_names: usize) -> Self {
        let lag = FeedLag {
            issuer: issuer.to_owned(),
            age: None,
            seq: 0,
            applied: 0,
            reconnects: 0,
            is_pushed: false,
            is_rolled_back: false,
            names: 0,
            most_names,
            is_full: false,
            key_seq: 0,
        };
        Self(Arc::new(Mutex::new(Counts { lag, as_of: None })))
    }

    pub(super) fn read(&self, now: UnixTime) -> FeedLag {
        let counts = self.counts();
        FeedLag { age: counts.as_of.map(|as_of| now.since(as_of)), ..counts.lag.clone() }
    }

    pub(super) fn applied(&self, position: &FeedPosition, as_of: UnixTime, names: usize) {
        let mut counts = self.counts();
        counts.lag.seq = position.seq;
        counts.lag.names = names;
        counts.lag.applied += 1;
        counts.lag.is_rolled_back = false;
        counts.lag.is_full = false;
        counts.as_of = Some(as_of);
    }

    pub(super) fn key_replaced(&self, key_seq: u64) {
        self.counts().lag.key_seq = key_seq;
    }

    pub(super) fn reconnected(&self) {
        self.counts().lag.reconnects += 1;
    }

    pub(super) fn pushed(&self, is_pushed: bool) {
        self.counts().lag.is_pushed = is_pushed;
    }

    /// Notes that the feed went back, and says whether that was noted before.
    pub(super) fn rolled_back(&self) -> bool {
        core::mem::replace(&mut self.counts().lag.is_rolled_back, true)
    }

    /// Notes that the feed has more names than may be held, and says whether that was noted before.
    pub(super) fn full(&self, names: usize) -> bool {
        let mut counts = self.counts();
        counts.lag.names = names;
        core::mem::replace(&mut counts.lag.is_full, true)
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        // changed by assignments only, so a panic elsewhere leaves nothing half done
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
