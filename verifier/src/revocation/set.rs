//! The revoked names one issuer's feed has told, what each stops, and until when.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

use handfast_identity::UnixTime;

use super::clear::Version;
use super::name_hash::NameHashes;
use super::{FeedEvent, RevocationKind, RevocationName};

/// Parts a set is divided into: a part grows by itself, so that no event has to wait for all names to be moved.
const PARTS: usize = 64;

/// What an entry without `until` has in its place.
const FOR_EVER: UnixTime = UnixTime::from_secs(u64::MAX);

/// Most names that a reader of a feed holds of one issuer, unless told otherwise (spec/limits.md).
pub const MAX_REVOKED_NAMES: usize = 1_048_576;

/// Revoked names of one issuer. Applying an event twice, or in another order, gives the same set.
///
/// Whoever holds the set sees what is inserted afterwards: one more name costs the same however many are known, and a check
/// that is under way can only get stricter.
///
/// It has no bound of its own, for it forgets nothing that counts: who fills it from outside asks first whether there is room, as a
/// [`FeedState`](super::FeedState) does.
#[derive(Debug)]
pub struct RevocationSet {
    parts: Parts,
    version: AtomicU64,
}

impl Default for RevocationSet {
    fn default() -> Self {
        Self { parts: Parts::default(), version: AtomicU64::new(Version::next().0) }
    }
}

#[derive(Debug)]
struct Parts([RwLock<Part>; PARTS]);

type Part = HashMap<RevocationName, Stops, NameHashes>;

impl Default for Parts {
    fn default() -> Self {
        let hashes = NameHashes::default();
        Self(core::array::from_fn(|_| RwLock::new(HashMap::with_hasher(hashes))))
    }
}

/// All that is stopped under one name: whatever any entry stops, for as long as that entry counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Stops {
    /// Everything that bears the name.
    all: Option<All>,
    /// Number of an agent's newest entry with a cut-off: a suspension before it is over. 0 before the first.
    goes_on: Seq,
    /// What was issued up to the cut: the thing lives on, its past does not.
    up_to: Option<Cut>,
    /// What was issued after the cut: a key that was rotated out signs no more.
    after: Option<Cut>,
}

/// Until when an entry counts, that second included.
type Until = UnixTime;
/// An entry's number.
type Seq = u64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct All {
    /// The newest entry's number.
    seq: Seq,
    until: Until,
}

