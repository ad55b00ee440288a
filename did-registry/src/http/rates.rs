//! How often strangers may try to register (P-18, C15).
//!
//! Two counts, both of the current minute: tries by source, good or not, taken before anything dear is done; and acceptances
//! in total, taken when a statement was found good. So junk uses up the share of its own source and nothing of the total.
//! Behind a proxy that is one source for all, and its share is to be set for all.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use handfast_identity::{Seconds, UnixTime};
use handfast_registry_model::Refusal;

const WINDOW_SECONDS: u64 = 60;
/// Windows a clock may be set back without opening a new one. Farther back, the running one was begun by a clock gone astray.
const MAX_WINDOWS_BACK: u64 = 1;
/// Sources remembered at once, some 40 bytes each. Beyond them new sources wait for the next minute.
const MAX_SOURCES: usize = 100_000;

/// The two counts.
#[derive(Debug)]
pub(crate) struct Rates {
    per_source: u32,
    in_total: u32,
    window: Mutex<Window>,
}

#[derive(Debug, Default)]
struct Window {
    number: u64,
    by_source: HashMap<Source, u32>,
    accepted: u32,
}

/// Where a request comes from, as far as it can be told apart: an IPv4 address, or an IPv6 network, of which one customer has
/// 2^64 addresses. Unknown ones share one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Source {
    V4([u8; 4]),
    V6([u8; 8]),
    Unknown,
}

impl From<Option<IpAddr>> for Source {
    fn from(address: Option<IpAddr>) -> Self {
        match address.map(|address| address.to_canonical()) {
            None => Self::Unknown,
            Some(IpAddr::V4(address)) => Self::V4(address.octets()),
            Some(IpAddr::V6(address)) => {
                let octets = address.octets();
                Self::V6(octets.first_chunk().copied().unwrap_or_default())
            }
        }
    }
}

impl Rates {
    pub(crate) fn new(per_source: u32, in_total: u32) -> Self {
        Self { per_source, in_total, window: Mutex::default() }
    }

    /// Sources of the current minute, or of the last one that any came in. For metrics.
    pub(super) fn held(&self) -> usize {
        self.window.lock().unwrap_or_else(PoisonError::into_inner).by_source.len()
    }

    /// Counts a try of `source`.
    ///
    /// # Errors
    ///
    /// [`Refusal::SlowDown`] until the next minute.
    pub(super) fn take_try(&self, source: Source, now: UnixTime) -> Result<(), Refusal> {
        let mut window = self.window_at(now);
        let is_full = window.by_source.len() >= MAX_SOURCES;
        match window.by_source.get_mut(&source) {
            Some(tries) if *tries < self.per_source => *tries += 1,
            None if !is_full => {
                window.by_source.insert(source, 1);
            }
            Some(_) | None => return Err(slow_down(now)),
        }
        Ok(())
    }

    /// Counts a good statement.
    ///
    /// # Errors
    ///
    /// [`Refusal::SlowDown`] until the next minute.
    pub(super) fn take_place(&self, now: UnixTime) -> Result<(), Refusal> {
        let mut window = self.window_at(now);
        if window.accepted >= self.in_total {
            return Err(slow_down(now));
        }
        window.accepted += 1;
        Ok(())
    }

    fn window_at(&self, now: UnixTime) -> MutexGuard<'_, Window> {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        let number = now.as_secs() / WINDOW_SECONDS;
        // a clock corrected by seconds does not open the window again; one that was far ahead does not close it for ever
        if number > window.number || window.number - number > MAX_WINDOWS_BACK {
            *window = Window { number, ..Window::default() };
        }
        window
    }
}

fn slow_down(now: UnixTime) -> Refusal {
    Refusal::SlowDown { retry_after: Seconds::new(WINDOW_SECONDS - now.as_secs() % WINDOW_SECONDS) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "constants of the test")]
mod tests {
    use super::*;

    const START: u64 = 1_795_262_400; // the first second of a minute

    fn at(offset: u64) -> UnixTime {
        UnixTime::from_secs(START + offset)
    }

    fn source(text: &str) -> Source {
        Source::from(Some(text.parse().unwrap()))
    }

    #[test]
    fn a_source_has_its_share_of_each_minute() {
        let rates = Rates::new(2, 100);
        let one = source("192.0.2.1");
        for _ in 0..2 {
            assert_eq!(rates.take_try(one, at(0)), Ok(()));
        }
        assert_eq!(rates.take_try(one, at(18)), Err(Refusal::SlowDown { retry_after: Seconds::new(42) }));
        assert_eq!(rates.take_try(source("192.0.2.2"), at(18)), Ok(()));
        assert_eq!(rates.take_try(one, at(59)), Err(Refusal::SlowDown { retry_after: Seconds::new(1) }));
        assert_eq!(rates.take_try(one, at(60)), Ok(()));
    }

    #[test]
    fn the_total_counts_what_was_good() {
        let rates = Rates::new(100, 2);
        for _ in 0..50 {
            assert_eq!(rates.take_try(source("192.0.2.1"), at(0)), Ok(()));
        }
        assert_eq!(rates.take_place(at(1)), Ok(()));
        assert_eq!(rates.take_place(at(1)), Ok(()));
        assert_eq!(rates.take_place(at(2)), Err(Refusal::SlowDown { retry_after: Seconds::new(58) }));
        assert_eq!(rates.take_place(at(60)), Ok(()));
    }

    #[test]
    fn one_network_is_one_source() {
        assert_eq!(source("2001:db8::1"), source("2001:db8::ffff:1"));
        assert_ne!(source("2001:db8::1"), source("2001:db8:0:1::1"));
        assert_eq!(source("::ffff:192.0.2.1"), source("192.0.2.1"));
        assert_ne!(source("192.0.2.1"), source("192.0.2.2"));
    }

    #[test]
    fn a_clock_set_back_opens_nothing() {
        let rates = Rates::new(1, 1);
        assert_eq!(rates.take_try(Source::Unknown, at(60)), Ok(()));
        assert!(rates.take_try(Source::Unknown, at(0)).is_err());
    }

    #[test]
    fn a_clock_that_was_ahead_closes_nothing_for_ever() {
        let rates = Rates::new(1, 1);
        let day = 24 * 60 * 60;
        assert_eq!((rates.take_try(Source::Unknown, at(day)), rates.take_place(at(day))), (Ok(()), Ok(())));
        assert_eq!((rates.take_try(Source::Unknown, at(0)), rates.take_place(at(0))), (Ok(()), Ok(())));
        assert!(rates.take_try(Source::Unknown, at(1)).is_err() && rates.take_place(at(1)).is_err());
        assert_eq!((rates.take_try(Source::Unknown, at(60)), rates.take_place(at(60))), (Ok(()), Ok(())));
    }

    #[test]
    fn the_sources_remembered_are_bounded() {
        let rates = Rates::new(1, 1);
        for number in 0..MAX_SOURCES {
            let address = std::net::Ipv4Addr::from_bits(u32::try_from(number).unwrap());
            assert_eq!(rates.take_try(Source::V4(address.octets()), at(0)), Ok(()));
        }
        assert!(rates.take_try(Source::Unknown, at(0)).is_err());
        assert_eq!(rates.take_try(Source::Unknown, at(60)), Ok(()));
    }
}
