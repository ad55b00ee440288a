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

/// What is going on at each host.
#[derive(Clone, Debug, Default)]
pub(super) struct Hosts(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    running: HashMap<String, usize>,
    /// Of all hosts.
    all: usize,
    pauses: HashMap<String, Instant>,
}

/// Why a host is not asked now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotNow {
    /// It let somebody wait, moments ago.
    Paused,
    /// As many fetches run as may.
    Busy,
}

/// The right to one fetch from a host. Dropping it gives it back.
#[derive(Debug)]
pub(super) struct Permit {
    hosts: Hosts,
    host: String,
}

impl Hosts {
    /// Whether `host` is left alone now.
    pub(super) fn is_paused(&self, host: &str, now: Instant) -> bool {
        self.state().pauses.get(host).is_some_and(|until| *until > now)
    }

    /// The right to a fetch from `host`, unless it has to wait. Nobody queues.
    pub(super) fn enter(&self, host: &str, now: Instant) -> Result<Permit, NotNow> {
        let mut state = self.state();
        if let Some(until) = state.pauses.get(host) {
            if *until > now {
                return Err(NotNow::Paused);
            }
            state.pauses.remove(host);
        }
        let of_host = state.running.get(host).copied().unwrap_or_default();
        if state.all >= MAX_FETCHES || of_host >= MAX_FETCHES_OF_HOST {
            return Err(NotNow::Busy);
        }
        state.all += 1;
        state.running.insert(host.to_owned(), of_host + 1);
        Ok(Permit { hosts: self.clone(), host: host.to_owned() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit {
    /// The host is left alone for a while.
    pub(super) fn pause_host(&self, now: Instant) {
        let mut state = self.hosts.state();
        if state.pauses.len() >= MAX_PAUSES {
            state.pauses.retain(|_, until| *until > now);
        }
        if state.pauses.len() < MAX_PAUSES {
            state.pauses.insert(self.host.clone(), now + PAUSE);
        }
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
