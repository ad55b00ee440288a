//! An owner takes an agent: first the owner sees whom to answer for, then confirms.

use handfast_delegation::{Authority, Environment, Tools};
use handfast_identity::{DidKey, Handle, UnixTime, fingerprint};
use sha2::{Digest, Sha256};

use super::claim::{ClaimCase, OpenCase};
use super::free::HandleSlot;
use crate::change::Write;
use crate::record::{ClaimState, Claimed, Life, StatusEntry, Tenure};
use crate::{
    AgentRecord, ApproveRequest, Attempt, Ceiling, Change, ClaimRecord, CodeKey, Expect, Fact, HandleRecord, Loaded,
    OwnedAgent, OwnerRecord, Profile, Refusal, RegistryPolicy, Slot, Stored,
};

/// A right code, and what follows from it.
#[derive(Debug)]
pub enum Approval {
    /// The first step: show this, and expect the second with its words.
    Confirm {
        /// To commit: the owner is at the confirm stage.
        change: Change,
        /// To show.
        view: Box<ConfirmView>,
    },
    /// The entry under the agent's handle is not the agent's: the records were loaded while somebody else's approval was
    /// committed. Load again; if the agent then still has the version it had, its entry is damaged.
    Stale,
    /// The second step: the agent is CLAIMED once this is committed.
    Claimed {
        /// To commit.
        change: Change,
        /// The record as it will be.
        agent: Box<AgentRecord>,
    },
}

/// What an owner must see before confirming. The profile and the wish are the agent's own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfirmView {
    /// The key to answer for.
    pub did: DidKey,
    /// Its fingerprint: the words to compare and to send back.
    pub fingerprint: String,
    /// Self-declared name, version, purpose and environment.
    pub profile: Profile,
    /// What the agent asked for.
    pub requested: Authority,
    /// The handle it will have.
    pub handle: Handle,
}

impl ConfirmView {
    /// The environment, which tokens will carry.
    #[must_use]
    pub const fn environment(&self) -> Environment {
        self.profile.environment
    }
}

/// The handles an approval depends on, as loaded.
#[derive(Clone, Copy, Debug)]
pub struct ApprovalHandles<'a> {
    /// The slot of the handle asked for, if one is.
    pub chosen: Option<&'a HandleSlot>,
    /// The entry under the agent's present handle.
    pub own: Option<&'a Loaded<HandleRecord>>,
}

/// Judges an approval; spec/registry.md, claiming, has the order.
///
/// # Errors
///
/// In this order: [`Refusal::UnknownClaim`]; [`Refusal::AgentRevoked`], which claiming never undoes (TH63);
/// [`Refusal::CodeUsed`] or [`Refusal::AlreadyClaimed`]; [`Refusal::CodeVoid`]; [`Refusal::CodeExpired`];
/// [`Refusal::SlowDown`] after five wrong codes of this owner (TH58); a wrong code, as [`Attempt::Wrong`];
/// [`Refusal::OtherOwnerExpected`]; [`Refusal::InvalidTarget`] or [`Refusal::InvalidScope`] for a ceiling over resources
/// this registry does not know; [`Refusal::HandleTaken`] or [`Refusal::HandleConfusable`]; in the second step
/// [`Refusal::WrongConfirmation`]. [`Refusal::StoreUnavailable`] when the slot in `handles` is not that of this request.
pub fn approve(
    case: ClaimCase<'_>,
    owner: &OwnerRecord,
    request: &ApproveRequest,
    handles: ApprovalHandles<'_>,
    policy: &RegistryPolicy,
    code_key: &CodeKey,
    now: UnixTime,
) -> Result<Attempt<Approval>, Refusal> {
    let open = case.found(now)?.open_for(owner, request.confirm.is_some(), now)?;
    let open = match open.try_code(owner, &request.code, code_key, now) {
        Attempt::Right(open) => open,
        Attempt::Wrong { change, refusal } => return Ok(Attempt::Wrong { change, refusal }),
    };
    if open.unclaimed.expected_owner.as_ref().is_some_and(|expected| *expected != owner.id) {
        return Err(Refusal::OtherOwnerExpected);
    }
    check_ceiling(&request.ceiling, policy)?;
    let handle = request.handle.as_ref().unwrap_or(&open.agent.record.handle);
    // another slot than that of the handle asked for would let a look-alike through
    if request.handle.as_ref() != handles.chosen.map(|slot| &slot.handle) {
        return Err(Refusal::StoreUnavailable);
    }
    let Some(handle_writes) = handle_writes(&open, handles, now)? else {
        return Ok(Attempt::Right(Approval::Stale));
    };
    let terms = terms(handle, &request.ceiling);
    let agreed = open.claim.record.state.tries_of(&owner.id).is_some_and(|tries| tries.terms == Some(terms));
    let words = fingerprint(&open.agent.record.did);
    Ok(Attempt::Right(match &request.confirm {
        Some(confirm) if agreed => {
            if *confirm != words {
                return Err(Refusal::WrongConfirmation);
            }
            claimed(&open, owner, handle, &request.ceiling, handle_writes, now)
        }
        // no words yet, or words for other terms than were shown
        Some(_) | None => confirm_stage(&open, owner, handle, terms, words, now),
    }))
}

