//! How many fetches run at once, and which hosts have to wait: nobody's host takes what belongs to all.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Fetches at once, of all hosts together (spec/limits.md).
pub(super) const MAX_FETCHES: usize = 64;
/// Fetches at once from one host (spec/limits.md).
pub(super) const MAX_FETCHES_OF_HOST: usize = 4;
/// How long a host is left alone that let a fetch wait, or broke it off (spec/limits.md).
pub(super) const PAUSE: Duration = Duration::from_secs(10);
/// Hosts that are known at once to be left alone; further ones are not remembered (spec/limits.md).
const MAX_PAUSES: usize = 4096;
/// Wrong answers of one host that are taken one behind the other (spec/limits.md).
pub(super) const MAX_WRONG: u32 = 16;
/// How long it takes until one wrong answer more is taken (spec/limits.md).
pub(super) const WRONG_PERIOD: Duration = Duration::from_millis(50);
/// Hosts whose wrong answers are counted at once; those of further ones are not (spec/limits.md).
const MAX_WRONG_HOSTS: usize = 4096;

/// What is going on at each host.
#[derive(Clone, Debug, Default)]
pub(super) struct Hosts(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    running: HashMap<String, usize>,
    /// Of all hosts.
    all: usize,
    pauses: HashMap<String, Instant>,
    /// When the wrong answers of a host are over and done with: each puts it off by one period.
    wrong: HashMap<String, Instant>,
}

/// Why a host is not asked now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotNow {
    /// It let somebody wait, moments ago.
    Paused,
    /// As many fetches run as may, or as many went wrong.
    Busy,
}

/// The right to one fetch from a host. Dropping it gives it back.
#[derive(Debug)]
pub(super) struct Permit {
    hosts: Hosts,
    host: String,
}

impl Hosts {
    /// Why `host` is not asked now, if it is not. A document that was `found` there before is asked for whatever else the host
    /// answered wrongly: those who look for what is not there take nothing from it.
    pub(super) fn refusal(&self, host: &str, was_found: bool, now: Instant) -> Option<NotNow> {
        let state = self.state();
        let refusal = state.refusal(host, now);
        refusal.or_else(|| (!was_found && state.is_tiresome(host, now)).then_some(NotNow::Busy))
    }

