//! Keys, and rotations that wait.

use handfast_identity::history::{MAX_KEY_STATEMENT_BYTES, MAX_KEYS_PER_AGENT};
use handfast_identity::{ContentHash, UnixTime, json};
use serde::{Deserialize, Serialize};

use super::{Damage, DidText, FORMAT, Hash32};
use crate::record::{KeyGround, KeyRecord, Organisation, PendingRotation};
use crate::{AgentId, ReceivedStatement};

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::record) struct KeyWire {
    v: u64,
    agent: AgentId,
    organisation: Organisation,
    number: u16,
    did: DidText,
    #[serde(default, deserialize_with = "json::optional", skip_serializing_if = "Option::is_none")]
    statement: Option<String>,
    #[serde(default, deserialize_with = "json::optional", skip_serializing_if = "Option::is_none")]
    last_good: Option<u16>,
    hash: Hash32,
    since: UnixTime,
    #[serde(default, deserialize_with = "json::optional", skip_serializing_if = "Option::is_none")]
    replaced: Option<UnixTime>,
    #[serde(default, deserialize_with = "json::optional", skip_serializing_if = "Option::is_none")]
    compromised: Option<UnixTime>,
}

impl From<&KeyRecord> for KeyWire {
    fn from(record: &KeyRecord) -> Self {
        Self {
            v: FORMAT,
            agent: record.agent.clone(),
            organisation: record.organisation.clone(),
            number: record.number,
            did: DidText(record.did.clone()),
            statement: record.statement().map(|statement| statement.as_str().to_owned()),
            last_good: record.last_good(),
            hash: Hash32(*record.hash.as_bytes()),
            since: record.since,
            replaced: record.replaced,
            compromised: record.compromised,
        }
    }
}

impl TryFrom<KeyWire> for KeyRecord {
    type Error = Damage;

    fn try_from(wire: KeyWire) -> Result<Self, Damage> {
        if !(1..=MAX_KEYS_PER_AGENT).contains(&wire.number) {
            return Err(Damage("a key with a number that no key has"));
        }
        let ground = match (wire.statement, wire.last_good) {
            (None, None) if wire.number == 1 => KeyGround::Registered,
            (Some(text), None) if wire.number > 1 => KeyGround::Rotated(received(text)?),
            (Some(text), Some(last_good)) if last_good < wire.number => {
                KeyGround::Recovered { statement: received(text)?, last_good }
            }
            _ => return Err(Damage("a key on no ground")),
        };
        Ok(Self {
            agent: wire.agent,
            organisation: wire.organisation,
            number: wire.number,
            did: wire.did.0,
            ground,
            hash: ContentHash::from_bytes(wire.hash.0),
            since: wire.since,
            replaced: wire.replaced,
            compromised: wire.compromised,
        })
    }
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::record) struct PendingWire {
    v: u64,
    agent: AgentId,
    organisation: Organisation,
    did: DidText,
    statement: String,
    requested: UnixTime,
    expires: UnixTime,
}

impl From<&PendingRotation> for PendingWire {
    fn from(record: &PendingRotation) -> Self {
        let PendingRotation { agent, organisation, did, statement, requested, expires } = record.clone();
        let (did, statement) = (DidText(did), statement.as_str().to_owned());
        Self { v: FORMAT, agent, organisation, did, statement, requested, expires }
    }
}

impl TryFrom<PendingWire> for PendingRotation {
    type Error = Damage;

    fn try_from(wire: PendingWire) -> Result<Self, Damage> {
        let PendingWire { agent, organisation, did, statement, requested, expires, v: _ } = wire;
        Ok(Self { agent, organisation, did: did.0, statement: received(statement)?, requested, expires })
    }
}

fn received(text: String) -> Result<ReceivedStatement, Damage> {
    if text.len() > MAX_KEY_STATEMENT_BYTES {
        return Err(Damage("a statement longer than one may be"));
    }
    Ok(ReceivedStatement::kept(text))
}
