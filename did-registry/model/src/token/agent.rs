//! Root tokens of agents.

use handfast_delegation::{Authority, TriggerKind, Widening};
use handfast_identity::{RandomSource, Seconds, Thumbprint, UnixTime};

use super::grant::Root;
use super::narrow::{narrowed, require_applied};
use super::offer::{Offer, choose};
use super::owner::scope;
use super::place::{Places, task_moved};
use super::{PendingGrant, TaskChoice, TokenGrant, TokenRequest};
use crate::authority::AGENT_SELF;
use crate::change::Write;
use crate::decide::{Draft, new_task, task_created, task_lifetime};
use crate::limits::{MAX_OPEN_SELF_TASKS, MAX_SELF_TASKS_PER_HOUR, MAX_UNCLAIMED_TASK_LIFETIME, MIN_TOKEN_LIFETIME};
use crate::record::{Life, OpenTask, Rate, Unclaimed};
use crate::{
    AgentRecord, AgentTask, Change, DelegationMode, Expect, GrantFault, Loaded, Party, Refusal, RegistryPolicy,
    SelfTasks, ShownText, Slot, Subject, TaskRecord,
};

/// The agent that asks, as loaded.
#[derive(Clone, Copy, Debug)]
pub struct AgentClient<'a> {
    /// Its record.
    pub agent: &'a Loaded<AgentRecord>,
    /// Its open `self` tasks.
    pub self_tasks: Option<&'a Loaded<SelfTasks>>,
    /// The record of [`TokenRequest::wanted_task`].
    pub task: Option<&'a Loaded<TaskRecord>>,
    /// The place of that record's status, and a free one.
    pub places: Places,
}

/// A token request that was granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenDecision {
    /// Sign it; nothing is written.
    Ready(Box<TokenGrant>),
    /// Write the task's new place down, then sign it.
    NewPlace {
        /// To write: no event.
        writes: Vec<Write>,
        /// To sign then.
        grant: Box<TokenGrant>,
    },
    /// Commit the new task, then complete the grant with the leaf of that commit.
    NewTask {
        /// To commit.
        change: Change,
        /// To complete.
        pending: Box<PendingGrant>,
    },
}

/// What an agent may have now, and on whose behalf.
struct Standing {
    subject: Subject,
    authority: Authority,
    max_task: Seconds,
    /// Whether chains below its tokens may be presented unexchanged.
    is_offline: bool,
}

/// Decides about a root token for an agent. Nothing is written unless it is granted.
///
/// `prover` is the key of the request's DPoP proof. Only the record's current key gets tokens.
///
/// # Errors
///
/// In this order: [`Refusal::InvalidClient`], also for a retired agent; [`Refusal::InvalidGrant`] for a compromised key, and a
/// suspended or REVOKED agent; [`Refusal::SlowDown`] until its cut-off is past;
/// [`Refusal::InvalidGrant`], [`Refusal::TaskTooLong`], [`Refusal::InvalidRequest`] for the task;
/// [`Refusal::InvalidScope`], [`Refusal::InvalidTarget`]; [`Refusal::Widened`] for more tools or depth than it has;
/// [`Refusal::InvalidTarget`] for tools or a budget where nobody applies them; for a new task [`Refusal::TooManyTasks`] and [`Refusal::SlowDown`].
/// [`Refusal::StoreUnavailable`] for a task without its leaf.
pub fn agent_token(
    client: AgentClient<'_>,
    prover: &Thumbprint,
    request: &TokenRequest,
    policy: &RegistryPolicy,
    now: UnixTime,
    random: &mut dyn RandomSource,
) -> Result<TokenDecision, Refusal> {
    let agent = &client.agent.record;
    let is_gone = agent.is_expired(now) || agent.retired_at().is_some();
    if request.client != agent.did || !agent.did.thumbprint().is_same_key(prover) || is_gone {
        return Err(Refusal::InvalidClient);
    }
    if agent.is_key_compromised {
        return Err(Refusal::InvalidGrant(GrantFault::KeyCompromised));
    }
    let standing = standing(agent, policy, now)?;
    let known = match &request.task {
        TaskChoice::Known(_) => Some(known_task(client.task, request, agent, &standing, now)?),
        TaskChoice::Default => client.task.filter(|task| is_usable_default(&task.record, agent, &standing, now)),
        TaskChoice::New { .. } => None,
    };
    if let Some(task) = known {
        let root = root(&standing, &task.record, request, policy)?;
        // a committed task has its leaf; one without it was not loaded as it should have been
        let leaf = task.record.leaf.ok_or(Refusal::StoreUnavailable)?;
        let grant = |task: &TaskRecord| {
            let pending = TokenGrant::for_agent(agent, task, root, policy, now, random)?;
            Ok::<_, Refusal>(Box::new(pending.with_leaf(leaf)))
        };
        if client.places.is_good && task.record.place_for(agent).is_some() {
            return Ok(TokenDecision::Ready(grant(&task.record)?));
        }
        let (moved, writes) = task_moved(task, client.agent, client.places.free, now);
        return Ok(TokenDecision::NewPlace { grant: grant(&moved)?, writes });
    }
    let task = self_task(agent, request, &standing, now, random)?;
    let (task, entry) = task.placed(agent, client.places.free, now);
    let root = root(&standing, &task, request, policy)?;
    let mut change = begin(client, &task, *request.task() == TaskChoice::Default, now)?;
    change.writes.push(Write::put(Expect::Absent, entry));
    let pending = TokenGrant::for_agent(agent, &task, root, policy, now, random)?;
    Ok(TokenDecision::NewTask { change, pending: Box::new(pending) })
}

