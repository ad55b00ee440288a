//! Last uses.

use handfast_delegation::Scope;
use handfast_identity::UnixTime;
use serde::{Deserialize, Serialize};

use super::{Damage, FORMAT, objects};
use crate::AgentId;
use crate::limits::{MAX_USED_SCOPE_BYTES, MAX_USED_SCOPES};
use crate::record::{Organisation, UsageRecord, UsedScope};

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::record) struct UsageWire {
    v: u64,
    agent: AgentId,
    organisation: Organisation,
    seen: UnixTime,
    #[serde(deserialize_with = "objects")]
    scopes: Vec<UsedWire>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct UsedWire {
    s: String,
    at: UnixTime,
}

impl From<&UsageRecord> for UsageWire {
    fn from(record: &UsageRecord) -> Self {
        let UsageRecord { agent, organisation, seen, scopes } = record.clone();
        let scopes = scopes.into_iter().map(|UsedScope { scope, at }| UsedWire { s: scope, at }).collect();
        Self { v: FORMAT, agent, organisation, seen, scopes }
    }
}

impl TryFrom<UsageWire> for UsageRecord {
    type Error = Damage;

    fn try_from(wire: UsageWire) -> Result<Self, Damage> {
        let UsageWire { agent, organisation, seen, scopes, v: _ } = wire;
        let bytes: usize = scopes.iter().map(|used| used.s.len()).sum();
        let is_token = |used: &UsedWire| Scope::parse(&used.s).is_ok() && !used.s.is_empty() && !used.s.contains(' ');
        if scopes.len() > MAX_USED_SCOPES || bytes > MAX_USED_SCOPE_BYTES || !scopes.iter().all(is_token) {
            return Err(Damage("more scopes than are kept, or what is none"));
        }
        let scopes = scopes.into_iter().map(|UsedWire { s, at }| UsedScope { scope: s, at }).collect();
        Ok(Self { agent, organisation, seen, scopes })
    }
}
