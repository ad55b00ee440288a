//! A request body that has to keep arriving.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep};

/// A body that fails when no frame comes for a while.
pub(super) struct SteadyBody {
    inner: Incoming,
    pause: Duration,
    deadline: Pin<Box<Sleep>>,
}

/// No part of the body came in time.
#[derive(Debug, thiserror::Error)]
#[error("the request body stopped arriving")]
pub(super) struct Stalled;

impl SteadyBody {
    pub(super) fn new(inner: Incoming, pause: Duration) -> Self {
        Self { inner, pause, deadline: Box::pin(tokio::time::sleep(pause)) }
    }
}

impl Body for SteadyBody {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.get_mut();
        match Pin::new(&mut this.inner).poll_frame(cx) {
            Poll::Ready(frame) => {
                this.deadline.as_mut().reset(Instant::now() + this.pause);
                Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
            }
            Poll::Pending => this.deadline.as_mut().poll(cx).map(|()| Some(Err(Stalled.into()))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