/// The number of what an issuer whose memory was restored no longer knows it stopped: nothing it says later ends that.
const BEYOND_THE_ISSUER: Seq = Seq::MAX;

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
    /// Takes one event in. Nothing that was issued before comes back by a later event: a suspended agent goes on behind a cut-off,
    /// with what is issued after it.
    pub fn insert(&self, event: &FeedEvent) {
        let mut part = self.part(event.name).write().unwrap_or_else(PoisonError::into_inner);
        part.entry(event.name).or_default().widen(event);
        // INVARIANT: before the part is let go of, so that nobody sees the name in a set of the version before
        self.change();
    }

    /// Begins a new epoch of the feed, whose numbers start anew: from here on the stops of the agents in `known` are in order with
    /// the entries to come. Any other stays for good, for the issuer may not know of it.
    pub(super) fn begin_epoch(&self, known: &HashSet<RevocationName>) {
        for part in &self.parts.0 {
            for (name, stops) in part.write().unwrap_or_else(PoisonError::into_inner).iter_mut() {
                let seq = if known.contains(name) { 0 } else { BEYOND_THE_ISSUER };
                stops.all = stops.standing().map(|all| All { seq, ..all });
                stops.goes_on = 0;
            }
        }
        self.change();
    }

    /// Forgets what only stops things that have expired by `now`: entries whose `until` is past, and suspensions that are over.
    pub fn forget(&self, now: UnixTime) {
        for part in &self.parts.0 {
            part.write().unwrap_or_else(PoisonError::into_inner).retain(|_, stops| stops.still_counts(now));
        }
        self.change();
    }

    /// What it holds, as a number: whoever asks has read everything that was inserted before, once [`Self::covers`] tells of it.
    pub(super) fn version(&self) -> Version {
        Version(self.version.load(Ordering::Acquire))
    }

    fn change(&self) {
        self.version.swap(Version::next().0, Ordering::AcqRel);
    }

    /// Whether `name`, issued at `issued_at`, is revoked. `None` means that it is not, as far as this set knows.
    #[must_use]
    pub fn covers(&self, name: RevocationName, issued_at: UnixTime) -> Option<Revoked> {
        let stops = self.stops(name)?;
        match (stops.standing(), stops.cut_off(issued_at)) {
            (Some(_), _) => Some(Revoked::Entirely),
            (None, true) => Some(Revoked::ByCut),
            (None, false) => None,
        }
    }

    /// Whether `name`, issued at `issued_at`, is stopped by a cut-off, whatever else stops it: what is so never counts again, while a
    /// suspension may end.
    #[must_use]
    pub fn is_cut_off(&self, name: RevocationName, issued_at: UnixTime) -> bool {
        self.stops(name).is_some_and(|stops| stops.cut_off(issued_at))
    }

    /// Names held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.parts.0.iter().map(|part| part.read().unwrap_or_else(PoisonError::into_inner).len()).sum()
    }

    /// Names held once `events` are inserted.
    pub(super) fn len_with(&self, events: &[FeedEvent]) -> usize {
        let new: HashSet<_> =
            events.iter().map(|event| event.name).filter(|name| self.stops(*name).is_none()).collect();
        self.len() + new.len()
    }

    /// Whether it holds no name.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn stops(&self, name: RevocationName) -> Option<Stops> {
        self.part(name).read().unwrap_or_else(PoisonError::into_inner).get(&name).copied()
    }

    fn part(&self, name: RevocationName) -> &RwLock<Part> {
        let [first, ..] = &self.parts.0;
        self.parts.0.get(usize::from(name.first_byte()) % PARTS).unwrap_or(first)
    }
}

impl Stops {
    fn widen(&mut self, event: &FeedEvent) {
        let until = event.until.unwrap_or(FOR_EVER);
        match (event.kind, event.cut) {
            (_, None) => self.all = Some(All::newer(self.all, All { seq: event.seq, until })),
            (RevocationKind::Key, Some(at)) => {
                self.after = Some(Cut::wider(self.after, Cut { at, until }, UnixTime::min));
            }
            (kind, Some(at)) => {
                self.up_to = Some(Cut::wider(self.up_to, Cut { at, until }, UnixTime::max));
                if kind == RevocationKind::Agent {
                    self.goes_on = self.goes_on.max(event.seq);
                }
            }
        }
    }

    /// Whether a cut-off stops what was issued at `issued_at`.
    fn cut_off(&self, issued_at: UnixTime) -> bool {
        self.up_to.is_some_and(|cut| issued_at <= cut.at) || self.after.is_some_and(|cut| issued_at > cut.at)
    }

    /// What stops everything, but for a suspension that a cut-off ended.
    fn standing(&self) -> Option<All> {
        self.all.filter(|all| all.seq >= self.goes_on)
    }

    /// Drops what is past its `until`; says whether anything is left. A suspension that is over goes no later than the cut-off
    /// that ended it: alone it would count again.
    fn still_counts(&mut self, now: UnixTime) -> bool {
        let is_past = |until: Until| until != FOR_EVER && now > until;
        self.all = self.standing().filter(|all| !is_past(all.until));
        self.up_to = self.up_to.filter(|cut| !is_past(cut.until));
        self.after = self.after.filter(|cut| !is_past(cut.until));
        self.all.is_some() || self.up_to.is_some() || self.after.is_some()
    }
}