fn standing(agent: &AgentRecord, policy: &RegistryPolicy, now: UnixTime) -> Result<Standing, Refusal> {
    if agent.suspended_at().is_some() {
        return Err(Refusal::InvalidGrant(GrantFault::AgentSuspended));
    }
    if let Some(tenure) = agent.tenure() {
        tenure.require_past_cut(now)?;
    }
    match &agent.life {
        Life::Revoked(_) => Err(Refusal::InvalidGrant(GrantFault::AgentRevoked)),
        Life::Claimed(claimed) => Ok(Standing {
            subject: Subject::Owner(claimed.owner.clone()),
            authority: Authority { max_depth: claimed.ceiling.max_depth(), ..claimed.ceiling.authority().clone() },
            max_task: claimed.ceiling.max_task(),
            is_offline: claimed.ceiling.delegation() == DelegationMode::Offline,
        }),
        Life::Unclaimed(_) => Ok(Standing {
            subject: Subject::Agent(agent.did.clone()),
            authority: policy.pre_claim().clone(),
            max_task: MAX_UNCLAIMED_TASK_LIFETIME,
            is_offline: false,
        }),
    }
}

/// The task asked for by id: of this very record, on the same subject's behalf, and not over.
fn known_task<'a>(
    task: Option<&'a Loaded<TaskRecord>>,
    request: &TokenRequest,
    agent: &AgentRecord,
    standing: &Standing,
    now: UnixTime,
) -> Result<&'a Loaded<TaskRecord>, Refusal> {
    let is_asked_for = |task: &TaskRecord| request.wanted_task(None) == Some(&task.id) && task.agent == agent.id;
    let loaded = task.filter(|task| is_asked_for(&task.record));
    let loaded = loaded.ok_or(Refusal::InvalidGrant(GrantFault::UnknownTask))?;
    let task = &loaded.record;
    if task.revoked.is_some() {
        return Err(Refusal::InvalidGrant(GrantFault::TaskRevoked));
    }
    if agent.goes_on_with(task, now) && task.subject == standing.subject {
        Ok(loaded)
    } else {
        Err(Refusal::InvalidGrant(GrantFault::TaskEnded))
    }
}

/// A default task is used until it cannot hold the shortest token any more.
fn is_usable_default(task: &TaskRecord, agent: &AgentRecord, standing: &Standing, now: UnixTime) -> bool {
    task.agent == agent.id
        && task.subject == standing.subject
        && agent.goes_on_with(task, now)
        && task.deadline >= now.saturating_add(MIN_TOKEN_LIFETIME)
}

/// What the token will allow: within what standing, task and resource all allow, as the request wishes.
fn root(
    standing: &Standing,
    task: &TaskRecord,
    request: &TokenRequest,
    policy: &RegistryPolicy,
) -> Result<Root, Refusal> {
    // both bound the token; without a common form of their budgets there is none that narrows both
    let most = standing.authority.meet(&task.authority).ok_or(Refusal::Widened(Widening::Budget))?;
    let target = choose(&offers(&most, policy)?, &request.wish.resources, request.wish.scope.as_ref())?;
    if target.resources.contains(policy.registry()) {
        // what the owner says is about elsewhere, and nobody acts here through another
        let own = Authority::of(target.scope, target.resources);
        let authority = narrowed(&own, &request.wish)?;
        require_applied(&authority, policy)?;
        return Ok(Root { authority, is_offline: false });
    }
    let within = Authority { scope: target.scope, resources: target.resources, ..most };
    let authority = narrowed(&within, &request.wish)?;
    require_one_meaning(&authority, policy)?;
    require_applied(&authority, policy)?;
    let is_offline = standing.is_offline && authority.max_depth > 0;
    Ok(Root { authority, is_offline })
}

