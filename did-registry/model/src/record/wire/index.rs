//! Index records.

use handfast_identity::UnixTime;
use serde::{Deserialize, Serialize};

use super::hop::Name;
use super::{Damage, DidText, FORMAT, HandleText};
use crate::record::{
    AgentHop, AgentTask, DidHolder, DidRecord, HandleRecord, Organisation, OwnedAgent, Status, StatusEntry,
};
use crate::{AgentId, OwnerId, TaskId};

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::record) struct DidWire {
    v: u64,
    did: DidText,
    organisation: Organisation,
    holder: HolderWire,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum HolderWire {
    Agent(AgentId),
    Owner(OwnerId),
}

impl From<&DidRecord> for DidWire {
    fn from(record: &DidRecord) -> Self {
        Self {
            v: FORMAT,
            did: DidText(record.did.clone()),
            organisation: record.organisation.clone(),
            holder: match record.holder.clone() {
                DidHolder::Agent(id) => HolderWire::Agent(id),
                DidHolder::Owner(id) => HolderWire::Owner(id),
            },
        }
    }
}

impl TryFrom<DidWire> for DidRecord {
    type Error = Damage;

    fn try_from(wire: DidWire) -> Result<Self, Damage> {
        Ok(Self {
            did: wire.did.0,
            organisation: wire.organisation,
            holder: match wire.holder {
                HolderWire::Agent(id) => DidHolder::Agent(id),
                HolderWire::Owner(id) => DidHolder::Owner(id),
            },
        })
    }
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::record) struct HandleWire {
    v: u64,
    handle: HandleText,
    organisation: Organisation,
    agent: AgentId,
    claimed: bool,
}

impl From<&HandleRecord> for HandleWire {
    fn from(record: &HandleRecord) -> Self {
        Self {
            v: FORMAT,
            handle: HandleText(record.handle.clone()),
            organisation: record.organisation.clone(),
            agent: record.agent.clone(),
            claimed: record.claimed,
        }
    }
}

impl TryFrom<HandleWire> for HandleRecord {
    type Error = Damage;

    fn try_from(wire: HandleWire) -> Result<Self, Damage> {
        let HandleWire { handle, organisation, agent, claimed, v: _ } = wire;
        Ok(Self { handle: handle.0, organisation, agent, claimed })
    }
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::record) struct OwnedAgentWire {
    v: u64,
    owner: OwnerId,
    agent: AgentId,
    organisation: Organisation,
    since: UnixTime,
}

impl From<&OwnedAgent> for OwnedAgentWire {
    fn from(record: &OwnedAgent) -> Self {
        let OwnedAgent { owner, agent, organisation, since } = record.clone();
        Self { v: FORMAT, owner, agent, organisation, since }
    }
}

impl TryFrom<OwnedAgentWire> for OwnedAgent {
    type Error = Damage;

    fn try_from(wire: OwnedAgentWire) -> Result<Self, Damage> {
        let OwnedAgentWire { owner, agent, organisation, since, v: _ } = wire;
        Ok(Self { owner, agent, organisation, since })
    }
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::record) struct StatusEntryWire {
    v: u64,
    status: String,
    agent: AgentId,
    organisation: Organisation,
}

impl From<&StatusEntry> for StatusEntryWire {
    fn from(record: &StatusEntry) -> Self {
        let StatusEntry { status, agent, organisation } = record.clone();
        Self { v: FORMAT, status: status.as_str().to_owned(), agent, organisation }
    }
}

impl TryFrom<StatusEntryWire> for StatusEntry {
    type Error = Damage;

    fn try_from(wire: StatusEntryWire) -> Result<Self, Damage> {
        let StatusEntryWire { status, agent, organisation, v: _ } = wire;
        Ok(Self { status: Status::parse(&status).ok_or(Damage("an unknown status"))?, agent, organisation })
    }
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::record) struct AgentTaskWire {
    v: u64,
    agent: AgentId,
    task: TaskId,
    organisation: Organisation,
    deadline: UnixTime,
}

impl From<&AgentTask> for AgentTaskWire {
    fn from(record: &AgentTask) -> Self {
        let AgentTask { agent, task, organisation, deadline } = record.clone();
        Self { v: FORMAT, agent, task, organisation, deadline }
    }
}

impl TryFrom<AgentTaskWire> for AgentTask {
    type Error = Damage;

    fn try_from(wire: AgentTaskWire) -> Result<Self, Damage> {
        let AgentTaskWire { agent, task, organisation, deadline, v: _ } = wire;
        Ok(Self { agent, task, organisation, deadline })
    }
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::record) struct AgentHopWire {
    v: u64,
    agent: AgentId,
    hop: Name,
    task: TaskId,
    organisation: Organisation,
    expires: UnixTime,
}

impl From<&AgentHop> for AgentHopWire {
    fn from(record: &AgentHop) -> Self {
        let AgentHop { agent, hop, task, organisation, expires_at } = record.clone();
        Self { v: FORMAT, agent, hop: Name(hop), task, organisation, expires: expires_at }
    }
}

impl TryFrom<AgentHopWire> for AgentHop {
    type Error = Damage;

    fn try_from(wire: AgentHopWire) -> Result<Self, Damage> {
        let AgentHopWire { agent, hop, task, organisation, expires, v: _ } = wire;
        Ok(Self { agent, hop: hop.0, task, organisation, expires_at: expires })
    }
}
