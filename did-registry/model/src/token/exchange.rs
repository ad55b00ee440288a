//! Token exchange: a delegate's own token for hops, and a narrower root for its holder (spec/delegation.md, exchange).

use handfast_delegation::{AccessToken, Authority, ChainError, Link, VerifiedAccessToken, VerifiedChain};
use handfast_identity::{ContentHash, DidKey, RandomSource, Thumbprint, UnixTime};

use super::agent::require_one_meaning;
use super::grant::Root;
use super::narrow::{narrowed, require_applied};
use super::{ExchangeRequest, TokenGrant};
use crate::authority::bounded;
use crate::change::Write;
use crate::limits::MAX_HOPS_PER_TASK;
use crate::record::Life;
use crate::{
    AgentRecord, Ceiling, Change, DelegatedHop, DelegationFault, DelegationMode, Event, Expect, Fact, HopRecord,
    Loaded, Organisation, OwnerId, Party, Refusal, RegistryPolicy, Slot, Subject, TaskRecord, TreeEntry, TreeRecord,
};

/// A request with evidence whose every signature, link and narrowing was verified, and whose times hold.
#[derive(Clone, Copy, Debug)]
pub struct Exchange<'a> {
    /// What is asked for.
    pub request: &'a ExchangeRequest,
    /// The key of the request's proof.
    pub prover: &'a Thumbprint,
    /// The root token, signed by this registry.
    pub root: &'a VerifiedAccessToken,
}

/// What the registry's records say about everybody and everything in the evidence, as loaded.
#[derive(Clone, Debug)]
pub struct ExchangeCase {
    /// The agent of the root token.
    pub agent: Holder,
    /// The task of the root token.
    pub task: Option<Loaded<TaskRecord>>,
    /// The delegates, hop by hop.
    pub delegates: Vec<Holder>,
    /// The hops that are known already, by place.
    pub known: Vec<Option<HopRecord>>,
    /// How many hops the task has.
    pub tree: Option<Loaded<TreeRecord>>,
}

/// Whom a DID of the evidence belongs to.
#[derive(Clone, Debug)]
pub enum Holder {
    /// Nobody here.
    Nobody,
    /// An agent, now or formerly.
    Agent(Box<Loaded<AgentRecord>>),
    /// An owner.
    Owner,
}

/// An exchange that was granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExchangeDecision {
    /// Sign it; every hop is known, and nothing is written.
    Ready(Box<TokenGrant>),
    /// Commit the hops, then sign it.
    NewHops {
        /// To commit.
        change: Change,
        /// To sign then.
        grant: Box<TokenGrant>,
    },
}

