//! One issuer's revocations: a snapshot, then news as it comes (spec/revocation-feed.md).

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use handfast_dpop::PublicBase;
use handfast_fetch::FetchError;
use handfast_identity::jws::JwsError;
use handfast_identity::{Seconds, UnixTime};
use handfast_verifier::revocation::{
    FeedError, FeedKeyError, FeedKeys, FeedMemory, FeedState, UnverifiedFeedMessage, VerifiedFeedMessage,
};
use handfast_verifier::trust::Status;
use thiserror::Error;
use tokio::task::JoinError;
use tokio::time::Instant;

use super::board::{Board, Place};
use super::events::Events;
use super::lag::Lag;
use super::memory::PositionFile;
use super::outbound::Outbound;
use super::pace::{Backoff, Pace};
use super::state_directory::StateError;
use crate::Clock;

/// Follows one issuer's feed.
pub(super) struct FeedKeeper {
    pub(super) issuer: String,
    pub(super) base: PublicBase,
    /// As pinned, or as it was replaced before this process began.
    pub(super) feed_keys: FeedKeys,
    pub(super) outbound: Outbound,
    pub(super) board: Arc<Board>,
    pub(super) place: Place,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) pace: Pace,
    /// Most names held.
    pub(super) most_names: usize,
    pub(super) lag: Lag,
    /// Where it is kept how far the feed has come, and how far that was.
    pub(super) memory: Option<(PositionFile, Option<FeedMemory>)>,
}

/// How often names are forgotten that only stop what has expired.
const FORGET_PERIOD: Seconds = Seconds::new(60);

