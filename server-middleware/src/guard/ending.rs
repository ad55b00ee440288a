//! Answers that end with the authority they were given under.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::BoxError;
use axum::body::Body;
use bytes::Bytes;
use handfast_identity::{Seconds, UnixTime};
use handfast_verifier::CLOCK_LEEWAY;
use http_body::{Body as _, Frame, SizeHint};
use tokio::time::{Instant, Sleep};

/// A second that has begun counts as a whole one, in times of tokens as in the check.
const BEGUN: Seconds = Seconds::new(1);

/// How long an answer may go on that is begun `now` under an authority that ends at `expires_at`: to that end, or for a
/// request that came within the leeway after it, to the end of the leeway.
pub(super) fn time_left(expires_at: UnixTime, now: UnixTime) -> Duration {
    let end = if now <= expires_at { expires_at } else { expires_at.saturating_add(CLOCK_LEEWAY) };
    Duration::from_secs(end.saturating_add(BEGUN).since(now).get())
}

/// The same body, broken off after `left`. One that is there as a whole is left as it is.
pub(super) fn ending(body: Body, left: Duration) -> Body {
    match Instant::now().checked_add(left) {
        Some(end) if !body.is_end_stream() => Body::new(Ending { body, end, alarm: None }),
        Some(_) | None => body,
    }
}

/// A body that fails at its end, so that nobody takes what was sent for the whole.
struct Ending {
    body: Body,
    end: Instant,
    /// Set when the body first has to be waited for: most never have to.
    alarm: Option<Pin<Box<Sleep>>>,
}

/// The authority ended before the answer did.
#[derive(Debug, thiserror::Error)]
#[error("the answer was broken off: the caller's authority has ended")]
struct AuthorityEnded;

impl Ending {
    fn broken_off() -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        tracing::info!(reason = "authority_ended", "an answer was broken off");
        Poll::Ready(Some(Err(AuthorityEnded.into())))
    }
}

impl http_body::Body for Ending {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        match Pin::new(&mut this.body).poll_frame(cx) {
            Poll::Ready(Some(_)) if Instant::now() >= this.end => Self::broken_off(),
            Poll::Ready(frame) => Poll::Ready(frame.map(|frame| frame.map_err(Into::into))),
            Poll::Pending => {
                let end = this.end;
                let alarm = this.alarm.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(end)));
                ready!(alarm.as_mut().poll(cx));
                Self::broken_off()
            }
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
