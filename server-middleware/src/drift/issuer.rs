//! The drift of one issuer's tasks, and what was stopped because of it.

use std::collections::{BTreeSet, HashMap};

use handfast_identity::{ContentHash, Seconds, UnixTime};
use handfast_verifier::{Stop, Wish, Work};

use super::record::{Done, DriftRecord, TaskDrift};
use super::{DriftAction, DriftPolicy};

/// Tasks of one issuer that are kept count of (spec/limits.md). Beyond, counts of tasks in which nothing is stopped make room, and
/// then stops that nobody met for [`COUNT_LIFETIME`].
pub(crate) const MAX_TASKS: usize = 16_384;
/// How long a count is kept after its last wish: the longest life of a task (spec/limits.md).
const COUNT_LIFETIME: Seconds = Seconds::new(24 * 3600);

#[derive(Debug)]
pub(super) struct IssuerDrift {
    issuer: String,
    most: usize,
    tasks: HashMap<String, Kept>,
    /// Tasks in which nothing is stopped, by the end of their counts.
    idle: BTreeSet<(UnixTime, String)>,
    /// Tasks in which something is, by the same.
    stopped: BTreeSet<(UnixTime, String)>,
    /// Agents whose own tasks are halted, and the tasks that were halted for it.
    agents: HashMap<String, BTreeSet<String>>,
    /// Suspended hops and their tasks.
    hops: HashMap<ContentHash, String>,
}

#[derive(Debug)]
struct Kept {
    drift: TaskDrift,
    until: UnixTime,
}

impl IssuerDrift {
    pub(super) fn new(issuer: &str) -> Self {
        Self::bounded(issuer, MAX_TASKS)
    }

    fn bounded(issuer: &str, most: usize) -> Self {
        Self {
            issuer: issuer.to_owned(),
            most,
            tasks: HashMap::new(),
            idle: BTreeSet::new(),
            stopped: BTreeSet::new(),
            agents: HashMap::new(),
            hops: HashMap::new(),
        }
    }

    /// Counts a wish and does what `policy` says; none if there is no room for its task.
    pub(super) fn count(&mut self, wish: &Wish, policy: &DriftPolicy, now: UnixTime) -> Option<(u32, DriftAction)> {
        self.change(&wish.task, now, |drift| (drift.wishes().saturating_add(1), drift.count(wish, policy)))
    }

    /// Halts a task; whether there was room to remember it.
    pub(super) fn halt(&mut self, task: &str, now: UnixTime) -> bool {
        self.change(task, now, |drift| (0, drift.halt(None))).is_some()
    }

    /// Suspends a hop of a task; whether there was room to remember it.
    pub(super) fn suspend(&mut self, task: &str, hop: ContentHash, now: UnixTime) -> bool {
        let done = self.change(task, now, |drift| (0, drift.suspend(hop)));
        matches!(done, Some((_, DriftAction::Suspended)))
    }

    /// Forgets a task and everything stopped because of it; whether anything was known of it.
    pub(super) fn release(&mut self, task: &str) -> bool {
        let Some(kept) = self.tasks.remove(task) else { return false };
        let place = (kept.until, task.to_owned());
        self.idle.remove(&place);
        self.stopped.remove(&place);
        if let Some(agent) = kept.drift.halted_agent()
            && let Some(causes) = self.agents.get_mut(agent)
        {
            causes.remove(task);
            if causes.is_empty() {
                self.agents.remove(agent);
            }
        }
        for hop in kept.drift.suspended() {
            self.hops.remove(hop);
        }
        true
    }

    pub(super) fn stop(&self, work: &Work<'_>) -> Option<Stop> {
        let is_halted = self.tasks.get(work.task).is_some_and(|kept| kept.drift.is_halted())
            || work.own_agent.is_some_and(|agent| self.agents.contains_key(agent));
        if is_halted {
            return Some(Stop::Task);
        }
        work.hops().any(|hop| self.hops.contains_key(&hop)).then_some(Stop::Delegation)
    }

    /// How many tasks have something stopped in them.
    pub(super) fn len(&self) -> usize {
        self.tasks.len()
    }

    pub(super) fn stopped(&self) -> usize {
        self.stopped.len()
    }

    pub(super) fn records(&self) -> impl Iterator<Item = DriftRecord> {
        self.tasks.iter().map(|(task, kept)| kept.drift.record(&self.issuer, task))
    }

    /// Changes what is kept of a task, and keeps the indexes true to it.
    fn change(
        &mut self,
        task: &str,
        now: UnixTime,
        apply: impl FnOnce(&mut TaskDrift) -> (u32, Done),
    ) -> Option<(u32, DriftAction)> {
        let is_over = |kept: &Kept| kept.until < now && !kept.drift.has_stops();
        if self.tasks.get(task).is_some_and(is_over) {
            self.release(task);
        }
        if !self.tasks.contains_key(task) {
            if !self.make_room(now) {
                return None;
            }
            self.tasks.insert(task.to_owned(), Kept { drift: TaskDrift::default(), until: now });
        }
        let kept = self.tasks.get_mut(task)?;
        self.idle.remove(&(kept.until, task.to_owned()));
        self.stopped.remove(&(kept.until, task.to_owned()));
        let (wishes, done) = apply(&mut kept.drift);
        kept.until = now.saturating_add(COUNT_LIFETIME);
        let order = if kept.drift.has_stops() { &mut self.stopped } else { &mut self.idle };
        order.insert((kept.until, task.to_owned()));
        let action = match done {
            Done::Nothing => DriftAction::Logged,
            Done::Suspended(hop) => {
                self.hops.insert(hop, task.to_owned());
                DriftAction::Suspended
            }
            Done::Halted(agent) => {
                if let Some(agent) = agent {
                    self.agents.entry(agent).or_default().insert(task.to_owned());
                }
                DriftAction::Halted
            }
        };
        Some((wishes, action))
    }

