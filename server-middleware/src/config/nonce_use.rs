//! What a resource does with nonces.

use handfast_dpop::{NoncePolicy, NonceSource};

/// What a resource does with nonces. After a start every one but `Off` demands them for the length of the proof window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NonceUse {
    /// None are handed out, and none are looked at. A restart then opens a hole for replays: refused in production.
    Off,
    /// Checked when sent, demanded after a start. The default.
    #[default]
    WhenSent,
    /// No proof passes without one.
    Always,
    /// As `WhenSent`, and a good one makes up for a wrong clock of the client (DPOP-54).
    ReplacesClock,
}

impl NonceUse {
    pub(crate) const fn policy(self, source: &dyn NonceSource) -> NoncePolicy<'_> {
        match self {
            Self::Off => NoncePolicy::Off,
            Self::WhenSent => NoncePolicy::adds(source),
            Self::Always => NoncePolicy::required(source),
            Self::ReplacesClock => NoncePolicy::replaces_clock(source),
        }
    }
}
