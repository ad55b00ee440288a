//! How old a proof may be, and how far ahead its maker's clock.

use core::fmt;

use handfast_identity::{Seconds, UnixTime};

/// Age of a proof by default (spec/limits.md).
pub const DEFAULT_PAST: Seconds = Seconds::new(60);
/// Clock skew into the future by default (spec/limits.md).
pub const DEFAULT_FUTURE: Seconds = Seconds::new(30);
/// Age of a proof in the profile for the Model Context Protocol (spec/limits.md).
pub const MCP_PAST: Seconds = Seconds::new(300);
/// Clock skew into the future in that profile (spec/limits.md).
pub const MCP_FUTURE: Seconds = Seconds::new(60);
/// Bounds of the age, both included (DPOP-46).
pub const PAST_BOUNDS: (Seconds, Seconds) = (Seconds::new(5), Seconds::new(600));
/// Bounds of the skew, both included (DPOP-46).
pub const FUTURE_BOUNDS: (Seconds, Seconds) = (Seconds::new(5), Seconds::new(300));

/// The window in which a proof's `iat` has to lie: from `now - past` to `now + future`, both seconds included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProofWindow {
    past: Seconds,
    future: Seconds,
}

impl ProofWindow {
    /// A window of the given sides.
    ///
    /// # Errors
    ///
    /// [`WindowError`] for a `past` outside 5 to 600 seconds or a `future` outside 5 to 300.
    pub fn new(past: Seconds, future: Seconds) -> Result<Self, WindowError> {
        let within = |side: Seconds, (least, most): (Seconds, Seconds)| least <= side && side <= most;
        if within(past, PAST_BOUNDS) && within(future, FUTURE_BOUNDS) {
            Ok(Self { past, future })
        } else {
            Err(WindowError)
        }
    }

    /// The window of HTTP APIs: 60 s past and 30 s future. The default.
    #[must_use]
    pub const fn web() -> Self {
        Self { past: DEFAULT_PAST, future: DEFAULT_FUTURE }
    }

    /// The window of the profile for the Model Context Protocol: 300 s past and 60 s future.
    #[must_use]
    pub const fn mcp() -> Self {
        Self { past: MCP_PAST, future: MCP_FUTURE }
    }

    /// How old a proof may be.
    #[must_use]
    pub const fn past(self) -> Seconds {
        self.past
    }

    /// How far in the future it may seem to be made.
    #[must_use]
    pub const fn future(self) -> Seconds {
        self.future
    }

    /// Both sides together: how long after its `iat` a proof is remembered.
    #[must_use]
    pub const fn total(self) -> Seconds {
        Seconds::new(self.past.get() + self.future.get())
    }

    pub(crate) fn place(self, issued_at: UnixTime, now: UnixTime) -> Place {
        if issued_at.saturating_add(self.past) < now {
            Place::Before
        } else if issued_at > now.saturating_add(self.future) {
            Place::Behind
        } else {
            Place::Inside
        }
    }
}

impl Default for ProofWindow {
    fn default() -> Self {
        Self::web()
    }
}

/// Where a time lies, seen from a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Too old.
    Before,
    Inside,
    /// Too far in the future.
    Behind,
}

/// A side of the window is outside its bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowError;

impl fmt::Display for WindowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a proof window is 5 to 600 seconds into the past and 5 to 300 into the future")
    }
}

impl core::error::Error for WindowError {}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed set-up should stop the test")]
mod tests {
    use super::*;

    #[test]
    fn both_ends_are_inside() {
        let now = UnixTime::from_secs(1_000_000);
        let windows = [(ProofWindow::default(), 60, 30), (ProofWindow::mcp(), 300, 60)];
        for (window, past, future) in windows {
            let place =
                |offset: i64| window.place(UnixTime::from_secs(1_000_000_u64.saturating_add_signed(offset)), now);
            assert_eq!(place(-past - 1), Place::Before); // TH23
            assert_eq!(place(-past), Place::Inside);
            assert_eq!(place(future), Place::Inside);
            assert_eq!(place(future + 1), Place::Behind); // TH23
        }
    }

    #[test]
    fn sides_have_bounds() {
        for named in [ProofWindow::default(), ProofWindow::mcp()] {
            assert_eq!(ProofWindow::new(named.past(), named.future()), Ok(named));
        }
        let cases =
            [(4, 5, false), (5, 5, true), (5, 4, false), (600, 300, true), (601, 300, false), (600, 301, false)];
        for (past, future, good) in cases {
            assert_eq!(ProofWindow::new(Seconds::new(past), Seconds::new(future)).is_ok(), good, "{past} {future}");
        }
    }

    #[test]
    fn the_ends_of_time_do_not_wrap() {
        let window = ProofWindow::default();
        let last = UnixTime::from_secs(u64::MAX);
        assert_eq!(window.place(last, UnixTime::EPOCH), Place::Behind);
        assert_eq!(window.place(UnixTime::EPOCH, last), Place::Before);
        assert_eq!(window.place(last, last), Place::Inside);
    }
}
