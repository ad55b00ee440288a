//! The revoked names one issuer's feed has told, what each stops, and until when.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use handfast_identity::UnixTime;

use super::{FeedEvent, RevocationKind, RevocationName};

/// Parts a set is divided into: a part grows by itself, so that no event has to wait for all names to be moved.
const PARTS: usize = 64;

/// What an entry without `until` has in its place.
const FOR_EVER: UnixTime = UnixTime::from_secs(u64::MAX);

/// Revoked names of one issuer. Applying an event twice, or in another order, gives the same set.
///
/// Whoever holds the set sees what is inserted afterwards: one more name costs the same however many are known, and a check
/// that is under way can only get stricter.
#[derive(Debug, Default)]
pub struct RevocationSet {
    parts: Parts,
}

#[derive(Debug)]
struct Parts([RwLock<HashMap<RevocationName, Stops>>; PARTS]);

impl Default for Parts {
    fn default() -> Self {
        Self(core::array::from_fn(|_| RwLock::default()))
    }
}

/// All that is stopped under one name: whatever any entry stops, for as long as that entry counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Stops {
    /// Everything that bears the name.
    all: Option<Until>,
    /// What was issued up to the cut: the thing lives on, its past does not.
    up_to: Option<Cut>,
    /// What was issued after the cut: a key that was rotated out signs no more.
    after: Option<Cut>,
}

/// Until when an entry counts, that second included.
type Until = UnixTime;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cut {
    at: UnixTime,
    until: Until,
}

/// What a look-up found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revoked {
    /// All of it.
    Entirely,
    /// This one, by its time of issue.
    ByCut,
}

impl RevocationSet {
    /// Takes one event in. Entries only ever grow: nothing revoked comes back by a later event.
    pub fn insert(&self, event: &FeedEvent) {
        let mut part = self.part(event.name).write().unwrap_or_else(PoisonError::into_inner);
        part.entry(event.name).or_default().widen(event);
    }

    /// Forgets what only stops things that have expired by `now`: entries whose `until` is past.
    pub fn forget(&self, now: UnixTime) {
        for part in &self.parts.0 {
            part.write().unwrap_or_else(PoisonError::into_inner).retain(|_, stops| stops.still_counts(now));
        }
    }

    /// Whether `name`, issued at `issued_at`, is revoked. `None` means that it is not, as far as this set knows.
    #[must_use]
    pub fn covers(&self, name: RevocationName, issued_at: UnixTime) -> Option<Revoked> {
        let stops = self.part(name).read().unwrap_or_else(PoisonError::into_inner).get(&name).copied()?;
        let by_cut =
            stops.up_to.is_some_and(|cut| issued_at <= cut.at) || stops.after.is_some_and(|cut| issued_at > cut.at);
        match (stops.all, by_cut) {
            (Some(_), _) => Some(Revoked::Entirely),
            (None, true) => Some(Revoked::ByCut),
            (None, false) => None,
        }
    }

    /// Names held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.parts.0.iter().map(|part| part.read().unwrap_or_else(PoisonError::into_inner).len()).sum()
    }

    /// Whether it holds no name.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn part(&self, name: RevocationName) -> &RwLock<HashMap<RevocationName, Stops>> {
        let [first, ..] = &self.parts.0;
        self.parts.0.get(usize::from(name.first_byte()) % PARTS).unwrap_or(first)
    }
}

impl Stops {
    fn widen(&mut self, event: &FeedEvent) {
        let until = event.until.unwrap_or(FOR_EVER);
        match (event.kind, event.cut) {
            (_, None) => self.all = Some(self.all.map_or(until, |known| known.max(until))),
            (RevocationKind::Key, Some(at)) => {
                self.after = Some(Cut::wider(self.after, Cut { at, until }, UnixTime::min));
            }
            (_, Some(at)) => self.up_to = Some(Cut::wider(self.up_to, Cut { at, until }, UnixTime::max)),
        }
    }

    /// Drops what is past its `until`; says whether anything is left.
    fn still_counts(&mut self, now: UnixTime) -> bool {
        let is_past = |until: Until| until != FOR_EVER && now > until;
        self.all = self.all.filter(|until| !is_past(*until));
        self.up_to = self.up_to.filter(|cut| !is_past(cut.until));
        self.after = self.after.filter(|cut| !is_past(cut.until));
        *self != Self::default()
    }
}

