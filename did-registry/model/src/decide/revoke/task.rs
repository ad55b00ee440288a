//! The end of a task, before its time.

use handfast_identity::UnixTime;

use super::Stopped;
use crate::change::Write;
use crate::limits::{MAX_WHY_BYTES, REVOCATION_MARGIN};
use crate::{
    AgentRecord, Caller, Change, Event, Expect, Fact, FeedEntry, FeedKind, Loaded, Party, Refusal, RevocationRecord,
    SelfTasks, ShownText, TaskRecord,
};

/// A task that somebody wants to stop, as loaded.
#[derive(Clone, Copy, Debug)]
pub struct TaskToStop<'a> {
    /// The task.
    pub task: Option<&'a Loaded<TaskRecord>>,
    /// Its agent.
    pub agent: Option<&'a AgentRecord>,
    /// That agent's open `self` tasks.
    pub self_tasks: Option<&'a Loaded<SelfTasks>>,
    /// Its revocation, if there was one.
    pub before: Option<&'a RevocationRecord>,
}

/// Revokes a task, for ever: every token of it and every chain below one dies, and nothing is issued or exchanged in it any more.
///
/// The feed entry has no cut-off: a token that is being issued at this moment is stopped too. It is kept until nothing of the
/// task can be alive. A task that is past that already gets a record and no entry. Revoking it again changes nothing.
///
/// # Errors
///
/// As [`Caller::stops_task`]; [`Refusal::UnknownTask`] for none.
pub fn revoke_task(
    caller: Caller<'_>,
    case: TaskToStop<'_>,
    why: Option<ShownText<MAX_WHY_BYTES>>,
    now: UnixTime,
) -> Result<Stopped, Refusal> {
    let task = case.task.ok_or(Refusal::UnknownTask)?;
    let agent = case.agent.ok_or(Refusal::UnknownTask)?;
    let by = Party::Owner(caller.stops_task(&task.record, agent)?.id().clone());
    if let Some(before) = case.before {
        return Ok(Stopped::Before(before.clone()));
    }
    let id = &task.record.id;
    // no token of a task outlives its deadline
    let until = task.record.deadline.saturating_add(REVOCATION_MARGIN);
    let record = RevocationRecord {
        organisation: task.record.organisation.clone(),
        kind: FeedKind::Task,
        id: id.to_string(),
        by: by.clone(),
        why: why.clone(),
        at: now,
        cut: None,
        until: Some(until),
    };
    let mut writes = vec![
        Write::replace(task, TaskRecord { revoked: Some(now), ..task.record.clone() }),
        Write::put(Expect::Absent, record.clone()),
    ];
    let listed = case.self_tasks.filter(|list| list.record.open.iter().any(|open| open.id == *id));
    writes.extend(listed.map(|list| Write::replace(list, list.record.without(id))));
    let event = Event {
        fact: Fact::Revoked { grain: FeedKind::Task, id: id.to_string(), cut: None, until: Some(until) },
        who: by,
        why,
        when: now,
        did: Some(agent.did.clone()),
    };
    let feed = FeedEntry::until(FeedKind::Task, id.as_str(), until, now).into_iter().collect();
    Ok(Stopped::Now { change: Change { feed, ..Change::new(writes, event) }, record })
}