#[derive(Debug, Error)]
enum FollowError {
    #[error(transparent)]
    Fetch(FetchError),
    #[error("the feed message is not by the feed key: {0}")]
    Message(#[source] JwsError),
    #[error(transparent)]
    Feed(FeedError),
    #[error("the feed message could not be read: {0}")]
    Reading(#[source] JoinError),
    #[error("how far the feed has come cannot be kept, and its word is taken for no fresher until it can: {0}")]
    Memory(#[source] StateError),
    #[error("the stream of news {0}")]
    Stream(&'static str),
    #[error("what the registry says about its feed key does not count: {0}")]
    FeedKey(#[source] FeedKeyError),
}

/// How a feed answers who asks for news behind its end: it went back, and the whole says how far.
const NEVER_CAME_SO_FAR: u16 = 400;

/// What to ask the issuer next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Question {
    Snapshot,
    News,
}

/// What one follower knows.
struct Known {
    keys: FeedKeys,
    state: Option<FeedState>,
    /// What is on the disk.
    kept: Option<FeedMemory>,
    forgot_at: UnixTime,
}

impl FeedKeeper {
    /// Follows the feed: pushed where the issuer does that, else by asking. Whatever goes wrong, what is known stays until it
    /// is too old.
    pub(super) async fn run(self) {
        let kept = self.memory.as_ref().and_then(|(_, kept)| kept.clone());
        let state = kept.clone().map(|memory| FeedState::resume(&self.issuer, memory).within(self.most_names));
        let mut known = Known { keys: self.feed_keys.clone(), state, kept, forgot_at: self.clock.now() };
        self.key_counts(&mut known);
        let mut question = Question::Snapshot;
        let mut backoff = Backoff::new(self.pace);
        let mut push_again_at = Instant::now();
        loop {
            let asked = Instant::now();
            let wait = match self.ask(question, &mut known).await {
                Ok(brought_news) => {
                    backoff.reset();
                    question = Question::News;
                    if asked >= push_again_at {
                        let error = self.follow_stream(&mut known, &mut backoff).await;
                        push_again_at = Instant::now() + self.stream_pause(&error);
                        question = next_question(&error, question);
                    }
                    let pause = if brought_news { Duration::ZERO } else { self.pace.feed_pause };
                    pause.saturating_sub(asked.elapsed())
                }
                Err(error) if self.learn_key(&error, &mut known).await => {
                    question = Question::Snapshot;
                    Duration::ZERO
                }
                Err(error) => {
                    question = next_question(&error, question);
                    self.report(&error, known.state.as_ref());
                    self.lag.reconnected();
                    backoff.wait()
                }
            };
            tokio::time::sleep(wait).await;
        }
    }

    /// One question and its answer; says whether anything was revoked since the last.
    async fn ask(&self, question: Question, known: &mut Known) -> Result<bool, FollowError> {
        let message = match (question, &known.state) {
            (Question::News, Some(state)) => self.news(state.position().seq, &known.keys).await?,
            (Question::Snapshot, _) | (Question::News, None) => self.snapshot(&known.keys).await?,
        };
        self.apply(message, known).await
    }

    /// Takes one message in. Its names are in force at once; that it is fresh is believed when how far it reaches is kept.
    async fn apply(&self, message: VerifiedFeedMessage, known: &mut Known) -> Result<bool, FollowError> {
        let now = self.clock.now();
        let before = known.state.as_ref().map(|state| state.position().clone());
        let applied = match &mut known.state {
            Some(state) => state.apply(message, now),
            None => FeedState::start_within(self.most_names, &self.issuer, message, now).map(|state| {
                let key_seq = known.keys.replacement().map_or(0, |(seq, _)| seq);
                known.state = Some(state.under_key(key_seq));
            }),
        };
        // a roll-back is kept too: a restart does not heal it
        let saved = self.keep(known).await;
        if applied == Err(FeedError::Full) {
            self.overflows(known.state.as_ref());
        }
        applied.map_err(FollowError::Feed)?;
        let Some(state) = &known.state else { return Ok(false) };
        if now.since(known.forgot_at) >= FORGET_PERIOD {
            // by the issuer's signed time at most: a clock of ours that runs ahead forgets nothing that still counts
            state.forget(now.min(state.as_of()));
            known.forgot_at = now;
        }
        let position = state.position().clone();
        if let Some(before) = before.as_ref().filter(|before| before.epoch != position.epoch) {
            tracing::warn!(
                issuer = self.issuer,
                former = before.epoch,
                known_to = before.seq,
                epoch = position.epoch,
                "the registry was restored and vouched for by its operator: what was known to be revoked stays so"
            );
        }
        saved?;
        let (set, as_of) = (Arc::clone(state.set()), state.as_of());
        self.lag.applied(&position, as_of, set.len());
        self.board.set_status(self.place, Status::Known { set, as_of });
        Ok(before.is_none_or(|before| before.seq != position.seq))
    }

    /// Keeps what has to outlive this process, if it is not kept already.
    async fn keep(&self, known: &mut Known) -> Result<(), FollowError> {
        let (Some((file, _)), Some(state)) = (&self.memory, &known.state) else { return Ok(()) };
        let memory = state.memory();
        if known.kept.as_ref() == Some(&memory) {
            return Ok(());
        }
        let (file, kept) = (file.clone(), memory.clone());
        let saved = tokio::task::spawn_blocking(move || file.save(&kept)).await.map_err(FollowError::Reading)?;
        saved.map_err(FollowError::Memory)?;
        known.kept = Some(memory);
        Ok(())
    }

    /// Follows a stream of news until it ends, and says why it did.
    async fn follow_stream(&self, known: &mut Known, backoff: &mut Backoff) -> FollowError {
        let followed = self.read_stream(known, backoff).await;
        self.lag.pushed(false);
        match followed {
            Err(error @ FollowError::Fetch(FetchError::Status(_) | FetchError::MediaType)) => {
                tracing::debug!(issuer = self.issuer, %error, "news are not pushed, and asked for");
                error
            }
            Err(error) => {
                self.lag.reconnected();
                self.report(&error, known.state.as_ref());
                error
            }
            Ok(never) => match never {},
        }
    }

    async fn read_stream(&self, known: &mut Known, backoff: &mut Backoff) -> Result<Infallible, FollowError> {
        let after = known.state.as_ref().map_or(0, |state| state.position().seq);
        let url = format!("{}/revocations/stream", self.base);
        let mut response = self.outbound.stream(&url, after).await.map_err(FollowError::Fetch)?;
        let mut events = Events::default();
        loop {
            let arrived = tokio::time::timeout(self.pace.stream_silence, response.chunk()).await;
            let arrived = arrived.map_err(|_| FollowError::Stream("fell silent"))?;
            let bytes = arrived.map_err(|_| FollowError::Stream("broke off"))?.ok_or(FollowError::Stream("ended"))?;
            events.extend(&bytes);
            while let Some(text) = events.next().map_err(|_| FollowError::Stream("holds what is no event"))? {
                let message = self.read(text.into(), &known.keys).await?;
                self.apply(message, known).await?;
                self.lag.pushed(true);
                backoff.reset();
            }
        }
    }

    /// How long to go on by asking: a while where news are not pushed, else as long as after any failure.
    fn stream_pause(&self, error: &FollowError) -> Duration {
        match error {
            FollowError::Fetch(FetchError::Status(_) | FetchError::MediaType) => self.pace.stream_retry,
            _ => Backoff::new(self.pace).wait(),
        }
    }

    async fn snapshot(&self, keys: &FeedKeys) -> Result<VerifiedFeedMessage, FollowError> {
        let body = self.outbound.feed(&format!("{}/revocations/snapshot", self.base), Duration::ZERO).await;
        self.read(body.map_err(FollowError::Fetch)?, keys).await
    }

    async fn news(&self, after: u64, keys: &FeedKeys) -> Result<VerifiedFeedMessage, FollowError> {
        let wait = self.pace.feed_wait;
        let url = format!("{}/revocations?after={after}&wait={}", self.base, wait.as_secs());
        self.read(self.outbound.feed(&url, wait).await.map_err(FollowError::Fetch)?, keys).await
    }

    async fn read(&self, body: Bytes, keys: &FeedKeys) -> Result<VerifiedFeedMessage, FollowError> {
        let keys = keys.clone();
        // a snapshot of 100 000 events takes a while to read: not on a thread that serves requests
        let read = tokio::task::spawn_blocking(move || {
            let text = core::str::from_utf8(&body).map_err(|_| JwsError::Form)?;
            keys.verify_message(UnverifiedFeedMessage::parse(text.trim_ascii())?)
        });
        read.await.map_err(FollowError::Reading)?.map_err(FollowError::Message)
    }

    /// Asks, after an error that a new feed key would explain, whether there is one, and takes it up. Says whether it did.
    async fn learn_key(&self, error: &FollowError, known: &mut Known) -> bool {
        let is_explained = matches!(
            error,
            FollowError::Message(JwsError::Signature | JwsError::Algorithm) | FollowError::Feed(FeedError::RolledBack)
        );
        if !is_explained || !known.keys.can_be_replaced() {
            return false;
        }
        match self.take_statement(known).await {
            Ok(is_news) => is_news,
            Err(FollowError::Fetch(FetchError::Status(404))) => false, // there is none
            Err(error) => {
                tracing::warn!(issuer = self.issuer, %error, "another feed key was looked for in vain");
                false
            }
        }
    }

    /// Asks for the recovery key's statement. It counts once it is kept: a restart must not bring the former key back.
    async fn take_statement(&self, known: &mut Known) -> Result<bool, FollowError> {
        let body = self.outbound.statement(&format!("{}/revocations/key", self.base)).await;
        let body = body.map_err(FollowError::Fetch)?;
        let text = core::str::from_utf8(&body).map_err(|_| FollowError::FeedKey(FeedKeyError::Malformed))?.trim_ascii();
        let mut keys = known.keys.clone();
        if !keys.take(text, self.clock.now()).map_err(FollowError::FeedKey)? {
            return Ok(false);
        }
        if let Some((file, _)) = &self.memory {
            let (file, text) = (file.clone(), text.to_owned());
            let saved = tokio::task::spawn_blocking(move || file.save_statement(&text)).await;
            saved.map_err(FollowError::Reading)?.map_err(FollowError::Memory)?;
        }
        known.keys = keys;
        self.key_counts(known);
        tracing::warn!(
            issuer = self.issuer,
            key = %known.keys.current(),
            "the recovery key put another feed key in the place of the one before, whose messages count no more"
        );
        Ok(true)
    }

    /// What a statement about the feed key means for following it.
    fn key_counts(&self, known: &mut Known) {
        if let Some((key_seq, epoch)) = known.keys.replacement() {
            self.lag.key_replaced(key_seq);
            if let Some(state) = &mut known.state {
                state.replace_key(key_seq, epoch);
            }
        }
    }

    fn report(&self, error: &FollowError, known: Option<&FeedState>) {
        if matches!(error, FollowError::Feed(FeedError::RolledBack)) {
            return self.give_up(known);
        }
        self.board.status_failed(self.place);
        tracing::warn!(issuer = self.issuer, %error, "revocations not followed");
    }

    /// There are revocations that are not known here, so nothing passes any more (P-17); it does again when names that only stop what has
    /// expired have made room.
    fn overflows(&self, known: Option<&FeedState>) {
        let names = known.map_or(0, |state| state.set().len());
        if let Some(state) = known {
            // long ago since it was refused
            self.board.set_status(self.place, Status::Known { set: Arc::clone(state.set()), as_of: state.as_of() });
        }
        if !self.lag.full(names) {
            tracing::error!(
                issuer = self.issuer,
                names,
                most = self.most_names,
                "the feed has more revocations than may be held: no token of this issuer is accepted until enough of them have \
                 expired; find out why its registry revokes so much, or let this server hold more"
            );
        }
    }

    /// A feed that took something back says nothing more in this epoch that could be believed. It is asked all the same, for
    /// its operator may begin a new one that says what it follows (P-12, TH64).
    fn give_up(&self, known: Option<&FeedState>) {
        if self.lag.rolled_back() {
            return; // said before
        }
        self.board.set_status(self.place, Status::RolledBack);
        let (epoch, seq) = known.map(|known| (known.position().epoch.as_str(), known.position().seq)).unzip();
        tracing::error!(
            issuer = self.issuer,
            epoch,
            seq,
            "the revocation feed was rolled back behind what is known of it: no token of this issuer is accepted any more; find \
             out why its registry forgot revocations, have it revoke them again, and only then begin a new epoch there"
        );
    }
}

/// A message that does not continue from here, but for one that there is no room for, or a feed that never came as far, calls for the whole again; anything else for
/// the same once more.
fn next_question(error: &FollowError, asked: Question) -> Question {
    match error {
        FollowError::Feed(FeedError::Full) => asked,
        FollowError::Feed(_) | FollowError::Fetch(FetchError::Status(NEVER_CAME_SO_FAR)) => Question::Snapshot,
        FollowError::Fetch(_)
        | FollowError::Message(_)
        | FollowError::Reading(_)
        | FollowError::Memory(_)
        | FollowError::FeedKey(_)
        | FollowError::Stream(_) => asked,
    }
}
