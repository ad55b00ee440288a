//! What was found under each DID a while ago, and who is looking now.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OnceCell;
use tokio::time::Instant;

/// DIDs that something is known about at once (spec/limits.md).
pub(super) const MAX_KEPT: usize = 1024;
/// Of them, DIDs of one host: what one host fills takes nothing from others (spec/limits.md).
pub(super) const MAX_KEPT_OF_HOST: usize = 32;
/// Bytes of all documents that are kept (spec/limits.md).
pub(super) const MAX_KEPT_BYTES: usize = 8 * 1024 * 1024;

/// Outcomes by DID, bounded by number and by bytes; the oldest make room.
#[derive(Debug)]
pub(super) struct Cache<T> {
    state: Mutex<State<T>>,
}

/// One look-up, which everybody shares who asks for the same while it runs or counts.
#[derive(Debug)]
pub(super) struct Look<T> {
    number: u64,
    pub(super) outcome: OnceCell<Kept<T>>,
}

/// An outcome, and until when it counts.
#[derive(Clone, Debug)]
pub(super) struct Kept<T> {
    pub(super) value: T,
    pub(super) until: Instant,
}

#[derive(Debug)]
struct State<T> {
    entries: HashMap<String, Entry<T>>,
    /// DIDs with the numbers of their looks, oldest first. One whose look was replaced stays until it gets to the front.
    order: Queue,
    /// The same, by host, for hosts with entries.
    of_host: HashMap<Arc<str>, OfHost>,
    bytes: usize,
    next: u64,
}

type Queue = VecDeque<(String, u64)>;

#[derive(Debug, Default)]
struct OfHost {
    entries: usize,
    order: Queue,
}

#[derive(Debug)]
struct Entry<T> {
    look: Arc<Look<T>>,
    host: Arc<str>,
    bytes: usize,
}

impl<T> Default for Cache<T> {
    fn default() -> Self {
        let (entries, of_host) = (HashMap::new(), HashMap::new());
        Self { state: Mutex::new(State { entries, order: Queue::new(), of_host, bytes: 0, next: 0 }) }
    }
}

impl<T> Cache<T> {
    /// The look for `did` that runs or still counts.
    pub(super) fn known(&self, did: &str, now: Instant) -> Option<Arc<Look<T>>> {
        self.state().known(did, now)
    }

    /// Whether the last outcome for `did` is held and was of this kind, whether it still counts or not.
    pub(super) fn last(&self, did: &str, is: impl FnOnce(&T) -> bool) -> bool {
        let state = self.state();
        state.entries.get(did).and_then(|entry| entry.look.outcome.get()).is_some_and(|kept| is(&kept.value))
    }

    /// The look for `did` that runs or still counts; else a new one, which whoever waits for it first has to make.
    pub(super) fn look(&self, did: &str, host: &str, now: Instant) -> Arc<Look<T>> {
        let mut state = self.state();
        if let Some(look) = state.known(did, now) {
            return look;
        }
        state.remove(did);
        while state.of_host.get(host).is_some_and(|of_host| of_host.entries >= MAX_KEPT_OF_HOST) {
            state.remove_oldest_of(host);
        }
        while state.entries.len() >= MAX_KEPT {
            state.remove_oldest();
        }
        state.insert(did, host)
    }

    /// What a look brought has so many bytes.
    pub(super) fn weigh(&self, did: &str, look: &Look<T>, bytes: usize) {
        let mut state = self.state();
        let Some(entry) = state.entries.get_mut(did).filter(|entry| entry.look.number == look.number) else { return };
        let before = core::mem::replace(&mut entry.bytes, bytes);
        state.bytes = state.bytes - before + bytes;
        while state.bytes > MAX_KEPT_BYTES {
            state.remove_oldest();
        }
    }

