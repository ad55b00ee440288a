//! What is known of one task's drift.

use std::collections::HashMap;

use handfast_identity::ContentHash;
use handfast_verifier::Wish;

use super::DriftPolicy;

/// Delegations of one task whose wishes are told apart, or that are suspended (spec/limits.md). Whoever makes more of them drift
/// is past telling apart: the task is halted.
const MAX_DELEGATIONS: usize = 64;

/// What a server keeps of one task's drift, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DriftRecord {
    /// The issuer.
    pub issuer: String,
    /// The task's id.
    pub task: String,
    /// Wishes counted since the last release.
    pub wishes: u32,
    /// The last of them.
    pub last: Option<Wish>,
    /// Whether the task is halted.
    pub is_halted: bool,
    /// The agent whose own tasks are all halted with this one.
    pub halted_agent: Option<String>,
    /// Names of the hops that are suspended, in no order; at most 64.
    pub suspended: Vec<ContentHash>,
}

/// The counts of a task and what is stopped in it.
#[derive(Debug, Default)]
pub(super) struct TaskDrift {
    wishes: u32,
    /// Those of the root's agent itself.
    own: u32,
    last: Option<Wish>,
    is_halted: bool,
    halted_agent: Option<String>,
    delegations: HashMap<ContentHash, Delegation>,
}

#[derive(Debug, Default)]
struct Delegation {
    wishes: u32,
    is_suspended: bool,
}

/// What was stopped, for the indexes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Done {
    Nothing,
    Suspended(ContentHash),
    /// With the agent whose own tasks are halted too.
    Halted(Option<String>),
}

impl TaskDrift {
    /// Counts a wish: of the task for a halt, of the delegation it came by for a suspension.
    pub(super) fn count(&mut self, wish: &Wish, policy: &DriftPolicy) -> Done {
        self.wishes = self.wishes.saturating_add(1);
        self.last = Some(wish.clone());
        let is_due = policy.halts_at(self.wishes);
        let done = match wish.hop {
            _ if is_due => None,
            None => {
                self.own = self.own.saturating_add(1);
                (!policy.suspends_at(self.own)).then_some(Done::Nothing)
            }
            Some(_) if policy.suspend_after.is_none() => Some(Done::Nothing),
            Some(hop) => self.delegation(hop).map(|delegation| {
                delegation.wishes = delegation.wishes.saturating_add(1);
                delegation.is_suspended |= policy.suspends_at(delegation.wishes);
                if delegation.is_suspended { Done::Suspended(hop) } else { Done::Nothing }
            }),
        };
        done.unwrap_or_else(|| self.halt(wish.own_agent.clone()))
    }

    /// Halts the task, and all tasks that are `agent`'s own.
    pub(super) fn halt(&mut self, agent: Option<String>) -> Done {
        self.is_halted = true;
        self.halted_agent = agent.or_else(|| self.halted_agent.take());
        Done::Halted(self.halted_agent.clone())
    }

    /// Suspends a hop, if there is room for it.
    pub(super) fn suspend(&mut self, hop: ContentHash) -> Done {
        self.delegation(hop).map_or(Done::Nothing, |delegation| {
            delegation.is_suspended = true;
            Done::Suspended(hop)
        })
    }

    fn delegation(&mut self, hop: ContentHash) -> Option<&mut Delegation> {
        let is_full = self.delegations.len() >= MAX_DELEGATIONS;
        if is_full && !self.delegations.contains_key(&hop) {
            return None;
        }
        Some(self.delegations.entry(hop).or_default())
    }

    pub(super) const fn wishes(&self) -> u32 {
        self.wishes
    }

    pub(super) const fn is_halted(&self) -> bool {
        self.is_halted
    }

    pub(super) fn halted_agent(&self) -> Option<&str> {
        self.halted_agent.as_deref()
    }

    pub(super) fn suspended(&self) -> impl Iterator<Item = &ContentHash> {
        self.delegations.iter().filter(|(_, delegation)| delegation.is_suspended).map(|(hop, _)| hop)
    }

    pub(super) fn has_stops(&self) -> bool {
        self.is_halted || self.suspended().next().is_some()
    }

    pub(super) fn record(&self, issuer: &str, task: &str) -> DriftRecord {
        DriftRecord {
            issuer: issuer.to_owned(),
            task: task.to_owned(),
            wishes: self.wishes,
            last: self.last.clone(),
            is_halted: self.is_halted,
            halted_agent: self.halted_agent.clone(),
            suspended: self.suspended().copied().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    fn wish(hop: Option<&[u8]>) -> Wish {
        Wish {
            issuer: "https://registry.example".into(),
            task: "task_1".into(),
            intent: String::new(),
            own_agent: None,
            hop: hop.map(ContentHash::of),
            client_id: "did:key:z6Mk".into(),
            reason: "tool_refused",
        }
    }

    fn policy(suspend: u32, halt: u32) -> DriftPolicy {
        DriftPolicy { suspend_after: NonZeroU32::new(suspend), halt_after: NonZeroU32::new(halt) }
    }

    #[test]
    fn a_delegation_is_suspended_for_its_own_wishes_and_a_task_halted_for_all() {
        let mut drift = TaskDrift::default();
        let mut count = |hop: &[u8]| drift.count(&wish(Some(hop)), &policy(2, 5));
        let suspended = |hop: &[u8]| Done::Suspended(ContentHash::of(hop));
        assert_eq!([count(b"a"), count(b"b"), count(b"a")], [Done::Nothing, Done::Nothing, suspended(b"a")]);
        assert_eq!([count(b"b"), count(b"c")], [suspended(b"b"), Done::Halted(None)]);
        assert_eq!((drift.wishes(), drift.suspended().count(), drift.is_halted()), (5, 2, true));
    }

    #[test]
    fn a_root_agent_answers_for_its_own_wishes_only() {
        let mut drift = TaskDrift::default();
        let policy = policy(3, 0);
        for hop in [b"a", b"b", b"c", b"d"] {
            assert_eq!(drift.count(&wish(Some(hop)), &policy), Done::Nothing);
        }
        assert_eq!([(); 2].map(|()| drift.count(&wish(None), &policy)), [Done::Nothing, Done::Nothing]);
        assert_eq!(drift.count(&wish(None), &policy), Done::Halted(None));
    }

    #[test]
    fn a_hop_for_every_wish_is_no_way_out() {
        let mut drift = TaskDrift::default();
        for number in 0..u8::try_from(MAX_DELEGATIONS).unwrap_or(u8::MAX) {
            assert_eq!(drift.count(&wish(Some(&[number])), &policy(2, 0)), Done::Nothing);
        }
        assert_eq!(drift.suspend(ContentHash::of(b"another")), Done::Nothing);
        assert_eq!(drift.count(&wish(Some(b"another")), &policy(2, 0)), Done::Halted(None));
        // where nothing is to be suspended, nothing is told apart
        let mut counted = TaskDrift::default();
        for number in 0..=u8::MAX {
            assert_eq!(counted.count(&wish(Some(&[number])), &DriftPolicy::default()), Done::Nothing);
        }
        assert_eq!((counted.wishes(), counted.delegations.len()), (256, 0));
    }
}