impl Cut {
    /// The cut that stops whatever either stops, for as long as either counts.
    fn wider(known: Option<Self>, new: Self, further: fn(UnixTime, UnixTime) -> UnixTime) -> Self {
        known.map_or(new, |known| Self { at: further(known.at, new.at), until: known.until.max(new.until) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://registry.example";

    fn event(kind: RevocationKind, cut: Option<u64>) -> FeedEvent {
        FeedEvent {
            seq: 1,
            kind,
            name: RevocationName::of(ISSUER, kind, "x"),
            cut: cut.map(UnixTime::from_secs),
            until: None,
        }
    }

    fn check(events: &[FeedEvent], kind: RevocationKind, issued_at: u64, expected: Option<Revoked>) {
        let set = RevocationSet::default();
        events.iter().for_each(|event| set.insert(event));
        let name = RevocationName::of(ISSUER, kind, "x");
        assert_eq!(set.covers(name, UnixTime::from_secs(issued_at)), expected, "{events:?} at {issued_at}");
    }

    #[test]
    fn a_cut_stops_what_was_issued_up_to_it() {
        let agent = [event(RevocationKind::Agent, Some(10))];
        check(&agent, RevocationKind::Agent, 10, Some(Revoked::ByCut));
        check(&agent, RevocationKind::Agent, 11, None);
        let wider = [event(RevocationKind::Agent, Some(10)), event(RevocationKind::Agent, Some(5))];
        check(&wider, RevocationKind::Agent, 10, Some(Revoked::ByCut));
        let all = [event(RevocationKind::Agent, None), event(RevocationKind::Agent, Some(5))];
        check(&all, RevocationKind::Agent, 11, Some(Revoked::Entirely));
    }

    #[test]
    fn a_rotated_key_stops_after_its_cut_and_a_compromised_one_always() {
        let rotated = [event(RevocationKind::Key, Some(10))];
        check(&rotated, RevocationKind::Key, 10, None);
        check(&rotated, RevocationKind::Key, 11, Some(Revoked::ByCut));
        check(&[event(RevocationKind::Key, None)], RevocationKind::Key, 1, Some(Revoked::Entirely));
    }

    #[test]
    fn names_differ_by_issuer_kind_and_id() {
        check(&[event(RevocationKind::Agent, None)], RevocationKind::Task, 1, None);
        assert_ne!(
            RevocationName::of("https://a", RevocationKind::Agent, "x"),
            RevocationName::of("https://b", RevocationKind::Agent, "x")
        );
    }

    #[test]
    fn an_entry_is_forgotten_after_its_last_second_and_others_are_not() {
        let until = |kind, cut, until| FeedEvent { until: Some(UnixTime::from_secs(until)), ..event(kind, cut) };
        let kind = RevocationKind::Owner;
        let name = RevocationName::of(ISSUER, kind, "x");
        let cases: [(&str, &[FeedEvent], u64, Option<Revoked>); 7] = [
            ("its last second", &[until(kind, None, 100)], 100, Some(Revoked::Entirely)),
            ("the one behind it", &[until(kind, None, 100)], 101, None),
            ("without end", &[event(kind, None)], u64::MAX, Some(Revoked::Entirely)),
            (
                "a longer one of the same",
                &[until(kind, None, 200), until(kind, None, 100)],
                101,
                Some(Revoked::Entirely),
            ),
            ("a cut of its own end", &[until(kind, None, 100), until(kind, Some(50), 200)], 101, Some(Revoked::ByCut)),
            ("a cut without end", &[until(kind, None, 100), event(kind, Some(50))], 101, Some(Revoked::ByCut)),
            ("a cut that ended", &[event(kind, None), until(kind, Some(50), 100)], 101, Some(Revoked::Entirely)),
        ];
        for (what, events, now, expected) in cases {
            let set = RevocationSet::default();
            events.iter().for_each(|event| set.insert(event));
            set.forget(UnixTime::from_secs(now));
            assert_eq!(set.covers(name, UnixTime::from_secs(50)), expected, "{what}");
            assert_eq!(set.is_empty(), expected.is_none(), "{what}");
        }
    }
}
