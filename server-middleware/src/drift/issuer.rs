//! The drift of one issuer's tasks, and what was stopped because of it.

use std::collections::{BTreeSet, HashMap};

use handfast_identity::{ContentHash, Seconds, UnixTime};
use handfast_verifier::{Stop, Wish, Work};

use super::{DriftAction, DriftPolicy};

/// Tasks of one issuer that are kept count of (spec/limits.md). Beyond, counts of tasks in which nothing is stopped make room.
const MAX_TASKS: usize = 16_384;
/// How long a count is kept after its last wish: the longest life of a task (spec/limits.md).
const COUNT_LIFETIME: Seconds = Seconds::new(24 * 3600);

/// What is known of one task's drift.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DriftRecord {
    /// The issuer.
    pub issuer: String,
    /// The task's id.
    pub task: String,
    /// What the task was declared for: text of the agent's or the owner's, which nobody verified. Empty if no wish was counted.
    pub intent: String,
    /// Wishes counted since the last release.
    pub wishes: u32,
    /// The last of them.
    pub last: Option<Wish>,
    /// Whether the task is halted.
    pub is_halted: bool,
    /// The agent whose own tasks are all halted with this one.
    pub halted_agent: Option<String>,
    /// Names of the hops that are suspended.
    pub suspended: Vec<ContentHash>,
}

#[derive(Debug)]
pub(super) struct IssuerDrift {
    issuer: String,
    most: usize,
    tasks: HashMap<String, Kept>,
    /// Tasks in which nothing is stopped, by the end of their counts.
    idle: BTreeSet<(UnixTime, String)>,
    /// Agents whose own tasks are halted, and the task that was halted for it.
    agents: HashMap<String, String>,
    /// Suspended hops and their tasks.
    hops: HashMap<ContentHash, String>,
}

#[derive(Debug)]
struct Kept {
    record: DriftRecord,
    until: UnixTime,
}

impl DriftRecord {
    fn new(issuer: &str, task: &str) -> Self {
        Self {
            issuer: issuer.to_owned(),
            task: task.to_owned(),
            intent: String::new(),
            wishes: 0,
            last: None,
            is_halted: false,
            halted_agent: None,
            suspended: Vec::new(),
        }
    }

