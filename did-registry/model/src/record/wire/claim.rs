//! A claim. Member names of the tries are short: there may be 58 of them in 4 KiB.

use handfast_identity::{UnixTime, json};
use serde::{Deserialize, Serialize};

use super::{Damage, FORMAT, Hash32, objects};
use crate::code::CodeHash;
use crate::limits::{MAX_CONFIRMING_OWNERS, MAX_WRONG_CODES, MAX_WRONG_CODES_PER_OWNER};
use crate::record::{ClaimRecord, ClaimState, Organisation, OwnerTries};
use crate::{AgentId, ClaimId, OwnerId};

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::record) struct ClaimWire {
    v: u64,
    id: ClaimId,
    organisation: Organisation,
    agent: AgentId,
    code: Hash32,
    expires: UnixTime,
    #[serde(deserialize_with = "json::object")]
    state: StateWire,
}

#[derive(Deserialize, Serialize)]
#[serde(tag = "status", deny_unknown_fields)]
enum StateWire {
    #[serde(rename = "pending")]
    Pending {
        #[serde(deserialize_with = "objects")]
        tries: Vec<TriesWire>,
    },
    #[serde(rename = "claimed")]
    Claimed { owner: OwnerId },
    #[serde(rename = "refused")]
    Refused { owner: OwnerId },
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct TriesWire {
    /// The owner.
    o: OwnerId,
    /// Wrong codes.
    w: u8,
    /// The terms to confirm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    t: Option<Hash32>,
}

impl From<&ClaimRecord> for ClaimWire {
    fn from(record: &ClaimRecord) -> Self {
        Self {
            v: FORMAT,
            id: record.id.clone(),
            organisation: record.organisation.clone(),
            agent: record.agent.clone(),
            code: Hash32(record.code.0),
            expires: record.expires,
            state: match &record.state {
                ClaimState::Pending(tries) => StateWire::Pending { tries: tries.iter().map(TriesWire::from).collect() },
                ClaimState::Claimed(owner) => StateWire::Claimed { owner: owner.clone() },
                ClaimState::Refused(owner) => StateWire::Refused { owner: owner.clone() },
            },
        }
    }
}

impl From<&OwnerTries> for TriesWire {
    fn from(tries: &OwnerTries) -> Self {
        Self { o: tries.owner.clone(), w: tries.wrong, t: tries.terms.map(Hash32) }
    }
}

impl TryFrom<ClaimWire> for ClaimRecord {
    type Error = Damage;

    fn try_from(wire: ClaimWire) -> Result<Self, Damage> {
        Ok(Self {
            id: wire.id,
            organisation: wire.organisation,
            agent: wire.agent,
            code: CodeHash(wire.code.0),
            expires: wire.expires,
            state: match wire.state {
                StateWire::Pending { tries } => ClaimState::Pending(checked(tries)?),
                StateWire::Claimed { owner } => ClaimState::Claimed(owner),
                StateWire::Refused { owner } => ClaimState::Refused(owner),
            },
        })
    }
}

fn checked(wire: Vec<TriesWire>) -> Result<Vec<OwnerTries>, Damage> {
    let tries: Vec<_> = wire
        .into_iter()
        .map(|TriesWire { o, w, t }| OwnerTries { owner: o, wrong: w, terms: t.map(|Hash32(terms)| terms) })
        .collect();
    let wrong: usize = tries.iter().map(|tries| usize::from(tries.wrong)).sum();
    let confirming = tries.iter().filter(|tries| tries.terms.is_some()).count();
    let repeated =
        tries.iter().enumerate().any(|(place, one)| tries.iter().skip(place + 1).any(|o| o.owner == one.owner));
    if repeated
        || wrong > usize::from(MAX_WRONG_CODES)
        || confirming > MAX_CONFIRMING_OWNERS
        || tries.iter().any(|tries| tries.wrong > MAX_WRONG_CODES_PER_OWNER)
    {
        return Err(Damage("more tries than a claim counts"));
    }
    Ok(tries)
}
