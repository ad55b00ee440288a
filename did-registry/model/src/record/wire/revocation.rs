//! Revocations.

use handfast_identity::{UnixTime, json};
use serde::{Deserialize, Serialize};

use super::{Damage, DidText, FORMAT};
use crate::limits::{MAX_REVOCATION_ID_BYTES, MAX_WHY_BYTES};
use crate::record::{Organisation, RevocationRecord};
use crate::{FeedKind, OwnerId, Party, ShownText};

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(clippy::large_enum_variant)] // one of a kind in each record: nothing holds many
enum PartyWire {
    Owner(OwnerId),
    Agent(DidText),
    Operator,
}

impl From<&Party> for PartyWire {
    fn from(party: &Party) -> Self {
        match party.clone() {
            Party::Owner(id) => Self::Owner(id),
            Party::Agent(did) => Self::Agent(DidText(did)),
            Party::Operator => Self::Operator,
        }
    }
}

impl From<PartyWire> for Party {
    fn from(wire: PartyWire) -> Self {
        match wire {
            PartyWire::Owner(id) => Self::Owner(id),
            PartyWire::Agent(DidText(did)) => Self::Agent(did),
            PartyWire::Operator => Self::Operator,
        }
    }
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::record) struct RevocationWire {
    v: u64,
    organisation: Organisation,
    kind: String,
    id: String,
    by: PartyWire,
    #[serde(default, deserialize_with = "json::optional", skip_serializing_if = "Option::is_none")]
    why: Option<ShownText<MAX_WHY_BYTES>>,
    at: UnixTime,
    #[serde(default, deserialize_with = "json::optional", skip_serializing_if = "Option::is_none")]
    cut: Option<UnixTime>,
    #[serde(default, deserialize_with = "json::optional", skip_serializing_if = "Option::is_none")]
    until: Option<UnixTime>,
}

impl From<&RevocationRecord> for RevocationWire {
    fn from(record: &RevocationRecord) -> Self {
        let RevocationRecord { organisation, kind, id, by, why, at, cut, until } = record.clone();
        Self { v: FORMAT, organisation, kind: kind.as_str().to_owned(), id, by: (&by).into(), why, at, cut, until }
    }
}

impl TryFrom<RevocationWire> for RevocationRecord {
    type Error = Damage;

    fn try_from(wire: RevocationWire) -> Result<Self, Damage> {
        let RevocationWire { organisation, kind, id, by, why, at, cut, until, v: _ } = wire;
        // the end of an agent is in the agent's own record
        let kind = FeedKind::parse(&kind).filter(|kind| *kind != FeedKind::Agent);
        let kind = kind.ok_or(Damage("a revocation of an unknown kind"))?;
        if id.len() > MAX_REVOCATION_ID_BYTES {
            return Err(Damage("a revocation of something with an overlong id"));
        }
        // keys are stopped for ever, and nothing else is
        if until.is_none() != matches!(kind, FeedKind::Key | FeedKind::IssuerKey) {
            return Err(Damage("a revocation that ends and should not, or should and does not"));
        }
        Ok(Self { organisation, kind, id, by: by.into(), why, at, cut, until })
    }
}