    /// How many DIDs something is known about, and the bytes of all that.
    pub(super) fn held(&self) -> (usize, usize) {
        let state = self.state();
        (state.entries.len(), state.bytes)
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        // what a panic leaves half done is a cache that forgot something
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> State<T> {
    fn known(&self, did: &str, now: Instant) -> Option<Arc<Look<T>>> {
        let look = &self.entries.get(did)?.look;
        look.outcome.get().is_none_or(|kept| kept.until > now).then(|| Arc::clone(look))
    }

    fn insert(&mut self, did: &str, host: &str) -> Arc<Look<T>> {
        let number = self.next;
        self.next += 1;
        let look = Arc::new(Look { number, outcome: OnceCell::new() });
        let host: Arc<str> = self.of_host.get_key_value(host).map_or_else(|| host.into(), |(host, _)| Arc::clone(host));
        let of_host = self.of_host.entry(Arc::clone(&host)).or_default();
        of_host.entries += 1;
        of_host.order.push_back((did.to_owned(), number));
        tidy(&mut of_host.order, MAX_KEPT_OF_HOST, &self.entries);
        self.order.push_back((did.to_owned(), number));
        tidy(&mut self.order, MAX_KEPT, &self.entries);
        self.entries.insert(did.to_owned(), Entry { look: Arc::clone(&look), host, bytes: 0 });
        look
    }

    fn remove(&mut self, did: &str) {
        let Some(entry) = self.entries.remove(did) else { return };
        self.bytes -= entry.bytes;
        if let Some(of_host) = self.of_host.get_mut(&entry.host) {
            of_host.entries -= 1;
            if of_host.entries == 0 {
                self.of_host.remove(&entry.host);
            }
        }
    }

    fn remove_oldest(&mut self) {
        let oldest = self.order.pop_front();
        self.remove_queued(oldest);
    }

    fn remove_oldest_of(&mut self, host: &str) {
        let oldest = self.of_host.get_mut(host).and_then(|of_host| of_host.order.pop_front());
        self.remove_queued(oldest);
    }

    fn remove_queued(&mut self, oldest: Option<(String, u64)>) {
        let Some((did, number)) = oldest else {
            // INVARIANT: every entry stands in both orders; without it, forgetting all is safe
            self.entries.clear();
            self.of_host.clear();
            self.bytes = 0;
            return;
        };
        if self.entries.get(&did).is_some_and(|entry| entry.look.number == number) {
            self.remove(&did);
        }
    }
}

/// Takes replaced looks out of an order, once they are as many as there can be others. The newest has no entry yet.
fn tidy<T>(order: &mut Queue, most: usize, entries: &HashMap<String, Entry<T>>) {
    if order.len() <= 2 * most {
        return;
    }
    let newest = order.pop_back();
    order.retain(|(did, number)| entries.get(did).is_some_and(|entry| entry.look.number == *number));
    order.extend(newest);
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test that cannot set itself up should stop
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    fn done(cache: &Cache<u8>, did: &str, host: &str, now: Instant, bytes: usize) -> Arc<Look<u8>> {
        let look = cache.look(did, host, now);
        look.outcome.set(Kept { value: 1, until: at(now, 10) }).unwrap();
        cache.weigh(did, &look, bytes);
        look
    }

    /// One DID at each of so many hosts.
    fn fill(cache: &Cache<u8>, hosts: usize, now: Instant, bytes: usize) {
        for number in 0..hosts {
            done(cache, &number.to_string(), &format!("h{number}"), now, bytes);
            let (entries, held) = cache.held();
            assert!(entries <= MAX_KEPT && held <= MAX_KEPT_BYTES);
        }
    }

    #[test]
    fn a_look_is_shared_while_it_runs_and_while_it_counts() {
        let (cache, start) = (Cache::<u8>::default(), Instant::now());
        let running = cache.look("a", "h", start);
        let is_shared = |now| cache.known("a", now).is_some_and(|known| Arc::ptr_eq(&running, &known));
        assert!(is_shared(at(start, 1000)) && Arc::ptr_eq(&running, &cache.look("a", "h", at(start, 1000))));
        assert!(cache.known("b", start).is_none());
        assert!(!Arc::ptr_eq(&running, &cache.look("b", "h", start)));
        running.outcome.set(Kept { value: 1, until: at(start, 10) }).unwrap();
        assert!(is_shared(at(start, 9)) && !is_shared(at(start, 10)));
        assert!(!Arc::ptr_eq(&running, &cache.look("a", "h", at(start, 10))));
    }

    #[test]
    fn the_last_outcome_is_known_for_as_long_as_it_is_held() {
        let (cache, start) = (Cache::<u8>::default(), Instant::now());
        let was_one = |cache: &Cache<u8>| cache.last("a", |value| *value == 1);
        assert!(!was_one(&cache));
        done(&cache, "a", "h", start, 10);
        assert!(was_one(&cache) && !cache.last("a", |value| *value == 2) && cache.known("a", at(start, 99)).is_none());
        // a look that runs says nothing yet
        let running = cache.look("a", "h", at(start, 99));
        assert!(!was_one(&cache));
        running.outcome.set(Kept { value: 2, until: start }).unwrap();
        assert!(!was_one(&cache));
    }

    #[test]
    fn number_and_bytes_are_bounded_and_the_oldest_go() {
        let (cache, start) = (Cache::<u8>::default(), Instant::now());
        fill(&cache, MAX_KEPT + 5, start, 10);
        assert_eq!(cache.held(), (MAX_KEPT, MAX_KEPT * 10));
        assert!(cache.known("4", start).is_none() && cache.known("5", start).is_some());
        assert_eq!(cache.state().of_host.len(), MAX_KEPT);
        let large = Cache::<u8>::default();
        fill(&large, 200, start, 64 * 1024);
        assert_eq!(large.held(), (128, MAX_KEPT_BYTES));
    }

    #[test]
    fn one_host_takes_nothing_from_others() {
        let (cache, start) = (Cache::<u8>::default(), Instant::now());
        done(&cache, "honest", "good", start, 10);
        for number in 0..5 * MAX_KEPT {
            done(&cache, &format!("x{number}"), "evil", start, 10);
        }
        assert_eq!(cache.held(), (MAX_KEPT_OF_HOST + 1, (MAX_KEPT_OF_HOST + 1) * 10));
        assert!(cache.known("honest", start).is_some());
    }

    #[test]
    fn what_is_replaced_again_and_again_does_not_pile_up() {
        let (cache, start) = (Cache::<u8>::default(), Instant::now());
        for round in 0..u64::try_from(MAX_KEPT).unwrap() * 5 {
            done(&cache, "a", "h", at(start, round * 10), 7);
        }
        assert_eq!(cache.held(), (1, 7));
        let state = cache.state();
        assert!(state.order.len() <= 2 * MAX_KEPT + 1 && state.of_host["h"].order.len() <= 2 * MAX_KEPT_OF_HOST + 1);
    }

    #[test]
    fn a_look_that_made_room_weighs_nothing() {
        let (cache, start) = (Cache::<u8>::default(), Instant::now());
        let first = cache.look("a", "h", start);
        first.outcome.set(Kept { value: 1, until: start }).unwrap();
        let second = cache.look("a", "h", start);
        cache.weigh("a", &first, 100);
        assert_eq!(cache.held(), (1, 0));
        cache.weigh("a", &second, 5);
        assert_eq!(cache.held(), (1, 5));
    }
}
