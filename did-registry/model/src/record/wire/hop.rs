//! Hops and trees.

use handfast_identity::{ContentHash, UnixTime, json};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::status::PlaceWire;
use super::{AuthorityWire, Damage, DidText, FORMAT};
use crate::TaskId;
use crate::limits::MAX_HOPS_PER_TASK;
use crate::record::{HopRecord, Organisation, TreeEntry, TreeRecord};

/// A hop's name, parsed again on the way in.
pub(super) struct Name(pub(super) ContentHash);

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        ContentHash::from_claim(&text).map(Self).ok_or_else(|| serde::de::Error::custom("not a hash"))
    }
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::record) struct HopWire {
    v: u64,
    name: Name,
    organisation: Organisation,
    task: TaskId,
    root_jti: String,
    #[serde(default, deserialize_with = "json::optional", skip_serializing_if = "Option::is_none")]
    parent: Option<Name>,
    delegator: DidText,
    delegate: DidText,
    depth: u8,
    instance: bool,
    #[serde(deserialize_with = "json::object")]
    authority: AuthorityWire,
    created: UnixTime,
    #[serde(default, deserialize_with = "json::optional_object", skip_serializing_if = "Option::is_none")]
    status: Option<PlaceWire>,
}

impl From<&HopRecord> for HopWire {
    fn from(record: &HopRecord) -> Self {
        Self {
            v: FORMAT,
            name: Name(record.name),
            organisation: record.organisation.clone(),
            task: record.task.clone(),
            root_jti: record.root_token.clone(),
            parent: record.parent.map(Name),
            delegator: DidText(record.delegator.clone()),
            delegate: DidText(record.delegate.clone()),
            depth: record.depth,
            instance: record.is_instance,
            authority: (&record.authority).into(),
            created: record.created,
            status: record.place.map(PlaceWire::from),
        }
    }
}

impl TryFrom<HopWire> for HopRecord {
    type Error = Damage;

    fn try_from(wire: HopWire) -> Result<Self, Damage> {
        if wire.parent.is_some() != (wire.depth > 1) {
            return Err(Damage("a hop behind a root with a parent, or the reverse"));
        }
        Ok(Self {
            name: wire.name.0,
            organisation: wire.organisation,
            task: wire.task,
            root_token: wire.root_jti,
            parent: wire.parent.map(|Name(name)| name),
            delegator: wire.delegator.0,
            delegate: wire.delegate.0,
            depth: wire.depth,
            is_instance: wire.instance,
            authority: wire.authority.try_into()?,
            created: wire.created,
            place: wire.status.map(TryInto::try_into).transpose()?,
        })
    }
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::record) struct TreeWire {
    v: u64,
    task: TaskId,
    organisation: Organisation,
    hops: u16,
}

impl From<&TreeRecord> for TreeWire {
    fn from(record: &TreeRecord) -> Self {
        let TreeRecord { task, organisation, hops } = record.clone();
        Self { v: FORMAT, task, organisation, hops }
    }
}

impl TryFrom<TreeWire> for TreeRecord {
    type Error = Damage;

    fn try_from(wire: TreeWire) -> Result<Self, Damage> {
        let TreeWire { task, organisation, hops, v: _ } = wire;
        if hops > MAX_HOPS_PER_TASK {
            return Err(Damage("more hops than a task may have"));
        }
        Ok(Self { task, organisation, hops })
    }
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::record) struct TreeEntryWire {
    v: u64,
    task: TaskId,
    organisation: Organisation,
    place: u16,
    hop: Name,
}

impl From<&TreeEntry> for TreeEntryWire {
    fn from(record: &TreeEntry) -> Self {
        let TreeEntry { task, organisation, place, hop } = record.clone();
        Self { v: FORMAT, task, organisation, place, hop: Name(hop) }
    }
}

impl TryFrom<TreeEntryWire> for TreeEntry {
    type Error = Damage;

    fn try_from(wire: TreeEntryWire) -> Result<Self, Damage> {
        let TreeEntryWire { task, organisation, place, hop, v: _ } = wire;
        Ok(Self { task, organisation, place, hop: hop.0 })
    }
}
