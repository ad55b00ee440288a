//! Time that stands still until a test turns it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use handfast_identity::{Seconds, UnixTime};

/// When tests begin: 2026-11-21 12:00:00 UTC, the first second of a minute and so of a nonce step.
pub const START: UnixTime = UnixTime::from_secs(1_795_262_400);

/// A clock turned by hand. Clones show the same time.
///
/// ```
/// use handfast_identity::Seconds;
/// use handfast_testkit::{HandClock, START};
/// let clock = HandClock::at(START);
/// let seen_elsewhere = clock.clone();
/// clock.advance(30);
/// assert_eq!(seen_elsewhere.now(), START.saturating_add(Seconds::new(30)));
/// ```
#[derive(Clone, Debug)]
pub struct HandClock(Arc<AtomicU64>);

impl HandClock {
    /// A clock that shows `time`.
    #[must_use]
    pub fn at(time: UnixTime) -> Self {
        Self(Arc::new(AtomicU64::new(time.as_secs())))
    }

    /// What it shows.
    #[must_use]
    pub fn now(&self) -> UnixTime {
        UnixTime::from_secs(self.0.load(Ordering::SeqCst))
    }

    /// Moves it on by `seconds`.
    pub fn advance(&self, seconds: u64) {
        self.set(self.now().saturating_add(Seconds::new(seconds)));
    }

    /// Sets it, back as well.
    pub fn set(&self, time: UnixTime) {
        self.0.store(time.as_secs(), Ordering::SeqCst);
    }
}

impl Default for HandClock {
    /// A clock that shows [`START`].
    fn default() -> Self {
        Self::at(START)
    }
}
