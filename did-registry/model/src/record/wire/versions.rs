//! Versions of an agent.

use handfast_identity::{UnixTime, json};
use serde::{Deserialize, Serialize};

use super::{Damage, FORMAT, RateWire, objects};
use crate::limits::{MAX_VERSION_BYTES, MAX_VERSIONS};
use crate::record::{KnownVersion, Organisation, VersionsRecord};
use crate::{AgentId, ShownText};

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::record) struct VersionsWire {
    v: u64,
    agent: AgentId,
    organisation: Organisation,
    stated: UnixTime,
    #[serde(deserialize_with = "json::object")]
    made: RateWire,
    #[serde(deserialize_with = "objects")]
    known: Vec<KnownWire>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct KnownWire {
    version: ShownText<MAX_VERSION_BYTES>,
    since: UnixTime,
}

impl From<&VersionsRecord> for VersionsWire {
    fn from(record: &VersionsRecord) -> Self {
        let VersionsRecord { agent, organisation, stated, made, known } = record.clone();
        let known = known.into_iter().map(|KnownVersion { version, since }| KnownWire { version, since }).collect();
        Self { v: FORMAT, agent, organisation, stated, made: made.into(), known }
    }
}

impl TryFrom<VersionsWire> for VersionsRecord {
    type Error = Damage;

    fn try_from(wire: VersionsWire) -> Result<Self, Damage> {
        let VersionsWire { agent, organisation, stated, made, known, v: _ } = wire;
        if known.is_empty() || known.len() > MAX_VERSIONS {
            return Err(Damage("no version, or more than are kept"));
        }
        let known = known.into_iter().map(|KnownWire { version, since }| KnownVersion { version, since }).collect();
        Ok(Self { agent, organisation, stated, made: made.into(), known })
    }
}
