//! How often an issuer is asked, and how patiently.

use std::time::Duration;

use handfast_identity::{OsRandom, random_bytes};

/// The times of a keeper. The defaults are right for a registry of this project; tests make them shorter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// How long a start waits for the issuers' first answers.
    pub patience: Duration,
    /// Longest age of token keys before they are fetched again (JWKS-06: caches bound the delay of a removal).
    pub key_age: Duration,
    /// Shortest time between two fetches caused by tokens with unknown key ids (JWKS-04, TH54).
    pub key_cool_down: Duration,
    /// How long an issuer may hold a question for news, in whole seconds. Less than the staleness, or quiet would be unknown.
    pub feed_wait: Duration,
    /// Shortest time between two questions for news that brought none.
    pub feed_pause: Duration,
    /// How long a stream of news may be silent before it counts as broken: two heartbeats, and less than the staleness.
    pub stream_silence: Duration,
    /// How long to ask for news instead after an issuer has refused to push them.
    pub stream_retry: Duration,
    /// Wait after a first failure; it doubles with every further one, and jitter takes up to half of it.
    pub first_retry: Duration,
    /// Longest wait after a failure.
    pub last_retry: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            patience: Duration::from_secs(5),
            key_age: Duration::from_secs(300),
            key_cool_down: Duration::from_secs(60),
            feed_wait: Duration::from_secs(10),
            feed_pause: Duration::from_secs(1),
            stream_silence: Duration::from_secs(21),
            stream_retry: Duration::from_secs(60),
            first_retry: Duration::from_millis(500),
            last_retry: Duration::from_secs(15),
        }
    }
}

/// The waits after failures in a row.
#[derive(Debug)]
pub(super) struct Backoff {
    pace: Pace,
    next: Duration,
}

impl Backoff {
    pub(super) const fn new(pace: Pace) -> Self {
        Self { pace, next: pace.first_retry }
    }

    pub(super) const fn reset(&mut self) {
        self.next = self.pace.first_retry;
    }

    /// The next wait: half of it certain, half of it chance, so that servers that failed together do not return together.
    pub(super) fn wait(&mut self) -> Duration {
        let full = self.next.min(self.pace.last_retry);
        self.next = full.saturating_mul(2);
        let chance = u32::from(u16::from_be_bytes(random_bytes(&mut OsRandom)));
        full / 2 + full / 2 * chance / u32::from(u16::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_last_and_start_over() {
        let mut backoff = Backoff::new(Pace::default());
        for milliseconds in [500, 1000, 2000, 4000, 8000, 15_000, 15_000] {
            let full = Duration::from_millis(milliseconds);
            let wait = backoff.wait();
            assert!(full / 2 <= wait && wait <= full, "{wait:?} of {full:?}");
        }
        backoff.reset();
        assert!(backoff.wait() <= Duration::from_millis(500));
    }
}