/// Every resource is one of ours, and every scope means something at one of them.
pub(super) fn check_ceiling(ceiling: &Ceiling, policy: &RegistryPolicy) -> Result<(), Refusal> {
    let known = policy.scopes_known_to(ceiling.authority()).ok_or(Refusal::InvalidTarget)?;
    let excess = ceiling.authority().scope.excess_over(&known);
    if excess.is_empty() { Ok(()) } else { Err(Refusal::InvalidScope { excess }) }
}

/// What claiming does to handles: the chosen one is taken for ever and the generated one let go, or the generated one stays.
///
/// `None` if the agent's own entry is gone or another's: a name must not be claimed on top of that.
fn handle_writes(
    open: &OpenCase<'_>,
    handles: ApprovalHandles<'_>,
    now: UnixTime,
) -> Result<Option<Vec<Write>>, Refusal> {
    let agent = &open.agent.record;
    let own = handles.own.filter(|own| own.record.agent == agent.id && own.record.handle == agent.handle);
    let Some(own) = own else { return Ok(None) };
    let taken = |handle: &Handle| HandleRecord {
        handle: handle.clone(),
        organisation: agent.organisation.clone(),
        agent: agent.id.clone(),
        claimed: true,
    };
    let Some(chosen) = handles.chosen else {
        return Ok(Some(vec![Write::replace(own, taken(&agent.handle))]));
    };
    let free = chosen.free_for(&agent.id, now)?;
    let mut writes: Vec<_> = free.keep.into_iter().collect();
    let slot = Slot::handle(&chosen.handle);
    if slot == own.record.slot() {
        writes.push(Write::put(Expect::Version(own.version), taken(&chosen.handle)));
    } else {
        writes.push(Write::put(free.expect, taken(&chosen.handle)));
        writes.push(Write::Delete { slot: own.record.slot(), version: own.version });
    }
    Ok(Some(writes))
}

fn confirm_stage(
    open: &OpenCase<'_>,
    owner: &OwnerRecord,
    handle: &Handle,
    terms: [u8; 32],
    fingerprint: String,
    now: UnixTime,
) -> Approval {
    let claim = &open.claim.record;
    let confirming = ClaimRecord { state: claim.state.with_terms(&owner.id, terms), ..claim.clone() };
    let event = open.event(Fact::ClaimConfirming { claim: claim.id.clone() }, owner, now);
    let change = Change::new(vec![Write::replace(open.claim, confirming), open.keep_agent()], event);
    let agent = &open.agent.record;
    let view = ConfirmView {
        did: agent.did.clone(),
        fingerprint,
        profile: agent.profile.clone(),
        requested: open.unclaimed.requested.clone(),
        handle: handle.clone(),
    };
    Approval::Confirm { change, view: Box::new(view) }
}

fn claimed(
    open: &OpenCase<'_>,
    owner: &OwnerRecord,
    handle: &Handle,
    ceiling: &Ceiling,
    handle_writes: Vec<Write>,
    now: UnixTime,
) -> Approval {
    let (before, claim) = (&open.agent.record, &open.claim.record);
    let life = Life::Claimed(Claimed {
        owner: owner.id.clone(),
        ceiling: ceiling.clone(),
        at: now,
        tenure: Tenure::default(),
    });
    let agent = AgentRecord { handle: handle.clone(), life, ..before.clone() };
    let settled = ClaimRecord { state: ClaimState::Claimed(owner.id.clone()), ..claim.clone() };
    let owned = OwnedAgent {
        owner: owner.id.clone(),
        agent: agent.id.clone(),
        organisation: agent.organisation.clone(),
        since: now,
    };
    // both records are replaced at the versions seen, so of any number of owners one gets through (P-13)
    let mut writes = vec![
        Write::replace(open.agent, agent.clone()),
        Write::replace(open.claim, settled),
        Write::put(Expect::Absent, owned),
        StatusEntry::left(before),
        StatusEntry::entered(&agent),
    ];
    writes.extend(handle_writes);
    let fact = Fact::AgentClaimed {
        agent: agent.id.clone(),
        claim: claim.id.clone(),
        handle: handle.clone(),
        ceiling: Box::new(ceiling.clone()),
    };
    Approval::Claimed { change: Change::new(writes, open.event(fact, owner, now)), agent: Box::new(agent) }
}

/// A digest of what an owner is asked to confirm, so that the second step cannot be for something else.
fn terms(handle: &Handle, ceiling: &Ceiling) -> [u8; 32] {
    let mut hash = Sha256::new();
    let mut part = |text: &str| {
        // length first, so that no two lists of parts read the same
        hash.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(text.as_bytes());
    };
    part(handle.as_str());
    let authority = ceiling.authority();
    part(&authority.scope.to_string());
    part(&ceiling.max_task().get().to_string());
    part(ceiling.delegation().as_str());
    part(if ceiling.instances() { "instances" } else { "" });
    part(&authority.max_depth.to_string());
    part(&authority.tools.as_ref().map(Tools::to_details).map(|details| details.to_string()).unwrap_or_default());
    let rate = authority.budget.and_then(|budget| budget.rate());
    for number in [authority.budget.and_then(|budget| budget.max_uses()), rate.map(|r| r.uses), rate.map(|r| r.seconds)]
    {
        // no number of a budget is zero
        part(&number.unwrap_or_default().to_string());
    }
    part(&authority.resources.len().to_string());
    authority.resources.iter().for_each(|resource| part(resource.as_str()));
    ceiling.delegates().iter().for_each(|did| part(did.as_str()));
    hash.finalize().into()
}
