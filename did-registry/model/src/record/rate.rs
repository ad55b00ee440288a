//! How often one agent made the registry write something: counted in its own records, so that no restart forgets it (P-18).

use handfast_identity::{Seconds, UnixTime};

use crate::Refusal;
use crate::limits::RATE_PERIOD;

/// A count of one period, which begins with the first thing counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rate {
    pub(crate) from: UnixTime,
    pub(crate) last: UnixTime,
    pub(crate) count: u8,
}

impl Rate {
    /// `before` with one more at `now`: at most `most` a period, and `pause` between two.
    ///
    /// A period that lies ahead was begun by a clock since set back. It is over, or the agent would wait for that time.
    ///
    /// # Errors
    ///
    /// [`Refusal::SlowDown`] until the next one may come.
    pub(crate) fn more(before: Option<Self>, most: u8, pause: Seconds, now: UnixTime) -> Result<Self, Refusal> {
        let running = before.filter(|rate| rate.from <= now && now < rate.from.saturating_add(RATE_PERIOD));
        let Some(rate) = running else { return Ok(Self { from: now, last: now, count: 1 }) };
        let until = if rate.count >= most {
            rate.from.saturating_add(RATE_PERIOD)
        } else {
            rate.last.min(now).saturating_add(pause)
        };
        if now < until {
            return Err(Refusal::SlowDown { retry_after: until.since(now) });
        }
        Ok(Self { from: rate.from, last: now, count: rate.count.saturating_add(1) })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed set-up should stop the test")]
mod tests {
    use super::*;

    const PERIOD: u64 = RATE_PERIOD.get();

    fn at(seconds: u64) -> UnixTime {
        UnixTime::from_secs(1_790_000_000 + seconds)
    }

    /// The answer to one more at each of `times`, at most three a period and ten seconds apart: how long to wait, if at all.
    fn check(times: &[(u64, Option<u64>)]) {
        let mut rate = None;
        for (time, expected) in times {
            let result = Rate::more(rate, 3, Seconds::new(10), at(*time));
            let refused = expected.map(|wait| Refusal::SlowDown { retry_after: Seconds::new(wait) });
            assert_eq!(result.clone().err(), refused, "{times:?} at {time}");
            rate = result.ok().or(rate);
        }
    }

    #[test]
    fn there_is_a_pause_between_two() {
        check(&[(0, None), (0, Some(10)), (9, Some(1)), (10, None), (19, Some(1)), (20, None)]);
    }

    #[test]
    fn a_period_has_so_many() {
        check(&[(0, None), (10, None), (20, None), (30, Some(PERIOD - 30)), (PERIOD - 1, Some(1)), (PERIOD, None)]);
        check(&[(0, None), (10, None), (20, None), (PERIOD, None), (PERIOD + 10, None), (PERIOD + 20, None)]);
    }

    #[test]
    fn a_clock_that_was_ahead_locks_nobody_out() {
        check(&[(9 * PERIOD, None), (9 * PERIOD + 10, None), (9 * PERIOD + 20, None), (0, None), (1, Some(9))]);
        // set back inside the period: it goes on, and the pause is no longer than a pause
        check(&[(0, None), (3000, None), (100, Some(10)), (110, Some(10)), (3010, None)]);
    }
}
