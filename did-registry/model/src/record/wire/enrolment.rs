//! Enrolments.

use handfast_delegation::Environment;
use handfast_identity::{UnixTime, json};
use serde::{Deserialize, Serialize};

use super::{CeilingWire, Damage, DidText, FORMAT, Hash32};
use crate::code::CodeHash;
use crate::limits::MAX_NAME_BYTES;
use crate::record::{EnrolmentEnd, EnrolmentRecord, Organisation, OwnedEnrolment};
use crate::{AgentId, EnrolmentId, OwnerId, ShownText};

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::record) struct EnrolmentWire {
    v: u64,
    id: EnrolmentId,
    organisation: Organisation,
    owner: OwnerId,
    token: Hash32,
    #[serde(deserialize_with = "json::object")]
    ceiling: CeilingWire,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    environment: Option<Environment>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    label: Option<ShownText<MAX_NAME_BYTES>>,
    created: UnixTime,
    expires: UnixTime,
    #[serde(default, deserialize_with = "json::optional_object", skip_serializing_if = "Option::is_none")]
    end: Option<EndWire>,
}

#[derive(Deserialize, Serialize)]
#[serde(tag = "how", rename_all = "lowercase", deny_unknown_fields)]
#[allow(clippy::large_enum_variant)] // one in each record: nothing holds many
enum EndWire {
    Used { agent: AgentId, did: DidText, at: UnixTime },
    Revoked { at: UnixTime },
}

impl From<EnrolmentEnd> for EndWire {
    fn from(end: EnrolmentEnd) -> Self {
        match end {
            EnrolmentEnd::Used { agent, did, at } => Self::Used { agent, did: DidText(did), at },
            EnrolmentEnd::Revoked { at } => Self::Revoked { at },
        }
    }
}

impl From<EndWire> for EnrolmentEnd {
    fn from(wire: EndWire) -> Self {
        match wire {
            EndWire::Used { agent, did, at } => Self::Used { agent, did: did.0, at },
            EndWire::Revoked { at } => Self::Revoked { at },
        }
    }
}

impl From<&EnrolmentRecord> for EnrolmentWire {
    fn from(record: &EnrolmentRecord) -> Self {
        Self {
            v: FORMAT,
            id: record.id.clone(),
            organisation: record.organisation.clone(),
            owner: record.owner.clone(),
            token: Hash32(record.token.0),
            ceiling: (&record.ceiling).into(),
            environment: record.environment,
            label: record.label.clone(),
            created: record.created,
            expires: record.expires,
            end: record.end.clone().map(EndWire::from),
        }
    }
}

impl TryFrom<EnrolmentWire> for EnrolmentRecord {
    type Error = Damage;

    fn try_from(wire: EnrolmentWire) -> Result<Self, Damage> {
        let EnrolmentWire { id, organisation, owner, token, ceiling, environment, label, created, expires, end, v: _ } =
            wire;
        let (token, ceiling, end) = (CodeHash(token.0), ceiling.try_into()?, end.map(EnrolmentEnd::from));
        Ok(Self { id, organisation, owner, token, ceiling, environment, label, created, expires, end })
    }
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::record) struct OwnedEnrolmentWire {
    v: u64,
    owner: OwnerId,
    enrolment: EnrolmentId,
    organisation: Organisation,
}

impl From<&OwnedEnrolment> for OwnedEnrolmentWire {
    fn from(record: &OwnedEnrolment) -> Self {
        let OwnedEnrolment { owner, enrolment, organisation } = record.clone();
        Self { v: FORMAT, owner, enrolment, organisation }
    }
}

impl TryFrom<OwnedEnrolmentWire> for OwnedEnrolment {
    type Error = Damage;

    fn try_from(wire: OwnedEnrolmentWire) -> Result<Self, Damage> {
        let OwnedEnrolmentWire { owner, enrolment, organisation, v: _ } = wire;
        Ok(Self { owner, enrolment, organisation })
    }
}
