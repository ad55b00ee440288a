//! The revoked names one issuer's feed has told, and what each stops.

use std::collections::HashMap;

use handfast_identity::UnixTime;

use super::{FeedEvent, RevocationKind, RevocationName};

/// Revoked names of one issuer. Applying an event twice, or in another order, gives the same set.
#[derive(Clone, Debug, Default)]
pub struct RevocationSet {
    entries: HashMap<RevocationName, Extent>,
}

/// How much an entry stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extent {
    /// Everything that bears the name.
    All,
    /// What was issued up to the cut: the thing lives on, its past does not.
    UpTo(UnixTime),
    /// What was issued after the cut: a key that was rotated out signs no more.
    After(UnixTime),
    /// An agent: all of it, unless a cut-off came behind that; and what was issued up to the latest cut-off.
    Agent(Agent),
}

/// What is known of an agent. Each part only ever grows, so no order of events makes a difference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Agent {
    /// Number of the newest entry without cut-off: REVOKED, retired or suspended since then. 0 before the first.
    stopped: u64,
    /// Number of the newest entry with one: a suspension before it is over. 0 before the first.
    goes_on: u64,
    /// The latest cut-off.
    cut: Option<UnixTime>,
}

impl Agent {
    fn of(event: &FeedEvent) -> Self {
        match event.cut {
            None => Self { stopped: event.seq, ..Self::default() },
            Some(cut) => Self { goes_on: event.seq, cut: Some(cut), stopped: 0 },
        }
    }

    fn widened(self, other: Self) -> Self {
        Self {
            stopped: self.stopped.max(other.stopped),
            goes_on: self.goes_on.max(other.goes_on),
            cut: self.cut.max(other.cut),
        }
    }

    fn covers(self, issued_at: UnixTime) -> Option<Revoked> {
        if self.stopped > 0 && self.stopped >= self.goes_on {
            return Some(Revoked::Entirely);
        }
        self.cut.is_some_and(|cut| issued_at <= cut).then_some(Revoked::ByCut)
    }
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
    pub fn insert(&mut self, event: &FeedEvent) {
        let extent = match (event.kind, event.cut) {
            (RevocationKind::Agent, _) => Extent::Agent(Agent::of(event)),
            (_, None) => Extent::All,
            (RevocationKind::Key, Some(cut)) => Extent::After(cut),
            (_, Some(cut)) => Extent::UpTo(cut),
        };
        self.entries.entry(event.name).and_modify(|known| *known = known.widened(extent)).or_insert(extent);
    }

    /// Takes in everything `other` holds.
    pub fn absorb(&mut self, other: &Self) {
        for (name, extent) in &other.entries {
            self.entries.entry(*name).and_modify(|known| *known = known.widened(*extent)).or_insert(*extent);
        }
    }

    /// Whether `name`, issued at `issued_at`, is revoked. `None` means that it is not, as far as this set knows.
    #[must_use]
    pub fn covers(&self, name: RevocationName, issued_at: UnixTime) -> Option<Revoked> {
        match self.entries.get(&name)? {
            Extent::All => Some(Revoked::Entirely),
            Extent::UpTo(cut) => (issued_at <= *cut).then_some(Revoked::ByCut),
            Extent::After(cut) => (issued_at > *cut).then_some(Revoked::ByCut),
            Extent::Agent(agent) => agent.covers(issued_at),
        }
    }

    /// Names held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it holds no name.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl Extent {
    /// The smallest extent that stops whatever either stops.
    fn widened(self, other: Self) -> Self {
        match (self, other) {
            (Self::UpTo(a), Self::UpTo(b)) => Self::UpTo(a.max(b)),
            (Self::After(a), Self::After(b)) => Self::After(a.min(b)),
            (Self::Agent(a), Self::Agent(b)) => Self::Agent(a.widened(b)),
            _ => Self::All,
        }
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
        let mut set = RevocationSet::default();
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
    fn sets_are_put_together_as_events_are() {
        let numbered = |seq, cut| FeedEvent { seq, ..event(RevocationKind::Agent, cut) };
        let of = |event: FeedEvent| {
            let mut set = RevocationSet::default();
            set.insert(&event);
            set
        };
        let name = RevocationName::of(ISSUER, RevocationKind::Agent, "x");
        for (one, two) in [(numbered(1, None), numbered(2, Some(10))), (numbered(2, Some(10)), numbered(1, None))] {
            let mut set = of(one);
            set.absorb(&of(two));
            assert_eq!(set.covers(name, UnixTime::from_secs(10)), Some(Revoked::ByCut));
            assert_eq!(set.covers(name, UnixTime::from_secs(11)), None);
        }
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
}
