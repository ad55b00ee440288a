//! The keys the registry signs with.

use serde::{Deserialize, Serialize};

use super::{Damage, DidText, FORMAT};
use crate::limits::MAX_SIGNING_KEYS;
use crate::record::{IssuerKeysRecord, Organisation};

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::record) struct IssuerKeysWire {
    v: u64,
    organisation: Organisation,
    token: Vec<String>,
    feed: DidText,
}

impl From<&IssuerKeysRecord> for IssuerKeysWire {
    fn from(record: &IssuerKeysRecord) -> Self {
        let IssuerKeysRecord { organisation, token, feed } = record.clone();
        Self { v: FORMAT, organisation, token, feed: DidText(feed) }
    }
}

impl TryFrom<IssuerKeysWire> for IssuerKeysRecord {
    type Error = Damage;

    fn try_from(wire: IssuerKeysWire) -> Result<Self, Damage> {
        let IssuerKeysWire { organisation, token, feed, v: _ } = wire;
        if (1..=MAX_SIGNING_KEYS).contains(&token.len()) {
            Ok(Self { organisation, token, feed: feed.0 })
        } else {
            Err(Damage("no number of keys that a registry signs with"))
        }
    }
}
