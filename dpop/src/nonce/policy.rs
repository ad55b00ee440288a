//! What a route does with nonces, and the rule for the time after a start.

use handfast_identity::{Seconds, UnixTime};

use super::NonceSource;
use crate::ProofWindow;

/// What a check does with nonces. A nonce that is present has to be good in every case but [`Self::Off`] (DPOP-61).
#[derive(Clone, Copy, Debug)]
pub enum NoncePolicy<'a> {
    /// The server hands out none; a `nonce` in a proof is an unknown claim (DPOP-37).
    ///
    /// With a replay store that forgets at a restart this leaves the restart hole open: see [`RestartRule`].
    Off,
    /// The server hands out nonces of `source`.
    On {
        /// Where they come from.
        source: &'a dyn NonceSource,
        /// Whether a proof may come without one.
        demand: NonceDemand,
        /// Whether a good one makes up for a wrong client clock.
        effect: NonceEffect,
    },
}

/// Whether a proof may come without a nonce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NonceDemand {
    /// A fresh proof passes without one. A stateless source cannot tell who was given a nonce and leaves it out, so a server
    /// that relies on nonces demands them (DPOP-60).
    WhenSent,
    /// No proof passes without one.
    Always,
}

/// What a good nonce changes about the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NonceEffect {
    /// Nothing: `iat` has to be fresh as well. The default.
    AddsToClock,
    /// Freshness is judged by the nonce and `iat` does not count (DPOP-54). The proof is then remembered for as long as its
    /// nonce is accepted.
    ReplacesClock,
}

impl<'a> NoncePolicy<'a> {
    /// Nonces are handed out and checked when sent; the clock counts.
    #[must_use]
    pub const fn adds(source: &'a dyn NonceSource) -> Self {
        Self::On { source, demand: NonceDemand::WhenSent, effect: NonceEffect::AddsToClock }
    }

    /// Every proof needs a nonce; the clock counts as well.
    #[must_use]
    pub const fn required(source: &'a dyn NonceSource) -> Self {
        Self::On { source, demand: NonceDemand::Always, effect: NonceEffect::AddsToClock }
    }

    /// A nonce makes up for a wrong client clock; a proof without one is judged by the clock.
    #[must_use]
    pub const fn replaces_clock(source: &'a dyn NonceSource) -> Self {
        Self::On { source, demand: NonceDemand::WhenSent, effect: NonceEffect::ReplacesClock }
    }

    /// The same policy, demanding a nonce while `rule` does. [`Self::Off`] stays off: it has none to offer.
    #[must_use]
    pub fn after_start(self, rule: RestartRule, now: UnixTime) -> Self {
        match self {
            Self::On { source, effect, .. } if rule.demands_nonce(now) => {
                Self::On { source, demand: NonceDemand::Always, effect }
            }
            unchanged => unchanged,
        }
    }
}

/// The rule for servers whose replay store forgets when the process ends.
///
/// A proof accepted just before the end could be accepted again by the next process. So until every proof that could be older
/// than the start is stale, a proof needs a nonce made by this process, and nonces of an earlier one are unknown. Honest
/// clients get `use_dpop_nonce` and repeat by themselves. A durable store needs no such rule (P-02, TH27).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestartRule {
    last_demanding: UnixTime,
}

impl RestartRule {
    /// The rule for a process started at `started`; `window` is the widest of all its routes.
    #[must_use]
    pub const fn new(started: UnixTime, window: ProofWindow) -> Self {
        // the youngest proof from before has `iat` = start + future, and is fresh for `past` more
        Self { last_demanding: started.saturating_add(window.total()) }
    }

    /// Whether a proof needs a nonce at `now`: through `started + past + future`, that second included.
    #[must_use]
    pub fn demands_nonce(self, now: UnixTime) -> bool {
        now <= self.last_demanding
    }

    /// The first second in which proofs without a nonce are judged by the clock again.
    #[must_use]
    pub const fn ends(self) -> UnixTime {
        self.last_demanding.saturating_add(Seconds::new(1))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed set-up should stop the test")]
mod tests {
    use super::super::{NONCE_PERIOD, NonceKeys, NonceRole, NonceSecret};
    use super::*;

    #[test]
    fn the_rule_covers_every_proof_older_than_the_start() {
        let started = UnixTime::from_secs(1_000);
        let rule = RestartRule::new(started, ProofWindow::default());
        // 60 + 30 s; a clock set back behind the start demands too
        for (now, expected) in [(0, true), (1_000, true), (1_090, true), (1_091, false), (u64::MAX, false)] {
            assert_eq!(rule.demands_nonce(UnixTime::from_secs(now)), expected, "{now}");
        }
        assert_eq!(rule.ends(), UnixTime::from_secs(1_091));
    }

    #[test]
    fn a_policy_demands_only_while_the_rule_does() {
        let secret = NonceSecret::from_shared(&[1; 32]);
        let keys = NonceKeys::new(&secret, NonceRole::ResourceServer, NONCE_PERIOD).unwrap();
        let rule = RestartRule::new(UnixTime::from_secs(1_000), ProofWindow::default());
        let demand = |policy: NoncePolicy<'_>, now| match policy.after_start(rule, UnixTime::from_secs(now)) {
            NoncePolicy::Off => None,
            NoncePolicy::On { demand, effect, .. } => Some((demand, effect)),
        };
        let adds = NonceEffect::AddsToClock;
        let replaces = NonceEffect::ReplacesClock;
        assert_eq!(demand(NoncePolicy::adds(&keys), 1_090), Some((NonceDemand::Always, adds)));
        assert_eq!(demand(NoncePolicy::adds(&keys), 1_091), Some((NonceDemand::WhenSent, adds)));
        assert_eq!(demand(NoncePolicy::replaces_clock(&keys), 1_000), Some((NonceDemand::Always, replaces)));
        assert_eq!(demand(NoncePolicy::required(&keys), 2_000), Some((NonceDemand::Always, adds)));
        assert_eq!(demand(NoncePolicy::Off, 1_000), None);
    }
}