    fn has_stops(&self) -> bool {
        self.is_halted || !self.suspended.is_empty()
    }
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
            agents: HashMap::new(),
            hops: HashMap::new(),
        }
    }

    /// Counts a wish and does what `policy` says; none if there is no room for its task.
    pub(super) fn count(&mut self, wish: &Wish, policy: &DriftPolicy, now: UnixTime) -> Option<(u32, DriftAction)> {
        self.change(&wish.task, now, |record| {
            record.wishes = record.wishes.saturating_add(1);
            record.intent.clone_from(&wish.intent);
            record.last = Some(wish.clone());
            let action = policy.action(record.wishes, wish.hop.is_some());
            match (action, wish.hop) {
                (DriftAction::Halted, _) => {
                    record.is_halted = true;
                    record.halted_agent.clone_from(&wish.own_agent);
                }
                (DriftAction::Suspended, Some(hop)) if !record.suspended.contains(&hop) => record.suspended.push(hop),
                (DriftAction::Suspended | DriftAction::Logged, _) => {}
            }
            (record.wishes, action)
        })
    }

    /// Halts a task; whether there was room to remember it.
    pub(super) fn halt(&mut self, task: &str, now: UnixTime) -> bool {
        self.change(task, now, |record| record.is_halted = true).is_some()
    }

    /// Suspends a hop of a task; whether there was room to remember it.
    pub(super) fn suspend(&mut self, task: &str, hop: ContentHash, now: UnixTime) -> bool {
        let add = |record: &mut DriftRecord| {
            if !record.suspended.contains(&hop) {
                record.suspended.push(hop);
            }
        };
        self.change(task, now, add).is_some()
    }

    /// Forgets a task and everything stopped because of it; whether anything was known of it.
    pub(super) fn release(&mut self, task: &str) -> bool {
        let Some(kept) = self.tasks.remove(task) else { return false };
        self.idle.remove(&(kept.until, task.to_owned()));
        self.agents.retain(|_, cause| cause != task);
        for hop in &kept.record.suspended {
            self.hops.remove(hop);
        }
        true
    }

    pub(super) fn stop(&self, work: &Work<'_>) -> Option<Stop> {
        let is_halted = self.tasks.get(work.task).is_some_and(|kept| kept.record.is_halted)
            || work.own_agent.is_some_and(|agent| self.agents.contains_key(agent));
        if is_halted {
            return Some(Stop::Task);
        }
        work.hops().any(|hop| self.hops.contains_key(&hop)).then_some(Stop::Delegation)
    }

    /// How many tasks have something stopped in them.
    pub(super) fn stopped(&self) -> usize {
        self.tasks.len() - self.idle.len()
    }

    pub(super) fn records(&self) -> impl Iterator<Item = DriftRecord> {
        self.tasks.values().map(|kept| kept.record.clone())
    }

    /// Changes the record of a task, and keeps the indexes true to it.
    fn change<T>(&mut self, task: &str, now: UnixTime, apply: impl FnOnce(&mut DriftRecord) -> T) -> Option<T> {
        let mut kept = match self.tasks.remove(task) {
            Some(kept) => {
                self.idle.remove(&(kept.until, task.to_owned()));
                kept
            }
            None if self.make_room(now) => Kept { record: DriftRecord::new(&self.issuer, task), until: now },
            None => return None,
        };
        let result = apply(&mut kept.record);
        kept.until = now.saturating_add(COUNT_LIFETIME);
        if kept.record.has_stops() {
            self.hops.extend(kept.record.suspended.iter().map(|hop| (*hop, task.to_owned())));
            self.agents.extend(kept.record.halted_agent.iter().map(|agent| (agent.clone(), task.to_owned())));
        } else {
            self.idle.insert((kept.until, task.to_owned()));
        }
        self.tasks.insert(task.to_owned(), kept);
        Some(result)
    }

    /// Forgets counts whose time is over, and if that is not enough the oldest one; whether there is room for another.
    fn make_room(&mut self, now: UnixTime) -> bool {
        let is_over = |idle: &BTreeSet<(UnixTime, String)>| idle.first().is_some_and(|(until, _)| *until < now);
        while is_over(&self.idle) || (self.tasks.len() >= self.most && !self.idle.is_empty()) {
            if let Some((_, task)) = self.idle.pop_first() {
                self.tasks.remove(&task);
            }
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
        // a new task makes room: `b` is over, `a` is in its last second
        assert_eq!(count("c", day + 1), 1);
        assert_eq!([count("b", day + 1), count("a", day + 1)], [1, 3]);
        assert_eq!(count("a", 3 * day), 4, "nobody came to make room");
    }

    #[test]
    fn what_is_stopped_makes_no_room_for_others() {
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
        // a week later they are still stopped, and another is not counted
        assert!(drift.count(&wish("f"), &halting, now(7 * 86_400)).is_none());
        assert!(!drift.halt("f", now(7 * 86_400)));
        assert!(drift.release("b"));
        assert!(drift.halt("f", now(7 * 86_400)));
        assert_eq!((tasks(&drift), drift.stopped()), (vec!["d".into(), "e".into(), "f".into()], 3));
    }

    #[test]
    fn a_release_leaves_nothing_behind() {
        let mut drift = IssuerDrift::new("");
        let hop = ContentHash::of(b"hop");
        let policy = DriftPolicy { suspend_after: NonZeroU32::new(1), halt_after: NonZeroU32::new(2) };
        let own = Wish { own_agent: Some("did:key:z6Mk".into()), hop: Some(hop), ..wish("a") };
        assert_eq!(drift.count(&own, &policy, START), Some((1, DriftAction::Suspended)));
        assert_eq!(drift.count(&own, &policy, START), Some((2, DriftAction::Halted)));
        assert!(drift.suspend("a", hop, START) && drift.suspend("a", ContentHash::of(b"other"), START));
        assert_eq!((drift.hops.len(), drift.agents.len(), drift.idle.len()), (2, 1, 0));
        assert!(drift.release("a") && !drift.release("a"));
        assert_eq!((drift.hops.len(), drift.agents.len(), drift.idle.len(), drift.tasks.len()), (0, 0, 0, 0));
    }
}
