//! One issuer's revocations: a snapshot, then news as it comes (spec/revocation-feed.md).

use std::sync::Arc;
use std::time::Duration;

use handfast_dpop::PublicBase;
use handfast_fetch::FetchError;
use handfast_identity::DidKey;
use handfast_identity::jws::JwsError;
use handfast_verifier::revocation::{FeedError, FeedState, UnverifiedFeedMessage, VerifiedFeedMessage};
use handfast_verifier::trust::Status;
use thiserror::Error;
use tokio::task::JoinError;
use tokio::time::Instant;

use super::board::{Board, Place};
use super::outbound::Outbound;
use super::pace::{Backoff, Pace};
use crate::Clock;

/// Follows one issuer's feed.
pub(super) struct FeedKeeper {
    pub(super) issuer: String,
    pub(super) base: PublicBase,
    pub(super) key: DidKey,
    pub(super) outbound: Outbound,
    pub(super) board: Arc<Board>,
    pub(super) place: Place,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) pace: Pace,
}

#[derive(Debug, Error)]
enum FollowError {
    #[error(transparent)]
    Fetch(FetchError),
    #[error("the feed message is not of the pinned feed key: {0}")]
    Message(#[source] JwsError),
    #[error(transparent)]
    Feed(FeedError),
    #[error("the feed message could not be read: {0}")]
    Reading(#[source] JoinError),
}

/// What to ask the issuer next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Question {
    Snapshot,
    News,
}

impl FeedKeeper {
    /// Follows the feed until it is rolled back. Whatever else goes wrong, what is known stays until it is too old.
    pub(super) async fn run(self) {
        let mut state = None;
        let mut question = Question::Snapshot;
        let mut backoff = Backoff::new(self.pace);
        loop {
            let asked = Instant::now();
            let wait = match self.ask(question, &mut state).await {
                Ok(brought_news) => {
                    backoff.reset();
                    question = Question::News;
                    let pause = if brought_news { Duration::ZERO } else { self.pace.feed_pause };
                    pause.saturating_sub(asked.elapsed())
                }
                Err(FollowError::Feed(FeedError::RolledBack)) => return self.give_up(state.as_ref()),
                Err(error) => {
                    question = next_question(&error, question);
                    self.report(&error);
                    backoff.wait()
                }
            };
            tokio::time::sleep(wait).await;
        }
    }

    /// One question and its answer; says whether anything was revoked since the last.
    async fn ask(&self, question: Question, state: &mut Option<FeedState>) -> Result<bool, FollowError> {
        let message = match (question, &state) {
            (Question::News, Some(known)) => self.news(known.position().seq).await?,
            (Question::Snapshot, _) | (Question::News, None) => self.snapshot().await?,
        };
        let now = self.clock.now();
        let before = state.as_ref().map(|known| known.position().seq);
        let known = match state {
            Some(known) => {
                known.apply(message, now).map_err(FollowError::Feed)?;
                known
            }
            None => state.insert(FeedState::start(&self.issuer, message, now).map_err(FollowError::Feed)?),
        };
        self.board.set_status(self.place, Status::Known { set: Arc::clone(known.set()), as_of: known.as_of() });
        Ok(before != Some(known.position().seq))
    }

    async fn snapshot(&self) -> Result<VerifiedFeedMessage, FollowError> {
        self.message(&format!("{}/revocations/snapshot", self.base), Duration::ZERO).await
    }

    async fn news(&self, after: u64) -> Result<VerifiedFeedMessage, FollowError> {
        let wait = self.pace.feed_wait;
        self.message(&format!("{}/revocations?after={after}&wait={}", self.base, wait.as_secs()), wait).await
    }

    async fn message(&self, url: &str, wait: Duration) -> Result<VerifiedFeedMessage, FollowError> {
        let body = self.outbound.feed(url, wait).await.map_err(FollowError::Fetch)?;
        let key = self.key.clone();
        // a snapshot of 100 000 events takes a while to read: not on a thread that serves requests
        let read = tokio::task::spawn_blocking(move || {
            let text = core::str::from_utf8(&body).map_err(|_| JwsError::Form)?;
            UnverifiedFeedMessage::parse(text.trim_ascii())?.verify(&key)
        });
        read.await.map_err(FollowError::Reading)?.map_err(FollowError::Message)
    }

    fn report(&self, error: &FollowError) {
        self.board.status_failed(self.place);
        tracing::warn!(issuer = self.issuer, %error, "revocations not followed");
    }

    /// A feed that took something back says nothing more that could be believed, so it is not asked again. Only somebody who
    /// finds out what happened can decide to start over (P-12, TH64).
    fn give_up(&self, known: Option<&FeedState>) {
        self.board.set_status(self.place, Status::RolledBack);
        let (epoch, seq) = known.map(|known| (known.position().epoch.as_str(), known.position().seq)).unzip();
        tracing::error!(
            issuer = self.issuer,
            epoch,
            seq,
            "the revocation feed was rolled back behind what is known of it: no token of this issuer is accepted any more; find \
             out why its registry forgot revocations, have it revoke them again, and only then restart this server"
        );
    }
}

/// A message that does not continue from here, or an answer that is none, calls for the whole again; a connection that broke
/// or a message of somebody else's for the same once more.
fn next_question(error: &FollowError, asked: Question) -> Question {
    match error {
        FollowError::Feed(_) | FollowError::Fetch(FetchError::Status(_)) => Question::Snapshot,
        FollowError::Fetch(_) | FollowError::Message(_) | FollowError::Reading(_) => asked,
    }
}
