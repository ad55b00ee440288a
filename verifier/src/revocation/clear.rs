//! What was asked about in a set and found clear need not be looked up again until the set is another one.

use std::sync::atomic::{AtomicU64, Ordering};

use super::RevocationSet;

/// What one set holds at one time. No two sets have one in common, and a set that was changed never has one again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Version(pub(super) u64);

impl Version {
    /// One that nothing has had. The first is 1.
    pub(super) fn next() -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        Self(LAST.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

/// The version of a set in which all of some names were looked up last, and none was found.
///
/// This is no time for which an answer holds: the set is asked every time, for its version, and one more name in it is another version.
/// Whoever is told that the names are clear would be told the same by looking all of them up.
#[derive(Debug, Default)]
pub(crate) struct ClearIn(AtomicU64);

impl ClearIn {
    /// What `look_up` says, which is to depend on nothing but `set` and what `self` is kept beside. Where it found nothing in this very
    /// version of the set it is not asked again.
    ///
    /// # Errors
    ///
    /// Those of `look_up`.
    pub(crate) fn require<E>(
        &self,
        set: &RevocationSet,
        look_up: impl FnOnce(&RevocationSet) -> Result<(), E>,
    ) -> Result<(), E> {
        // INVARIANT: read before anything is looked up. What is inserted meanwhile may or may not be found, and makes another version.
        let Version(version) = set.version();
        if self.0.load(Ordering::Relaxed) == version {
            return Ok(());
        }
        look_up(set)?;
        self.0.store(version, Ordering::Relaxed);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "a failed set-up should stop the test")]

    use std::collections::HashSet;
    use std::sync::Barrier;
    use std::sync::atomic::AtomicUsize;

    use handfast_identity::UnixTime;

    use super::*;
    use crate::revocation::{FeedEvent, RevocationKind, RevocationName};

    fn name(id: &str) -> RevocationName {
        RevocationName::of("https://registry.example", RevocationKind::Agent, id)
    }

    fn event(id: &str, cut: Option<u64>) -> FeedEvent {
        let cut = cut.map(UnixTime::from_secs);
        FeedEvent { seq: 1, kind: RevocationKind::Agent, name: name(id), cut, until: Some(UnixTime::from_secs(99)) }
    }

    /// Whether a thing called `id`, issued at 50, is found clear, and whether it was looked up for that.
    fn asked(clear: &ClearIn, set: &RevocationSet, id: &str) -> (bool, bool) {
        let mut is_looked_up = false;
        let answer = clear.require(set, |set| {
            is_looked_up = true;
            set.covers(name(id), UnixTime::from_secs(50)).map_or(Ok(()), Err)
        });
        (answer.is_ok(), is_looked_up)
    }

    const KEPT: (bool, bool) = (true, false);
    const LOOKED_UP: (bool, bool) = (true, true);
    const FOUND: (bool, bool) = (false, true);

    #[test]
    fn a_name_that_was_clear_is_looked_up_again_once_the_set_is_another() {
        let (set, clear) = (RevocationSet::default(), ClearIn::default());
        assert_eq!(asked(&clear, &set, "x"), LOOKED_UP);
        assert_eq!(asked(&clear, &set, "x"), KEPT);
        set.insert(&event("y", None));
        assert_eq!(asked(&clear, &set, "x"), LOOKED_UP);
        assert_eq!(asked(&clear, &set, "x"), KEPT);
        // the same entry once more, and one that stops nothing of this age
        set.insert(&event("y", None));
        assert_eq!(asked(&clear, &set, "x"), LOOKED_UP);
        set.insert(&event("x", Some(49)));
        assert_eq!(asked(&clear, &set, "x"), LOOKED_UP);
        assert_eq!(asked(&clear, &set, "x"), KEPT);
        // what is found is never kept
        set.insert(&event("x", Some(50)));
        assert_eq!(asked(&clear, &set, "x"), FOUND);
        assert_eq!(asked(&clear, &set, "x"), FOUND);
        set.begin_epoch(&HashSet::new());
        assert_eq!(asked(&clear, &set, "x"), FOUND);
        set.forget(UnixTime::from_secs(100));
        assert_eq!(asked(&clear, &set, "x"), LOOKED_UP);
        assert_eq!(asked(&clear, &set, "x"), KEPT);
    }

    #[test]
    fn whatever_changes_a_set_gives_it_a_version_that_nothing_had() {
        let sets = [RevocationSet::default(), RevocationSet::default()];
        let mut seen = HashSet::from([0]);
        let mut is_new = |set: &RevocationSet| seen.insert(set.version().0);
        assert!(sets.iter().all(&mut is_new));
        for set in &sets {
            assert!(!is_new(set));
            set.insert(&event("x", None));
            assert!(is_new(set));
            set.begin_epoch(&HashSet::new());
            assert!(is_new(set));
            set.forget(UnixTime::EPOCH);
            assert!(is_new(set));
            assert!(!is_new(set));
        }
    }

    #[test]
    fn what_is_clear_in_one_set_is_looked_up_in_another() {
        let (one, other, clear) = (RevocationSet::default(), RevocationSet::default(), ClearIn::default());
        other.insert(&event("x", None));
        assert_eq!(asked(&clear, &one, "x"), LOOKED_UP);
        assert_eq!(asked(&clear, &other, "x"), FOUND);
        assert_eq!(asked(&clear, &one, "x"), KEPT);
    }

    #[test]
    fn what_is_inserted_while_names_are_looked_up_is_found_the_next_time() {
        let (set, clear) = (RevocationSet::default(), ClearIn::default());
        let answer = clear.require(&set, |set| {
            let found = set.covers(name("x"), UnixTime::from_secs(50));
            set.insert(&event("x", None));
            found.map_or(Ok(()), Err)
        });
        assert_eq!(answer, Ok(()));
        assert_eq!(asked(&clear, &set, "x"), FOUND);
    }

    /// One thread asks again and again about a name that another inserts: from then on it is found.
    #[test]
    fn nothing_that_was_inserted_meanwhile_is_missed() {
        const NAMES: usize = 20_000;
        let ids: Vec<_> = (0..=NAMES).map(|number| number.to_string()).collect();
        let clear: Vec<_> = ids.iter().map(|_| ClearIn::default()).collect();
        let mut missed = Vec::new();
        let (set, start, current) = (RevocationSet::default(), Barrier::new(2), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                start.wait();
                let mut was_found = (0, false);
                loop {
                    let place = current.load(Ordering::Acquire);
                    if place == NAMES {
                        break;
                    }
                    let (is_clear, _) = asked(&clear[place], &set, &ids[place]);
                    assert!(!is_clear || was_found != (place, true), "what was found is clear again");
                    was_found = (place, !is_clear);
                }
            });
            start.wait();
            for place in 0..NAMES {
                set.insert(&event(&ids[place], None));
                missed.extend((asked(&clear[place], &set, &ids[place]) != FOUND).then_some(place));
                current.store(place + 1, Ordering::Release);
                // the other one is to have begun to ask
                (0..place % 64).for_each(|_| std::hint::spin_loop());
            }
        });
        missed.extend((0..NAMES).filter(|place| asked(&clear[*place], &set, &ids[*place]) != FOUND));
        assert!(missed.is_empty(), "{missed:?}");
    }
}