/// Decides about a delegate's own token for `chain`. Nothing is written unless it is granted.
///
/// `hash` is that of the evidence, `chain` has been verified below the root of `exchange`; a chain below another root is refused
/// as records loaded for another chain are.
///
/// # Errors
///
/// In this order: [`DelegationFault::HolderMismatch`] for another client or key than the last hop's (DEL-36);
/// [`Refusal::StoreUnavailable`] for a chain, or records, that are not of this root and these hops; [`Refusal::InvalidClient`] for a client without record that is no instance; the root's agent and its ceiling; the task;
/// [`DelegationFault::AgentRevoked`] and [`DelegationFault::KeyRotatedOut`]; [`DelegationFault::DelegateNotPermitted`];
/// [`DelegationFault::EnvironmentMismatch`]; what is asked for beyond the last hop, as [`Refusal::InvalidScope`],
/// [`Refusal::InvalidTarget`] or [`Refusal::Widened`]; [`ChainError::Expired`] when nothing of its time is left;
/// [`ChainError::TooLong`] for a hop that no record holds; [`DelegationFault::TooMany`].
pub fn exchange(
    exchange: Exchange<'_>,
    chain: &VerifiedChain,
    hash: ContentHash,
    case: &ExchangeCase,
    policy: &RegistryPolicy,
    now: UnixTime,
    random: &mut dyn RandomSource,
) -> Result<ExchangeDecision, Refusal> {
    let (request, root, leaf) = (exchange.request, exchange.root.claims(), &chain.leaf().hop);
    // DEL-36: whoever proves a key gets what was passed on to that very key
    require_holder(request.client(), exchange.prover, &leaf.delegate)?;
    // DEL-28, asked again: what was verified below another root says nothing about this one
    let is_below_root = chain.links().next().is_some_and(|first| first.hop.parent == exchange.root.name());
    if !is_below_root || case.delegates.len() != chain.depth() || case.known.len() != chain.depth() {
        return Err(Refusal::StoreUnavailable);
    }
    let delegates = || chain.links().zip(&case.delegates);
    let client = case.delegates.last().map(|holder| holder.living(now));
    if matches!(client, Some(Living::Nobody)) && !leaf.is_instance {
        return Err(Refusal::InvalidClient);
    }
    let grounds = Grounds::of(root, &case.agent, case.task.as_ref(), now)?;
    let (owner, ceiling) = grounds.owned.ok_or(DelegationFault::NotPermitted)?;
    if chain.depth() > usize::from(ceiling.max_depth()) {
        return Err(DelegationFault::NotPermitted.into());
    }
    for (link, holder) in delegates() {
        holder.living(now).require_standing(&link.hop.delegate)?;
    }
    for (link, holder) in delegates() {
        require_permitted(link, &holder.living(now), owner, ceiling)?;
    }
    for (_, holder) in delegates() {
        let is_foreign = |agent: &Loaded<AgentRecord>| Some(agent.record.profile.environment) != root.environment;
        if matches!(holder.living(now), Living::Agent(agent) if is_foreign(agent)) {
            return Err(DelegationFault::EnvironmentMismatch.into());
        }
    }
    let authority = granted(root, &leaf.authority, request, policy, now)?;
    let handle = match client {
        Some(Living::Agent(agent)) => Some(agent.record.handle.to_string()),
        Some(Living::Nobody | Living::Owner) | None => None,
    };
    let grant = TokenGrant::exchanged(root, (chain, hash), authority, handle, policy, now, random)?;
    let grant = Box::new(grant);
    let Some(change) = recorded(root, chain, case, &grounds, now)? else { return Ok(ExchangeDecision::Ready(grant)) };
    Ok(ExchangeDecision::NewHops { change, grant })
}

/// Decides about a narrower root token for the holder of `exchange.root`: the same client and task, less of everything else.
///
/// # Errors
///
/// [`DelegationFault::HolderMismatch`] for anybody else (TX-17); the root's agent and its ceiling; the task; what is asked for
/// beyond the root; [`DelegationFault::RootExpired`].
pub fn narrower_root(
    exchange: Exchange<'_>,
    case: &ExchangeCase,
    policy: &RegistryPolicy,
    now: UnixTime,
    random: &mut dyn RandomSource,
) -> Result<TokenGrant, Refusal> {
    let root = exchange.root.claims();
    let client = DidKey::parse(&root.client_id).map_err(|_| DelegationFault::HolderMismatch)?;
    require_holder(exchange.request.client(), exchange.prover, &client)?;
    let grounds = Grounds::of(root, &case.agent, case.task.as_ref(), now)?;
    let (most_depth, mode) =
        grounds.owned.map_or((0, DelegationMode::None), |(_, ceiling)| (ceiling.max_depth(), ceiling.delegation()));
    // a ceiling that was lowered since bounds it too
    let within = Authority { max_depth: root.authority.max_depth.min(most_depth), ..root.authority.clone() };
    let mut authority = narrowed(&within, &exchange.request.wish)?;
    require_one_meaning(&authority, policy)?;
    require_applied(&authority, policy)?;
    let ends = now.saturating_add(policy.root_lifetime(authority.max_depth));
    authority.expires_at = root.authority.expires_at.min(ends);
    if authority.expires_at <= now {
        return Err(DelegationFault::RootExpired.into());
    }
    let was_offline = root.delegability.is_some_and(|delegability| delegability.offline);
    let is_offline = was_offline && mode == DelegationMode::Offline && authority.max_depth > 0;
    Ok(TokenGrant::narrower(root, Root { authority, is_offline }, policy, now, random))
}

/// The client is whom the evidence ends with, and the proof is by that key.
fn require_holder(client: &DidKey, prover: &Thumbprint, holder: &DidKey) -> Result<(), Refusal> {
    if client == holder && holder.thumbprint().is_same_key(prover) {
        Ok(())
    } else {
        Err(DelegationFault::HolderMismatch.into())
    }
}

