//! Pushing the feed: one message after the other, for as long as its reader keeps up.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};

use super::told::{Feed, FeedError, Told};

/// How long a stream is silent at most: the heartbeat of the feed.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// How long a reader may take for what was sent before. Then the stream ends: it can ask for what it missed.
const SLOW_READER: Duration = Duration::from_secs(20);
/// Messages made ahead of the reader.
const AHEAD: usize = 1;

/// The messages of one stream; dropping it ends the stream.
pub(crate) type Messages = mpsc::Receiver<Told>;

impl Feed {
    /// Begins a stream behind number `after`, or with the snapshot. `None` if as many are open as may be.
    ///
    /// # Errors
    ///
    /// [`FeedError`] of its first message.
    pub(crate) async fn stream(self: Arc<Self>, after: Option<u64>) -> Result<Option<Messages>, FeedError> {
        let Some(place) = self.place() else { return Ok(None) };
        let first = match after {
            Some(after) => self.news(after, Duration::ZERO).await?,
            None => self.whole().await?,
        };
        let (sender, messages) = mpsc::channel(AHEAD);
        let stopped = self.stopped();
        tokio::spawn(self.push(first, sender, stopped, place));
        Ok(Some(messages))
    }

    async fn push(
        self: Arc<Self>,
        first: Told,
        sender: mpsc::Sender<Told>,
        mut stopped: watch::Receiver<bool>,
        _place: OwnedSemaphorePermit,
    ) {
        let mut message = first;
        loop {
            let known = message.to;
            if sender.send_timeout(message, SLOW_READER).await.is_err() {
                return;
            }
            let next = tokio::select! {
                next = self.news(known, HEARTBEAT) => next,
                () = sender.closed() => return,
                _ = stopped.wait_for(|stopped| *stopped) => return,
            };
            match next {
                Ok(next) => message = next,
                Err(error) => {
                    tracing::error!(%error, "a stream of the feed ends");
                    return;
                }
            }
        }
    }
}
