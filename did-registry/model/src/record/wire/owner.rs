//! Owners and their codes.

use handfast_identity::UnixTime;
use serde::{Deserialize, Serialize};

use super::{Damage, DidText, FORMAT, Hash32};
use crate::code::OwnerCodeDigest;
use crate::limits::MAX_NAME_BYTES;
use crate::record::{Organisation, OwnerCodeRecord, OwnerRecord, Role};
use crate::{OwnerId, ShownText};

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::record) struct OwnerWire {
    v: u64,
    id: OwnerId,
    organisation: Organisation,
    did: DidText,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<ShownText<MAX_NAME_BYTES>>,
    role: RoleWire,
    created: UnixTime,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum RoleWire {
    Owner,
    Admin,
}

impl From<Role> for RoleWire {
    fn from(role: Role) -> Self {
        match role {
            Role::Owner => Self::Owner,
            Role::Admin => Self::Admin,
        }
    }
}

impl From<RoleWire> for Role {
    fn from(wire: RoleWire) -> Self {
        match wire {
            RoleWire::Owner => Self::Owner,
            RoleWire::Admin => Self::Admin,
        }
    }
}

impl From<&OwnerRecord> for OwnerWire {
    fn from(record: &OwnerRecord) -> Self {
        Self {
            v: FORMAT,
            id: record.id.clone(),
            organisation: record.organisation.clone(),
            did: DidText(record.did.clone()),
            name: record.name.clone(),
            role: record.role.into(),
            created: record.created,
        }
    }
}

impl TryFrom<OwnerWire> for OwnerRecord {
    type Error = Damage;

    fn try_from(wire: OwnerWire) -> Result<Self, Damage> {
        let OwnerWire { id, organisation, did, name, role, created, v: _ } = wire;
        Ok(Self { id, organisation, did: did.0, name, role: role.into(), created })
    }
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::record) struct OwnerCodeWire {
    v: u64,
    digest: Hash32,
    organisation: Organisation,
    role: RoleWire,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<ShownText<MAX_NAME_BYTES>>,
    expires: UnixTime,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    used_by: Option<OwnerId>,
}

impl From<&OwnerCodeRecord> for OwnerCodeWire {
    fn from(record: &OwnerCodeRecord) -> Self {
        Self {
            v: FORMAT,
            digest: Hash32(record.digest.0),
            organisation: record.organisation.clone(),
            role: record.role.into(),
            name: record.name.clone(),
            expires: record.expires,
            used_by: record.used_by.clone(),
        }
    }
}

impl TryFrom<OwnerCodeWire> for OwnerCodeRecord {
    type Error = Damage;

    fn try_from(wire: OwnerCodeWire) -> Result<Self, Damage> {
        let OwnerCodeWire { digest, organisation, role, name, expires, used_by, v: _ } = wire;
        Ok(Self { digest: OwnerCodeDigest(digest.0), organisation, role: role.into(), name, expires, used_by })
    }
}
