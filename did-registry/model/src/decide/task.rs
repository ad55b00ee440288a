//! Tasks begin and end.

use handfast_delegation::{Authority, MAX_INTENT_BYTES, MAX_REFERENCE_BYTES, Trigger, TriggerKind};
use handfast_identity::{RandomSource, Seconds, UnixTime};

use super::life::require_active;
use crate::authority::{bounded, plain_authority};
use crate::change::Write;
use crate::limits::{DEFAULT_TASK_LIFETIME, MIN_TASK_LIFETIME};
use crate::record::Life;
use crate::{
    AgentRecord, AgentTask, Caller, Ceiling, Change, Event, Expect, Fact, Loaded, Outcome, Party, Refusal,
    RegistryPolicy, SelfTasks, ShownText, Slot, StatusPlace, Subject, TaskId, TaskRecord, TaskRequest,
};

/// What a task is made of, beside the agent it is given to. The trigger follows from the caller and is never claimed.
pub(crate) struct Draft {
    pub(crate) subject: Subject,
    pub(crate) trigger: TriggerKind,
    pub(crate) intent: ShownText<MAX_INTENT_BYTES>,
    pub(crate) reference: Option<ShownText<MAX_REFERENCE_BYTES>>,
    pub(crate) authority: Authority,
    pub(crate) lifetime: Seconds,
}

/// A task of `agent`, triggered by `by`.
pub(crate) fn new_task(
    agent: &AgentRecord,
    by: &Party,
    draft: Draft,
    now: UnixTime,
    random: &mut dyn RandomSource,
) -> TaskRecord {
    let reference = draft.reference.map(|reference| reference.to_string().into());
    TaskRecord {
        id: TaskId::generate(random),
        organisation: agent.organisation.clone(),
        agent: agent.id.clone(),
        subject: draft.subject,
        intent: draft.intent,
        trigger: Trigger { kind: draft.trigger, by: by.to_string().into(), reference },
        authority: draft.authority,
        created: now,
        deadline: now.saturating_add(draft.lifetime),
        leaf: None,
        completed: None,
        revoked: None,
        era: agent.era(),
        place: None,
    }
}

/// The event of a task's beginning.
pub(crate) fn task_created(task: &TaskRecord, agent: &AgentRecord, who: Party) -> Event {
    Event {
        fact: Fact::TaskCreated {
            task: task.id.clone(),
            agent: agent.id.clone(),
            intent: task.intent.to_string(),
            trigger: task.trigger.clone(),
            authority: task.authority.clone(),
            deadline: task.deadline,
        },
        who,
        why: None,
        when: task.created,
        did: Some(agent.did.clone()),
    }
}

/// How long a task may be, given what was asked and the most there is.
///
/// # Errors
///
/// [`Refusal::InvalidRequest`] below a minute, [`Refusal::TaskTooLong`] above the most: never a silent cut.
pub(crate) fn task_lifetime(asked: Option<Seconds>, most: Seconds) -> Result<Seconds, Refusal> {
    match asked {
        None => Ok(DEFAULT_TASK_LIFETIME.min(most)),
        Some(asked) if asked < MIN_TASK_LIFETIME => Err(Refusal::InvalidRequest),
        Some(asked) if asked > most => Err(Refusal::TaskTooLong),
        Some(asked) => Ok(asked),
    }
}

