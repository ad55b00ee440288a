//! Whether a DID or handle is free: unused, or left behind by an UNCLAIMED agent that expired.

use handfast_identity::{DidKey, Handle, UnixTime};

use crate::change::Write;
use crate::record::StatusEntry;
use crate::{AgentId, AgentRecord, DidHolder, DidRecord, Expect, HandleRecord, Loaded, Refusal, Slot, Stored};

/// What is known about a DID that somebody wants to register.
#[derive(Clone, Debug, Default)]
pub struct DidSlot {
    /// The entry under the DID.
    pub entry: Option<Loaded<DidRecord>>,
    /// The agent it names, if it names one.
    pub agent: Option<Loaded<AgentRecord>>,
    /// The entry under that agent's handle.
    pub handle: Option<Loaded<HandleRecord>>,
    /// Whether its key was declared compromised: everything by it is dead already.
    pub is_compromised: bool,
}

/// A DID that may be taken: what to expect under it, and what its former holder leaves to be cleared away.
pub(super) struct FreeDid {
    pub(super) expect: Expect,
    pub(super) clear: Vec<Write>,
}

impl DidSlot {
    /// A DID is free if nobody has it, or an agent that was never claimed and is expired; and if its key was never declared
    /// compromised.
    pub(super) fn free(&self, did: &DidKey, now: UnixTime) -> Result<FreeDid, Refusal> {
        if self.is_compromised {
            return Err(Refusal::KeyCompromised);
        }
        let Some(entry) = &self.entry else { return Ok(FreeDid { expect: Expect::Absent, clear: Vec::new() }) };
        let expired = self.agent.as_ref().filter(|agent| {
            entry.record.holder == DidHolder::Agent(agent.record.id.clone())
                && agent.record.did == *did
                && agent.record.is_expired(now)
        });
        let agent = expired.ok_or(Refusal::DidRegistered)?;
        let gone = Write::Delete { slot: agent.record.slot(), version: agent.version };
        let mut clear = vec![gone, StatusEntry::left(&agent.record)];
        let own = self.handle.as_ref().filter(|handle| handle.record.agent == agent.record.id);
        clear.extend(own.map(|handle| Write::Delete { slot: handle.record.slot(), version: handle.version }));
        Ok(FreeDid { expect: Expect::Version(entry.version), clear })
    }
}

/// A handle somebody wants, and what is known about it and its look-alikes.
#[derive(Clone, Debug)]
pub struct HandleSlot {
    /// The handle.
    pub handle: Handle,
    /// The entry under it: there is one for all handles that look the same.
    pub entry: Option<Loaded<HandleRecord>>,
    /// The agent that entry names.
    pub holder: Option<Loaded<AgentRecord>>,
}

/// A handle that may be taken: what to expect under it, and what the decision rests on beside it.
pub(super) struct FreeHandle {
    pub(super) expect: Expect,
    pub(super) keep: Option<Write>,
}

impl HandleSlot {
    /// A handle is free for `agent` if no handle that looks like it was ever claimed, and none is held by another living
    /// agent (P-14, TH56).
    pub(super) fn free_for(&self, agent: &AgentId, now: UnixTime) -> Result<FreeHandle, Refusal> {
        let Some(entry) = &self.entry else { return Ok(FreeHandle { expect: Expect::Absent, keep: None }) };
        let expect = Expect::Version(entry.version);
        if entry.record.agent == *agent {
            return Ok(FreeHandle { expect, keep: None });
        }
        let left_behind = self.holder.as_ref().filter(|holder| {
            !entry.record.claimed && entry.record.agent == holder.record.id && holder.record.is_expired(now)
        });
        match left_behind {
            // the holder is expired now; the demand makes sure that nothing wakes it until this is committed
            Some(holder) => {
                let slot = Slot::agent(&holder.record.id);
                Ok(FreeHandle { expect, keep: Some(Write::Keep { slot, version: holder.version }) })
            }
            None if entry.record.handle == self.handle => Err(Refusal::HandleTaken),
            None => Err(Refusal::HandleConfusable),
        }
    }
}
