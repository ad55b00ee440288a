//! The clock, as a port: tests turn it by hand.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use handfast_identity::UnixTime;

/// Tells the time that proofs are dated with and tokens are renewed by.
///
/// A clock that is wrong makes proofs stale and renews tokens at the wrong moment; it opens nothing.
pub trait Clock: fmt::Debug + Send + Sync {
    /// Now.
    fn now(&self) -> UnixTime;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> UnixTime {
        // a clock before 1970 gives the epoch: proofs are refused as stale, nothing worse
        UnixTime::from_secs(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
    }
}
