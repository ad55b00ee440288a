//! An agent's record.

use handfast_delegation::Environment;
use handfast_identity::history::MAX_KEYS_PER_AGENT;
use handfast_identity::{UnixTime, json};
use serde::{Deserialize, Serialize};

use super::tenure::TenureWire;
use super::{AuthorityWire, CeilingWire, Damage, DidText, FORMAT, HandleText, RateWire, is_false};
use crate::limits::{MAX_NAME_BYTES, MAX_PURPOSE_BYTES, MAX_VERSION_BYTES};
use crate::record::{AgentRecord, Claimed, Life, Organisation, Profile, Rate, Revoked, Unclaimed};
use crate::{AgentId, ClaimId, OwnerId, ShownText};

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::record) struct AgentWire {
    v: u64,
    id: AgentId,
    organisation: Organisation,
    did: DidText,
    /// Formats 1 to 3 had a list of former DIDs here, in which there never was one.
    #[serde(default, skip_serializing)]
    former: Vec<DidText>,
    #[serde(default = "first", skip_serializing_if = "is_first")]
    key_number: u16,
    #[serde(default, skip_serializing_if = "is_false")]
    key_compromised: bool,
    handle: HandleText,
    name: ShownText<MAX_NAME_BYTES>,
    version: ShownText<MAX_VERSION_BYTES>,
    purpose: ShownText<MAX_PURPOSE_BYTES>,
    environment: Environment,
    created: UnixTime,
    #[serde(deserialize_with = "json::object")]
    life: LifeWire,
}

/// The number of the key that an agent registers with.
const fn first() -> u16 {
    1
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde asks for a reference
const fn is_first(number: &u16) -> bool {
    *number == 1
}

#[derive(Deserialize, Serialize)]
#[serde(tag = "status", deny_unknown_fields)]
enum LifeWire {
    #[serde(rename = "UNCLAIMED")]
    Unclaimed {
        claim: ClaimId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expected_owner: Option<OwnerId>,
        #[serde(deserialize_with = "json::object")]
        requested: AuthorityWire,
        last_used: UnixTime,
        #[serde(default, deserialize_with = "json::optional_object", skip_serializing_if = "Option::is_none")]
        codes: Option<RateWire>,
    },
    #[serde(rename = "CLAIMED")]
    Claimed {
        owner: OwnerId,
        #[serde(deserialize_with = "json::object")]
        ceiling: CeilingWire,
        at: UnixTime,
        #[serde(
            default,
            rename = "held",
            deserialize_with = "json::object",
            skip_serializing_if = "TenureWire::is_default"
        )]
        tenure: TenureWire,
    },
    #[serde(rename = "REVOKED")]
    Revoked {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owner: Option<OwnerId>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        claimed_at: Option<UnixTime>,
        at: UnixTime,
    },
}

impl From<&AgentRecord> for AgentWire {
    fn from(record: &AgentRecord) -> Self {
        Self {
            v: FORMAT,
            id: record.id.clone(),
            organisation: record.organisation.clone(),
            did: DidText(record.did.clone()),
            former: Vec::new(),
            key_number: record.key_number,
            key_compromised: record.is_key_compromised,
            handle: HandleText(record.handle.clone()),
            name: record.profile.name.clone(),
            version: record.profile.version.clone(),
            purpose: record.profile.purpose.clone(),
            environment: record.profile.environment,
            created: record.created,
            life: (&record.life).into(),
        }
    }
}

impl TryFrom<AgentWire> for AgentRecord {
    type Error = Damage;

    fn try_from(wire: AgentWire) -> Result<Self, Damage> {
        if !wire.former.is_empty() {
            return Err(Damage("former DIDs from before there was rotation"));
        }
        if !(1..=MAX_KEYS_PER_AGENT).contains(&wire.key_number) {
            return Err(Damage("a key with a number that no key has"));
        }
        Ok(Self {
            id: wire.id,
            organisation: wire.organisation,
            did: wire.did.0,
            key_number: wire.key_number,
            is_key_compromised: wire.key_compromised,
            former: Vec::new(),
            handle: wire.handle.0,
            profile: Profile {
                name: wire.name,
                version: wire.version,
                purpose: wire.purpose,
                environment: wire.environment,
            },
            created: wire.created,
            life: wire.life.try_into()?,
        })
    }
}

impl From<&Life> for LifeWire {
    fn from(life: &Life) -> Self {
        match life.clone() {
            Life::Unclaimed(Unclaimed { claim, expected_owner, requested, last_used, codes }) => Self::Unclaimed {
                claim,
                expected_owner,
                requested: (&requested).into(),
                last_used,
                codes: codes.map(RateWire::from),
            },
            Life::Claimed(Claimed { owner, ceiling, at, tenure }) => {
                Self::Claimed { owner, ceiling: (&ceiling).into(), at, tenure: tenure.into() }
            }
            Life::Revoked(Revoked { owner, claimed_at, at }) => Self::Revoked { owner, claimed_at, at },
        }
    }
}

impl TryFrom<LifeWire> for Life {
    type Error = Damage;

    fn try_from(wire: LifeWire) -> Result<Self, Damage> {
        Ok(match wire {
            LifeWire::Unclaimed { claim, expected_owner, requested, last_used, codes } => Self::Unclaimed(Unclaimed {
                claim,
                expected_owner,
                requested: requested.try_into()?,
                last_used,
                codes: codes.map(Rate::from),
            }),
            LifeWire::Claimed { owner, ceiling, at, tenure } => {
                Self::Claimed(Claimed { owner, ceiling: ceiling.try_into()?, at, tenure: tenure.try_into()? })
            }
            LifeWire::Revoked { owner, claimed_at, at } => {
                if owner.is_some() != claimed_at.is_some() {
                    return Err(Damage("an owner without a time of claiming, or the reverse"));
                }
                Self::Revoked(Revoked { owner, claimed_at, at })
            }
        })
    }
}
