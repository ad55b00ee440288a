//! Where the time comes from: the one clock of a resource server, which tests turn by hand.

use std::time::{SystemTime, UNIX_EPOCH};

use handfast_identity::UnixTime;

/// The wall clock of a resource server. Each check reads it once (AT-16).
///
/// A clock that runs ahead accepts proofs from the future and refuses good tokens early; one that is behind does the reverse.
/// One that is set back makes no old proof new: the replay store sees to that (TH77). Closures are clocks.
pub trait Clock: Send + Sync + 'static {
    /// The time now.
    fn now(&self) -> UnixTime;
}

impl<F: Fn() -> UnixTime + Send + Sync + 'static> Clock for F {
    fn now(&self) -> UnixTime {
        self()
    }
}

/// The operating system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> UnixTime {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        UnixTime::from_secs(since.as_secs())
    }
}
