//! A reader of one issuer's feed: what it knows, how fresh that is, and why a message does not continue it.

use core::fmt;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use handfast_identity::{Seconds, UnixTime};

use super::snapshot::{require_chain, require_form};
use super::{
    FeedMessage, FeedPosition, MAX_REVOKED_NAMES, RevocationKind, RevocationName, RevocationSet, VerifiedFeedMessage,
};

/// How far ahead of our clock a message may be signed before its freshness is not believed (the clock leeway).
pub(super) const MAX_AHEAD: Seconds = Seconds::new(30);

/// What one issuer's feed has told so far.
#[derive(Debug)]
pub struct FeedState {
    issuer: String,
    position: FeedPosition,
    /// What was known before, further on than `position`: a reader that went back to hear all names again has to come through it.
    checkpoint: Option<FeedPosition>,
    as_of: UnixTime,
    set: Arc<RevocationSet>,
    /// Most names in `set`.
    most_names: usize,
    is_rolled_back: bool,
    /// Where it stood is known from an earlier process, what was revoked is not.
    awaits_snapshot: bool,
    /// The number of the replacement of the feed key that it came through; 0 under the key that was pinned.
    key_seq: u64,
    /// The epoch that a later one says the feed goes on in.
    awaits_epoch: Option<Awaited>,
}

/// What the recovery key says comes next.
#[derive(Debug)]
struct Awaited {
    key_seq: u64,
    epoch: String,
}

/// What of a reader outlives it: without it a restart would take whatever it hears first for the whole story (P-12).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedMemory {
    /// The furthest it ever knew the feed to be.
    pub position: FeedPosition,
    /// Whether the feed was rolled back behind that since.
    pub is_rolled_back: bool,
    /// The number of the replacement of the feed key whose epoch it came through; 0 for none.
    pub key_seq: u64,
}

