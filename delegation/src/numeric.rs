//! Times as claims write them.

use handfast_identity::{MAX_UNIX_SECONDS, UnixTime};
use serde::{Deserialize, Serialize};

/// A JSON integer of seconds; texts, fractions and negative numbers are refused (AT-18, DEL-43).
#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(transparent)]
pub(crate) struct Numeric(u64);

impl Numeric {
    /// The time, if every JSON reader keeps the number exactly.
    pub(crate) fn time(self) -> Option<UnixTime> {
        (self.0 <= MAX_UNIX_SECONDS).then(|| UnixTime::from_secs(self.0))
    }
}

impl From<UnixTime> for Numeric {
    fn from(time: UnixTime) -> Self {
        Self(time.as_secs())
    }
}
