//! Which places are taken, what each says, and under which names it can be stopped. In memory, worked out from entries and feed.
//!
//! Some 300 bytes for a delegation that is alive, and a mebibyte and a half for each list.

use std::collections::{BTreeMap, BTreeSet};

use handfast_identity::UnixTime;
use handfast_registry_model::StatusPlace;
use handfast_registry_model::limits::{MAX_STATUS_LISTS, STATUS_PLACES};
use handfast_verifier::revocation::{FeedEvent, RevocationKind, RevocationName};
use handfast_verifier::status_list::{EntryBits, EntryStatus, StatusList};

/// Places of one list that are given before the next is begun: three quarters, so that a free one is soon found.
const FILL: u32 = STATUS_PLACES - (1 << 20);

/// What is known of all places.
pub(super) struct Shelf {
    /// The last entry of the feed that was taken in.
    pub(super) seen: u64,
    lists: Vec<List>,
    bearers: BTreeMap<(RevocationName, StatusPlace), UnixTime>,
    ends: BTreeSet<(UnixTime, StatusPlace)>,
}

struct List {
    values: StatusList,
    /// One bit for each place that is somebody's.
    taken: StatusList,
    count: u32,
    /// Counts changes of `values`.
    version: u64,
}

impl List {
    fn new() -> Self {
        let places = u64::from(STATUS_PLACES);
        Self {
            values: StatusList::new(EntryBits::Two, places),
            taken: StatusList::new(EntryBits::One, places),
            count: 0,
            version: 0,
        }
    }
}

/// A place that somebody has, as it is put on the shelf.
pub(super) struct Held {
    pub(super) place: StatusPlace,
    pub(super) names: Vec<RevocationName>,
    pub(super) begun: UnixTime,
    pub(super) until: UnixTime,
    pub(super) status: EntryStatus,
}

impl Shelf {
    pub(super) fn new() -> Self {
        Self { seen: 0, lists: vec![List::new()], bearers: BTreeMap::new(), ends: BTreeSet::new() }
    }

    /// How many lists there are.
    pub(super) fn lists(&self) -> u32 {
        // at most MAX_STATUS_LISTS
        u32::try_from(self.lists.len()).unwrap_or(MAX_STATUS_LISTS)
    }

    /// What stands at a place that is somebody's.
    pub(super) fn status(&self, place: StatusPlace) -> Option<EntryStatus> {
        let list = self.list(place.list())?;
        let index = u64::from(place.index());
        if list.taken.status(index)? == EntryStatus::Valid { None } else { list.values.status(index) }
    }

    /// The list to give places of: the first that is not full, or the next to be. None where there may be no more.
    pub(super) fn open_list(&self) -> Option<u32> {
        let open = self.lists.iter().position(|list| list.count < FILL).unwrap_or(self.lists.len());
        u32::try_from(open).ok().filter(|open| *open < MAX_STATUS_LISTS)
    }

    /// Puts a place on the shelf. What is there stays as it is.
    pub(super) fn hold(&mut self, held: Held) {
        let Held { place, names, begun, until, status } = held;
        if self.status(place).is_some() {
            return;
        }
        let (number, index) = (place.list(), u64::from(place.index()));
        while self.lists() <= number {
            self.lists.push(List::new());
        }
        let Some(list) = self.list_mut(number) else { return };
        list.taken.set(index, EntryStatus::Invalid);
        list.count += 1;
        if status != EntryStatus::Valid && list.values.set(index, status) {
            list.version += 1;
        }
        self.ends.insert((until, place));
        self.bearers.extend(names.into_iter().map(|name| ((name, place), begun)));
    }

    /// Takes a place off the shelf: it is free, and its value VALID as of any that is nobody's.
    pub(super) fn release(&mut self, place: StatusPlace, names: &[RevocationName], until: UnixTime) {
        self.ends.remove(&(until, place));
        for name in names {
            self.bearers.remove(&(*name, place));
        }
        let index = u64::from(place.index());
        let Some(list) = self.list_mut(place.list()) else { return };
        if list.taken.status(index) == Some(EntryStatus::Invalid) {
            list.taken.set(index, EntryStatus::Valid);
            list.count = list.count.saturating_sub(1);
        }
        if list.values.status(index) != Some(EntryStatus::Valid) && list.values.set(index, EntryStatus::Valid) {
            list.version += 1;
        }
    }