/// RES-08: several resources are for passing on, and then each scope token means something at exactly one of them.
pub(super) fn require_one_meaning(authority: &Authority, policy: &RegistryPolicy) -> Result<(), Refusal> {
    if authority.resources.len() < 2 {
        return Ok(());
    }
    if authority.max_depth == 0 {
        return Err(Refusal::InvalidTarget);
    }
    let excess = policy.ambiguous_at(&authority.resources, &authority.scope);
    if excess.is_empty() { Ok(()) } else { Err(Refusal::InvalidScope { excess }) }
}

/// What the agent may have: `agent:self` at the registry, and what `most` and the resource both allow.
fn offers(most: &Authority, policy: &RegistryPolicy) -> Result<Vec<Offer>, Refusal> {
    let registry = Offer::whole(policy.registry().clone(), scope(AGENT_SELF)?);
    let reached = policy
        .resources()
        .iter()
        .filter(|known| most.resources.contains(&known.id))
        .map(|known| Offer::whole(known.id.clone(), known.scopes.intersection(&most.scope)));
    Ok([registry].into_iter().chain(reached).collect())
}

/// A task of the agent's own accord: the trigger is `self`, whatever the request says.
fn self_task(
    agent: &AgentRecord,
    request: &TokenRequest,
    standing: &Standing,
    now: UnixTime,
    random: &mut dyn RandomSource,
) -> Result<TaskRecord, Refusal> {
    let (intent, reference, lifetime) = match &request.task {
        TaskChoice::New { intent, reference, lifetime } => (intent.clone(), reference.clone(), *lifetime),
        TaskChoice::Default | TaskChoice::Known(_) => (ShownText::default(), None, None),
    };
    let draft = Draft {
        subject: standing.subject.clone(),
        trigger: TriggerKind::OnItsOwn,
        intent,
        reference,
        authority: standing.authority.clone(),
        lifetime: task_lifetime(lifetime, standing.max_task)?,
    };
    Ok(new_task(agent, &Party::Agent(agent.did.clone()), draft, now, random))
}

/// The change by which a `self` task begins. The list is what holds the bound, and one default task, against two calls at once.
fn begin(client: AgentClient<'_>, task: &TaskRecord, is_default: bool, now: UnixTime) -> Result<Change, Refusal> {
    let agent = &client.agent.record;
    let is_current = |list: &&Loaded<SelfTasks>| list.record.subject == task.subject && list.record.era == task.era;
    let before = client.self_tasks.filter(is_current).map(|list| &list.record);
    let mut open: Vec<_> =
        before.map_or(&[][..], |list| &list.open).iter().filter(|o| now < o.deadline).cloned().collect();
    if open.len() >= MAX_OPEN_SELF_TASKS {
        return Err(Refusal::TooManyTasks);
    }
    // counted whoever the subject is: claiming does not begin a new hour
    let begun = client.self_tasks.and_then(|list| list.record.begun);
    let begun = Rate::more(begun, MAX_SELF_TASKS_PER_HOUR, Seconds::new(0), now)?;
    open.push(OpenTask { id: task.id.clone(), deadline: task.deadline });
    let default = if is_default { Some(task.id.clone()) } else { before.and_then(|list| list.default.clone()) };
    let list = SelfTasks {
        agent: agent.id.clone(),
        organisation: agent.organisation.clone(),
        subject: task.subject.clone(),
        default,
        open,
        begun: Some(begun),
        era: task.era,
    };
    let expect = client.self_tasks.map_or(Expect::Absent, |list| Expect::Version(list.version));
    let agent_write = match &agent.life {
        // an UNCLAIMED agent that is used does not expire
        Life::Unclaimed(unclaimed) => {
            let life = Life::Unclaimed(Unclaimed { last_used: now, ..unclaimed.clone() });
            Write::replace(client.agent, AgentRecord { life, ..agent.clone() })
        }
        Life::Claimed(_) | Life::Revoked(_) => {
            Write::Keep { slot: Slot::agent(&agent.id), version: client.agent.version }
        }
    };
    let writes = vec![
        Write::put(Expect::Absent, task.clone()),
        Write::put(Expect::Absent, AgentTask::of(task)),
        Write::put(expect, list),
        agent_write,
    ];
    Ok(Change::new(writes, task_created(task, agent, Party::Agent(agent.did.clone()))))
}
