//! An agent registers.

use handfast_identity::{RandomSource, UnixTime};

use super::IssuedClaim;
use super::claim::open_claim;
use super::free::{DidSlot, FreeDid, FreeHandle, HandleSlot};
use crate::change::Write;
use crate::record::{Life, Organisation, StatusEntry, Unclaimed};
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
    let place = Place::of(statement, did, handle, now, random)?;
    let (claim_record, claim) = open_claim(&place.id, code_key, now, random);
    let registration = statement.registration();
    let life = Life::Unclaimed(Unclaimed {
        claim: claim.id.clone(),
        expected_owner: registration.expected_owner.clone(),
        requested: registration.requested.clone(),
        last_used: now,
        codes: None,
    });
    let (agent, mut writes) = place.taken(Organisation::default(), life);
    writes.push(Write::put(Expect::Absent, claim_record));
    let event = registered(Fact::AgentRegistered { statement: statement.text().clone() }, &agent, now);
    Ok(RegisteredAgent { change: Change::new(writes, event), agent, claim })
}

pub(super) fn registered(fact: Fact, agent: &AgentRecord, now: UnixTime) -> Event {
    Event { fact, who: Party::Agent(agent.did.clone()), why: None, when: now, did: Some(agent.did.clone()) }
}

/// DID and handle of a new agent, both free.
pub(super) struct Place<'a> {
    pub(super) id: AgentId,
    statement: &'a VerifiedAgentRegistration,
    did: FreeDid,
    handle: FreeHandle,
    slot: &'a HandleSlot,
    now: UnixTime,
}

impl<'a> Place<'a> {
    pub(super) fn of(
        statement: &'a VerifiedAgentRegistration,
        did: &DidSlot,
        handle: &'a HandleSlot,
        now: UnixTime,
        random: &mut dyn RandomSource,
    ) -> Result<Self, Refusal> {
        let free_did = did.free(statement.did(), now)?;
        let id = AgentId::generate(random);
        let free_handle = handle.free_for(&id, now)?;
        Ok(Self { id, statement, did: free_did, handle: free_handle, slot: handle, now })
    }

    /// The agent there, and the writes by which it is. The handle of one that begins CLAIMED was claimed.
    pub(super) fn taken(self, organisation: Organisation, life: Life) -> (AgentRecord, Vec<Write>) {
        let claimed = matches!(life, Life::Claimed(_));
        let agent = AgentRecord {
            id: self.id,
            organisation,
            did: self.statement.did().clone(),
            key_number: 1,
            is_key_compromised: false,
            former: Vec::new(),
            handle: self.slot.handle.clone(),
            profile: self.statement.registration().profile.clone(),
            created: self.now,
            life,
        };
        let handle_record = HandleRecord {
            handle: agent.handle.clone(),
            organisation: agent.organisation.clone(),
            agent: agent.id.clone(),
            claimed,
        };
        let did_record = DidRecord {
            did: agent.did.clone(),
            organisation: agent.organisation.clone(),
            holder: DidHolder::Agent(agent.id.clone()),
        };
        // the expired holder's own handle may be the very one that is given again
        let replaced = handle_record.slot();
        let is_kept = |write: &Write| !matches!(write, Write::Delete { slot, .. } if *slot == replaced);
        let mut writes: Vec<_> = self.did.clear.into_iter().filter(is_kept).chain(self.handle.keep).collect();
        writes.extend([
            Write::put(Expect::Absent, agent.clone()),
            Write::put(self.did.expect, did_record),
            Write::put(self.handle.expect, handle_record),
            StatusEntry::entered(&agent),
        ]);
        (agent, writes)
    }
}