/// A holder as of now: an UNCLAIMED record nobody used is as if it were not there.
enum Living<'a> {
    Nobody,
    Agent(&'a Loaded<AgentRecord>),
    Owner,
}

impl Holder {
    fn living(&self, now: UnixTime) -> Living<'_> {
        match self {
            Self::Agent(agent) if !agent.record.is_expired(now) => Living::Agent(agent),
            Self::Agent(_) | Self::Nobody => Living::Nobody,
            Self::Owner => Living::Owner,
        }
    }
}

impl Living<'_> {
    /// DEL-39, DEL-40: nobody REVOKED, and nobody under a key that was replaced.
    fn require_standing(&self, did: &DidKey) -> Result<(), DelegationFault> {
        let Self::Agent(agent) = self else { return Ok(()) };
        if matches!(agent.record.life, Life::Revoked(_)) {
            return Err(DelegationFault::AgentRevoked);
        }
        if agent.record.did == *did { Ok(()) } else { Err(DelegationFault::KeyRotatedOut) }
    }
}

/// What a root token stands on: its agent and its task, as they are now.
struct Grounds<'a> {
    agent: &'a Loaded<AgentRecord>,
    task: &'a Loaded<TaskRecord>,
    /// Owner and ceiling of a CLAIMED agent.
    owned: Option<(&'a OwnerId, &'a Ceiling)>,
}

impl<'a> Grounds<'a> {
    fn of(
        root: &AccessToken,
        agent: &'a Holder,
        task: Option<&'a Loaded<TaskRecord>>,
        now: UnixTime,
    ) -> Result<Self, Refusal> {
        let living = agent.living(now);
        let did = DidKey::parse(&root.client_id).map_err(|_| ChainError::UntrustedRoot)?;
        living.require_standing(&did)?;
        let Living::Agent(agent) = living else { return Err(ChainError::UntrustedRoot.into()) };
        let (subject, owned) = match &agent.record.life {
            Life::Claimed(claimed) => (Subject::Owner(claimed.owner.clone()), Some((&claimed.owner, &claimed.ceiling))),
            Life::Unclaimed(_) => (Subject::Agent(did), None),
            Life::Revoked(_) => return Err(DelegationFault::AgentRevoked.into()),
        };
        if subject.to_string() != root.subject {
            return Err(ChainError::UntrustedRoot.into());
        }
        let is_the_roots = |task: &&Loaded<TaskRecord>| {
            root.task.as_ref().is_some_and(|claimed| claimed.id == task.record.id.as_str())
                && task.record.agent == agent.record.id
                && task.record.subject == subject
        };
        let task = task.filter(is_the_roots).filter(|task| task.record.is_open(now));
        Ok(Self { agent, task: task.ok_or(DelegationFault::TaskEnded)?, owned })
    }
}

/// The owner's own agents, those on the list, and instance keys where the ceiling lets them in. Whoever has a record here is
/// judged by it: an agent of somebody else does not become an instance by being called one.
fn require_permitted(
    link: &Link,
    holder: &Living<'_>,
    owner: &OwnerId,
    ceiling: &Ceiling,
) -> Result<(), DelegationFault> {
    // the delegator alone says `inst`, about a key nobody here knows: it takes the owner's leave
    if link.hop.is_instance && !ceiling.instances() {
        return Err(DelegationFault::DelegateNotPermitted);
    }
    let is_listed = ceiling.delegates().contains(&link.hop.delegate);
    let is_permitted = match holder {
        Living::Agent(agent) => agent.record.owner() == Some(owner) || is_listed,
        Living::Nobody => link.hop.is_instance || is_listed,
        // AT-20: owners act in person or not at all
        Living::Owner => false,
    };
    if is_permitted { Ok(()) } else { Err(DelegationFault::DelegateNotPermitted) }
}

