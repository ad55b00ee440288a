//! A reader of one issuer's feed: what it knows, how fresh that is, and why a message does not continue it.

use core::fmt;
use std::sync::Arc;

use handfast_identity::{Seconds, UnixTime};

use super::{FeedMessage, Head, RevocationSet, VerifiedFeedMessage};

/// How far ahead of our clock a message may be signed before its freshness is not believed (the clock leeway).
const MAX_AHEAD: Seconds = Seconds::new(30);

/// Where a reader stands. Kept across restarts, it is what makes a roll-back visible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedPosition {
    /// The epoch.
    pub epoch: String,
    /// The last number applied.
    pub seq: u64,
    /// The head after it.
    pub head: Head,
}

/// What one issuer's feed has told so far.
#[derive(Clone, Debug)]
pub struct FeedState {
    issuer: String,
    position: FeedPosition,
    as_of: UnixTime,
    set: Arc<RevocationSet>,
    is_rolled_back: bool,
}

/// Why a message was not applied. None of them changes what is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeedError {
    /// Of another issuer.
    Issuer,
    /// Signed further ahead of our clock than the leeway.
    FromTheFuture,
    /// Numbers, links or hashes that do not fit each other.
    Inconsistent,
    /// Continues from a number other than ours: ask again from where we stand.
    Gap,
    /// Not a snapshot, and nothing is known yet.
    NotSnapshot,
    /// Fewer events than we know, other events at a number we know, or another epoch: the feed was rolled back.
    RolledBack,
}

impl fmt::Display for FeedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Issuer => "the feed message is of another issuer",
            Self::FromTheFuture => "the feed message is signed ahead of this clock",
            Self::Inconsistent => "the feed message contradicts itself",
            Self::Gap => "the feed message does not continue from the last one",
            Self::NotSnapshot => "the first feed message has to be a snapshot",
            Self::RolledBack => "the feed was rolled back behind what is known of it",
        })
    }
}

impl core::error::Error for FeedError {}

impl FeedState {
    /// Starts from a snapshot.
    ///
    /// # Errors
    ///
    /// [`FeedError`], by rule broken.
    pub fn start(issuer: &str, snapshot: VerifiedFeedMessage, now: UnixTime) -> Result<Self, FeedError> {
        let message = snapshot.message;
        require_origin(&message, issuer, now)?;
        if !message.is_snapshot() || message.from != 0 {
            return Err(FeedError::NotSnapshot);
        }
        let set = Arc::new(snapshot_set(&message)?);
        if is_dense(&message) {
            let origin = Head::start(issuer, &message.epoch);
            require_chain(&message, &FeedPosition { epoch: message.epoch.clone(), seq: 0, head: origin })?;
        }
        let position = FeedPosition { epoch: message.epoch, seq: message.to, head: message.head };
        Ok(Self { issuer: issuer.to_owned(), position, as_of: message.issued_at, set, is_rolled_back: false })
    }

    /// Takes the next message in: increment, heartbeat or a later snapshot.
    ///
    /// # Errors
    ///
    /// [`FeedError`], by rule broken. After [`FeedError::RolledBack`] nothing this issuer signs can be believed current, and
    /// every later message gets the same answer: a feed does not heal itself by running past the place where it lied.
    #[allow(clippy::needless_pass_by_value)] // a message is applied once
    pub fn apply(&mut self, message: VerifiedFeedMessage, now: UnixTime) -> Result<(), FeedError> {
        if self.is_rolled_back {
            return Err(FeedError::RolledBack);
        }
        let applied = self.take(&message.message, now);
        self.is_rolled_back = applied == Err(FeedError::RolledBack);
        applied
    }

