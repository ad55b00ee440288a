//! One issuer's word on single tokens: asked when one is presented, and again when the answer is too old (spec/introspection.md).

mod agent;
mod ask;
mod assertion;
mod caller;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use handfast_delegation::{AccessToken, UnverifiedAccessToken};
use handfast_dpop::{PublicBase, Target};
use handfast_identity::ContentHash;
use handfast_verifier::introspection::{AnswerError, IntrospectionAnswer, Introspections};
use handfast_verifier::trust::Status;
use thiserror::Error;
use tokio::sync::{Mutex as Waiting, Semaphore, watch};
use tokio::time::Instant;

use super::board::Board;
use super::discovery::{DiscoveryError, Metadata};
use super::outbound::Outbound;
use super::pace::{Backoff, Pace};
use crate::Clock;
use ask::{Ask, AskError};

pub(crate) use caller::Caller;
pub use caller::CallerError;

/// From the question to the whole answer, whatever has to be fetched for it: a request waits (spec/limits.md).
const INTROSPECTION_DEADLINE: Duration = Duration::from_secs(5);
/// Most questions to one issuer at once (spec/limits.md); the next waits, within the same deadline.
const MAX_QUESTIONS_AT_ONCE: usize = 32;
/// Most tokens that are asked about or wait for it (spec/limits.md); beyond, a request is answered with 503 at once.
const MAX_QUESTIONS: usize = 1024;

/// What is known of one issuer's word on tokens, in numbers. For metrics and health pages: it decides nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntrospectionCounts {
    /// The issuer.
    pub issuer: String,
    /// Answers held, those that do not count any more included.
    pub held: usize,
    /// Questions answered since the start.
    pub answered: u64,
    /// Questions without an answer that counts since the start.
    pub failed: u64,
}

/// Asks one issuer about its tokens.
pub(super) struct IntrospectionKeeper {
    pub(super) issuer: String,
    pub(super) base: PublicBase,
    pub(super) caller: Caller,
    /// Where the operator said.
    pub(super) endpoint: Option<String>,
    pub(super) outbound: Outbound,
    pub(super) answers: Arc<Introspections>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) pace: Pace,
    pub(super) state: Mutex<Asking>,
    pub(super) places: Waiting<Option<Places>>,
    pub(super) at_once: Semaphore,
}

/// What the keeper remembers between two questions.
#[derive(Default)]
pub(super) struct Asking {
    /// Ends when the question about the token is over.
    pending: HashMap<ContentHash, watch::Receiver<()>>,
    failing: Option<Failing>,
    answered: u64,
    failed: u64,
}

struct Failing {
    backoff: Backoff,
    again_at: Instant,
}

/// Where an issuer is asked.
#[derive(Clone, Debug)]
pub(super) struct Places {
    pub(super) introspection: Target,
    pub(super) token: Option<Target>,
}