impl All {
    fn newer(known: Option<Self>, new: Self) -> Self {
        known.map_or(new, |known| Self { seq: known.seq.max(new.seq), until: known.until.max(new.until) })
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
    fn a_cut_off_behind_a_suspension_ends_it_and_what_was_issued_before_stays_dead() {
        let numbered = |seq, cut| FeedEvent { seq, ..event(RevocationKind::Agent, cut) };
        let (suspended, resumed) = (numbered(3, None), numbered(4, Some(10)));
        check(&[suspended], RevocationKind::Agent, 11, Some(Revoked::Entirely));
        for both in [[suspended, resumed], [resumed, suspended]] {
            check(&both, RevocationKind::Agent, 10, Some(Revoked::ByCut));
            check(&both, RevocationKind::Agent, 11, None);
        }
        // suspended again, or REVOKED since
        for rest in [&[numbered(5, None)][..], &[numbered(5, None), numbered(2, Some(99))]] {
            let all = [&[suspended, resumed][..], rest].concat();
            check(&all, RevocationKind::Agent, 11, Some(Revoked::Entirely));
        }
        // an earlier, later cut-off is not forgotten by a suspension in between
        let all = [numbered(1, Some(20)), suspended, resumed];
        check(&all, RevocationKind::Agent, 20, Some(Revoked::ByCut));
        check(&all, RevocationKind::Agent, 21, None);
    }

    #[test]
    fn p12_only_an_agent_goes_on_behind_a_cut_off() {
        for kind in [RevocationKind::Owner, RevocationKind::Task, RevocationKind::Token, RevocationKind::Key] {
            let ended = FeedEvent { seq: 2, ..event(kind, Some(10)) };
            check(&[event(kind, None), ended], kind, 11, Some(Revoked::Entirely));
        }
    }

    #[test]
    fn a_suspension_that_is_over_is_forgotten_with_its_cut_off() {
        let name = RevocationName::of(ISSUER, RevocationKind::Agent, "x");
        let suspended = FeedEvent { seq: 3, ..event(RevocationKind::Agent, None) };
        let resumed =
            FeedEvent { seq: 4, until: Some(UnixTime::from_secs(99)), ..event(RevocationKind::Agent, Some(10)) };
        let set = RevocationSet::default();
        [suspended, resumed].iter().for_each(|event| set.insert(event));
        for (now, expected) in [(99, Some(Revoked::ByCut)), (100, None)] {
            set.forget(UnixTime::from_secs(now));
            assert_eq!(set.covers(name, UnixTime::from_secs(10)), expected, "{now}");
            assert_eq!(set.covers(name, UnixTime::from_secs(11)), None, "{now}");
        }
        assert!(set.is_empty());
    }

    #[test]
    fn p12_the_numbers_of_a_new_epoch_end_nothing_of_an_old_one() {
        let name = RevocationName::of(ISSUER, RevocationKind::Agent, "x");
        let numbered = |seq, cut| FeedEvent { seq, ..event(RevocationKind::Agent, cut) };
        let check = |before: &[FeedEvent], is_known: bool, after: &[FeedEvent], expected| {
            let set = RevocationSet::default();
            before.iter().for_each(|event| set.insert(event));
            set.begin_epoch(&is_known.then_some(name).into_iter().collect());
            after.iter().for_each(|event| set.insert(event));
            assert_eq!(set.covers(name, UnixTime::from_secs(50)), expected, "{before:?} {is_known} {after:?}");
        };
        let (entirely, nothing) = (Some(Revoked::Entirely), None);
        // the restored registry no longer knows that it revoked the agent, lets it go on, and is not heard
        check(&[numbered(100, None)], false, &[numbered(51, Some(40))], entirely);
        // it knows of a suspension and ends it, with a number that is smaller than the old one was
        check(&[numbered(100, None)], true, &[numbered(30, None)], entirely);
        check(&[numbered(100, None)], true, &[numbered(30, None), numbered(51, Some(40))], nothing);
        // an old cut-off of a greater number does not end a new stop
        check(&[numbered(99, None), numbered(100, Some(40))], false, &[numbered(60, None)], entirely);
        check(&[numbered(99, None), numbered(100, Some(40))], false, &[], nothing);
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
