//! Where the status of a delegation stands: a place that is kept with its record, and another when that one is no good any more
//! (spec/status-lists.md).

use handfast_delegation::{AccessToken, VerifiedChain};
use handfast_identity::{DidKey, UnixTime};

use crate::change::Write;
use crate::record::{Organisation, TaskPlace};
use crate::{AgentRecord, Expect, HopRecord, Loaded, PlaceRecord, Slot, StatusPlace, Subject, TaskRecord};

/// What the keeper of the lists knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Places {
    /// Whether the place that the record names is its own and says VALID: nothing that stops a part of what went before is on it.
    pub is_good: bool,
    /// One that is free, for a record that needs one.
    pub free: StatusPlace,
}

impl TaskRecord {
    /// The place that tokens of this task name for the current key of `agent`; none where that key never had one.
    #[must_use]
    pub fn place_for(&self, agent: &AgentRecord) -> Option<StatusPlace> {
        self.place.filter(|known| known.key_number == agent.key_number).map(|known| known.place)
    }

    /// The same task at `place`, and what is written of the place.
    pub(crate) fn placed(mut self, agent: &AgentRecord, place: StatusPlace, now: UnixTime) -> (Self, PlaceRecord) {
        self.place = Some(TaskPlace { place, key_number: agent.key_number });
        let entry = PlaceRecord {
            agents: vec![agent.did.clone()],
            begun: now,
            ends: self.deadline,
            ..entry(place, &self.organisation, &self)
        };
        (self, entry)
    }
}

/// What moves a known task to a free place. No event stands behind it: nobody's state changes.
pub(super) fn task_moved(
    task: &Loaded<TaskRecord>,
    agent: &Loaded<AgentRecord>,
    free: StatusPlace,
    now: UnixTime,
) -> (TaskRecord, Vec<Write>) {
    let (moved, entry) = task.record.clone().placed(&agent.record, free, now);
    let writes = vec![
        Write::replace(task, moved.clone()),
        Write::put(Expect::Absent, entry),
        Write::Keep { slot: Slot::agent(&agent.record.id), version: agent.version },
    ];
    (moved, writes)
}

/// What moves a known hop to a free place.
pub(super) fn hop_moved(hop: &Loaded<HopRecord>, entry: PlaceRecord) -> Vec<Write> {
    let moved = HopRecord { place: Some(entry.place), ..hop.record.clone() };
    vec![Write::replace(hop, moved), Write::put(Expect::Absent, entry)]
}

/// What is written of the place of the last hop of `chain`, below `root`.
pub(super) fn hop_entry(
    place: StatusPlace,
    root: &AccessToken,
    chain: &VerifiedChain,
    task: &TaskRecord,
) -> PlaceRecord {
    // under the key the root was made for, which may have been replaced since
    let client = DidKey::parse(&root.client_id).ok();
    let delegates = chain.links().map(|link| link.hop.delegate.clone());
    PlaceRecord {
        agents: client.into_iter().chain(delegates).collect(),
        hops: chain.links().map(|link| link.name).collect(),
        root_token: Some(root.token_id.to_string()),
        // a cut-off stops a chain by its root
        begun: root.issued_at,
        ends: chain.leaf().hop.authority.expires_at.min(root.authority.expires_at),
        ..entry(place, &task.organisation, task)
    }
}

fn entry(place: StatusPlace, organisation: &Organisation, task: &TaskRecord) -> PlaceRecord {
    PlaceRecord {
        place,
        organisation: organisation.clone(),
        task: task.id.clone(),
        owner: match &task.subject {
            Subject::Owner(id) => Some(id.clone()),
            Subject::Agent(_) => None,
        },
        agents: Vec::new(),
        hops: Vec::new(),
        root_token: None,
        begun: UnixTime::EPOCH,
        ends: UnixTime::EPOCH,
    }
}