    fn take(&mut self, message: &FeedMessage, now: UnixTime) -> Result<(), FeedError> {
        require_origin(message, &self.issuer, now)?;
        let is_behind = message.to < self.position.seq;
        let differs_here = message.to == self.position.seq && message.head != self.position.head;
        if message.epoch != self.position.epoch || is_behind || differs_here {
            return Err(FeedError::RolledBack);
        }
        if message.is_snapshot() {
            self.merge(message)?;
        } else {
            self.append(message)?;
        }
        self.position.seq = message.to;
        self.position.head = message.head;
        // a repeated older heartbeat brings nothing new and takes nothing back
        self.as_of = self.as_of.max(message.issued_at);
        Ok(())
    }

    /// A later snapshot of the same epoch. One with every event shows the whole chain, so it has to pass through our head;
    /// one that left some out shows no chain, so it can only add to what is known.
    fn merge(&mut self, message: &FeedMessage) -> Result<(), FeedError> {
        if message.from != 0 {
            return Err(FeedError::Inconsistent); // an increment without its link must not pass for a snapshot
        }
        let mut names = snapshot_set(message)?;
        if is_dense(message) {
            require_chain(message, &self.position)?;
        } else {
            names.absorb(&self.set);
        }
        self.set = Arc::new(names);
        Ok(())
    }

    fn append(&mut self, message: &FeedMessage) -> Result<(), FeedError> {
        if message.from != self.position.seq {
            return Err(FeedError::Gap);
        }
        if message.prev != Some(self.position.head) {
            return Err(FeedError::RolledBack);
        }
        let mut head = self.position.head;
        let mut seq = message.from;
        for event in &message.events {
            seq += 1;
            if event.seq != seq {
                return Err(FeedError::Inconsistent);
            }
            head = head.after(event).map_err(|_| FeedError::Inconsistent)?;
        }
        if seq != message.to || head != message.head {
            return Err(FeedError::Inconsistent);
        }
        if !message.events.is_empty() {
            let set = Arc::make_mut(&mut self.set);
            message.events.iter().for_each(|event| set.insert(event));
        }
        Ok(())
    }

    /// Where the reader stands.
    #[must_use]
    pub const fn position(&self) -> &FeedPosition {
        &self.position
    }

    /// The signed time of the newest message applied.
    #[must_use]
    pub const fn as_of(&self) -> UnixTime {
        self.as_of
    }

    /// What is revoked.
    #[must_use]
    pub const fn set(&self) -> &Arc<RevocationSet> {
        &self.set
    }
}

fn require_origin(message: &FeedMessage, issuer: &str, now: UnixTime) -> Result<(), FeedError> {
    if message.issuer != issuer {
        return Err(FeedError::Issuer);
    }
    if message.issued_at > now.saturating_add(MAX_AHEAD) {
        return Err(FeedError::FromTheFuture);
    }
    if message.from > message.to { Err(FeedError::Inconsistent) } else { Ok(()) }
}

/// A snapshot's events: ascending, none beyond `to`; gaps are events no longer kept.
fn snapshot_set(message: &FeedMessage) -> Result<RevocationSet, FeedError> {
    let mut set = RevocationSet::default();
    let mut last = 0;
    for event in &message.events {
        if event.seq <= last || event.seq > message.to {
            return Err(FeedError::Inconsistent);
        }
        last = event.seq;
        set.insert(event);
    }
    Ok(set)
}

/// Whether a snapshot leaves no event out.
fn is_dense(message: &FeedMessage) -> bool {
    u64::try_from(message.events.len()) == Ok(message.to)
}

/// Recomputes the chain of a dense snapshot: it has to pass through `known`, and to end in the head that was signed.
fn require_chain(message: &FeedMessage, known: &FeedPosition) -> Result<(), FeedError> {
    let mut head = Head::start(&message.issuer, &message.epoch);
    let passes =
        |seq: u64, head: Head| if seq == known.seq && head != known.head { Err(FeedError::RolledBack) } else { Ok(()) };
    passes(0, head)?;
    for event in &message.events {
        head = head.after(event).map_err(|_| FeedError::Inconsistent)?;
        passes(event.seq, head)?;
    }
    if head == message.head { Ok(()) } else { Err(FeedError::Inconsistent) }
}