    /// Places whose end is past `now`, the earliest first.
    pub(super) fn ended(&self, now: UnixTime, most: usize) -> Vec<(UnixTime, StatusPlace)> {
        self.ends.iter().take_while(|(until, _)| *until < now).take(most).copied().collect()
    }

    /// Any place that bears `name`.
    pub(super) fn bearer_of(&self, name: RevocationName) -> Option<StatusPlace> {
        self.bearers_of(name).next().map(|(place, _)| place)
    }

    /// Takes one entry of the feed in: what bears its name and is stopped by it says `status` from now on. `status` is what an entry
    /// without cut-off makes of it; nothing that says INVALID says anything else again (P-12).
    pub(super) fn take_in(&mut self, event: &FeedEvent, status: EntryStatus) {
        let stopped: Vec<_> = self
            .bearers_of(event.name)
            .filter_map(|(place, begun)| Some((place, stopped_by(event, begun, status)?)))
            .collect();
        for (place, status) in stopped {
            self.raise(place, status);
        }
        self.seen = self.seen.max(event.seq);
    }

    fn raise(&mut self, place: StatusPlace, status: EntryStatus) {
        let index = u64::from(place.index());
        let Some(list) = self.list_mut(place.list()) else { return };
        let known = list.values.status(index);
        if known == Some(EntryStatus::Invalid) || known == Some(status) {
            return;
        }
        if list.values.set(index, status) {
            list.version += 1;
        }
    }

    /// The values of a list and the number of their last change.
    pub(super) fn values(&self, number: u32) -> Option<(&StatusList, u64)> {
        self.list(number).map(|list| (&list.values, list.version))
    }

    fn bearers_of(&self, name: RevocationName) -> impl Iterator<Item = (StatusPlace, UnixTime)> {
        let all = (name, StatusPlace::FIRST)..=(name, StatusPlace::LAST);
        self.bearers.range(all).map(|((_, place), begun)| (*place, *begun))
    }

    fn list(&self, number: u32) -> Option<&List> {
        self.lists.get(usize::try_from(number).ok()?)
    }

    fn list_mut(&mut self, number: u32) -> Option<&mut List> {
        self.lists.get_mut(usize::try_from(number).ok()?)
    }
}

