//! Off-boardings.

use handfast_identity::{UnixTime, json};
use serde::{Deserialize, Serialize};

use super::parts::is_false;
use super::{Damage, FORMAT};
use crate::limits::MAX_WHY_BYTES;
use crate::record::{OffboardingRecord, Organisation};
use crate::{AgentId, OwnerId, ShownText};

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::record) struct OffboardingWire {
    v: u64,
    owner: OwnerId,
    organisation: Organisation,
    #[serde(default, deserialize_with = "json::optional", skip_serializing_if = "Option::is_none")]
    to: Option<OwnerId>,
    by: OwnerId,
    #[serde(default, deserialize_with = "json::optional", skip_serializing_if = "Option::is_none")]
    why: Option<ShownText<MAX_WHY_BYTES>>,
    at: UnixTime,
    agents: u32,
    #[serde(default, deserialize_with = "json::optional", skip_serializing_if = "Option::is_none")]
    after: Option<AgentId>,
    #[serde(default, skip_serializing_if = "is_false")]
    found: bool,
    #[serde(default, deserialize_with = "json::optional", skip_serializing_if = "Option::is_none")]
    done: Option<UnixTime>,
}

impl From<&OffboardingRecord> for OffboardingWire {
    fn from(record: &OffboardingRecord) -> Self {
        let OffboardingRecord { owner, organisation, to, by, why, at, agents, after, found, done } = record.clone();
        Self { v: FORMAT, owner, organisation, to, by, why, at, agents, after, found, done }
    }
}

impl TryFrom<OffboardingWire> for OffboardingRecord {
    type Error = Damage;

    fn try_from(wire: OffboardingWire) -> Result<Self, Damage> {
        let OffboardingWire { owner, organisation, to, by, why, at, agents, after, found, done, v: _ } = wire;
        Ok(Self { owner, organisation, to, by, why, at, agents, after, found, done })
    }
}