    /// The right to a fetch from `host`, unless it has to wait. Nobody queues.
    pub(super) fn enter(&self, host: &str, now: Instant) -> Result<Permit, NotNow> {
        let mut state = self.state();
        if let Some(refusal) = state.refusal(host, now) {
            return Err(refusal);
        }
        state.pauses.remove(host);
        state.all += 1;
        match state.running.get_mut(host) {
            Some(count) => *count += 1,
            None => drop(state.running.insert(host.to_owned(), 1)),
        }
        Ok(Permit { hosts: self.clone(), host: host.to_owned() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Why nothing at all is asked of `host` now.
    fn refusal(&self, host: &str, now: Instant) -> Option<NotNow> {
        if self.pauses.get(host).is_some_and(|until| *until > now) {
            return Some(NotNow::Paused);
        }
        let of_host = self.running.get(host).copied().unwrap_or_default();
        (self.all >= MAX_FETCHES || of_host >= MAX_FETCHES_OF_HOST).then_some(NotNow::Busy)
    }

    /// Whether `host` gave as many wrong answers as are taken for now.
    fn is_tiresome(&self, host: &str, now: Instant) -> bool {
        self.wrong.get(host).is_some_and(|over| *over > now + WRONG_PERIOD * (MAX_WRONG - 1))
    }
}

impl Permit {
    /// The host is left alone for a while.
    pub(super) fn pause_host(&self, now: Instant) {
        put(&mut self.hosts.state().pauses, &self.host, now + PAUSE, MAX_PAUSES, now);
    }

    /// The host answered at once, and wrongly.
    pub(super) fn answered_wrongly(&self, now: Instant) {
        let wrong = &mut self.hosts.state().wrong;
        let over = wrong.get(&self.host).map_or(now, |over| now.max(*over)) + WRONG_PERIOD;
        put(wrong, &self.host, over, MAX_WRONG_HOSTS, now);
    }
}

/// Remembers a time of `host`, if there is room for it once the times that are over have gone.
fn put(times: &mut HashMap<String, Instant>, host: &str, time: Instant, most: usize, now: Instant) {
    if let Some(known) = times.get_mut(host) {
        *known = time;
        return;
    }
    if times.len() >= most {
        times.retain(|_, time| *time > now);
    }
    if times.len() < most {
        times.insert(host.to_owned(), time);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.hosts.state();
        state.all -= 1;
        match state.running.get_mut(&self.host) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(state.running.remove(&self.host)),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test that cannot set itself up should stop
mod tests {
    use super::*;

    #[test]
    fn a_host_has_its_share_and_all_have_theirs() {
        let (hosts, now) = (Hosts::default(), Instant::now());
        let enter = |host: &str| hosts.enter(host, now);
        let of_one: Vec<_> = (0..MAX_FETCHES_OF_HOST).map(|_| enter("a").unwrap()).collect();
        assert_eq!(enter("a").map(|_| ()), Err(NotNow::Busy));
        let of_others: Vec<_> =
            (0..MAX_FETCHES - MAX_FETCHES_OF_HOST).map(|number| enter(&format!("h{number}")).unwrap()).collect();
        assert_eq!(enter("b").map(|_| ()), Err(NotNow::Busy));
        drop(of_one);
        assert!(enter("a").is_ok() && enter("b").is_ok());
        drop(of_others);
        let state = hosts.state();
        assert_eq!((state.all, state.running.len()), (0, 0));
    }

    #[test]
    fn a_host_that_let_somebody_wait_is_left_alone_for_a_while() {
        let (hosts, now) = (Hosts::default(), Instant::now());
        hosts.enter("a", now).unwrap().pause_host(now);
        assert_eq!(hosts.enter("a", now + PAUSE - Duration::from_millis(1)).map(|_| ()), Err(NotNow::Paused));
        assert!(hosts.enter("b", now).is_ok());
        assert!(hosts.enter("a", now + PAUSE).is_ok());
    }

    #[test]
    fn p18_wrong_answers_of_a_host_are_taken_at_a_pace_and_what_was_found_is_asked_for_at_any() {
        let (hosts, now) = (Hosts::default(), Instant::now());
        let refusal = |now| hosts.refusal("a", false, now);
        for _ in 0..MAX_WRONG {
            assert_eq!(refusal(now), None);
            hosts.enter("a", now).unwrap().answered_wrongly(now);
        }
        assert_eq!((refusal(now), hosts.refusal("a", true, now)), (Some(NotNow::Busy), None));
        assert_eq!(hosts.refusal("b", false, now), None);
        let moment = Duration::from_millis(1);
        assert_eq!(refusal(now + WRONG_PERIOD - moment), Some(NotNow::Busy));
        // one more, and no second
        let later = now + WRONG_PERIOD;
        assert_eq!(refusal(later), None);
        hosts.enter("a", later).unwrap().answered_wrongly(later);
        assert_eq!(refusal(later), Some(NotNow::Busy));
        // whoever is quiet for long enough may begin anew, and has no more than others
        let quiet = later + WRONG_PERIOD * MAX_WRONG * 9;
        for _ in 0..MAX_WRONG {
            assert_eq!(refusal(quiet), None);
            hosts.enter("a", quiet).unwrap().answered_wrongly(quiet);
        }
        assert_eq!(refusal(quiet), Some(NotNow::Busy));
    }

    #[test]
    fn a_pause_and_a_full_host_are_refused_whatever_was_found() {
        let (hosts, now) = (Hosts::default(), Instant::now());
        let _all: Vec<_> = (0..MAX_FETCHES_OF_HOST).map(|_| hosts.enter("a", now).unwrap()).collect();
        hosts.enter("b", now).unwrap().pause_host(now);
        for was_found in [false, true] {
            assert_eq!(hosts.refusal("a", was_found, now), Some(NotNow::Busy));
            assert_eq!(hosts.refusal("b", was_found, now), Some(NotNow::Paused));
        }
    }

    #[test]
    fn the_hosts_whose_wrong_answers_are_counted_are_bounded() {
        let (hosts, now) = (Hosts::default(), Instant::now());
        for number in 0..MAX_WRONG_HOSTS + 9 {
            hosts.enter(&number.to_string(), now).unwrap().answered_wrongly(now);
        }
        assert_eq!(hosts.state().wrong.len(), MAX_WRONG_HOSTS);
        hosts.enter("later", now + WRONG_PERIOD).unwrap().answered_wrongly(now + WRONG_PERIOD);
        assert_eq!(hosts.state().wrong.len(), 1);
    }

    #[test]
    fn the_pauses_remembered_are_bounded() {
        let (hosts, now) = (Hosts::default(), Instant::now());
        for number in 0..MAX_PAUSES + 9 {
            hosts.enter(&number.to_string(), now).unwrap().pause_host(now);
        }
        assert_eq!(hosts.state().pauses.len(), MAX_PAUSES);
        hosts.enter("later", now + PAUSE).unwrap().pause_host(now + PAUSE);
        assert_eq!(hosts.state().pauses.len(), 1);
    }
}
