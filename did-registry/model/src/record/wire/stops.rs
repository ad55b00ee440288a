//! How much an agent stopped lately.

use handfast_identity::json;
use serde::{Deserialize, Serialize};

use super::{Damage, FORMAT, RateWire};
use crate::AgentId;
use crate::record::{Organisation, StopsRecord};

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::record) struct StopsWire {
    v: u64,
    agent: AgentId,
    organisation: Organisation,
    #[serde(deserialize_with = "json::object")]
    made: RateWire,
}

impl From<&StopsRecord> for StopsWire {
    fn from(record: &StopsRecord) -> Self {
        let StopsRecord { agent, organisation, made } = record.clone();
        Self { v: FORMAT, agent, organisation, made: made.into() }
    }
}

impl TryFrom<StopsWire> for StopsRecord {
    type Error = Damage;

    fn try_from(wire: StopsWire) -> Result<Self, Damage> {
        let StopsWire { agent, organisation, made, v: _ } = wire;
        Ok(Self { agent, organisation, made: made.into() })
    }
}