/// Creates a task for an agent of the caller's, triggered by `owner`. That agent, and no other, then gets tokens for it. `free` is a
/// place for their status.
///
/// # Errors
///
/// [`Refusal::UnknownAgent`]; [`Refusal::Forbidden`] for another's agent; [`Refusal::AgentRevoked`], [`Refusal::AgentRetired`],
/// [`Refusal::AgentSuspended`];
/// [`Refusal::InvalidScope`], [`Refusal::InvalidTarget`] and [`Refusal::Widened`] for more than the ceiling;
/// [`Refusal::TaskTooLong`].
pub fn create_owner_task(
    caller: Caller<'_>,
    agent: Option<&Loaded<AgentRecord>>,
    request: TaskRequest,
    policy: &RegistryPolicy,
    free: StatusPlace,
    now: UnixTime,
    random: &mut dyn RandomSource,
) -> Result<(Change, TaskRecord), Refusal> {
    let agent = agent.filter(|agent| !agent.record.is_expired(now)).ok_or(Refusal::UnknownAgent)?;
    let owner = caller.as_owner()?;
    if agent.record.organisation != owner.organisation {
        return Err(Refusal::UnknownAgent);
    }
    // an admin may revoke anybody's agent, but only its owner lends a name to a task
    if agent.record.owner() != Some(&owner.id) {
        return Err(Refusal::Forbidden);
    }
    let Life::Claimed(claimed) = &agent.record.life else { return Err(Refusal::AgentRevoked) };
    require_active(&agent.record)?;
    let authority = task_authority(&request, &claimed.ceiling, policy)?;
    let who = Party::Owner(owner.id.clone());
    let draft = Draft {
        subject: Subject::Owner(owner.id.clone()),
        trigger: TriggerKind::Owner,
        lifetime: task_lifetime(request.lifetime, claimed.ceiling.max_task())?,
        intent: request.intent,
        reference: request.reference,
        authority,
    };
    let (task, entry) = new_task(&agent.record, &who, draft, now, random).placed(&agent.record, free, now);
    let writes = vec![
        Write::put(Expect::Absent, task.clone()),
        Write::put(Expect::Absent, AgentTask::of(&task)),
        Write::put(Expect::Absent, entry),
        Write::Keep { slot: Slot::agent(&agent.record.id), version: agent.version },
    ];
    Ok((Change::new(writes, task_created(&task, &agent.record, who)), task))
}

/// The authority asked for, if it narrows the ceiling and every scope means something at one of its resources.
///
/// What the ceiling says of tools, budget and depth is the task's too, where nobody says less.
fn task_authority(request: &TaskRequest, ceiling: &Ceiling, policy: &RegistryPolicy) -> Result<Authority, Refusal> {
    let most = ceiling.authority();
    let resources = request.resources.clone().unwrap_or_else(|| {
        let knows = |known: &&crate::KnownResource| {
            most.resources.contains(&known.id) && !known.scopes.intersection(&request.scope).is_empty()
        };
        policy.resources().iter().filter(knows).map(|known| known.id.clone()).collect()
    });
    let authority = bounded(Authority {
        tools: request.tools.as_ref().or(most.tools.as_ref()).cloned(),
        budget: request.budget.or(most.budget),
        max_depth: most.max_depth,
        ..plain_authority(request.scope.clone(), resources).map_err(|_| Refusal::InvalidRequest)?
    })
    .map_err(|_| Refusal::InvalidRequest)?;
    authority.narrows(most)?;
    let known = policy.scopes_known_to(&authority).ok_or(Refusal::InvalidTarget)?;
    let excess = request.scope.excess_over(&known);
    if excess.is_empty() { Ok(authority) } else { Err(Refusal::InvalidScope { excess }) }
}

/// Declares a task done: no more tokens for it. One that is over already stays as it is, without error.
///
/// `agent` is the task's agent, `self_tasks` that agent's list.
///
/// # Errors
///
/// [`Refusal::UnknownTask`] for none, and for whoever is not the agent, its owner or an admin.
pub fn complete_task(
    caller: Caller<'_>,
    task: Option<&Loaded<TaskRecord>>,
    agent: Option<&AgentRecord>,
    self_tasks: Option<&Loaded<SelfTasks>>,
    now: UnixTime,
) -> Result<Outcome, Refusal> {
    let task = task.ok_or(Refusal::UnknownTask)?;
    let agent = agent.ok_or(Refusal::UnknownTask)?;
    let who = caller.works_on(&task.record, agent)?;
    if !agent.goes_on_with(&task.record, now) {
        return Ok(Outcome::Unchanged);
    }
    let mut writes = vec![Write::replace(task, TaskRecord { completed: Some(now), ..task.record.clone() })];
    let listed = self_tasks.filter(|list| list.record.open.iter().any(|open| open.id == task.record.id));
    writes.extend(listed.map(|list| Write::replace(list, list.record.without(&task.record.id))));
    let event = Event {
        fact: Fact::TaskCompleted { task: task.record.id.clone(), agent: agent.id.clone() },
        who,
        why: None,
        when: now,
        did: Some(agent.did.clone()),
    };
    Ok(Outcome::Changed(Change::new(writes, event)))
}