/// What the token will allow: within the last hop, and no longer than root, hop and the registry's own lifetime (TX-12).
fn granted(
    root: &AccessToken,
    hop: &Authority,
    request: &ExchangeRequest,
    policy: &RegistryPolicy,
    now: UnixTime,
) -> Result<Authority, Refusal> {
    let mut authority = narrowed(hop, &request.wish)?;
    require_applied(&authority, policy)?;
    let own = now.saturating_add(policy.token_lifetime());
    authority.expires_at = hop.expires_at.min(root.authority.expires_at).min(own);
    // the leeway of the check is for clocks: no token is made that is over
    if authority.expires_at <= now { Err(ChainError::Expired.into()) } else { Ok(authority) }
}

/// The change that records the hops nobody exchanged before; none if there are none.
fn recorded(
    root: &AccessToken,
    chain: &VerifiedChain,
    case: &ExchangeCase,
    grounds: &Grounds<'_>,
    now: UnixTime,
) -> Result<Option<Change>, Refusal> {
    let organisation = &grounds.task.record.organisation;
    let mut places = case.tree.as_ref().map_or(0, |tree| tree.record.hops)..MAX_HOPS_PER_TASK;
    let mut parent = None;
    let (mut writes, mut hops) = (Vec::new(), Vec::new());
    for (link, known) in chain.links().zip(&case.known) {
        if known.is_none() {
            let place = places.next().ok_or(DelegationFault::TooMany)?.saturating_add(1);
            let hop = hop_record(root, link, parent, grounds.task, now)?;
            let entry = TreeEntry { task: hop.task.clone(), organisation: organisation.clone(), place, hop: hop.name };
            hops.push(DelegatedHop { hop: hop.name, delegate: hop.delegate.clone(), depth: hop.depth });
            writes.push(Write::put(Expect::Absent, hop));
            writes.push(Write::put(Expect::Absent, entry));
        }
        parent = Some(link.name);
    }
    if hops.is_empty() {
        return Ok(None);
    }
    writes.push(tree_write(case, &grounds.task.record, organisation, places.start));
    writes.extend(kept(case, grounds, now));
    let client = &chain.leaf().hop.delegate;
    let event = Event {
        fact: Fact::Delegated { task: grounds.task.record.id.clone(), root_token: root.token_id.clone(), hops },
        who: Party::Agent(client.clone()),
        why: None,
        when: now,
        did: Some(client.clone()),
    };
    Ok(Some(Change::new(writes, event)))
}

fn tree_write(case: &ExchangeCase, task: &TaskRecord, organisation: &Organisation, hops: u16) -> Write {
    let tree = TreeRecord { task: task.id.clone(), organisation: organisation.clone(), hops };
    let expect = case.tree.as_ref().map_or(Expect::Absent, |tree| Expect::Version(tree.version));
    Write::put(expect, tree)
}

/// Everybody the decision rests on is still as loaded: a revocation, or the task's end, at once does not slip through.
fn kept(case: &ExchangeCase, grounds: &Grounds<'_>, now: UnixTime) -> Vec<Write> {
    let agent =
        |agent: &Loaded<AgentRecord>| Write::Keep { slot: Slot::agent(&agent.record.id), version: agent.version };
    let task = Write::Keep { slot: Slot::task(&grounds.task.record.id), version: grounds.task.version };
    let delegates = case.delegates.iter().filter_map(|holder| match holder.living(now) {
        Living::Agent(delegate) => Some(agent(delegate)),
        Living::Nobody | Living::Owner => None,
    });
    [task, agent(grounds.agent)].into_iter().chain(delegates).collect()
}

fn hop_record(
    root: &AccessToken,
    link: &Link,
    parent: Option<ContentHash>,
    task: &Loaded<TaskRecord>,
    now: UnixTime,
) -> Result<HopRecord, Refusal> {
    let hop = &link.hop;
    Ok(HopRecord {
        name: link.name,
        organisation: task.record.organisation.clone(),
        task: task.record.id.clone(),
        root_token: root.token_id.clone(),
        parent,
        // a verified hop is by the delegate before it
        delegator: DidKey::parse(&hop.delegator).map_err(|_| ChainError::IssuerMismatch)?,
        delegate: hop.delegate.clone(),
        depth: hop.depth,
        is_instance: hop.is_instance,
        // tools may be longer in a hop than in what it narrows
        authority: bounded(hop.authority.clone()).map_err(|_| ChainError::TooLong)?,
        created: now,
    })
}
