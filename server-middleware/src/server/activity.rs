//! What a connection is doing, so that one which does nothing can be ended.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Requests of one connection.
#[derive(Clone, Debug)]
pub(super) struct Activity(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    under_way: usize,
    had_any: bool,
    since: Instant,
}

/// What to do about a connection at its deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It never sent a whole header section: close it.
    Close,
    /// It has been idle: let it finish what it is sending, and take no more requests.
    WindDown,
    /// It is, or was until just now, at work: ask again then.
    AskAgain(Instant),
}

/// One request under way; ends when dropped.
pub(super) struct UnderWay(Activity);

impl Activity {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(State { under_way: 0, had_any: false, since: Instant::now() })))
    }

    pub(super) fn begin(&self) -> UnderWay {
        let mut state = self.state();
        state.under_way += 1;
        state.had_any = true;
        UnderWay(self.clone())
    }

    /// What to do now, given how long the first header section and a pause may take.
    pub(super) fn verdict(&self, header_timeout: Duration, idle_timeout: Duration) -> Verdict {
        let now = Instant::now();
        let state = self.state();
        let (limit, verdict) =
            if state.had_any { (idle_timeout, Verdict::WindDown) } else { (header_timeout, Verdict::Close) };
        let deadline = if state.under_way > 0 { now + limit } else { state.since + limit };
        if deadline <= now { verdict } else { Verdict::AskAgain(deadline) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.under_way = state.under_way.saturating_sub(1);
        state.since = Instant::now();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: Duration = Duration::from_secs(8);
    const IDLE: Duration = Duration::from_secs(60);

    #[tokio::test(start_paused = true)]
    async fn deadlines_follow_what_the_connection_does() {
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let activity = Activity::new();
        let verdict = || activity.verdict(HEADER, IDLE);
        assert_eq!(verdict(), Verdict::AskAgain(after(8)));
        tokio::time::advance(Duration::from_secs(8)).await;
        assert_eq!(verdict(), Verdict::Close);
        let (one, other) = (activity.begin(), activity.begin());
        assert_eq!(verdict(), Verdict::AskAgain(after(68)));
        drop(one);
        tokio::time::advance(Duration::from_secs(100)).await;
        assert_eq!(verdict(), Verdict::AskAgain(after(168)));
        drop(other);
        tokio::time::advance(Duration::from_secs(59)).await;
        assert_eq!(verdict(), Verdict::AskAgain(after(168)));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(verdict(), Verdict::WindDown);
    }
}
