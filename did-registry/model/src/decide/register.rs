//! An agent registers.

use handfast_identity::{RandomSource, UnixTime};

use super::IssuedClaim;
use super::claim::open_claim;
use super::free::{DidSlot, HandleSlot};
use crate::change::Write;
use crate::record::{Life, Organisation, Unclaimed};
use crate::{
    AgentId, AgentRecord, Change, CodeKey, DidHolder, DidRecord, Event, Expect, Fact, HandleRecord, Party, Refusal,
    Stored, VerifiedAgentRegistration,
};

/// A registration decided upon.
#[derive(Debug)]
pub struct RegisteredAgent {
    /// To commit.
    pub change: Change,
    /// The record as it will be.
    pub agent: AgentRecord,
    /// The claim, with its code: to be told to the agent, once.
    pub claim: IssuedClaim,
}

/// Registers an agent as UNCLAIMED, under the generated handle in `handle`, with a first claim code.
///
/// # Errors
///
/// [`Refusal::DidRegistered`], [`Refusal::KeyCompromised`]; [`Refusal::HandleTaken`] or [`Refusal::HandleConfusable`] when the generated handle is
/// not free: generate another.
pub fn register_agent(
    statement: &VerifiedAgentRegistration,
    did: &DidSlot,
    handle: &HandleSlot,
    code_key: &CodeKey,
    now: UnixTime,
    random: &mut dyn RandomSource,
) -> Result<RegisteredAgent, Refusal> {
    let free_did = did.free(statement.did(), now)?;
    let id = AgentId::generate(random);
    let free_handle = handle.free_for(&id, now)?;
    let (claim_record, claim) = open_claim(&id, code_key, now, random);
    let registration = statement.registration();
    let agent = AgentRecord {
        id,
        organisation: Organisation::default(),
        did: statement.did().clone(),
        key_number: 1,
        is_key_compromised: false,
        former: Vec::new(),
        handle: handle.handle.clone(),
        profile: registration.profile.clone(),
        created: now,
        life: Life::Unclaimed(Unclaimed {
            claim: claim.id.clone(),
            expected_owner: registration.expected_owner.clone(),
            requested: registration.requested.clone(),
            last_used: now,
            codes: None,
        }),
    };
    let handle_record = HandleRecord {
        handle: agent.handle.clone(),
        organisation: agent.organisation.clone(),
        agent: agent.id.clone(),
        claimed: false,
    };
    let did_record = DidRecord {
        did: agent.did.clone(),
        organisation: agent.organisation.clone(),
        holder: DidHolder::Agent(agent.id.clone()),
    };
    // the expired holder's own handle may be the very one that is given again
    let replaced = handle_record.slot();
    let cleared =
        free_did.clear.into_iter().filter(|write| !matches!(write, Write::Delete { slot, .. } if *slot == replaced));
    let mut writes: Vec<_> = cleared.chain(free_handle.keep).collect();
    writes.extend([
        Write::put(Expect::Absent, agent.clone()),
        Write::put(free_did.expect, did_record),
        Write::put(free_handle.expect, handle_record),
        Write::put(Expect::Absent, claim_record),
    ]);
    let event = Event {
        fact: Fact::AgentRegistered { statement: statement.text().clone() },
        who: Party::Agent(agent.did.clone()),
        why: None,
        when: now,
        did: Some(agent.did.clone()),
    };
    Ok(RegisteredAgent { change: Change::new(writes, event), agent, claim })
}