/// Why a message was not applied. None of them changes which names are known.
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
    /// With its names there would be more than may be held. Until it can be applied, what is known is not all, and not fresh.
    Full,
    /// Fewer events than we know, other events at a number we know, or an epoch that does not follow ours: the feed was rolled
    /// back.
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
            Self::Full => "the feed message has more names than there is room for",
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
        Self::start_within(MAX_REVOKED_NAMES, issuer, snapshot, now)
    }

    /// The same for a reader that holds `most_names` at most.
    ///
    /// # Errors
    ///
    /// [`FeedError`], by rule broken; [`FeedError::Full`] for a snapshot of more names.
    pub fn start_within(
        most_names: usize,
        issuer: &str,
        snapshot: VerifiedFeedMessage,
        now: UnixTime,
    ) -> Result<Self, FeedError> {
        let message = snapshot.message;
        require_origin(&message, issuer, now)?;
        if !message.is_snapshot() || message.from != 0 {
            return Err(FeedError::NotSnapshot);
        }
        require_form(&message)?;
        require_chain(&message, None)?;
        let position = FeedPosition { epoch: message.epoch.clone(), seq: message.to, head: message.head };
        let memory = FeedMemory { position, is_rolled_back: false, key_seq: 0 };
        let mut state = Self { as_of: message.issued_at, most_names, ..Self::resume(issuer, memory) };
        state.require_room(&message, now)?;
        state.awaits_snapshot = false;
        state.learn(&message);
        Ok(state)
    }

    /// Goes on from what a reader remembers of the time before a restart. It knows no names yet: its first message has to be a
    /// snapshot, and one that does not continue from there is a roll-back, as if there had been no restart.
    #[must_use]
    pub fn resume(issuer: &str, memory: FeedMemory) -> Self {
        let FeedMemory { position, is_rolled_back, key_seq } = memory;
        Self {
            issuer: issuer.to_owned(),
            position,
            checkpoint: None,
            as_of: UnixTime::EPOCH,
            set: Arc::default(),
            most_names: MAX_REVOKED_NAMES,
            is_rolled_back,
            awaits_snapshot: true,
            key_seq,
            awaits_epoch: None,
        }
    }

    /// The same, but holding so many names at most in place of [`MAX_REVOKED_NAMES`].
    #[must_use]
    pub const fn within(mut self, most_names: usize) -> Self {
        self.most_names = most_names;
        self
    }

    /// Starts under a feed key that took another's place by statement number `key_seq`: nothing was known of the feed before.
    #[must_use]
    pub const fn under_key(mut self, key_seq: u64) -> Self {
        self.key_seq = key_seq;
        self
    }

    /// Statement number `key_seq` of the recovery key says that the feed goes on in `epoch`. From now on that epoch counts, or one
    /// that follows it, and nothing else: where the former key led this reader meanwhile is no roll-back then.
    pub fn replace_key(&mut self, key_seq: u64, epoch: &str) {
        if key_seq <= self.key_seq {
            return; // come through
        }
        if self.position.epoch == epoch {
            self.key_seq = key_seq;
        } else {
            self.awaits_epoch = Some(Awaited { key_seq, epoch: epoch.to_owned() });
        }
    }

    /// Takes the next message in: increment, heartbeat or a later snapshot.
    ///
    /// # Errors
    ///
    /// [`FeedError`], by rule broken. After [`FeedError::RolledBack`] nothing this issuer signs in this epoch can be believed
    /// current, and every later message gets the same answer: a feed does not heal itself by running past the place where it
    /// lied. Only the operator's word does, which is the snapshot of a new epoch that names ours as one it follows, or the epoch that
    /// [`replace_key`](Self::replace_key) names. After [`FeedError::Full`] nothing is fresh any more, for somebody was revoked whom we
    /// do not know of: [`as_of`](Self::as_of) is long ago until a message is applied again.
    #[allow(clippy::needless_pass_by_value)] // a message is applied once
    pub fn apply(&mut self, message: VerifiedFeedMessage, now: UnixTime) -> Result<(), FeedError> {
        let message = &message.message;
        let applied = match message.epoch == self.position.epoch {
            true if self.is_rolled_back || self.awaits_epoch.is_some() => Err(FeedError::RolledBack),
            true => self.take(message, now),
            false => self.begin(message, now),
        };
        self.is_rolled_back |= applied == Err(FeedError::RolledBack);
        if applied == Err(FeedError::Full) {
            self.as_of = UnixTime::EPOCH;
        }
        applied
    }

    fn take(&mut self, message: &FeedMessage, now: UnixTime) -> Result<(), FeedError> {
        require_origin(message, &self.issuer, now)?;
        if message.is_snapshot() && message.is_part() {
            return self.take_part(message, now);
        }
        // a part ends where the next one begins: only a whole message says how far the feed has come
        let known = if message.is_part() { &self.position } else { self.furthest() };
        let is_behind = message.to < known.seq;
        let differs_here = message.to == known.seq && message.head != known.head;
        if is_behind || differs_here {
            return Err(FeedError::RolledBack);
        }
        if message.is_snapshot() {
            require_form(message)?;
            require_chain(message, Some(self.furthest()))?;
            self.require_room(message, now)?;
            self.learn(message);
            self.awaits_snapshot = false;
            self.checkpoint = None;
        } else if self.awaits_snapshot {
            return Err(FeedError::NotSnapshot);
        } else {
            self.append(message, now)?;
        }
        self.moved(message);
        Ok(())
    }

    /// The beginning of a snapshot that is too long for one message. Who knows names learns those in it and stays where it was; who
    /// does not goes on from its end, and has to come through what it remembers.
    fn take_part(&mut self, message: &FeedMessage, now: UnixTime) -> Result<(), FeedError> {
        require_form(message)?;
        require_chain(message, Some(self.furthest()))?;
        self.require_room(message, now)?;
        self.learn(message);
        if self.awaits_snapshot {
            let furthest = self.furthest().clone();
            self.checkpoint = Some(furthest).filter(|furthest| furthest.seq > message.to);
            self.awaits_snapshot = false;
            self.moved(message);
        }
        Ok(())
    }

    /// The furthest the feed was ever known to be.
    const fn furthest(&self) -> &FeedPosition {
        match &self.checkpoint {
            Some(checkpoint) => checkpoint,
            None => &self.position,
        }
    }

    /// The first message of a new epoch. Names of the old one stay in force: the operator says how far the registry's memory
    /// reaches, and whatever lies beyond was revoked all the same.
    fn begin(&mut self, message: &FeedMessage, now: UnixTime) -> Result<(), FeedError> {
        require_origin(message, &self.issuer, now)?;
        if !message.is_snapshot() {
            // only a snapshot says what it follows
            return if self.is_rolled_back { Err(FeedError::RolledBack) } else { Err(FeedError::Gap) };
        }
        require_form(message)?;
        let ours = message.follows.iter().find(|former| former.epoch == self.position.epoch);
        let forks = |former: &FeedPosition| former.seq == self.furthest().seq && former.head != self.furthest().head;
        let is_vouched = match &self.awaits_epoch {
            // where the former key led us is not the operator's word, and this is
            Some(Awaited { epoch, .. }) => {
                message.epoch == *epoch || message.follows.iter().any(|former| former.epoch == *epoch)
            }
            None => !ours.is_none_or(forks),
        };
        if !is_vouched {
            return Err(FeedError::RolledBack);
        }
        require_chain(message, None)?;
        self.require_room(message, now)?;
        // whoever forgot something that we know may have forgotten why an agent was stopped last
        let is_whole = ours.is_some_and(|ours| ours.seq >= self.furthest().seq);
        self.set.begin_epoch(&if is_whole { standing(message) } else { HashSet::new() });
        self.learn(message);
        self.position.epoch.clone_from(&message.epoch);
        self.awaits_snapshot = false;
        self.is_rolled_back = false;
        self.checkpoint = None;
        if let Some(Awaited { key_seq, .. }) = self.awaits_epoch.take() {
            self.key_seq = key_seq;
        }
        self.moved(message);
        Ok(())
    }

    /// P-18: whether the names of `message` fit. What only stops what has expired makes room, by the issuer's signed time at most;
    /// nothing that counts does.
    fn require_room(&self, message: &FeedMessage, now: UnixTime) -> Result<(), FeedError> {
        if self.set.len() + message.events.len() <= self.most_names {
            return Ok(()); // the usual case: no name has to be looked for
        }
        self.set.forget(now.min(self.as_of.max(message.issued_at)));
        if self.set.len_with(&message.events) <= self.most_names { Ok(()) } else { Err(FeedError::Full) }
    }

    /// A snapshot adds to what is known. One that left events out must take nothing away, and one that did not cannot.
    fn learn(&self, message: &FeedMessage) {
        message.events.iter().for_each(|event| self.set.insert(event));
    }

    fn moved(&mut self, message: &FeedMessage) {
        self.position.seq = message.to;
        self.position.head = message.head;
        // a repeated older heartbeat brings nothing new and takes nothing back
        self.as_of = self.as_of.max(message.issued_at);
    }

    fn append(&mut self, message: &FeedMessage, now: UnixTime) -> Result<(), FeedError> {
        if message.from != self.position.seq {
            return Err(FeedError::Gap);
        }
        if message.base.is_some() || !message.follows.is_empty() {
            return Err(FeedError::Inconsistent); // a snapshot's to say
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
            if self.checkpoint.as_ref().is_some_and(|known| known.seq == seq && known.head != head) {
                return Err(FeedError::RolledBack);
            }
        }
        if seq != message.to || head != message.head {
            return Err(FeedError::Inconsistent);
        }
        self.require_room(message, now)?;
        self.learn(message);
        self.checkpoint = self.checkpoint.take().filter(|known| known.seq > seq);
        Ok(())
    }

    /// Forgets names that only stop what has expired by `now`.
    pub fn forget(&self, now: UnixTime) {
        self.set.forget(now);
    }

    /// What to keep for [`FeedState::resume`].
    #[must_use]
    pub fn memory(&self) -> FeedMemory {
        FeedMemory { position: self.furthest().clone(), is_rolled_back: self.is_rolled_back, key_seq: self.key_seq }
    }

    /// Where the reader stands: the next increment has to go on from here.
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

/// The agents that a snapshot shows as stopped, and not as going on behind that.
fn standing(message: &FeedMessage) -> HashSet<RevocationName> {
    let agents = message.events.iter().filter(|event| event.kind == RevocationKind::Agent);
    // ascending, so the last of each counts
    let last: HashMap<_, _> = agents.map(|event| (event.name, event.cut.is_none())).collect();
    last.into_iter().filter_map(|(name, is_stop)| is_stop.then_some(name)).collect()
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
