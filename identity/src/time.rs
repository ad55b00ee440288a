//! Seconds since 1970-01-01T00:00:00Z, as an argument: no crate below the shells reads a clock.

use core::fmt;

use serde::{Deserialize, Serialize};

/// The largest second count accepted anywhere: 2^53 − 1, the largest integer every JSON reader keeps exactly (RFC 8259 6).
pub const MAX_UNIX_SECONDS: u64 = (1 << 53) - 1;

/// A length of time in whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seconds(u64);

impl Seconds {
    /// `count` seconds.
    #[must_use]
    pub const fn new(count: u64) -> Self {
        Self(count)
    }

    /// The count.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} s", self.0)
    }
}

/// A point in time in whole seconds since the Unix epoch, leap seconds not counted (RFC 7519 `NumericDate`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixTime(u64);

impl UnixTime {
    /// The epoch itself.
    pub const EPOCH: Self = Self(0);

    /// `seconds` after the epoch.
    #[must_use]
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds)
    }

    /// Seconds since the epoch.
    #[must_use]
    pub const fn as_secs(self) -> u64 {
        self.0
    }

    /// `self + length`, stopping at the largest value instead of wrapping.
    #[must_use]
    pub const fn saturating_add(self, length: Seconds) -> Self {
        Self(self.0.saturating_add(length.0))
    }

    /// `self - length`, stopping at the epoch instead of wrapping.
    #[must_use]
    pub const fn saturating_sub(self, length: Seconds) -> Self {
        Self(self.0.saturating_sub(length.0))
    }

    /// How long after `earlier` this is; zero when it is not after it.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Seconds {
        Seconds(self.0.saturating_sub(earlier.0))
    }
}

impl fmt::Display for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}