/// What an entry of the feed makes of a place that bears its name and holds nothing made before `begun`.
fn stopped_by(event: &FeedEvent, begun: UnixTime, status: EntryStatus) -> Option<EntryStatus> {
    match (event.kind, event.cut) {
        // tokens by a key that was replaced live on until they end; new ones are under another place
        (RevocationKind::Key, Some(_)) | (RevocationKind::IssuerKey, _) => None,
        (_, None) => Some(status),
        (_, Some(cut)) => (begun <= cut).then_some(EntryStatus::Invalid),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed set-up should stop the test")]
mod tests {
    use super::*;

    fn name(kind: RevocationKind) -> RevocationName {
        RevocationName::of("https://id.example", kind, "x")
    }

    fn place(index: u32) -> StatusPlace {
        StatusPlace::new(0, index).unwrap()
    }

    fn held(index: u32, kind: RevocationKind, begun: u64) -> Held {
        let at = UnixTime::from_secs;
        Held {
            place: place(index),
            names: vec![name(kind)],
            begun: at(begun),
            until: at(100),
            status: EntryStatus::Valid,
        }
    }

    fn event(kind: RevocationKind, cut: Option<u64>) -> FeedEvent {
        FeedEvent { seq: 1, kind, name: name(kind), cut: cut.map(UnixTime::from_secs), until: None }
    }

    #[test]
    fn an_entry_stops_what_bears_its_name_as_far_as_it_reaches() {
        use EntryStatus::{Invalid, Suspended, Valid};
        use RevocationKind::{Agent, Hop, IssuerKey, Key, Owner, Task, Token};
        for (kind, cut, status, expected) in [
            (Task, None, Invalid, Invalid),
            (Hop, None, Invalid, Invalid),
            (Token, None, Invalid, Invalid),
            (Owner, None, Invalid, Invalid),
            (Owner, Some(9), Invalid, Valid),
            (Owner, Some(10), Invalid, Invalid),
            (Agent, Some(9), Invalid, Valid),
            (Agent, Some(10), Invalid, Invalid),
            (Agent, None, Suspended, Suspended),
            (Agent, None, Invalid, Invalid),
            (Key, None, Invalid, Invalid),
            (Key, Some(3), Invalid, Valid),
            (Key, Some(30), Invalid, Valid),
            (IssuerKey, None, Invalid, Valid),
        ] {
            let mut shelf = Shelf::new();
            shelf.hold(held(7, kind, 10));
            let other = if kind == Task { Hop } else { Task };
            shelf.hold(held(8, other, 10));
            shelf.take_in(&event(kind, cut), status);
            let said = (shelf.status(place(7)), shelf.status(place(8)), shelf.status(place(9)));
            assert_eq!(said, (Some(expected), Some(Valid), None), "{kind:?} {cut:?}");
            let (values, version) = shelf.values(0).unwrap();
            assert_eq!((values.status(7), version), (Some(expected), u64::from(expected != Valid)));
        }
    }

    #[test]
    fn what_is_over_stays_over_and_what_rests_may_end() {
        let mut shelf = Shelf::new();
        shelf.hold(held(7, RevocationKind::Agent, 10));
        let steps = [
            (None, EntryStatus::Suspended, EntryStatus::Suspended),
            // it goes on behind a cut-off, with other places
            (Some(20), EntryStatus::Invalid, EntryStatus::Invalid),
            (None, EntryStatus::Suspended, EntryStatus::Invalid),
        ];
        for (cut, status, expected) in steps {
            shelf.take_in(&event(RevocationKind::Agent, cut), status);
            assert_eq!(shelf.status(place(7)), Some(expected));
        }
    }

    #[test]
    fn a_place_is_somebodys_until_it_is_released() {
        let mut shelf = Shelf::new();
        shelf.hold(held(7, RevocationKind::Task, 10));
        shelf.take_in(&event(RevocationKind::Task, None), EntryStatus::Invalid);
        // held again it says what it said
        shelf.hold(held(7, RevocationKind::Task, 10));
        assert_eq!(shelf.status(place(7)), Some(EntryStatus::Invalid));
        assert_eq!(shelf.ended(UnixTime::from_secs(100), 9), []);
        let ended = shelf.ended(UnixTime::from_secs(101), 9);
        assert_eq!(ended, [(UnixTime::from_secs(100), place(7))]);
        shelf.release(place(7), &[name(RevocationKind::Task)], UnixTime::from_secs(100));
        assert_eq!((shelf.status(place(7)), shelf.bearer_of(name(RevocationKind::Task))), (None, None));
        assert_eq!(shelf.values(0).unwrap().0.status(7), Some(EntryStatus::Valid));
        assert_eq!(shelf.ended(UnixTime::from_secs(999), 9), []);
    }

    #[test]
    fn the_next_list_begins_where_one_is_three_quarters_full() {
        let mut shelf = Shelf::new();
        assert_eq!((shelf.open_list(), shelf.lists()), (Some(0), 1));
        shelf.lists[0].count = FILL - 1;
        shelf.hold(held(7, RevocationKind::Task, 1));
        assert_eq!((shelf.open_list(), shelf.lists()), (Some(1), 1));
        let there = StatusPlace::new(1, 3).unwrap();
        shelf.hold(Held { place: there, ..held(7, RevocationKind::Task, 1) });
        assert_eq!((shelf.open_list(), shelf.lists(), shelf.status(there)), (Some(1), 2, Some(EntryStatus::Valid)));
        shelf.release(place(7), &[name(RevocationKind::Task)], UnixTime::from_secs(100));
        assert_eq!(shelf.open_list(), Some(0), "the first that has room again");
    }
}