#[derive(Debug, Error)]
enum QuestionError {
    #[error("{0}")]
    Metadata(#[source] DiscoveryError),
    #[error("metadata of the issuer: it names no `introspection_endpoint` at its own origin")]
    NoEndpoint,
    #[error("{0}")]
    Ask(#[source] AskError),
    #[error("no answer within {} s", INTROSPECTION_DEADLINE.as_secs())]
    Late,
    #[error("the answer is none: {0}")]
    Answer(#[source] AnswerError),
}

impl QuestionError {
    /// Whether another question would fare the same. What is said of one token says nothing of the next.
    const fn is_of_issuer(&self) -> bool {
        !matches!(self, Self::Answer(_))
    }
}

/// The answers of the issuer, which the board has had from the start on.
pub(super) fn answers_of(board: &Board, issuer: &str) -> Arc<Introspections> {
    match board.facts().issuer(issuer).map(|issuer| &issuer.status) {
        Some(Status::Introspected(answers)) => Arc::clone(answers),
        _ => Arc::default(),
    }
}

/// `application/x-www-form-urlencoded`, as RFC 6749 B asks for.
fn form<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

pub(super) const fn questions_at_once() -> Semaphore {
    Semaphore::const_new(MAX_QUESTIONS_AT_ONCE)
}

impl IntrospectionKeeper {
    /// A good token of the issuer was presented about which nothing is known that counts. All who come while one asks wait for the
    /// same answer.
    pub(super) async fn ask(self: Arc<Self>, token: String) {
        let Some(mut over) = self.question(token) else { return };
        // an end without a word is one too
        let _ = over.changed().await;
    }

    /// The question about `token` that is under way; none where there is no need, or nobody to ask.
    fn question(self: &Arc<Self>, token: String) -> Option<watch::Receiver<()>> {
        let hash = ContentHash::of(token.as_bytes());
        let mut state = self.state();
        if let Some(over) = state.pending.get(&hash) {
            return Some(over.clone());
        }
        let may_ask = state.failing.as_ref().is_none_or(|failing| Instant::now() >= failing.again_at);
        let is_known = self.answers.knows(hash, self.clock.now());
        if is_known || !may_ask || state.pending.len() >= MAX_QUESTIONS {
            return None;
        }
        let (begun, over) = watch::channel(());
        state.pending.insert(hash, over.clone());
        drop(state);
        let keeper = Arc::clone(self);
        // in a task of its own: a caller that goes away must not end the one question for everybody else
        tokio::spawn(async move {
            keeper.ask_about(&token, hash).await;
            keeper.state().pending.remove(&hash);
            drop(begun);
        });
        Some(over)
    }

    async fn ask_about(&self, token: &str, hash: ContentHash) {
        let asked = tokio::time::timeout(INTROSPECTION_DEADLINE, self.answer(token, hash)).await;
        let asked = asked.unwrap_or(Err(QuestionError::Late));
        let mut state = self.state();
        match asked {
            Ok(()) => {
                state.answered += 1;
                state.failing = None;
            }
            Err(error) => {
                state.failed += 1;
                if error.is_of_issuer() {
                    state.note_failed(self.pace);
                }
                drop(state);
                tracing::warn!(issuer = self.issuer, %error, "the issuer could not be asked about a token");
            }
        }
    }

    async fn answer(&self, token: &str, hash: ContentHash) -> Result<(), QuestionError> {
        // the check found it well-formed and signed before anybody asked
        let Ok(unverified) = UnverifiedAccessToken::parse(token) else { return Ok(()) };
        let claims: &AccessToken = unverified.unverified_claims();
        let Ok(_place) = self.at_once.acquire().await else { return Ok(()) };
        let places = self.places().await?;
        // before it is asked: what was revoked meanwhile may be missing
        let asked_at = self.clock.now();
        let ask = Ask { places: &places, outbound: &self.outbound, clock: &*self.clock };
        let body = match self.caller.ask(&ask, token).await {
            Ok(body) => body,
            Err(error) => {
                // it may have moved
                *self.places.lock().await = None;
                return Err(QuestionError::Ask(error));
            }
        };
        let answer = IntrospectionAnswer::parse(&body, claims).map_err(QuestionError::Answer)?;
        self.answers.take_in(hash, answer, asked_at);
        Ok(())
    }

    /// Where to ask. Credentials go to the issuer's own origin or to where the operator said, and nowhere else (P-22).
    async fn places(&self) -> Result<Places, QuestionError> {
        let mut known = self.places.lock().await;
        if let Some(places) = &*known {
            return Ok(places.clone());
        }
        let of_operator = self.endpoint.as_deref().and_then(|endpoint| Target::parse(endpoint).ok());
        let places = match of_operator {
            Some(introspection) if !self.caller.needs_token() => Places { introspection, token: None },
            of_operator => {
                let metadata = Metadata::of(&self.issuer, &self.base, &self.outbound).await;
                let metadata = metadata.map_err(QuestionError::Metadata)?;
                let own = |url: Option<String>| {
                    // a target has no query, and to leave one out would be to ask elsewhere
                    let url = url.filter(|url| !url.contains('?'))?;
                    let target = Target::parse(&url).ok()?;
                    (target.origin() == self.base.origin()).then_some(target)
                };
                let introspection =
                    of_operator.or_else(|| own(metadata.introspection_endpoint)).ok_or(QuestionError::NoEndpoint)?;
                Places { introspection, token: own(metadata.token_endpoint) }
            }
        };
        *known = Some(places.clone());
        Ok(places)
    }

    /// What is known, in numbers.
    pub(super) fn counts(&self) -> IntrospectionCounts {
        let state = self.state();
        IntrospectionCounts {
            issuer: self.issuer.clone(),
            held: self.answers.held_count(),
            answered: state.answered,
            failed: state.failed,
        }
    }

    fn state(&self) -> MutexGuard<'_, Asking> {
        // changed by assignments only, so a panic elsewhere leaves nothing half done
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Asking {
    fn note_failed(&mut self, pace: Pace) {
        let fresh = || Failing { backoff: Backoff::new(pace), again_at: Instant::now() };
        let failing = self.failing.get_or_insert_with(fresh);
        failing.again_at = Instant::now() + failing.backoff.wait();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed set-up should stop the test")]
mod tests {
    use handfast_delegation::ResourceId;
    use handfast_fetch::Mode;
    use handfast_identity::UnixTime;
    use handfast_verifier::trust::IntrospectionCaller;

    use super::*;

    /// P-18: beyond so many tokens nobody waits, and nothing is kept of who is turned away.
    #[tokio::test]
    async fn so_many_tokens_are_asked_about_and_no_more() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "secret").unwrap();
        let caller = IntrospectionCaller::Client { id: "api".to_owned(), secret_file: file.path().to_owned() };
        let resource = ResourceId::parse("https://api.example").unwrap();
        let (begun, over) = watch::channel(());
        let number = |number: usize| ContentHash::of(&number.to_be_bytes());
        let pending = (1..MAX_QUESTIONS).map(|place| (number(place), over.clone())).collect();
        let keeper = Arc::new(IntrospectionKeeper {
            issuer: "https://login.example".to_owned(),
            base: PublicBase::parse("https://login.example").unwrap(),
            caller: Caller::read(&caller, "https://login.example", &resource).unwrap(),
            endpoint: None,
            outbound: Outbound::new(Mode::Development).unwrap(),
            answers: Arc::default(),
            clock: Arc::new(|| UnixTime::from_secs(1)),
            pace: Pace::default(),
            state: Mutex::new(Asking { pending, ..Asking::default() }),
            places: Waiting::default(),
            at_once: questions_at_once(),
        });
        assert!(keeper.question("one".to_owned()).is_some());
        assert!(keeper.question("one".to_owned()).is_some(), "who asks about the same waits with it");
        assert!(keeper.question("another".to_owned()).is_none());
        assert_eq!(keeper.state().pending.len(), MAX_QUESTIONS);
        drop(begun);
    }
}
