//! Token exchange: a delegate's own token for hops, and a narrower root for its holder (spec/delegation.md, exchange).

mod narrower;
mod permission;
mod record;

use handfast_delegation::{AccessToken, Authority, ChainError, VerifiedAccessToken, VerifiedChain};
use handfast_identity::{ContentHash, DidKey, RandomSource, Thumbprint, UnixTime};

pub use narrower::narrower_root;
use permission::{Grounds, Living, require_permitted};
use record::recorded;

use super::narrow::{narrowed, require_applied};
use super::place::{Places, hop_entry, hop_moved};
use super::{ExchangeRequest, TokenGrant};
use crate::change::Write;
use crate::{
    AgentRecord, Change, DelegationFault, Expect, HopRecord, Loaded, Refusal, RegistryPolicy, TaskRecord, TreeRecord,
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
    pub known: Vec<Option<Loaded<HopRecord>>>,
    /// How many hops the task has.
    pub tree: Option<Loaded<TreeRecord>>,
    /// The place of the last hop's status, and a free one.
    pub places: Places,
}

impl ExchangeCase {
    /// What stops the first of the agents here that is stopped: the root's, then the delegates.
    #[must_use]
    pub fn stopped(&self, now: UnixTime) -> Option<DelegationFault> {
        let mut holders = core::iter::once(&self.agent).chain(&self.delegates);
        holders.find_map(|holder| holder.living(now).stopped())
    }
}

/// Whom a DID of the evidence belongs to.
#[derive(Clone, Debug)]
pub enum Holder {
    /// Nobody here.
    Nobody,
    /// An agent, now or formerly; with its history where the DID is not its current one.
    Agent(Box<Loaded<AgentRecord>>),
    /// An owner.
    Owner,
}

/// An exchange that was granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExchangeDecision {
    /// Sign it; every hop is known, and nothing is written.
    Ready(Box<TokenGrant>),
    /// Write the last hop's new place down, then sign it.
    NewPlace {
        /// To write: no event.
        writes: Vec<Write>,
        /// To sign then.
        grant: Box<TokenGrant>,
    },
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
/// [`Refusal::StoreUnavailable`] for a chain, or records, that are not of this root and these hops;
/// [`Refusal::InvalidClient`] for a client without record that is no instance; the root's agent and its ceiling; the task;
/// [`DelegationFault::AgentRevoked`], and [`DelegationFault::KeyRotatedOut`] for a client under a former key; [`DelegationFault::DelegateNotPermitted`];
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
        // DEL-36: a former key gets no token, whoever named it
        if link.hop.delegate == leaf.delegate {
            holder.living(now).require_current(&leaf.delegate)?;
        }
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
        Some(Living::Agent(agent)) => Some(agent.record.handle.to_string().into()),
        Some(Living::Nobody | Living::Owner) | None => None,
    };
    let known = case.known.last().and_then(Option::as_ref);
    let good = known.and_then(|hop| hop.record.place).filter(|_| case.places.is_good);
    let place = good.unwrap_or(case.places.free);
    let grant = TokenGrant::exchanged(root, (chain, hash), (authority, place), handle, policy, now, random)?;
    let grant = Box::new(grant);
    let entry = || hop_entry(place, root, chain, &grounds.task.record);
    if let Some(mut change) = recorded(root, chain, case, &grounds, now)? {
        change.writes.push(Write::put(Expect::Absent, entry()));
        return Ok(ExchangeDecision::NewHops { change, grant });
    }
    match known {
        Some(hop) if good.is_none() => Ok(ExchangeDecision::NewPlace { writes: hop_moved(hop, entry()), grant }),
        _ => Ok(ExchangeDecision::Ready(grant)),
    }
}

/// The client is whom the evidence ends with, and the proof is by that key.
fn require_holder(client: &DidKey, prover: &Thumbprint, holder: &DidKey) -> Result<(), Refusal> {
    if client == holder && holder.thumbprint().is_same_key(prover) {
        Ok(())
    } else {
        Err(DelegationFault::HolderMismatch.into())
    }
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
