//! Answers that end with the authority they were given under, or when it is taken away.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::BoxError;
use axum::body::Body;
use bytes::Bytes;
use handfast_identity::{Seconds, UnixTime};
use handfast_verifier::{Authorized, CLOCK_LEEWAY, Rejection};
use http_body::{Body as _, Frame, SizeHint};
use tokio::time::{Instant, Sleep};

use super::ResourceServer;

/// A second that has begun counts as a whole one, in times of tokens as in the check.
const BEGUN: Seconds = Seconds::new(1);

/// How long an answer may go on that is begun `now` under an authority that ends at `expires_at`: to that end, or for a
/// request that came within the leeway after it, to the end of the leeway.
pub(super) fn time_left(expires_at: UnixTime, now: UnixTime) -> Duration {
    let end = if now <= expires_at { expires_at } else { expires_at.saturating_add(CLOCK_LEEWAY) };
    Duration::from_secs(end.saturating_add(BEGUN).since(now).get())
}

/// How often it is asked whether an answer may go on (spec/delegation.md, streams): with the time a revocation takes to get here, it ends within
/// a second.
const WATCH_PERIOD: Duration = Duration::from_millis(500);

/// The same body, broken off after `left`, or when `watch` says why it may not go on. One that is there as a whole is left as it is.
pub(super) fn ending(body: Body, left: Duration, watch: Watch) -> Body {
    match Instant::now().checked_add(left) {
        Some(end) if !body.is_end_stream() => {
            let now = Instant::now();
            Body::new(Ending { body, end, watch, asked: now, known: now, alarm: None })
        }
        Some(_) | None => body,
    }
}

/// Whether the caller of an answer is still one that would be answered.
#[derive(Clone)]
pub(super) struct Watch {
    pub(super) server: ResourceServer,
    pub(super) authorized: Authorized,
    /// The token's text, where its issuer has to be asked about it again and again.
    pub(super) token: Option<Arc<str>>,
}

impl Watch {
    /// The reason that a request like the one answered would be refused for now.
    fn fault(&self) -> Option<Rejection> {
        let shared = &self.server.shared;
        let now = shared.clock.now();
        let facts = shared.facts.facts(now);
        self.authorized.require_not_stopped(&facts, shared.staleness, &shared.drift, now).err()
    }

    /// Has the issuer asked about the token once more, and does not wait for it.
    fn ask_again(&self) {
        let Some(token) = self.token.clone() else { return };
        let (facts, issuer) = (Arc::clone(&self.server.shared.facts), self.authorized.issuer().to_owned());
        tokio::spawn(async move { facts.introspect(&issuer, &token).await });
    }

    /// How long an answer goes on while nobody knows whether it may.
    fn patience(&self) -> Duration {
        Duration::from_secs(self.server.shared.staleness.get())
    }
}

/// A body that fails at its end, so that nobody takes what was sent for the whole.
struct Ending {
    body: Body,
    end: Instant,
    watch: Watch,
    /// When it was last asked whether the answer may go on.
    asked: Instant,
    /// When it was last known that it may.
    known: Instant,
    /// Set when the body first has to be waited for: most never have to.
    alarm: Option<Pin<Box<Sleep>>>,
}

/// The authority ended before the answer did, or was taken away.
#[derive(Debug, thiserror::Error)]
#[error("the answer was broken off: the caller's authority has ended")]
struct AuthorityEnded;

impl Ending {
    /// Why the answer may not go on, if it may not. Time is looked at every time, the rest once a period.
    fn fault(&mut self, now: Instant) -> Option<&'static str> {
        if now >= self.end {
            return Some("authority_ended");
        }
        if now < self.asked + WATCH_PERIOD {
            return None;
        }
        self.asked = now;
        match self.watch.fault() {
            None => {
                self.known = now;
                None
            }
            // what was said of the token is too old to serve another request by (INT-06): asked again, while this one goes on
            Some(Rejection::IntrospectionMissing) if now < self.known + self.watch.patience() => {
                self.watch.ask_again();
                None
            }
            Some(rejection) => Some(rejection.reason()),
        }
    }

    /// When to look next.
    fn next(&self) -> Instant {
        self.end.min(self.asked + WATCH_PERIOD)
    }
}

fn broken_off(reason: &'static str) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
    tracing::info!(reason, "an answer was broken off");
    Poll::Ready(Some(Err(AuthorityEnded.into())))
}

impl http_body::Body for Ending {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        match Pin::new(&mut this.body).poll_frame(cx) {
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Ready(Some(frame)) => match this.fault(Instant::now()) {
                Some(reason) => broken_off(reason),
                None => Poll::Ready(Some(frame.map_err(Into::into))),
            },
            Poll::Pending => loop {
                let next = this.next();
                let alarm = this.alarm.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(next)));
                ready!(alarm.as_mut().poll(cx));
                if let Some(reason) = this.fault(Instant::now()) {
                    return broken_off(reason);
                }
                // rung for the last look; for the next one it is polled once more, so that it rings at all
                let next = this.next();
                if let Some(alarm) = &mut this.alarm {
                    alarm.as_mut().reset(next);
                }
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_until_the_second_is_over_in_which_its_authority_ends() {
        let left = |now: u64| time_left(UnixTime::from_secs(1000), UnixTime::from_secs(now)).as_secs();
        assert_eq!([900, 999, 1000, 1001, 1029, 1030].map(left), [101, 2, 1, 30, 2, 1]);
        // a request so late is refused anyway
        assert_eq!([1031, 2000].map(left), [0, 0]);
    }
}