    /// Forgets counts whose time is over; if that is not enough the oldest of them, and then the oldest stops whose time is over.
    /// Whether there is room for another.
    fn make_room(&mut self, now: UnixTime) -> bool {
        let first = |order: &BTreeSet<(UnixTime, String)>| order.first().cloned();
        while let Some((until, task)) = first(&self.idle)
            && (until < now || self.tasks.len() >= self.most)
        {
            self.release(&task);
        }
        while self.tasks.len() >= self.most
            && let Some((until, task)) = first(&self.stopped)
            && until < now
        {
            self.release(&task);
        }
        self.tasks.len() < self.most
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // constants of the tests

    use std::num::NonZeroU32;

    use super::*;

    const START: UnixTime = UnixTime::from_secs(1_000_000);

    fn wish(task: &str) -> Wish {
        Wish {
            issuer: "https://registry.example".into(),
            task: task.into(),
            intent: String::new(),
            own_agent: None,
            hop: None,
            client_id: "did:key:z6Mk".into(),
            reason: "tool_refused",
        }
    }

    fn tasks(drift: &IssuerDrift) -> Vec<String> {
        let mut tasks: Vec<_> = drift.records().map(|record| record.task).collect();
        tasks.sort_unstable();
        tasks
    }

    #[test]
    fn counts_end_a_day_after_the_last_wish() {
        let (mut drift, policy) = (IssuerDrift::new(""), DriftPolicy::default());
        let mut count = |task: &str, after: u64| {
            let now = START.saturating_add(Seconds::new(after));
            drift.count(&wish(task), &policy, now).unwrap().0
        };
        assert_eq!([count("a", 0), count("b", 0), count("a", 1)], [1, 1, 2]);
        let day = COUNT_LIFETIME.get();
        assert_eq!([count("b", day + 1), count("a", day + 1), count("a", 2 * day + 1)], [1, 3, 4]);
        assert_eq!(count("a", 3 * day + 2), 1);
    }

    #[test]
    fn what_is_stopped_makes_room_for_others_after_a_day_only() {
        let halting = DriftPolicy { halt_after: NonZeroU32::new(1), ..DriftPolicy::default() };
        let mut drift = IssuerDrift::bounded("", 3);
        let now = |after: u64| START.saturating_add(Seconds::new(after));
        for (task, policy, after) in
            [("a", DriftPolicy::default(), 0), ("b", halting, 1), ("c", DriftPolicy::default(), 2)]
        {
            assert!(drift.count(&wish(task), &policy, now(after)).is_some());
        }
        assert!(drift.count(&wish("d"), &halting, now(3)).is_some());
        assert_eq!(tasks(&drift), ["b", "c", "d"]);
        assert!(drift.halt("e", now(4)));
        assert_eq!((tasks(&drift), drift.stopped()), (vec!["b".into(), "d".into(), "e".into()], 3));
        let day = COUNT_LIFETIME.get();
        // in the last second of the oldest they are still all stopped, and another is not counted
        assert!(drift.count(&wish("f"), &halting, now(day + 1)).is_none());
        assert!(!drift.halt("f", now(day + 1)));
        assert!(drift.halt("f", now(day + 2)));
        assert_eq!((tasks(&drift), drift.stopped()), (vec!["d".into(), "e".into(), "f".into()], 3));
        assert!(drift.release("d") && drift.halt("g", now(day + 3)));
        // where nobody needs the room they stay for good
        assert!(drift.tasks.get("e").is_some_and(|kept| kept.drift.is_halted()));
    }

    #[test]
    fn a_release_leaves_nothing_behind() {
        let mut drift = IssuerDrift::new("");
        let hop = ContentHash::of(b"hop");
        let policy = DriftPolicy { suspend_after: NonZeroU32::new(1), halt_after: NonZeroU32::new(2) };
        let own = |task| Wish { own_agent: Some("did:key:z6Mk".into()), hop: Some(hop), ..wish(task) };
        assert_eq!(drift.count(&own("a"), &policy, START), Some((1, DriftAction::Suspended)));
        assert_eq!(drift.count(&own("a"), &policy, START), Some((2, DriftAction::Halted)));
        assert!(drift.suspend("a", hop, START) && drift.suspend("a", ContentHash::of(b"other"), START));
        // the agent's own tasks stay halted as long as one of them is
        let halting = DriftPolicy { halt_after: NonZeroU32::new(1), ..policy };
        assert_eq!(drift.count(&own("b"), &halting, START), Some((1, DriftAction::Halted)));
        assert_eq!((drift.hops.len(), drift.agents.len(), drift.idle.len(), drift.stopped()), (2, 1, 0, 2));
        assert!(drift.release("b") && !drift.release("b"));
        assert_eq!((drift.hops.len(), drift.agents.len()), (2, 1));
        assert!(drift.release("a"));
        assert_eq!((drift.hops.len(), drift.agents.len(), drift.stopped(), drift.tasks.len()), (0, 0, 0, 0));
    }
}
